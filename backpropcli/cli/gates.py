"""``backprop gates``: the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ..catalogue import Gate, catalogue, gate
from ..errors import UnknownName, columns, nearest
from ..operations import FUNCTIONS, OPERATIONS
from .asked import Form
from .main import DONE

if TYPE_CHECKING:
    from ..renderers.screen import Screen

HELP = """\
The catalogue of gates.

Every operation with its formula, its derivative over the operands and the value z, its pattern, and its kinks.

Examples:

\b
  backprop gates
  backprop gates sigmoid
  backprop gates --json | jq '.gates[] | select(.pattern == "squasher") | .name'
"""


def command(
    answer: Form,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One gate, in full; a synonym or a sign such as + will do."),
    ] = None,
) -> int:
    gates = catalogue() if name is None else [_find(name)]
    if answer.form == "json":
        answer.write(_json(gates))
    elif name is None:
        answer.write(_listing(gates, answer.screen()))
    else:
        answer.write(_page(gates[0], answer.screen()))
    return DONE


def _find(name: str) -> Gate:
    row = FUNCTIONS.get(name) or OPERATIONS.get(name)
    if row is None:
        signs = {"@": "", "**": "pow", "^": "pow", "·": "mul", "×": "mul", "÷": "div", "−": "sub"}
        for candidate in OPERATIONS.values():
            if candidate.form and candidate.form.replace("{}", "").strip() == name:
                row = candidate
                break
        row = row or OPERATIONS.get(signs.get(name, ""))
    if row is None:
        close = nearest(name, [*FUNCTIONS, *OPERATIONS])
        raise UnknownName(
            f"there is no gate `{name}`", hint=f"did you mean `{close}`?" if close else "`backprop gates` lists them"
        )
    return gate(row)


def _json(gates: list[Gate]) -> Iterator[str]:
    from ..renderers.json import SCHEMA, encode

    yield f'{{"schema": {SCHEMA}, "gates": ['
    for at, found in enumerate(gates):
        yield (",\n  " if at else "\n  ") + encode(found._asdict())
    yield "]}\n"


def _listing(gates: list[Gate], screen: Screen) -> Iterator[str]:
    """A line a gate and a line a derivative, in columns that are as wide as needed."""
    yield screen.show("z is the value of a gate; `backprop gates NAME` shows one in full.") + "\n\n"
    left = max(columns(g.spelling) for g in gates)
    for g in gates:
        lines = _rules(g)
        yield screen.show(f"{g.spelling:<{left}}  {lines[0]}") + "\n"
        for line in lines[1:]:
            yield screen.show(" " * left + f"  {line}") + "\n"
        more = [g.pattern] + ([f"kink where {g.kink}"] if g.kink else [])
        more += [f"also {', '.join(g.synonyms)}"] if g.synonyms else []
        yield screen.show(" " * left + "  " + "; ".join(more)) + "\n"


def _rules(g: Gate) -> list[str]:
    """The derivative towards every operand, a line each."""
    return [f"{'downstream to ' if g.carries else '∂z/∂'}{operand} = {rule}" for operand, rule in g.derivatives.items()]


def _page(g: Gate, screen: Screen) -> Iterator[str]:
    lines = [
        ("gate", g.spelling),
        ("meaning", g.doc),
        ("formula", f"z = {g.formula}"),
        *[("derivative" if at == 0 else "", rule) for at, rule in enumerate(_rules(g))],
        ("pattern", g.pattern),
        ("kink", f"where {g.kink}" if g.kink else "none"),
        ("synonyms", ", ".join(g.synonyms) or "none"),
    ]
    if g.example:
        lines.append(("shapes", f"told for {g.example}; others work alike"))
    for head, text in lines:
        yield screen.show(f"{head:<10}  {text}") + "\n"
