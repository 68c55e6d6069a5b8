"""Imports go one way, and each library has one door."""

from __future__ import annotations

import ast
from pathlib import Path

import backpropcli

ROOT = Path(backpropcli.__file__).parent

# A layer may import from its own and from those below.
LAYERS = [
    {"errors", "limits"},
    {"layout", "shapes", "textfiles"},
    {"operations"},
    {"graph"},
    {"kernels"},
    {"sweeps", "text"},
    {"values"},
    {"language", "advice", "conventions", "entries", "catalogue", "transform", "words"},
    {"points", "inputs", "formulas", "sheet"},
    {"api", "derivatives", "gradients", "structure", "checks", "report", "matrices", "directional", "cost"},
    {"circuit", "explain", "replay", "session", "commands"},
    {"renderers", "dialects"},
    {"cli"},
    {"__init__", "__main__"},
]
DOORS = {
    "lark": {"language/compile.py"},
    "typer": {
        "cli/app.py",
        "cli/code.py",
        "cli/draw.py",
        "cli/eval.py",
        "cli/explain.py",
        "cli/gates.py",
        "cli/hvp.py",
        "cli/numeric.py",
        "cli/options.py",
        "cli/repl.py",
        "cli/symbolic.py",
    },
    "readline": {"cli/lines.py"},
    "rich": {"renderers/table.py", "cli/progress.py"},
    "numpy": {
        *(f"kernels/{name}.py" for name in ("arrays", "buffers", "exact", "linear", "shaken", "tape", "tensors")),
        *(f"checks/{name}.py" for name in ("judge", "ladder", "paths", "relevant", "rows", "shake")),
        *(
            "api.py",
            "derivatives.py",
            "matrices.py",
            "directional.py",
            "transform/pattern.py",
            "entries.py",
            "points.py",
            "structure.py",
            "values.py",
            "renderers/numbers.py",
            "dialects/verify.py",
        ),
    },
    "resvg_py": {"renderers/png.py"},
    "mpmath": {"kernels/precise.py"},
}
LATE = {("api", "renderers"), ("catalogue", "kernels")}
"""Imports inside a function, where a higher layer's word is asked for on demand."""


def imports() -> list[tuple[str, str, str]]:
    """(file, its layer's unit, what it imports) for every import outside TYPE_CHECKING."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        unit = name.split("/")[0].removesuffix(".py")
        depth = name.count("/") + 1
        tree = ast.parse(path.read_text("utf-8"))
        typing_only = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if node in typing_only:
                continue
            if isinstance(node, ast.Import):
                found += [(name, unit, alias.name.split(".")[0]) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.append((name, unit, (node.module or "").split(".")[0]))
            elif isinstance(node, ast.ImportFrom) and node.level == depth:
                heads = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                found += [(name, unit, f".{head}") for head in heads]
    return found


def test_imports_go_one_way() -> None:
    level = {unit: at for at, units in enumerate(LAYERS) for unit in units}
    wrong = [
        f"{name} imports {target}"
        for name, unit, target in imports()
        if target.startswith(".") and target[1:] in level and level[target[1:]] > level[unit]
        and (unit, target[1:]) not in LATE
    ]  # fmt: skip
    assert not wrong


def test_every_module_has_its_layer() -> None:
    units = {
        path.stem if path.is_file() else path.name for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert units - {"__pycache__", "grammar"} <= {unit for layer in LAYERS for unit in layer}


def test_each_library_has_its_door() -> None:
    wrong = [
        f"{name} imports {target}" for name, _, target in imports() if target in DOORS and name not in DOORS[target]
    ]
    assert not wrong


def test_nothing_runs_user_text() -> None:
    forbidden = {"eval", "exec", "compile", "__import__"}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, path
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not any("pickle" in name for name in names), path


def test_no_function_calls_itself() -> None:
    """No pass recurses over user data; the one exception asks mpmath again, once, with its constants converted."""
    found = set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        methods = {inner for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for inner in c.body}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                own = f"self.{node.name}" if node in methods else node.name
                if any(isinstance(c, ast.Call) and ast.unparse(c.func) == own for c in ast.walk(node)):
                    found.add((path.relative_to(ROOT).as_posix(), node.name))
    assert found == {("kernels/precise.py", "kernel")}


def test_no_module_hides_a_public_name() -> None:
    """Importing a submodule binds its name in the package: it would take the place of a function of that name."""
    public = set(backpropcli.__all__) - {"__version__"}
    modules = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not public & modules
