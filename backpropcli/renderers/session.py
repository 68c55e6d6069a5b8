"""The answers of a session as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..commands import Command
from ..limits import Limits
from ..session import Answer
from .numbers import cell
from .screen import Screen
from .table import FAINT, NAME, VALUE, Page

if TYPE_CHECKING:
    from ..language import Statement
    from ..values import Value

TYPED = (
    ("x = 3", "a value; also v = [1, 2] and W = @w.npy"),
    ("x = x - 0.1", "a new value, from the old one"),
    ("q = x + y", "a definition: q follows x and y"),
    ("q*z", "an expression, differentiated"),
)


def render(answer: Answer, screen: Screen, limits: Limits, digits: int | None = None) -> Iterable[str]:
    """The answer in pieces; none where there is nothing to show.

    Args:
        answer: the answer; what it holds is used up.
        screen: where it will be read.
        limits: the limits in force.
        digits: significant digits; by default 6 on a terminal and every one in a pipe.
    """
    content = answer.content
    shown = digits or (6 if screen.terminal else None)
    if answer.kind in ("table", "forward", "result"):
        from .table import render as render_table

        which = "forward" if answer.kind == "forward" else "table"
        most, entries = int(limits["rows"]), limits["entries"]
        quiet = answer.kind == "result"
        return [render_table(content, screen, which=which, digits=shown, most=most, entries=entries, quiet=quiet)]
    if answer.kind == "explanation":
        from ..words import words_of
        from .explain import render as render_steps

        return render_steps(content, words_of("en"), screen=screen, digits=digits or 6, limit=int(limits["text"]))
    if answer.kind == "circuit":
        from .tree import render as render_tree

        return [render_tree(content, screen, digits or 4)]
    if answer.kind == "matrix":
        from .matrix import render as render_matrix

        return [render_matrix(content, screen, shown, limits["jacobian"])]
    page = Page(screen, shown, limits["entries"], tensors=True)
    if answer.kind == "names":
        _names(page, *content)
    elif answer.kind == "program":
        for line in content.split("\n"):
            page.line(line)
    elif answer.kind == "help":
        _help(page, content)
    return [page.text()] if page.spans else []


def _names(page: Page, values: Mapping[str, Value], definitions: Iterable[Statement]) -> None:
    for name, value in values.items():
        page.figures(page.screen.show(f"{name} = "), cell(value, page.digits, page.entries, page.fold), VALUE)
    for statement in definitions:
        page.line(statement.text.replace("\n", " "))


def _help(page: Page, commands: Mapping[str, Command]) -> None:
    rows = [*TYPED, *((f":{name} {row.argument}".rstrip(), row.doc) for name, row in commands.items())]
    width = max(len(left) for left, _ in rows) + 2
    narrow = width + max(len(right) for _, right in rows) > page.width
    for left, right in rows:
        if narrow:
            page.line(left, NAME)
            page.line(f"  {right}", FAINT)
        else:
            page.write(f"{left:<{width}}", NAME)
            page.line(right, FAINT)
