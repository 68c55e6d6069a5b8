"""The catalogue of gates: what each row of the table says, its rule traced over names and printed."""

from __future__ import annotations

from typing import NamedTuple

from .graph import Graph
from .kernels.symbols import Symbol, Symbols
from .operations import OPERATIONS, Operation
from .text import expressions


class Gate(NamedTuple):
    """One operation, ready to be shown.

    Attributes:
        name: its word.
        spelling: how it is written: ``x + y``, ``clip(x, lo, hi)``.
        synonyms: other spellings.
        doc: one sentence.
        formula: its value by other operations, or its spelling where it is elementary.
        derivatives: by operand, the local gradient over the operands and the value z.
        pattern: how the gradient flows.
        kink: the condition under which there is no derivative, or "".
    """

    name: str
    spelling: str
    synonyms: tuple[str, ...]
    doc: str
    formula: str
    derivatives: dict[str, str]
    pattern: str
    kink: str


def gate(row: Operation) -> Gate:
    """The row, traced over names."""
    graph = Graph()
    F = Symbols(graph)
    operands = [Symbol(F, graph.input(name)) for name in row.operands]
    z = Symbol(F, graph.input("z"))

    def text(value: object) -> str:
        index = F.symbol(value).index
        return expressions(graph, dict(graph.names), 200)[index]

    spelling = text(F.write(row.name, *operands)) if row.form else row.signature
    return Gate(
        name=row.name,
        spelling=spelling,
        synonyms=tuple(name for name in row.synonyms if not (row.form and name == row.name)),
        doc=row.doc,
        formula=text(row.value(F, *operands)) if row.value is not None else spelling,
        derivatives={name: text(row.local(F, k, z, [*operands])) for k, name in enumerate(row.operands)},
        pattern=row.pattern,
        kink=text(row.kink(F, z, *operands)) if row.kink is not None else "",
    )


def catalogue() -> list[Gate]:
    """Every operation of the table, in its order."""
    return [gate(row) for row in OPERATIONS.values()]
