"""Every sample prints what stands beside it, and every number of the lectures is there.

``BACKPROP_UPDATE=1 pytest tests/test_samples.py`` writes the expected outputs anew; read the difference then.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpropcli import Result, check, evaluate
from backpropcli.errors import ShapeError
from backpropcli.points import read_point, read_value
from backpropcli.structure import Jacobian, jacobian_of
from backpropcli.text import labels

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "samples").glob("*.bp"))


def commands(sample: Path) -> list[str]:
    """The commands that a sample's comments promise."""
    return [line.removeprefix("# $ ") for line in sample.read_text("utf-8").splitlines() if line.startswith("# $ ")]


def output(command: str) -> str:
    """What a command prints in a pipe: results and notes, as a reader sees them. A comment behind it may name its status."""
    words = shlex.split(command, comments=True)
    status = int(command.rpartition("  # exit status ")[2]) if "  # exit status " in command else 0
    assert words[0] == "backprop"
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        environment.pop(name, None)
    run = subprocess.run(
        [sys.executable, "-m", "backpropcli", *words[1:]],
        cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert run.returncode == status, run.stderr
    return run.stdout + run.stderr


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample(sample: Path) -> None:
    assert commands(sample), f"{sample.name} names no command"
    printed = "\n".join(f"$ {command}\n{output(command)}" for command in commands(sample))
    expected = sample.with_suffix(".txt")
    if os.environ.get("BACKPROP_UPDATE"):
        expected.write_text(printed, encoding="utf-8")
    assert printed == expected.read_text("utf-8")


def sample(name: str, at: dict[str, Any] | None = None, **options: Any) -> Result:
    """A sample evaluated at its point, or at another."""
    folder = ROOT / "samples"
    point = read_point(str(folder / f"{name}.json")) if at is None else at
    return evaluate((folder / f"{name}.bp").read_text("utf-8"), point, **options)


def value(result: Result, name: str) -> Any:
    return result.values[result.program.node(name)]


def upstream(result: Result, name: str) -> Any:
    return result.upstream[result.program.node(name)]


def contributions(result: Result, name: str) -> list[Any]:
    """What reaches a node by each of its edges."""
    node = result.program.node(name) if name in result.program.assigned else result.program.graph.inputs[name]
    return [edge.downstream for edges in result.edges for edge in edges if edge.operand == node]


def near(expected: Any, rel: float = 1e-12) -> Any:
    return pytest.approx(np.array(expected), rel=rel, abs=1e-15)


def upstreams(result: Result, operation: str) -> list[float]:
    graph = result.program.graph
    return [g for i, g in enumerate(result.upstream) if graph.operations[i].name == operation and g is not None]


def test_row_1_named_nodes() -> None:
    result = sample("first")
    assert (value(result, "q"), result.value) == (3, -12)
    assert result.gradient == {"x": -4, "y": -4, "z": 3}
    names = result.program.graph.names
    backward = [(names[i], result.upstream[i]) for i in reversed(range(len(result.values)))]
    assert backward == [("f", 1), ("z", 3), ("q", -4), ("y", -4), ("x", -4)]


def test_row_2_max() -> None:
    result = sample("max")
    assert (result.value, result.gradient) == (-20, {"z": 2, "w": 0, "x": -8, "y": 6})
    gates = [i for i, operands in enumerate(result.program.graph.operands) if operands]
    assert [result.values[i] for i in gates] == [2, -12, -10, -20]
    assert upstreams(result, "add") == upstreams(result, "max") == [2]
    assert upstreams(result, "mul") == [2, 1]


@pytest.mark.parametrize("name", ["neuron", "neuron_fused", "neuron_bias_product"])
def test_rows_3_to_5_the_neuron(name: str) -> None:
    result = sample(name)
    assert round(result.value, 2) == 0.73
    expected = {"w0": -0.197, "x0": 0.393, "w1": -0.393, "x1": -0.590, "w2": 0.197}
    assert {n: round(g, 3) for n, g in result.gradient.items() if n in expected} == expected


def test_row_3_every_gate() -> None:
    result = sample("neuron")
    graph = result.program.graph
    gates = [i for i, operands in enumerate(graph.operands) if operands]
    assert [round(result.values[i], 2) for i in gates] == [-2, 6, 4, 1, -1, 0.37, 1.37, 0.73]
    assert [round(result.upstream[i] or 0, 2) for i in reversed(gates)][:5] == [1, -0.53, -0.53, -0.20, 0.20]


def test_row_5_fewer_nodes() -> None:
    assert len(sample("neuron_fused").values) < len(sample("neuron").values)
    assert sample("neuron_fused").gradient == pytest.approx(sample("neuron").gradient, rel=1e-15)


def test_row_7_copy() -> None:
    result = sample("copy")
    contributions = [edge.downstream for edges in result.edges for edge in edges if edge.operand == 0]
    assert (contributions, result.gradient) == ([3, 3, 1], {"x": 7})


def test_row_13_chain() -> None:
    result = sample("chain")
    t = result.program.node("t")
    assert (result.upstream[t], result.edges[t][0].local, result.gradient["x"]) == (14, 1, 14)


def test_row_14_staged() -> None:
    result = sample("staged")
    assert round(result.value, 6) == 1.545645
    assert {n: round(g, 6) for n, g in result.gradient.items()} == {"x": 2.059570, "y": 1.592233}


def test_row_23_deep() -> None:
    result = sample("deep")
    assert round(result.value, 6) == 0.016859
    rounded = {n: round(g, 6) for n, g in result.gradient.items()}
    assert [rounded[n] for n in ("A0", "A1", "A2")] == [0.002501, 0.006200, -0.050344]
    assert [rounded[n] for n in ("b0", "b1", "b2")] == [0.002501, 0.008481, -0.060543]


def test_row_31_quotients() -> None:
    result = sample("quotients")
    assert [round(value(result, f"q{k}"), 4) for k in (0, 1, 2, 14)] == [0.1497, 0.1920, 0.1962, 0.1887]
    assert round(result.value, 6) == 0.196612


def test_row_33_modes() -> None:
    result = sample("modes")
    forward = evaluate(result.program, result.at, mode="forward")
    assert forward.gradient == pytest.approx(result.gradient, rel=1e-15)


def test_row_37_two_steps_of_ascent() -> None:
    result = sample("neuron")
    at = dict(result.at)
    values = [result.value]
    for _ in range(2):
        gradient = evaluate(result.program, at).gradient
        at |= {n: at[n] + gradient[n] for n in ("w0", "w1", "w2")}
        values.append(evaluate(result.program, at).value)
    assert [round(v, 4) for v in values] == [0.7311, 0.8984, 0.9386]


def test_row_38_upstream_scales() -> None:
    result = sample("upstream")
    quarter = evaluate(result.program, result.at, upstream=0.25)
    assert quarter.gradient == {n: g / 4 for n, g in result.gradient.items()}


def test_row_40_dead_product() -> None:
    assert evaluate("x*y", x=0, y=0).gradient == {"x": 0, "y": 0}


def test_public_anchor_of_micrograd() -> None:
    result = sample("micrograd")
    assert round(result.value, 6) == 24.704082
    assert {n: round(g, 6) for n, g in result.gradient.items()} == {"a": 138.833819, "b": 645.577259}
