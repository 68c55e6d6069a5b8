"""What tensors do where there is no derivative, at extreme scores, and in entries that are not selected."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from backpropcli import Result, check, evaluate
from backpropcli.errors import BackpropError, LimitError, ShapeError
from backpropcli.limits import Limits
from backpropcli.transform import expand, fuse

TINY = 1.9287498479639178e-22  # log(1 + exp(-50))


def gradient(text: str, **at: Any) -> list[Any]:
    return [np.asarray(g).tolist() for g in evaluate(text, at).gradient.values()]


def codes(result: Result) -> list[str]:
    return [note.code for note in result.notes]


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("max(x)", {"x": [1, 3, 3]}, [[0, 0.5, 0.5]]),
        ("min(x)", {"x": [1, 1, 1, 3]}, [[1 / 3, 1 / 3, 1 / 3, 0]]),
        ("sum(max(x, axis=1))", {"x": [[1, 1], [2, 3]]}, [[[0.5, 0.5], [0, 1]]]),
        ("sum(max(x, 0))", {"x": [-1, 0, 2]}, [[0, 0.5, 1]]),
        ("sum(relu(x))", {"x": [-1, 0, 2]}, [[0, 0, 1]]),
        ("sum(abs(x))", {"x": [-1, 0, 2]}, [[-1, 0, 1]]),
        ("norm(x)", {"x": [0, 0]}, [[0, 0]]),
        ("norm1(x)", {"x": [0, -2]}, [[0, -1]]),
        ("std(x)", {"x": [2, 2, 2]}, [[0, 0, 0]]),
        ("sum(where(x > 0, sqrt(x), 0))", {"x": [4, 0, -1]}, [[0.25, 0, 0]]),
        ("sum(where(x > 0, log(x), x))", {"x": [0, -1]}, [[1, 1]]),
        ("sum(0*sqrt(x))", {"x": [0, 4]}, [[0, 0]]),
        ("prod(x)", {"x": [0, 2, 3]}, [[6, 0, 0]]),
        ("prod(x)", {"x": [0, 0, 3]}, [[0, 0, 0]]),
        ("det(x)", {"x": [[1, 2], [2, 4]]}, [[[4, -2], [-2, 1]]]),
        ("sum(relu(W@x))", {"W": [[-inf, 1], [1, 1]], "x": [1, 2]}, [[[0, 0], [1, 2]], [1, 1]]),
        ("sum(x[1:])", {"x": [nan, 1, 2]}, [[0, 1, 1]]),
        ("sum(x[i])", {"x": [1, 2, 3], "i": [0, 2, 0]}, [[2, 0, 1], [0, 0, 0]]),
        ("sum(stop_gradient(x)*x)", {"x": [1, 2]}, [[1, 2]]),
    ],
)  # fmt: skip
def test_conventions(text: str, at: dict[str, Any], expected: list[Any]) -> None:
    found = gradient(text, **at)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-15)


def test_the_first_of_a_tie() -> None:
    assert evaluate("max(x)", x=[1, 3, 3], ties="first").gradient["x"].tolist() == [0, 1, 0]
    assert evaluate("sum(max(x, axis=0))", x=[[1, 3], [1, 3]], ties="first").gradient["x"].tolist() == [[1, 1], [0, 0]]
    with pytest.raises(BackpropError, match="2 entries tie"):
        evaluate("max(x)", x=[1, 3, 3], ties="error")


@pytest.mark.parametrize(
    ("text", "at", "value", "expected"),
    [
        ("cross_entropy(s, 0)", {"s": [1000, 0, -1000]}, 0, [0, 0, 0]),
        ("cross_entropy(s, 1)", {"s": [1000, 0, -1000]}, 1000, [1, -1, 0]),
        ("cross_entropy(s, 0)", {"s": [50, 0]}, TINY, [-TINY, TINY]),
        ("logsumexp(s)", {"s": [1000, 1000]}, 1000.6931471805599, [0.5, 0.5]),
        ("logsumexp(s)", {"s": [-1000, -1001]}, -999.6867383124818, [0.7310585786300049, 0.2689414213699951]),
        ("softmax(s)[0]", {"s": [-1000, 1000]}, 0, [0, 0]),
        ("hinge(s, 0)", {"s": [1e300, -1e300]}, 0, [0, 0]),
        ("bce_logits(s, 1)", {"s": [800]}, 0, [0]),
        ("bce_logits(s, 1)", {"s": [-800]}, 800, [-1]),
        ("norm(s)", {"s": [3e200, 4e200]}, 5e200, [0.6, 0.8]),
        ("norm(s)", {"s": [3e-200, 4e-200]}, 5e-200, [0.6, 0.8]),
    ],
)  # fmt: skip
def test_losses_are_stable_at_extreme_scores(
    text: str, at: dict[str, Any], value: float, expected: list[float]
) -> None:
    result = evaluate(text, at)
    assert result.value == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(result.gradient["s"], expected, rtol=1e-14)


def test_a_kink_is_noted_with_its_entry() -> None:
    result = evaluate("sum(relu(x))", x=[1, 0, -1, 0])
    (note,) = result.notes
    assert (note.code, note.left, note.right) == ("kink", 0, 1)
    assert "x[1] = 0 (and in 1 more entries)" in note.message
    assert check(result).verdict == "not-differentiable"


def test_entries_that_are_not_selected_need_no_derivative() -> None:
    result = evaluate("sum(where(x > 0, sqrt(x), 0))", x=[1.0, -4.0])
    assert (codes(result), check(result).verdict) == ([], "agree")


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("cross_entropy(s, y)", {"s": [1, 2], "y": 5}, "a class must be a whole number from 0 to 1"),
        ("cross_entropy(s, y)", {"s": [1, 2], "y": 0.5}, "a class must be a whole number"),
        ("hinge(s, y)", {"s": [[1, 2], [3, 4]], "y": [0, -1]}, "a class must be a whole number"),
        ("x[i]", {"x": [1, 2], "i": 2}, "a place must be a whole number within the tensor"),
        ("sum(inv(A))", {"A": [[1, 2], [2, 4]]}, "the matrix is singular"),
        ("sum(log(x))", {"x": [1, -1]}, "log(x), entry [1], is NaN at x[1] = -1"),
    ],
)
def test_nan_is_told_where_it_comes_from(text: str, at: dict[str, Any], told: str) -> None:
    result = evaluate(text, at)
    assert not result.finite
    assert any(note.code == "not-finite" and told in note.message for note in result.notes), result.notes


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        ("-log(exp(s[y])/sum(exp(s)))", "cross_entropy(s, y)"),
        ("-log(exp(s)[0]/sum(exp(s)))", "cross_entropy(s, 0)"),
        ("p = exp(s)/sum(exp(s)); -log(p[y])", "cross_entropy(s, y)"),
        ("sum(log(exp(s)/sum(exp(s))))", "log_softmax(s)"),
        ("sum(exp(2*s)/sum(exp(2*s)))", "softmax(2*s)"),
        ("-log(exp((2*s)[1])/sum(exp(2*s)))", "cross_entropy(2*s, 1)"),
        ("log(sum(exp(s)))", "logsumexp(s)"),
        ("sum(log(sum(exp(s), axis=0, keepdims=True)))", "logsumexp(s, axis=0)"),
    ],
)
def test_overflow_names_the_stable_function(text: str, stable: str) -> None:
    at = {"s": [1000, 1000, 0], "y": 0}
    note = next(note for note in evaluate(text, at).notes if note.code != "unused")
    assert (note.code, f"`{stable}`, which does not overflow" in note.message) == ("not-finite", True), note


def test_an_exponential_of_no_known_formula() -> None:
    for text in ("sum(exp(s)/2)", "sum(exp(s)/sum(s))", "sum(exp(2*s)/sum(exp(s)))", "sum(exp(m)/sum(exp(m)))"):
        (note, *_) = evaluate(text, {"m": [[1000, 0]]} if "(m)" in text else {"s": [1000, 0]}).notes
        assert note.message.endswith("; exp(x) overflows above x = 709.78"), note


def test_a_dead_product_is_noted_with_its_entry() -> None:
    result = evaluate("sum(x*y)", x=[0, 1, 0], y=[0, 0, 0])
    (note,) = result.notes
    assert note.code == "dead-product"
    assert "x[0] = 0, y[0] = 0 (and in 1 more entries) is a dead product" in note.message
    assert codes(evaluate("sum(x*y)", x=[0, 1], y=[1, 0])) == []
    assert codes(evaluate("sum(x*y)", x=[0, 1], y=[0, 1], wrt=["x"])) == []
    assert codes(evaluate("x*y", x=[0, 1], y=[0, 1], upstream=[0, 1])) == []


def test_operands_that_are_one_node_move_together_and_do_not_tie() -> None:
    assert codes(evaluate("sum(max(x, x))", x=[1, 2])) == []
    assert evaluate("sum(max(x, x))", x=[1, 2], ties="error").gradient["x"].tolist() == [1, 1]
    (note,) = evaluate("sum(hypot(x, x))", x=[0, 1]).notes
    assert (note.left, note.right) == pytest.approx((-(2**0.5), 2**0.5))


def test_a_product_that_broadcasts_a_matrix_with_a_vector_is_noted() -> None:
    at = {"W": [[1, 2], [3, 4]], "x": [1, 2]}
    (note,) = evaluate("sum(W*x)", at).notes
    assert note.message.endswith("did you mean `W@x`?")
    assert evaluate("sum(W*W)", at).notes[0].code == "unused"


def test_a_dot_is_the_product_of_scalars_and_of_matrices() -> None:
    at = {"W": [[1, 2], [3, 4]], "x": [1, 2]}
    assert evaluate("sum(W·x)", at).value == evaluate("sum(W@x)", at).value == 16
    assert evaluate("2·x[0]", {"x": at["x"]}).value == 2


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("W@x", {"W": [[1, 2]], "x": [1, 2, 3]}, "`W@x`: the shapes 1×2 and 3 do not fit"),
        ("W@x", {"W": [[1, 2], [3, 4]], "x": [1, 2]}, "only a scalar"),
    ],
)
def test_shapes_that_do_not_fit(text: str, at: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        evaluate(text, at)
    assert message in caught.value.message


def test_an_upstream_gradient_has_the_shape_of_the_output() -> None:
    with pytest.raises(ShapeError, match="the upstream gradient has the shape 3, and the output 2"):
        evaluate("2*x", x=[1, 2], upstream=[1, 2, 3])
    assert evaluate("2*x", x=[1, 2], upstream=[1, 3]).gradient["x"].tolist() == [2, 6]


def test_nothing_is_allocated_past_a_limit() -> None:
    with pytest.raises(LimitError, match=r"outer\(.*\) has the shape 1000000×1000000: 8,000,000,000,000 bytes"):
        evaluate("sum(outer(x + zeros(1000000), x + zeros(1000000)))", x=1)
    with pytest.raises(LimitError, match=r"values and gradients: [0-9,]+ bytes"):
        evaluate("sum(x + zeros(1000))", x=1, limits=Limits(memory=1000))


def test_one_program_serves_many_shapes() -> None:
    from backpropcli import parse

    program = parse("sum((W@x)^2)")
    assert evaluate(program, W=[[1, 2]], x=[1, 1]).value == 9
    assert evaluate(program, W=[[1], [2]], x=[3]).value == 45
    assert evaluate(parse("2*x"), x=3).gradient == {"x": 2}


@pytest.mark.parametrize(
    ("text", "fused"),
    [
        ("1/(1+exp(-x))", "sigmoid"),
        ("1/(exp(-1*x)+1)", "sigmoid"),
        ("reciprocal(1+exp(-x))", "sigmoid"),
        ("log(1+exp(x))", "softplus"),
        ("log(1/(1+exp(-x)))", "log_sigmoid"),
        ("exp(x)/sum(exp(x))", "softmax"),
        ("exp(x)/sum(exp(x), axis=-1, keepdims=True)", "softmax"),
        ("log(sum(exp(x)))", "logsumexp"),
        ("x - log(sum(exp(x)))", "log_softmax"),
        ("sqrt(sum(x^2))", "norm"),
        ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "tanh"),
    ],
)
def test_fuse_and_expand(text: str, fused: str) -> None:
    from backpropcli import parse

    program = parse(text, {"x": (3,)})
    small = fuse(program)
    assert [row.name for row in small.graph.operations if row.name not in ("input", "constant")] == [fused]
    big = expand(small, [fused])
    at = {"x": [0.3, -1.2, 0.7]}
    shape = small.graph.shapes[small.output] or ()
    weights = np.linspace(1, 2, 3) if shape else 1.0
    results = [evaluate(p, at, upstream=weights) for p in (program, small, big)]
    for result in results[1:]:
        np.testing.assert_allclose(result.value, results[0].value, rtol=1e-14)
        np.testing.assert_allclose(result.gradient["x"], results[0].gradient["x"], rtol=1e-12)


def test_a_named_node_is_not_fused_away() -> None:
    from backpropcli import parse

    program = fuse(parse("q = exp(-x); 1/(1+q)"))
    assert "sigmoid" not in {row.name for row in program.graph.operations}
    assert fuse(parse("1/(1+exp(-x)); y = 2")).graph.operations[1].name == "sigmoid"


def test_expanding_all_leaves_elementary_gates() -> None:
    from backpropcli import parse
    from backpropcli.transform.gates import ELEMENTARY

    program = expand(parse("cross_entropy(softmax(s), 1) + var(s) + hinge(s, 0)", {"s": (3,)}), ["all"])
    assert not [
        row.name for row in program.graph.operations if (row.expand or row.value) and row.name not in ELEMENTARY
    ]
    at = {"s": [0.1, 0.5, -0.3]}
    whole = evaluate("cross_entropy(softmax(s), 1) + var(s) + hinge(s, 0)", at)
    np.testing.assert_allclose(evaluate(program, at).gradient["s"], whole.gradient["s"], rtol=1e-13)


@pytest.mark.parametrize("text", ["log(x)@[1, 1]", "sum(cumsum(log(x))*[0, 1])", "sum(outer(log(x), [1, 2]))"])
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_no_plausible_number_stands_beside_nan(text: str, mode: str) -> None:
    """Behind a value that is NaN there is no gradient, through products of matrices neither."""
    result = evaluate(text, x=[-1.0, 2.0], mode=mode)
    assert np.isnan(result.value)
    assert np.isnan(result.gradient["x"]).all()


def test_an_entry_that_is_nan_keeps_to_itself() -> None:
    result = evaluate("log(x)[1]", x=[-1.0, 2.0])
    assert (result.value, result.gradient["x"].tolist()) == (np.log(2.0), [0.0, 0.5])
