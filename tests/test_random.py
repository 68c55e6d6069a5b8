"""Random expressions, every partial judged by mpmath: as exact as rounding lets them be.

``BACKPROP_RANDOM`` expressions of 3 to 20 operations at inputs from 1e-4 to 1e4; 1,000 by default, 20,000 in CI.
A partial is held against the range in which sixteen sweeps with every rounding shaken by one ulp scatter: 99.9 % lie
within four times that range or 4 ulp, none outside sixteen times it and 16 ulp without a reason.
"""

from __future__ import annotations

import os
from math import isfinite, ulp
from random import Random
from typing import Any

import pytest

from backpropcli import Program, Result, evaluate
from backpropcli.checks import judge
from backpropcli.checks.shake import shaken_gradients
from backpropcli.graph import Graph
from backpropcli.operations import OPERATIONS
from backpropcli.sweeps import tangent
from backpropcli.text import expressions

COUNT = int(os.environ.get("BACKPROP_RANDOM", "1000"))
CHUNKS = 20
LEFT_OUT = frozenset(
    ("polygamma", "digamma", "gamma", "lgamma", "step", "sign", "floor", "ceil", "round", "stop_gradient")
)
"""Flat steps, and what makes mpmath slow; the operation tests have them."""
CHOICES = [row for row in OPERATIONS.values() if not (row.tensor or row.condition or row.name in LEFT_OUT)]
COMMON = [OPERATIONS[name] for name in ("add", "sub", "mul", "div")]


def expression(random: Random) -> tuple[Program, dict[str, float]]:
    """A random program of 3 to 20 operations; its last node depends on most of the others."""
    graph = Graph()
    names = ["x", "y", "z", "w"][: random.randint(1, 4)]
    nodes = [graph.input(name) for name in names]
    at = {name: random.choice((-1, 1)) * 10 ** random.uniform(-4, 4) for name in names}
    for _ in range(random.randint(3, 20)):
        row = random.choice(COMMON if random.random() < 0.4 else CHOICES)
        operands = []
        for k in range(len(row.operands)):
            if row.name == "where" and k == 0:
                operands.append(graph.append(OPERATIONS["less"], random.choice(nodes), random.choice(nodes)))
            elif random.random() < 0.15:
                operands.append(graph.constant(random.choice((0.5, 1.0, 2.0, 3.0, -1.0, 10.0))))
            else:
                operands.append(nodes[-1] if random.random() < 0.5 else random.choice(nodes))
        nodes.append(graph.append(row, *operands))
    return Program("", graph, nodes[-1], {}), at


def usable(random: Random) -> Result:
    """A random program whose every value is finite, and whose gradient is."""
    while True:
        program, at = expression(random)
        result = evaluate(program, at)
        if all(map(isfinite, result.values)) and result.finite:
            return result


def told(result: Result, name: str, found: Any) -> str:
    graph = result.program.graph
    return f"{expressions(graph, {}, 1000)[result.program.output]} at {result.at}, ∂/∂{name}: {found}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_expressions(chunk: int, record_property: Any) -> None:
    random = Random(chunk)
    partials = outside = 0
    for _ in range(max(1, COUNT // CHUNKS)):
        result = usable(random)
        found = judge(result, seconds=60.0)
        shaken = None
        for component in found.components:
            name, g = component.input, component.analytic
            assert component.verdict != "disagree", told(result, name, component)
            if component.numeric is None or not isfinite(component.numeric):
                continue
            if component.verdict not in ("agree", "agree-ill-conditioned"):
                continue
            partials += 1
            gap = abs(g - component.numeric)
            if gap <= 4 * ulp(component.numeric):
                continue
            shaken = shaken or shaken_gradients(result)
            spread = max(abs(sweep[name] - g) for sweep in shaken)
            if gap > 4 * spread:
                outside += 1
                underflows = component.node is not None  # found and named by the check
                no_digit_survives = spread > abs(g) / 10  # the range of sixteen samples says nothing of its tails
                assert underflows or no_digit_survives or gap <= max(16 * spread, 16 * ulp(component.numeric)), told(
                    result, name, component
                )
    record_property("random partials", (partials, outside))
    assert partials > 0  # conftest.py sums the chunks, and fails the run where more than one in a thousand is outside


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_forward_mode_gives_the_same(chunk: int) -> None:
    """Up to the order of the same products and sums: within what shaking predicts."""
    random = Random(1000 + chunk)
    for _ in range(max(1, COUNT // CHUNKS // 4)):
        result = usable(random)
        shaken = None
        for name, g in result.gradient.items():
            graph = result.program.graph
            along = tangent(result.system, graph, result.values, {graph.inputs[name]: 1.0})[result.output] or 0.0
            if abs(along - g) > 8 * ulp(g):
                shaken = shaken or shaken_gradients(result)
                spread = max(abs(sweep[name] - g) for sweep in shaken)
                assert abs(along - g) <= 16 * spread, told(result, name, along)
