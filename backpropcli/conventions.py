"""Where there is no derivative: what the sweep did there, in words, with the derivatives of both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isfinite, isinf, nan, nextafter
from typing import TYPE_CHECKING, Any, NamedTuple

from .graph import CONSTANT, INPUT, Graph
from .kernels.floats import Floats
from .kernels.system import NumberSystem
from .operations import Operation
from .text import expressions, labels
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
            ``dead-product``, ``underflow`` or ``not-finite``.
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
    found = {note.message: note for note in notes if note.code not in ("reading", "unused", "dead-product")}
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


class Spot(NamedTuple):
    """Where a convention was used, as a reader finds it.

    Attributes:
        text: the node's expression.
        value: its value there.
        xs: the values of its operands there.
        point: the same in words, ``x[2] = 0, y = 1``; "" where there are none, or too many.
        more: `` (and in 3 more entries)``, or "".
        tied: what operands of a maximum that tie are called.
    """

    text: str
    value: float
    xs: Sequence[float] = ()
    point: str = ""
    more: str = ""
    tied: str = "operands"


SENTENCES = {
    "not-finite": "{text} is {word}{at}{advice}",
    "underflow": "the local gradient of {text}{at} underflows; beside a large number it may be missed, which --check "
    "finds",
    "zero-times-infinity": "{text}{at} multiplies 0 by an infinite gradient, and 0 is used; the limit may be another "
    "number, which --check finds",
    "dead-product": "{text}{at} is a dead product: both factors are 0, so neither gets a gradient; a little noise on "
    "them revives it",
    "threshold": "the condition {text} is at its threshold{beside}; the gradient is that of the branch taken",
    "tie": "{tied} tie in {text}{at}; {share}",
    "vertical-tangent": "{text} has a vertical tangent{at}; {word} is used",
    "jump": "{text} jumps{at}, from {below:.6g} to {above:.6g}; {local:.6g} is used",
    "kink": "{text} has a kink{at}; its derivative is {left:.6g} on the left and {right:.6g} on the right, and "
    "{local:.6g} is used",
}
FIRST = "the first gets the gradient"


def note_of(result: Result, i: int, code: str, spot: Spot) -> Note:
    """The note on an elementwise node, or on any whose value is not finite."""
    if code == "kink":
        return _kink_note(result, i, spot)
    if code == "not-finite":
        from .advice import advice

        return Note(code, _sentence(code, spot, word=word_for(spot.value), advice=advice(result, i)), i)
    return Note(code, _sentence(code, spot), i)


def _sentence(code: str, spot: Spot, **told: Any) -> str:
    at, beside = (f"{word}{spot.point}{spot.more}" if spot.point else spot.more for word in (" at ", ", "))
    return SENTENCES[code].format(text=spot.text, tied=spot.tied, at=at, beside=beside, **told)


def _kink_note(result: Result, i: int, spot: Spot) -> Note:
    """What the sweep did where a node has no derivative, and what is beside it, the least step to both sides."""
    graph, F = result.program.graph, Floats(result.ties)
    operation, operands = graph.operations[i], graph.operands[i]
    if operation.condition:
        return Note("jump", _sentence("threshold", spot), i)
    k = next((edge.k for edge in result.edges[i]), 0)
    same = [n for n, j in enumerate(operands) if j == operands[k]]

    def moved(x: float) -> tuple[float, float]:
        """Value and local gradient where the operand, wherever it stands, is x."""
        xs = [x if n in same else other for n, other in enumerate(spot.xs)]
        z = F.kernels[operation.key](*xs)
        return z, sum((operation.local(F, n, z, xs) for n in same), 0.0) if z == z else nan

    x = spot.xs[k]
    _, local = moved(x)
    (below, left), (above, right) = (moved(nextafter(x, side * inf) if x else side * 1e-300) for side in (-1, 1))
    told: dict[str, Any]
    code, told = "kink", {"local": local, "left": left, "right": right}
    if operation.ties:
        tied = sum(x == spot.value for x in spot.xs)
        code, told = "tie", {"share": FIRST if result.ties == "first" else f"each gets 1/{tied} of the gradient"}
    elif isinf(local):
        code, told = "vertical-tangent", {"word": word_for(local)}
        left, right = (local if isfinite(side) else nan for side in (left, right))
    elif abs(above - below) > 0.5:
        code, told = "jump", {"local": local, "below": below, "above": above}
    return Note(code, _sentence(code, spot, **told), i, left, right)


def word_for(value: float) -> str:
    """A value that is not finite, in words."""
    return "NaN" if value != value else "infinite" if value > 0 else "minus infinity"


def kink_of(result: Result, i: int) -> Any:
    """Whether a node has no derivative, at every entry; operands that are one node do not tie."""
    operation, operands = result.program.graph.operations[i], result.program.graph.operands[i]
    if operation.kink is None:
        return False
    xs = [result.values[j] for j in (dict.fromkeys(operands) if operation.ties else operands)]
    return operation.kink(result.system, result.values[i], *xs)


def multiplies(operation: Operation, edges: Sequence[Edge]) -> bool:
    """Whether a node multiplies two others, entry by entry, that both want a gradient."""
    entrywise = operation.pattern == "swap multiplier" and not operation.tensor
    return entrywise and len({edge.operand for edge in edges}) == 2


def conventions(result: Result) -> list[Note]:
    """The notes of a result, in order of evaluation."""
    if result.program.graph.tensors:
        from .entries import conventions as of_tensors

        return of_tensors(result)
    graph = result.program.graph
    places = _places(result)
    first = first_not_finite(result)
    if first is not None:
        places.setdefault(first, "not-finite")
    else:
        place = underflow(result, range(result.output, -1, -1))
        if place is not None:
            places[place] = "underflow"
    if not places:
        return []
    names = labels(graph, result.output)
    texts = expressions(graph, {j: names[j] for j in graph.names}, 60)
    return [note_of(result, i, code, _spot(result, i, names, texts[i])) for i, code in sorted(places.items())]


def _places(result: Result) -> dict[int, str]:
    """Nodes at which the sweep followed a convention, and which."""
    graph, values, upstream = result.program.graph, result.values, result.upstream
    places: dict[int, str] = {}
    live = [bool(g) for g in upstream]
    by_chance = [False] * len(graph)  # an upstream gradient of 0 that no selection made
    for i in range(result.output, -1, -1):
        operation = graph.operations[i]
        if live[i]:
            for j in graph.operands[i]:
                if graph.operations[j].condition:
                    live[j] = True
        if (
            values[i] == 0
            and live[i]
            and multiplies(operation, result.edges[i])
            and not any(values[j] for j in graph.operands[i])
        ):
            places[i] = "dead-product"
        for edge in result.edges[i]:
            j = edge.operand
            if upstream[i] == 0:
                by_chance[j] |= by_chance[i]
                if by_chance[i] and isinf(edge.local):
                    places[i] = "zero-times-infinity"
            elif edge.local == 0:
                by_chance[j] |= not operation.structural
                if not operation.structural and isinf(upstream[i] or 0.0):
                    places[i] = "zero-times-infinity"
        if operation.kink is not None and live[i] and isfinite(values[i]) and kink_of(result, i):
            places[i] = "kink"
    return places


def _spot(result: Result, i: int, names: list[str], text: str) -> Spot:
    graph, values = result.program.graph, result.values
    operands = graph.operands[i]
    told = [f"{names[j]} = {values[j]:.6g}" for j in dict.fromkeys(operands) if graph.operations[j] is not CONSTANT]
    tied = dict.fromkeys(names[j] for j in operands if values[j] == values[i])
    return Spot(text, values[i], [values[j] for j in operands], ", ".join(told), tied=" and ".join(tied))


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
                if underflows(operation, edge.k, [values[j] for j in graph.operands[i]], result.ties):
                    return i
                suspects += 1
                if suspects == MOST_SUSPECTS:
                    return None
    return None


def underflows(operation: Operation, k: int, operands: Sequence[float], ties: str) -> bool:
    """Whether a local gradient that float64 cannot tell from 0 is no zero."""
    from .kernels.precise import precise

    F = precise(256, ties)
    xs = [F.constant(x) for x in operands]
    return bool(0 < abs(operation.local(F, k, F.kernels[operation.key](*xs), xs)) < SMALLEST)


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
