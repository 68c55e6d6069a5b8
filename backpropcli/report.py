"""A result as plain data: one record per node. Every renderer reads this, so none can contradict another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .conventions import Note
from .graph import CONSTANT, INPUT
from .text import expressions, ids, labels

if TYPE_CHECKING:
    from .api import Result
    from .checks import Check


class EdgeRecord(NamedTuple):
    """One input of a node: local × upstream = downstream."""

    id: str
    name: str
    local: float
    downstream: float


class NodeRecord(NamedTuple):
    """One node. Constants are part of the gate that uses them and have no record.

    Attributes:
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
        tangents: in forward mode the derivative with respect to each input.
        inputs: its operands that have a gradient.
    """

    id: str
    name: str
    operation: str
    pattern: str
    text: str
    gate: str
    shape: tuple[int, ...]
    value: float
    upstream: float | None
    contributions: list[float]
    tangents: dict[str, float]
    inputs: list[EdgeRecord]


class Report(NamedTuple):
    """A result, ready to be shown."""

    expression: str
    at: dict[str, float]
    output: str
    output_name: str
    value: float
    gradient: dict[str, float]
    mode: str
    node_count: int
    nodes: Iterator[NodeRecord]
    check: Check | None
    notes: list[Note]
    note_ids: list[str]
    digits_trusted: dict[str, float] | None


def report(
    result: Result,
    check: Check | None = None,
    digits_trusted: dict[str, float] | None = None,
    text_limit: int = 80,
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
        nodes=_nodes(result, identifiers, names, text_limit),
        check=check,
        notes=notes,
        note_ids=["" if note.node is None else identifiers[note.node] for note in notes],
        digits_trusted=digits_trusted,
    )


def _nodes(result: Result, identifiers: list[str], names: list[str], limit: int) -> Iterator[NodeRecord]:
    graph = result.program.graph
    assigned = {i: names[i] for i in graph.names}
    texts = expressions(graph, assigned, limit)
    gates = expressions(graph, dict(enumerate(names)), limit)
    contributions: list[list[float]] = [[] for _ in names]
    contributions[result.output].append(result.seed)
    for edges in result.edges:
        for edge in edges:
            contributions[edge.operand].append(edge.downstream)
    for i, operation in enumerate(graph.operations):
        if operation is CONSTANT:
            continue
        upstream = result.upstream[i]
        if upstream is None and result.active[i]:
            upstream = 0.0
        shared = len(contributions[i]) > 1
        yield NodeRecord(
            id=identifiers[i],
            name=names[i],
            operation=operation.name,
            pattern="gradient adder" if shared and operation is INPUT else operation.pattern,
            text=texts[i],
            gate=gates[i],
            shape=graph.shapes[i],
            value=result.values[i],
            upstream=upstream if result.active[i] or i == result.output else None,
            contributions=contributions[i] if result.active[i] else [],
            tangents={name: t[i] or 0.0 for name, t in result.tangents.items()},
            inputs=[
                EdgeRecord(identifiers[edge.operand], names[edge.operand], edge.local, edge.downstream)
                for edge in result.edges[i]
            ],
        )
