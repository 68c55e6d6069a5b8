"""A graph made ready to be evaluated at many points."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Graph
from ..kernels.arrays import Arrays
from ..kernels.tape import Tape
from .gates import written_out
from .simplify import simplify
from .sink import sink


def compiled(F: Arrays, graph: Graph, outputs: Sequence[int]) -> Tape:
    """The tape of a graph on tensors: formulas written out down to what NumPy has, simplified, factors placed."""
    graph, place = simplify(graph, outputs)
    nodes = [place[i] for i in outputs]
    while any(operation.name in F.composite for operation in graph.operations):
        graph, moved = written_out(graph, lambda row: row.value if row.name in F.composite else None)
        graph, place = simplify(graph, [moved[i] for i in nodes])
        nodes = [place[moved[i]] for i in nodes]
    graph, place = sink(graph, nodes)
    return Tape(F, graph, [place[i] for i in nodes])
