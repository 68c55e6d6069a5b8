"""What a node computes, and the rules of its derivatives, as formulas over the names of the nodes around it.

A rule is never written down a second time: the row's own is run over symbols, and what it writes is the formula. Put
numbers in the place of the names, and the formula shows how its value came about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .graph import CONSTANT, Graph
from .kernels.symbols import Symbol, Symbols
from .operations import Operation
from .operations.maps import LinearMap, Reduced
from .text import expressions, number
from .transform.simplify import simplify

UPSTREAM, TANGENT = -1, -2
"""Leaves that are no nodes: the upstream gradient of the node, and the tangent of its operand."""

UPSTREAM_NAME, TANGENT_NAME = "upstream", "tangent"


class Formula(NamedTuple):
    """An expression over nodes of a program.

    Attributes:
        graph: the expression as a graph of its own.
        root: its last node.
        leaves: the program's node that each of its inputs stands for, or `UPSTREAM`, or `TANGENT`.
    """

    graph: Graph
    root: int
    leaves: dict[int, int]

    def names(self, name_of: Callable[[int], str], number: Callable[[float], str] = number) -> dict[int, str]:
        """What is written for its leaves, and for its constants: the name of one that has one, else the number."""
        graph = self.graph
        constants = {i: graph.names.get(i) or number(c) for i, c in graph.constants.items() if isinstance(c, float)}
        return {**constants, **{leaf: name_of(node) for leaf, node in self.leaves.items()}}

    def text(self, name_of: Callable[[int], str], limit: int = 80, number: Callable[[float], str] = number) -> str:
        """The expression in the language itself.

        Args:
            name_of: what is written for a leaf: the node's name, or its value.
            limit: the most characters.
            number: how a constant is written.
        """
        return expressions(self.graph, self.names(name_of, number), limit)[self.root]

    @property
    def operation(self) -> Operation:
        """What its value is made by."""
        return self.graph.operations[self.root]

    @property
    def leaf(self) -> int | None:
        """The node that it is, where it is nothing but a leaf."""
        return self.leaves.get(self.root)


class _Trace:
    """A graph in which one node of a program, and its operands, are symbols."""

    def __init__(self, graph: Graph, i: int, ties: str = "split") -> None:
        self.program = graph
        self.graph = Graph()
        self.F = Symbols(self.graph, ties)
        self.operation: Operation = graph.operations[i]
        self.gate = graph.gate(i)
        self.operands = [self.leaf(j) for j in graph.operands[i]]
        self.z = self.leaf(i)

    def leaf(self, j: int) -> Symbol:
        """The program's node j: a symbol, or the constant that it is."""
        graph = self.program
        if graph.operations[j] is not CONSTANT:
            return Symbol(self.F, self.graph.input(str(j), graph.shapes[j]))
        index = self.graph.constant(graph.constants[j], graph.shape(j))
        if j in graph.names:
            self.graph.names[index] = graph.names[j]
        return Symbol(self.F, index)

    def local(self, k: int) -> Any:
        """The local gradient towards operand k: a symbol, a number or a linear map."""
        if self.gate is not self.operation and k:  # the rule of 1/x has x alone
            return self.gate.local(self.F, 0, self.z, self.operands[k:])
        return self.operation.local(self.F, k, self.z, self.operands)

    def special(self, node: int, like: int) -> Symbol:
        """The upstream gradient of a node, or its tangent."""
        return Symbol(self.F, self.graph.input(str(node), self.program.shapes[like]))

    def formula(self, value: Any, simplified: bool = True) -> Formula:
        graph, root = self.graph, self.F.symbol(value).index
        if simplified:
            graph, place = simplify(graph, [root], collect=True)
            root = place[root]
        return Formula(graph, root, {i: int(name) for name, i in graph.inputs.items()})


def plain(graph: Graph, leaves: Mapping[int, int]) -> list[bool]:
    """For every node, whether it reads as mathematics does: signs and functions of entries, no moving and spreading."""
    found: list[bool] = []
    for operation, operands in zip(graph.operations, graph.operands, strict=True):
        strange = operation.condition or (operation.tensor and not operation.latex)
        found.append(not strange and all(j in leaves or found[j] for j in operands))
    return found


def value(graph: Graph, i: int) -> Formula:
    """What node i computes."""
    trace = _Trace(graph, i)
    root = trace.graph.append(trace.operation, *[x.index for x in trace.operands])
    return trace.formula(Symbol(trace.F, root), False)


def local(graph: Graph, i: int, k: int, ties: str = "split") -> Formula | None:
    """The local gradient of node i towards its operand k; None where it is a linear map, told by `downstream`."""
    trace = _Trace(graph, i, ties)
    rule = trace.local(k)
    if isinstance(rule, Reduced):
        return trace.formula(rule.partials)
    return None if isinstance(rule, LinearMap) else trace.formula(rule)


def downstream(graph: Graph, i: int, k: int, ties: str = "split", simplified: bool = True) -> Formula:
    """The gradient that reaches operand k of node i, over the upstream gradient and the operands."""
    trace = _Trace(graph, i, ties)
    rule = trace.local(k)
    upstream = trace.special(UPSTREAM, i)
    found = trace.F.downstream(rule, upstream, trace.z, trace.operands[k], trace.operation.structural)
    return trace.formula(found, simplified)


def pushforward(graph: Graph, i: int, k: int, ties: str = "split") -> Formula:
    """What a tangent of operand k does to node i."""
    trace = _Trace(graph, i, ties)
    rule = trace.local(k)
    tangent = trace.special(TANGENT, graph.operands[i][k])
    return trace.formula(trace.F.pushforward(rule, tangent, trace.z, trace.operands[k], trace.operation.structural))
