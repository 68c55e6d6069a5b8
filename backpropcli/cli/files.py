"""Reading programs and writing answers."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import BackpropError, FileProblem, OptionError
from ..limits import Limits
from ..textfiles import bounded, decode, read_text
from .main import tell

SUFFIX = re.compile(r"\.(?!T$)[A-Za-z]\w*$", re.ASCII)
"""With what no expression ends, but the name of a file may."""


def read_program(expression: str | None, file: str | None, limits: Limits) -> str:
    """The program's text: from the argument, standard input, or a file.

    Raises:
        OptionError: none is given, or two.
        FileProblem, LimitError: the file cannot be read.
    """
    if expression is not None and file is not None:
        raise OptionError("a program is given twice: as EXPR and by --file", hint="leave one out")
    if "-" in (expression, file):
        return standard_input(limits)
    if file is not None:
        return read_text(file, limits)
    if expression is None:
        raise OptionError("no program is given", hint='such as: backprop eval "(x+y)*z" --at x=-2,y=5,z=-4')
    if expression.endswith(".bp"):
        return read_text(expression, limits)
    if SUFFIX.search(expression) and os.path.isfile(expression):
        raise OptionError(f"{expression} is a file", hint=f"write --file {expression}")
    return expression


def standard_input(limits: Limits) -> str:
    """The text in standard input, which is closed then: it can be read once.

    Raises:
        OptionError: it was read before; FileProblem, LimitError: it cannot be read.
    """
    if sys.stdin is None:
        raise FileProblem("standard input is closed")
    if sys.stdin.closed:
        raise OptionError("standard input is asked for twice", hint="put the program or the point in a file")
    with sys.stdin as stream:
        return decode(bounded(stream.buffer, limits), "standard input")


def print_notes(notes: Sequence[str], limits: Limits) -> None:
    """Notes on standard error, as many as a table has rows."""
    from ..renderers.screen import screen_of

    screen = screen_of(sys.stderr)
    most = int(limits["rows"])
    for note in notes[:most]:
        tell(screen.show(f"note: {note}"))
    if len(notes) > most:
        tell(f"note: {len(notes) - most} more notes")


def print_error(error: BackpropError, place: str = "") -> None:
    """The error on standard error, as a person reads it; with a place other than line and column."""
    from ..renderers.screen import screen_of

    screen = screen_of(sys.stderr)
    tell(error.render(screen.width or 100, screen.show, place))


def write_bytes(content: bytes, target: str | None) -> None:
    """Write what has an encoding of its own, or none, as a picture; else as `write` does.

    Raises:
        FileProblem: the file cannot be written; whatever was there is as it was.
        OSError: standard output cannot be written.
    """
    if target is not None:
        _to_file(target, [content], "b")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def write(pieces: Iterable[str], target: str | None) -> None:
    """Write to standard output, or to a file: whole, by a temporary file and a rename, or not at all.

    Raises:
        FileProblem: the file cannot be written; whatever was there is as it was. Or standard output has no such sign.
        OSError: standard output cannot be written.
    """
    if target is None:
        try:
            for piece in pieces:
                sys.stdout.writelines(
                    piece.splitlines(keepends=True)
                )  # unbuffered, one large write may end half-way unsaid
            sys.stdout.flush()
        except UnicodeEncodeError as error:
            sign = error.object[error.start]
            raise FileProblem(
                f"standard output is {error.encoding} and cannot hold U+{ord(sign):04X}", hint="-o FILE writes UTF-8"
            ) from None
        return
    _to_file(target, pieces)


def _to_file(target: str, pieces: Iterable[str] | Iterable[bytes], binary: str = "") -> None:
    """Write strings, or bytes, to a file.

    Raises:
        FileProblem: it cannot be written.
    """
    encoding = None if binary else "utf-8"
    try:
        if not _is_new(target) and not os.path.isfile(target):
            with open(target, "w" + binary, encoding=encoding) as stream:  # a device or a fifo
                stream.writelines(pieces)
            return
        _replace(os.path.realpath(target), pieces, "w" + binary, encoding)
    except OSError as error:
        raise FileProblem(f"{target} cannot be written: {error.strerror}") from None
    except ValueError as error:
        raise FileProblem(f"{target} is no file name: {error}") from None


def _is_new(target: str) -> bool:
    """Whether there is no such file yet.

    Raises:
        OSError: there can be none, as behind links that lead in a circle.
    """
    try:
        os.stat(target)
    except FileNotFoundError:
        return True
    return False


def _replace(path: str, pieces: Iterable[Any], mode: str, encoding: str | None) -> None:
    from tempfile import NamedTemporaryFile

    folder = os.path.dirname(path)
    with NamedTemporaryFile(mode, encoding=encoding, dir=folder, prefix=".backprop-", delete=False) as stream:
        try:
            stream.writelines(pieces)
            stream.flush()
            rights = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask()
            os.chmod(stream.name, rights)
            os.replace(stream.name, path)
        except BaseException:
            os.unlink(stream.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
