"""A graph made ready to be evaluated at many points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..graph import Graph
from ..kernels.arrays import Arrays
from ..kernels.tape import NOTHING, Tape
from .gates import written_out
from .simplify import simplify
from .sink import sink


def compiled(F: Arrays, graph: Graph, outputs: Sequence[int], fixed: Mapping[str, Any] = NOTHING) -> Tape:
    """The tape of a graph on tensors: formulas written out down to what NumPy has, simplified, factors placed.

    Args:
        F: the arrays that the values are.
        graph: all its shapes known.
        outputs: the nodes whose values are wanted.
        fixed: inputs that are the same at every point, and their values.
    """
    graph, place = simplify(graph, outputs)
    nodes = [place[i] for i in outputs]
    while any(operation.name in F.composite for operation in graph.operations):
        graph, moved = written_out(graph, lambda row: row.value if row.name in F.composite else None)
        graph, place = simplify(graph, [moved[i] for i in nodes])
        nodes = [place[moved[i]] for i in nodes]
    graph, place = sink(graph, nodes)
    return Tape(F, graph, [place[i] for i in nodes], fixed)
