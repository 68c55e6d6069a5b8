"""How long quotients at high precision take, by an estimate that is the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..graph import Graph
from ..shapes import Shape, size
from .quotients import BITS

EVALUATIONS = 6
"""Of the program for one path: three steps on each side."""

CHEAP = frozenset(
    (
        "add", "sub", "mul", "div", "neg", "abs", "square", "max", "min", "where", "sign", "step", "relu", "sum",
        "mean", "prod", "amax", "amin", "var", "norm1", "cumsum", "matmul", "dot", "outer", "transpose", "reshape",
        "full", "concat", "stack", "index", "scatter", "take", "put", "diag", "trace", "mse", "sqloss", "l1", "l2",
        "hinge", "nll", "inv", "solve", "det",
    )
)  # fmt: skip
DEAR = frozenset(("gamma", "lgamma", "digamma", "polygamma"))


def seconds(graph: Graph, nodes: Iterable[int], bits: int) -> float:
    """How long the quotients of a path over these nodes take."""
    return EVALUATIONS * sum(_numbers(graph, i) * _weight(graph.operations[i].name, bits) for i in nodes)


def _numbers(graph: Graph, i: int) -> float:
    """How many numbers an operation reckons with."""
    if not graph.tensors:
        return 1.0
    shapes: list[Shape] = [graph.shape(j) for j in graph.operands[i]]
    own: Shape = graph.shape(i)
    name = graph.operations[i].name
    if name in ("matmul", "dot"):
        return float(max(size(own), 1) * shapes[0][-1])
    if name in ("inv", "det", "solve", "cofactor", "cofactor_change"):
        return float(shapes[0][0] ** {"cofactor": 5, "cofactor_change": 7}.get(name, 3))
    return float(max(map(size, [own, *shapes])))


def _weight(name: str, bits: int) -> float:
    """Seconds for one operation, roughly, as measured at 512 to 3,840 bits."""
    ratio = bits / BITS
    return 2.5e-6 * ratio if name in CHEAP else 1.5e-3 * ratio * ratio if name in DEAR else 4e-5 * math.pow(ratio, 1.5)
