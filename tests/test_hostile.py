"""Hostile input: whatever is typed, the answer is a status, one clear message, and nothing that steers a terminal.

The first part makes programs, points and options from a grammar and damages most of them; `BACKPROP_FUZZ` inputs in all
(2,000 by default, 100,000 in CI), in chunks that pytest-xdist spreads. Chunk and number give the seed, so every input
comes back. They run in this process through `run`; only Typer's reading of the commands' signatures, which is the same
every time, is done once. The second part is real processes: closed pipes, full disks, Ctrl-C.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar
from unicodedata import east_asian_width

import pytest
from typer import main as typer_main

from backpropcli.cli import app
from backpropcli.cli.main import run
from backpropcli.operations import FUNCTIONS

INPUTS = int(os.environ.get("BACKPROP_FUZZ", "2000"))
CHUNKS = 20
SECONDS = 1.0
"""Of processor time for one small input: a bound on hanging, not a benchmark."""

NAMES = [*"xyzabwnfTeE", "x1", "x_1", "n1", "n2", "q_2", "theta", "pi", "tau", "inf", "θ", "σ", "ϑ", "π", "Ω", "αβ"]
ODD_NAMES = [
    "sin", "max", "and", "or", "not", "lambda", "if", "True", "None", "nan", "import", "__x__", "__import__", "_", "__",
    "n" * 64, "n" * 65, "γ" * 64, "node1", "n_1", "node_1", "n__1", "axis", "xᵀ", "constructor", "self", "print",
]  # fmt: skip
NUMBERS = [*"0123456789", "3.", ".5", "0.1", "1e-3", "2.5e+2", "1e16", "100", "0.3333333333333333", "1e154"]
ODD_NUMBERS = [
    "1e300", "1e-300", "5e-324", "1.7976931348623157e308", "1e400", "1e-400", "170.5", "1e15", "9007199254740993",
    "1_000", "0x10", "0b1", "1e", "1e+", "1.2.3", "1..2", ".", "1j", "007", "9" * 400, "9" * 401, "1e999999999", "½",
]  # fmt: skip
BINARY = [*"+-*/^", "**", "<", "<=", ">", ">=", "==", "!=", " and ", " or ", "×", "·", "÷", "−", "@"]
PREFIXES = ["-", "+", "√", "not ", "--", "−"]
POSTFIXES = [*["²", "³", "^2", "^-1", "^0.5"] * 3, "ᵀ", ".T", "[0]", "[:,1]", "!", "'", "²³"]
HOSTILE: list[str] = [
    *"\0\a\b\t\v\f\r\n\x1b\x7f\x85\x9b\xa0\xad", *"\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff",
    *"\ud800\udc80\U000e0041\U0001f600\u0301\uff58\u3042", *"\"'`|!?%&~$#@:;,.\\{}[]()<>=^*_", "\r\n", "\x1b[31m",
    "\x1b]0;x\a", "\x1b[2J", "[red]x[/]", "[/]", "[bold]", ":smile:", ":x:", "%s", "%n", "{0}", "{x!r}", "$(id)", "//",
    "; ", "\n\n", "# ", "'''", "e+", "1e", "..", "=", "==", ":=", "->", "|x|", "∞", "∂", "∑", "≤", "–", "⋅",
]  # fmt: skip
WORDS = ["", "x", "y", "q", "x,y", "x,,y", " x ", "2", "-2", "pi", "inf", "1e400", "nan", "x=1", "-", "--", "é\x1b"]

RUNS = [
    ("(", "x", ")"), ("-", "x", ""), ("√", "x", ""), ("not ", "x", ""), ("sin(", "x", ")"), ("", "x", "²"),
    ("x^", "x", ""), ("x+", "x", ""), ("x*", "y", ""), ("max(x,", "y", ")"), ("", "x", ";x"), ("[", "1", "]"),
    ("abs(x)+", "1", ""), ("(", "", ""), ("", "x", ")"), ("f(", "x", ")"), ("", "x", "'"), ("\n", "x", ""),
    ("#", "", ""), (" ", "x", ""), ("", "", "1e"), ("", "x", "[0]"), ("q=x;", "q", ""), ("where(x,", "x", ",1)"),
    ("1/", "x", ""), ("x if ", "x", ""), ("", "x", " x"), ("9", "", ""), ("a", "(x)", ""), ("x;\t", "x", "\r"),
]  # fmt: skip
"""A long run is the first word many times, the second, the third many times."""

OPTIONS: dict[str, list[str]] = {
    "--output": ["q", "x", "f", *WORDS],
    "--wrt": WORDS,
    "--upstream": ["2", "-2", "pi", "1,x=2", "upstream", *WORDS],
    "--ties": ["split", "first", "error", "tie"],
    "--mode": ["reverse", "forward", "sideways"],
    "--pass": ["table", "forward", "backward", "both", "none"],
    "--digits": ["1", "3", "17", "0", "18", "-1", "x", "9" * 30],
    "--format": ["table", "json", "xml", ""],
    "--color": ["auto", "never", "always", "pink"],
    "--limit": [
        f"{name}={figure}"
        for name in ("rows", "text", "name", "literal", "source", "check", "Rows", "")
        for figure in ("1", "2", "0.5", "5e3", "inf", "nan", "0", "-1", "1e400", "x", "")
    ],
    "--at-file": ["point.json", "point.json", "missing.json", ".", "", "/dev/null", "a\0b", "\x1b[31m"],
    "--file": ["program.txt", "program.txt", "missing", ".", "", "/dev/null"],
    "-o": ["out", "out", "missing/out", ".", "/dev/null", "/dev/full", "-", "a\0b", "o" * 300],
}
FLAGS = ["--check", "--digits-trusted", "--quiet", "--json", "-h", "--help", "--nonsense", "-z", "--version", "--"]

POINTS = [
    '{"x": 1, "y": -2.5}', '{"x": "pi/4"}', '{"x": "1,y=2"}', '{"x": "\\u001b[31m"}', '{"x": NaN, "y": Infinity}',
    '{"x": 1e999}', '{"x": 1' + "0" * 400 + "}", '{"x": ' + "9" * 5000 + "}", '{"x": 1, "x": 2}', '{"x": [1, 2]}',
    '{"x": null}', '{"x": true}', '{"\\u202e": 1, "": 2}', "[" * 3000, '{"x":' * 3000, "[1]", "3", "", "{", '{"x": 1,}',
    "\ufeff{}", "{'x': 1}", '{"x": 1}\x1b[31m', '{"x": "' + "(" * 500 + '1"}',
]  # fmt: skip

STEERING = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
COLORS = re.compile(r"\x1b\[[\d;]*m")
INTERNAL = re.compile(r"\b(?:LPAR|RPAR|LSQB|RSQB|COMMA|COLON|EQUAL|_END|_MINUS|_TIMES|_OVER|_POWER|__ANON_\d+)\b|\$END")
NO_VARIABLES = {"and", "or", "not", *FUNCTIONS} - {"σ"}
NAME = re.compile(r"(?<![\w.])[A-Za-z_Α-Ωα-ωϑ][\wΑ-Ωα-ωϑ]*", re.ASCII)
TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


Choice = TypeVar("Choice")


class Input(NamedTuple):
    """One run of the command, all that it depends on."""

    arguments: list[str]
    stdin: bytes
    files: dict[str, bytes]
    encoding: str
    columns: str
    terminal: bool


class Maker:
    """Makes inputs: a program, a point that mostly fits it, options; then damages what it made."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def name(self) -> str:
        return self.pick(ODD_NAMES) if self.chance(0.01) else self.pick(NAMES)

    def number(self) -> str:
        return self.pick(ODD_NUMBERS) if self.chance(0.04) else self.pick(NUMBERS)

    def expression(self, depth: int) -> str:
        kind = self.random.random()
        if depth <= 0 or kind < 0.15:
            return self.name() if self.chance(0.7) else self.number()
        if kind < 0.55:
            operator = self.pick(BINARY[:5]) if self.chance(0.85) else self.pick(BINARY)
            space = self.pick(("", "", " "))
            return f"{self.expression(depth - 1)}{space}{operator}{space}{self.expression(depth - 1)}"
        if kind < 0.65:
            return f"({self.expression(depth - 1)})"
        if kind < 0.72:
            return self.pick(PREFIXES) + self.expression(depth - 1)
        if kind < 0.76:
            return f"({self.expression(depth - 1)}){self.pick(POSTFIXES)}"
        if kind < 0.77:
            return "[" + ",".join(self.expression(depth - 2) for _ in range(self.random.randint(0, 3))) + "]"
        return self.call(depth)

    def call(self, depth: int) -> str:
        name, row = self.pick(list(FUNCTIONS.items()))
        count = len(row.operands) + (self.random.randint(0, 3) if row.variadic else 0)
        if self.chance(0.04):
            count = self.random.randint(0, 4)
        operands = [self.expression(depth - 1) for _ in range(count)]
        if operands and self.chance(0.05):
            operands[-1] = f"{self.pick((*row.operands, 'axis'))}={operands[-1]}"
        return f"{name}({', '.join(operands)})"

    def run_of_one(self) -> str:
        """A long run: deep nesting, a long chain, a long line."""
        many = self.random.randint(50, 400)
        left, middle, right = self.pick(RUNS)
        return f"{left * many}{middle}{right * many}"

    def program(self) -> str:
        if self.chance(0.03):
            return self.run_of_one()
        if self.chance(0.02):
            return self.pick(HOSTILE) * self.random.randint(0, 40)
        statements = [self.expression(self.random.randint(0, 4))]
        while self.chance(0.25):
            statements.insert(0, f"{self.pick((self.name(), 'q', 'f'))} = {self.expression(self.random.randint(0, 3))}")
        return self.pick(("; ", "\n", ";", "\r\n", " # note\n")).join(statements)

    def point(self, program: str) -> list[str]:
        """Texts for --at, which give most names of the program a value."""
        names = [n for n in dict.fromkeys(NAME.findall(program)) if n not in NO_VARIABLES and self.chance(0.97)][:40]
        names += [self.name() for _ in range(2) if self.chance(0.05)]
        pairs = [f"{name}={self.value()}" for name in names]
        if not pairs:
            return []
        cut = self.random.randint(0, len(pairs)) if self.chance(0.1) else 0
        return [",".join(part) for part in (pairs[:cut], pairs[cut:]) if part]

    def value(self) -> str:
        kind = self.random.random()
        if kind < 0.55:
            return f"{self.random.uniform(-4, 4):.3g}"
        if kind < 0.8:
            return self.pick(("-", "")) + self.number()
        if kind < 0.9:
            return f"{self.pick(('-', ''))}{10 ** self.random.uniform(-320, 308):.17g}"
        if kind < 0.99:
            return self.pick(("pi/4", "-inf", "0/0", "1/0", "2^-1", "sqrt(2)", "-0", "9^9^9", "tau", "1e-3*e"))
        return self.pick(("[1,2]", "@w.npy", "y", "", "1 2", "x=1", "nan", "1e400", "'1'"))

    def damage(self, text: str) -> str:
        """The text after a few insertions, deletions, repetitions and swaps, of characters or of tokens."""
        parts = list(text) if self.chance(0.5) else TOKEN.findall(text)
        for _ in range(self.random.randint(1, 3)):
            i, j = (self.random.randint(0, max(0, len(parts) - 1)) for _ in range(2))
            match self.random.randint(0, 5):
                case 0 | 1:
                    parts.insert(i, self.pick(HOSTILE))
                case 2:
                    del parts[i : i + self.random.randint(1, 3)]
                case 3 if parts:
                    parts[i:i] = [parts[j]] * self.random.randint(1, 4)
                case 4 if parts:
                    parts[i], parts[j] = parts[j], parts[i]
                case 5:
                    parts.insert(i, self.pick((self.name(), self.number(), self.pick(BINARY), self.pick(POSTFIXES))))
        return "".join(parts)

    def input(self) -> Input:
        program = self.program()
        points = self.point(program)
        if self.chance(0.25):
            program = self.damage(program)
        if points and self.chance(0.1):
            points[0] = self.damage(points[0])
        groups = [["--at", text] if self.chance(0.8) else [f"--at={text}"] for text in points]
        groups += [["--json"]] * self.chance(0.6) + [["--check"]] * self.chance(0.25) + [["-q"]] * self.chance(0.3)
        for option in self.random.sample(list(OPTIONS), self.pick((0, 0, 0, 0, 0, 1, 2))):
            value = self.pick(OPTIONS[option])
            groups.append([option, value] if option == "-o" or self.chance(0.7) else [f"{option}={value}"])
        if self.chance(0.06):
            groups.append([self.pick(FLAGS)])
        stdin = b""
        if self.chance(0.05):
            stdin, program = self.encode(program), "-"
        files = {}
        if any("point.json" in group[-1] for group in groups):
            files["point.json"] = self.encode(self.damage(self.pick(POINTS)) if self.chance(0.3) else self.pick(POINTS))
        if any("program.txt" in group[-1] for group in groups):
            files["program.txt"], program = self.encode(program), ""
        if program or self.chance(0.3):
            groups.append([program])
        self.random.shuffle(groups)
        arguments = ["eval", *(word for group in groups for word in group)]
        if self.chance(0.01):
            arguments.append(self.pick(list(OPTIONS)))  # its value is missing
        if self.chance(0.02):
            arguments = ["gates", self.pick((*FUNCTIONS, *BINARY, program, *HOSTILE)), *["--json"] * self.chance(0.5)]
        elif self.chance(0.01):
            arguments[0] = self.damage("eval")
        return Input(
            arguments, stdin, files,
            encoding=self.pick(("utf-8", "utf-8", "utf-8", "ascii", "latin-1", "cp437", "gb18030", "euc_jis_2004")),
            columns=self.pick(("", "", "", "1", "20", "40", "80", "120", "²", "0", "999999999")),
            terminal=self.chance(0.1),
        )  # fmt: skip

    def encode(self, text: str) -> bytes:
        """As UTF-8, sometimes with a mark in front, sometimes broken."""
        data = text.encode("utf-8", "surrogatepass")
        if self.chance(0.1):
            return b"\xef\xbb\xbf" + data
        return data + b"\xff\xfe" if self.chance(0.1) else data


class Terminal(io.TextIOWrapper):
    """A stream in memory that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class TooSlow(BaseException):
    """Raised by the watchdog: no handler of the program is meant to catch it."""


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Raise TooSlow once the block has used so much processor time."""

    def bark(*_: Any) -> None:
        raise TooSlow(f"over {seconds:g} s")

    before = signal.signal(signal.SIGPROF, bark)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def attempt(given: Input, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the command in this process; what is wrong with its answer, or ""."""
    for name, data in given.files.items():
        Path(name).write_bytes(data)
    kind = Terminal if given.terminal else io.TextIOWrapper
    out, err = io.BytesIO(), io.BytesIO()
    stdout = kind(out, encoding=given.encoding, newline="")
    stderr = io.TextIOWrapper(err, encoding=given.encoding, errors="backslashreplace", newline="")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.stdin)))
        patch.setattr(sys, "stdout", stdout)
        patch.setattr(sys, "stderr", stderr)
        patch.setenv("COLUMNS", given.columns)
        try:
            with watchdog(SECONDS):
                status = run(list(given.arguments))
        except (TooSlow, Exception, SystemExit) as error:
            return f"{type(error).__name__}: {error}"
        stdout.flush()
        stderr.flush()
    return judge(given, status, out.getvalue().decode(given.encoding), err.getvalue().decode(given.encoding))


def judge(given: Input, status: int, out: str, err: str) -> str:
    """What is wrong with an answer, or ""."""
    if status not in (0, 1, 2, 3):
        return f"status {status}: {err.strip()}"
    if "Traceback" in out + err:
        return f"a traceback: {err}"
    raw = STEERING.search(COLORS.sub("", out)) or STEERING.search(err)
    if raw:
        return f"a raw {raw[0]!r} is printed"
    arguments = given.arguments
    if {"-h", "--help"} & set(arguments):
        return ""
    message = ""
    if wants_json(arguments):
        if out == "" and status != 2 and any(word.startswith("-o") for word in arguments):
            return ""
        try:
            answer = json.loads(out)
        except ValueError as error:
            return f"no JSON, {error}: {out[:80]!r}"
        if not (isinstance(answer, dict) and len({"schema", "error"} & set(answer)) == 1):
            return f"neither an answer nor an error: {out[:80]!r}"
        if ("error" in answer) != (status == 2):
            return f"status {status} with {out[:80]!r}"
        message = answer["error"]["message"] if status == 2 else ""
    elif status == 2:
        if not (out == "" and err.startswith(("backprop: ", "note: "))):
            return f"no clear error: {err[:80]!r}, and on standard output: {out[:80]!r}"
        message = err
    leak = INTERNAL.search(message)
    return f"an internal name, {leak[0]}: {message}" if leak and leak[0] not in "".join(arguments) else ""


def wants_json(arguments: list[str]) -> bool:
    return "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Typer reads the commands' signatures once, not at every run; files are read and written in a folder apart."""
    read_group, read_command = typer_main.get_group_from_info, typer_main.get_command_from_info
    made: dict[str, Any] = {}

    def group(info: Any, **options: Any) -> Any:
        return made.get("") or made.setdefault("", read_group(info, **options))

    def command(info: Any, **options: Any) -> Any:
        return made.get(info.name) or made.setdefault(info.name, read_command(info, **options))

    monkeypatch.setattr(app, "get_group_from_info", group)
    monkeypatch.setattr(app, "get_command_from_info", command)
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "LINES", "BACKPROP_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_input_brings_the_command_down(chunk: int, hasty: pytest.MonkeyPatch) -> None:
    failures = []
    for number in range(INPUTS // CHUNKS):
        given = Maker(f"{chunk}/{number}").input()
        wrong = attempt(given, hasty)
        if wrong:
            failures.append(f"{chunk}/{number}: {wrong}\n    {given!r}")
    assert not failures, f"{len(failures)} inputs:\n" + "\n".join(failures[:20])


@pytest.mark.parametrize(
    "arguments",
    [
        ["3"],
        ["3", "--mode", "forward"],
        ["x", "--at", "x=1", "--color", "always"],
        ["n1+node1+n_1+node_1+n__1+x*x", "--at", "x=1,n1=1,node1=1,n_1=1,node_1=1,n__1=1"],
        ["log2(x+1e16-1e16)*digamma(x)", "--at", "x=1.5", "--check"],
        ["asin(x^1e154)", "--at", "x=-1", "--check"],
        ["where(x>0, x, polygamma(1e6, x))", "--at", "x=0.6", "--check"],
        ["polygamma(1, x)", "--at", "x=-99999.5", "--check"],
        ["gamma(x)", "--at", "x=1e-300", "--check"],
        ["gamma(x)", "--at", "x=170.5", "--check"],
        ["+".join(f"abs(a{i})" for i in range(150)), "--at", ",".join(f"a{i}=0" for i in range(150)), "--check"],
        ["+".join(["abs(x)"] * 250), "--at", "x=0"],
        ["x*x", "--at", "x=1", "--limit", "rows=0.5"],
        ["x*x", "--at", "x=1", "--limit", "text=inf", "--json"],
        ["x", "--at-file", "point.json"],
    ],
)
def test_what_once_brought_the_command_down(arguments: list[str], hasty: pytest.MonkeyPatch) -> None:
    files = {"point.json": b'{"x": ' + b"9" * 5000 + b"}"}
    assert attempt(Input(["eval", *arguments], b"", files, "utf-8", "²", False), hasty) == ""


# Real processes


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process of its own, in an environment that does not depend on who runs the tests."""
    shaping = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "BACKPROP_DEBUG")
    plain = {k: v for k, v in os.environ.items() if k not in shaping}
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-m", "backpropcli", *arguments], env=plain | options.pop("env", {}), **streams | options
    )


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, list[str]]:
    """Status, standard output, and the lines of standard error."""
    out, err = process.communicate(timeout=60)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, (out or b"").decode("utf-8"), err.decode("utf-8").splitlines()


SUM = "+".join(["x*x"] * 1000)  # its table and its JSON are larger than any pipe's buffer
SMALL = ["eval", "x*y", "--at", "x=2,y=3"]
LARGE = ["eval", SUM, "--at", "x=1", "--limit", "rows=9999"]
UNBUFFERED = pytest.mark.parametrize("env", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])


@UNBUFFERED
@pytest.mark.parametrize("more", [[], ["--json"], ["--pass", "forward"]], ids=["table", "json", "pass"])
def test_a_reader_that_leaves_ends_the_command_with_141(more: list[str], env: dict[str, str]) -> None:
    process = start(*LARGE, *more, env=env)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    status, _, err = finish(process)
    assert (status, err) == (141, ["backprop: the reader closed the pipe"])


@pytest.mark.parametrize(
    "arguments", [SMALL, [*SMALL, "--json"], ["gates"], ["--help"], ["--version"], ["eval", "2x", "--json"]]
)
def test_a_pipe_without_a_reader_ends_the_command_with_141(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*arguments, stdout=writer)
    os.close(writer)
    status, _, err = finish(process)
    assert (status, err) == (141, ["backprop: the reader closed the pipe"])


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")


@needs_full
@UNBUFFERED
@pytest.mark.parametrize(
    "arguments", [SMALL, [*SMALL, "--json"], LARGE, ["gates"], ["--help"], ["eval", "2x", "--json"]]
)
def test_a_full_disk_behind_standard_output(arguments: list[str], env: dict[str, str]) -> None:
    with open("/dev/full", "wb") as full:
        status, _, err = finish(start(*arguments, stdout=full, env=env))
    assert (status, err) == (2, ["backprop: the result cannot be written: No space left on device"])


@needs_full
def test_a_full_disk_behind_the_target() -> None:
    status, out, err = finish(start(*SMALL, "-o", "/dev/full"))
    assert (status, out, err) == (2, "", ["backprop: /dev/full cannot be written: No space left on device"])


@pytest.mark.parametrize("arguments", [SMALL, [*SMALL, "--json"], ["gates"], ["--help"], ["eval", "2x", "--json"]])
def test_closed_standard_output_is_no_success(arguments: list[str]) -> None:
    status, _, err = finish(start(*arguments, stdout=None, preexec_fn=lambda: os.close(1)))
    assert status in (2, 141)
    assert len(err) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (SMALL, 0),
        (["eval", "abs(x)", "--at", "x=0"], 0),
        (["eval", "2x"], 2),
        (["eval", "2x", "--json"], 2),
        (["-x"], 2),
    ],
)
def test_closed_standard_error_changes_neither_status_nor_answer(arguments: list[str], expected: int) -> None:
    _, answer, _ = finish(start(*arguments))
    process = start(*arguments, stderr=None, preexec_fn=lambda: os.close(2))
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.decode()) == (expected, answer)


def test_closed_standard_input() -> None:
    status, out, err = finish(start("eval", "-", stdin=None, preexec_fn=lambda: os.close(0)))
    assert (status, out, err) == (2, "", ["backprop: standard input is closed"])
    status, _, err = finish(start(*SMALL, stdin=None, preexec_fn=lambda: os.close(0)))
    assert (status, err) == (0, [])


# Ctrl-C

INTERRUPTED = (130, "", ["backprop: interrupted"])


@pytest.mark.parametrize(
    ("program", "more"),
    [
        ("x" + "+x*x" * 1_000_000, []),
        ("x" + "+sin(x)" * 60_000, ["--check", "--limit", "check=1e9"]),
        ("(" * 3_000_000 + "x" + ")" * 3_000_000, ["--json"]),
    ],
    ids=["parsing", "check", "brackets"],
)
@pytest.mark.parametrize("target", [None, "out"], ids=["stdout", "file"])
def test_ctrl_c_in_long_work(program: str, more: list[str], target: str | None, tmp_path: Path) -> None:
    fifo = tmp_path / "program"
    os.mkfifo(fifo)
    out = [] if target is None else ["-o", str(tmp_path / target)]
    process = start("eval", "--file", str(fifo), "--at", "x=1", *more, *out)
    with fifo.open("w") as stream:  # opens when the command does
        stream.write(program)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert finish(process) == INTERRUPTED
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_ctrl_c_while_it_waits_for_standard_input() -> None:
    process = start("eval", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b" " * 2**20)  # returns when most of it has been read
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    assert finish(process) == INTERRUPTED


AT_IMPORT = """
import signal, sys
from backpropcli.cli.main import main
class Finder:
    looked_for = 0
    def find_spec(self, *_):
        self.looked_for += 1
        if self.looked_for == int(sys.argv[1]):
            signal.raise_signal(signal.SIGINT)
finder = Finder()
sys.meta_path.insert(0, finder)
try:
    main(sys.argv[2:])
finally:
    if sys.argv[1] == "0":
        print(finder.looked_for, file=sys.stderr)
"""


def interrupted_at_import(number: int, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", AT_IMPORT, str(number), *SMALL, "--check", "-o", str(target)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@cache
def imports() -> int:
    """How many modules a run looks for."""
    return int(interrupted_at_import(0, Path(os.devnull)).stderr.splitlines()[-1])


@pytest.mark.parametrize("percent", range(0, 100, 7))
def test_ctrl_c_during_start_up(percent: int, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("as it was")
    found = interrupted_at_import(1 + imports() * percent // 100, target)
    assert (found.returncode, found.stdout, found.stderr.splitlines()) == INTERRUPTED
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out", "as it was")]


# Whole or not at all


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.parametrize(
    ("arguments", "preparation"),
    [
        (["eval", "x +"], None),
        (["eval", "x"], None),
        ([*SMALL, "--wrt", "q"], None),
        ([*SMALL, "--digits", "0"], None),
        ([*LARGE], small_files),
        ([*LARGE, "--json"], small_files),
    ],
    ids=["syntax", "point", "names", "options", "full-table", "full-json"],
)
def test_a_failing_run_leaves_the_target_as_it_was(
    arguments: list[str], preparation: Callable[[], None] | None, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    target.write_text("as it was")
    status, out, err = finish(start(*arguments, "-o", str(target), preexec_fn=preparation))
    assert status == 2
    assert err[0].startswith("backprop: ") if out == "" else list(json.loads(out)) == ["error"]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out", "as it was")]


@pytest.mark.parametrize("target", ["missing/out", ".", "file/out", "n" * 300, "loop", "", "a\nb/c", "\x1b[31m/c"])
def test_targets_that_cannot_be_written(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    status, out, err = finish(start(*SMALL, "-o", target, cwd=tmp_path))
    assert (status, out, len(err)) == (2, "", 1)
    assert not STEERING.search(err[0])
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "loop").is_symlink()


def test_a_target_keeps_its_links_and_its_rights(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("as it was")
    target.chmod(0o640)
    link.symlink_to("target")
    assert finish(start(*SMALL, "-o", str(link), umask=0o077))[0] == 0
    assert link.is_symlink()
    assert "swap multiplier" in target.read_text("utf-8")
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_stays_one() -> None:
    assert finish(start(*SMALL, "-o", "/dev/null")) == (0, "", [])
    assert not os.path.isfile("/dev/null")


# The order of arguments, and everything that begins with a minus sign


@pytest.mark.parametrize(
    ("arguments", "gradient"),
    [
        (["-x^2", "--at", "x=3"], {"x": -6}),
        (["--at", "x=3", "-x^2"], {"x": -6}),
        (["--at=x=3", "-x^2"], {"x": -6}),
        (["--at", "x=3", "--", "-x^2"], {"x": -6}),
        (["--at", "x=1", "--", "--x"], {"x": 1}),
        (["-1*x", "--at", "x=1"], {"x": -1}),
        (["-x", "--at", "x=-2", "-q"], {"x": -1}),
        (["-q", "-q*x", "--at", "x=2,q=3"], {"q": -2, "x": -3}),
        (["-h*x", "--at", "h=2,x=3"], {"h": -3, "x": -2}),
        (["x", "--at=x=-2"], {"x": 1}),
        (["x", "--at", "x=1", "--upstream", "-2"], {"x": -2}),
        (["x", "--upstream=-2", "--at", "x=1"], {"x": -2}),
        (["-inf*x + y", "--at", "x=1", "--at", "y=1", "--wrt", "y"], {"y": 1}),
        (["- x", "--at", "x=1"], {"x": -1}),
        (["x--1", "--at", "x=1"], {"x": 1}),
    ],
)
def test_an_argument_may_begin_with_a_minus_sign(arguments: list[str], gradient: dict[str, float]) -> None:
    status, out, err = finish(start("eval", "--json", *arguments))
    assert "gradient" in json.loads(out), (out, err)
    assert json.loads(out)["gradient"] == gradient
    assert status in (0, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["eval", "--x", "--at", "x=1"], "--x"),
        (["eval", "--", "-x^2", "--at", "x=3"], "--at"),
        (["eval", "x", "--at", "-2"], "-2"),
        (["eval", "x", "--at"], "--at needs a value"),
        (["eval", "x", "-o"], "-o needs a value"),
        (["eval", "x", "--upstream"], "--upstream needs a value"),
        (["eval", "x", "--att", "x=1"], "did you mean --at?"),
        (["eval", "x", "--nonsense=3"], "--nonsense"),
        (["eval", "x", "-z"], "-z"),
        (["eval", "x", "y"], "y"),
        (["eval", "x", "--at", "x=1", "--digits", "0"], "--digits"),
        (["eval", "x", "--at", "x=1", "--limit", "nonsense"], "--limit"),
        (["eval", "x", "--at", "x=1", "--limit", "rows=inf"], "rows"),
        (["eval", "x", "--at", "x=1", "--wrt", "q"], "`q`"),
        (["eval", "x", "--at", "x=1", "--output", "q"], "`q`"),
        (["evl", "x"], "evl"),
        (["-x^2", "--at", "x=3"], "-x"),
        ([], ""),
        (["eval"], "no program"),
    ],
)
def test_what_cannot_be_an_argument_is_named(arguments: list[str], words: str) -> None:
    status, out, err = finish(start(*arguments))
    assert status == 2
    assert not arguments or (out == "" and 1 <= len(err) <= 4 and err[0].startswith("backprop: "))
    assert words in "\n".join(err)


# Narrow terminals and poor encodings


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp437", "gb18030", "euc_jis_2004"])
@pytest.mark.parametrize(
    "name", ["x", "θ", "ϑ_1", "n" * 64, "γ" * 64], ids=["x", "theta", "symbol", "long", "long-greek"]
)
@pytest.mark.parametrize("more", [[], ["--mode", "forward"], ["--pass", "both"]], ids=["table", "tangents", "passes"])
def test_numbers_survive_every_width_and_encoding(
    more: list[str], name: str, encoding: str, hasty: pytest.MonkeyPatch
) -> None:
    program = ["eval", f"{name}*σ(φ) + φ²", "--at", f"{name}=0.123456789012345,φ=-2.3456789012345e-5", *more]

    def answer(columns: str, *arguments: str) -> str:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
        with hasty.context() as patch:
            patch.setattr(sys, "stdout", stream)
            patch.setenv("COLUMNS", columns)
            assert run([*program, *arguments]) == 0, f"{columns} columns"
        stream.seek(0)
        return stream.read()

    exact = json.loads(answer("", "--json"))
    figures = {repr(x) for x in (exact["value"], *exact["gradient"].values(), *(n["value"] for n in exact["nodes"]))}
    for columns in ("", "²", "-5", "999999999", *map(str, (1, *range(10, 200, 10)))):
        text = answer(columns)
        cut = [figure for figure in figures if figure not in "".join(text.split())]
        assert not cut, f"{columns} columns cut {cut}:\n{text}"
        if columns.isdecimal() and int(columns) >= 60 and len(name) < 10:
            assert max(map(len, text.splitlines())) <= int(columns), f"wider than {columns} columns:\n{text}"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize(
    "program", ["2θ", "σ(α) + 2θ", "σ(α)*γ^(β 2)", "α + γ*(\x1b[31m", "あ" * 30, "α" * 50 + " θ", "\tθ $", "a=1\rb=2x"]
)
def test_the_caret_stands_under_its_character(program: str, encoding: str, hasty: pytest.MonkeyPatch) -> None:
    for columns in ("20", "40", "100", ""):
        err = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
        out = io.StringIO()
        with hasty.context() as patch:
            patch.setenv("COLUMNS", columns)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            assert (run(["eval", program]), run(["eval", program, "--json"])) == (2, 2)
        err.seek(0)
        _, excerpt, caret, *_ = err.read().splitlines()
        error = json.loads(out.getvalue())["error"]
        character = program.splitlines()[error["line"] - 1][error["column"] - 1]
        shown = {character.encode(encoding, "backslashreplace").decode(encoding), f"\\u{{{ord(character):x}}}"}
        under = "".join(c + "\0" * (east_asian_width(c) in "WF") for c in excerpt)[caret.index("^") :]
        assert under.startswith(tuple(shown)), f"{columns} columns:\n{excerpt}\n{caret}"
