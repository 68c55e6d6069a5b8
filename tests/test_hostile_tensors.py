"""Hostile tensors: files that lie, shapes that would fill the memory, indices and axes that are none.

Whatever is given, the answer is a status of 0 to 3, one clear error where it is 2, the right number where there is one;
nothing is unpickled, and nothing is allocated before it is refused. What could take the memory or hang runs as a
process of its own, held to 4 GiB and 20 seconds; the rest runs in this one, where a warning counts as a fault.
A tenth of `BACKPROP_FUZZ` inputs in all, 2,000 by default: damaged files, and programs of random calls, axes, indices
and lengths.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from struct import pack
from typing import Any, NamedTuple

import numpy as np
import pytest

from backpropcli.cli.main import run
from backpropcli.operations import FUNCTIONS

from .test_hostile import STEERING, Input, TooSlow, finish, judge, start, watchdog

INPUTS = max(2000, int(os.environ.get("BACKPROP_FUZZ", "2000")) // 10)
CHUNKS = 10
SECONDS = 4.0
"""Of processor time for one small input: a bound on hanging, not a benchmark."""

MEMORY = 4 * 2**30


class Answer(NamedTuple):
    """What a run of the command gave."""

    status: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("backprop: ")]


@contextmanager
def held() -> Iterator[None]:
    """This process may take no more memory than others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def ask(*arguments: str) -> Answer:
    """Run `eval` in this process; what no input may cause fails here."""
    out, err = io.BytesIO(), io.BytesIO()
    stdout = io.TextIOWrapper(out, encoding="utf-8", newline="")
    stderr = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", newline="")
    given = ["eval", *arguments]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), held(), watchdog(SECONDS):
        warnings.simplefilter("error")
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        patch.setattr(sys, "stdout", stdout)
        patch.setattr(sys, "stderr", stderr)
        status = run(given)
        stdout.flush()
        stderr.flush()
    found = Answer(status, out.getvalue().decode(), err.getvalue().decode())
    wrong = judge(Input(given, b"", {}, "utf-8", "", False), *found)
    assert not wrong, f"{given}: {wrong}"
    assert "not enough memory" not in found.err, f"{given}: it was tried"
    return found


def refused(*arguments: str, words: str | Sequence[str] = ()) -> str:
    """Run `eval`, which must refuse with one error that has the words; the message."""
    found = ask(*arguments)
    assert found.status == 2, (arguments, found)
    assert found.out == ""
    assert len(found.errors) == 1, found.err
    assert not STEERING.search(found.err)
    for word in [words] if isinstance(words, str) else words:
        assert word in found.err, found.err
    return found.err


def bounded(memory: int = MEMORY) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def process(*arguments: str, **options: Any) -> Answer:
    """Run `eval` as a process with 4 GiB, for at most 20 seconds."""
    child = start("eval", *arguments, preexec_fn=bounded, **options)
    try:
        out, err = child.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        pytest.fail(f"{arguments} takes more than 20 seconds")
    found = Answer(child.returncode, out.decode(), err.decode())
    assert "Traceback" not in found.err
    assert "Warning" not in found.err, found.err
    assert found.status in (0, 1, 2, 3), found
    assert "not enough memory" not in found.err, "it was tried"
    if found.status == 2 and "--json" in arguments:
        assert list(found.record) == ["error"]
    elif found.status == 2:
        assert found.out == ""
        assert len(found.errors) == 1
    return found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are read and written in a folder apart."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("NO_COLOR", "FORCE_COLOR", "LINES", "BACKPROP_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


# Arrays in NumPy's format


def saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def npy(header: str | bytes, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return b"\x93NUMPY" + bytes(version) + pack("<H" if version[0] == 1 else "<I", len(text)) + text + data


def header(shape: str = "(2,)", descr: str = "'<f8'", fortran: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}\n"


def npz(members: Sequence[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


THREE = saved(np.arange(3.0))
TWO = b"\0" * 16

BAD_NPY: dict[str, tuple[bytes, str]] = {
    **{f"cut at {n}": (THREE[:n], "w.npy") for n in (0, 5, 6, 8, 9, 20, 79, 127, 128, 130, len(THREE) - 1)},
    "one byte more": (THREE + b"x", "damaged"),
    "a trillion entries": (npy(header("(1000000000000,)"), TWO), "--limit tensor="),
    "a million squared": (npy(header("(1000000, 1000000)"), TWO), "--limit tensor="),
    "more than bytes can be counted": (npy(header(f"({'9' * 40},)"), TWO), "--limit tensor="),
    "more than any float": (npy(header(f"({'9' * 400},)"), TWO), "--limit tensor="),
    "no entries, an axis of 10^20": (npy(header("(0, 100000000000000000000)")), "w.npy"),
    "no entries, a million axes of 10^9": (npy(header("(0, " + "999999999, " * 70 + ")")), "w.npy"),
    "a hundred axes": (npy(header("(" + "1, " * 100 + "2)"), TWO), "w.npy"),
    "negative": (npy(header("(-2,)"), TWO), "w.npy"),
    "negative twice": (npy(header("(-1, -2)"), TWO), "w.npy"),
    "a length of 2.0": (npy(header("(2.0,)"), TWO), "w.npy"),
    "a length as text": (npy(header("('2',)"), TWO), "w.npy"),
    "no tuple": (npy(header("2"), TWO), "w.npy"),
    "a computed length": (npy(header("(10**12,)"), TWO), "w.npy"),
    "objects": (saved(np.array([1, "a", None], dtype=object)), "unpickled"),
    "an object header": (npy(header(descr="'|O'"), TWO), "unpickled"),
    "complex": (saved(np.array([1j, 2.0])), "complex128"),
    "text": (saved(np.array(["a", "b"])), "no real numbers"),
    "bytes": (saved(np.array([b"a", b"b"])), "no real numbers"),
    "dates": (saved(np.array(["2020-01-01"], dtype="M8[D]")), "no real numbers"),
    "spans": (saved(np.array([1], dtype="m8[s]")), "no real numbers"),
    "void": (npy(header(descr="'|V8'"), TWO), "no real numbers"),
    "records": (saved(np.zeros(2, dtype=[("a", "f4"), ("b", "f4")])), "no real numbers"),
    "no such type": (npy(header(descr="'junk'"), TWO), "w.npy"),
    "a type that is a number": (npy(header(descr="1"), TWO), "w.npy"),
    "an enormous type": (npy(header(descr="'<U999999999'"), TWO), "w.npy"),
    "no order": (npy(header(fortran="'maybe'"), TWO), "w.npy"),
    "no dictionary": (npy("[]", TWO), "w.npy"),
    "an empty dictionary": (npy("{}", TWO), "w.npy"),
    "an open brace": (npy("{", TWO), "w.npy"),
    "an open string": (npy("{'descr': '<f8", TWO), "w.npy"),
    "one entry more": (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x': 1}", TWO), "w.npy"),
    "a call": (npy("__import__('os').system('touch called')", TWO), "w.npy"),
    "an open call": (npy("__import__('os').system('touch called'", TWO), "w.npy"),
    "nested": (npy(header(descr="(" * 3000 + ")" * 3000), TWO), "w.npy"),
    "nested and long": (npy("(" * 30000 + ")" * 30000, TWO), "w.npy"),
    "signs": (npy("-" * 9000 + "1", TWO), "w.npy"),
    "zeros": (npy("\0" * 50, TWO), "w.npy"),
    "no ASCII": (npy(b"\xff\xfe{'descr'", TWO), "w.npy"),
    "version 4": (npy(header(), TWO, (4, 0)), "w.npy"),
    "version 0": (npy(header(), TWO, (0, 0)), "w.npy"),
    "version 255": (npy(header(), TWO, (255, 255)), "w.npy"),
    "an archive": (npz([("w.npy", THREE)]), "w.npy"),
    "text that is no array": (b"1,2,3\n", "w.npy"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_arrays_that_cannot_be_used(case: str, folder: Path) -> None:
    data, words = BAD_NPY[case]
    Path("w.npy").write_bytes(data)
    message = refused("sum(w)", "--at", "w=@w.npy", words=words)
    assert "object at 0x" not in message  # an address, which is another in every run
    assert [path.name for path in folder.iterdir()] == ["w.npy"]


@pytest.mark.parametrize("case", BAD_NPY)
def test_the_same_arrays_in_an_archive(case: str) -> None:
    Path("p.npz").write_bytes(npz([("v.npy", THREE), ("w.npy", BAD_NPY[case][0])]))
    for arguments in (["--at-file", "p.npz"], ["--at", "w=@p.npz"]):
        refused("sum(w)", *arguments, words="p.npz")


def test_a_header_of_four_gigabytes_is_not_read() -> None:
    Path("w.npy").write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 100)
    assert process("sum(w)", "--at", "w=@w.npy").status == 2


GOOD_ARRAYS = [
    np.array(3.5), np.array([]), np.zeros((0, 3)), np.zeros((3, 0)), np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(24.0).reshape(2, 3, 4).T, np.arange(3, dtype=">f8"),
    np.arange(3, dtype=">i4"), np.array([0.1, 65504.0], dtype="f4"), np.array([0.1, 65504.0], dtype=">f2"),
    np.array([-128, 127], dtype="i1"), np.array([True, False]), np.array([2**63, 2**53 + 1], dtype="u8"),
    np.array([-(2**63)], dtype="i8"), np.array([1.0, 2.0, 3.0], dtype=np.longdouble) / 3, np.array([[[7.0]]]),
    np.array([0.0, -0.0, 5e-324, 1.7976931348623157e308]), np.arange(10.0)[::-2],
]  # fmt: skip


@pytest.mark.parametrize("array", GOOD_ARRAYS, ids=[f"{a.dtype.str}{list(a.shape)}" for a in GOOD_ARRAYS])
def test_arrays_of_every_kind_are_read_as_float64(array: Any) -> None:
    Path("w.npy").write_bytes(saved(array))
    Path("p.npz").write_bytes(npz([("w.npy", saved(array))], zipfile.ZIP_DEFLATED))
    for arguments in (["--at", "w=@w.npy"], ["--at", "w=@p.npz"], ["--at-file", "p.npz"]):
        found = ask("sum(w/2)", *arguments, "--json").record
        assert found["at"]["w"] == array.astype(np.float64).tolist()
        assert found["nodes"][0]["shape"] == list(array.shape)
        assert found["gradient"]["w"] == np.full(array.shape, 0.5).tolist()


def test_values_that_are_not_finite_come_through_a_file() -> None:
    Path("w.npy").write_bytes(saved(np.array([np.nan, np.inf, -np.inf, 1.0])))
    found = ask("sum(w[3:])", "--at", "w=@w.npy", "--json")
    assert found.record["at"]["w"] == ["NaN", "Infinity", "-Infinity", 1.0]
    assert (found.status, found.record["gradient"]["w"]) == (0, [0, 0, 0, 1])


def test_headers_of_python_2_are_read_without_a_warning() -> None:
    Path("w.npy").write_bytes(npy(header("(2L,)"), np.array([1.0, 2.0]).tobytes()))
    assert ask("sum(w)", "--at", "w=@w.npy", "--json").status in (0, 2)


# Archives

STORED = npz([("w.npy", THREE)])


def flagged(data: bytes, local: int, central: int, value: int) -> bytes:
    """The archive with a byte of its only member's two headers changed."""
    changed = bytearray(data)
    changed[local] = value
    changed[changed.find(b"PK\x01\x02") + central] = value
    return bytes(changed)


BAD_NPZ: dict[str, tuple[bytes, str]] = {
    **{f"cut at {n}": (STORED[:n], "p.npz") for n in (0, 3, 30, 60, len(STORED) // 2, len(STORED) - 1)},
    "no archive": (b"hello", "p.npz"),
    "an array": (THREE, "p.npz"),
    "encrypted": (flagged(STORED, 6, 8, 1), "encrypted"),
    "compressed in an unknown way": (flagged(STORED, 8, 10, 99), "p.npz"),
    "a wrong sum": (STORED.replace(THREE[-8:], b"\1" * 8), "p.npz"),
    **{
        f"damaged {name}": (
            npz([("w.npy", THREE)], kind)[:44] + b"\xff" * 16 + npz([("w.npy", THREE)], kind)[60:],
            "p.npz",
        )
        for name, kind in (("deflate", zipfile.ZIP_DEFLATED), ("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA))
    },
    "objects": (npz([("w.npy", saved(np.array([None], dtype=object)))]), "unpickled"),
    "text": (npz([("w", b"hello")]), "p.npz"),
    "nothing": (npz([("w.npy", b"")]), "p.npz"),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_archives_that_cannot_be_used(case: str) -> None:
    data, words = BAD_NPZ[case]
    Path("p.npz").write_bytes(data)
    for arguments in (["--at-file", "p.npz"], ["--at", "w=@p.npz"]):
        assert "ZipInfo" not in refused("sum(w)", *arguments, words=words)


def test_names_in_an_archive() -> None:
    """A path is a name like any other, which no program can say; nothing is ever written."""
    Path("p.npz").write_bytes(
        npz([("../up.npy", THREE), ("/w.npy", THREE), ("w\x1b[31m.npy", THREE), ("v.npy", THREE)])
    )
    message = refused("sum(w)", "--at", "w=@p.npz", words=["4 arrays", "`w`"])
    assert "\\u{1b}" in message
    refused("sum(w)", "--at-file", "p.npz", words="no value for `w`")
    assert ask("sum(v)", "--at-file", "p.npz").status == 0
    assert sorted(path.name for path in Path("..").iterdir() if path.name == "up.npy") == []


def test_an_archive_of_one_array_needs_no_name_and_an_empty_one_has_none() -> None:
    Path("p.npz").write_bytes(npz([("other.npy", THREE)]))
    assert ask("sum(w)", "--at", "w=@p.npz", "--json").record["value"] == 3
    refused("sum(w)", "--at-file", "p.npz", words="`w`")
    Path("p.npz").write_bytes(npz([]))
    refused("sum(w)", "--at", "w=@p.npz", words="p.npz")
    refused("sum(w)", "--at-file", "p.npz", words="`w`")


def test_a_name_that_an_archive_has_twice() -> None:
    Path("p.npz").write_bytes(npz([("w.npy", THREE), ("w.npy", saved(np.ones(9)))]))
    for arguments in (["--at-file", "p.npz"], ["--at", "w=@p.npz"]):
        refused("sum(w)", *arguments, words="twice")


def bomb(path: str, arrays: int, entries: int, head: bytes | None = None) -> None:
    """An archive whose arrays are much larger than it: nothing but zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for k in range(arrays):
            with archive.open(f"w{k}.npy", "w", force_zip64=True) as stream:
                stream.write(npy(header(f"({entries},)")) if head is None else head)
                for _ in range(entries // 2**17):
                    stream.write(bytes(2**20))
                stream.write(bytes(entries % 2**17 * 8))


def test_zip_bombs() -> None:
    """What is unpacked is counted before it is, all arrays together; and only the one that is asked for is."""
    bomb("p.npz", 4, 5 * 2**20)
    found = process("sum(w0)", "--at-file", "p.npz", "--limit", "memory=1e8")
    assert (found.status, "--limit memory=" in found.err) == (2, True)
    found = process("sum(w)", "--at", "w=@p.npz", "--limit", "tensor=1e7")
    assert (found.status, "4 arrays" in found.err) == (2, True)
    for arguments in (["--at", "w0=@p.npz"], ["--at-file", "p.npz"]):
        found = process("sum(w0)", *arguments, "--limit", "tensor=1e7")
        assert (found.status, "--limit tensor=" in found.err) == (2, True)


def test_a_bomb_in_a_header() -> None:
    bomb("p.npz", 1, 60 * 2**20, b"\x93NUMPY\x02\x00\xff\xff\xff\x1f")
    child = start("eval", "sum(w)", "--at", "w=@p.npz", preexec_fn=lambda: bounded(2**30))
    assert finish(child)[2][0].startswith("backprop: line 1, column 1: p.npz")


# JSON

BAD_JSON: dict[str, tuple[str | bytes, str]] = {
    "ragged": ("[[1, 2], [3]]", "equally long"),
    "ragged with a number": ("[[1, 2], 3]", "equally long"),
    "ragged with nothing": ("[[], [1]]", "equally long"),
    "100,000 brackets, open": ("[" * 100_000, "nested"),
    "100,000 brackets": ("[" * 100_000 + "1" + "]" * 100_000, "nested"),
    "900 brackets": ("[" * 900 + "1" + "]" * 900, "axes"),
    "70 brackets": ("[" * 70 + "1" + "]" * 70, "axes"),
    "a truth": ("[true]", "w.json"),
    "nothing": ("[null]", "w.json"),
    "an object in a list": ("[1, {}]", "w.json"),
    "an object": ('{"w": [1]}', "w.json"),
    "a text in a list": ('[1, "2"]', "w.json"),
    "nan in small letters": ('["nan"]', "w.json"),
    "too large": ("[1e400]", "w.json"),
    "a whole number too large": ("[1" + "0" * 400 + "]", "w.json"),
    "5,000 digits": ("[" + "9" * 5000 + "]", "w.json"),
    "a comma at the end": ("[1, 2,]", "w.json"),
    "no comma": ("[1 2]", "w.json"),
    "two values": ("[1] [2]", "w.json"),
    "empty": ("", "w.json"),
    "hexadecimal": ("[0x10]", "w.json"),
    "a zero byte": ("[1, 2]\0", "w.json"),
    "no UTF-8": (b"[1, \xff]", "UTF-8"),
    "UTF-16": ("[1]".encode("utf-16"), "UTF-8"),
    "a lone surrogate": ('["\\ud800"]', "w.json"),
    "steering": ('["\\u001b[31m"]', "w.json"),
    "a name": ('"x"', "w.json"),
    "an empty text": ('""', "w.json"),
    "two statements": ('"1; 2"', "w.json"),
    "another binding": ('"1, y=2"', "w.json"),
    "no such file": ('"@nothing.npy"', "nothing.npy"),
    "no kind of file": ('"@/etc/passwd"', "passwd"),
    "itself": ('"@w.json"', "w.json"),
    "a file within a list": ('["@w.json"]', "w.json"),
    "too many entries": ('"ones(1e9, 1e9)"', "--limit tensor="),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_json_that_cannot_be_used(case: str) -> None:
    text, words = BAD_JSON[case]
    data = text if isinstance(text, bytes) else text.encode()
    Path("w.json").write_bytes(data)
    refused("sum(w)", "--at", "w=@w.json", words=words)
    Path("w.json").write_bytes(b'{"w": ' + data + b"}")
    refused("sum(w)", "--at-file", "w.json")


@pytest.mark.parametrize(
    ("text", "value", "status"),
    [
        ("[1, 2.5, -3e2]", [1, 2.5, -300], 0),
        ("[]", [], 0),
        ("[[], []]", [[], []], 0),
        ("[[[]]]", [[[]]], 0),
        ("3", 3, 0),
        ('"[1, pi]"', [1, math.pi], 0),
        ("\ufeff[1]", [1], 0),
        ("[" * 20 + "1" + "]" * 20, np.ones((1,) * 20).tolist(), 0),
        ("[9007199254740993, 18446744073709551616, -9223372036854775809]", [2.0**53, 2.0**64, -(2.0**63)], 0),
        ("[100000000000000000000, 0.5]", [1e20, 0.5], 0),
        ("[1" + "0" * 308 + "]", [1e308], 0),
        ("[1e-400, -0.0]", [0, 0], 0),
        ('[NaN, Infinity, "-Infinity", "NaN"]', ["NaN", "Infinity", "-Infinity", "NaN"], 3),
    ],
)
def test_json_that_can_be_used(text: str, value: Any, status: int) -> None:
    Path("w.json").write_text(text, "utf-8")
    found = ask("sum(w)", "--at", "w=@w.json", "--json")
    assert (found.status, found.record["at"]["w"]) == (status, value)


def test_files_that_name_each_other_in_a_circle() -> None:
    Path("a.json").write_text('"@b.json"')
    Path("b.json").write_text('"@a.json"')
    refused("sum(w)", "--at", "w=@a.json", words=".json")


# CSV

BAD_CSV: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "no numbers"),
    "blank": ("\n\n \n", "no numbers"),
    "a heading alone": ("a,b\n", "no numbers"),
    "two headings": ("a,b\nc,d\n1,2\n", "line 2"),
    "a cell missing": ("1,,2\n", "column 2"),
    "a cell less": ("1,2\n3\n", "line 2"),
    "a cell more": ("1,2\n3,4,5\n", "line 2"),
    "a comma at the end": ("1,2,\n", "column 3"),
    "semicolons": ("1;2\n3;4\n", "3;4"),
    "tabs": ("1\t2\n3\t4\n", "line 2"),
    "a decimal comma": ('"1,5",2\n', "column 1"),
    "a number over two lines": ('"1\n2",3\n', "line 1"),
    "an open quote": ('"1\n2,3\n', "w.csv"),
    "a word": ("1,2\n3,x\n", "column 2"),
    "a comment": ("1,2 # one\n", "column 2"),
    "hexadecimal": ("0x10,1\n", "column 1"),
    "underscores": ("1_000,2\n", "column 1"),
    "a formula": ("=1+2,3\n", "column 1"),
    "too large": ("1,1e400\n", "column 2"),
    "a zero byte": ("1,\x002\n", "column 2"),
    "steering": ("1,\x1b[31m\n", "column 2"),
    "no UTF-8": (b"1,\xff\n", "UTF-8"),
    "a vertical tab": ("1,2\x0b3,4\n", "w.csv"),
    "a cell of 200,000 characters": ("1" * 200_000 + ",2\n", "w.csv"),
    "a heading of 200,000 characters": ("a" * 200_000 + ",b\n1,2\n", "w.csv"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_tables_that_cannot_be_used(case: str) -> None:
    text, words = BAD_CSV[case]
    Path("w.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    refused("sum(w)", "--at", "w=@w.csv", words=words)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1\n2\n3", [1, 2, 3]),
        ("1,2,3", [1, 2, 3]),
        ("price\n5\n", 5),
        ("1,2\n\n3,4\n\n\n", [[1, 2], [3, 4]]),
        ("\ufeffa,b\r\n1,2\r\n3,4\r\n", [[1, 2], [3, 4]]),
        ("1,2\r3,4\r", [[1, 2], [3, 4]]),
        ('"a, b",c\n"1"," 2 "\n', [1, 2]),
        (" +1 , -.5e1 \n", [1, -5]),
        ("inf,-Infinity,nan\n", ["Infinity", "-Infinity", "NaN"]),
    ],
)
def test_tables_that_can_be_used(text: str, value: Any) -> None:
    Path("w.csv").write_bytes(text.encode())
    assert ask("sum(w)", "--at", "w=@w.csv", "--json").record["at"]["w"] == value


# Files that are none


@pytest.mark.parametrize("kind", ["npy", "npz", "json", "csv"])
def test_what_is_no_file(kind: str) -> None:
    """A named pipe that nobody writes to is waited for, as `cat` would."""
    path = f"w.{kind}"
    for make in (
        lambda: None,
        lambda: os.mkdir(path),
        lambda: os.symlink(path, path),
        lambda: os.symlink("gone", path),
    ):
        make()
        refused("sum(w)", "--at", f"w=@{path}", words=path)
        refused("sum(w)", "--at-file", path, words=path)
        if os.path.islink(path):
            os.unlink(path)
        elif os.path.isdir(path):
            os.rmdir(path)
    os.symlink(os.devnull, path)
    refused("sum(w)", "--at", f"w=@{path}", words=path)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero here")
@pytest.mark.parametrize("kind", ["npy", "npz", "json", "csv"])
def test_files_without_an_end(kind: str) -> None:
    os.symlink("/dev/zero", f"w.{kind}")
    assert process("sum(w)", "--at", f"w=@w.{kind}").status == 2
    assert process("sum(w)", "--at-file", f"w.{kind}").status == 2


def test_a_named_pipe_with_a_writer() -> None:
    os.mkfifo("w.csv")
    child = start("eval", "sum(w)", "--at", "w=@w.csv", "--quiet")
    with open("w.csv", "w") as stream:
        stream.write("1,2\n")
    assert finish(child)[0] == 0


NAMES = [
    "a[0].npy", "ü.npy", "日本.npy", "a=b.npy", "[red]x[-red].npy", "-x.npy", "@x.npy", "a#b.npy", 'q"q.npy', "q'q.npy",
    "UP.NPY", "~.npy", "a%20b.npy", ":x:.npy", "$(id).npy", "a\\b.npy", "a..npy", ".npy.npy", "\u202eabc.npy",
    "\x1b[31m.npy",
]  # fmt: skip
ODD_NAMES = ["a b.npy", "a,b.npy", "a;b.npy", "a\nb.npy", "a\rb.npy", "a\tb.npy"]


@pytest.mark.parametrize("name", [*NAMES, *ODD_NAMES])
def test_names_of_files(name: str) -> None:
    """Blanks, commas and semicolons end a name in --at; a point file takes any name."""
    Path(name).write_bytes(THREE)
    if name in NAMES:
        assert ask("sum(w)", "--at", f"w=@{name}", "--json").record["value"] == 3
    else:
        refused("sum(w)", "--at", f"w=@{name}")
    Path("p.json").write_text(json.dumps({"w": f"@{name}"}))
    assert ask("sum(w)", "--at-file", "p.json", "--json").record["value"] == 3
    os.unlink(name)
    refused("sum(w)", "--at-file", "p.json", words="cannot be read")
    refused("sum(w)", "--at-file", name)


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a/b/c", "a\0b", "", " ", ".", "\ud800", "[/red]"])
def test_names_that_no_file_has(name: str) -> None:
    Path("p.json").write_text(json.dumps({"w": f"@{name}.npy"}))
    refused("sum(w)", "--at-file", "p.json")


# Nothing is allocated before it is refused

LARGE = [
    "sum(x*zeros(1e9, 1e9))", "sum(x*full(1, 1000000000, 1000000000))", "sum(x*ones(1e24))", "x*trace(eye(100000))",
    "x*sum(eye(1e12))", "sum(outer(x*ones(1000000), ones(1000000)))", "sum(x*ones(100000, 1)*ones(1, 100000))",
    "sum(ones(100000, 1)@(x*ones(1, 100000)))", "sum(diag(x*ones(100000)))", "sum(one_hot(x*ones(100000), 1000000))",
    "sum(put(x*ones(3), [0, 1, 2], 1e12))", "sum(concat(x*ones(3e7), ones(3e7)))", "sum([x*ones(3e7), ones(3e7)])",
    "sum(x*ones(33554433))", "sum(x*ones(1e9)[0:1])", "x*zeros(1e9, 1e9)[0, 0]", "max(x*ones(1e300), 1)[0]",
    "sum(x*zeros(1e300, 1e300))", "sum(x*zeros(1e300, 1e300, 1e300, 1e300, 1e300, 1e300, 1e300, 1e300))",
]  # fmt: skip


@pytest.mark.parametrize("program", LARGE)
def test_a_tensor_past_the_limit(program: str) -> None:
    for more in ([], ["--check", "--json"]):
        found = process(program, "--at", "x=2", *more)
        told = found.out if "--json" in more else found.err
        assert found.status == 2
        assert "--limit tensor=" in told


def test_values_past_the_limit_together() -> None:
    found = process("a = x*ones(3e7); b = a + 1; c = b + 1; d = c + 1; sum(d*d)", "--at", "x=2")
    assert (found.status, "--limit memory=" in found.err) == (2, True)


def test_tangents_past_the_limit() -> None:
    """Forward mode holds a derivative per entry of the input and entry of every node."""
    found = process("sum(x*x)", "--at", "x=ones(100000)", "--mode", "forward")
    assert (found.status, "--limit memory=" in found.err) == (2, True)


@pytest.mark.parametrize("more", [[], ["--json"], ["--check"], ["--quiet"]], ids=["table", "json", "check", "quiet"])
@pytest.mark.parametrize(
    "shape", ["1e12, 0", "1e9, 0", "0, 1e19", "1e6, 1e6, 0", "0, 1e300, 1e300", "0, 1e18, 1e18", "1e5, 1e5, 0"]
)
def test_tensors_without_entries_may_be_large_too(shape: str, more: list[str]) -> None:
    """Rows without entries are rows: a trillion of them are neither stored nor listed."""
    found = process(f"x*sum(ones({shape})) + x", "--at", "x=2", *more)
    assert found.status in (0, 2)
    if found.status == 0 and "--json" in more:
        assert found.record["gradient"] == {"x": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "tensor=100"], "--limit tensor=2400"),
        (["--limit", "memory=100"], "--limit memory="),
        (["--limit", "tensor=0"], "tensor"),
        (["--limit", "tensor=inf"], "tensor"),
        (["--limit", "tensor=nan"], "tensor"),
        (["--limit", "tensor=-1"], "tensor"),
        (["--limit", "tensor"], "NAME=NUMBER"),
        (["--limit", "Tensor=1"], "tensor"),
        (["--limit", "entries=0"], "entries"),
        (["--limit", "jacobian=0.5"], "jacobian"),
        (["--jacobian", "--layout", "nonsense"], "lecture"),
    ],
)
def test_limits_are_named(arguments: list[str], words: str) -> None:
    refused("sum(x*x)", "--at", "x=ones(300)", *arguments, words=words)


def test_a_jacobian_past_the_limit_is_told_of_and_not_written() -> None:
    found = ask("sum(x@ones(300, 65))", "--at", "x=ones(300)", "--jacobian")
    assert found.status == 0
    assert "--limit jacobian=300" in found.out
    record = ask("sum(x@ones(300, 65))", "--at", "x=ones(300)", "--jacobian", "--json").record
    jacobians = [edge["jacobian"] for node in record["nodes"] for edge in node["inputs"] if "jacobian" in edge]
    assert [(j["shape"], j["matrix"]) for j in jacobians if j["shape"] == [65, 300]] == [([65, 300], None)]


def test_many_entries_are_summed_up_and_json_has_them_all() -> None:
    found = ask("sum(x*x)", "--at", "x=ones(3000)", "--limit", "entries=3")
    assert len(found.out) < 5000
    assert ask("sum(x*x)", "--at", "x=ones(3000)", "--json").record["gradient"]["x"] == [2] * 3000


# The language

POINT = "x=[1,2,3],A=[[1,2],[3,4]],s=2,l=[0,1]"

REFUSED = [
    # literals
    ("[,]", "["), ("[1,,2]", ","), ("sum([1,2,,])", ","), ("[,1]", "["), ("[1,[2]]", "entry 1"),
    ("[[1,2],[3]]", "entry 1"),
    ("[[],[1]]", "entry 1"), ("[s,[s]]", "entry 1"), ("[x,l]", "entry 1"), ("[1 2]", "product"), ("[1;2]", ";"),
    ("[1:2]", ":"),
    ("[a=1]", "="), ("[[1,2],", "`[`"), ("]", "`]`"), ("[[]", "`[`"), ("[1,2]+[1,2,3]", "broadcast"),
    ("x+A", "broadcast"),
    # indices
    ("x[]", "["), ("x[0,]", "]"), ("x[,0]", "["), ("x[:::]", ":"), ("x[1:2:3:4]", ":"), ("x[::0]", "step"),
    ("x[3]", "from 0 to 2"),
    ("x[-4]", "from 0 to 2"), ("x[1e18]", "outside"), ("x[1e300]", "outside"), ("x[0][0]", "scalar"),
    ("A[0,1,0]", "3 indices"),
    ("x[:,:]", "2 indices"), ("s[0]", "scalar"), ("s[:]", "scalar"), ("2[0]", "scalar"), ("x[0:s]", "whole number"),
    ("A[0,s]", "whole number"), ("A[0,0.5]", "whole number"), ("A[[0,1],[1,0]]", "whole number"),
    ("x[0.5:]", "whole number"),
    ("x[inf:]", "whole number"), ("zeros(0)[0]", "empty"), ("x.t", "attributes"), ("x.shape", "attributes"),
    ("x.T.x", "attributes"),
    # outputs
    ("x*x", "--upstream"), ("A", "--upstream"), ("[]", "--upstream"), ("x.T", "--upstream"),
    ("where(x,1,2)", "--upstream"),
]  # fmt: skip

UNFIT = [
    # axes
    ("sum(x,axis=1)", "no axis 1"), ("sum(A,axis=-3)", "no axis -3"), ("sum(s,axis=0)", "scalar"),
    ("sum(A,axis=0.5)", "whole number"),
    ("sum(A,axis=s)", "whole number"), ("sum(A,axis=0+1)", "whole number"), ("sum(A,axis=inf)", "whole number"),
    ("sum(A,axis=1e300)", "no axis"), ("sum(A,axis=[0,0])", "twice"), ("sum(A,axis=[0,-2])", "twice"),
    ("sum(A,axis=[[0]])", "whole number"),
    ("sum(A,axis=0,axis=1)", "twice"), ("sum(A,axis=None)", "whole number"), ("sum(A,0)", "2 arguments"),
    ("sum(axis=0)", "0 arguments"),
    ("sum()", "0 arguments"), ("sum(A,bogus=1)", "bogus"), ("sum(A,keepdims=0.5)", "whole number"),
    ("sum(A,keepdims=s)", "whole number"),
    ("sum(A,keepdims=[])", "keepdims"), ("sum(A,keepdims=[1,0])", "keepdims"), ("sum(A,keepdims=2)", "keepdims"),
    ("max(x,x,axis=0)", "axis"), ("argmax(A,axis=[0,1])", "one axis"), ("softmax(A,axis=2)", "no axis 2"),
    ("softmax(A,axis=[0,1])", "one axis"),
    ("softmax(A,axis=[])", "one axis"), ("softmax(s)", "scalar"), ("cumsum(s)", "scalar"),
    ("concat(x,x,axis=[])", "axis"),
    ("concat(x,x,axis=[0,1])", "axis"), ("stack(x,x,axis=[])", "axis"), ("stack(x,x,axis=2)", "no axis 2"),
    ("concat(A,A,axis=2)", "no axis 2"),
    ("transpose(A,axes=0)", "axes"), ("transpose(A,axes=[0])", "axes"), ("transpose(A,axes=[0,0])", "axes"),
    ("transpose(A,axes=[0,2])", "axes"),
    ("transpose(A,axes=[0,1,2])", "axes"), ("transpose(A,axes=[])", "axes"),
    ("transpose(A,axes=[0.5,1])", "whole number"),
    # shapes and lengths
    ("reshape(x,-1,-1)", "-1"), ("reshape(x,2)", "3 entries"), ("reshape(x,-3)", "-3"), ("reshape(A,-2,-1)", "-2"),
    ("reshape(x,-1,0)", "0"),
    ("reshape(x,1.5,2)", "whole number"),
    ("reshape(x,s)", "whole number"), ("reshape(x)", "lengths"), ("reshape(x,[[3]])", "whole number"),
    ("reshape(x,1e300,-1)", "entries"),
    ("zeros()", "lengths"), ("zeros(-1)", "negative"), ("zeros(2.5)", "whole number"), ("zeros(s)", "whole number"),
    ("zeros(inf)", "whole number"),
    ("eye(2,3)", "eye(3)"), ("eye(-2)", "negative"), ("eye()", "eye(3)"), ("full(x,2)", "broadcast"),
    ("one_hot(x)", "one_hot"),
    ("one_hot(x,-1)", "negative"), ("one_hot(x,2,2)", "one_hot"), ("put(x,l,-2)", "negative"), ("put(A,x,3)", "put"),
    ("put(s,l,3)", "put"),
    ("put([],A,3)", "put"), ("take(s,0)", "scalar"), ("ones(" + "1," * 70 + "1)", "axes"),
    ("reshape(s," + "1," * 70 + "1)", "axes"),
    # products, matrices
    ("A@x", "2 columns against 3 rows"), ("x@A", "3 columns against 2 rows"), ("s@A", "`*`"), ("A@s", "`*`"),
    ("dot(A,x)", "A@B"), ("dot(x,l)", "3 and 2"),
    ("outer(A,x)", "vectors"), ("trace(x)", "square"), ("det(s)", "square"), ("inv(ones(2,3))", "square"),
    ("inv(ones(2,2,2))", "square"),
    ("diag(s)", "square"), ("solve(A,x)", "rows"), ("solve(x,A)", "square"), ("solve(A,ones(2,2,2))", "rows"),
    ("concat(x,A)", "join"), ("concat(s,s)", "stack"), ("concat(x)", "concat"), ("stack(x,l)", "entry 1"),
    # what empty tensors have none of
    ("max(zeros(0))", "largest"), ("min(zeros(2,0),axis=1)", "largest"), ("argmax(zeros(0))", "largest"),
    ("logsumexp(zeros(0))", "largest"),
    # losses
    ("cross_entropy(s,0)", "scores"), ("cross_entropy(x,[0])", "class"), ("cross_entropy(A,0)", "class"),
    ("cross_entropy(A,[[0,1]])", "class"),
    ("cross_entropy(zeros(0),0)", "scores"), ("cross_entropy(zeros(0,3),zeros(0))", "scores"),
    ("hinge(x,0,margin=x)", "margin"), ("mse(x,l)", "broadcast"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "words"), REFUSED, ids=[program[:40] for program, _ in REFUSED])
def test_programs_that_are_refused(program: str, words: str) -> None:
    refused(program, "--at", POINT, words=words)


@pytest.mark.parametrize(("program", "words"), UNFIT, ids=[program[:40] for program, _ in UNFIT])
def test_calls_that_do_not_fit(program: str, words: str) -> None:
    """Each with its place, before anything is computed."""
    message = refused(f"sum({program})", "--at", POINT, words=words)
    assert message.startswith(("backprop: line 1, column 5: ", "backprop: line 1, column 9: ")), message


ANSWERED: list[tuple[str, float | str, dict[str, Any]]] = [
    ("sum([1,2,])*s", 6, {"s": 3}), ("sum([])+s", 2, {"s": 1}), ("sum([[],[]])+s", 2, {"s": 1}),
    ("[s,2][0]", 2, {"s": 1}),
    ("[[s]][0][0]", 2, {"s": 1}), ("[x,x][0][1]", 2, {"x": [0, 1, 0]}), ("sum([x])", 6, {"x": [1, 1, 1]}),
    ("sum([s==2])*s", 2, {"s": 1}),
    ("sum(x.T.T)", 6, {"x": [1, 1, 1]}), ("A.T[0,1]", 3, {"A": [[0, 0], [1, 0]]}), ("s.T", 2, {"s": 1}),
    ("A[0][1]", 2, {"A": [[0, 1], [0, 0]]}),
    ("sum(x[::])", 6, {"x": [1, 1, 1]}), ("sum(x[::-1]*x)", 10, {"x": [6, 4, 2]}),
    ("sum(x[1e18:])", 0, {"x": [0, 0, 0]}),
    ("sum(x[-1e300:])", 6, {"x": [1, 1, 1]}), ("sum(x[::1e300])", 1, {"x": [1, 0, 0]}), ("x[-0]", 1, {"x": [1, 0, 0]}),
    ("x[- 1]", 3, {"x": [0, 0, 1]}),
    ("sum(x[[]])", 0, {"x": [0, 0, 0]}), ("sum(x[[0,-1,0]])", 5, {"x": [2, 0, 1]}),
    ("sum(x[[[0,1],[2,0]]])", 7, {"x": [2, 1, 1]}),
    ("x[s]", 3, {"x": [0, 0, 1]}), ("x[-s]", 2, {"x": [0, 1, 0]}), ("x[x[0]]", 2, {"x": [0, 1, 0]}),
    ("sum(A[l])", 10, {"A": [[1, 1], [1, 1]]}),
    ("sum(sum(A,axis=[]))", 10, {"A": [[1, 1], [1, 1]]}), ("sum(A,axis=[-1,0])", 10, {"A": [[1, 1], [1, 1]]}),
    ("sum(A,keepdims=1)[0,0]", 10, {"A": [[1, 1], [1, 1]]}), ("sum(sum(A,keepdims=True))", 10, {"A": [[1, 1], [1, 1]]}),
    ("max(x,axis=0)", 3, {"x": [0, 0, 1]}),
    ("sum(transpose(A,axes=[-1,0])*[[1,2],[3,4]])", 29, {"A": [[1, 3], [2, 4]]}),
    ("sum(reshape(A,-1)*reshape(A,[4]))", 30, {"A": [[2, 4], [6, 8]]}), ("sum(reshape(zeros(0)*s,0,5))", 0, {"s": 0}),
    ("reshape(s,1)[0]", 2, {"s": 1}),
    ("det(zeros(0,0))*s", 2, {"s": 1}), ("sum(zeros(2,0)@zeros(0,3))+s", 2, {"s": 1}),
    ("sum(inv(zeros(0,0)))+s", 2, {"s": 1}),
    ("prod(zeros(0)*s)", 1, {"s": 0}), ("norm(zeros(0)*s)", 0, {"s": 0}), ("sum(softmax(zeros(2,0)*s))", 0, {"s": 0}),
    ("sum(log_softmax(zeros(0)*s))", 0, {"s": 0}), ("sum(max(zeros(2,0)*s,axis=0))", 0, {"s": 0}),
    ("sum(mean(zeros(2,0)*s,axis=0))", 0, {"s": 0}),
    ("sum(cumsum(zeros(0)*s))", 0, {"s": 0}), ("sum(concat(zeros(0)*s,x))", 6, {"s": 0, "x": [1, 1, 1]}),
    ("sqloss(zeros(0)*s,0)", 0, {"s": 0}),
    ("l1(zeros(0)*s)", 0, {"s": 0}), ("sum(ones(1e0,2)*s)", 4, {"s": 2}), ("sum(s)", 2, {"s": 1}),
    ("norm(s)", 2, {"s": 1}), ("var(s)", 0, {"s": 0}),
    ("logsumexp(s)", 2, {"s": 1}), ("max(s)", 2, {"s": 1}), ("argmax(x)*s", 4, {"s": 2}),
    ("x·x·s", 28, {"x": [4, 8, 12], "s": 14}),
    ("sum(A·l)", 6, {"A": [[0, 1], [0, 1]]}), ("sum(A²)", 30, {"A": [[2, 4], [6, 8]]}),
    ("norm(x)²", 14, {"x": [2, 4, 6]}),
    ("sum(where(x>1,x,0/0))", "NaN", {}), ("sum(where(x>0,x,log(-x)))", 6, {"x": [1, 1, 1]}),
    ("sum(x>1)*s", 4, {"s": 2}),
    ("sum(max(x,2))", 7, {"x": [0, 0.5, 1]}), ("cross_entropy(x,s)", 0.4076059644443803, {}),
    ("hinge(x,0,margin=s)", 7, {"x": [-2, 1, 1], "s": 2}),
    ("sum(one_hot(s,3)*x)", 3, {"x": [0, 0, 1]}), ("sum(put(x,[1,1,0],3)*[1,10,100])", 33, {"x": [10, 10, 1]}),
    ("f=x; sum(f)", 6, {"x": [1, 1, 1]}),
]  # fmt: skip


@pytest.mark.parametrize(("program", "value", "gradient"), ANSWERED, ids=[program for program, _, _ in ANSWERED])
def test_programs_that_are_answered(program: str, value: float | str, gradient: dict[str, Any]) -> None:
    found = ask(program, "--at", POINT, "--json")
    assert found.status in (0, 3)
    record = found.record
    assert record["value"] == (pytest.approx(value, rel=1e-14) if isinstance(value, float) else value)
    for name, g in gradient.items():
        np.testing.assert_allclose(record["gradient"][name], g, rtol=1e-13, err_msg=name)
    assert found.status == (0 if value != "NaN" else 3)


@pytest.mark.parametrize(
    ("program", "note"),
    [
        *((f"x[{i}]", "place") for i in ("s+1", "0.5", "s/4", "-s-s", "1e300+s")),
        ("sum(x[[0,5]])", "place"), ("sum(x[[0.5]])", "place"), ("sum(A[x])", "place"), ("sum(take(x,[-4]))", "place"),
        *(
            (f"{loss}(x,{y})", "a whole number from 0 to 2")
            for loss in ("cross_entropy", "nll", "hinge") for y in ("3", "-1", "0.5", "s+1", "1e300", "inf")
        ),
        ("cross_entropy(A,[0,5])", "a whole number from 0 to 1"), ("sum(one_hot(s+1,3)*x)", "place"),
        ("sum(put(x,[0,1,7],3))", "place"),
        ("mean(zeros(0)*s)", "NaN"), ("sum(inv(A*0))", "singular"), ("sum(solve(A*0,l))", "singular"),
        ("mse(zeros(0)*s,1)", "NaN"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_nan_and_told(program: str, note: str) -> None:
    """Places and classes are known only when the program runs: outside they give NaN, a note, and status 3."""
    found = ask(program, "--at", POINT, "--json")
    assert (found.status, found.record["value"]) == (3, "NaN")
    assert any(note in n["message"] for n in found.record["notes"]), found.record["notes"]
    assert ask(program, "--at", POINT, "--check").status == 3


def test_no_plausible_gradient_beside_a_value_that_is_nan() -> None:
    for program in ("x[s+1]", "sum(x[[0,5]])"):
        gradient = ask(program, "--at", POINT, "--json").record["gradient"]["x"]
        assert set(gradient) <= {"NaN", 0}, gradient


@pytest.mark.parametrize(
    ("program", "at", "gradient"),
    [
        ("T*axis + keepdims", "T=1,axis=2,keepdims=3", {"T": 2, "axis": 1, "keepdims": 1}),
        ("max(max, 0)", "max=1", {"max": 1}),
        ("sum*sum(x)", "sum=3,x=[1,2]", {"sum": 3, "x": [3, 3]}),
        ("sum(x.T*T.T)", "x=[1,2],T=3", {"x": [3, 3], "T": 3}),
        ("sum(T.T@T)", "T=[1,2]", {"T": [2, 4]}),
        ("zeros = 3; zeros*sum(zeros(2) + x)", "x=2", {"x": 6}),
        ("axis = 0; sum(sum(x, axis=axis))", "x=[[1,2]]", {"x": [[1, 1]]}),
        ("eye*stack*shape", "eye=1,stack=2,shape=3", {"eye": 6, "stack": 3, "shape": 2}),
    ],
)
def test_names_of_functions_and_keywords_are_names_too(program: str, at: str, gradient: dict[str, Any]) -> None:
    assert ask(program, "--at", at, "--json").record["gradient"] == gradient


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("x=[1,2],x=3", "twice"), ("x=[y,2]", "`y`"), ("x=[[1,2],[3]]", "entry 1"), ("x=[,]", "["), ("x=[1,2", "`[`"),
        ("x=1,2", "x=1,y=2"),
        ("x=[1 2]", "product"), ("x=[1;2]", ";"), ("x=zeros(1e9,1e9)", "--limit tensor="), ("x=@", "@"),
        ("x=[@w.npy]", "@"), ("x=@w.txt", ".npy"),
        ("x=[1,2]+[1,2,3]", "broadcast"), ("x=ones(1e300,1e300)", "--limit tensor="),
        ("x=ones(" + "1," * 70 + "1)", "axes"),
        ("x=" + "[" * 70 + "1" + "]" * 70, "axes"), ("x=" + "[" * 1000 + "1" + "]" * 1000, "axes"), ("x=[1,,2]", ","),
    ],
)  # fmt: skip
def test_points_that_are_refused(at: str, words: str) -> None:
    refused("sum(x)", "--at", at, words=words)


@pytest.mark.parametrize(
    ("upstream", "words"),
    [
        ("1", "scalar"), ("[1,2]", "shape 2"), ("[[1,2,3]]", "1×3"), ("[]", "shape 0"), ("x", "`x`"),
        ("", "--upstream"), ("[1,2,3],y=1", "one value"),
        ("zeros(1e9,1e9)", "--limit tensor="), ("@nothing.npy", "nothing.npy"), ("[1,2", "`[`"), ("nan", "nan"),
    ],
)  # fmt: skip
def test_upstream_gradients_that_do_not_fit(upstream: str, words: str) -> None:
    refused("x*x", "--at", "x=[1,2,3]", "--upstream", upstream, words=words)
    refused("sum(x)", "--at", "x=[1,2,3]", "--upstream", "[1]", words="scalar")


@pytest.mark.parametrize(
    ("upstream", "gradient", "status"),
    [
        ("[1,2,3]", [2, 8, 18], 0), ("ones(3)", [2, 4, 6], 0), ("[0,0,0]", [0, 0, 0], 0),
        ("[1,2,0/0]", [2, 8, "NaN"], 3), ("[1,2,inf]", [2, 8, "Infinity"], 3),
        ("-[1,2,3]", [-2, -8, -18], 0),
    ],
)  # fmt: skip
def test_upstream_gradients_that_fit(upstream: str, gradient: list[Any], status: int) -> None:
    for more in ([], ["--check"], ["--mode", "forward"]):
        found = ask("x*x", "--at", "x=[1,2,3]", "--upstream", upstream, "--json", *more)
        assert (found.status, found.record["gradient"]["x"]) == (status, gradient)


@pytest.mark.parametrize("program", ["sum(sqrt(x))", "sum(x^-1)", "sum(log(x))", "max(reciprocal(x))", "sum(x^0.5)"])
def test_checking_an_infinite_gradient_is_silent(program: str) -> None:
    """No warning of NumPy's, with the path of a file, where 0 meets infinity."""
    assert ask(program, "--at", "x=[0,0,1]", "--check").status == 3


# Long and deep


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("sum([" + ",".join(["1"] * 10_000) + "])*s", 0),
        ("sum([" + ",".join(["s"] * 10_000) + "])", 0),
        ("sum(concat(" + ",".join(["s*ones(1)"] * 3_000) + "))", 0),
        ("sum(" + "[" * 30 + "s" + "]" * 30 + ")", 0),
        ("sum(" + "[" * 30 + "1" + "]" * 30 + ")*s", 0),
        ("sum(" + "[" * 70 + "1" + "]" * 70 + ")*s", 2),
        ("sum(" + "[" * 70 + "s" + "]" * 70 + ")", 2),
        ("sum(" + "[" * 1000 + "1" + "]" * 1000 + ")*s", 2),
        ("sum(" + "[" * 1000 + "s" + "]" * 1000 + ")", 2),
        ("sum(" + "[" * 1000 + "]" * 1000 + ")*s", 2),
        ("[" * 100_000, 2),
        ("[" * 100_000 + "1" + "]" * 100_000, 2),
        ("[" * 100_000 + "]" * 100_000, 2),
        ("sum(x" + "[:]" * 3000 + ")*s", 0),
        ("sum(x" + ".T" * 10_000 + ")*s", 0),
        ("x" + "[0]" * 1000, 2),
        ("sum(x" + "[1:]" * 1000 + ")*s", 0),
        ("sum(" + "reshape(" * 1000 + "x" + ", 3)" * 1000 + ")*s", 0),
        ("sum(" + "+".join(["x"] * 5000) + ")*s", 0),
    ],
    ids=lambda text: text[:30] if isinstance(text, str) else None,
)
def test_long_and_deep_programs(program: str, status: int) -> None:
    Path("program").write_text(program)
    found = process("--file", "program", "--at", "x=[1,2,3],s=2", "--quiet")
    assert found.status == status


# Damage at random


def sound_files() -> list[tuple[str, bytes]]:
    arrays: list[Any] = [
        np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0], "f4"), np.array(3.0), np.zeros((0, 2)),
        np.asfortranarray(np.eye(2)),
        np.arange(3, dtype=">i4"), np.array([True, False]),
    ]  # fmt: skip
    found = [("w.npy", saved(array)) for array in arrays]
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    found += [("w.npz", npz([("w.npy", saved(np.arange(4.0))), ("v.npy", THREE)], kind)) for kind in kinds]
    texts = ("[[1,2],[3,4.5e3]]", "[1,-2,NaN]", '{"w":[1,2],"v":"pi"}', '["NaN",1]', '"[1,2]"', "3")
    found += [("w.json", text.encode()) for text in texts]
    tables = ("a,b\n1,2\n3,4\n", "1\n2\n", '"1","2"\r\n3,4', "\ufeff1,2")
    return found + [("w.csv", text.encode()) for text in tables]


PIECES = [
    *(bytes([n]) for n in b"\0\xff'\"()[]{},:-1\n\r.\x1b"), b"9" * 30, b"9" * 400, b"e999", b"NaN", b"<f8", b">c16",
    b"|O", b"True",
    b"@w.json", b"\\u0000", b"\x1b[31m", b"PK\x05\x06", b"(10**9,)", b"L",
]  # fmt: skip


def damaged(random: Random, data: bytes) -> bytes:
    """The bytes after a few deletions, insertions, flips, cuts and repetitions."""
    parts = bytearray(data)
    for _ in range(random.randint(1, 4)):
        i, j = random.randint(0, len(parts)), random.randint(0, len(parts))
        match random.randint(0, 5):
            case 0:
                del parts[i : i + random.randint(1, 8)]
            case 1:
                parts[i:i] = random.choice(PIECES)
            case 2 if i < len(parts):
                parts[i] = random.randrange(256)
            case 3 if i < len(parts):
                parts[i] ^= 1 << random.randrange(8)
            case 4:
                del parts[i:]
            case 5:
                parts[i:i] = parts[j : j + random.randint(1, 20)]
    return bytes(parts)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_damaged_file_brings_the_command_down(chunk: int) -> None:
    files, failures = sound_files(), []
    for number in range(INPUTS // CHUNKS // 2):
        random = Random(f"file {chunk}/{number}")
        name, data = random.choice(files)
        data = damaged(random, data)
        Path(name).write_bytes(data)
        as_point = random.random() < 0.3 and not name.endswith(".csv")
        arguments = ["--at-file", name] if as_point else ["--at", f"w=@{name}"]
        try:
            assert ask("sum(w*w)", *arguments, *["--json"] * (random.random() < 0.5)).status != 1
        except (AssertionError, TooSlow) as error:
            failures.append(f"{chunk}/{number} {name} {data!r}: {str(error)[:200]}")
    assert not failures, f"{len(failures)} inputs:\n" + "\n".join(failures[:10])


VALUES = {
    "x": "[1,2,3]", "A": "[[1,2],[3,4]]", "B": "[[1,2,3],[4,5,7]]", "s": "2", "z": "[0,0,0]", "l": "[0,1]", "e0": "[]",
    "t3": "[[[1,2],[3,4]],[[5,6],[7,9]]]", "one": "[[1]]",
}  # fmt: skip
OTHER_VALUES = [
    "1", "[1,2,3]", "[[1,0],[0,1]]", "[]", "[[],[]]", "[[[1,2],[3,4]]]", "[[2]]", "zeros(2,2)", "[1e300,1e-300]",
    "[0/0,1]",
    "[inf,1]", "ones(2,1,3)",
]  # fmt: skip
WHOLE = ["0", "1", "2", "3", "-1", "-2"]
ODD_WHOLE = [
    "5",
    "0.5",
    "1e18",
    "1e300",
    "-0",
    "inf",
    "s",
    "True",
    "1e9",
    "40",
    "[]",
    "[0]",
    "[0,0]",
    "[1,0]",
    "[-1,5]",
]
STRUCTURAL = [name for name, row in FUNCTIONS.items() if row.tensor]


class Writer:
    """Writes programs on tensors whose shapes, axes, indices and lengths often do not fit."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)
        self.pick = self.random.choice

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def whole(self) -> str:
        return self.pick(ODD_WHOLE) if self.chance(0.1) else self.pick(WHOLE)

    def lengths(self) -> str:
        return ",".join(self.whole() for _ in range(self.random.randint(0 if self.chance(0.1) else 1, 4)))

    def literal(self, depth: int) -> str:
        if depth == 0 or self.chance(0.2):
            return self.pick(("0", "1", "2", "s", "1e300", "0/0", "-1"))
        return "[" + ",".join(self.literal(depth - 1) for _ in range(self.pick((0, 1, 2, 2, 3)))) + "]"

    def key(self) -> str:
        def one() -> str:
            if self.chance(0.5):
                return self.whole()
            return ":".join(self.pick(("", self.whole())) for _ in range(self.pick((2, 2, 3))))

        return ",".join(one() for _ in range(self.pick((1, 1, 2)))) if self.chance(0.9) else self.literal(1)

    def expression(self, depth: int) -> str:
        kind = self.random.random()
        if depth <= 0 or kind < 0.15:
            return self.literal(2) if self.chance(0.1) else self.pick(list(VALUES))
        if kind < 0.3:
            return f"{self.expression(depth - 1)}{self.pick('+-*/@^·<')}{self.expression(depth - 1)}"
        if kind < 0.42:
            return f"({self.expression(depth - 1)})[{self.key()}]"
        if kind < 0.48:
            return f"({self.expression(depth - 1)}){self.pick(('.T', 'ᵀ', '²', '^-1', '.T.T'))}"
        if kind < 0.52:
            return f"{self.pick(('zeros', 'ones', 'eye'))}({self.lengths()})"
        if kind < 0.58:
            return "[" + ",".join(self.expression(depth - 1) for _ in range(self.pick((1, 2, 3)))) + "]"
        name = self.pick(STRUCTURAL if self.chance(0.8) else list(FUNCTIONS))
        row = FUNCTIONS[name]
        count = len(row.operands) + (self.random.randint(0, 2) if row.variadic else 0)
        arguments = [self.expression(depth - 1) for _ in range(count)]
        if row.lengths:
            arguments.append(self.lengths())
        attributes = [name for name in row.attributes or () if name != row.lengths and self.chance(0.4)]
        arguments += [f"{attribute}={self.whole()}" for attribute in attributes]
        return f"{name}({', '.join(filter(None, arguments))})"

    def arguments(self) -> list[str]:
        program = self.expression(self.random.randint(1, 3))
        if self.chance(0.8):
            program = f"{self.pick(('sum', 'mean', 'norm', 'logsumexp'))}({program})"
        point = {name: self.pick(OTHER_VALUES) if self.chance(0.05) else value for name, value in VALUES.items()}
        found = ["--at", ",".join(f"{name}={value}" for name, value in point.items())]
        for words, probability in (
            (["--check"], 0.4), (["--json"], 0.5), (["-q"], 0.3), (["--jacobian"], 0.15),
            (["--layout", "lecture"], 0.1),
            (["--mode", "forward"], 0.15), (["--digits-trusted"], 0.1), (["--ties", "first"], 0.1),
            (["--pass", "both"], 0.1),
            (["--upstream", self.pick(OTHER_VALUES)], 0.1), (["--wrt", self.pick(("x", "A,s"))], 0.1),
        ):  # fmt: skip
            found += words if self.chance(probability) else []
        return [*found, "--", program]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_program_on_tensors_brings_the_command_down(chunk: int) -> None:
    failures = []
    for number in range(INPUTS // CHUNKS // 2):
        arguments = Writer(f"{chunk}/{number}").arguments()
        try:
            ask(*arguments)
        except (AssertionError, TooSlow) as error:
            failures.append(f"{chunk}/{number} {arguments}: {str(error)[:200]}")
    assert not failures, f"{len(failures)} inputs:\n" + "\n".join(failures[:10])
