"""Values from files: ``.npy``, ``.npz``, ``.json`` and ``.csv``. Nothing is unpickled, and no header is believed."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from typing import IO, Any

from .errors import BackpropError, FileProblem, PointError
from .language import parse_bindings
from .limits import LIMITS, Limits
from .shapes import Shape, size
from .textfiles import read_text
from .values import Value, as_value

MOST_HEADER = 10_000
"""Characters of an .npy file's header."""

HEADER = re.compile(
    r"\{'descr': ('[^']*'|\[.*\]), 'fortran_order': (True|False), 'shape': \(((?:\d+L?, *)*(?:\d+L?)?)\),? *\}\s*",
    re.DOTALL,
)
"""What NumPy writes, its keys always in this order."""

WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def read_value(path: str, name: str = "", limits: Limits = LIMITS) -> Value:
    """The number or tensor in a file.

    Args:
        path: a file whose name ends in .npy, .npz, .json or .csv; of several arrays in an .npz the one called `name`.
        name: what the value is for.
        limits: the limits in force.

    Raises:
        FileProblem: the file cannot be read or is damaged; PointError: it holds no number or tensor; LimitError.
    """
    kind = os.path.splitext(path)[1].lower()
    if kind not in READERS:
        raise FileProblem(f"{path} is no .npy, .npz, .json or .csv file", hint="save the value in one of these forms")
    try:
        return READERS[kind](path, name, limits)
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # such as a zero byte in the path
        raise FileProblem(f"{path} cannot be read: {str(error).partition(';')[0]}") from None


def read_point(path: str, limits: Limits = LIMITS, text: str | None = None) -> dict[str, Value]:
    """The values in a point file: a JSON object, or the arrays of an .npz.

    In JSON a value is a number, nested lists, a text such as ``"pi/4"``, or ``"@w.npy"`` for a file beside this one.

    Args:
        path: the file.
        limits: the limits in force.
        text: the JSON itself, where it is in no file; the path then says what to call it.

    Raises:
        PointError, FileProblem, LimitError: it cannot be used.
    """
    if text is None and path.lower().endswith(".npz"):
        try:
            return _arrays(path, limits)
        except OSError as error:
            raise FileProblem(f"{path} cannot be read: {error.strerror or error}") from None
    found = _json(path, limits, text)
    if not isinstance(found, dict):
        raise PointError(f"{path} holds no object", hint='a point is an object such as {"x": 1}')
    return {name: _value(path, name, value, limits) for name, value in found.items()}


def value_of(what: str, text: str, limits: Limits = LIMITS) -> Value:
    """One number, tensor or constant expression, such as ``pi/4`` or ``[1, 2]``, or ``@file``.

    Raises:
        BackpropError: the text is something else; the error says of what.
    """
    try:
        values = parse_bindings(f"x={text}", limits, lambda path, _: read_value(path, "", limits))
    except BackpropError as error:
        if _lists(text, limits):
            raise PointError(f"{what} is one value, not {text!r}", hint=f"a tensor is written `[{text}]`") from None
        error.message = f"{what}: {error.message}"
        if error.start >= 0:
            error.source, error.start, error.end = text, max(error.start - 2, 0), max(error.end - 2, 1)
        raise
    if len(values) > 1:
        raise PointError(f"{what} is one value, not {text!r}")
    return values["x"]


def _lists(text: str, limits: Limits) -> bool:
    """Whether the text would be a tensor, were it in brackets."""
    try:
        parse_bindings(f"x=[{text}]", limits)
    except BackpropError:
        return False
    return "," in text


def _npy(path: str, name: str, limits: Limits) -> Value:
    with open(path, "rb") as stream:
        return _array(stream, os.path.getsize(path), path, limits)


def _npz(path: str, name: str, limits: Limits) -> Value:
    return next(iter(_arrays(path, limits, name or " ").values()))


def _arrays(path: str, limits: Limits, only: str = "") -> dict[str, Value]:
    """The arrays of an .npz by name; only one of them where that is there."""
    import zipfile

    if os.path.exists(path) and not os.path.isfile(path):
        raise FileProblem(f"{path} is no file of its own, as an archive must be")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {}
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in members:
                    raise PointError(f"{path}: `{name}` is given twice", hint="give each name one value")
                members[name] = info
            if only in members:
                members = {only: members[only]}
            elif only and len(members) != 1:
                names = ", ".join(list(members)[:20])
                raise PointError(f"{path} holds {len(members)} arrays, none called `{only}`", hint=f"it has: {names}")
            limits.hold("memory", sum(info.file_size for info in members.values()), f"{path}: ")
            found = {}
            for name, info in members.items():
                with archive.open(info) as stream:
                    found[name] = _array(stream, info.file_size, f"{path}, array `{name}`", limits)
            return found
    except (BackpropError, OSError, MemoryError):
        raise
    except Exception:  # BadZipFile, and whatever zlib, bz2 and lzma raise
        raise FileProblem(f"{path} is no .npz archive, or damaged or encrypted") from None


def _array(stream: IO[bytes], length: int, path: str, limits: Limits) -> Value:
    """An array in NumPy's own format; its header is held against the file's length before anything is allocated."""
    header = _header(stream)
    if header is None:
        raise FileProblem(f"{path} is no .npy file, or its header is damaged", hint="numpy.save writes such files")
    kind, fortran, shape = header
    if "O" in kind:
        raise PointError(f"{path} holds Python objects, which would have to be unpickled", hint="save it as float64")
    if not re.fullmatch(r"[<>=|]?([iu][1248]|f(2|4|8|16)|b1)", kind):
        raise PointError(f"{path} holds no real numbers, but {_type_name(kind)}", hint="save it as float64")
    import numpy as np

    count, dtype = size(shape), np.dtype(kind)
    limits.hold("tensor", 8 * count, f"{path}: ")
    follow = length - stream.tell()
    if count * dtype.itemsize != follow:
        raise FileProblem(
            f"{path} is damaged: its header tells of {count * dtype.itemsize:,} bytes, and {follow:,} follow"
        )
    data = stream.read(follow)
    if len(data) != follow:
        raise FileProblem(f"{path} is damaged: it ends after {len(data):,} of {follow:,} bytes")
    try:
        return as_value(np.frombuffer(data, dtype=dtype, count=count).reshape(shape, order="F" if fortran else "C"))
    except ValueError:
        raise PointError(f"{path} has {len(shape)} axes, more than NumPy can hold") from None


def _type_name(kind: str) -> str:
    import numpy as np

    try:
        return np.dtype(kind).name
    except (TypeError, ValueError):
        return kind[:40]


def _header(stream: IO[bytes]) -> tuple[str, bool, Shape] | None:
    """Type, order and shape from the header of an .npy file; None where it is none. Nothing in it is evaluated."""
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY" or len(start) < 8 or start[6] not in (1, 2, 3) or start[7]:
        return None
    length = int.from_bytes(stream.read(2 if start[6] == 1 else 4), "little")
    if length > MOST_HEADER:
        return None
    text = stream.read(length).decode("latin-1")
    found = HEADER.fullmatch(text)
    lengths = re.findall(r"\d+", found[3]) if found else []
    if found is None or any(len(n) > 4000 for n in lengths):
        return None
    return found[1].strip("'"), found[2] == "True", tuple(map(int, lengths))


def _json_value(path: str, name: str, limits: Limits) -> Value:
    found = _json(path, limits)
    if isinstance(found, str) and found.startswith("@"):
        raise PointError(f"{path} names another file, {found[1:][:200]}", hint="name that one")
    return _value(path, name, found, limits)


def _csv(path: str, name: str, limits: Limits) -> Value:
    """Rows of numbers between commas; a first row without any number is a heading. One row or column is a vector."""
    import csv
    from io import StringIO

    rows: list[list[float]] = []
    reader = csv.reader(StringIO(read_text(path, limits), newline=""))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise PointError(f"{path}, line {reader.line_num}: {error}") from None
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        numbers = [_cell(cell) for cell in cells]
        if line == 1 and not any(isinstance(x, float) for x in numbers):
            continue
        for column, (cell, number) in enumerate(zip(cells, numbers, strict=True), 1):
            if number is None:
                raise PointError(f"{path}, line {line}, column {column}: {cell[:40]!r} is no number")
            if abs(number) == math.inf and "i" not in cell.lower():
                raise PointError(f"{path}, line {line}, column {column}: {cell[:40]} is larger than any float64")
        if rows and len(cells) != len(rows[0]):
            raise PointError(f"{path}, line {line}: {len(cells)} numbers, where the lines before have {len(rows[0])}")
        rows.append([x for x in numbers if x is not None])
    if not rows:
        raise PointError(f"{path} holds no numbers")
    limits.hold("tensor", 8 * len(rows) * len(rows[0]), f"{path}: ")
    if len(rows) == 1:
        return as_value(rows[0] if len(rows[0]) > 1 else rows[0][0])
    return as_value([row[0] for row in rows] if len(rows[0]) == 1 else rows)


def _cell(text: str) -> float | None:
    try:
        return float(text) if "_" not in text and text.isascii() else None
    except ValueError:
        return None


READERS: dict[str, Callable[[str, str, Limits], Value]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".json": _json_value,
    ".csv": _csv,
}


def _json(path: str, limits: Limits, text: str | None = None) -> Any:
    """What a JSON file, or its text, holds.

    Raises:
        PointError: it is no JSON, gives a name twice, or a number beyond all floats.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise PointError(f"{path}: `{name}` is given twice", hint="give each name one value")
            found[name] = value
        return found

    def in_range(literal: str) -> float:
        if float(literal) in (float("inf"), float("-inf")):
            raise PointError(f"{path}: {literal[:40]} is larger than any float64", hint='write "Infinity" for infinity')
        return float(literal)

    text = read_text(path, limits) if text is None else text
    try:
        return json.loads(text, object_pairs_hook=once, parse_float=in_range)
    except json.JSONDecodeError as error:
        raise PointError(
            f"{path} is no JSON: {error.msg}",
            hint='a point is an object such as {"x": 1}',
            source=text,
            start=error.pos,
        ) from None
    except ValueError as error:  # such as an integer of over 4,300 digits
        raise PointError(f"{path} cannot be used: {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise PointError(f"{path} is nested too deeply", hint='a point is an object such as {"x": 1}') from None


def _value(path: str, name: str, value: Any, limits: Limits) -> Value:
    """A value of a JSON file."""
    of = f" of `{name}`" if name else ""
    if isinstance(value, str):
        if value in WORDS:
            return WORDS[value]
        if value.startswith("@"):
            return read_value(os.path.join(os.path.dirname(path), value[1:]), name, limits)
        return value_of(f"{path}: the value{of}", value, limits)
    if isinstance(value, list):
        flat: list[Any] = [value]
        for item in flat:  # grows as it goes, level by level
            if isinstance(item, list):
                flat += item
            elif isinstance(item, bool) or not (
                isinstance(item, int | float) or (isinstance(item, str) and item in WORDS)
            ):
                raise PointError(
                    f"{path}: an entry{of} is no number: {str(item)[:40]!r}", hint='such as {"v": [1, 2.5]}'
                )
        return as_value(_with_words(path, value), name or path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PointError(f"{path}: the value{of} is no number or tensor", hint='such as {"x": 1.5, "v": [1, 2]}')
    try:
        return float(value)
    except OverflowError:
        raise PointError(f"{path}: the value{of} is larger than any float64") from None


def _with_words(path: str, value: list[Any]) -> list[Any]:
    """The list with ``"NaN"`` and its like, and large integers, as floats, in place."""
    lists = [value]
    for items in lists:
        for at, item in enumerate(items):
            if isinstance(item, list):
                lists.append(item)
            elif isinstance(item, str):
                items[at] = WORDS[item]
            elif isinstance(item, int):
                try:
                    items[at] = float(item)
                except OverflowError:
                    raise PointError(f"{path}: an entry is larger than any float64") from None
    return value
