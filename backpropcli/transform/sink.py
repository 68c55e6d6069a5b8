"""Constant factors moved to where the fewest numbers are multiplied by them."""

from __future__ import annotations

from collections.abc import Iterable

from ..graph import CONSTANT, INPUT, Graph
from ..operations import Operation
from ..shapes import size
from .rewriter import Rewriter, Term, movable


def sink(graph: Graph, keep: Iterable[int]) -> tuple[Graph, dict[int, int]]:
    """The graph with constant factors moved towards the operands while these are no larger.

    What 2·(A@B) multiplies is A, B or their product, whichever is the smallest. A value that several nodes use is
    multiplied itself where all of them ask for the same factor.

    Args:
        graph: all its shapes known, and nothing in it that is not needed.
        keep: the nodes whose values are wanted.

    Returns:
        The new graph, and where the nodes to keep stand in it.
    """
    keep = list(keep)
    places = _cheapest(graph)
    asked: list[set[float]] = [set() for _ in range(len(graph))]
    offered: list[list[tuple[int, int, float]]] = [[] for _ in asked]  # by nodes that may as well keep their factor
    for i in keep:
        asked[i].add(1.0)
    passed: dict[int, tuple[int, float]] = {}
    for i in range(len(graph) - 1, -1, -1):
        if len(asked[i]) == 1 and {f for _, _, f in offered[i]} == asked[i]:
            passed.update({user: (k, f) for user, k, f in offered[i]})
        elif offered[i]:
            asked[i].add(1.0)
        factor = _agreed(asked[i])
        k, own = _scaled(graph, i)
        if k < 0 and factor != 1.0:
            k = _way(graph, i, places)
        if k < 0 or not movable(own * factor):
            k = -1
        larger = k >= 0 and size(graph.shape(graph.operands[i][k])) > size(graph.shape(i))
        if k >= 0 and not larger:
            passed[i] = k, own * factor
        for at, j in enumerate(graph.operands[i]):
            if at == k and larger:
                offered[j].append((i, k, factor))
            else:
                asked[j].add(passed[i][1] if at == k else 1.0)

    writer = Rewriter()
    place: list[int] = []

    def times(factor: float, i: int) -> int:
        """An operand times what is asked of it, which it may be already."""
        return place[i] if asked[i] == {factor} else writer.whole(Term(factor, place[i]))

    for i, operation in enumerate(graph.operations):
        operands = graph.operands[i]
        k, factor = passed.get(i, (-1, 1.0))
        if operation is INPUT or operation is CONSTANT:
            node = _leaf(graph, i, operation, writer)
        elif k >= 0 and _scaled(graph, i)[0] == k:
            place.append(times(factor, operands[k]))
            continue
        else:
            node = writer.node(operation, *[times(factor if at == k else 1.0, j) for at, j in enumerate(operands)])
        place.append(node if k >= 0 else writer.whole(Term(_agreed(asked[i]), node)))
    pruned, moved = writer.graph.pruned(place[i] for i in keep)
    return pruned, {i: moved[place[i]] for i in keep}


def _agreed(asked: set[float]) -> float:
    """The factor that all users of a value ask for, else 1."""
    return next(iter(asked)) if len(asked) == 1 else 1.0


def _scaled(graph: Graph, i: int) -> tuple[int, float]:
    """The operand that a node multiplies by a number, and the number; -1 and 1 where it does not."""
    operation, operands = graph.operations[i], graph.operands[i]
    if operation.name == "neg":
        return 0, -1.0
    if operation.name == "mul":
        for k, j in enumerate(operands):
            number = graph.constants.get(j)
            if isinstance(number, float) and movable(number) and graph.shapes[operands[1 - k]] == graph.shapes[i]:
                return 1 - k, number
    return -1, 1.0


def _way(graph: Graph, i: int, places: list[int]) -> int:
    """The operand that a factor had best pass to; -1 where it cannot pass."""
    operation, operands = graph.operations[i], graph.operands[i]
    if not operands or not (operation.multilinear or operation.name == "mul"):
        return -1
    return min(range(len(operands)), key=lambda k: places[operands[k]])


def _cheapest(graph: Graph) -> list[int]:
    """For every node the entries at the smallest place to which a factor on it may pass; a constant costs nothing."""
    found: list[int] = []
    for i, operation in enumerate(graph.operations):
        own = 0 if operation is CONSTANT else size(graph.shape(i))
        k = _way(graph, i, found)
        found.append(own if k < 0 else min(own, found[graph.operands[i][k]]))
    return found


def _leaf(graph: Graph, i: int, operation: Operation, writer: Rewriter) -> int:
    if operation is INPUT:
        return writer.graph.input(graph.names[i], graph.shapes[i])
    return writer.whole(writer.number(graph.constants[i], graph.shape(i), graph.names.get(i, "")))
