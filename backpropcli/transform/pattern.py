"""Which entries of a derivative can differ from zero, whatever the point; and which columns can be found together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import CONSTANT, INPUT, MOST_AXES, Graph
from ..kernels.arrays import Arrays
from ..operations import OPERATIONS, Operation
from ..shapes import Shape, size


def dependence(F: Arrays, graph: Graph, outputs: Sequence[int], wrt: Sequence[str]) -> Any:
    """For every entry of the outputs whether it depends on every entry of the inputs, by what the graph says.

    Where an operation is not known to keep entries apart, all its entries depend on all.

    Raises:
        ShapeError: a tensor has as many axes as there can be.

    Returns:
        A matrix of truths: rows are the outputs' entries, columns the inputs', one input after the other.
    """
    leaves = [graph.inputs[name] for name in wrt]
    total = sum(size(graph.shape(i)) for i in leaves)
    rows = sum(size(graph.shape(i)) for i in outputs)
    if not rows or not total:
        return np.zeros((rows, total), dtype=bool)
    if max(len(shape or ()) for shape in graph.shapes) >= MOST_AXES:  # one axis more counts the inputs' entries
        raise ShapeError(f"a tensor of {MOST_AXES} axes, and where there is a Jacobian {MOST_AXES - 1} are the most")
    found: list[Any] = [None] * len(graph)
    start = 0
    for i in leaves:
        shape = graph.shape(i)
        found[i] = np.zeros((total, size(shape)))
        found[i][start : start + size(shape)] = np.eye(size(shape))
        found[i] = found[i].reshape(total, *shape)
        start += size(shape)
    for i, (operation, needed) in enumerate(zip(graph.operations, graph.needed(outputs), strict=True)):
        if not needed or operation is INPUT or operation is CONSTANT:
            continue
        operands = [found[j] if j in graph.moving(i) else None for j in graph.operands[i]]
        flat = operation.condition or operation.pattern == "gradient blocker"
        if not flat and any(x is not None for x in operands):
            shapes = [graph.shape(j) for j in graph.operands[i]]
            found[i] = np.minimum(_through(F, operation, operands, shapes, graph.shape(i), total), 1.0)
    reached = [
        np.zeros((size(graph.shape(i)), total)) if found[i] is None else found[i].reshape(total, -1).T for i in outputs
    ]
    return np.concatenate(reached) > 0


def _through(
    F: Arrays, operation: Operation, operands: list[Any], shapes: list[Shape], shape: Shape, total: int
) -> Any:
    """What the value depends on, from what the operands depend on: 0 for no dependence."""
    kernel = F.kernels[operation.key]
    found = np.zeros((total, *shape))
    if operation.joint:
        parts = [np.zeros((total, *s)) if x is None else x for x, s in zip(operands, shapes, strict=True)]
        for n in range(total):
            found[n] = kernel(*[x[n] for x in parts])
        return found
    spread = None
    if operation.reduces and "keepdims" in operation.attributes:
        spread = F.kernels[OPERATIONS["sum"].bind(**operation.attributes).key]
    for k, x in enumerate(operands):
        if x is None:
            continue
        if not operation.tensor:
            found += x.reshape(total, *(1,) * (len(shape) - len(shapes[k])), *shapes[k])
        elif spread is not None or operation.multilinear:
            for n in range(total):
                others = [x[n] if at == k else np.ones(s) for at, s in enumerate(shapes)]
                found[n] += kernel(*others) if spread is None else spread(x[n])
        else:
            found += x.reshape(total, -1).max(axis=1, initial=0.0).reshape(total, *(1,) * len(shape))
    return found


def colored(lines: Any) -> Any:
    """A color for every line, so that no two lines of one color share an entry; -1 for lines without any.

    Greedy, in the order of the lines: a band of 3 diagonals needs 3 colors, a full matrix one per line.
    """
    colors = np.full(len(lines), -1)
    there = np.flatnonzero(lines.any(axis=1))
    if len(there) and lines.sum(axis=0).max() == len(there):  # one entry that all of them share
        colors[there] = np.arange(len(there))
        return colors
    used = np.zeros((0, lines.shape[1]), dtype=bool)  # the entries that the lines of every color have
    for n in there:
        entries = np.flatnonzero(lines[n])
        free = np.flatnonzero(~used[:, entries].any(axis=1))
        if not len(free):
            used = np.concatenate([used, np.zeros_like(used, shape=(max(len(used), 1), used.shape[1]))])
            free = np.flatnonzero(~used[:, entries].any(axis=1))
        colors[n] = free[0]
        used[free[0], entries] = True
    return colors
