"""Every sample prints what stands beside it, and every number of the lectures is there.

``BACKPROP_UPDATE=1 pytest tests/test_samples.py`` writes the expected outputs anew; read the difference then.
"""

from __future__ import annotations

import json
import math
import os
import re
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
    """What a command prints in a pipe: results and notes, as a reader sees them. A comment may name its status."""
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


def settled(text: str) -> str:
    """Without our version, and what an exponential of another machine may change: whether 14 or 16 digits agree."""
    text = re.sub(r"made by backprop \S+", "made by backprop", text)
    return re.sub(r"(agrees? to (?:at least )?)1[4-6] digits", r"\1all digits", text)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample(sample: Path) -> None:
    assert commands(sample), f"{sample.name} names no command"
    printed = "\n".join(f"$ {command}\n{output(command)}" for command in commands(sample))
    expected = sample.with_suffix(".txt")
    if os.environ.get("BACKPROP_UPDATE"):
        expected.write_text(printed, encoding="utf-8")
    assert settled(printed) == settled(expected.read_text("utf-8"))


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
    node = result.program.node(name)
    return [edge.downstream for edges in result.edges for edge in edges if edge.operand == node]


def jacobian(result: Result, name: str, k: int = 0, layout: str = "standard") -> Jacobian:
    """The Jacobian of a node by its operand k."""
    node = result.program.node(name)
    local = next(edge.local for edge in result.edges[node] if edge.k == k)
    return jacobian_of(result, node, k, local, labels(result.program.graph, result.output), layout, 64)


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


@pytest.mark.parametrize("name", ["neuron_gates", "neuron_fused", "neuron_bias_product"])
def test_rows_3_to_5_the_neuron(name: str) -> None:
    result = sample(name)
    assert round(result.value, 2) == 0.73
    expected = {"w0": -0.197, "x0": 0.393, "w1": -0.393, "x1": -0.590, "w2": 0.197}
    assert {n: round(g, 3) for n, g in result.gradient.items() if n in expected} == expected


def test_row_3_every_gate() -> None:
    result = sample("neuron_gates")
    graph = result.program.graph
    gates = [i for i, operands in enumerate(graph.operands) if operands]
    assert [round(result.values[i], 2) for i in gates] == [-2, 6, 4, 1, -1, 0.37, 1.37, 0.73]
    assert [round(result.upstream[i] or 0, 2) for i in reversed(gates)][:5] == [1, -0.53, -0.53, -0.20, 0.20]


def test_row_5_fewer_nodes() -> None:
    assert len(sample("neuron_fused").values) < len(sample("neuron_gates").values)
    assert sample("neuron_fused").gradient == pytest.approx(sample("neuron_gates").gradient, rel=1e-15)


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


def test_row_15_shapes() -> None:
    result = sample("shapes")
    graph = result.program.graph
    shapes = {name: graph.shapes[result.program.node(name)] for name in ("t", "a", "v", "r", "L")}
    assert shapes == {"t": (), "a": (), "v": (3,), "r": (3,), "L": ()}
    assert (np.shape(result.gradient["t"]), np.shape(result.gradient["w"])) == ((), (3,))
    length = math.sqrt(1 + 9)  # of relu(w): t reaches L as tanh(t) times it
    assert result.gradient["t"] == pytest.approx((1 - math.tanh(0.5) ** 2) * length, rel=1e-14)
    assert result.gradient["w"] == near([math.tanh(0.5) / length, 0, 3 * math.tanh(0.5) / length])


def test_row_16_an_output_that_is_no_scalar() -> None:
    with pytest.raises(ShapeError, match="only a scalar, such as a loss, has one gradient") as caught:
        sample("relu")
    assert "--upstream" in caught.value.hint
    result = sample("relu", upstream=[4, -1, 5, 9])
    assert result.gradient["x"].tolist() == (np.array([4, -1, 5, 9]) @ np.diag([1, 0, 1, 0])).tolist()


def test_row_17_layouts() -> None:
    result = sample("layout", upstream=[1, 0])
    standard, lecture = (jacobian(result, "y", 1, layout) for layout in ("standard", "lecture"))
    assert standard.matrix == [[1, 2, 3], [4, 5, 6]]
    assert (standard.rows, standard.columns) == (["y[0]", "y[1]"], ["x[0]", "x[1]", "x[2]"])
    assert lecture.matrix == [[1, 4], [2, 5], [3, 6]]
    assert (lecture.rows, lecture.columns) == (standard.columns, standard.rows)


def test_row_18_the_sign_of_the_input_decides() -> None:
    result = sample("relu", upstream=[4, -1, 5, 9])
    assert result.value.tolist() == [1, 0, 3, 0]
    (edge,) = result.edges[result.output]
    assert np.asarray(edge.local).tolist() == [1, 0, 1, 0]
    assert result.gradient["x"].tolist() == [4, 0, 5, 0]


def test_row_19_what_a_jacobian_would_cost() -> None:
    result = sample("cost")
    small, large = jacobian(result, "h"), jacobian(result, "H")
    assert (small.matrix, small.shape, small.bytes) == (None, (4096, 4096), 128 * 2**20)
    assert (large.matrix, large.shape) == (None, (409_600, 409_600))
    assert round(large.bytes / 2**40, 2) == 1.22
    diagonals = [np.asarray(result.edges[result.program.node(name)][0].local).nbytes for name in ("h", "H")]
    assert (diagonals[0], round(diagonals[1] / 2**20, 1)) == (32 * 2**10, 3.1)
    x = result.at["x"]
    assert x.tolist() == [round(3 * math.sin(0.1 * i + 0.05), 3) for i in range(4096)]
    assert result.gradient["x"] == near((x > 0) / 2048)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_row_20_matrix_product(mode: str) -> None:
    up = read_value(str(ROOT / "samples" / "up.json"))
    assert up.tolist() == [[2, 3, -3, 9], [-8, 1, 4, 6]]
    result = sample("matmul", upstream=up, mode=mode)
    assert result.at["w"].tolist() == [[3, 2, 1, -1], [2, 1, 3, 2], [3, 2, 1, -2]]
    assert result.value.tolist() == [[-1, -1, 2, 6], [5, 2, 11, 7]]
    assert result.gradient["x"].tolist() == [[0, 16, -9], [-24, 9, -30]]
    assert result.gradient["w"].tolist() == [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]]


def test_row_20_from_the_command_line() -> None:
    """The same with everything given there: a literal, a .npy file and a .json file."""
    point = "x=[[2,1,-3],[-3,4,2]],w=@samples/w.npy"
    printed = output(f"backprop eval x@w --at {shlex.quote(point)} --upstream @samples/up.json --json")
    assert json.loads(printed)["gradient"] == {
        "x": [[0, 16, -9], [-24, 9, -30]],
        "w": [[28, 3, -18, 0], [-30, 7, 13, 33], [-22, -7, 17, -15]],
    }


def test_row_21_squared_length() -> None:
    result = sample("squared_length")
    assert (value(result, "q"), result.value) == (near([0.22, 0.26]), near(0.116))
    assert upstream(result, "q") == near([0.44, 0.52])
    assert result.gradient["W"] == near([[0.088, 0.176], [0.104, 0.208]])
    assert result.gradient["x"] == near([-0.112, 0.636])
    W, x, q = (value(result, name) for name in ("W", "x", "q"))
    assert result.gradient["W"] == near(2 * np.outer(q, x))
    assert result.gradient["x"] == near(2 * W.T @ q)


def test_row_22_affine_layer_on_a_mini_batch() -> None:
    result = sample("affine", upstream=[[1, 2], [3, 4], [5, 6]])
    assert result.value.tolist() == [[11, 23], [19, 21], [15, 21]]
    assert result.gradient["b"].tolist() == [1 + 3 + 5, 2 + 4 + 6]
    assert result.gradient["W"].tolist() == [[11, 14], [4, 6], [14, 18]]
    assert result.gradient["X"].tolist() == [[-1, 4, 5], [-1, 8, 13], [-1, 12, 21]]


def test_row_23_deep() -> None:
    result = sample("deep")
    assert round(result.value, 6) == 0.016859
    rounded = {n: round(g, 6) for n, g in result.gradient.items()}
    assert [rounded[n] for n in ("A0", "A1", "A2")] == [0.002501, 0.006200, -0.050344]
    assert [rounded[n] for n in ("b0", "b1", "b2")] == [0.002501, 0.008481, -0.060543]


def test_rows_23_and_24_deep_in_vectors() -> None:
    """The upstream of every layer comes from the one behind it, once, and makes the gradient of both its parameters."""
    result = sample("deep_vectors")
    f = [value(result, name) for name in ("x", "f1", "f2", "f3")]
    A = [value(result, f"A{i}") for i in range(3)]
    delta = 2 * (f[3] - value(result, "y")) * f[3] * (1 - f[3])
    for i in (2, 1, 0):
        assert upstream(result, f"z{i + 1}") == near(delta)
        assert result.gradient[f"b{i}"] == near(delta)
        assert result.gradient[f"A{i}"] == near(np.outer(delta, f[i]))
        assert len(contributions(result, f"f{i}" if i else "x")) == 1
        delta = (A[i].T @ delta) * f[i] * (1 - f[i])


def test_row_24_shared_products_in_scalars() -> None:
    result = sample("deep")
    A = [result.at[f"A{i}"] for i in range(3)]
    f = [result.at["x"], *(value(result, f"f{i}") for i in (1, 2, 3))]
    slope = [g * (1 - g) for g in f]
    shared = [upstream(result, f"f{i}") for i in (1, 2, 3)]
    assert [len(contributions(result, f"f{i}")) for i in (1, 2, 3)] == [1, 1, 1]
    assert shared[2] == pytest.approx(2 * (f[3] - result.at["y"]), rel=1e-14)
    assert shared[1] == pytest.approx(shared[2] * slope[3] * A[2], rel=1e-14)
    assert shared[0] == pytest.approx(shared[1] * slope[2] * A[1], rel=1e-14)
    for i in range(3):
        assert result.gradient[f"b{i}"] == pytest.approx(shared[i] * slope[i + 1], rel=1e-14)
        assert result.gradient[f"A{i}"] == pytest.approx(shared[i] * slope[i + 1] * f[i], rel=1e-14)


def test_row_25_scores() -> None:
    result = sample("score", upstream=[-1, 1, 0])
    assert result.value == near([2.25, 4.5, -0.9])
    assert result.gradient["W2"] == near([[0, -4.5], [0, 4.5], [0, 0]])
    assert result.gradient["W1"] == near([[0, 0], [0.5, 1]])
    assert result.gradient["x"] == near([0.25, 1])


HINGES = [
    ({"s": [13, -7, 11], "y": 0, "margin": 10}, 8, [-1, 0, 1]),
    ({"s": [-2.85, 0.86, 0.28], "y": 2, "margin": 1}, 1.58, [0, 1, -1]),
]


@pytest.mark.parametrize("name", ["hinge", "hinge_gates"])
@pytest.mark.parametrize(("at", "loss", "slopes"), HINGES)
def test_row_26_hinge(name: str, at: dict[str, Any], loss: float, slopes: list[float]) -> None:
    result = sample(name, at, wrt=["s"])
    assert result.value == near(loss)
    assert result.gradient["s"].tolist() == slopes


def test_row_26_the_sample_is_the_first_of_them() -> None:
    assert sample("hinge").value == sample("hinge_gates").value == 8


def test_row_27_regularisation() -> None:
    result = sample("regularised")
    assert (result.value, value(result, "data"), value(result, "reg")) == (near(4.213), near(3.25), near(0.963))
    assert result.gradient["W1"] == near([[0.2, -0.2], [0.6, 1.4]])
    assert result.gradient["W2"] == near([[0.2, -4.4], [-0.2, 4.7], [0.06, -0.04]])
    data, reg = (sample("regularised", output=part).gradient for part in ("data", "reg"))
    assert (data["W1"], reg["W1"]) == (near([[0, 0], [0.5, 1]]), near([[0.2, -0.2], [0.1, 0.4]]))
    assert data["W2"] == near([[0, -4.5], [0, 4.5], [0, 0]])
    assert reg["W2"] == near([[0.2, 0.1], [-0.2, 0.2], [0.06, -0.04]])
    for name in ("W1", "W2"):
        parts = contributions(result, name)
        assert [part.tolist() for part in parts] == [data[name].tolist(), reg[name].tolist()]


def test_row_28_softmax() -> None:
    result = sample("softmax")
    assert round(result.value, 6) == 1.040191
    assert [round(g, 6) for g in result.gradient["s"]] == [0.015449, 0.631163, -0.646613]
    p = np.exp(result.at["s"]) / np.exp(result.at["s"]).sum()
    assert result.gradient["s"] == near(p - [0, 0, 1])


def test_row_28_stable() -> None:
    result = sample("softmax", {"s": [1000, 999, -1000], "y": 1})
    assert result.value == pytest.approx(1 + math.log1p(math.exp(-1)), rel=1e-15)
    share = 1 / (1 + math.exp(-1))
    assert result.gradient["s"] == near([share, -share, 0])


def phi(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def cumulated(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


ACTIVATIONS = {
    "a1": (sigma, lambda x: sigma(x) * sigma(-x)),
    "a2": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "a3": (lambda x: max(x, 0), lambda x: float(x > 0)),
    "a4": (lambda x: x if x > 0 else 0.01 * x, lambda x: 1 if x > 0 else 0.01),
    "a5": (lambda x: x if x > 0 else math.expm1(x), lambda x: 1 if x > 0 else math.exp(x)),
    "a6": (lambda x: math.log1p(math.exp(x)), sigma),
    "a7": (lambda x: x * cumulated(x), lambda x: cumulated(x) + x * phi(x)),
    "a8": (lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * sigma(-x))),
    "a9": (lambda x: max(x, -x / 2), lambda x: 1 if x > 0 else -0.5 if x < 0 else 0.25),  # a tie at 0 is split
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_row_29_activations(name: str) -> None:
    result = sample("activations", output=name, upstream=[1, 1, 1])
    function, slope = ACTIVATIONS[name]
    assert result.value == near([function(x) for x in result.at["x"]])
    assert result.gradient["x"] == near([slope(x) for x in result.at["x"]])


def test_row_29_kinks_are_named() -> None:
    notes = sample("activations").notes
    assert [note.code for note in notes] == ["kink", "kink", "tie"]
    assert [note.message.split("(")[0] for note in notes[:2]] == ["relu", "leaky_relu"]


def test_row_30_bernoulli() -> None:
    for output_name in ("two_gates", "one_gate"):
        result = sample("bernoulli", output=output_name, wrt=["z"])
        z, t = result.at["z"], result.at["t"]
        p = np.array([sigma(x) for x in z])
        assert result.value == near(-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)))
        assert result.gradient["z"] == near((p - t) / 3)
        assert check(result).agrees


def test_row_30_multinoulli() -> None:
    result = sample("multinoulli", wrt=["s"])
    p = np.exp(result.at["s"])
    p /= p.sum(axis=1, keepdims=True)
    one_hot = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]])
    assert result.value == near(-np.mean(np.log(p[one_hot == 1])))
    assert result.gradient["s"] == near((p - one_hot) / 3)
    assert check(result).agrees


def test_row_30_gaussian() -> None:
    result = sample("gaussian")
    x, mu, deviation = result.at["x"], result.at["mu"], value(result, "σ")
    assert deviation == near(math.log1p(math.exp(0.3)))
    squares = np.mean((x - mu) ** 2)
    assert result.value == near(math.log(deviation) + squares / (2 * deviation**2) + math.log(2 * math.pi) / 2)
    assert result.gradient["mu"] == near((mu - x) / deviation**2 / 3)
    assert result.gradient["r"] == near((1 / deviation - squares / deviation**3) * sigma(0.3))
    half, unit = (sample("gaussian", output=name) for name in ("half", "unit"))
    assert (half.value, unit.value) == (near(squares / 2), near(squares / 2 + math.log(2 * math.pi) / 2))
    assert (half.gradient["mu"], unit.gradient["mu"]) == (near((mu - x) / 3), near((mu - x) / 3))


def test_row_30_mixture() -> None:
    result = sample("mixture")
    x, a, mu, deviation = result.at["x"], result.at["a"], result.at["mu"], value(result, "σ")
    weights = np.exp(a) / np.exp(a).sum()
    z = (x[:, None] - mu) / deviation
    densities = weights * np.exp(-(z**2) / 2) / (deviation * math.sqrt(2 * math.pi))
    shares = densities / densities.sum(axis=1, keepdims=True)  # how much of every x each component claims
    assert result.value == near(-np.mean(np.log(densities.sum(axis=1))))
    assert result.gradient["a"] == near(weights - shares.mean(axis=0))
    assert result.gradient["mu"] == near(-(shares * z / deviation).mean(axis=0))
    assert check(sample("mixture", wrt=["a", "mu", "r"])).agrees


def test_two_layers_on_fishers_irises() -> None:
    """Rows 22, 25, 27 and 28 together, on the 150 irises themselves."""
    result = sample("two_layer")
    X, y, W1, b1, W2, b2, weight = (result.at[name] for name in ("X", "y", "W1", "b1", "W2", "b2", "λ"))
    assert (X.shape, np.bincount(y.astype(int)).tolist()) == ((150, 4), [50, 50, 50])
    assert math.fsum(X.ravel()) == pytest.approx(2078.7, abs=1e-9)
    assert [X[y == k, 0].mean() for k in range(3)] == pytest.approx([5.006, 5.936, 6.588], abs=1e-9)

    Z = X @ W1 + b1
    assert (Z > 0).any(axis=0).all()  # no unit is dead
    assert abs(Z).min() > 5e-4  # and no entry is at the kink
    H = np.maximum(Z, 0)
    P = np.exp(H @ W2 + b2)
    P /= P.sum(axis=1, keepdims=True)
    data, reg = -np.mean(np.log(P[range(150), y.astype(int)])), weight * ((W1**2).sum() + (W2**2).sum())
    assert (value(result, "data"), value(result, "reg"), result.value) == (near(data), near(reg), near(data + reg))
    dS = (P - np.eye(3)[y.astype(int)]) / 150
    dZ = dS @ W2.T * (Z > 0)
    assert result.gradient["W2"] == near(H.T @ dS + 2 * weight * W2)
    assert result.gradient["b2"] == near(dS.sum(axis=0))
    assert result.gradient["W1"] == near(X.T @ dZ + 2 * weight * W1)
    assert result.gradient["b1"] == near(dZ.sum(axis=0))
    assert result.gradient["X"] == near(dZ @ W1.T)


def test_two_layers_checked() -> None:
    printed = output("backprop eval --file samples/two_layer.bp --at-file samples/two_layer.json --check --json")
    assert json.loads(printed)["check"]["verdict"] == "agree"


def test_row_31_quotients() -> None:
    result = sample("quotients")
    assert [round(value(result, f"q{k}"), 4) for k in (0, 1, 2, 14)] == [0.1497, 0.1920, 0.1962, 0.1887]
    assert round(result.value, 6) == 0.196612


def test_row_33_modes() -> None:
    result = sample("modes")
    forward = evaluate(result.program, result.at, mode="forward")
    assert forward.gradient == pytest.approx(result.gradient, rel=1e-15)


def test_row_35_flat_code() -> None:
    """The names and the order of the lecture, to the letter; and the code gives the numbers."""
    printed = output("backprop code samples/neuron.bp")
    backward = re.findall(r"^ +(grad_\w+) =", printed, re.MULTILINE)
    assert backward == [f"grad_{name}" for name in ["L", "s3", "w2", "s2", "s0", "s1", "w1", "x1", "w0", "x0"]]
    result = sample("neuron")
    call = "; print(value_and_gradient(" + ", ".join(str(result.at[name]) for name in result.program.inputs) + "))"
    run = subprocess.run(
        [sys.executable, "-I", "-c", f"exec({printed!r}){call}"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"({result.value!r}, {tuple(result.gradient.values())!r})\n"


def test_row_36_an_operation_of_autograd() -> None:
    printed = output("backprop code samples/gate.bp --target torch-function --name Multiply")
    assert "class Multiply(torch.autograd.Function):" in printed
    torch = pytest.importorskip("torch")
    names: dict[str, Any] = {}
    exec(printed, names)
    x, y = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (3.0, -4.0))
    value = names["Multiply"].apply(x, y)
    value.backward()
    assert (value.item(), x.grad.item(), y.grad.item()) == (-12, -4, 3)
    assert torch.autograd.gradcheck(names["Multiply"].apply, (x, y))


def test_row_37_two_steps_of_ascent() -> None:
    result = sample("neuron_gates")
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
