"""The conventions of `backpropcli.conventions`, entry by entry, for programs of tensors."""

from __future__ import annotations

from math import inf, isinf, nan, nextafter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .conventions import SMALLEST, Edge, Note, first_not_finite, stable_advice, word_for
from .graph import CONSTANT
from .kernels.floats import Floats
from .operations import Operation
from .operations.maps import LinearMap
from .shapes import place_text, unravel
from .text import expressions, labels

if TYPE_CHECKING:
    from .api import Result


class Place(NamedTuple):
    """Where a convention was used.

    Attributes:
        code: as in `Note`.
        mask: the entries of the node's value.
    """

    code: str
    mask: Any


def conventions(result: Result) -> list[Note]:
    """The notes of a result, one per node and kind, in order of evaluation."""
    graph, values = result.program.graph, result.values
    upstream: list[Any] = result.upstream
    places: dict[int, Place] = {}
    live = [g is not None and bool(np.any(g)) for g in upstream]
    by_chance: list[Any] = [False] * len(graph)  # entries of upstream gradients that are 0, and that no selection made
    for i in range(result.output, -1, -1):
        operation, g = graph.operations[i], upstream[i]
        if live[i]:
            for j in graph.operands[i]:
                if graph.operations[j].condition:
                    live[j] = True
        for edge in result.edges[i]:
            place = _zero_times_infinity(result, i, edge, by_chance)
            if place is not None:
                places.setdefault(i, place)
        kink = operation.kink
        if live[i] and kink is not None:
            xs = [values[j] for j in graph.operands[i]]
            mask: Any = np.asarray(kink(result.system, values[i], *xs), dtype=bool)
            if not operation.reduces:
                mask = mask & np.isfinite(values[i]) & (True if operation.condition else np.not_equal(g, 0))
            if mask.any():
                places[i] = Place("kink", mask)
        if not live[i] or operation.tensor or operation.structural or i in places:
            continue
        for edge in result.edges[i]:
            mask = _underflows(result, i, edge)
            if mask is not None:
                places[i] = Place("underflow", mask)
    first = first_not_finite(result)
    if first is not None:
        places[first] = Place("not-finite", ~np.isfinite(values[first]))
        places = {i: place for i, place in places.items() if place.code != "underflow"}
    names = labels(graph, result.output)
    texts = expressions(graph, {j: names[j] for j in graph.names}, 60)
    return [_describe(result, i, place, names, texts[i]) for i, place in sorted(places.items())]


def _zero_times_infinity(result: Result, i: int, edge: Edge, by_chance: list[Any]) -> Place | None:
    """Where an upstream gradient of 0 met an infinite local one; and which zeros go on from here."""
    operation = result.program.graph.operations[i]
    g: Any = result.upstream[i]
    j = edge.operand
    if isinstance(edge.local, LinearMap):
        if np.any(by_chance[i]):
            by_chance[j] = by_chance[j] | np.equal(edge.downstream, 0)
        return None
    zero, flat = np.equal(g, 0), np.equal(edge.local, 0)
    met = zero & by_chance[i] & np.isinf(edge.local)
    if not operation.structural:
        met = met | (flat & np.isinf(np.asarray(g, dtype=np.float64)))
        gone_on = (zero & by_chance[i]) | (~zero & flat)
    else:
        gone_on = zero & by_chance[i]
    if np.any(gone_on):
        by_chance[j] = by_chance[j] | np.equal(edge.downstream, 0)
    return Place("zero-times-infinity", np.broadcast_to(met, np.shape(result.values[i]))) if np.any(met) else None


def _underflows(result: Result, i: int, edge: Edge) -> Any | None:
    """The entry whose local gradient is no zero but too small for float64's full digits; of the first few suspects."""
    graph, values = result.program.graph, result.values
    g: Any = result.upstream[i]
    suspect = (np.abs(edge.local) < SMALLEST) & np.not_equal(g, 0) & np.not_equal(values[i], 0)
    suspect = suspect & np.not_equal(values[edge.operand], 0)
    flat = np.flatnonzero(np.broadcast_to(suspect, np.shape(values[i])))[:3]
    if not len(flat):
        return None
    from .kernels.precise import precise

    F = precise(256, result.ties)
    operation = graph.operations[i]
    for at in flat:
        place = unravel(int(at), np.shape(values[i]))
        xs = [F.constant(x) for x in _operands_at(result, i, place)]
        z = F.kernels[operation.key](*xs)
        if 0 < abs(operation.local(F, edge.k, z, xs)) < SMALLEST:
            mask = np.zeros(np.shape(values[i]), dtype=bool)
            mask[place] = True
            return mask
    return None


def _operands_at(result: Result, i: int, place: tuple[int, ...]) -> list[float]:
    """The operands of an elementwise node at one entry of its value."""
    graph, shape = result.program.graph, np.shape(result.values[i])
    return [float(np.broadcast_to(result.values[j], shape)[place]) for j in graph.operands[i]]


def _describe(result: Result, i: int, place: Place, names: list[str], text: str) -> Note:
    graph, values = result.program.graph, result.values
    operation = graph.operations[i]
    where = unravel(int(np.flatnonzero(place.mask)[0]), np.shape(place.mask))
    count = int(place.mask.sum())
    here = place_text("", where)
    of = f" (and in {count - 1:,} more entries)" if count > 1 else ""
    if place.code == "not-finite":
        value = float(values[i][where]) if where else float(values[i])
        entry = f", entry {here}," if here else ""
        at = _point(result, i, where, names)
        return Note(place.code, f"{text}{entry} is {word_for(value)}{at}{of}{_advice(result, i)}", i)
    if operation.tensor:
        return _reduction_note(result, i, operation, names, text, where, of)
    xs = _operands_at(result, i, where)
    point = _point(result, i, where, names).removeprefix(" at ")
    if place.code == "underflow":
        message = (
            f"the local gradient of {text} at {point} underflows; beside a large number it may be missed, "
            "which --check finds"
        )
        return Note(place.code, message, i)
    if place.code == "zero-times-infinity":
        message = (
            f"{text} at {point}{of} multiplies 0 by an infinite gradient, and 0 is used; the limit may be another "
            "number, which --check finds"
        )
        return Note(place.code, message, i)
    if operation.condition:
        return Note(
            "jump",
            f"the condition {text} is at its threshold, {point}{of}; the gradient is that of the branch taken",
            i,
        )
    return _kink_note(result, i, operation, xs, point, of, text, where)


def _point(result: Result, i: int, where: tuple[int, ...], names: list[str]) -> str:
    """`` at x[2] = 0``: the entries of the operands that make an entry of a value; "" where they are too many."""
    graph = result.program.graph
    operation, operands = graph.operations[i], graph.operands[i]
    if operation.tensor:
        return ""
    xs = dict(zip(operands, _operands_at(result, i, where), strict=True))
    shape = np.shape(result.values[i])
    told = [
        f"{_entry_name(result, j, names, where, shape)} = {x + 0.0:.6g}"
        for j, x in xs.items()
        if graph.operations[j] is not CONSTANT
    ]
    return f" at {', '.join(told)}" if told else ""


def _kink_note(
    result: Result,
    i: int,
    operation: Operation,
    xs: list[float],
    point: str,
    of: str,
    text: str,
    where: tuple[int, ...],
) -> Note:
    """The note on an elementwise gate where it has no derivative."""
    F = Floats(result.ties)
    k = next((edge.k for edge in result.edges[i]), 0)
    z = F.kernels[operation.key](*xs)
    local = operation.local(F, k, z, xs)
    (z_left, left), (z_right, right) = (_beside(F, operation, k, xs, side) for side in (-1, 1))
    if operation.name in ("max", "min"):
        tied = sum(x == z for x in xs)
        share = "the first gets the gradient" if result.ties == "first" else f"each gets 1/{tied} of the gradient"
        return Note("tie", f"operands tie in {text} at {point}{of}; {share}", i, left, right)
    if isinf(local):
        return Note("vertical-tangent", f"{text} has a vertical tangent at {point}{of}; {word_for(local)} is used", i)
    if abs(z_right - z_left) > 0.5:
        message = f"{text} jumps at {point}{of}, from {z_left:.6g} to {z_right:.6g}; {local:.6g} is used"
        return Note("jump", message, i, left, right)
    sides = f"its derivative is {left:.6g} on the left and {right:.6g} on the right"
    return Note("kink", f"{text} has a kink at {point}{of}; {sides}, and {local:.6g} is used", i, left, right)


def _reduction_note(
    result: Result, i: int, operation: Operation, names: list[str], text: str, where: tuple[int, ...], of: str
) -> Note:
    """The note on a reduction where it has no derivative."""
    x, z = result.values[result.program.graph.operands[i][0]], result.values[i]
    name = names[result.program.graph.operands[i][0]]
    entry = f" at entry {place_text('', where)}" if where else ""
    if operation.name in ("amax", "amin"):
        top = float(z[where]) if where else float(z)
        tied = int(np.equal(x, z).sum()) if not where else 0
        share = "the first gets the gradient" if result.ties == "first" else "they share the gradient equally"
        which = f"{tied} entries tie" if tied else "entries tie"
        left, right = (0.0, 1.0) if operation.name == "amax" else (1.0, 0.0)
        return Note("tie", f"{which} in {text}{entry}, {name} = {top + 0.0:.6g}{of}; {share}", i, left, right)
    return Note("kink", f"{text} has a kink{entry}{of}; the gradient of least norm among its sides is used", i)


def _beside(F: Floats, operation: Operation, k: int, xs: list[float], side: int) -> tuple[float, float]:
    """Value and local gradient with operand k, and all that equal it as one node, moved by the least step."""
    moved = list(xs)
    moved[k] = nextafter(xs[k], side * inf) if xs[k] else side * 1e-300
    z = F.kernels[operation.key](*moved)
    return z, operation.local(F, k, z, moved) if z == z else nan


def _entry_name(result: Result, j: int, names: list[str], where: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The entry of an operand that meets the value's entry."""
    of = np.shape(result.values[j])
    place = where[len(shape) - len(of) :]
    return place_text(names[j], [0 if n == 1 else at for at, n in zip(place, of, strict=True)])


def _advice(result: Result, i: int) -> str:
    """What to write instead, or what was wrong with the classes."""
    graph = result.program.graph
    operation, operands = graph.operations[i], graph.operands[i]
    if operation.place is not None and operation.operands[-1] != "i" and len(operands) > 1:
        scores, y = (result.values[j] for j in operands[:2])
        classes = np.shape(scores)[-1]
        if np.shape(y) != np.shape(scores) and not np.all((y == np.floor(y)) & (y >= 0) & (y < classes)):
            return f"; a class must be a whole number from 0 to {classes - 1}"
    if operation.name in ("take", "put", "one_hot"):
        return "; a place must be a whole number within the tensor"
    if operation.name in ("inv", "solve"):
        return "; the matrix is singular"
    return stable_advice(graph, i)
