"""A session: what lines mean, what is shown, and that nothing typed ends it."""

from __future__ import annotations

import os
import random
import re
import select
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from backpropcli import evaluate, parse
from backpropcli.commands import COMMANDS, answer, completions
from backpropcli.errors import BackpropError, LanguageError, LimitError, OptionError, PointError, ShapeError
from backpropcli.language import statements
from backpropcli.limits import Limits
from backpropcli.operations import FUNCTIONS
from backpropcli.session import Answer, Session
from backpropcli.values import ones

SAMPLES = Path(__file__).parent.parent / "samples"


def after(*lines: str, session: Session | None = None) -> tuple[Session, Answer]:
    """The session after the lines, and the last answer."""
    session = session or Session()
    found = Answer()
    for line in lines:
        found = answer(session, line)
    return session, found


def gradient(*lines: str) -> dict[str, Any]:
    _, found = after(*lines)
    assert found.kind in ("table", "result"), found
    return dict(found.content.gradient)


def refused(session: Session, line: str, kind: type[BackpropError] = BackpropError) -> BackpropError:
    with pytest.raises(kind) as caught:
        answer(session, line)
    return caught.value


# What lines mean


def test_type_see_change_see_again() -> None:
    session, found = after("x = 3", "y = 4", "x*y")
    assert (found.kind, found.content.value, found.content.gradient) == ("table", 12, {"x": 4, "y": 3})
    found = answer(session, "x = 5")
    assert (found.kind, found.content.value, found.content.gradient) == ("result", 20, {"x": 4, "y": 5})
    assert answer(session, ":table").kind == "table"


def test_definitions_follow_what_they_read() -> None:
    session, found = after("x=-2; y=5; z=-4", "q = x + y", "f = q*z")
    assert found.content.gradient == {"x": -4, "y": -4, "z": 3}
    assert answer(session, "q = x - y").content.gradient == {"x": 1, "y": -1}
    assert answer(session, "f").content.gradient == {"x": -4, "y": 4, "z": -7}
    assert answer(session, "q = 2").content.gradient == {"q": -4, "z": 2}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["x = 3, y = 4; x*y"], {"x": 4, "y": 3}),
        (["x = 3; x = x + 1; x^2"], {"x": 8}),
        (["x = 3", "f = x^2", "x = x - f/3", "f"], {"x": 0}),
        (["x = 1; y = 2; q = x*y; x = x + q; q"], {"x": 2, "y": 3}),
        (["e = 3", "2*e"], {"e": 2}),
        (["e = 3", "p = e*e", "p"], {"e": 6}),
        (["p = x*e; x = 2", "e = 3", "p"], {"x": 3, "e": 2}),
        (["p = x*e; x = 2", "e = x + 1", "p"], {"x": 5}),
        (["x = 2", "x^2", "x"], {"x": 4}),
        (["x = 1", "c = x; c = c*2; d = c*3; c = c + d", "d"], {"x": 6}),
        (["x = 1", "c = x; c = c*2; d = c*3; c = c + d"], {"x": 8}),
        (["x = 1", "c = x; c = c*2; g = c + 1", "c = 5", "g"], {"c": 1}),
        (["x = 1", "c = x; c = c*2", "c = x; c = c*3"], {"x": 3}),
        (["q = x*y; q = 3", "x = 2", "q*x"], {"q": 2, "x": 3}),
        (["x = 1", "slope = x*2", "leaky_relu(x, slope=0.5)"], {"x": 1}),
        (["σ = 2 # a Greek name", "σ(σ)*0 + σ"], {"σ": 1}),
    ],
)
def test_meaning(lines: list[str], expected: dict[str, float]) -> None:
    session, found = after(*lines)
    if found.kind == "names":
        found = answer(session, ":table")
    assert found.content.gradient == expected


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.bp")), ids=lambda path: path.stem)
def test_a_session_and_eval_agree(path: Path) -> None:
    """The value of every sample, with its constants as values; and its gradient by the inputs of `eval`."""
    from backpropcli.points import read_point

    point = read_point(str(path.with_suffix(".json"))) if path.with_suffix(".json").exists() else {}
    text = path.read_text("utf-8")
    found = Session(point).enter(text)
    program = parse(text, {name: getattr(value, "shape", ()) for name, value in point.items()})
    if found.kind == "names":
        pytest.skip("the sample is a name alone")
    shape = program.graph.shapes[program.output] or ()
    expected = evaluate(program, point, upstream=ones(shape) if shape else None)
    assert str(found.content.value) == str(expected.value)
    if not shape:
        found_gradient = found.content.gradient
        assert {n: str(g) for n, g in expected.gradient.items() if n in found_gradient} == {
            n: str(g) for n, g in found_gradient.items() if n in expected.gradient
        }


def test_random_sheets_agree_with_python() -> None:
    """Definitions in any order of typing, redefined and revalued, against values computed here from scratch."""
    draw = random.Random(1)
    for _ in range(60):
        session, formulas, values = Session(), {}, {name: float(draw.randint(1, 9)) for name in "abc"}
        for name, value in values.items():
            answer(session, f"{name} = {value}")
        for step in range(12):
            if draw.random() < 0.3:
                name = draw.choice("abc")
                values[name] = float(draw.randint(1, 9))
                answer(session, f"{name} = {values[name]}")
            else:
                name = f"d{draw.randint(0, 4)}"
                below = [*values, *(other for other in formulas if other < name)]
                formulas[name] = (draw.choice(below), draw.choice(below))
                answer(session, f"{name} = {formulas[name][0]} + 2*{formulas[name][1]}")
            known = dict(values)
            for name in sorted(formulas):
                known[name] = known[formulas[name][0]] + 2 * known[formulas[name][1]]
            asked = draw.choice(sorted(formulas) or ["a"])
            if asked in formulas:
                assert answer(session, asked).content.value == known[asked], step


@pytest.mark.parametrize("line", ["2x", "q = x +", "x = 1; y = (", "x = 5; foo(3)", "x = 5; x = @no.npy", "x = 5\x00"])
def test_a_line_that_is_refused_changes_nothing(line: str) -> None:
    session, _ = after("x = 3; y = 4; q = x*y")
    refused(session, line)
    assert session.sheet.values == {"x": 3, "y": 4}
    assert list(session.sheet.definitions) == ["q"]
    assert answer(session, ":table").content.gradient == {"x": 4, "y": 3}


def test_errors_have_the_place_that_was_typed() -> None:
    session, _ = after("aa = x*y", "bb = aa*x")
    error = refused(session, "x = 1; y = 2; bb + 2aa", LanguageError)
    assert (error.source, error.line, error.column) == ("x = 1; y = 2; bb + 2aa", 1, 21)
    after("W = [[1,2],[3,4]]; v = [1, 2]; p = W@v", session=session)
    answer(session, "sum(p)")
    error = refused(session, "v = [1, 2, 3]", ShapeError)
    assert (error.source, error.column) == ("W = [[1,2],[3,4]]; v = [1, 2]; p = W@v", 36)
    assert answer(session, "v = [1, 1]").content.value == 10  # and the next value mends it


@pytest.mark.parametrize(
    ("lines", "last", "names"),
    [
        (["f = q*z"], "q = f + 1", "`f` → `q` → `f`"),
        ([], "a = b + 1; b = c; c = a", "`a` → `b` → `c` → `a`"),
        (["q = 2*x"], "x = q", "`q` → `x` → `q`"),
    ],
)
def test_a_name_that_needs_itself(lines: list[str], last: str, names: str) -> None:
    session, _ = after(*lines)
    assert names in refused(session, last, LanguageError).message
    assert "defined by itself" in refused(session, "z9 = z9 + 1", LanguageError).message


def test_values_that_are_lacking_are_told() -> None:
    session, found = after("x*yy")
    assert (found.outcome, found.notes) == ("waiting", ("`x`, `yy` have no value: type `x = 1, yy = 1`",))
    assert answer(session, "y = 3").notes == ()
    assert answer(session, "x = 3").notes == ("`yy` has no value: type `yy = 1`; `y` is given: is `yy` meant?",)
    assert refused(session, ":explain", PointError).hint.startswith("type `yy = 1`")
    assert session.lacking == ["yy"]
    found = answer(session, "yy = 2")
    assert (found.kind, found.content.value) == ("table", 6)  # seen for the first time
    assert session.lacking == []


def test_what_is_no_scalar_is_shown_without_gradients() -> None:
    session, found = after("W = [[1,2],[3,4]], x = [1, 1]", "W*x")
    assert (found.kind, found.content.gradient) == ("forward", {})
    assert found.notes == (
        "`W*x` multiplies the shapes 2×2 and 2 entry by entry; did you mean `W@x`?",
        "f has the shape 2×2, and only a scalar has one gradient; :jacobian shows all derivatives",
    )
    assert answer(session, ":jacobian").content.entries.shape == (4, 6)
    for command in (":explain", ":draw", ":check", ":hessian"):
        assert ":jacobian" in refused(session, command, ShapeError).hint


def test_a_name_alone_is_its_value_and_keeps_the_program() -> None:
    session, found = after("x = 3", "x^2", "x")
    assert (found.kind, found.content) == ("names", ({"x": 3}, []))
    assert answer(session, "pi").kind == "names"
    assert answer(session, ":table").content.value == 9


def test_what_is_forgotten_is_told() -> None:
    session, found = after("x = 2", "c = x; d = c*2; c = c + d", "c = 1")
    assert found.notes == ("`d` was defined together with another name, and was forgotten with it",)
    assert "d" not in session.sheet
    assert answer(session, ":unset c, x").notes == ()
    assert session.sheet.values == {}
    assert refused(session, ":unset c").message == "`c` has no value"
    assert "not used" in answer(session, "a; b").notes[0]


def test_files_with_and_without_blanks() -> None:
    from backpropcli.points import read_value

    path = SAMPLES / "w.npy"
    for line in (f"W=@{path}", f"x = 1, W =  @{path}; y = 2"):
        session = Session(read=lambda path, name: read_value(path, name))
        answer(session, line)
        assert session.sheet.values["W"].shape == (3, 4)
    assert "cannot be read here" in refused(Session(), f"W=@{path}").message


def test_statements_read_what_the_grammar_reads() -> None:
    """The names of a statement are those that the parser itself finds."""
    texts = [line for path in SAMPLES.glob("*.bp") for line in path.read_text("utf-8").splitlines()]
    texts += ["leaky_relu(x, slope=s)[0] + sum(v, axis=0, keepdims=True)", "a == b and not c", "x.T@W[:, 1]", "q = -x²"]
    count = 0
    for text in texts:
        for statement in statements(text):
            program = parse(statement.text[statement.equal :])
            constants = {"pi", "e", "True", "inf", "tau", "π", "False"}
            assert set(statement.reads) - constants == set(program.inputs) - constants, statement
            assert text[statement.start :].startswith(statement.text)
            assert statement.text[: statement.equal].rstrip(" =") == statement.name
            count += 1
    assert count > 60


# Commands


def test_commands() -> None:
    session, _ = after("x = 3", "q = x*x", "f = q + x")
    assert answer(session, ":program").content == "q = x*x\nf = q + x"
    assert [step.name for step in answer(session, ":explain q").content.backward] == ["q"]
    assert answer(session, ":draw").content.output == "f"
    assert answer(session, ":draw f.svg").target == "f.svg"
    assert answer(session, ":check").content.check.verdict == "agree"
    assert answer(session, ":hess").content.entries.tolist() == [[2]]
    assert answer(session, ":values").content[0] == {"x": 3}
    assert answer(session, " :q ").kind == "end"


def test_outcomes() -> None:
    session, found = after("x = 0", "1/x")
    assert found.outcome == "unverified"
    assert after("x = 0", "relu(x)", ":check")[1].outcome == "unverified"
    assert after("x = 0", "relu(x)")[1].outcome == "done"
    found = answer(session, "x = 1")
    assert (found.kind, found.outcome) == ("result", "done")


NONSENSE = ["", ":", " :", "nonsense", "h", "check 3", "quit now", "unset", "unset q", "run", "__class__", "éxplain"]
NONSENSE += ["\x1b[31m", "x" * 10**6]


@pytest.mark.parametrize("text", NONSENSE, ids=range(len(NONSENSE)))
def test_hostile_commands(text: str) -> None:
    session, _ = after("x = 3", "x^2")
    error = refused(session, ":" + text)
    assert len(error.message) < 200
    assert answer(session, ":table").content.value == 9


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("(" * 10**5, LanguageError),
        (")" * 10**5, LanguageError),
        ("x\u202e = 3", LanguageError),
        ("x" * 65 + " = 3", LimitError),
        ("__class__ = 3", LanguageError),
        ("x = 1e999", LanguageError),
        ("x = [1, [2]]", BackpropError),
        ("x = zeros(100000, 100000)", LimitError),
        ("x := 3", LanguageError),
        ("x = y = 3", LanguageError),
        ("= 3", LanguageError),
        ("x*y,", LanguageError),
        ("x = @/etc/passwd", BackpropError),
        ("quit", BackpropError),
        ("explain", BackpropError),
        ("exit", BackpropError),
        ("exit()", LanguageError),
        ("import os", LanguageError),
    ],
)
def test_hostile_lines(line: str, kind: type[BackpropError]) -> None:
    from backpropcli.points import read_value

    session = Session({"v": 2.0}, read=lambda path, name: read_value(path, name))
    answer(session, "v^2")
    refused(session, line, kind)
    assert answer(session, ":table").content.value == 4


def test_names_like_commands_and_functions() -> None:
    session, found = after("quit = 3", "quit*2", "sin = 2", "sin(sin)*quit")
    assert list(found.content.gradient) == ["sin", "quit"]
    assert answer(session, "quit").content == ({"quit": 3}, [])


def test_random_text_never_breaks_a_session() -> None:
    draw = random.Random(7)
    pieces = [
        "x",
        "y",
        "q",
        "=",
        ";",
        ",",
        "(",
        ")",
        "[",
        "]",
        "1",
        "2.5",
        "+",
        "*",
        "@",
        "^",
        ":",
        ":check",
        ":values",
        ":draw",
        "sum(",
        "max(",
        "σ",
        "#",
        "e",
        "pi",
        "[1,2]",
    ]
    pieces += [" ", " = ", "\n", "\r", ":explain ", ":unset "]
    session = Session({"x": 1.0, "y": 2.0})
    answered = 0
    for _ in range(int(os.environ.get("BACKPROP_FUZZ", 3000))):
        line = "".join(draw.choice(pieces) for _ in range(draw.randint(1, 9)))
        with suppress(BackpropError):
            answered += bool(answer(session, line).kind)
    assert answered > 50


def test_a_session_of_a_thousand_lines() -> None:
    lines = ["x0 = 0.5", *(f"x{n + 1} = x{n} + 0.001*x0*2" for n in range(999))]
    session, found = after(*lines)
    assert found.content.value == pytest.approx(0.5 + 999 * 0.001)
    assert found.content.gradient["x0"] == pytest.approx(2.998)
    assert answer(session, "x0 = 1").content.value == pytest.approx(1 + 999 * 0.002)


def test_completion() -> None:
    session, _ = after("alpha = 1", "beta = alpha*gamma1", "alpha*omega")
    assert completions(session, "", ":ex") == [":explain "]
    assert completions(session, "", ":") == sorted(
        f":{name}{' ' if c.argument else ''}" for name, c in COMMANDS.items()
    )
    assert completions(session, "2*", "al") == ["alpha"]
    assert completions(session, "", "sigm") == ["sigmoid("]
    assert completions(session, "", "om") == ["omega"]
    assert completions(session, "", "") == ["alpha", "beta", "omega"]
    assert completions(session, ":unset ", "a") == ["alpha"]
    assert completions(session, "x", ":ex") == []
    assert {name + "(" for name in FUNCTIONS if name.startswith("s")} <= set(completions(session, "", "s"))


def test_every_command_is_told_and_takes_what_it_says() -> None:
    help_text = after(":help")[1].content
    assert help_text is COMMANDS
    for name, row in COMMANDS.items():
        if not row.argument:
            with pytest.raises(OptionError, match="takes nothing"):
                answer(Session(), f":{name} x")


def test_a_session_holds_limits() -> None:
    session = Session(limits=Limits(source=50))
    refused(session, "x = " + "1+" * 50 + "1", LimitError)


# The command


def repl(*arguments: str, stdin: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[str]:
    dropped = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM")
    clean = {k: v for k, v in os.environ.items() if k not in dropped} | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "backpropcli", "repl", *arguments],
        input=stdin if isinstance(stdin, bytes) else stdin.encode(), capture_output=True, env=clean | environment,
        check=False, timeout=300,
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


LINES = """\
x = -2; y = 5
q = x + y
q*z
z = -4
:program
:values
# a comment, and an empty line

z = z + 1
:explain q
:draw
:check
W = [[1, 2], [3, 4]], v = [1, -1]
p = W@v
sum(p^2)
:hessian
v = [1, 2, 3]
v = [0, 1]
2x
:nonsense
:help
:quit
never = read
"""


@pytest.mark.parametrize("columns", ["40", "80", ""])
def test_a_piped_session(columns: str, golden: Callable[[str, str], None]) -> None:
    run = repl(stdin=LINES, **({"COLUMNS": columns} if columns else {}))
    assert run.returncode == 2
    golden(f"repl-{columns or 'pipe'}.txt", f"{run.stdout}--- standard error\n{run.stderr}")


@pytest.mark.parametrize(
    ("stdin", "arguments", "status"),
    [
        ("", [], 0),
        ("x = 3\nx^2", [], 0),
        ("x = 3\r\nx^2\r\n", [], 0),
        ("x*y\nx=3\ny=2\n", [], 0),
        ("x*y\nx=3\n", [], 2),
        ("2x\nx = 3\nx", [], 2),
        ("x = 0\n1/x\n", [], 3),
        ("x = 0\nrelu(x)\n:check\n", [], 3),
        ("x = 0\nrelu(x)\n:check\n2x\n", [], 2),
        (":q\n2x\n", [], 0),
        ("", ["x*y", "--at", "x=3,y=4"], 0),
        ("", ["x*y", "--at", "x=3"], 2),
        ("y=3", ["x*y", "--at", "x=3", "--no-history"], 0),
        ("", ["samples/neuron.bp", "--at-file", "samples/neuron.json"], 0),
        ("", ["--file", "samples/neuron.bp", "--at-file", "samples/neuron.json"], 0),
        ("", ["2x"], 2),
        ("", ["-"], 2),
        ("", ["x", "--limit", "rows=none"], 2),
        ("", ["--color", "maybe"], 2),
    ],
)
def test_exit_status(stdin: str, arguments: list[str], status: int) -> None:
    run = repl(*arguments, stdin=stdin)
    assert run.returncode == status, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert ">" not in run.stdout


def test_errors_from_a_pipe_tell_the_line_of_the_input() -> None:
    """Also where what is wrong was typed before: a value of another shape, for a definition."""
    run = repl(stdin="x = 3\n\nq = x@y\n2x\r\ny = [1, 2]\n:nonsense\nx %2\n")
    said = [line for line in run.stderr.splitlines() if line.startswith("backprop: ")]
    assert [line.partition(": ")[2].partition(": ")[0] for line in said] == [
        "line 4, column 2", "line 5", "line 6", "line 7, column 3",
    ]  # fmt: skip
    assert "  q = x@y\n      ^^^\n" in run.stderr


def test_hostile_bytes_keep_the_session() -> None:
    lines = [b"x = 3", b"\xff\xfe", b"x\x00\x1b[31m", b"(" * 5000, b"9" * 5000, "\u202ex".encode(), b"x^2", b""]
    run = repl("--limit", "source=4000", stdin=b"\n".join(lines))
    assert run.returncode == 2
    assert run.stdout.endswith("f = 9\n∂f/∂x = 6\n\n")
    assert run.stderr.count("backprop:") == 5
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", run.stderr)


def test_a_drawing_goes_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "[red] f.svg"
    run = repl(stdin=f"x = 3; x^2\n:draw {target}\n:draw {tmp_path}/no/f.svg\n:draw f.xyz\n")
    assert target.read_text("utf-8").startswith("<svg")
    assert run.returncode == 2
    assert f"{target} is written" in run.stderr
    assert run.stderr.count("backprop:") == 2


def test_digits_and_colors() -> None:
    assert "f = 0.3333333333333333\n" in repl(stdin="x = 3\n1/x\n").stdout
    assert "f = 0.33\n" in repl("--digits", "2", stdin="x = 3\n1/x\n").stdout
    assert "\x1b[" in repl("--color", "always", stdin="x = 3\n1/x\n").stdout


def test_scalars_import_nothing_heavy() -> None:
    code = (
        "import sys; from backpropcli.cli.main import run; status = run(['repl']);"
        "print(status, sorted({'numpy', 'rich', 'lark', 'mpmath', 'readline'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        input="x = 3\nx^2\n:values\n:program\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "0 []"


class Given:
    """Lines that are there already."""

    number = 0

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)

    def read(self) -> str | None:
        return self.lines.pop(0) if self.lines else None


def test_an_interrupt_ends_an_evaluation_and_keeps_the_session(capfd: pytest.CaptureFixture[str]) -> None:
    """A person goes on; from a pipe it is the end, as of every command."""
    from backpropcli.cli import repl as module

    lines = ["x = 3", "x^2", "x = 4", "2x"]
    seen: list[Answer] = []

    def show(found: Answer) -> int:
        seen.append(found)
        if found.kind == "table":
            raise KeyboardInterrupt
        return 0

    assert module._answered(Given(*lines), Session(), show, 0, person=True) == 2
    assert [found.kind for found in seen] == ["", "table", "result"]
    assert capfd.readouterr().err.startswith("interrupted\nbackprop: line 1, column 2")
    with pytest.raises(KeyboardInterrupt):
        module._answered(Given(*lines), Session(), show, 0, person=False)


def test_a_fault_keeps_the_session(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from backpropcli.cli import repl as module

    def show(found: Answer) -> int:
        if found.content.value == 7:
            raise ZeroDivisionError
        return 0

    monkeypatch.delenv("BACKPROP_DEBUG", raising=False)
    assert module._answered(Given("3 + 4", "3 + 5"), Session(), show, 0, person=True) == 70
    assert "this is a fault of backprop" in capfd.readouterr().err


# A terminal


class Terminal:
    """A session in a pseudo-terminal: what is typed, and what comes until a text is there."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        import pty
        import termios

        self.main, side = pty.openpty()
        settings = termios.tcgetattr(side)
        settings[3] |= termios.NOFLSH  # else the terminal drops at Ctrl-C what was written and not yet read
        termios.tcsetattr(side, termios.TCSANOW, settings)
        environment = os.environ | {"TERM": "dumb", "XDG_STATE_HOME": str(folder), "COLUMNS": "80"}
        environment.pop("FORCE_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backpropcli", "repl", *arguments],
            stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True, close_fds=True,
            preexec_fn=lambda: _controlled(side),
        )  # fmt: skip
        os.close(side)
        self.read = ""

    def until(self, text: str) -> str:
        """What comes, up to the text."""
        while text not in self.read:
            assert select.select([self.main], [], [], 120)[0], self.read
            try:
                data = os.read(self.main, 65536)
            except OSError:
                data = b""
            assert data, self.read
            self.read += data.decode("utf-8", "replace").replace("\r\n", "\n")
        before, _, self.read = self.read.partition(text)
        return before + text

    def type(self, keys: str) -> None:
        os.write(self.main, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C, until the line is taken back: `readline` misses one that comes while it works."""
        for _ in range(60):
            self.type("\x03")
            if select.select([self.main], [], [], 2)[0]:
                break
        self.until("\n> ")

    def end(self) -> int:
        status = self.process.wait(120)
        os.close(self.main)
        return status


def _controlled(side: int) -> None:
    """In the new process: the terminal is its own, so that Ctrl-C reaches it."""
    import fcntl
    import termios

    fcntl.ioctl(side, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    pytest.importorskip("pty")
    pytest.importorskip("readline")
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(tmp_path, *arguments))
        return opened[-1]

    yield start
    for each in opened:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_a_person_at_a_terminal(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    person = terminal("x^2", "--at", "x=3")
    person.until("∂f/∂x = 6\n\n> ")
    person.type("x = 4\n")
    person.until("∂f/∂x = 8\n\n> ")
    person.type("sigmo\t")  # completed
    person.until("sigmoid(")
    person.type("x) + 7")
    person.until("x) + 7")
    person.interrupt()
    person.type(":val\t\n")
    person.until("x = 4\n\n> ")
    person.type("2x\n")
    person.until("there is no implicit product")
    person.until("> ")
    person.type("\x10\x10\n")  # the line before the last one: Ctrl-P twice
    person.until(":values\nx = 4\n\n> ")
    person.type("\x04")
    assert person.end() == 0
    history = tmp_path / "backprop" / "history"
    assert history.read_text("utf-8").splitlines() == ["x = 4", ":values", "2x", ":values"]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_history_is_kept_or_not(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    for arguments, recalled in ((["--no-history"], ""), ([], ""), ([], "theta = 3")):
        person = terminal(*arguments)
        person.until("> ")
        person.type("theta = 3\n" if not recalled else "\x10\x10\n")
        person.until("theta = 3\n> ")
        person.type(":quit\n")
        assert person.end() == 0
        assert (tmp_path / "backprop" / "history").exists() == (arguments == [])


def test_a_history_that_cannot_be_written_is_no_matter(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "backprop").write_text("no folder")
    person = terminal()
    person.until("> ")
    person.type("3 + 4\n")
    person.until("f = 7\n\n> ")
    person.type("\x04")
    assert person.end() == 0
