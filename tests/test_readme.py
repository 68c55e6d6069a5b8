"""Every example of the README is run; a wrong output fails with its line. The set-up commands are what CI runs."""

from __future__ import annotations

import doctest
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parent.parent


def run(command: str) -> str:
    """What the shell command prints, standard error first, with this interpreter's `backprop`."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR")}
    environment["PYTHONIOENCODING"] = "utf-8"
    function = f'backprop() {{ "{sys.executable}" -m backpropcli "$@"; }}; {command}'
    done = subprocess.run(
        ["bash", "-c", function], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    return done.stderr + done.stdout


def same_json(command: str, expected: str) -> None:
    """jq writes numbers as its version pleases, so numbers are compared; without jq its path is followed here."""
    left, _, query = command.partition("| jq")
    if shutil.which("jq"):
        found = json.loads(run(command))
    else:
        found = json.loads(run(left))
        for name in query.removeprefix(" -c").strip().strip(".").split("."):
            found = found[name]
    assert found == json.loads(expected)


def console(example: Example) -> None:
    """One or several commands behind ``$``, each followed by its output."""
    for part in ("\n" + example.parsed).split("\n$ ")[1:]:
        command, _, expected = part.partition("\n")
        if "| jq" in command:
            same_json(command, expected)
        else:
            assert run(command).rstrip("\n") == expected.rstrip("\n"), command


def python(example: Example) -> None:
    """A session with the interpreter, as doctest runs it."""
    session = doctest.DocTestParser().get_doctest(example.parsed, {}, "README.md", "README.md", example.line)
    assert doctest.DocTestRunner().run(session).failed == 0


SYBIL = Sybil(parsers=[CodeBlockParser("console", console), CodeBlockParser("python", python)])
EXAMPLES = list(SYBIL.parse(ROOT / "README.md").examples())


def test_the_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"line {example.line}")
def test_example(example: Example) -> None:
    example.evaluate()


def test_every_option_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    text = run("backprop eval --help")
    options = {word.rstrip(",") for line in text.splitlines() for word in line.split()[:2] if word.startswith("--")}
    assert len(options) >= 18
    assert {option for option in options if option not in readme} <= {"--help", "--out"}


def test_the_picture_is_made_by_the_tool(tmp_path: Path) -> None:
    """``BACKPROP_UPDATE=1`` draws it anew."""
    picture = ROOT / "samples" / "circuit.svg"
    assert f"](samples/{picture.name})" in (ROOT / "README.md").read_text("utf-8")
    target = picture if os.environ.get("BACKPROP_UPDATE") else tmp_path / "circuit.svg"
    run(f'backprop draw "2*(max(z,w)+x*y)" --at x=3,y=-4,z=2,w=-1 -o {target}')
    assert target.read_bytes() == picture.read_bytes()
