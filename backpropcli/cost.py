"""What a gradient costs, in both modes: steps counted from the shapes alone, and nothing computed.

Every gate is counted by itself (`transform.gate_cost`): what its value takes, what it takes to carry one upstream
gradient back to its operands, and what it takes to carry their tangents on to its value. A reverse sweep carries any
upstream gradient of the output to all inputs; a tangent sweep carries any direction of all inputs to the output. Where
the output has m entries and the inputs n, the whole Jacobian takes m reverse sweeps or n tangent sweeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .graph import CONSTANT, INPUT, Graph
from .inputs import chosen
from .language import Program, parse
from .limits import LIMITS, Limits
from .operations.counts import ADD, FREE, Counts
from .shapes import Shape, size
from .text import expressions, ids, labels
from .transform.gate_cost import VALUE, GateCost, GateCosts

FLOAT = 8
"""Bytes of one number."""


class EdgeCost(NamedTuple):
    """A gate's Jacobian by one operand.

    Attributes:
        id, name: of the operand.
        rows, columns: of the Jacobian: the entries of the gate's value and of the operand.
        multiplications: from the gate's upstream gradient to what it adds to the operand's.
        numbers: how many numbers are multiplied with in place of the Jacobian's.
    """

    id: str
    name: str
    rows: int
    columns: int
    multiplications: int
    numbers: int

    @property
    def explicit(self) -> int:
        """Bytes of the Jacobian written out."""
        return FLOAT * self.rows * self.columns

    @property
    def implicit(self) -> int:
        """Bytes of the numbers multiplied with instead."""
        return FLOAT * self.numbers


class NodeCost(NamedTuple):
    """What one node takes.

    Attributes:
        id: ``n1``, ``n2``, … in order of evaluation.
        name: the assigned name, else an automatic one.
        assigned: which of the two.
        operation: its word; ``input`` for a variable.
        text: its expression over the inputs and the assigned names.
        gate: its expression over the names of its operands.
        shape: the value's shape.
        value: its own value.
        reverse: its part of one reverse sweep: adding up what its users send, and carrying that to its operands.
        tangent: its part of one tangent sweep.
        derivatives: how many derivatives of the output by inputs are made of its upstream gradient.
        kept: the reverse sweep needs its value.
        edges: its Jacobians by the operands that a gradient reaches.
    """

    id: str
    name: str
    assigned: bool
    operation: str
    text: str
    gate: str
    shape: Shape
    value: Counts
    reverse: Counts
    tangent: Counts
    derivatives: int
    kept: bool
    edges: list[EdgeCost]


class Cost(NamedTuple):
    """What a program and its derivatives take.

    Attributes:
        expression: the program's text.
        shapes: of every input.
        output: the id of the node that is differentiated.
        output_name: its name.
        wrt: the inputs to differentiate by.
        nodes: every node that the output needs and that is no constant.
        outputs, inputs: the entries of the output, and of the inputs to differentiate by.
        value: the value pass.
        reverse: one reverse sweep.
        tangent: one tangent sweep.
        unshared: the multiplications of a reverse sweep that computes nothing twice over: every derivative by an input
            by itself, along each of its paths.
        values: bytes of all values.
        kept: bytes of the values that the reverse sweep needs.
        notes: what a reader should know.
    """

    expression: str
    shapes: dict[str, Shape]
    output: str
    output_name: str
    wrt: tuple[str, ...]
    nodes: list[NodeCost]
    outputs: int
    inputs: int
    value: Counts
    reverse: Counts
    tangent: Counts
    unshared: int
    values: int
    kept: int
    notes: list[str]

    @property
    def all_reverse(self) -> Counts:
        """The whole Jacobian by reverse sweeps, one per entry of the output."""
        return self.reverse.times(self.outputs)

    @property
    def all_tangent(self) -> Counts:
        """The whole Jacobian by tangent sweeps, one per entry of the inputs."""
        return self.tangent.times(self.inputs)

    @property
    def cheaper(self) -> str:
        """The mode that takes fewer steps for the whole Jacobian: ``reverse``, ``forward`` or ``equal``."""
        r, t = self.all_reverse.total, self.all_tangent.total
        return "equal" if r == t else "reverse" if r < t else "forward"

    @property
    def reverse_from(self) -> int | None:
        """From so many entries of the inputs on reverse mode is cheaper for as many outputs; None for never."""
        t = self.tangent.total
        return self.all_reverse.total // t + 1 if t else None

    @property
    def forward_from(self) -> int | None:
        """From so many entries of the output on forward mode is cheaper for as many inputs; None for never."""
        r = self.reverse.total
        return self.all_tangent.total // r + 1 if r else None

    @property
    def jacobian(self) -> int:
        """Bytes of the whole Jacobian."""
        return FLOAT * self.outputs * self.inputs

    @property
    def shared(self) -> list[NodeCost]:
        """The nodes whose upstream gradients begin more than one derivative, from the output on."""
        return [
            node
            for node in reversed(self.nodes)
            if node.derivatives > 1 and node.operation != INPUT.name and node.id != self.output
        ]


def cost(
    program: Program | str,
    shapes: Mapping[str, Shape] | None = None,
    *,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    limits: Limits = LIMITS,
) -> Cost:
    """Count what a program and its derivatives take.

    Args:
        program: what `parse` returned, or a text.
        shapes: of the inputs; those that are not named are what they are in the program, else scalars.
        output: the assigned name to differentiate, where it is not the last statement.
        wrt: the inputs to differentiate by; the others count as data. By default all that a gradient reaches.
        notes: what was found before, such as when the program was read.

    Raises:
        LanguageError: the text is not in the language.
        ShapeError: shapes do not fit.
        OptionError: the program has no such input.
    """
    if isinstance(program, str):
        program = parse(program, dict(shapes or {}), limits)
    graph = program.graph
    known = {name: graph.shape(i) for name, i in graph.inputs.items()}
    program = program.over(known | dict(shapes or {}))
    graph = program.graph
    names = chosen(program.inputs, wrt)
    node = program.node(output) if output is not None else program.output
    flow = Flow(graph, node, names)
    if wrt is None:
        names = tuple(name for name in names if flow.uses[graph.inputs[name]])
    return _cost(program, node, names, flow, [*notes, *flow.notes()], int(limits["text"]))


class Flow:
    """Where a gradient flows, and what that takes.

    Attributes:
        graph: the program's graph.
        needed: for every node whether the output needs it.
        gates: the cost of every needed node that is no leaf.
        uses: for every node how many gates send it a gradient; the output's own counts as one.
        kept: for every node whether the reverse sweep needs its value.
    """

    def __init__(self, graph: Graph, output: int, wrt: Sequence[str]) -> None:
        self.graph = graph
        self.needed = graph.needed([output])
        self.gates: list[GateCost | None] = [None] * len(graph)
        self.uses = [0] * len(graph)
        self.kept = [False] * len(graph)
        self.sources = {graph.inputs[name]: at for at, name in enumerate(wrt)}
        moving = [False] * len(graph)
        for i in self.sources:
            moving[i] = True
        costs = GateCosts()
        for i, operands in enumerate(graph.operands):
            if operands and self.needed[i]:
                gate = self.gates[i] = costs.gate(graph, i, tuple([moving[j] for j in operands]))
                moving[i] = any(edge is not None for edge in gate.edges)
        self.uses[output] = int(moving[output])
        for i in range(output, -1, -1):
            reached = self.gates[i] if self.uses[i] else None
            if reached is not None:
                for j, edge in zip(graph.operands[i], reached.edges, strict=True):
                    self.uses[j] += edge is not None
                for k in reached.reads:
                    self.kept[i if k == VALUE else graph.operands[i][k]] = True

    def notes(self) -> list[str]:
        """What is not counted."""
        operations = self.graph.operations
        unused = sum(operations[i] is not CONSTANT and not needed for i, needed in enumerate(self.needed))
        if not unused:
            return []
        many = "1 node is" if unused == 1 else f"{unused:,} nodes are"
        return [f"{many} not counted, for the output needs no such value"]

    def reverse(self, i: int) -> Counts:
        """The part of node i in one reverse sweep: at a fan-out its gradients are added, and every gate carries on."""
        gate, uses = self.gates[i], self.uses[i]
        added = ADD.times(size(self.graph.shape(i)) * (uses - 1))
        return added.plus(gate.reverse) if gate is not None and uses else added

    def tangent(self, i: int) -> Counts:
        """The part of node i in one tangent sweep."""
        gate = self.gates[i]
        return gate.tangent if gate is not None and self.uses[i] else FREE

    def edges(self, i: int) -> list[tuple[int, int, int]]:
        """Operand, multiplications and numbers of every edge that a gradient takes from node i."""
        gate = self.gates[i]
        if gate is None or not self.uses[i]:
            return []
        pairs = zip(self.graph.operands[i], gate.edges, strict=True)
        return [(j, edge.counts.multiplications, edge.numbers) for j, edge in pairs if edge is not None]

    def derivatives(self) -> list[int]:
        """For every node how many inputs of interest its upstream gradient reaches.

        The inputs below a node are the bits of one integer, which is dropped after its last use.
        """
        below: list[int] = [0] * len(self.uses)
        left = list(self.uses)
        found = [0] * len(self.uses)
        for i in range(len(self.uses)):
            if not self.uses[i]:
                continue
            bits = 1 << self.sources[i] if i in self.sources else 0
            for j, _, _ in self.edges(i):
                bits |= below[j]
                left[j] -= 1
                if not left[j]:
                    below[j] = 0
            below[i], found[i] = bits, bits.bit_count()
        return found

    def unshared(self, output: int) -> int:
        """The multiplications of all derivatives by inputs, each by itself along every path from the output.

        With p paths to a node that take w multiplications together, an edge of c multiplications leads on by p paths
        that take w + p·c. Both are exact, whatever their length, and dropped where they were passed on.
        """
        paths, work = [0] * len(self.uses), [0] * len(self.uses)
        paths[output] = self.uses[output] and 1
        total = 0
        for i in range(output, -1, -1):
            p, w = paths[i], work[i]
            if not p:
                continue
            paths[i] = work[i] = 0
            if i in self.sources:
                total += w
            for j, multiplications, _ in self.edges(i):
                paths[j] += p
                work[j] += w + p * multiplications
        return total


def _cost(program: Program, output: int, wrt: tuple[str, ...], flow: Flow, notes: list[str], text: int) -> Cost:
    graph = program.graph
    identifiers, names = ids(graph), labels(graph, output)
    texts = expressions(graph, {i: names[i] for i in graph.names}, text)
    gates = expressions(graph, dict(enumerate(names)), text)
    derivatives = flow.derivatives()
    nodes = []
    value = reverse = tangent = FREE
    values = kept = 0
    for i, operation in enumerate(graph.operations):
        if operation is CONSTANT or not flow.needed[i]:
            continue
        shape = graph.shape(i)
        gate = flow.gates[i]
        record = NodeCost(
            identifiers[i], names[i], i in graph.names, operation.name, texts[i], gates[i], shape,
            FREE if gate is None else gate.value, flow.reverse(i), flow.tangent(i), derivatives[i], flow.kept[i],
            [
                EdgeCost(identifiers[j], names[j], size(shape), size(graph.shape(j)), multiplications, numbers)
                for j, multiplications, numbers in flow.edges(i)
            ],
        )  # fmt: skip
        nodes.append(record)
        value, reverse, tangent = value.plus(record.value), reverse.plus(record.reverse), tangent.plus(record.tangent)
        values += FLOAT * size(shape)
        kept += FLOAT * size(shape) * record.kept
    return Cost(
        expression=program.source,
        shapes={name: graph.shape(i) for name, i in graph.inputs.items()},
        output=identifiers[output],
        output_name=names[output],
        wrt=wrt,
        nodes=nodes,
        outputs=size(graph.shape(output)),
        inputs=sum(size(graph.shape(graph.inputs[name])) for name in wrt),
        value=value,
        reverse=reverse,
        tangent=tangent,
        unshared=flow.unshared(output),
        values=values,
        kept=kept,
        notes=notes,
    )
