"""Jacobians and Hessians, against quotients of mpmath and against figures by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from math import prod
from random import Random
from typing import Any

import jsonschema
import numpy as np
import pytest

from backpropcli import Result, hessian, jacobian, parse
from backpropcli.derivatives import Hessian, Jacobian
from backpropcli.directional import directional, pushed_forward
from backpropcli.errors import LimitError, OptionError, ShapeError
from backpropcli.errors import columns as width_of
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.kernels.exact import exact
from backpropcli.limits import LIMITS, Limits
from backpropcli.matrices import hessian_matrix, jacobian_matrix
from backpropcli.operations import OPERATIONS
from backpropcli.sweeps import forward
from backpropcli.transform.derivative import gradient, pushforward
from backpropcli.values import as_value, shape_of

from .test_cli import SCHEMA, backprop
from .test_random_tensors import CHUNKS, COUNT, told, usable

F = Arrays()
MP = exact(420)
MOST_ENTRIES = 16


def quotients(graph: Graph, nodes: list[int], wrt: list[str], at: dict[str, Any]) -> Any:
    """The Jacobian of nodes by inputs, by quotients at 420 bits; no derivative rule takes part in them.

    NaN where both sides differ: at a kink.
    """
    point = {name: MP.constant(value) for name, value in at.items()}
    step = MP.mp.ldexp(1, -130)
    columns = []
    for name in wrt:
        for k in range(np.size(at[name])):
            sides = []
            for sign in (1, 0, -1):
                moved = np.array(point[name], dtype=object)
                moved.reshape(-1)[k] += sign * step
                values = forward(MP, graph, {**point, name: moved if np.ndim(at[name]) else moved[()]})
                sides.append(np.concatenate([np.ravel(np.asarray(values[i], dtype=object)) for i in nodes]))
            right, left = (((sides[n] - sides[n + 1]) / step).astype(float) for n in (0, 1))
            columns.append(np.where(np.isclose(left, right, rtol=1e-9, atol=1e-9), (left + right) / 2, np.nan))
    rows = sum(prod(graph.shapes[i] or ()) for i in nodes)
    return np.array(columns).T if columns else np.zeros((rows, 0))


def by_rules(graph: Graph, nodes: list[int], wrt: list[str], at: dict[str, Any]) -> Any:
    """The Jacobian of nodes by the rules, written down and evaluated at 420 bits."""
    pushed = pushforward(graph, nodes, wrt)
    point = {name: MP.constant(value) for name, value in at.items()}
    columns = []
    zeros = {pushed.direction[name]: MP.constant(np.zeros(np.shape(at[name]))) for name in wrt}
    for name in wrt:
        for k in range(np.size(at[name])):
            unit = np.zeros(np.shape(at[name]))
            unit.reshape(-1)[k] = 1.0
            values = forward(MP, pushed.graph, {**point, **zeros, pushed.direction[name]: MP.constant(unit)})
            columns.append(np.concatenate([np.ravel(np.asarray(values[i], dtype=object)) for i in pushed.tangents]))
    return np.array(columns).astype(float).T


def compare(graph: Graph, nodes: list[int], result: Result, found: Any) -> str:
    """A NaN is honest, as of the slope of the cofactors of a singular matrix; a wrong number is not.

    Where rounding leaves nothing, as near a singular matrix, the same rules must be right with more digits.
    """
    wrt = list(result.wrt)
    truth = quotients(graph, nodes, wrt, result.at)
    assert found.shape == truth.shape
    scale = 1.0 + np.max(np.abs(truth), initial=0.0)
    if not np.isfinite(truth).all() or scale > 1e9:
        return "skipped"
    finite = np.isfinite(found)
    if np.allclose(found[finite], truth[finite], rtol=1e-6, atol=1e-6 * scale):
        return "agree" if finite.all() else "nan"
    exactly = by_rules(graph, nodes, wrt, result.at)
    np.testing.assert_allclose(exactly, truth, rtol=1e-6, atol=1e-6 * scale, err_msg=told(result, found))
    return "ill-conditioned"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_tensor_programs(chunk: int) -> None:
    random = Random(f"second {chunk}")
    done: Counter[str] = Counter()
    for _ in range(max(3, COUNT // CHUNKS // 3)):
        result, _ = usable(random)
        program, wrt = result.program, list(result.wrt)
        held = any(row.held for row in program.graph.operations)
        if held or result.notes or sum(np.size(result.at[name]) for name in wrt) > MOST_ENTRIES:
            continue  # where quotients say something else: at a kink, of what counts as a constant
        found = Jacobian(program, None, wrt, LIMITS)(result.at)
        done[compare(program.graph, [result.output], result, found)] += 1
        if shape_of(result.value) == ():
            written = gradient(program.graph, result.output, wrt)
            found = Hessian(program, None, wrt, LIMITS)(result.at)
            np.testing.assert_array_equal(found, found.T)
            done[compare(written.graph, list(written.gradient.values()), result, found)] += 1
    assert done["agree"] >= 0.9 * done.total(), done


# By hand


def test_a_function_of_two_numbers() -> None:
    """x²y + y³ at (1, 2): [[2y, 2x], [2x, 6y]]."""
    assert hessian("x^2*y + y^3")(x=1, y=2).tolist() == [[4.0, 2.0], [2.0, 12.0]]
    assert jacobian("[x*y, x+y, x^2]")(x=2, y=3).tolist() == [[3.0, 2.0], [1.0, 1.0], [4.0, 0.0]]


def rosenbrock_by_hand(x: Any) -> Any:
    """Of sum(100·(x[i+1] - x[i]²)² + (1 - x[i])²)."""
    n = len(x)
    found = np.zeros((n, n))
    for i in range(n - 1):
        found[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        found[i + 1, i + 1] += 200
        found[i, i + 1] = found[i + 1, i] = -400 * x[i]
    return found


ROSENBROCK = "sum(100*(x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)"


def test_a_band_takes_as_many_tangents_as_it_has_diagonals() -> None:
    x = np.random.default_rng(1).normal(size=50)
    made = Hessian(parse(ROSENBROCK, {"x": (50,)}), None, None, LIMITS)
    np.testing.assert_allclose(made({"x": x}), rosenbrock_by_hand(x), rtol=1e-13, atol=1e-10)
    assert made.columns.passes == 3
    assert made.pattern.sum() == 148


def test_softmax_by_hand() -> None:
    """diag(p) - p·pᵀ, in either mode; the Hessian of logsumexp is the same."""
    x = np.array([1.0, 2.0, 3.0])
    p = np.exp(x) / np.exp(x).sum()
    wanted = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(jacobian("softmax(x)")(x=x), wanted, rtol=1e-13)
    np.testing.assert_allclose(hessian("logsumexp(x)")(x=x), wanted, rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "at", "mode", "passes"),
    [
        ("[x*y, x+y, x^2]", {"x": 2.0, "y": 3.0}, "forward", {"forward": 2, "reverse": 3}),
        ("sum(x^2)", {"x": np.ones(9)}, "reverse", {"forward": 9, "reverse": 1}),
        ("relu(x)", {"x": np.array([1.0, -2.0, 3.0])}, "forward", {"forward": 1, "reverse": 1}),
        ("W@x", {"W": np.ones((2, 3)), "x": np.ones(3)}, "reverse", {"forward": 6, "reverse": 2}),
        ("[1, 2]", {}, "forward", {"forward": 0, "reverse": 0}),
    ],
)
def test_the_cheaper_mode_is_taken(text: str, at: dict[str, Any], mode: str, passes: dict[str, int]) -> None:
    made = Jacobian(parse(text, {name: shape_of(as_value(x)) for name, x in at.items()}), None, None, LIMITS)
    assert (made.mode, made.passes) == (mode, passes)
    assert made({name: as_value(x) for name, x in at.items()}).shape == made.pattern.shape


@pytest.mark.parametrize(
    ("text", "at", "kind", "curvature"),
    [
        ("x^2 + y^2", {"x": 1.0, "y": 2.0}, "diagonal", "positive definite"),
        ("-x^2 - 2*y^2", {"x": 1.0, "y": 2.0}, "diagonal", "negative definite"),
        ("x + y", {"x": 1.0, "y": 2.0}, "zero", "zero"),
        ("x^3 - y^4", {"x": 0.0, "y": 0.0}, "zero", "zero"),
        ("-(x + y)^2", {"x": 1.0, "y": 2.0}, "rank one", "negative semidefinite"),
        ("1e20*x^2 - y^2", {"x": 1.0, "y": 1.0}, "diagonal", "indefinite"),
        ("x^2 - 1e-14*y^2", {"x": 1.0, "y": 1.0}, "diagonal", "indefinite"),
        ("exp(40*x) + y^2", {"x": 1.0, "y": 1.0}, "diagonal", "positive definite"),
        ("1e15*x^2 + y*z", {"x": 1.0, "y": 1.0, "z": 2.0}, "block diagonal", "indefinite"),
        ("1e15*x^2 + x*y", {"x": 1.0, "y": 1.0}, "full", ""),
        ("logsumexp(x)", {"x": np.array([0.0, 18.0, -3.0])}, "full", "positive semidefinite"),
        ("cross_entropy(x, 0)", {"x": np.array([20.0, 0.0, 1.0])}, "full", "positive semidefinite"),
        ("x*y + z^2", {"x": 1.0, "y": 2.0, "z": 3.0}, "block diagonal", "indefinite"),
        ("(x + 2*y + 3*z)^2", {"x": 1.0, "y": 2.0, "z": 3.0}, "rank one", "positive semidefinite"),
        (ROSENBROCK, {"x": np.ones(5)}, "tridiagonal", "positive definite"),
        ("x*y", {"x": 1.0, "y": 2.0}, "full", "indefinite"),
        ("sum(x[2:]*x[:-2])", {"x": np.ones(20)}, "block diagonal", "indefinite"),
        ("sum(x[2:]*x[:-2]) + sum(x[1:]*x[:-1])", {"x": np.ones(20)}, "band", "indefinite"),
    ],
)
def test_what_the_matrix_shows(text: str, at: dict[str, Any], kind: str, curvature: str) -> None:
    program = parse(text, {name: shape_of(as_value(x)) for name, x in at.items()})
    found = hessian_matrix(program, at).structure
    assert (found.kind, found.curvature) == (kind, curvature)
    if text == "x*y + z^2":
        assert found.blocks == [["x", "y"], ["z"]]
    if kind == "band":
        assert found.bandwidth == 2


def test_third_order_by_repetition() -> None:
    """Of exp(x)·y every derivative by x is itself; of x³ the third is 6."""
    found = directional(parse("exp(x)*y"), {"x": 0.0, "y": 2.0}, {"x": 1.0}, order=4)
    assert (found.along, found.products) == ([2.0, 2.0, 2.0, 2.0], {"x": 2.0, "y": 1.0})
    assert directional(parse("x^3"), {"x": 5.0}, {"x": 1.0}, order=3).along == [75.0, 30.0, 6.0]


def test_the_product_is_that_of_the_matrix() -> None:
    draw = np.random.default_rng(2)
    at = {"W": draw.normal(size=(3, 4)), "x": draw.normal(size=4)}
    v = {"W": draw.normal(size=(3, 4)), "x": draw.normal(size=4)}
    text = "logsumexp(tanh(W@x)) + sum(x^3)"
    program = parse(text, {name: x.shape for name, x in at.items()})
    flat = np.concatenate([v["W"].ravel(), v["x"]])
    found = directional(program, at, v)
    both = np.concatenate([found.products["W"].ravel(), found.products["x"]])
    np.testing.assert_allclose(both, hessian(text)(at) @ flat, rtol=1e-11)
    np.testing.assert_allclose(found.along[1], flat @ hessian(text)(at) @ flat, rtol=1e-11)


# The judge


def checked(text: str, at: dict[str, Any], what: Any = hessian_matrix, seconds: float = 1e9) -> Any:
    program = parse(text, {name: shape_of(as_value(x)) for name, x in at.items()})
    return what(program, {name: as_value(x) for name, x in at.items()}, seconds=seconds)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("x^2*y + y^3", {"x": 1.0, "y": 2.0}),
        (ROSENBROCK, {"x": [1.0, 2.0, 3.0]}),
        ("cross_entropy(W@x, 1)", {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [0.5, -1.0]}),
        ("log(det(A))", {"A": [[2.0, 1.0], [0.5, 3.0]]}),
    ],
)
def test_hessians_are_judged(text: str, at: dict[str, Any]) -> None:
    found = checked(text, at)
    assert found.check.verdict == "agree"
    assert len(found.check.components) == found.entries.size
    few = checked(text, at, seconds=0.0)
    assert (few.check.verdict, few.check.method) == ("agree", "directions")
    assert checked(text, at, jacobian_matrix).check.verdict == "agree"


@pytest.mark.parametrize("seconds", [1e9, 0.0], ids=["rows", "sums"])
def test_a_wrong_entry_is_found(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Hessian.__call__

    def wrong(self: Hessian, point: Any) -> Any:
        matrix = right(self, point)
        matrix[1, 2] *= 1 + 1e-8
        return matrix

    monkeypatch.setattr(Hessian, "__call__", wrong)
    found = checked(ROSENBROCK, {"x": [1.0, 2.0, 3.0]}, seconds=seconds).check
    assert found.verdict == "disagree"
    if seconds:
        assert [c.input for c in found.components if c.verdict == "disagree"] == ["x[1] by x[2]"]


def test_a_wrong_second_derivative_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule of cos serves the second derivative of sin only."""
    row = OPERATIONS["cos"]
    monkeypatch.setattr(row, "partials", (lambda F, z, x: 2.0 * F.sin(x),))
    assert checked("sin(x)*y", {"x": 1.0, "y": 2.0}).check.verdict == "disagree"


def test_the_jacobian_along_a_direction_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    at = {"W": np.array([[1.0, 2.0], [3.0, 4.0]]), "x": np.array([0.5, -1.0])}
    v = {"W": np.array([[0.3, -1.0], [2.0, 0.0]]), "x": np.array([1.0, -1.0])}
    program = parse("tanh(W@x)", {name: x.shape for name, x in at.items()})
    found = pushed_forward(program, at, v, seconds=1e9)
    flat = np.concatenate([v["W"].ravel(), v["x"]])
    np.testing.assert_allclose(found.along[0], jacobian("tanh(W@x)")(at) @ flat, rtol=1e-13)
    assert [c.verdict for c in found.check.components] == ["agree", "agree"]
    monkeypatch.setattr(OPERATIONS["tanh"], "partials", (lambda F, z, x: 1.0 - z,))
    assert pushed_forward(program, at, v, seconds=1e9).check.verdict == "disagree"


def test_a_kink_of_the_gradient_is_told() -> None:
    found = checked("relu(x)^2", {"x": 0.0}).check
    assert found.verdict == "not-differentiable"
    assert (found.components[0].left, found.components[0].right) == (0.0, 2.0)


# Limits and errors


def test_limits_are_held_before_the_work() -> None:
    with pytest.raises(LimitError, match="directions at once"):
        hessian("sum(x)^2", limits=Limits(memory=1e6))(x=np.ones(2000))
    with pytest.raises(ShapeError, match="only a scalar"):
        hessian("x^2")(x=[1.0, 2.0])
    with pytest.raises(OptionError, match="no input `q`"):
        hessian("x^2", wrt=["q"])(x=1.0)
    with pytest.raises(OptionError, match="order"):
        directional(parse("x"), {"x": 1.0}, {"x": 1.0}, order=1)
    with pytest.raises(OptionError, match="direction of `x`"):
        directional(parse("x"), {"x": 1.0}, {"x": np.ones(2)})


# The commands


COMMANDS = [
    ["jacobian", "[x*y, x+y, x^2]", "--at", "x=2,y=3", "--check"],
    ["jacobian", "W@x", "--at", "W=[[1,2],[3,4]],x=[5,6]", "--layout", "lecture"],
    ["jacobian", "W@x", "--at", "W=[[1,2],[3,4]],x=[5,6]", "--direction", "x=[1,-1],W=[[1,0],[0,1]]", "--check"],
    ["hessian", "x^2*y + y^3", "--at", "x=1,y=2", "--check"],
    ["hessian", "x*y + z^2", "--at", "x=1,y=2,z=3"],
    ["hvp", "x^2*y + y^3", "--at", "x=1,y=2", "--direction", "x=1,y=0", "--check"],
    ["hvp", "sum((W@x)^2)", "--at", "W=[[1,2],[3,4]],x=[5,6]", "--direction", "x=[1,-1]", "--order", "3"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: f"{a[0]} {a[1]}")
@pytest.mark.parametrize("width", [40, 80])
def test_pages(arguments: list[str], width: int, golden: Callable[[str, str], None]) -> None:
    done = backprop(*arguments, COLUMNS=str(width))
    assert (done.returncode, done.stderr) == (0, "")
    assert all(len(line) <= width for line in done.stdout.splitlines())
    golden(f"{arguments[0]}-{COMMANDS.index(arguments)}-{width}.txt", done.stdout)


@pytest.mark.parametrize("width", [40, 50, 80])
@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "sum(exp(x))"],
        ["jacobian", "softmax(x)"],
        ["hvp", "sum(x^3.5)", "--direction", "x=[1,2,3,4,5,6,7,8]"],
    ],
    ids=lambda a: a[0],
)
def test_long_vectors_go_on_in_the_next_line(arguments: list[str], width: int) -> None:
    done = backprop(*arguments, "--at", "x=[1.1,2.2,3.3,4.4,5.5,6.6,7.7,8.8]", COLUMNS=str(width))
    assert done.returncode == 0
    assert max(map(width_of, done.stdout.splitlines())) <= width


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: f"{a[0]} {a[1]}")
def test_json(arguments: list[str]) -> None:
    done = backprop(*arguments, "--json")
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert (done.returncode, found["derivative"]) == (0, "jvp" if "W=[[1,0],[0,1]]" in str(arguments) else arguments[0])


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["hvp", "x^2", "--at", "x=1"], 2, "a direction is needed"),
        (["hvp", "x^2", "--at", "x=1", "--direction", "z=1"], 2, "no input `z`"),
        (["hvp", "x^2", "--at", "x=1", "--direction", "x=1", "--order", "99"], 2, "--order"),
        (["hessian", "x^2", "--at", "x=[1,2]"], 2, "only a scalar"),
        (["hessian", "sqrt(x)", "--at", "x=0"], 3, "vertical tangent"),
        (["hessian", "relu(x)^2", "--at", "x=0", "--check"], 3, ""),
        (["jacobian", "x^2"], 2, "no value for `x`"),
        (["jacobian", "[x, 2]", "--at", "x=1", "--layout", "up"], 2, "--layout"),
        (["hessian", "5"], 0, ""),
        (["jacobian", "zeros(0)"], 0, ""),
    ],
)
def test_status(arguments: list[str], status: int, message: str) -> None:
    done = backprop(*arguments)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_large_matrix_is_told_not_shown() -> None:
    done = backprop("hessian", "sum(x^2)", "--at", f"x={[1] * 70}")
    assert "--limit jacobian=70 shows it" in done.stdout
    assert len(done.stdout) < 2000
    assert len(json.loads(backprop("hessian", "sum(x^2)", "--at", f"x={[1] * 70}", "--json").stdout)["matrix"]) == 70


def test_two_numbers_of_other_sizes_are_not_of_rank_one() -> None:
    for text in ("[1e20*x, y]", "[1e13*x, y + x]", "[1e15*x + y, y]"):
        at = {"x": 1.0, "y": 1.0}
        assert jacobian_matrix(parse(text), at).structure.kind == "full", text


LOST_BEFORE = [
    ("((x - 1) + y)^3", {"x": 1.0, "y": 1e-20}),  # sums keep their order
    ("logsumexp(x)", {"x": np.array([20.0, 0.0, 1.0])}),  # softmax's slopes are centred
    ("cross_entropy(x, 0)", {"x": np.array([30.0, 0.0, 1.0])}),
    ("softmax(x)[0]", {"x": np.array([40.0, 0.0])}),
    ("where(x == 0, 1, sin(x)/x)", {"x": 0.0}),  # the branch not taken may come first
    ("where(x <= 0, x^2, log(x)*x)", {"x": -1.0}),
    ("x^2 + 3*x", {"x": 0.0}),  # exponents end at 0
    ("x^1 + x^0", {"x": 0.0}),
]


@pytest.mark.parametrize(("text", "at"), LOST_BEFORE)
def test_digits_and_branches_survive_the_second_derivative(text: str, at: dict[str, Any]) -> None:
    """To 13 digits of what mpmath's quotients of the gradient say; a branch not taken and x^0 never give NaN."""
    shapes = {name: shape_of(as_value(x)) for name, x in at.items()}
    program = parse(text, shapes)
    found = hessian(program)(at)
    derived = gradient(program.graph, program.output, program.inputs)
    wanted = quotients(derived.graph, list(derived.gradient.values()), list(program.inputs), at)
    if text.startswith("where(x == 0"):
        wanted = np.array([[0.0]])  # that of the branch taken; both sides of the quotient are on the other
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=0)


def test_powers_of_any_order_at_zero() -> None:
    for order, wanted in ((2, [3.0, 2.0]), (4, [3.0, 2.0, 0.0, 0.0]), (6, [3.0, 2.0, 0.0, 0.0, 0.0, 0.0])):
        assert directional(parse("x^2 + 3*x"), {"x": 0.0}, {"x": 1.0}, order=order).along == wanted


def test_choices_may_nest_as_deep_as_they_like() -> None:
    lines = ["a = x*x", "b = y*y*x"]
    for k in range(300):
        lines += [f"c{k} = x > {k}", f"a = where(c{k}, a, 0)", f"b = where(c{k}, b, 0)"]
    chosen = hessian("; ".join([*lines, "3*a + b"]))(x=1000.0, y=2.0)
    assert chosen.tolist() == [[6.0, 4.0], [4.0, 2000.0]]
    lines = ["a = [x, y]", *["a = [a[0], 0] + [0, a[1]]"] * 300, "sum(a*a)"]
    assert hessian("; ".join(lines))(x=1.0, y=2.0).tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_second_derivatives_tell_where_they_have_none() -> None:
    run = backprop("hessian", "relu(x)^2", "--at", "x=0")
    assert (run.returncode, "note: second derivatives: the condition x > 0 is at its threshold" in run.stderr) == (
        0,
        True,
    )
    run = backprop("hvp", "relu(x)^2", "--at", "x=0", "--direction", "x=1")
    assert "note: second derivatives: the condition x > 0 is at its threshold" in run.stderr


def test_the_order_of_inputs_is_that_asked_for() -> None:
    run = backprop("hessian", "100*(y-x^2)^2+(1-x)^2", "--at", "x=-1.2,y=1", "--wrt", "x,y", "--json")
    assert json.loads(run.stdout)["columns"] == ["x", "y"]
    run = backprop("code", "100*(y-x^2)^2", "--wrt", "x", "--wrt", "y")
    assert run.stdout.endswith("return f, (grad_x, grad_y)\n")
    assert backprop("eval", "x*y", "--at", "x=1,y=2", "--wrt", ",").returncode == 2


def test_quiet_still_tells_what_a_check_found() -> None:
    run = backprop("jacobian", "relu(x)", "--at", "x=[0,1]", "--check", "-q")
    assert (run.returncode, "check: not-differentiable" in run.stdout) == (3, True)
