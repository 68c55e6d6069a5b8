"""Where there is no derivative: what the sweep did there, in words, with the derivatives of both sides."""

from __future__ import annotations

import math
from collections.abc import Iterable
from math import inf, isfinite, isinf, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from .graph import CONSTANT, INPUT, Graph
from .kernels.system import NumberSystem
from .operations import Operation
from .text import expression_of, expressions, labels
from .values import finite

if TYPE_CHECKING:
    from .api import Result


SMALLEST = 2.0**-1022
"""The smallest float with full digits."""

MOST_SUSPECTS = 10


class Edge(NamedTuple):
    """From a node to one operand: local × upstream = downstream.

    Attributes:
        operand: the operand's node.
        k: its number among the operands.
        local: a number, or a linear map.
        downstream: what reaches the operand by this edge.
    """

    operand: int
    k: int
    local: Any
    downstream: Any


class Note(NamedTuple):
    """One thing a reader should know.

    Attributes:
        code: ``reading``, ``unused``, ``kink``, ``tie``, ``jump``, ``vertical-tangent``, ``zero-times-infinity``,
            ``underflow`` or ``not-finite``.
        message: one sentence.
        node: the node it is about, or None.
        left, right: the derivatives of the node's two sides, where that is what it is about.
    """

    code: str
    message: str
    node: int | None = None
    left: float | None = None
    right: float | None = None


def of_derivative(notes: Iterable[Note]) -> list[Note]:
    """The notes of a sweep over a derivative's own graph, whose nodes are not the program's; each once."""
    found = {note.message: note for note in notes if note.code not in ("reading", "unused")}
    return [
        Note(note.code, f"second derivatives: {message}", None, note.left, note.right)
        for message, note in found.items()
    ]


def edges(
    F: NumberSystem, graph: Graph, values: list[Any], upstream: list[Any], active: list[bool]
) -> list[list[Edge]]:
    """For every node its edges to active operands; none where the node has no upstream gradient."""
    found: list[list[Edge]] = []
    for i, operands in enumerate(graph.operands):
        g = upstream[i]
        row: list[Edge] = []
        if g is not None and operands:
            operation = graph.operations[i]
            z, xs = values[i], [values[j] for j in operands]
            for k, j in enumerate(operands):
                if active[j]:
                    local = operation.local(F, k, z, xs)
                    row.append(Edge(j, k, local, F.downstream(local, g, z, xs[k], operation.structural)))
        found.append(row)
    return found


def conventions(result: Result) -> list[Note]:
    """The notes of a result, in order of evaluation."""
    if result.program.graph.tensors:
        from .entries import conventions as of_tensors

        return of_tensors(result)
    graph, values, upstream = result.program.graph, result.values, result.upstream
    places: list[tuple[int, str]] = []
    first = first_not_finite(result)
    if first is not None:
        places.append((first, "not-finite"))
    live = [bool(g) for g in upstream]
    by_chance = [False] * len(graph)  # an upstream gradient of 0 that no selection made
    for i in range(result.output, -1, -1):
        operation = graph.operations[i]
        if live[i]:
            for j in graph.operands[i]:
                if graph.operations[j].condition:
                    live[j] = True
        for edge in result.edges[i]:
            j = edge.operand
            if upstream[i] == 0:
                by_chance[j] |= by_chance[i]
                if by_chance[i] and isinf(edge.local):
                    places.append((i, "zero-times-infinity"))
            elif edge.local == 0:
                by_chance[j] |= not operation.structural
                if not operation.structural and isinf(upstream[i] or 0.0):
                    places.append((i, "zero-times-infinity"))
        kink = operation.kink
        if live[i] and kink is not None and isfinite(values[i]):
            xs = [values[j] for j in graph.operands[i]]
            if kink(result.system, values[i], *xs):
                places.append((i, "kink"))
    place = underflow(result, range(result.output, -1, -1)) if first is None else None
    if place is not None:
        places.append((place, "underflow"))
    if not places:
        return []
    names = labels(graph, result.output)
    texts = expressions(graph, {j: names[j] for j in graph.names}, 60)
    return [_describe(result, i, code, names, texts[i]) for i, code in sorted(dict(places).items())]


def underflow(result: Result, order: Iterable[int]) -> int | None:
    """The first of the nodes whose local gradient is no zero, but too small for float64's full digits.

    Beside a huge number on the other side of the product it would not have been negligible. Suspicious are zeros and
    subnormal numbers; whether one is right, mpmath tells, for the first few.
    """
    graph, values, suspects = result.program.graph, result.values, 0
    for i in order:
        operation = graph.operations[i]
        if operation.structural or not values[i]:
            continue
        for edge in result.edges[i]:
            if abs(edge.local) < SMALLEST and values[edge.operand] and result.upstream[i]:
                from .kernels.precise import precise

                F = precise(256, result.ties)
                xs = [F.constant(values[j]) for j in graph.operands[i]]
                z = F.kernels[operation.key](*xs)
                for k, j in enumerate(graph.operands[i]):
                    if j == edge.operand and 0 < abs(operation.local(F, k, z, xs)) < SMALLEST:
                        return i
                suspects += 1
                if suspects == MOST_SUSPECTS:
                    return None
    return None


def first_not_finite(result: Result) -> int | None:
    """The first node that the output depends on and whose value is not finite, though its operands' are."""
    graph, values = result.program.graph, result.values
    if result.finite:
        return None
    reached = graph.needed([result.output])
    for i in range(result.output + 1):
        if reached[i] and not finite(values[i]) and graph.operations[i] not in (INPUT, CONSTANT):
            return i
    return None


def _describe(result: Result, i: int, code: str, names: list[str], text: str) -> Note:
    graph, values = result.program.graph, result.values
    operation = graph.operations[i]
    operands = graph.operands[i]
    point = ", ".join(
        f"{names[j]} = {values[j]:.6g}" for j in dict.fromkeys(operands) if graph.operations[j] is not CONSTANT
    )
    if code == "not-finite":
        advice = stable_advice(graph, i)
        return Note(code, f"{text} is {word_for(values[i])} at {point}{advice}", i)
    if code == "underflow":
        return Note(
            code,
            f"the local gradient of {text} at {point} underflows; beside a large number it may be missed, "
            "which --check finds",
            i,
        )
    if code == "zero-times-infinity":
        return Note(
            code,
            f"{text} at {point} multiplies 0 by an infinite gradient, and 0 is used; the limit may be another number, "
            "which --check finds",
            i,
        )
    used = {edge.operand: edge.local for edge in result.edges[i]}
    if operation.condition:
        return Note(
            "jump", f"the condition {text} is at its threshold, {point}; the gradient is that of the branch taken", i
        )
    k = next((k for k, j in enumerate(operands) if j in used), 0)
    (z_left, left), (z_right, right) = (_beside(result, i, k, side) for side in (-1, 1))
    local = used.get(operands[k], 0.0)
    sides = f"its derivative is {left:.6g} on the left and {right:.6g} on the right"
    if operation.name in ("max", "min"):
        tied = [j for j in operands if values[j] == values[i]]
        names_tied = " and ".join(dict.fromkeys(names[j] for j in tied))
        share = "the first gets the gradient" if result.ties == "first" else f"each gets 1/{len(tied)} of the gradient"
        return Note("tie", f"{names_tied} tie in {text}, {point}; {share}", i, left, right)
    if isinf(local):
        left, right = (local if isfinite(s) else nan for s in (left, right))
        return Note(
            "vertical-tangent", f"{text} has a vertical tangent at {point}; {word_for(local)} is used", i, left, right
        )
    if abs(z_right - z_left) > 0.5:
        return Note(
            "jump", f"{text} jumps at {point}, from {z_left:.6g} to {z_right:.6g}; {local:.6g} is used", i, left, right
        )
    return Note("kink", f"{text} has a kink at {point}; {sides}, and {local:.6g} is used", i, left, right)


def _beside(result: Result, i: int, k: int, side: int) -> tuple[float, float]:
    """Value and local gradient of node i with its operand k moved by the least step to one side."""
    F, graph = result.system, result.program.graph
    operation: Operation = graph.operations[i]
    operands = graph.operands[i]
    xs = [result.values[j] for j in operands]
    moved = math.nextafter(xs[k], side * inf) if xs[k] else side * 1e-300
    xs = [moved if j == operands[k] else x for j, x in zip(operands, xs, strict=True)]
    z = F.kernels[operation.key](*xs)
    return z, operation.local(F, k, z, xs) if z == z else nan


def stable_advice(graph: Graph, i: int) -> str:
    """What to write instead where a well-known formula overflows inside."""
    name = graph.operations[i].name
    if name == "exp":
        argument = expression_of(graph, graph.operands[i][0])
        user = _user(graph, i)
        if user is not None and graph.operations[user].name == "add" and _has_one(graph, user):
            outer = _user(graph, user)
            if outer is not None and graph.operations[outer].name == "log":
                return f"; log(1 + exp(…)) is `softplus({argument})`, which does not overflow"
            if outer is not None and graph.operations[outer].name == "div":
                return f"; exp(…)/(1 + exp(…)) is `sigmoid({argument})`, which does not overflow"
        if user is not None and graph.operations[user].name == "add":
            return "; a logarithm of a sum of exponentials is `max(x, y) + log1p(exp(-abs(x - y)))`"
        return "; exp(x) overflows above x = 709.78"
    if name == "bce":
        return "; bce(sigmoid(x), t) is `bce_logits(x, t)`, which does not overflow"
    if name in ("square", "pow"):
        user = _user(graph, i)
        if user is not None and graph.operations[user].name == "add":
            outer = _user(graph, user)
            if outer is not None and graph.operations[outer].name == "sqrt":
                return "; sqrt(x^2 + y^2) is `hypot(x, y)`, which does not overflow"
    return ""


def _user(graph: Graph, i: int) -> int | None:
    return next((n for n in range(i + 1, len(graph)) if i in graph.operands[n]), None)


def _has_one(graph: Graph, i: int) -> bool:
    return any(graph.constants.get(j) == 1 for j in graph.operands[i])


def word_for(value: float) -> str:
    """A value that is not finite, in words."""
    return "NaN" if value != value else "infinite" if value > 0 else "minus infinity"
