"""The catalogue of gates: what each row of the table says, its rule traced over names and printed."""

from __future__ import annotations

from typing import NamedTuple

from .graph import Graph
from .kernels.symbols import Symbol, Symbols
from .operations import OPERATIONS, Operation
from .operations.maps import LinearMap, Reduced
from .shapes import written
from .text import expressions


class Gate(NamedTuple):
    """One operation, ready to be shown.

    Attributes:
        name: its word.
        spelling: how it is written: ``x + y``, ``clip(x, lo, hi)``.
        synonyms: other spellings.
        doc: one sentence.
        formula: its value by other operations, or its spelling where it is elementary.
        derivatives: by operand, the local gradient over the operands and the value z; or, where `carries`, the
            downstream gradient over these and ``upstream``.
        carries: it is no local gradient that is multiplied with, but a rule that carries the gradient back.
        pattern: how the gradient flows.
        kink: the condition under which there is no derivative, or "".
        example: the operands' shapes for which this is told, or "" for any.
    """

    name: str
    spelling: str
    synonyms: tuple[str, ...]
    doc: str
    formula: str
    derivatives: dict[str, str]
    carries: bool
    pattern: str
    kink: str
    example: str


def gate(row: Operation) -> Gate:
    """The row, traced over names; what works on tensors is traced over its example's shapes."""
    graph = Graph()
    F = Symbols(graph)
    shapes, attributes = row.example
    bound = row.bind(**attributes) if row.attributes else row
    operands = [Symbol(F, graph.input(name, shape)) for name, shape in zip(row.operands, shapes, strict=True)]
    shape = bound.shape_of(*shapes)
    z = Symbol(F, graph.input("z", shape))
    upstream = Symbol(F, graph.input("upstream", shape))

    def text(value: object) -> str:
        index = F.symbol(value).index
        return expressions(graph, dict(graph.names), 200)[index]

    def rule(k: int) -> str:
        if row.told:
            return row.told[k]
        local = bound.local(F, k, z, [*operands])
        if isinstance(local, Reduced):
            return text(local.partials)
        return text(local.pullback(upstream)) if isinstance(local, LinearMap) else text(local)

    formula = bound.expand or bound.value
    spelling = row.signature
    if row.form and not row.attributes:
        spelling = text(F.write(row.name, *operands))
    elif row.form:
        spelling = text(Symbol(F, graph.append(bound, *(x.index for x in operands))))
    return Gate(
        name=row.name,
        spelling=spelling,
        synonyms=tuple(name for name in row.synonyms if not (row.form and name == row.name)),
        doc=row.doc,
        formula=text(formula(F, *operands)) if formula is not None else spelling,
        derivatives={name: rule(k) for k, name in enumerate(row.operands)},
        carries=bool(row.pullback),
        pattern=row.pattern,
        kink=text(bound.kink(F, z, *operands)) if bound.kink is not None else "",
        example=", ".join(f"{name} {written(s)}" for name, s in zip(row.operands, shapes, strict=True))
        if row.tensor
        else "",
    )


def catalogue() -> list[Gate]:
    """Every operation of the table, in its order."""
    return [gate(row) for row in OPERATIONS.values()]
