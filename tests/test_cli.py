"""The command as a real process: what it prints, where, and how it ends."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backpropcli.cli.progress import progress

SCHEMA = json.loads((files("backpropcli") / "schema.json").read_text("utf-8"))
FLAGSHIP = ["eval", "2*(max(z,w)+x*y)", "--at", "x=3,y=-4,z=2,w=-1"]


def backprop(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM")}
    return subprocess.run(
        [sys.executable, "-m", "backpropcli", *arguments],
        input=stdin, capture_output=True, encoding="utf-8", env=clean | environment, check=False,
    )  # fmt: skip


def answer(*arguments: str, **more: Any) -> dict[str, Any]:
    run = backprop(*arguments[:1], "--json", *arguments[1:], **more)
    found: dict[str, Any] = json.loads(run.stdout)
    jsonschema.validate(found, SCHEMA)
    assert list(found)[:1] in (["schema"], ["error"])
    return found


def test_the_flagship_as_json() -> None:
    found = answer(*FLAGSHIP)
    assert list(found) == [
        "schema", "expression", "at", "output", "value", "gradient", "nodes", "check", "notes",
    ]  # fmt: skip
    assert found["expression"] == "2*(max(z,w)+x*y)"
    assert found["at"] == {"x": 3, "y": -4, "z": 2, "w": -1}
    assert (found["output"], found["value"]) == ("n8", -20)
    assert list(found["gradient"].items()) == [("z", 2), ("w", 0), ("x", -8), ("y", 6)]
    assert found["nodes"][2] == {
        "id": "n3", "name": "n3", "operation": "max", "pattern": "gradient router", "text": "max(z, w)", "shape": [],
        "value": 2, "upstream": 2,
        "inputs": [{"id": "n1", "local": 1, "downstream": 2}, {"id": "n2", "local": 0, "downstream": 0}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        [*FLAGSHIP, "--check"],
        [*FLAGSHIP, "--digits-trusted"],
        [*FLAGSHIP, "--mode", "forward"],
        [*FLAGSHIP, "--wrt", "x,y"],
        ["eval", "relu(x)", "--at", "x=0", "--check"],
        ["eval", "log(x) + 1/y", "--at", "x=-1,y=0", "--check"],
        ["eval", "sqrt(x)", "--at", "x=0", "--check"],
        ["eval", "sum((W@x)^2)", "--at", "W=[[1,2],[3,4]],x=[1,-1]", "--check", "--digits-trusted"],
        ["eval", "W@x + b", "--at", "W=[[1,2],[3,4]],x=[1,-1],b=[0,inf]", "--upstream", "[1,2]", "--jacobian"],
        ["eval", "relu(x)", "--at", "x=[1,-2]", "--upstream", "[1,2]", "--jacobian", "--limit", "jacobian=1"],
        ["eval", "mean(x, axis=0)*s", "--at", "x=[[1,-2],[3,4]],s=2", "--upstream", "[1,2]", "--mode", "forward"],
        ["eval", "relu(x)", "--at", "x=[1,-2]"],
        ["eval", "5"],
        ["eval", "x +", "--at", "x=0"],
        ["eval", "x"],
        ["eval", "x", "--at", "x=1", "--nonsense"],
        ["nonsense"],
        ["eval"],
    ],
)
def test_json_follows_its_schema(arguments: list[str]) -> None:
    answer(*arguments)


def test_json_is_exact_and_names_what_json_cannot_hold() -> None:
    found = answer("eval", "x/3 + 1/y", "--at", "x=0.1,y=0")
    assert found["value"] == "Infinity"
    assert found["gradient"] == {"x": 1 / 3, "y": "-Infinity"}
    assert [note["code"] for note in found["notes"]] == ["not-finite"]


def test_errors_are_one_line_the_place_and_the_mend() -> None:
    run = backprop("eval", "2x", "--at", "x=1")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.splitlines() == [
        "backprop: line 1, column 2: there is no implicit product", "  2x", "   ^", "  hint: write `2*x`",
    ]  # fmt: skip
    error = answer("eval", "2x", "--at", "x=1")["error"]
    assert error == {
        "code": "syntax", "message": "there is no implicit product", "line": 1, "column": 2, "hint": "write `2*x`",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (FLAGSHIP, 0),
        ([*FLAGSHIP, "--check"], 0),
        (["eval", "log(1+x)/x", "--at", "x=1e-9", "--check"], 3),
        (["eval", "(1-cos(x))/x^2", "--at", "x=1e-3", "--check"], 0),
        (["eval", "relu(x)", "--at", "x=0"], 0),
        (["eval", "relu(x)", "--at", "x=0", "--check"], 3),
        (["eval", "1/x", "--at", "x=0"], 3),
        (["eval", "sqrt(x)", "--at", "x=-1"], 3),
        (["eval", "x"], 2),
        (["eval", "x +", "--at", "x=1"], 2),
        (["eval", "max(x,y)", "--at", "x=1,y=1", "--ties", "error"], 2),
        (["eval", "max(x,y)", "--at", "x=1,y=1", "--ties", "maybe"], 2),
        (["eval", "x", "--at", "x=1", "--wrt", "y"], 2),
        (["eval", "x", "--at", "x=1", "--output", "y"], 2),
        (["eval", "x", "--at", "x=1", "--upstream", "1,x=2"], 2),
        (["eval", "x", "--at", "x=1", "--digits", "0"], 2),
        (["eval", "x", "--at", "x=1", "--limit", "rows=none"], 2),
        (["eval", "x", "--at", "x=1", "--pass", "sideways"], 2),
        (["eval", "--file", "no/such/file.bp"], 2),
        (["eval", "no/such/file.bp"], 2),
        ([], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["eval", "-h"], 0),
        (["gates"], 0),
        (["gates", "no_such_gate"], 2),
    ],
)
def test_exit_status(arguments: list[str], status: int) -> None:
    run = backprop(*arguments)
    assert run.returncode == status, run.stdout + run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "gradient"),
    [
        (["eval", "-x^2", "--at", "x=3"], {"x": -6}),
        (["eval", "--at", "x=3", "-x^2"], {"x": -6}),
        (["eval", "--at", "x=3", "--", "-x^2"], {"x": -6}),
        (["eval", "--at=x=3", "-x^2"], {"x": -6}),
        (["eval", "-1*x", "--at", "x=3"], {"x": -1}),
        (["eval", "-x", "--at", "x=-2"], {"x": -1}),
        (["eval", "-o*q", "--at", "o=2,q=3"], {"o": -3, "q": -2}),
        (["eval", "x*y", "--at", "x=3", "--at", "y=2"], {"x": 2, "y": 3}),
        (["eval", "x", "--at", "x=3", "--upstream", "-2"], {"x": -2}),
        (["eval", "x", "--at", "x=3", "--upstream", "pi"], {"x": 3.141592653589793}),
        (["eval", "q = x*y; f = q + z", "--at", "x=3,y=2,z=1", "--output", "q"], {"x": 2, "y": 3, "z": 0}),
        (["eval", "x*y", "--at", "x=3,y=2", "--wrt", "y"], {"y": 3}),
        (["eval", "max(x,y)", "--at", "x=1,y=1", "--ties", "first"], {"x": 1, "y": 0}),
        (["eval", "samples/neuron.bp", "--at-file", "samples/neuron.json", "--at", "w2=0", "--wrt", "w2"], None),
        (["eval", "--file", "samples/neuron.bp", "--at-file", "samples/neuron.json"], None),
    ],
)
def test_options(arguments: list[str], gradient: dict[str, float] | None) -> None:
    found = answer(*arguments)
    assert "gradient" in found, found
    assert gradient is None or found["gradient"] == gradient


def test_a_program_from_standard_input() -> None:
    assert answer("eval", "-", "--at", "x=-2,y=5,z=-4", stdin="(x+y)*z\n")["gradient"]["z"] == 3


def test_notes_go_to_standard_error() -> None:
    run = backprop("eval", "relu(x)", "--at", "x=0,y=1")
    assert run.stderr.splitlines() == [
        "note: no name in the program is `y`",
        "note: relu(x) has a kink at x = 0; its derivative is 0 on the left and 1 on the right, and 0 is used",
    ]
    assert backprop("eval", "relu(x)", "--at", "x=0,y=1", "--quiet").stderr == ""


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("more", [[], ["--pass", "both"], ["--mode", "forward"], ["--check"]])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(columns: int, more: list[str]) -> None:
    program = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
    at = "w0=2,x0=-1,w1=-3,x1=-2,w2=-3"
    run = backprop("eval", program, "--at", at, "--digits", "6", *more, COLUMNS=str(columns))
    assert run.returncode == 0
    table = run.stdout.split("\n\nf = ")[0]
    assert max(map(len, table.splitlines())) <= columns
    assert "0.393224" in run.stdout
    assert "…" not in table


def test_a_pipe_gets_every_digit_and_no_colors() -> None:
    run = backprop("eval", "sin(x)", "--at", "x=1")
    assert "0.8414709848078965" in run.stdout
    assert "\x1b" not in run.stdout
    assert all(line == line.rstrip() for line in run.stdout.splitlines())


def test_colors_on_request() -> None:
    assert "\x1b[" in backprop(*FLAGSHIP, "--color", "always").stdout
    assert "\x1b[" in backprop(*FLAGSHIP, FORCE_COLOR="1").stdout
    assert "\x1b[" not in backprop(*FLAGSHIP, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b[" not in backprop(*FLAGSHIP, "--color", "never", FORCE_COLOR="1").stdout


def test_ascii_where_the_encoding_has_nothing_else() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "backpropcli", "eval", "σ(θ)", "--at", "θ=0"],
        capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=True,
    )  # fmt: skip
    assert run.stdout.isascii()
    assert b"df/d\\u03b8 = 0.25" in run.stdout


def test_a_long_table_counts_the_rest_and_json_does_not() -> None:
    program = "+".join(["x"] * 1500)
    run = backprop("eval", program, "--at", "x=1", "--limit", "rows=10")
    assert "1,490 nodes not shown" in run.stdout
    assert len(answer("eval", program, "--at", "x=1")["nodes"]) == 1500


def test_markup_and_emoji_codes_stay_text(tmp_path: Path) -> None:
    program = tmp_path / "[red]x[bold].bp"
    program.write_text("x*2 # :smile: [bold]\n")
    assert backprop("eval", str(program), "--at", "x=1").returncode == 0
    missing = backprop("eval", str(tmp_path / "[red]\x1b[31m.bp"))
    assert missing.returncode == 2
    assert "[red]\\u{1b}[31m.bp" in missing.stderr


def test_scalars_import_nothing_heavy() -> None:
    """A scalar `eval --json` imports no numpy, rich, lark or mpmath; --version not even the language."""
    code = (
        "import sys; from backpropcli.cli.main import run; status = run(sys.argv[1:]);"
        "heavy = {'numpy', 'rich', 'lark', 'mpmath', 'backpropcli.language'};"
        "print(status, sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for arguments, expected in (
        ([*FLAGSHIP, "--json"], "0 ['backpropcli.language']"),
        (FLAGSHIP, "0 ['backpropcli.language']"),
        (["--version"], "0 []"),
        (["gates"], "0 []"),
    ):
        run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert run.stderr.splitlines()[-1] == expected


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["x*y", "--at", "x1=1,y=2"], "no value for `x`", "`x1` is given: is `x` meant?"),
        (["q = x*y; f = q + 1", "--at", "x=1,y=2", "--output", "zz"], "assigns no `zz`", "it assigns: q, f"),
        (["x", "--at", '{"x": 3}'], "values are no JSON here", "write `x=1,y=2`, or put it in a file for --at-file"),
        (["x", "--at", "x=[1,2]", "--upstream", "1,1"], "--upstream is one value", "a tensor is written `[1,1]`"),
    ],
)
def test_errors_name_the_mend(arguments: list[str], message: str, hint: str) -> None:
    run = backprop("eval", *arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr.splitlines()[0]
    assert run.stderr.splitlines()[-1] == f"  hint: {hint}"


def test_a_file_in_the_place_of_an_expression_is_told(tmp_path: Path) -> None:
    target = tmp_path / "p.txt"
    target.write_text("x*y")
    run = backprop("eval", str(target), "--at", "x=1,y=2")
    assert run.stderr == f"backprop: {target} is a file\n  hint: write --file {target}\n"
    assert backprop("eval", "--file", str(target), "--at", "x=1,y=2", "-q").stdout.startswith("f = 2\n")


def test_the_program_or_the_point_comes_from_standard_input() -> None:
    expected = "f = 12\n∂f/∂x = 4\n∂f/∂y = 3\n"
    point = '{"x": 3, "y": 5}'
    assert backprop("eval", "x*y", "--at", "y=4", "--at-file", "-", "-q", stdin=point).stdout == expected
    assert backprop("eval", "--file", "-", "--at", "x=3,y=4", "-q", stdin="x*y").stdout == expected
    assert backprop("eval", "-", "--at", "x=3,y=4", "-q", stdin="x*y").stdout == expected
    refused = [
        (["eval", "-", "--at-file", "-"], point, "standard input is asked for twice"),
        (["eval", "--file", "-", "--at-file", "-"], point, "standard input is asked for twice"),
        (["eval", "x", "--at-file", "-"], "{", "standard input is no JSON"),
        (["eval", "x", "--at-file", "-"], "[1]", "standard input holds no object"),
        (["repl", "--at-file", "-"], point, "standard input has the session's lines"),
        (["repl", "--file", "-"], "x*y", "standard input has the session's lines"),
    ]
    for arguments, stdin, message in refused:
        run = backprop(*arguments, stdin=stdin)
        assert (run.returncode, run.stdout) == (2, "")
        assert message in run.stderr


def test_out_file_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "answer.json"
    assert backprop(*FLAGSHIP, "--json", "-o", str(target)).stdout == ""
    assert json.loads(target.read_text("utf-8"))["value"] == -20
    before = target.read_bytes()
    assert backprop("eval", "x +", "--json", "-o", str(target)).returncode == 2
    assert target.read_bytes() == before
    assert backprop(*FLAGSHIP, "-o", str(tmp_path / "no" / "folder" / "f")).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]


class Terminal(io.StringIO):
    """A terminal's standard error."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seconds", "shown"), [(0.25, False), (1.5, True)])
def test_a_bar_is_shown_after_a_second_and_without_colors(
    seconds: float, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0.0, seconds / 2)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr("backpropcli.cli.progress.monotonic", lambda: next(clock))
    monkeypatch.setenv("TERM", "xterm-256color")
    with progress("checking") as step:
        assert step is not None
        step(1, 2)
        step(2, 2)
    said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert ("checking" in said) == shown
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9;]*m", said)
    with progress("checking", quiet=True) as step:
        assert step is None
