"""The judge on matrices: every row is a gradient, of one entry of what is differentiated.

Of a Hessian that is an entry of the gradient, which is a program like any other: its own forward pass is evaluated at
high precision, and no second derivative takes part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from ..api import Result, evaluate
from ..shapes import place_text, size, unravel
from ..values import Value, as_value
from .judge import Judge, judge
from .verdict import Check, Component

if TYPE_CHECKING:
    from ..language import Program

WEIGHTS = 3
"""Random weights of the rows, where not every row can be judged."""


def judge_rows(
    program: Program,
    nodes: Mapping[str, int],
    wrt: Sequence[str],
    point: Mapping[str, Value],
    entries: Any,
    seconds: float,
) -> Check:
    """Judge every entry of a Jacobian, or random sums of its rows where that would take longer than `seconds`.

    Args:
        program: its graph has the nodes.
        nodes: what was differentiated, by name; rows are the entries of one after the other.
        wrt: the inputs to differentiate by; columns are their entries.
        point: the value of every input.
        entries: the matrix.
        seconds: the budget, by estimate.
    """
    shapes = {name: program.graph.shape(i) for name, i in nodes.items()}
    rows = sum(size(shape) for shape in shapes.values())
    if not rows or not entries.shape[1]:
        return Check([], "quotients", 0, 0, None)
    first = _row(program, next(iter(nodes.values())), wrt, point, None, entries[0])
    if rows * entries.shape[1] * Judge(first).seconds(range(len(program.graph))) <= seconds:
        checks = _every_row(program, nodes, wrt, point, entries)
        method = "quotients"
    else:
        checks = _random_sums(program, nodes, wrt, point, entries, seconds)
        method = "directions"
    components: list[Component] = []
    evaluations = bits = 0
    for name, check in checks:
        components += [c._replace(input=f"{name} by {c.input}") for c in check.components]
        evaluations += check.evaluations
        bits = max(bits, check.bits)
    return Check(components, method, evaluations, bits, None)


def _row(
    program: Program, node: int, wrt: Sequence[str], point: Mapping[str, Value], upstream: Any, row: Any
) -> Result:
    """The result whose gradient is the row."""
    graph = program.graph
    shape = graph.shape(node)
    seed = as_value(np.ones(shape) if upstream is None else upstream)
    result = evaluate(type(program)(program.source, graph, node, {}), point, wrt=wrt, upstream=seed)
    start = 0
    for name in result.wrt:
        of = graph.shape(graph.inputs[name])
        result.gradient[name] = as_value(row[start : start + size(of)].reshape(of))
        start += size(of)
    return result


def _every_row(
    program: Program, nodes: Mapping[str, int], wrt: Sequence[str], point: Mapping[str, Value], entries: Any
) -> Iterator[tuple[str, Check]]:
    at = 0
    for name, node in nodes.items():
        shape = program.graph.shape(node)
        for k in range(size(shape)):
            unit = np.zeros(shape)
            unit.reshape(-1)[k] = 1.0
            found = _row(program, node, wrt, point, unit, entries[at])
            yield place_text(name, unravel(k, shape)), judge(found, float("inf"))
            at += 1


def _random_sums(
    program: Program,
    nodes: Mapping[str, int],
    wrt: Sequence[str],
    point: Mapping[str, Value],
    entries: Any,
    seconds: float,
) -> Iterator[tuple[str, Check]]:
    random = Random(0)
    for n in range(WEIGHTS):
        at = 0
        for name, node in nodes.items():
            shape = program.graph.shape(node)
            weights = np.array([random.uniform(-1.5, 1.5) for _ in range(size(shape))])
            row = weights @ entries[at : at + size(shape)]
            found = _row(program, node, wrt, point, weights.reshape(shape), row)
            yield f"sum {n + 1} of {name}", judge(found, seconds / WEIGHTS / len(nodes))
            at += size(shape)
