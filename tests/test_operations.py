"""Every row of the table, by one judge each for accuracy, for every number system, and for both directions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np
import pytest

from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.kernels.floats import FLOATS, Floats
from backpropcli.kernels.precise import precise
from backpropcli.kernels.special import _cotangent_slope, polygamma
from backpropcli.kernels.symbols import Symbol, Symbols
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.sweeps import forward, reverse, tangent

from .conftest import differentiable_points, operands_of

POINTS = 300
FEW = 60  # where mpmath takes milliseconds
DEAR = frozenset(("gamma", "lgamma", "digamma", "polygamma", "erf", "erfc", "normal_cdf", "gelu"))
SMALLEST = 2.0**-1022

# Beside a zero of the local gradient its error counts in ulps of the largest term that its formula adds.
TERMS = {
    "gelu": lambda x: max(FLOATS.normal_cdf(x), abs(x) * FLOATS.normal_pdf(x)),
    "silu": lambda x: FLOATS.sigmoid(x) * max(1.0, abs(x) * FLOATS.sigmoid(-x)),
    "lgamma": lambda x: max(abs(math.log(abs(x))), abs(cotangent(x)), 1.0),
    "polygamma": lambda x: polygamma_terms(x),
    "gamma": lambda x: abs(FLOATS.gamma(x)) * max(abs(math.log(abs(x))), abs(cotangent(x)), 1.0),
}


def polygamma_terms(x: float) -> float:
    """What reflection adds up to polygamma of order 2."""
    return 0.0 if x > 0 else abs(polygamma(2.0, 1.0 - x)) + abs(_cotangent_slope(2, x))


def count(row: Operation) -> int:
    return FEW if row.name in DEAR else POINTS


def cotangent(x: float) -> float:
    return 0.0 if x > 0 else math.pi / math.tan(math.pi * math.fmod(x, 1.0))


def truth(row: Operation, point: list[float], k: int) -> Any:
    """The partial derivative as a central quotient of mpmath's function values; no derivative rule takes part.

    The more of a value the difference cancels (tanh far out), the more bits are taken.
    """
    magnitude = sum(abs(math.frexp(x)[1]) for x in point)
    for bits in (750, 3000, 6000):
        F = precise(bits + 2 * magnitude)
        xs = [F.constant(x) for x in point]
        step = F.mp.ldexp(min(abs(xs[k]), F.one) if xs[k] else F.one, -bits // 3)
        left, right = (F.kernels[row.name](*[x + s * step if j == k else x for j, x in enumerate(xs)]) for s in (-1, 1))
        if abs(right - left) > F.mp.ldexp(abs(left), -bits // 2):
            break
    return (right - left) / (2 * step)


def ulps(found: float, true: Any, largest: float = 0.0) -> float:
    scale = math.ulp(max(abs(float(true)), largest, SMALLEST))
    return float(abs(true - found) / scale)


def test_local_gradients_are_exact_to_a_few_ulps(
    gate: Operation, record_property: Callable[[str, object], None]
) -> None:
    """Over the whole domain, tails included; a value that has lost digits to underflow is not asked for its slope."""
    worst = 0.0
    for point in differentiable_points(gate, count(gate), moderate=False):
        z = FLOATS.kernels[gate.name](*point)
        if 0 < abs(z) < SMALLEST:
            continue
        for k in range(operands_of(gate)):
            if gate.name == "polygamma" and k == 0:
                continue
            true = 0 if gate.held else truth(gate, point, k)
            if abs(true) > 1.7e308 or 0 < abs(true) < SMALLEST:
                continue
            local = gate.local(FLOATS, k, z, point)
            terms = TERMS.get(gate.name)
            error = ulps(local, true, terms(point[-1]) if terms else 0.0)
            assert error <= gate.ulps, f"{gate.name}{tuple(point)}, operand {k}: {local!r}, truth {float(true)!r}"
            worst = max(worst, error)
    record_property("worst ulps", f"{gate.name} {worst:.2f} ({gate.ulps})")


def test_values_are_exact_to_a_few_ulps(gate: Operation) -> None:
    for point in differentiable_points(gate, count(gate) // 3, seed=1, moderate=False):
        z = FLOATS.kernels[gate.name](*point)
        F = precise(2200)
        true = F.kernels[gate.name](*[F.constant(x) for x in point])
        if abs(z) < SMALLEST or abs(true) > 1.7e308:
            continue
        near_zeros = gate.name in ("lgamma", "digamma")  # exact to an ulp of the terms they are made of
        terms = 1.0 + abs(math.log(abs(point[0]))) + abs(cotangent(point[0])) if near_zeros else 0.0
        assert ulps(z, true, terms) <= 20, f"{gate.name}{tuple(point)}: {z!r}, truth {float(true)!r}"


def test_arrays_follow_the_floats(gate: Operation) -> None:
    F = Arrays()
    points = differentiable_points(gate, 50, seed=2)
    columns = [np.array(column) for column in zip(*points, strict=True)]
    with F.quiet():
        follow_the_floats(gate, F, points, columns)


def follow_the_floats(gate: Operation, F: Arrays, points: list[list[float]], columns: list[Any]) -> None:
    z = F.kernels[gate.name](*columns)
    expected = [FLOATS.kernels[gate.name](*point) for point in points]
    np.testing.assert_allclose(z, expected, rtol=1e-13, atol=1e-300)
    for k in range(operands_of(gate)):
        local = np.broadcast_to(gate.local(F, k, z, columns), z.shape)
        found = F.downstream(local, np.full(z.shape, 2.0), z, columns[k], gate.structural)
        one_by_one = [
            FLOATS.downstream(gate.local(FLOATS, k, e, p), 2.0, e, p[k], gate.structural)
            for e, p in zip(expected, points, strict=True)
        ]
        np.testing.assert_allclose(found, one_by_one, rtol=1e-11, atol=1e-300)


def test_rules_written_as_graphs_give_the_same_numbers(gate: Operation) -> None:
    """The rule run over symbols is a formula; the formula run over floats is the rule."""
    for point in differentiable_points(gate, 10, seed=3):
        z = FLOATS.kernels[gate.name](*point)
        for k in range(operands_of(gate)):
            graph = Graph()
            F = Symbols(graph)
            names = [f"x{j}" for j in range(len(point))]
            symbols = [Symbol(F, graph.input(name)) for name in names]
            output = F.symbol(gate.local(F, k, F.write(gate.name, *symbols), symbols)).index
            found = forward(FLOATS, graph, dict(zip(names, point, strict=True)))[output]
            expected = gate.local(FLOATS, k, z, point)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-300, nan_ok=True)


def test_forward_and_reverse_agree_to_the_bit(gate: Operation) -> None:
    for point in differentiable_points(gate, 20, seed=4):
        graph = Graph()
        leaves = [graph.input(f"x{k}") for k in range(len(point))]
        output = graph.append(gate, *leaves)
        values = forward(FLOATS, graph, {f"x{k}": x for k, x in enumerate(point)})
        upstream = reverse(FLOATS, graph, values, output, 1.5, [True] * len(graph))
        for leaf in leaves:
            along = tangent(FLOATS, graph, values, {leaf: 1.5})[output]
            assert along == upstream[leaf] or (along != along and upstream[leaf] != upstream[leaf])


@pytest.mark.parametrize("special", [0.0, -0.0, inf, -inf, math.nan, 5e-324, 1.7e308, -1.7e308, 1.0, -1.0, 171.7, -3.0])
def test_no_float_raises(gate: Operation, special: float) -> None:
    """IEEE results in place of Python's exceptions and complex numbers, and no gradient beside a value that is NaN."""
    count = operands_of(gate)
    for other in (0.0, 2.0, -0.5, inf, math.nan):
        for place in range(count):
            point = [special if k == place else other for k in range(count)]
            z = FLOATS.kernels[gate.name](*point)
            assert type(z) is float, f"{gate.name}{tuple(point)} is {z!r}"
            for k in range(count):
                local = float(gate.local(FLOATS, k, z, point))
                product = FLOATS.downstream(local, 1.0, z, point[k], gate.structural)
                assert z == z or product != product


def test_zeros_stay_zeros_beside_infinities() -> None:
    row = OPERATIONS["sqrt"]
    assert FLOATS.downstream(row.local(FLOATS, 0, 0.0, [0.0]), 0.0, 0.0, 0.0, False) == 0.0
    assert FLOATS.downstream(0.0, inf, 1.0, 1.0, True) == 0.0
    assert FLOATS.downstream(0.0, 1.0, 1.0, inf, True) == 0.0
    assert math.isnan(FLOATS.downstream(0.0, 1.0, 1.0, inf, False))


def test_values_against_their_definitions() -> None:
    """Composite operations against mpmath's own word for them, so that a wrong `value` cannot vouch for itself."""
    F = precise(2000)
    mp = F.mp
    definitions = {
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "log_sigmoid": lambda x: -mp.log(1 + mp.exp(-x)),
        "softplus": lambda x: mp.log(1 + mp.exp(x)),
        "relu": lambda x: max(x, 0),
        "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
        "elu": lambda x, alpha: x if x > 0 else alpha * (mp.exp(x) - 1),
        "gelu": lambda x: x * mp.ncdf(x),
        "silu": lambda x: x / (1 + mp.exp(-x)),
        "softsign": lambda x: x / (1 + abs(x)),
        "gaussian": lambda x: mp.exp(-x * x),
        "normal_pdf": mp.npdf,
        "normal_cdf": mp.ncdf,
        "square": lambda x: x**2,
        "reciprocal": lambda x: 1 / x,
        "clip": lambda x, lo, hi: min(max(x, lo), hi),
        "stop_gradient": lambda x: x,
    }
    assert definitions.keys() == {name for name, row in OPERATIONS.items() if row.value is not None and not row.tensor}
    for name, definition in definitions.items():
        for point in differentiable_points(OPERATIONS[name], 20, seed=5):
            if all(isfinite(x) for x in point):
                true = definition(*[F.constant(x) for x in point])
                assert ulps(FLOATS.kernels[name](*point), true) <= 20, (name, point)


SPECIAL = (0.0, -0.0, inf, -inf, math.nan, 5e-324, 1.7e308, -1.7e308, 1.0, -1.0, 0.5, 2.0, -3.0, 171.7)


@pytest.mark.parametrize("ties", ["split", "first"])
def test_every_convention_holds_entry_by_entry(gate: Operation, ties: str) -> None:
    """At zeros, infinities, NaN, kinks and ties an array's entry gets what a float gets, for any upstream gradient."""
    count = operands_of(gate)
    some = SPECIAL if count < 3 else (0.0, inf, math.nan, 1.0, -1.0, 2.0)
    points = list(itertools.product(some, repeat=count))
    columns = [np.array(column) for column in zip(*points, strict=True)]
    one, every = Floats(ties), Arrays(ties)
    with every.quiet():
        values = every.kernels[gate.name](*columns)
        expected = [one.kernels[gate.name](*point) for point in points]
        np.testing.assert_allclose(values, expected, rtol=1e-13, atol=1e-300, err_msg=gate.name)
        for upstream in (1.0, 0.0, inf, math.nan):
            for k in range(count):
                found = every.downstream(
                    gate.local(every, k, values, columns),
                    np.full(len(points), upstream),
                    values,
                    columns[k],
                    gate.structural,
                )
                truth = [
                    one.downstream(float(gate.local(one, k, z, list(p))), upstream, z, p[k], gate.structural)
                    for z, p in zip(expected, points, strict=True)
                ]
                np.testing.assert_allclose(found, truth, rtol=1e-11, atol=1e-300, err_msg=f"{gate.name} operand {k}")
