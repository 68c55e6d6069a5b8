"""Local gradients as a reader understands them: the structure of a Jacobian in place of the Jacobian.

An elementwise gate has a diagonal; a broadcast operand is summed over the axes it was stretched along; a reduction
spreads its gradient; a matrix product carries it back by another product. That product is not written down here: the
row's own pullback is traced over names and printed.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from .formulas import UPSTREAM, downstream
from .graph import Graph
from .operations.maps import LinearMap, Reduced
from .shapes import Shape, axes_of, place_text, unravel
from .values import Value, as_value, is_tensor

if TYPE_CHECKING:
    from .api import Result


MOST_BYTES = 256 * 2**20
"""Larger Jacobians are never written out, whatever the limit on rows and columns."""


class Local(NamedTuple):
    """The structure of a local gradient.

    Attributes:
        kind: ``number``, ``diagonal``, ``broadcast``, ``gradient``, ``reduction``, or the word of an operation whose
            pullback is told in `text`.
        factor: the numbers to multiply with: of the value's shape for a diagonal and a broadcast, of the operand's for
            a gradient and a reduction; None where `text` says it all.
        axes: the axes that are summed over (broadcast), or spread over (reduction).
        text: the downstream gradient in terms of ``upstream`` and the operands, such as ``Wᵀ · upstream``.
    """

    kind: str
    factor: Value | None
    axes: tuple[int, ...] = ()
    text: str = ""


class Jacobian(NamedTuple):
    """A Jacobian written out, or how large it would be.

    Attributes:
        layout: ``standard``, rows are entries of the value, or ``lecture``, rows are entries of the operand.
        rows, columns: the entries' names.
        matrix: the numbers; None where it would be larger than the limit.
        shape: rows and columns.
        implicit: the bytes of the numbers that are multiplied with instead.
    """

    layout: str
    rows: list[str]
    columns: list[str]
    matrix: list[list[float]] | None
    shape: tuple[int, int]
    implicit: int

    @property
    def bytes(self) -> int:
        """What it takes in float64."""
        return 8 * self.shape[0] * self.shape[1]


def local_of(result: Result, i: int, k: int, local: Any, names: list[str]) -> Local:
    """The structure of the local gradient of node i towards its operand k."""
    graph = result.program.graph
    shape, of = graph.shape(i), graph.shape(graph.operands[i][k])
    if isinstance(local, Reduced):
        if not shape:
            with result.system.quiet():
                gradient = local.pullback(1.0)
            return Local("gradient", _stretched(gradient, of)) if of else Local("number", float(gradient))
        return Local("reduction", _stretched(local.partials, of), axes_of(of, local.axis))
    if isinstance(local, LinearMap):
        return Local(graph.operations[i].name, None, (), pullback_text(graph, i, k, names))
    if not shape:
        return Local("number", float(local))
    factor = _stretched(local, shape)
    if shape == of:
        return Local("diagonal", factor)
    added = len(shape) - len(of)
    axes = (*range(added), *(a for a, n in enumerate(of, added) if n == 1 != shape[a]))
    return Local("broadcast", factor, axes)


def _stretched(value: Any, shape: Shape) -> Value:
    import numpy as np

    return as_value(np.broadcast_to(value, shape))


def pullback_text(graph: Graph, i: int, k: int, names: list[str], limit: int = 80) -> str:
    """The downstream gradient of node i towards its operand k, in words of the operands."""
    found = downstream(graph, i, k, simplified=False)
    return found.text(lambda node: "upstream" if node == UPSTREAM else names[node], limit).replace("@", " · ")


def jacobian_of(result: Result, i: int, k: int, local: Any, names: list[str], layout: str, most: float) -> Jacobian:
    """The Jacobian of node i by its operand k: one pullback per entry of the value, if there are not too many."""
    graph = result.program.graph
    j = graph.operands[i][k]
    shape, of = graph.shape(i), graph.shape(j)
    m, n = prod(shape), prod(of)
    turned = layout == "lecture"
    size = (n, m) if turned else (m, n)
    factor = local_of(result, i, k, local, names).factor
    implicit = 0 if factor is None else 8 * prod(getattr(factor, "shape", ()))
    if max(m, n) > most or 8 * m * n > MOST_BYTES:
        return Jacobian(layout, [], [], None, size, implicit)
    import numpy as np

    F, operation = result.system, graph.operations[i]
    matrix = np.zeros((m, n))
    with F.quiet():
        for row in range(m):
            unit = np.zeros(shape)
            unit[unravel(row, shape)] = 1.0
            down = F.downstream(local, unit, result.values[i], result.values[j], operation.structural)
            matrix[row] = np.reshape(np.broadcast_to(down, of), -1)
    outputs = [place_text(names[i], unravel(r, shape)) for r in range(m)]
    inputs = [place_text(names[j], unravel(c, of)) for c in range(n)]
    if turned:
        return Jacobian(layout, inputs, outputs, matrix.T.tolist(), size, implicit)
    return Jacobian(layout, outputs, inputs, matrix.tolist(), size, implicit)


def alike(value: Value) -> float | None:
    """The number that every entry is, or None."""
    if not is_tensor(value):
        return float(value)
    if not value.size:
        return None
    first = float(value.reshape(-1)[0])
    return first if bool((value == first).all()) else None
