"""A result as plain data: one record per node. Every renderer reads this, so none can contradict another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .conventions import Edge, Note
from .graph import CONSTANT, INPUT
from .text import expressions, ids, labels, sign
from .values import Value, as_value, zeros

if TYPE_CHECKING:
    from .api import Result
    from .checks import Check
    from .shapes import Shape
    from .structure import Jacobian, Local


class EdgeRecord(NamedTuple):
    """One input of a node: local × upstream = downstream.

    Attributes:
        local: a number between scalars, else the structure of the Jacobian.
        jacobian: where it was asked for.
        k: its number among the operands of the node.
    """

    id: str
    name: str
    local: float | Local
    downstream: Value
    jacobian: Jacobian | None = None
    k: int = 0


class NodeRecord(NamedTuple):
    """One node. Constants are part of the gate that uses them and have no record.

    Attributes:
        node: its number in the graph.
        id: ``n1``, ``n2``, … in order of evaluation.
        name: the assigned name, else an automatic one.
        operation: its word; ``input`` for a variable.
        pattern: how the gradient flows through it.
        text: its expression over the inputs and the assigned names.
        gate: its expression over the names of its operands.
        shape: the value's shape.
        value: the value.
        upstream: the gradient that arrives; None where none is asked for, as at data and at constants.
        contributions: the parts that add up to `upstream`, one per use, in order of evaluation.
        sources: the names of the nodes that they come from; "" for the output's own.
        tangents: in forward mode the derivative with respect to each input.
        inputs: its operands that have a gradient.
        operands: the ids of all its operands, "" for a constant.
        named: whether the program gave it its name.
        sign: what stands in its gate in a drawing, where that was asked for.
        commutes: the order of its operands does not matter.
    """

    node: int
    id: str
    name: str
    operation: str
    pattern: str
    text: str
    gate: str
    shape: Shape
    value: Value
    upstream: Value | None
    contributions: list[Value]
    sources: list[str]
    tangents: dict[str, Value]
    inputs: list[EdgeRecord]
    operands: list[str]
    named: bool
    sign: str
    commutes: bool


class Report(NamedTuple):
    """A result, ready to be shown."""

    expression: str
    at: dict[str, Value]
    output: str
    output_name: str
    value: Value
    gradient: dict[str, Value]
    mode: str
    node_count: int
    nodes: Iterator[NodeRecord]
    check: Check | None
    notes: list[Note]
    note_ids: list[str]
    digits_trusted: dict[str, float] | None
    tensors: bool


class Wanted(NamedTuple):
    """What a report shows beyond the least.

    Attributes:
        text: the most characters of an expression.
        jacobian: the layout of explicit Jacobians, "" for none.
        most: the most rows and columns of one.
        signs: what stands in every gate of a drawing.
    """

    text: int = 80
    jacobian: str = ""
    most: float = 64
    signs: bool = False


def report(
    result: Result,
    check: Check | None = None,
    digits_trusted: dict[str, float] | None = None,
    wanted: Wanted | None = None,
    with_notes: bool = True,
) -> Report:
    """The report of a result; its nodes are made one by one, in order of evaluation, and only once."""
    graph = result.program.graph
    notes = result.notes if with_notes else []
    identifiers = ids(graph)
    names = labels(graph, result.output)
    return Report(
        expression=result.program.source,
        at=result.at,
        output=identifiers[result.output],
        output_name=names[result.output],
        value=result.value,
        gradient=result.gradient,
        mode=result.mode,
        node_count=sum(operation is not CONSTANT for operation in graph.operations),
        nodes=_nodes(result, identifiers, names, wanted or Wanted()),
        check=check,
        notes=notes,
        note_ids=["" if note.node is None else identifiers[note.node] for note in notes],
        digits_trusted=digits_trusted,
        tensors=graph.tensors,
    )


def _nodes(result: Result, identifiers: list[str], names: list[str], wanted: Wanted) -> Iterator[NodeRecord]:
    graph = result.program.graph
    assigned = {i: names[i] for i in graph.names}
    texts = expressions(graph, assigned, wanted.text)
    gates = expressions(graph, dict(enumerate(names)), wanted.text)
    contributions: list[list[Value]] = [[] for _ in names]
    sources: list[list[str]] = [[] for _ in names]
    contributions[result.output].append(result.seed)
    sources[result.output].append("")
    for i, edges in enumerate(result.edges):
        for edge in edges:
            contributions[edge.operand].append(edge.downstream)
            sources[edge.operand].append(names[i])
    for i, operation in enumerate(graph.operations):
        if operation is CONSTANT:
            continue
        upstream = result.upstream[i]
        shape = graph.shape(i)
        if upstream is None and result.active[i]:
            upstream = zeros(shape)
        shared = len(contributions[i]) > 1
        yield NodeRecord(
            node=i,
            id=identifiers[i],
            name=names[i],
            operation=operation.name,
            pattern="gradient adder" if shared and operation is INPUT else graph.gate(i).pattern,
            text=texts[i],
            gate=gates[i],
            shape=shape,
            value=as_value(result.values[i]) if graph.tensors else result.values[i],
            upstream=upstream if result.active[i] or i == result.output else None,
            contributions=contributions[i] if result.active[i] else [],
            sources=sources[i] if result.active[i] else [],
            tangents={name: 0.0 if t[i] is None else t[i] for name, t in result.tangents.items()},
            inputs=[_edge(result, i, edge, identifiers, names, wanted) for edge in result.edges[i]],
            operands=[identifiers[j] for j in graph.operands[i]],
            named=i in graph.names,
            sign=sign(graph, i, names) if wanted.signs else "",
            commutes=operation.commutes,
        )


def _edge(result: Result, i: int, edge: Edge, identifiers: list[str], names: list[str], wanted: Wanted) -> EdgeRecord:
    j = edge.operand
    if not result.program.graph.tensors:
        return EdgeRecord(identifiers[j], names[j], edge.local, edge.downstream, k=edge.k)
    from .structure import jacobian_of, local_of

    structure = local_of(result, i, edge.k, edge.local, names)
    local: Any = structure.factor if structure.kind == "number" else structure
    matrix = None
    if wanted.jacobian and structure.kind != "number":
        matrix = jacobian_of(result, i, edge.k, edge.local, names, wanted.jacobian, wanted.most)
    return EdgeRecord(identifiers[j], names[j], local, as_value(edge.downstream), matrix, edge.k)
