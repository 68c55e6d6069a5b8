"""Difference quotients for people: a table, a plot of the errors, and what spoils them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from ..checks import RIGHT
from ..checks.steps import INFINITE, NO_STEP, OUTSIDE, Differences, Quotient, Series
from ..text import ids, labels
from ..values import is_tensor
from .json import SCHEMA, encode, note_record, number, numbers, tensor
from .numbers import cell, figure
from .plot import Curve, plot
from .screen import Screen
from .table import FAINT, GRADIENT, NAME, VALUE, Page

if TYPE_CHECKING:
    from ..api import Result
    from ..conventions import Note

MARKS = {"forward": (">", "cyan"), "backward": ("<", "magenta"), "central": ("o", "yellow")}
WIDTH = 80
"""Columns of the plot and of sentences where there is no terminal."""
ERROR_DIGITS = 3
EVERYWHERE, NOWHERE = "at every step", "nowhere"


def render_json(result: Result, found: Sequence[Differences], notes: Sequence[Note]) -> Iterator[str]:
    """One object; every digit."""
    head = {
        "schema": SCHEMA,
        "expression": result.program.source,
        "at": numbers(result.at),
        "output": ids(result.program.graph)[result.output] or None,
        "value": tensor(result.value),
    }
    yield encode(head)[:-1] + ',\n "inputs": ['
    for at, differences in enumerate(found):
        yield (",\n  " if at else "\n  ") + encode(_record(differences))
    identifiers = ids(result.program.graph)
    told = [note_record(note, "" if note.node is None else identifiers[note.node]) for note in notes]
    yield "],\n " + encode({"notes": told})[1:] + "\n"


def _record(d: Differences) -> dict[str, Any]:
    """The quotients as JSON shows them."""
    return {
        "input": d.input,
        "x": number(d.x),
        "gradient": number(d.gradient),
        "derivative": number(d.derivative),
        "error": number(d.error),
        "verdict": d.verdict,
        "reason": d.reason or None,
        "left": number(d.left),
        "right": number(d.right),
        "noise": number(d.noise),
        "steps": [
            {"h": q.h, "taken": number(taken), "evaluations": count}
            for q, taken, count in zip(d.series[0].quotients, d.taken, d.evaluations, strict=True)
        ],
        "methods": {s.method.name: _series_record(s) for s in d.series},
    }


def _series_record(series: Series) -> dict[str, Any]:
    best, law = series.best, series.law
    return {
        "formula": series.method.formula,
        "best": None if best is None else {"h": best.h, "quotient": number(best.value), "error": number(best.error)},
        "theory": None if law is None else {name: number(x) for name, x in law._asdict().items()},
        "quotients": [
            {
                "h": q.h,
                "quotient": number(q.value),
                "error": number(q.error),
                "relative_error": number(q.relative),
                "truncation": number(q.truncation),
                "rounding": number(q.rounding),
                "evaluations": q.evaluations,
                "remark": q.remark or None,
            }
            for q in series.quotients
        ],
    }


def render(
    result: Result, found: Sequence[Differences], screen: Screen, digits: int | None, quiet: bool = False
) -> str:
    """The quotients by every input, one after the other.

    Args:
        result: what was differentiated.
        found: the quotients.
        screen: where it will be read; its width decides the layout.
        digits: significant digits of quotients, None for all; errors have three.
        quiet: only value, gradient and the best steps.
    """
    page = Page(screen, digits, 64, result.program.graph.tensors)
    output = labels(result.program.graph, result.output)[result.output]
    page.figures(f"{output} = ", cell(result.value, digits, 64), VALUE)
    if not quiet:
        for s in found[0].series:
            page.line(f"{s.method.name:<8} = {s.method.formula}", FAINT)
    if is_tensor(result.seed) or result.seed != 1:
        output = f"upstream·{output}"
    for differences in found:
        if quiet:
            _gradient(page, differences, output)
            if differences.derivative is not None:
                _best(page, differences)
            continue
        page.line("")
        _gradient(page, differences, output)
        _table(page, differences)
        _plot(page, differences)
        if differences.derivative is not None:
            page.line("")
            _best(page, differences)
        page.prose(sentences(differences))
    return page.text()


def _gradient(page: Page, d: Differences, output: str) -> None:
    """The exact derivative, and what the reverse sweep makes of it."""
    place = f" at {d.input} = {figure(d.x, page.digits)}"
    lead = f"∂{output}/∂{d.input}"
    if d.derivative is None:
        page.line(f"{lead} = {figure(d.gradient, page.digits)}{place}, by the reverse sweep", GRADIENT)
        page.line(f"  no derivative to compare with: {d.reason}" if d.reason else "  there is no derivative", NAME)
        return
    page.line(f"{lead} = {figure(d.derivative, page.digits)}{place}", GRADIENT)
    if d.verdict == "unjudged":
        page.line("  by the reverse sweep; exact numbers would take longer than --limit check allows", FAINT)
    elif d.error is None or d.verdict not in RIGHT:
        page.line(f"  the reverse sweep gives {figure(d.gradient, page.digits)}: {d.reason}", NAME)
    else:
        more = f"; {d.reason}" if d.reason else ""
        finds = f"is off by {_error(d.error)}" if d.error else "finds it exactly"
        page.line(f"  the reverse sweep {finds}, after one evaluation and one sweep{more}", FAINT)


def _error(error: float | None) -> str:
    return figure(error, ERROR_DIGITS)


def _short(q: Quotient, digits: int | None) -> str:
    """A quotient for the table."""
    return "outside" if q.remark == OUTSIDE else figure(q.value, digits)


def _table(page: Page, d: Differences) -> None:
    """All methods side by side, or where that is too wide one below the other."""
    page.line("")
    errors = d.derivative is not None
    steps = [figure(q.h, page.digits) for q in d.series[0].quotients]
    together: list[list[str]] = [["h", *steps]]
    for s in d.series:
        together += _columns(page, s, errors)
    together.append(["evaluations", *map(str, d.evaluations)])
    if _grid(page, together, d.series):
        return
    for at, s in enumerate(d.series):
        if at:
            page.line("")
        counts = ["evaluations", *[str(q.evaluations) for q in s.quotients]]
        columns = [["h", *steps], *_columns(page, s, errors), counts]
        if not _grid(page, columns, [s]):
            page.line(s.method.name, MARKS[s.method.name][1])
            for q in s.quotients:
                page.line(f"  h {figure(q.h, page.digits)}: {_short(q, page.digits)}")
                page.line(f"    error {_error(q.error)}, evaluations {q.evaluations}", FAINT)


def _columns(page: Page, s: Series, errors: bool) -> list[list[str]]:
    """Quotients and errors of a method, each below its head."""
    columns = [[s.method.name, *[_short(q, page.digits) for q in s.quotients]]]
    if errors:
        columns.append(["error", *[_error(q.error) for q in s.quotients]])
    return columns


def _grid(page: Page, columns: list[list[str]], series: Sequence[Series]) -> bool:
    heads = [column[0] for column in columns]
    styles = {"h": NAME, "error": FAINT, "evaluations": FAINT} | {
        s.method.name: MARKS[s.method.name][1] for s in series
    }
    rows = [list(row) for row in zip(*[column[1:] for column in columns], strict=True)]
    return page.grid(heads, rows, [styles[head] for head in heads], ())


def _plot(page: Page, d: Differences) -> None:
    """The errors over the steps."""
    curves = [
        Curve(s.method.name, *MARKS[s.method.name], [(q.h, q.error) for q in s.quotients if q.error is not None])
        for s in d.series
    ]
    lines = plot(curves, min(page.width, WIDTH), FAINT, {"><": "x"})
    if not lines:
        return
    page.line("")
    page.line("error over h", NAME)
    for spans in lines:
        for text, style in spans:
            page.write(text, style)
        page.end()


def _best(page: Page, d: Differences) -> None:
    """The best step of every method, and the one that theory tells."""
    heads = ["method", "best h", "error", "h in theory", "error in theory"]
    rows = []
    for s in d.series:
        best, law = s.best, s.law
        told = ["–", "–"] if law is None else [figure(law.h, 2), figure(law.error, 2)]
        found = ["–", "–"] if best is None else [figure(best.h, page.digits), _error(best.error)]
        rows.append([s.method.name, *found, *told])
    if not page.grid(heads, rows, [NAME, "", "", FAINT, FAINT], ("method",)):
        for name, h, error, *told in rows:
            page.line(f"{name}: best h {h}, error {error}; in theory h {told[0]}, error {told[1]}")


def sentences(d: Differences) -> Iterator[str]:
    """Where truncation ends and rounding begins, in the numbers of this problem."""
    if d.derivative is None:
        if d.left is not None and d.right is not None and isfinite(d.left - d.right):
            yield (
                f"Forward quotients tend to the derivative of the right side, {d.right:.6g}, backward ones to that of "
                f"the left, {d.left:.6g}; central ones to the mean of both, {(d.left + d.right) / 2:.6g}, which is "
                "the derivative of neither."
            )
    elif d.noise is None:
        yield (
            "Truncation falls like h (forward, backward) and like h^2 (central), and rounding grows like 1/h. As a "
            "rule the best h is near 1.5e-8 and 6e-6 times the size of x."
        )
    else:
        told = re.sub(r"(falls like [^()]*\([^()]*\) and) falls like", r"\1 like", _by_method(d, _truncation))
        yield f"Truncation: as h shrinks, the error of the quotient {told}."
        if d.noise:
            yield (
                f"Rounding: float64 leaves a value of the program off by up to {d.noise:.2g} here, and a quotient by "
                f"up to {_by_method(d, partial(_floor, d.noise))}: "
                "the more, the smaller h."
            )
        else:
            yield "Rounding: none, every value is exact over the smaller steps."
        yield from _borders(d)
    yield from _remarks(d)


def _by_method(d: Differences, tell: Callable[[Series], str]) -> str:
    """What is told of every method, those together that share it."""
    told: dict[str, list[str]] = {}
    for s in d.series:
        told.setdefault(tell(s), []).append(s.method.name)
    told.pop("", None)
    if len(d.series) == 1:
        return next(iter(told))
    return " and ".join(f"{text} ({', '.join(names)})" for text, names in told.items())


def _truncation(s: Series) -> str:
    """``falls like 0.045*h^2``."""
    if s.law is not None and s.law.order is not None:
        factor = f"{s.law.coefficient:.3g}*"
        return (
            "falls like " + ("" if factor == "1*" else factor) + ("h" if s.law.order == 1 else f"h^{s.law.order:.3g}")
        )
    largest = max((q.truncation for q in s.quotients if q.truncation is not None), default=0.0)
    return "is 0" if largest == 0 else "follows no low power of h"


def _floor(noise: float, s: Series) -> str:
    """What rounding errors in two values leave in a quotient."""
    return f"{2 * noise / (s.method.end - s.method.start):.2g}/h"


def _borders(d: Differences) -> Iterator[str]:
    """Where truncation ends and rounding begins."""
    told = {_border(s) for s in d.series} - {""}
    if told == {EVERYWHERE}:
        yield "Truncation is the larger part of every error: no step is so small that rounding shows more."
    elif told == {NOWHERE}:
        yield "Rounding is the larger part of every error."
    elif told:
        yield f"Truncation is the larger part of the error {_by_method(d, _border)}; elsewhere it is rounding."


def _border(s: Series) -> str:
    """Where truncation is the larger part of the error; "" where there is none."""
    known = [
        (q.h, q.truncation >= q.rounding)
        for q in s.quotients
        if q.truncation is not None and q.rounding is not None and (q.truncation or q.rounding)
    ]
    before = [h for h, _ in takewhile(lambda row: row[1], known)]
    if not before:
        return NOWHERE if known else ""
    return EVERYWHERE if len(before) == len(known) else f"down to h = {before[-1]:g}"


def _remarks(d: Differences) -> Iterator[str]:
    """Steps that lead to no number, or nowhere; and what the quotients divide by."""
    words = {
        OUTSIDE: "leads outside the domain, and the quotient has no value",
        INFINITE: "leads to an infinite value",
        NO_STEP: "is lost in rounding, as x ± h is x itself, and the quotient is 0",
    }
    for remark, text in words.items():
        hit = {s.method.name: [q.h for q in s.quotients if q.remark == remark] for s in d.series}
        told: dict[str, list[str]] = {}
        for name, steps in hit.items():
            if steps:
                range_ = f"h = {steps[0]:g}" + ("" if len(steps) == 1 else f" to {steps[-1]:g}")
                told.setdefault(range_, []).append(name)
        for range_, names in told.items():
            yield f"A step of {range_} ({', '.join(names)}) {text}."
    for q, taken in reversed(list(zip(d.series[0].quotients, d.taken, strict=True))):
        if abs(taken - q.h) > q.h / 10_000 and 0 < taken < inf:
            yield (
                f"The quotients divide by the h asked for, but x + h is rounded: at h = {q.h:g} it lies {taken:.5g} "
                "from x."
            )
            return
