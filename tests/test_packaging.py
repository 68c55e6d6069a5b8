"""The wheel and the sdist hold what they should, and the wheel works where there is no checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import backpropcli

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An sdist, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def test_the_wheel_holds_grammar_tables_schema_and_marker(distributions: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(distributions[1]).namelist())
    assert {
        "backpropcli/grammar/expression.lark",
        "backpropcli/grammar/program.lark",
        "backpropcli/grammar/bindings.lark",
        "backpropcli/language/tables.json",
        "backpropcli/renderers/fonts/Arimo-Regular.ttf",
        "backpropcli/renderers/fonts/Arimo-Italic.ttf",
        "backpropcli/renderers/fonts/OFL.txt",
        "backpropcli/renderers/page.js",
        "backpropcli/renderers/page.css",
        "backpropcli/schema.json",
        "backpropcli/py.typed",
    } <= names
    assert {name.split("/")[0] for name in names} == {"backpropcli", f"backpropcli-{backpropcli.__version__}.dist-info"}
    checkout = {
        f"backpropcli/{path.relative_to(ROOT / 'backpropcli')}" for path in (ROOT / "backpropcli").rglob("*.py")
    }
    assert checkout == {name for name in names if name.endswith(".py")}


def test_the_sdist_holds_samples_and_tests(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"samples/neuron.bp", "tests/test_packaging.py", "grammar/expression.lark", "LICENSE", "README.md"} <= names


def test_the_wheel_runs_as_it_is(distributions: tuple[Path, Path], tmp_path: Path) -> None:
    """From the zip itself, with no checkout in sight: the grammar, the tables and the schema are found inside."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import backpropcli;"
        "from backpropcli.language.compile import grammar_text;"
        "assert '.whl' in backpropcli.__file__ and 'program' in grammar_text();"
        "print(backpropcli.evaluate('x*y', x=3, y=4).gradient)"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", program, str(distributions[1])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "{'x': 4.0, 'y': 3.0}\n"), run.stderr


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "version" in project["dynamic"]
    assert f"## {backpropcli.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
