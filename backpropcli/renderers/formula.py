"""Formulas for a terminal and a file: Unicode mathematics, or the language itself where the screen has only ASCII."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from functools import partial

from ..errors import columns
from ..gradients import Formulas, Line
from .mathematics import Notation
from .readable import readable
from .screen import Screen


def render(formulas: Formulas, screen: Screen, quiet: bool = False) -> Iterator[str]:
    """The definitions, an empty line, and the gradient; a line longer than the screen goes on in the next.

    Args:
        formulas: the formulas.
        screen: what it is shown on.
        quiet: leave out the definition of the output, unless the gradient uses it.
    """
    if screen.ascii:
        both: Callable[[Line], tuple[str, str]] = partial(_in_ascii, formulas)
        definitions = formulas.used_definitions() if quiet else formulas.definitions
    else:
        formulas = readable(formulas, quiet)
        both, definitions = Notation(formulas).line, formulas.definitions
    for block in (definitions, formulas.gradient):
        if block is formulas.gradient and definitions and block:
            yield "\n"
        for line in block:
            left, right = both(line)
            yield from _folded(f"{screen.show(left)} = ", screen.show(right), screen.width)


def _in_ascii(formulas: Formulas, line: Line) -> tuple[str, str]:
    return (f"d{formulas.output}/d{line.of}" if line.of in formulas.inputs else line.name), line.formula


def _folded(head: str, text: str, width: int | None) -> Iterator[str]:
    if width is None or columns(head + text) <= width:
        yield f"{head}{text}\n"
        return
    indent = " " * min(columns(head), 8)
    for line in textwrap.wrap(
        head + text, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ):
        yield f"{line}\n"
