"""Formulas as JSON: each in the language, which `eval` reads, in Unicode, and in LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..gradients import Formulas, Line
from .formula_latex import Latex
from .json import SCHEMA, encode
from .mathematics import Notation


def render(formulas: Formulas, expression: str, notes: Sequence[str]) -> Iterator[str]:
    """One object in pieces, a formula a line.

    Args:
        formulas: the formulas.
        expression: the program that was differentiated.
        notes: what a reader should know.
    """
    text, latex = Notation(formulas), Latex(formulas)

    def record(line: Line) -> dict[str, Any]:
        return {
            "name": line.name,
            "shape": list(graph.shape(line.node)),
            "formula": line.formula,
            "text": text.line(line)[1],
            "latex": latex.line(line)[1],
        }

    graph = formulas.graph
    shapes = {name: list(graph.shape(i)) for name, i in graph.inputs.items() if name != formulas.seed}
    head = {
        "schema": SCHEMA,
        "expression": expression,
        "output": formulas.output,
        "inputs": shapes,
        "upstream": formulas.seed or None,
    }
    yield encode(head)[:-1] + ',\n "definitions": ['
    by_input = formulas.by_input
    named = [line for line in (*formulas.definitions, *formulas.gradient) if line not in by_input.values()]
    for at, line in enumerate(named):
        yield (",\n  " if at else "\n  ") + encode(record(line))
    yield '],\n "gradient": {'
    for at, (name, line) in enumerate(by_input.items()):
        yield (",\n  " if at else "\n  ") + f"{encode(name)}: {encode(record(line))}"
    tail = {"program": "\n".join(formulas.program()), "notes": list(notes)}
    yield "},\n " + encode(tail)[1:] + "\n"
