"""The gradient as a graph, simplified, with its factors moved, and on a tape: always the numbers of the sweeps."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import numpy as np
import pytest

import backpropcli.kernels.tape as tape_module
from backpropcli import evaluate, parse, value_and_gradient
from backpropcli.errors import OptionError, PointError, ShapeError
from backpropcli.kernels.arrays import Arrays
from backpropcli.kernels.symbols import Arithmetic, Symbols
from backpropcli.kernels.tape import NotFinite
from backpropcli.sweeps import forward
from backpropcli.text import expressions
from backpropcli.transform.compiled import compiled
from backpropcli.transform.derivative import Derived, gradient
from backpropcli.transform.simplify import simplify
from backpropcli.transform.sink import sink

from .test_random_tensors import CHUNKS, COUNT, sums_of_absolute_terms, told, usable

F = Arrays()


def derived(text: str, shapes: dict[str, Any]) -> Derived:
    program = parse(text, shapes)
    return gradient(program.graph, program.output, program.inputs)


def formulas(text: str, **shapes: Any) -> dict[str, str]:
    """The gradient by input, written out."""
    found = derived(text, shapes).simplified()
    texts = expressions(found.graph, dict(found.graph.names), 400)
    return {name: texts[i] for name, i in found.gradient.items()}


@pytest.mark.parametrize(
    ("text", "shapes", "wanted"),
    [
        ("sum((W@x)^2)", {"W": (2, 2), "x": (2,)}, {"W": "2*outer(W@x, x)", "x": "2*(Wᵀ@(W@x))"}),
        ("q = W@x; f = sum(q^2)", {"W": (2, 2), "x": (2,)}, {"W": "2*outer(q, x)", "x": "2*(Wᵀ@q)"}),
        ("x*y", {}, {"x": "y", "y": "x"}),
        ("x*1", {}, {"x": "1"}),
        ("--x", {}, {"x": "1"}),
        ("x^3", {}, {"x": "3*x^2"}),
        ("x/y", {}, {"x": "1/y", "y": "-(x/y/y)"}),
        ("2*x - 6*x/3", {}, {"x": "0"}),
        ("sum(x)", {"x": (3,)}, {"x": "full(1, 3)"}),
        ("mean((X@w - y)^2)", {"X": (4, 2), "w": (2,), "y": (4,)}, {
            "X": "0.5*outer(X@w - y, w)", "w": "0.5*(Xᵀ@(X@w - y))", "y": "-0.5*(X@w - y)"}),
        ("sum(x.T.T)", {"x": (2, 3)}, {"x": "full(1, 2, 3)"}),
        ("log(det(A))", {"A": (2, 2)}, {"A": "cofactor(A)/det(A)"}),
        ("5", {}, {}),
    ],
)  # fmt: skip
def test_formulas_are_what_a_person_writes(text: str, shapes: dict[str, Any], wanted: dict[str, str]) -> None:
    assert formulas(text, **shapes) == wanted


@pytest.mark.parametrize("text", ["0*x", "x - x", "x/x", "x*0 + 1", "log(exp(x))", "sqrt(x)^2"])
def test_what_is_nan_or_infinite_stays(text: str) -> None:
    """At infinity, at zero and at a negative number."""
    program = parse(text)
    graph, place = simplify(program.graph, [program.output])
    for x in (np.inf, -np.inf, np.nan, 0.0, -1.0, 1000.0, 2.0):
        with F.quiet():
            before = forward(F, program.graph, {"x": np.float64(x)})[program.output]
            after = forward(F, graph, {"x": np.float64(x)})[place[program.output]]
        np.testing.assert_equal(after, before, err_msg=f"{text} at {x}")


def test_a_factor_that_would_overflow_is_not_moved() -> None:
    program = parse("1e200*(1e200*(1e-300*x))")
    graph, place = simplify(program.graph, [program.output])
    assert forward(F, graph, {"x": np.float64(1e-150)})[place[program.output]] == pytest.approx(1e-50)


def test_factors_go_where_the_fewest_numbers_are() -> None:
    """The mean over 8 rows: 1/8 is multiplied with the 8 residuals, not with the 8×5 and 5×3 gradients."""
    found = derived("sum((X@W)@(0.125*v))", {"X": (8, 5), "W": (5, 3), "v": (3,)})
    nodes = list(found.gradient.values())
    graph, place = simplify(found.graph, nodes)
    graph, place = sink(graph, [place[i] for i in nodes])
    scaled = [
        i for i, row in enumerate(graph.operations) if row.name == "mul" and graph.operands[i][0] in graph.constants
    ]
    assert scaled
    assert all(np.prod(graph.shapes[i]) <= 5 for i in scaled), [graph.shapes[i] for i in scaled]


@pytest.mark.parametrize("small", [1, 8192], ids=["late", "copied"])
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_tensor_programs_on_a_tape(chunk: int, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the sweeps; with every array taken for a large one, and for a small one."""
    monkeypatch.setattr(tape_module, "SMALL", small)
    monkeypatch.setattr(tape_module, "WIDE", small)
    random = Random(f"tape {chunk}")
    outcomes: Counter[bool] = Counter()
    for _ in range(max(3, COUNT // CHUNKS)):
        result, _ = usable(random)
        graph = result.program.graph
        written = gradient(graph, result.output, result.wrt, system=(Symbols, Arithmetic)[chunk % 2])
        outputs = [written.value, *written.gradient.values()]
        at = {**result.at, written.seed: result.seed} if written.seed else result.at
        scale = 1.0 if written.seed else result.seed
        with F.quiet():
            sizes = sums_of_absolute_terms(result)
        try:
            tape = compiled(F, written.graph, outputs)
            first, found = tape(at), tape(at)
        except NotFinite:
            outcomes[False] += 1
            continue
        outcomes[True] += 1
        np.testing.assert_allclose(found[0], result.value, rtol=1e-9, atol=1e-9, err_msg=told(result, "value"))
        for name, again, g in zip(result.wrt, first[1:], found[1:], strict=True):
            np.testing.assert_array_equal(again, g, err_msg=told(result, name))
            off = np.abs(np.multiply(scale, g) - result.gradient[name])
            assert np.all(off <= 1e-9 * (1.0 + sizes[name])), told(result, (name, g, result.gradient[name]))
    assert outcomes[True] >= 0.8 * outcomes.total(), outcomes


# The function of the point


PROGRAM = "h = tanh(X@W + b); f = sum(h^2)/2 + sum(W[0])*z"


def point(random: np.random.Generator, m: int = 4, n: int = 3) -> dict[str, Any]:
    return {"X": random.normal(size=(m, n)), "W": random.normal(size=(n, 2)), "b": random.normal(size=2), "z": 0.5}


def assert_same(f: Any, at: dict[str, Any], text: str = PROGRAM) -> None:
    value, gradient = f(at)
    result = evaluate(text, at)
    assert value == pytest.approx(result.value, rel=1e-12, nan_ok=True)
    assert list(gradient) == list(result.gradient)
    for name, g in result.gradient.items():
        assert type(gradient[name]) is type(g)
        np.testing.assert_allclose(gradient[name], g, rtol=1e-12, atol=1e-12)


def test_it_is_evaluated_at_many_points_and_shapes() -> None:
    f = value_and_gradient(PROGRAM)
    random = np.random.default_rng(1)
    for m, n in ((4, 3), (4, 3), (1, 5), (4, 3), (0, 2), (200, 100)):
        assert_same(f, point(random, m, n))


def test_arrays_that_are_no_plain_blocks() -> None:
    f = value_and_gradient(PROGRAM)
    at = point(np.random.default_rng(2), 200, 100)
    assert_same(f, at | {"X": np.asfortranarray(at["X"])})
    assert_same(f, at | {"X": np.repeat(at["X"], 2, axis=1)[:, ::2]})
    assert_same(f, at | {"X": at["X"][::-1, ::-1]})
    assert_same(f, at | {"X": at["X"].astype(np.float32), "W": np.ones((100, 2), dtype=int)})
    at["X"].flags.writeable = False
    assert_same(f, at)


def test_results_and_inputs_belong_to_the_caller() -> None:
    """What was returned is never written to again, nor is what was given; and writing to it does no harm."""
    f = value_and_gradient("sum((X + Y)^2)")
    draw = np.random.default_rng(3)
    at = {"X": draw.normal(size=(300, 100)), "Y": draw.normal(size=(300, 100))}
    before = {name: x.copy() for name, x in at.items()}
    _, first = f(at)
    kept = {name: g.copy() for name, g in first.items()}
    f(X=np.ones((300, 100)), Y=np.ones((300, 100)))
    for name in at:
        np.testing.assert_array_equal(at[name], before[name])
        np.testing.assert_array_equal(first[name], kept[name])
    first["X"][:] = 7.0  # which is not the gradient of Y
    np.testing.assert_array_equal(first["Y"], kept["Y"])
    at["X"] += 1.0  # the same array with other content
    np.testing.assert_allclose(f(at)[1]["X"], 2 * (at["X"] + at["Y"]))


def test_scalars_need_no_arrays() -> None:
    f = value_and_gradient("(x+y)*z", wrt=["z", "x"])
    assert f(x=-2, y=5, z=-4) == (-12.0, {"x": -4.0, "z": 3.0})


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("sum(1/x)", [1.0, 0.0]),
        ("sum(log(x))", [1.0, -1.0]),
        ("sum(where(x > 0, sqrt(x), 0))", [0.0, 4.0]),
        ("sum(exp(x))", [1.0, 1000.0]),
        ("sum(log(1 + exp(x)))", [1.0, 800.0]),
        ("sum(x)", [1.0, np.nan]),
        ("sum(x@x)", [1.0, np.inf]),
        ("sum(sigmoid(x))", [-800.0, 800.0]),
        ("sum(max(x, 0))", [0.0, np.nan]),
        ("norm(x)", [0.0, 0.0]),
        ("sum(x[[0, 1, 5]])", [1.0, 2.0]),
    ],
)
def test_where_it_is_not_finite_the_sweeps_answer(text: str, x: list[float]) -> None:
    if "5" in text and "[[" in text:
        text = "sum(take(x, [0, 1, 5]))"
    assert_same(value_and_gradient(text), {"x": np.array(x)}, text)
    assert_same(value_and_gradient(text), {"x": np.array([1.0, 2.0, 3.0])}, text)  # and go on


def test_a_large_matrix_that_is_not_finite_is_seen() -> None:
    """The product of matrices vouches for its operands, also for a place that meets a zero."""
    f = value_and_gradient("sum(max(W@x, 0))", wrt=["x"])
    W = np.ones((200, 100))
    W[3, 7] = np.inf
    at = {"W": W, "x": np.zeros(100)}
    assert np.isnan(f(at)[0])
    assert np.isnan(evaluate("sum(max(W@x, 0))", at).value)


def test_errors_are_those_of_evaluate() -> None:
    f = value_and_gradient("sum(W@x)")
    with pytest.raises(PointError, match="no value for `W`"):
        f(x=[1.0])
    with pytest.raises(ShapeError, match="do not fit"):
        f(W=[[1.0, 2.0]], x=[1.0])
    with pytest.raises(ShapeError, match="only a scalar"):
        value_and_gradient("W@x")(W=[[1.0, 2.0]], x=[1.0, 2.0])
    with pytest.raises(OptionError, match="no input `q`"):
        value_and_gradient("sum(W@x)", wrt=["q"])(W=[[1.0, 2.0]], x=[1.0, 2.0])
    assert f(W=[[1.0, 2.0]], x=[3.0, 4.0])[0] == 11.0


def test_threads_do_not_share_a_tape() -> None:
    f = value_and_gradient(PROGRAM)
    points = [point(np.random.default_rng(i), 60, 50) for i in range(40)]
    wanted = [evaluate(PROGRAM, at).gradient["W"] for at in points]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda at: f(at)[1]["W"], points * 3))
    for g, right in zip(found, wanted * 3, strict=True):
        np.testing.assert_allclose(g, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("cross_entropy(x, 0)", {"x": [40.0, 1e-9]}),
        ("cross_entropy(x, 0)", {"x": [20.0, 1e-12]}),
        ("log_softmax(x)[0]", {"x": [30.0, 0.0, 1.0]}),
        ("softmax(x)[0]", {"x": [40.0, 0.0]}),
        ("log_softmax(x)@y", {"x": [0.0, -50.0], "y": [1.0, 1e-20]}),
        ("sum((x - 1000000 + y)^2)", {"x": [1e6], "y": [1e-12]}),
        ("sum((x - 1e16 + y)^2)", {"x": [1e16], "y": [1.3]}),
    ],
)
def test_the_tape_keeps_what_the_rules_save_from_cancellation(text: str, at: dict[str, Any]) -> None:
    """Within 8 ulps of the sweeps, which mpmath judges elsewhere."""
    value, slopes = value_and_gradient(text)(at)
    wanted = evaluate(text, at)
    np.testing.assert_allclose(value, wanted.value, rtol=2e-15, atol=0)
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, wanted.gradient[name], rtol=2e-15, atol=0)
