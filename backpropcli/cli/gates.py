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

SIGNS = {
    **dict.fromkeys("·×∗⋅⊙", "mul"), "÷": "div", "−": "sub", "^": "pow", "**": "pow", "²": "square",
    "≤": "less_equal", "≥": "greater_equal", "≠": "not_equal",
}  # fmt: skip
"""Signs that the forms of the rows do not have."""
ROOM = 36
"""Columns that a rule needs beside the spelling of its gate."""

HELP = """\
The catalogue of gates.

Every operation with its formula, its derivative over the operands and the value z, as textbooks have it and as it is
computed, its pattern, and its kinks.

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
        for candidate in OPERATIONS.values():
            if candidate.form and candidate.form.replace("{}", "").strip() == name:
                row = candidate
                break
        row = row or OPERATIONS.get(SIGNS.get(name, ""))
    if row is None:
        close = nearest(name, [*FUNCTIONS, *OPERATIONS])
        raise UnknownName(
            f"there is no gate `{name[:40]}`",
            hint=f"did you mean `{close}`?" if close else "`backprop gates` lists them",
        )
    return gate(row)


def _json(gates: list[Gate]) -> Iterator[str]:
    from ..renderers.json import SCHEMA, encode

    yield f'{{"schema": {SCHEMA}, "gates": ['
    for at, found in enumerate(gates):
        yield (",\n  " if at else "\n  ") + encode(found._asdict())
    yield "]}\n"


def _listing(gates: list[Gate], screen: Screen) -> Iterator[str]:
    """The spelling of every gate, and beside it, or below where the screen is narrow, what there is to know."""
    yield from _folded(screen, "", "z is the value of a gate, n how many entries an operand has; `backprop gates NAME` "
                       "shows one in full.")  # fmt: skip
    yield "\n"
    left = max(columns(g.spelling) for g in gates) + 2
    narrow = screen.width is not None and screen.width < left + ROOM
    for g in gates:
        more = [g.pattern] + ([f"kink where {g.kink}"] if g.kink else [])
        more += [f"also {', '.join(g.synonyms)}"] if g.synonyms else []
        texts = [*_rules(g), "; ".join(more)]
        head = g.spelling
        if narrow:
            yield screen.show(head) + "\n"
            left, head = 2, ""
        for text in texts:
            yield from _folded(screen, f"{head:<{left}}", text)
            head = ""


def _folded(screen: Screen, head: str, text: str) -> Iterator[str]:
    """A head, and beside it a text, in as many lines as the screen's width takes."""
    from textwrap import wrap

    head, text = screen.show(head), screen.show(text)
    lines = [text]
    if screen.width is not None:
        room = max(screen.width - columns(head), ROOM // 2)
        lines = wrap(text, room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    for line in lines:
        yield f"{head}{line}\n"
        head = " " * columns(head)


def _rules(g: Gate) -> list[str]:
    """The derivative towards every operand: as textbooks have it, and as it is computed."""
    found = []
    for operand, rule in g.derivatives.items():
        left = f"{'downstream to ' if g.carries else '∂z/∂'}{operand}"
        textbook = g.textbook.get(operand)
        if not rule:
            found.append(f"{left} does not exist")
        else:
            found.append(f"{left} = {textbook}, computed as {rule}" if textbook else f"{left} = {rule}")
    return found


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
        yield from _folded(screen, f"{head:<10}  ", text)
