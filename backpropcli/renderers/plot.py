"""Points between two logarithmic axes, in characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

SEVERAL = "*"
HEIGHT = 18
"""Rows, at most, between the axes."""
STEPS = (0.5, 1, 2, 5, 10, 20, 50, 100)
"""Decades that a row may stand for."""
EVERY = (1, 2, 5, 10, 20, 50, 100)
"""Decades between two labels of the axis below."""
WIDEST = 6
"""Columns of a decade, at most, unless the axis would be shorter than SHORTEST."""
SHORTEST = 30

Span = tuple[str, str]
"""A text and its style."""


class Curve(NamedTuple):
    """Points that share a mark.

    Attributes:
        name: for the legend.
        mark: one character.
        style: its color.
        points: positive x; y that is positive, or 0, which has no logarithm and stands on a line of its own.
    """

    name: str
    mark: str
    style: str
    points: Sequence[tuple[float, float]]


Cells = dict[tuple[int, int], dict[str, Curve]]
"""The curves at a row and column, by mark."""


def plot(curves: Sequence[Curve], width: int, faint: str, pairs: Mapping[str, str] | None = None) -> list[list[Span]]:
    """The lines of the plot, each as spans; none where there is no point.

    Where points of several curves fall together stands another mark, which the legend tells.

    Args:
        curves: what is plotted.
        width: the columns there are.
        faint: the style of axes and labels.
        pairs: the mark of two that fall together, by theirs, in order; ``*`` for any others.
    """
    xs = sorted({log10(x) for curve in curves for x, _ in curve.points})
    ys = [log10(y) for curve in curves for _, y in curve.points if y]
    if not xs:
        return []
    zeros = any(not y for curve in curves for _, y in curve.points)
    low, high = (floor(min(ys)), ceil(max(ys))) if ys else (0, 0)
    step = next(step for step in STEPS if (high - low) / step <= HEIGHT)
    top = ceil(high / step)
    bottom = floor(low / step) if ys else top + 1
    rows = {row: label(row * step) for row in range(top, bottom - 1, -1)}
    margin = max(map(len, [*rows.values(), "0"])) + 2
    room = max(width - margin - 3, 10)
    span = xs[-1] - xs[0]
    decade = min(max(WIDEST, SHORTEST / span), (room - 1) / span) if span else 0.0
    decade = floor(decade) if decade >= 2 else decade
    length = round(span * decade) + 1

    cells: Cells = {}
    floor_row = bottom - 1
    for curve in curves:
        for x, y in curve.points:
            row = floor_row if not y else round(log10(y) / step)
            cells.setdefault((row, round((log10(x) - xs[0]) * decade)), {})[curve.mark] = curve
    if zeros:
        rows[floor_row] = "0"
    shown = {place: _mark(list(here.values()), pairs or {}) for place, here in cells.items()}
    lines = [_row(shown, row, text, margin, length, faint) for row, text in rows.items()]
    ticks = _ticks(xs[0], xs[-1], decade)
    axis = "".join("┬" if at in ticks else "─" for at in range(length))
    lines.append([(" " * (margin - 1) + "└─" + axis, faint)])
    lines.append([(_labels(ticks, margin + 1), faint)])
    return [*lines, *_legend(curves, shown, pairs or {}, width, faint)]


def label(exponent: float) -> str:
    """A power of ten, whole ones only: ``0.01``, ``1e-05``; "" for others."""
    if exponent != int(exponent):
        return ""
    return f"{10.0**exponent:g}" if -5 < exponent < 4 else f"1e{int(exponent):+03d}"


def _mark(here: list[Curve], pairs: Mapping[str, str]) -> Span:
    """What stands for the curves of one cell."""
    if len(here) == 1:
        return here[0].mark, here[0].style
    return pairs.get("".join(curve.mark for curve in here), SEVERAL), ""


def _row(
    shown: Mapping[tuple[int, int], Span], row: int, text: str, margin: int, length: int, faint: str
) -> list[Span]:
    axis = (f"{text:>{margin - 2}} {'┤' if text else '│'} ", faint)
    return [axis, *[shown.get((row, at), (" ", "")) for at in range(length)]]


def _ticks(first: float, last: float, decade: float) -> dict[int, str]:
    """Column and label of every decade, or as many as there is room for, evenly."""
    if not decade:
        return {0: f"{10.0**first:.3g}"}
    exponents = range(ceil(first - 1e-9), floor(last + 1e-9) + 1)
    widest = max((len(label(e)) for e in exponents), default=0)
    every = next((n for n in EVERY if n * decade > widest), EVERY[-1])
    return {round((e - first) * decade): label(e) for e in exponents if e % every == 0}


def _labels(ticks: dict[int, str], margin: int) -> str:
    """The labels below their ticks."""
    line = ""
    for at, text in sorted(ticks.items()):
        line = line.ljust(margin + at - len(text) // 2) + text
    return line


def _legend(
    curves: Sequence[Curve], shown: Mapping[tuple[int, int], Span], pairs: Mapping[str, str], width: int, faint: str
) -> list[list[Span]]:
    """What the marks mean, in as many lines as it takes."""
    names = {curve.mark: curve.name for curve in curves}
    marks = {curve.mark: (curve.style, curve.name) for curve in curves if curve.points}
    used = {mark for mark, _ in shown.values()}
    marks |= {mark: ("", " and ".join(names[m] for m in pair)) for pair, mark in pairs.items() if mark in used}
    marks |= {SEVERAL: ("", "several")} if SEVERAL in used else {}
    lines: list[list[Span]] = [[]]
    left = width
    for mark, (style, name) in marks.items():
        if left < len(name) + 4 and lines[-1]:
            lines.append([])
            left = width
        lines[-1] += [(f"  {mark}", style), (f" {name}", faint)]
        left -= len(name) + 4
    return lines
