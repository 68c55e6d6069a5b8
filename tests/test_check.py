"""The judge: it finds every seeded fault and names its node, and it is not misled where naive differences are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backpropcli import Program, check, evaluate
from backpropcli.checks import VERDICTS, Check
from backpropcli.checks.quotients import one_sided
from backpropcli.cli.main import run
from backpropcli.graph import Graph
from backpropcli.kernels.floats import FLOATS
from backpropcli.kernels.precise import precise
from backpropcli.operations import OPERATIONS, Operation

from .conftest import differentiable_points, operands_of

FAULTS: dict[str, Callable[[float, float], float]] = {
    "doubled": lambda local, other: 2 * local,
    "negated": lambda local, other: -local,
    "zero": lambda local, other: 0.0,
    "swapped": lambda local, other: other,
    "+1e-3": lambda local, other: local + 1e-3 * max(1.0, abs(local)),
    "+1e-5": lambda local, other: local + 1e-5 * max(1.0, abs(local)),
    "+1e-8": lambda local, other: local + 1e-8 * max(1.0, abs(local)),
}


def program_of(row: Operation, point: list[float]) -> tuple[Program, int, dict[str, float]]:
    """op(x0, x1, …)·3 + the last x, by other operations than the one in question; polygamma's order is a constant."""
    graph = Graph()
    fixed = 1 if row.name == "polygamma" else 0
    leaves = [graph.constant(x) if k < fixed else graph.input(f"x{k}") for k, x in enumerate(point)]
    node = graph.append(row, *leaves)
    last, outer = ("div", "sub") if row.name in ("add", "mul") else ("mul", "add")
    scaled = graph.append(OPERATIONS[last], node, graph.constant(3.0))
    output = graph.append(OPERATIONS[outer], scaled, leaves[-1])
    at = {f"x{k}": x for k, x in enumerate(point) if k >= fixed}
    return Program("", graph, output, {}), node, at


def seeded_points(row: Operation, k: int) -> list[list[float]]:
    """A few points at which the slope is neither lost beside the rest nor flat by chance."""
    found = []
    for point in differentiable_points(row, 300, seed=7):
        z = FLOATS.kernels[row.name](*point)
        local = row.local(FLOATS, k, z, point)
        fits = 1e-3 < abs(local) < 1e3 or (row.structural and local == 0)
        if fits and abs(z) < 1e3 and all(1e-2 < abs(x) < 1e3 for x in point):
            found.append(point)
    return found[:: max(1, len(found) // 3)][:3]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_seeded_wrong_rule_is_found_and_named(
    gate: Operation, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = gate.partials
    tried = 0
    for k in range(operands_of(gate)):
        if gate.name == "polygamma" and (k == 0 or fault == "swapped"):
            continue
        points = seeded_points(gate, k)
        assert points, f"no point for {gate.name}, operand {k}"
        for point in points:
            monkeypatch.setattr(gate, "partials", right)
            program, node, at = program_of(gate, point)
            other = (k + 1) % operands_of(gate)
            z = FLOATS.kernels[gate.name](*point)
            before = gate.local(FLOATS, k, z, point)
            after = FAULTS[fault](before, gate.local(FLOATS, other, z, point))
            if abs(after - before) <= 1e-9 * abs(before):  # such as twice 0, or swapped operands of one slope
                continue

            def wrong(F: Any, z: Any, *xs: Any, right: Any = right, k: int = k, other: int = other) -> Any:
                rules = [(lambda j: right[0](F, j, z, *xs)) if gate.variadic else (lambda j: right[j](F, z, *xs))] * 2
                return FAULTS[fault](rules[0](k), rules[1](other))

            if gate.variadic:
                swapped = lambda F, j, z, *xs, k=k: wrong(F, z, *xs) if j == k else right[0](F, j, z, *xs)  # noqa: E731
                monkeypatch.setattr(gate, "partials", (swapped,))
            else:
                monkeypatch.setattr(gate, "partials", (*right[:k], wrong, *right[k + 1 :]))
            found = check(evaluate(program, at))
            tried += 1
            assert found.verdict == "disagree", (gate.name, k, fault, point, found)
            named = {c.node for c in found.components if c.verdict == "disagree"}
            assert named == {f"n{sum(i not in program.graph.constants for i in range(node + 1))}"}, (point, found)
    slopes_differ = fault not in ("doubled", "negated", "zero", "swapped")
    assert tried or not slopes_differ


def test_right_rules_agree_everywhere(gate: Operation) -> None:
    for point in differentiable_points(gate, 12, seed=11):
        if abs(FLOATS.kernels[gate.name](*point)) > 1e300:
            continue
        program, _, at = program_of(gate, point)
        found = check(evaluate(program, at))
        assert found.verdict in ("agree", "agree-ill-conditioned"), (gate.name, point, found)


AGREE, ILL, KINK, TIE, UNDEFINED = "agree", "agree-ill-conditioned", "not-differentiable", "tie-mismatch", "undefined"

# Where differences of floats mislead: (program, point, verdict on x, a word of the reason, left and right derivative).
LIBRARY: list[tuple[str, dict[str, float], str, str, float | None, float | None]] = [
    ("relu(x)", {"x": 0}, KINK, "kink", 0, 1),
    ("relu(-x)", {"x": 0}, KINK, "kink", -1, 0),
    ("relu(x)", {"x": 1e-300}, AGREE, "", None, None),
    ("relu(x)", {"x": -1e-9}, AGREE, "", None, None),
    ("abs(x)", {"x": 0}, KINK, "kink", -1, 1),
    ("abs(x)", {"x": 1e-12}, AGREE, "", None, None),
    ("abs(x)", {"x": -1e-12}, AGREE, "", None, None),
    ("abs(x)^3", {"x": 0}, AGREE, "", None, None),
    ("x*abs(x)", {"x": 0}, AGREE, "", None, None),
    ("abs(x - 1) + abs(x - 1.000000001)", {"x": 1}, KINK, "kink", -2, 0),
    ("abs(sin(x))", {"x": 0}, KINK, "kink", -1, 1),
    ("abs(x^2 - 1)", {"x": 1}, KINK, "kink", -2, 2),
    ("leaky_relu(x)", {"x": 0}, KINK, "kink", 0.01, 1),
    ("leaky_relu(x, 1)", {"x": 0}, AGREE, "", None, None),
    ("elu(x)", {"x": 0}, AGREE, "", None, None),
    ("elu(x, 2)", {"x": 0}, KINK, "kink", 2, 1),
    ("softplus(x)", {"x": 0}, AGREE, "", None, None),
    ("max(x, 2)", {"x": 2}, KINK, "kink", 0, 1),
    ("min(x, 2)", {"x": 2}, KINK, "kink", 1, 0),
    ("max(x, -x)", {"x": 0}, KINK, "kink", -1, 1),
    ("max(x, x)", {"x": 3}, AGREE, "", None, None),
    ("max(x, 2*x, 3*x)", {"x": 0}, KINK, "kink", 1, 3),
    ("max(x^2, 0)", {"x": 0}, AGREE, "", None, None),
    ("max(x, 2)", {"x": 2.0000000000000004}, AGREE, "", None, None),
    ("clip(x, 0, 1)", {"x": 0}, KINK, "kink", 0, 1),
    ("clip(x, 0, 1)", {"x": 1}, KINK, "kink", 1, 0),
    ("clip(x, 0, 1)", {"x": 0.9999999999}, AGREE, "", None, None),
    ("sqrt(x)", {"x": 0}, KINK, "domain edge", None, float("inf")),
    ("sqrt(x)", {"x": 1e-300}, AGREE, "", None, None),
    ("sqrt(x^2)", {"x": 0}, KINK, "kink", -1, 1),
    ("sqrt(abs(x))", {"x": 0}, KINK, "vertical tangent", float("-inf"), float("inf")),
    ("sqrt(x^4)", {"x": 0}, AGREE, "", None, None),
    ("cbrt(x)", {"x": 0}, KINK, "vertical tangent", float("inf"), float("inf")),
    ("cbrt(x)", {"x": 1e-30}, AGREE, "", None, None),
    ("cbrt(x^3)", {"x": 0}, TIE, "derivative is 1", None, None),
    ("cbrt(x)^3", {"x": 0}, TIE, "derivative is 1", None, None),
    ("x^1.5", {"x": 0}, KINK, "domain edge", None, 0),
    ("x^0.5", {"x": 0}, KINK, "domain edge", None, float("inf")),
    ("x^0", {"x": 0}, AGREE, "", None, None),
    ("x^1", {"x": 0}, AGREE, "", None, None),
    ("x^2", {"x": 0}, AGREE, "", None, None),
    ("x^2", {"x": 1e-200}, AGREE, "", None, None),
    ("hypot(x, 0)", {"x": 0}, KINK, "kink", -1, 1),
    ("hypot(x, 1e-20)", {"x": 1e-20}, AGREE, "", None, None),
    ("asin(x)", {"x": 1}, KINK, "domain edge", float("inf"), None),
    ("acos(x)", {"x": -1}, KINK, "domain edge", None, float("-inf")),
    ("acosh(x)", {"x": 1}, KINK, "domain edge", None, float("inf")),
    ("floor(x)", {"x": 2}, KINK, "jump", None, 0),
    ("floor(x)", {"x": 1.9999999999999998}, AGREE, "", None, None),
    ("ceil(x)", {"x": 2}, KINK, "jump", 0, None),
    ("round(x)", {"x": 0.5}, KINK, "jump", 0, None),
    ("sign(x)", {"x": 0}, KINK, "jump", None, None),
    ("step(x)", {"x": 0}, KINK, "jump", 0, None),
    ("x*sign(x)", {"x": 0}, KINK, "kink", -1, 1),
    ("x > 1", {"x": 1}, KINK, "jump", 0, None),
    ("x - floor(x)", {"x": 3}, KINK, "jump", None, 1),
    ("where(x > 0, x, 0)", {"x": 0}, KINK, "kink", 0, 1),
    ("where(x > 0, x^2, 0)", {"x": 0}, AGREE, "", None, None),
    ("where(x > 0, sqrt(x), 0)", {"x": 0}, KINK, "vertical tangent", 0, float("inf")),
    ("where(x > 0, sqrt(x), x)", {"x": -4}, AGREE, "", None, None),
    ("where(x >= 0, 1, 2)*x", {"x": 0}, KINK, "kink", 2, 1),
    ("where(x > 3, x, 9^9^9^9)", {"x": 4}, AGREE, "", None, None),
    ("atan2(x, -1)", {"x": 0}, KINK, "jump", None, -1),
    ("relu(x) - relu(-x)", {"x": 0}, TIE, "derivative is 1", None, None),
    ("abs(x - 0.1*3)", {"x": 0.1 * 3}, TIE, "derivative is 1", None, None),
    ("max(x + 1e-20, x) - x", {"x": 1}, AGREE, "", None, None),
    ("max(1e-20*x + 1, 1)", {"x": 1}, TIE, "derivative is 1e-20", None, None),
    ("exp(-1/x^2)", {"x": 0.05}, AGREE, "", None, None),
    ("exp(-1/x^2)", {"x": 0}, UNDEFINED, "is -inf", None, None),
    ("x*sin(1/x)", {"x": 1e-9}, ILL, "", None, None),
    ("sin(x)", {"x": 1e300}, AGREE, "", None, None),
    ("sin(1e10*x)", {"x": 1}, AGREE, "", None, None),
    ("1e10*x + 1e-10*x^2", {"x": 1e-6}, AGREE, "", None, None),
    ("(x - 1)^9", {"x": 1}, AGREE, "", None, None),
    ("x^7 - 7*x^6 + 21*x^5 - 35*x^4 + 35*x^3 - 21*x^2 + 7*x - 1", {"x": 1.001}, ILL, "", None, None),
    ("log(1 + x)/x", {"x": 1e-9}, ILL, "", None, None),
    ("(1 - cos(x))/x^2", {"x": 1e-6}, ILL, "", None, None),
    ("log1p(x)/x", {"x": 1e-5}, AGREE, "", None, None),
    ("tanh(x)", {"x": 30}, AGREE, "", None, None),
    ("erfc(x)", {"x": 20}, AGREE, "", None, None),
    ("sigmoid(x)", {"x": -700}, AGREE, "", None, None),
    ("log(1 + exp(x))", {"x": 800}, UNDEFINED, "exp(x) is inf", None, None),
    ("log(x)", {"x": -1}, UNDEFINED, "log(x) is nan", None, None),
    ("1/x", {"x": 0}, UNDEFINED, "1/x is inf", None, None),
    ("x*1e-300*1e300", {"x": 1}, AGREE, "", None, None),
    ("stop_gradient(x)*x", {"x": 3}, AGREE, "", None, None),
    ("where(x > 0, x*log(x), 0)", {"x": 0}, KINK, "vertical tangent", 0, float("-inf")),
    ("1/(x*1e308)", {"x": 1e-10}, AGREE, "", None, None),
    ("a = x;" + "a = a*a;" * 300 + "a", {"x": 1}, AGREE, "", None, None),
    ("x^18014398509481984", {"x": -1}, AGREE, "", None, None),
    ("(x/1.14)^3", {"x": 2.1e-161}, ILL, "float64 keeps 2 digits", None, None),
    ("polygamma(20, x)", {"x": -6.5}, AGREE, "", None, None),
    ("polygamma(1, x)", {"x": -99999.5}, AGREE, "", None, None),
    ("digamma(x)", {"x": -0.5}, AGREE, "", None, None),
    ("cosh(x)*reciprocal(cosh(x))", {"x": -667}, ILL, "underflows", None, None),
    ("x/sinh(x)", {"x": -391.5}, ILL, "underflows", None, None),
    ("x^2*sin(1/x)", {"x": 1e-200}, ILL, "1/x or its slope overflows", None, None),
]  # fmt: skip


def test_the_library_is_large_enough() -> None:
    assert len(LIBRARY) >= 60


@pytest.mark.parametrize(("text", "at", "verdict", "word", "left", "right"), LIBRARY)
def test_verdicts_where_naive_differences_fail(
    text: str, at: dict[str, float], verdict: str, word: str, left: float | None, right: float | None
) -> None:
    [component] = check(text, at).components
    assert (component.verdict, word in component.reason) == (verdict, True), component
    if verdict == KINK:
        assert (component.left, component.right) == (pytest.approx(left), pytest.approx(right)), component


def test_directions_stand_in_where_components_would_take_too_long() -> None:
    text = " + ".join(f"sin(x{i})*x{i + 1}" for i in range(400))
    result = evaluate(text, {f"x{i}": 0.1 + i / 100 for i in range(401)})
    found = check_within(result, 0.3)
    assert (found.method, found.verdict, len(found.components)) == ("directions", "agree", 3)
    assert check_within(result, 0.3) == found
    result.gradient["x7"] += 1e-6
    assert check_within(result, 0.3).verdict == "disagree"
    by_floats = check_within(result, 1e-6)
    assert (by_floats.method, by_floats.verdict) == ("ladder", "disagree")
    del result.gradient["x7"]
    result.gradient["x7"] = evaluate(text, result.at).gradient["x7"]
    assert check_within(result, 1e-6).verdict == "agree"


def check_within(result: Any, seconds: float) -> Check:
    from backpropcli.checks import judge

    return judge(result, seconds)


def test_a_value_that_float64_gets_wrong_is_told() -> None:
    found = check("(x + 1e16) - 1e16", {"x": 1.5})
    assert found.value_digits is not None
    assert found.value_digits < 1
    assert "of the value itself 0 digits are right" in found.summary()
    assert check("sqrt(x + 1 - 1)", {"x": -1e-20}).value_digits == 0


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("sigmoid(x)", {"x": -800}, "; the value underflows to 0"),
        ("cross_entropy(s, y)", {"s": [1000, 0, 0], "y": 0}, "; the value underflows to 0"),
        ("softmax(s)", {"s": [1000, 0]}, "; entries of the value underflow to 0"),
    ],
)
def test_zero_is_right_for_a_value_below_the_range_of_float64(text: str, at: dict[str, Any], told: str) -> None:
    found = check(text, at, upstream=[1, 2] if text.startswith("softmax") else None)
    assert (found.verdict, found.value_digits) == (AGREE, 16)
    assert found.summary().endswith(told)


def test_a_gradient_without_a_right_digit_is_not_verified() -> None:
    text, at = "(1 - cos(x))/x^2", {"x": 1e-8}
    found = check(text, at)
    assert (found.verdict, found.agrees) == (ILL, False)
    assert "could not be verified: no digit of 1 of 1 components is right" in found.summary()
    assert "0 digits" in found.components[0].phrase()
    assert check(text, {"x": 1e-2}).agrees
    assert run(["eval", text, "--at", "x=1e-8", "--check", "--quiet"]) == 3
    assert run(["jacobian", text, "--at", "x=1e-8", "--check", "--quiet"]) == 3


def test_overflow_of_a_slope_is_no_wrong_rule_of_tensors() -> None:
    [lost, kept] = check("sum(x^2*sin(1/x))", {"x": [1e-200, 1]}).components
    assert (lost.verdict, lost.cause, kept.verdict) == (ILL, "overflow", AGREE)
    assert "overflow leaves 0 digits" in lost.phrase()


def test_the_worst_component_is_the_verdict() -> None:
    found = check("relu(x) + y^2", {"x": 0, "y": 3})
    assert [c.verdict for c in found.components] == [KINK, AGREE]
    assert found.verdict == KINK
    assert not found.agrees
    assert "1 of 2" in found.summary()
    assert set(VERDICTS) >= {c.verdict for c in found.components}


def test_a_sweep_that_is_wrong_although_every_rule_is_right_disagrees() -> None:
    result = evaluate("x*y", x=3, y=4)
    result.gradient["x"] = 5.0
    [x, y] = check(result).components
    assert (x.verdict, y.verdict) == ("disagree", AGREE)
    assert "every node's own rule is right" in x.reason


@pytest.mark.parametrize(("text", "at"), [("x*sin(x)", {"x": 0.7}), ("sum(x*sin(x))", {"x": [0.7, 1.3]})])
@pytest.mark.parametrize("seconds", [2.0, 1e-9])
def test_every_judge_names_a_wrong_rule_in_the_same_words(
    text: str, at: dict[str, Any], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPERATIONS["sin"], "partials", (lambda F, z, x: 1.001 * F.cos(x),))
    found = check_within(evaluate(text, at), seconds).components[0]
    assert (found.verdict, found.node) == ("disagree", "n2")
    assert "; the rule of `sin` is wrong at sin(x): local " in found.reason
    assert (" along a random direction, where it is " in found.reason) == text.startswith("sum")


@pytest.mark.parametrize(
    ("function", "side", "kind"),
    [
        (lambda mp: lambda t: t * t, 1, "limit"),
        (lambda mp: lambda t: abs(t) ** mp.mpf("0.9"), -1, "vertical tangent"),
        (lambda mp: lambda t: mp.sign(t), -1, "jump"),
        (lambda mp: lambda t: mp.sqrt(t) if t >= 0 else mp.nan, -1, "domain edge"),
        (lambda mp: lambda t: t * mp.sin(1 / t) if t else mp.mpf(0), 1, "no limit"),
    ],
)
def test_one_side_is_named_for_what_it_is(function: Any, side: int, kind: str) -> None:
    mp = precise(1024).mp
    phi = function(mp)
    assert one_sided(phi, phi(mp.mpf(0)), side, mp.ldexp(1, -1000), 0, mp).kind == kind
