"""A graph with the same values by fewer nodes: what is equal is computed once, and exact identities are applied.

Identities of real numbers are taken only where they keep shapes and every NaN and infinity: 1·x is x, (xᵀ)ᵀ is x, but
0·x and x - x stay, which are NaN at infinity. Rounding may differ in the last digit, for factors move: a·(2·x) + a·x
counts as 3·(a·x), and sums and products of matrices let them pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..graph import CONSTANT, INPUT, Graph
from . import identities  # noqa: F401  (which the rewriter applies)
from .rewriter import Rewriter, Term

SUMS = frozenset(("add", "sub", "neg"))


def simplify(
    graph: Graph,
    keep: Iterable[int],
    verbatim: Collection[int] = (),
    settled: Collection[int] = (),
    collect: bool = False,
) -> tuple[Graph, dict[int, int]]:
    """The graph without what nothing needs, simplified.

    Args:
        graph: all its shapes known.
        keep: the nodes whose values are wanted.
        verbatim: nodes that stay as they are written, though equal ones are computed once.
        settled: nodes from which no factor moves on, if they are long to write: they will have a name.
        collect: count like terms of long sums together. A sum that a rule wrote against cancellation, such as
            (x - 1) + y, then loses what it was written for: only for formulas that are read.

    Returns:
        The new graph, and where the nodes to keep stand in it.
    """
    keep = list(keep)
    needed = graph.needed(keep)
    parts = _parts_of_sums(graph, needed, keep, verbatim) if collect else [False] * len(graph)
    writer = Rewriter()
    terms: list[Term | None] = [None] * len(graph)
    for i, operation in enumerate(graph.operations):
        if not needed[i] or parts[i]:
            continue
        shape = graph.shapes[i] or ()
        if operation is INPUT:
            terms[i] = Term(1.0, writer.graph.input(graph.names[i], shape))
        elif operation is CONSTANT:
            terms[i] = writer.number(graph.constants[i], shape, graph.names.get(i, ""))
        elif operation.name in SUMS and i not in verbatim:
            terms[i] = writer.shaped(writer.total(_terms_of(graph, i, parts, terms)), shape)
        else:
            operands = [terms[j] for j in graph.operands[i]]
            if i in verbatim:
                terms[i] = Term(1.0, writer.node(operation, *[writer.whole(x) for x in operands]))  # type: ignore[arg-type]
            else:
                terms[i] = writer.rewritten(operation, operands, shape)  # type: ignore[arg-type]
        if i in settled:
            terms[i] = writer.settled(terms[i])  # type: ignore[arg-type]
        elif i in verbatim and i in graph.names:
            writer.widths[terms[i].node] = len(graph.names[i])  # type: ignore[union-attr]
    places = {i: writer.whole(terms[i]) for i in keep}  # type: ignore[arg-type]
    for i in keep:
        if i in graph.names:
            writer.graph.names.setdefault(places[i], graph.names[i])
    pruned, place = writer.graph.pruned(places.values())
    return pruned, {i: place[j] for i, j in places.items()}


def _parts_of_sums(graph: Graph, needed: list[bool], keep: Iterable[int], verbatim: Collection[int]) -> list[bool]:
    """For every node whether it is a sum or difference that only another one uses."""
    users = [0] * len(graph)
    for i in keep:
        users[i] = 1
    part = [False] * len(graph)
    for i in range(len(graph) - 1, -1, -1):
        if needed[i]:
            of_a_sum = graph.operations[i].name in SUMS and i not in verbatim
            for j in graph.operands[i]:
                users[j] += 1
                part[j] = users[j] == 1 and of_a_sum and graph.operations[j].name in SUMS and j not in verbatim
    return part


def _terms_of(graph: Graph, i: int, parts: list[bool], terms: list[Term | None]) -> list[Term]:
    """What a sum adds up, through the sums and differences that are parts of it."""
    found = []
    left = [(i, 1.0)]
    while left:
        j, sign = left.pop()
        if j == i or parts[j]:
            first, *second = graph.operands[j]
            name = graph.operations[j].name
            left += [(k, sign if name == "add" else -sign) for k in second]
            left.append((first, -sign if name == "neg" else sign))
        else:
            factor, node = terms[j]  # type: ignore[misc]
            found.append(Term(sign * factor, node))
    return found
