"""The catalogue of gates: what each row of the table says, its rule traced over names and printed."""

from __future__ import annotations

import re
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
        derivatives: by operand, the local gradient over the operands, the value z, and the number of entries n; or,
            where `carries`, the downstream gradient over these and ``upstream``; "" where there is none.
        textbook: by operand, the same as textbooks have it, where that is written differently.
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
    textbook: dict[str, str]
    carries: bool
    pattern: str
    kink: str
    example: str


NOWHERE = "0/0"
"""The local gradient towards an operand that has none."""


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

    entries = shapes[0][0] if row.reduces and len(shapes[0]) == 1 else 0

    def text(value: object) -> str:
        index = F.symbol(value).index
        found = expressions(graph, dict(graph.names), 200)[index]
        return re.sub(rf"\b{entries}\b", "n", found) if entries else found.replace(NOWHERE, "")

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
        textbook={name: rule for name, rule in zip(row.operands, row.textbook, strict=False) if rule},
        carries=bool(row.pullback),
        pattern=row.pattern,
        kink=row.kink_told or (text(bound.kink(F, z, *operands)) if bound.kink is not None else ""),
        example=", ".join(
            f"{name} of n entries" if s == (entries,) else f"{name} {written(s)}"
            for name, s in zip(row.operands, shapes, strict=True)
        )
        if row.tensor
        else "",
    )


def catalogue() -> list[Gate]:
    """Every operation of the table, in its order."""
    return [gate(row) for row in OPERATIONS.values()]
