"""Where there is no derivative: the table of conventions, row by row, in both modes; and the notes that say so."""

from __future__ import annotations

from math import inf, isnan, nan

import pytest

from backpropcli import BackpropError, evaluate
from backpropcli.cli.main import run

CASES: list[tuple[str, dict[str, float], float, dict[str, float]]] = [
    ("relu(x)", {"x": 0}, 0, {"x": 0}),
    ("abs(x)", {"x": 0}, 0, {"x": 0}),
    ("hypot(x, y)", {"x": 0, "y": 0}, 0, {"x": 0, "y": 0}),
    ("max(x, y)", {"x": 1, "y": 1}, 1, {"x": 0.5, "y": 0.5}),
    ("min(x, y)", {"x": 1, "y": 1}, 1, {"x": 0.5, "y": 0.5}),
    ("max(x, y, z)", {"x": 1, "y": 1, "z": 1}, 1, {"x": 1 / 3, "y": 1 / 3, "z": 1 / 3}),
    ("max(x, y, z)", {"x": 1, "y": 1, "z": 0}, 1, {"x": 0.5, "y": 0.5, "z": 0}),
    ("max(x, x)", {"x": 1}, 1, {"x": 1}),
    ("max(x, y)", {"x": nan, "y": 1}, nan, {"x": nan, "y": nan}),
    ("max(x, y)", {"x": 1, "y": nan}, nan, {"x": nan, "y": nan}),
    ("clip(x, 0, 1)", {"x": 0}, 0, {"x": 0}),
    ("clip(x, 0, 1)", {"x": 1}, 1, {"x": 0}),
    ("clip(x, lo, hi)", {"x": -1, "lo": 0, "hi": 1}, 0, {"x": 0, "lo": 1, "hi": 0}),
    ("clip(x, lo, hi)", {"x": 2, "lo": 0, "hi": 1}, 1, {"x": 0, "lo": 0, "hi": 1}),
    ("clip(x, -inf, inf)", {"x": 2}, 2, {"x": 1}),
    ("sqrt(x)", {"x": 0}, 0, {"x": inf}),
    ("x^0", {"x": 0}, 1, {"x": 0}),
    ("x^0", {"x": 3}, 1, {"x": 0}),
    ("x^y", {"x": 0, "y": 0}, 1, {"x": 0, "y": 0}),
    ("x^y", {"x": 0, "y": 2}, 0, {"x": 0, "y": 0}),
    ("x^3", {"x": -2}, -8, {"x": 12}),
    ("x^y", {"x": -2, "y": 3}, -8, {"x": 12, "y": nan}),
    ("x^-1", {"x": -2}, -0.5, {"x": -0.25}),
    ("x^(1/3)", {"x": -8}, nan, {"x": nan}),
    ("1/x", {"x": 0}, inf, {"x": -inf}),
    ("1/x", {"x": -0.0}, -inf, {"x": -inf}),
    ("x/y", {"x": 0, "y": 0}, nan, {"x": nan, "y": nan}),
    ("log(x)", {"x": 0}, -inf, {"x": inf}),
    ("log(x)", {"x": -1}, nan, {"x": nan}),
    ("sqrt(x)", {"x": -1}, nan, {"x": nan}),
    ("x + sqrt(y)", {"x": 1, "y": -1}, nan, {"x": nan, "y": nan}),
    ("relu(x)", {"x": nan}, nan, {"x": nan}),
    ("floor(x)", {"x": nan}, nan, {"x": nan}),
    ("exp(x)", {"x": 1000}, inf, {"x": inf}),
    ("floor(x)", {"x": 2.5}, 2, {"x": 0}),
    ("ceil(x)", {"x": 2.5}, 3, {"x": 0}),
    ("round(x)", {"x": 2.5}, 2, {"x": 0}),
    ("sign(x)", {"x": -2.5}, -1, {"x": 0}),
    ("where(x > 0, sqrt(x), 0)", {"x": 0}, 0, {"x": 0}),
    ("where(x > 0, x, y/0)", {"x": 2, "y": 1}, 2, {"x": 1, "y": 0}),
    ("where(x > 0, log(x), y)", {"x": -1, "y": 3}, 3, {"x": 0, "y": 1}),
    ("max(x, sqrt(y))", {"x": 1, "y": 0}, 1, {"x": 1, "y": 0}),
    ("min(x, exp(y))", {"x": 1, "y": 1000}, 1, {"x": 1, "y": 0}),
    ("relu(x - 1)*sqrt(x)", {"x": 0}, 0, {"x": 0}),
    ("log(1 + exp(x))", {"x": 800}, inf, {"x": nan}),
    ("sqrt(x^2 + y^2)", {"x": 1e200, "y": 0}, inf, {"x": nan, "y": 0}),
    ("softplus(x)", {"x": 800}, 800, {"x": 1}),
    ("(exp(x) > 3)*x", {"x": 800}, 800, {"x": 1}),
    ("stop_gradient(x)*x", {"x": 3}, 9, {"x": 3}),
    ("x*0", {"x": 3}, 0, {"x": 0}),
    ("5", {}, 5, {}),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize(("text", "at", "value", "gradient"), CASES)
def test_convention(text: str, at: dict[str, float], value: float, gradient: dict[str, float], mode: str) -> None:
    result = evaluate(text, at, mode=mode)
    assert result.value == pytest.approx(value, nan_ok=True)
    assert result.gradient == pytest.approx(gradient, nan_ok=True)


def test_ties() -> None:
    at = {"x": 1, "y": 1}
    assert evaluate("max(x, y)", at, ties="first").gradient == {"x": 1, "y": 0}
    with pytest.raises(BackpropError, match="x and y tie in max"):
        evaluate("max(x, y)", at, ties="error")
    assert evaluate("max(x, 2*y)", at, ties="error").gradient == {"x": 0, "y": 2}
    with pytest.raises(BackpropError, match="ties is one of split, first, error"):
        evaluate("max(x, y)", at, ties="last")


def test_a_constant_exponent_never_asks_for_a_logarithm() -> None:
    result = evaluate("x^3", x=-2)
    [power] = [i for i, operation in enumerate(result.program.graph.operations) if operation.name == "pow"]
    assert [edge.local for edge in result.edges[power]] == [12]


def test_data_is_like_a_constant() -> None:
    result = evaluate("x^y", x=-2, y=3, wrt=["x"])
    assert result.gradient == {"x": 12}


NOTES: list[tuple[str, dict[str, float], list[tuple[str, str, float | None, float | None]]]] = [
    ("relu(x)", {"x": 0}, [("kink", "0 on the left and 1 on the right", 0, 1)]),
    ("abs(x)", {"x": 0}, [("kink", "-1 on the left and 1 on the right", -1, 1)]),
    ("leaky_relu(x)", {"x": 0}, [("kink", "0.01 on the left and 1 on the right", 0.01, 1)]),
    ("clip(x, 0, 1)", {"x": 1}, [("kink", "1 on the left and 0 on the right", 1, 0)]),
    ("hypot(x, y)", {"x": 0, "y": 0}, [("kink", "-1 on the left and 1 on the right", -1, 1)]),
    ("max(x, y)", {"x": 1, "y": 1}, [("tie", "each gets 1/2", 0, 1)]),
    ("floor(x)", {"x": 2}, [("jump", "from 1 to 2", 0, 0)]),
    ("sign(x)", {"x": 0}, [("jump", "from -1 to 1", 0, 0)]),
    ("sqrt(x)", {"x": 0}, [("vertical-tangent", "vertical tangent", nan, inf)]),
    ("cbrt(x)", {"x": 0}, [("vertical-tangent", "vertical tangent", inf, inf)]),
    ("where(x > 0, x, 0)", {"x": 0}, [("jump", "the condition x > 0 is at its threshold", None, None)]),
    (
        "y*sqrt(x)",
        {"x": 0, "y": 0},
        [
            ("zero-times-infinity", "multiplies 0 by an infinite gradient", None, None),
            ("dead-product", "y*sqrt(x) at y = 0", None, None),
        ],
    ),
    ("exp(x)", {"x": 1000}, [("not-finite", "exp(x) is infinite at x = 1000", None, None)]),
    ("log(1 + exp(x))", {"x": 800}, [("not-finite", "`softplus(x)`, which does not overflow", None, None)]),
    ("sqrt(x^2 + 1)", {"x": 1e200}, [("not-finite", "`hypot(x, y)`, which does not overflow", None, None)]),
    ("log(x)", {"x": -1}, [("not-finite", "log(x) is NaN at x = -1", None, None)]),
    ("e*x", {"x": 1, "e": 3}, [("reading", "`e` is the value given", None, None)]),
    ("e = x; e^2", {"x": 1}, [("reading", "`e` is what the program assigns", None, None)]),
    ("x + 1e-999", {"x": 1}, [("reading", "becomes 0", None, None)]),
    ("x", {"x": 1, "y": 2}, [("unused", "no name in the program is `y`", None, None)]),
    ("where(x > 0, sqrt(x), y)", {"x": -1, "y": 1}, []),
    ("max(2, relu(x))", {"x": 0}, []),
    ("0*relu(x)", {"x": 0}, []),
    ("relu(x)", {"x": 1}, []),
    ("x\n+ y", {"x": 1, "y": 2}, [("reading", "before the last one, is not used", None, None)]),
    ("x; y = 2*x; y", {"x": 1}, [("reading", "before the last one, is not used", None, None)]),
    ("cosh(x)*reciprocal(cosh(x))", {"x": -667}, [("underflow", "reciprocal(cosh(x))", None, None)]),
    ("tanh(x)", {"x": 400}, [("underflow", "tanh(x) at x = 400", None, None)]),
    ("leaky_relu(x, y)", {"x": 1, "y": 0.1}, []),
    ("x^y", {"x": 2, "y": 0}, []),
    ("x^0", {"x": 0}, []),
    ("exp(1000)*x", {"x": 1}, [("not-finite", "exp(1000) is infinite; exp(x) overflows", None, None)]),
    ("x*y", {"x": 0, "y": 0}, [("dead-product", "x*y at x = 0, y = 0 is a dead product", None, None)]),
    ("0*(x*y)", {"x": 0, "y": 0}, []),
    ("x*y", {"x": 0, "y": 1}, []),
    ("x*0", {"x": 0}, []),
    ("x*x", {"x": 0}, []),
    ("x/y", {"x": 0, "y": 0}, [("not-finite", "x/y is NaN", None, None)]),
    ("max(x, x)", {"x": 1}, []),
    ("min(x, x, y)", {"x": 1, "y": 1}, [("tie", "x and y tie in min(x, x, y) at x = 1, y = 1; each", 1, 0)]),
    ("hypot(x, x)", {"x": 0}, [("kink", "-1.41421 on the left and 1.41421 on the right", -(2**0.5), 2**0.5)]),
]


@pytest.mark.parametrize(("text", "at", "expected"), NOTES)
def test_notes(text: str, at: dict[str, float], expected: list[tuple[str, str, float | None, float | None]]) -> None:
    notes = evaluate(text, at).notes
    assert [note.code for note in notes] == [code for code, *_ in expected], notes
    for note, (_, words, left, right) in zip(notes, expected, strict=True):
        assert words in note.message
        assert (note.left, note.right) == pytest.approx((left, right), nan_ok=True)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_dead_product_is_explained(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "x*y", "--at", "x=0,y=0", "--lang", language]) == 0
    assert {"en": "A dead product: both factors are 0", "ko": "죽은 곱"}[language] in capsys.readouterr().out


def test_a_value_behind_nan_has_no_gradient_although_its_rule_has_one() -> None:
    assert isnan(evaluate("log(x)", x=-1).gradient["x"])
