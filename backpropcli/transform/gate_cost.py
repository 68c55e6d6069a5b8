"""What one gate costs: its value, its part of a reverse sweep, its part of a tangent sweep.

A gate needs its upstream gradient, its rule and its operands' values, and nothing else. So its rule is traced over
symbols of these, simplified, and the nodes of the small graph that comes out are counted. Only shapes are known;
nothing is ever as large as a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any, NamedTuple

from ..graph import INPUT, Graph
from ..kernels.floats import FLOATS
from ..kernels.symbols import Symbol, Symbols
from ..operations import OPERATIONS, Operation
from ..operations.counts import CALL, FREE, Counts
from ..operations.maps import LinearMap, Reduced
from ..shapes import Shape, size
from .gates import written_out
from .simplify import simplify
from .sink import sink

PLAIN = 8.0
"""Whole numbers up to this may make a rule simpler, as the 2 in x^2; any other number is as good as `ANY`."""

ANY = 0.37

VALUE = -1
"""Among what a gate reads: its own value."""


class EdgeCost(NamedTuple):
    """What the gradient towards one operand takes.

    Attributes:
        counts: by itself, from the gate's upstream gradient on.
        numbers: how many numbers stand in for the Jacobian: the entries of the local gradient, where that is a diagonal
            or a reduction's slope, else those of the values that the pullback reads; none where nothing is multiplied.
    """

    counts: Counts
    numbers: int


class GateCost(NamedTuple):
    """What one gate takes.

    Attributes:
        value: its own value.
        reverse: its upstream gradient carried to all operands that have one.
        tangent: their tangents carried to its own, and added.
        edges: by operand; None where no gradient passes.
        reads: the operands whose values the reverse sweep needs, by number, and `VALUE` for the gate's own.
    """

    value: Counts
    reverse: Counts = FREE
    tangent: Counts = FREE
    edges: tuple[EdgeCost | None, ...] = ()
    reads: frozenset[int] = frozenset()


class GateCosts:
    """The costs of gates, each kind over each shape traced once, so that a long chain takes no longer to count."""

    def __init__(self) -> None:
        self.gates: dict[Any, GateCost] = {}
        self.steps: dict[Any, Counts] = {}

    def gate(self, graph: Graph, i: int, moving: tuple[bool, ...]) -> GateCost:
        """The cost of node i.

        Args:
            graph: all its shapes known.
            i: a node with operands.
            moving: for every operand whether it depends on an input of interest.
        """
        operation, operands = graph.operations[i], graph.operands[i]
        shapes = tuple(graph.shape(j) for j in operands)
        constants = tuple(_plain(graph.constants.get(j)) for j in operands)
        key = (operation.key, shapes, constants, moving)
        found = self.gates.get(key)
        if found is None:
            found = self.gates[key] = self._traced(operation, shapes, constants, moving)
        return found

    def _traced(
        self, operation: Operation, shapes: Sequence[Shape], constants: Sequence[float | None], moving: Sequence[bool]
    ) -> GateCost:
        if operation.name == "pow" and constants[1] == 2.0:  # which every library reckons as x·x
            value = self.application(OPERATIONS["square"], shapes[:1])
        else:
            value = self.application(operation, shapes)
        if not any(moving):
            return GateCost(value, edges=(None,) * len(moving))
        trace = Trace(operation, shapes, constants)
        local = {k: trace.local(k) for k, moves in enumerate(moving) if moves}
        down = {k: trace.downstream(k, local[k]) for k in local}
        passing = [k for k in down if not trace.is_zero(down[k])]
        counted, places = _simplified(trace.graph, [down[k] for k in passing])
        steps = self.counted(counted)
        edges: list[EdgeCost | None] = [None] * len(moving)
        reads: set[int] = set()
        for k, place in zip(passing, places, strict=True):
            nodes = _under(counted, place)
            leaves = {trace.leaves[counted.names[n]] for n in nodes if counted.operations[n] is INPUT}
            read = {leaf for leaf in leaves if leaf is not None}
            reads |= read
            edges[k] = EdgeCost(_total(steps[n] for n in nodes), trace.numbers(local[k], read))
        tangent = value if operation.joint else self._tangent(trace, {k: local[k] for k in passing})
        return GateCost(value, _total(steps), tangent if passing else FREE, tuple(edges), frozenset(reads))

    def _tangent(self, trace: Trace, local: dict[int, Any]) -> Counts:
        """Of what every operand adds to the value's tangent."""
        total: Any = None
        for k in local:
            moved = trace.pushforward(k, local[k])
            total = moved if total is None else total + moved
        if total is None:
            return FREE
        counted, _ = _simplified(trace.graph, [trace.F.symbol(total).index])
        return _total(self.counted(counted))

    def counted(self, graph: Graph) -> list[Counts]:
        """The cost of every node; what depends on no input is known beforehand and free."""
        depends = graph.dependents(list(graph.inputs.values()))
        return [
            self.application(graph.operations[i], [graph.shape(j) for j in operands])
            if operands and depends[i]
            else FREE
            for i, operands in enumerate(graph.operands)
        ]

    def application(self, operation: Operation, shapes: Sequence[Shape]) -> Counts:
        """The cost of one value: by the row, or where it has only a formula by the rows of that."""
        key = (operation.key, tuple(shapes))
        found = self.steps.get(key)
        if found is not None:
            return found
        graph = Graph()
        graph.append(operation, *[graph.input(f"x{k}", shape) for k, shape in enumerate(shapes)])
        last = len(graph) - 1
        while any(_formula(row) for row in graph.operations):
            graph, place = written_out(graph, _formula)
            graph, (last,) = _simplified(graph, [place[last]])  # a formula may say twice what is reckoned once
        depends = graph.dependents(list(graph.inputs.values()))
        found = self.steps[key] = _total(
            _of_row(graph.operations[i], graph.shape(i), [graph.shape(j) for j in operands])
            for i, operands in enumerate(graph.operands)
            if operands and depends[i]
        )
        return found


class Trace:
    """One gate over symbols of its operands, its value, its upstream gradient and its operands' tangents.

    Attributes:
        F: the symbols.
        graph: what they write.
        operands, value, upstream: the symbols.
        leaves: by the name of an input of the graph the operand's number, `VALUE`, or None for a gradient.
    """

    def __init__(self, operation: Operation, shapes: Sequence[Shape], constants: Sequence[float | None]) -> None:
        self.operation = operation
        self.graph = Graph()
        self.F = Choosing(self.graph)
        self.leaves: dict[str, int | None] = {}
        self.operands = [
            self.leaf(f"x{k}", shape, k) if constant is None else self.F.constant(constant)
            for k, (shape, constant) in enumerate(zip(shapes, constants, strict=True))
        ]
        self.value = self.leaf("z", operation.shape_of(*shapes), VALUE)
        self.upstream = self.leaf("upstream", operation.shape_of(*shapes), None)

    def leaf(self, name: str, shape: Shape, of: int | None) -> Symbol:
        self.leaves[name] = of
        return Symbol(self.F, self.graph.input(name, shape))

    def local(self, k: int) -> Any:
        """The local gradient towards operand k, a number or a linear map."""
        return self.operation.local(self.F, k, self.value, [*self.operands])

    def downstream(self, k: int, local: Any) -> int:
        """The node of the gradient that reaches operand k."""
        x, structural = self.operands[k], self.operation.structural
        return self.F.symbol(self.F.downstream(local, self.upstream, self.value, x, structural)).index

    def pushforward(self, k: int, local: Any) -> Any:
        """What a tangent of operand k adds to that of the value."""
        x, structural = self.operands[k], self.operation.structural
        moved = self.leaf(f"dx{k}", self.F.shape(x), None)
        return self.F.pushforward(local, moved, self.value, x, structural)

    def is_zero(self, node: int) -> bool:
        """Whether it is 0 by construction, repeated or not."""
        if self.graph.operations[node].name == "full":
            (node,) = self.graph.operands[node]
        return self.F.is_number(Symbol(self.F, node), 0.0)

    def numbers(self, local: Any, reads: Iterable[int]) -> int:
        """How many numbers are multiplied with."""
        if isinstance(local, LinearMap) and not isinstance(local, Reduced):
            return sum(size(self.F.shape(self.value if k == VALUE else self.operands[k])) for k in reads)
        factor = self.F.symbol(local.partials if isinstance(local, Reduced) else local)
        if self.F.is_number(factor, 1.0) or self.F.is_number(factor, -1.0):
            return 0
        return size(self.F.shape(factor))


class Choosing(Symbols):
    """Symbols for which a choice lets a gradient pass or not, and is no product. Ties are not shared out."""

    def write(self, name: str, *operands: Any, **attributes: Any) -> Symbol:
        """The node; of numbers alone the number, which is known beforehand."""
        found = super().write(name, *operands, **attributes)
        graph, row = self.graph, OPERATIONS[name]
        values = [graph.constants.get(j) for j in graph.operands[found.index]]
        if row.tensor or not all(isinstance(value, float) for value in values):
            return found
        value = FLOATS.kernels[name](*values)
        return self.constant(value) if isfinite(value) else found

    def share(self, k: int, z: Any, operands: tuple[Any, ...], *rest: Any) -> Any:
        return operands[k] == z

    def share_among(self, z: Any, x: Any, *rest: Any) -> Any:
        return self.write("equal", x, z)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        if isinstance(local, Symbol) and structural:
            row = self.graph.operations[local.index]
            if row.condition or row.name in ("step", "where"):
                return self.write("where", local, moved, 0.0)
        return super().product(local, moved, z, x, False)


def _plain(constant: Any) -> float | None:
    """What of a constant operand may matter to a rule; None where it is a tensor or no constant.

    Not 0, as in the start of a sum, 0*x: it is multiplied with like any other number.
    """
    if not isinstance(constant, float):
        return None
    return constant if 0 < abs(constant) <= PLAIN and constant.is_integer() else ANY


def _total(counts: Iterable[Counts]) -> Counts:
    total = FREE
    for one in counts:
        total = total.plus(one)
    return total


def _simplified(graph: Graph, nodes: Sequence[int]) -> tuple[Graph, list[int]]:
    """The graph of these nodes, with factors where the fewest numbers are multiplied by them."""
    graph, place = simplify(graph, nodes)
    graph, moved = sink(graph, [place[i] for i in nodes])
    return graph, [moved[place[i]] for i in nodes]


def _under(graph: Graph, node: int) -> set[int]:
    """The node, and all that it is made of."""
    found = {node}
    left = [node]
    while left:
        new = set(graph.operands[left.pop()]) - found
        found |= new
        left += new
    return found


def _formula(operation: Operation) -> Callable[..., Any] | None:
    """The formula by which an operation is counted; None where its row says what it costs."""
    if operation.cost is not None or not operation.tensor:
        return None
    return operation.expand or operation.value


def _of_row(operation: Operation, shape: Shape, shapes: Sequence[Shape]) -> Counts:
    """What a row says that one value costs."""
    if callable(operation.cost):
        return operation.cost(shape, *shapes)
    return (CALL if operation.cost is None else operation.cost).times(size(shape))
