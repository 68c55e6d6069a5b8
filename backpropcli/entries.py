"""The conventions of `backpropcli.conventions`, entry by entry, for programs of tensors."""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from .conventions import (
    FIRST,
    MOST_SUSPECTS,
    SMALLEST,
    Edge,
    Note,
    Spot,
    first_not_finite,
    kink_of,
    multiplies,
    note_of,
    underflows,
)
from .graph import CONSTANT
from .operations.maps import LinearMap
from .shapes import place_text, unravel
from .text import expressions, labels

if TYPE_CHECKING:
    from .api import Result

Place = tuple[str, Any]
"""A convention that was used, the code of its `Note`, and where: a mask of the entries of the node's value."""


def conventions(result: Result) -> list[Note]:
    """The notes of a result, one per node, in order of evaluation."""
    graph, values = result.program.graph, result.values
    places = _places(result)
    first = first_not_finite(result)
    if first is not None:
        places[first] = "not-finite", ~np.isfinite(values[first])
        places = {i: place for i, place in places.items() if place[0] != "underflow"}
    names = labels(graph, result.output)
    texts = expressions(graph, {j: names[j] for j in graph.names}, 60)
    return [_note(result, i, *place, names, texts[i]) for i, place in sorted(places.items())]


def _places(result: Result) -> dict[int, Place]:
    """Nodes at which the sweep followed a convention."""
    graph = result.program.graph
    upstream: list[Any] = result.upstream
    places: dict[int, Place] = {}
    live = [g is not None and bool(np.any(g)) for g in upstream]
    by_chance: list[Any] = [False] * len(graph)  # entries of upstream gradients that are 0, and that no selection made
    for i in range(result.output, -1, -1):
        operation = graph.operations[i]
        if live[i]:
            for j in graph.operands[i]:
                if graph.operations[j].condition:
                    live[j] = True
        for edge in result.edges[i]:
            met = _zero_times_infinity(result, i, edge, by_chance)
            if np.any(met):
                places.setdefault(i, ("zero-times-infinity", met))
        if not live[i]:
            continue
        kinks = _kinks(result, i)
        if kinks.any():
            places[i] = "kink", kinks
        if multiplies(operation, result.edges[i]):
            dead = _dead(result, i)
            if dead.any():
                places.setdefault(i, ("dead-product", dead))
        if i not in places and not operation.tensor and not operation.structural:
            for edge in result.edges[i]:
                tiny = _tiny(result, i, edge)
                if tiny is not None:
                    places[i] = "underflow", tiny
    return places


def _kinks(result: Result, i: int) -> Any:
    """The entries of a node that have no derivative."""
    operation, g = result.program.graph.operations[i], result.upstream[i]
    mask: Any = np.asarray(kink_of(result, i), dtype=bool)
    if operation.kink is None or operation.reduces:
        return mask
    return mask & np.isfinite(result.values[i]) & (True if operation.condition else np.not_equal(g, 0))


def _dead(result: Result, i: int) -> Any:
    """The entries of a product that get a gradient, and whose factors are both 0."""
    values = result.values
    x, y = (np.equal(values[j], 0) for j in result.program.graph.operands[i])
    return x & y & np.equal(values[i], 0) & np.not_equal(result.upstream[i], 0)


def _zero_times_infinity(result: Result, i: int, edge: Edge, by_chance: list[Any]) -> Any:
    """The entries where an upstream gradient of 0 met an infinite local one; and which zeros go on from here."""
    operation = result.program.graph.operations[i]
    g: Any = result.upstream[i]
    j = edge.operand
    if isinstance(edge.local, LinearMap):
        if np.any(by_chance[i]):
            by_chance[j] = by_chance[j] | np.equal(edge.downstream, 0)
        return False
    zero, flat = np.equal(g, 0), np.equal(edge.local, 0)
    met = zero & by_chance[i] & np.isinf(edge.local)
    if not operation.structural:
        met = met | (flat & np.isinf(np.asarray(g, dtype=np.float64)))
        gone_on = (zero & by_chance[i]) | (~zero & flat)
    else:
        gone_on = zero & by_chance[i]
    if np.any(gone_on):
        by_chance[j] = by_chance[j] | np.equal(edge.downstream, 0)
    return np.broadcast_to(met, np.shape(result.values[i]))


def _tiny(result: Result, i: int, edge: Edge) -> Any | None:
    """The entry whose local gradient is no zero but too small for float64's full digits; of the first few suspects."""
    graph, values = result.program.graph, result.values
    g: Any = result.upstream[i]
    shape = np.shape(values[i])
    suspect = (np.abs(edge.local) < SMALLEST) & np.not_equal(g, 0) & np.not_equal(values[i], 0)
    suspect = suspect & np.not_equal(values[edge.operand], 0)
    for at in np.flatnonzero(np.broadcast_to(suspect, shape))[:MOST_SUSPECTS]:
        place = unravel(int(at), shape)
        if underflows(graph.operations[i], edge.k, _operands_at(result, i, place), result.ties):
            mask = np.zeros(shape, dtype=bool)
            mask[place] = True
            return mask
    return None


def _operands_at(result: Result, i: int, place: tuple[int, ...]) -> list[float]:
    """The operands of an elementwise node at one entry of its value."""
    graph, shape = result.program.graph, np.shape(result.values[i])
    return [float(np.broadcast_to(result.values[j], shape)[place]) for j in graph.operands[i]]


def _note(result: Result, i: int, code: str, mask: Any, names: list[str], text: str) -> Note:
    """The note on the first of the entries."""
    graph = result.program.graph
    where = unravel(int(np.flatnonzero(mask)[0]), np.shape(mask))
    count = int(mask.sum())
    more = f" (and in {count - 1:,} more entries)" if count > 1 else ""
    if code == "not-finite":
        text += f", entry {place_text('', where)}," if where else ""
    elif graph.operations[i].tensor:
        return _reduction_note(result, i, names, text, where, more)
    value = float(np.asarray(result.values[i])[where])
    if graph.operations[i].tensor:
        return note_of(result, i, code, Spot(text, value, more=more))
    xs = _operands_at(result, i, where)
    told = {
        _entry_name(result, j, names, where): x + 0.0
        for j, x in zip(graph.operands[i], xs, strict=True)
        if graph.operations[j] is not CONSTANT
    }
    point = ", ".join(f"{name} = {x:.6g}" for name, x in told.items())
    return note_of(result, i, code, Spot(text, value, xs, point, more))


def _entry_name(result: Result, j: int, names: list[str], where: tuple[int, ...]) -> str:
    """The entry of an operand that meets an entry of the value."""
    of = np.shape(result.values[j])
    place = where[len(where) - len(of) :]
    return place_text(names[j], [0 if n == 1 else at for at, n in zip(place, of, strict=True)])


def _reduction_note(result: Result, i: int, names: list[str], text: str, where: tuple[int, ...], more: str) -> Note:
    """The note on a reduction where it has no derivative."""
    graph, F = result.program.graph, result.system
    operation, (j, *_) = graph.operations[i], graph.operands[i]
    entry = f" at entry {place_text('', where)}" if where else ""
    if not operation.ties:
        message = f"{text} has a kink{entry}{more}; the gradient of least norm among its sides is used"
        return Note("kink", message, i)
    top = float(np.asarray(result.values[i])[where])
    tied = "entries tie" if where else f"{int(np.equal(result.values[j], top).sum())} entries tie"
    share = FIRST if result.ties == "first" else "they share the gradient equally"
    kernel = F.kernels[operation.name]
    left, right = (
        float(kernel(np.array([top, moved])) == moved) for moved in (nextafter(top, -inf), nextafter(top, inf))
    )
    return Note("tie", f"{tied} in {text}{entry}, {names[j]} = {top + 0.0:.6g}{more}; {share}", i, left, right)
