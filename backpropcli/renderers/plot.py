"""Points between two logarithmic axes, in characters."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

SEVERAL = "*"
HEIGHT = 18
"""Rows, at most, between the axes."""
STEPS = (0.5, 1, 2, 5, 10, 20, 50, 100)
"""Decades that a row may stand for."""
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


def plot(curves: Sequence[Curve], width: int, faint: str) -> list[list[Span]]:
    """The lines of the plot, each as spans; none where there is no point.

    Where points of several curves fall together stands ``*``, which the legend tells.

    Args:
        curves: what is plotted.
        width: the columns there are.
        faint: the style of axes and labels.
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
    room = max(width - margin - 4, 10)
    span = xs[-1] - xs[0]
    decade = min(max(WIDEST, SHORTEST / span), (room - 1) / span) if span else 0.0
    decade = floor(decade) if decade >= 2 else decade
    length = round(span * decade) + 1

    cells: dict[tuple[int, int], list[Curve]] = {}
    floor_row = bottom - 1
    for curve in curves:
        for x, y in curve.points:
            row = floor_row if not y else round(log10(y) / step)
            cells.setdefault((row, round((log10(x) - xs[0]) * decade)), []).append(curve)
    lines = [_row(cells, row, text, margin, length, faint) for row, text in rows.items()]
    if zeros:
        lines.append(_row(cells, floor_row, "0", margin, length, faint))
    ticks = _ticks(xs[0], xs[-1], decade)
    axis = "".join("┬" if at in ticks else "─" for at in range(length))
    lines.append([(" " * (margin - 1) + "└─" + axis, faint)])
    lines.append([(_labels(ticks, margin + 1), faint)])
    return [*lines, *_legend(curves, cells, margin, faint)]


def label(exponent: float) -> str:
    """A power of ten, whole ones only: ``0.01``, ``1e-05``; "" for others."""
    if exponent != int(exponent):
        return ""
    return f"{10.0**exponent:g}" if -300 < exponent < 300 else f"1e{int(exponent):+03d}"


def _row(
    cells: dict[tuple[int, int], list[Curve]], row: int, text: str, margin: int, length: int, faint: str
) -> list[Span]:
    spans: list[Span] = [(f"{text:>{margin - 2}} {'┤' if text else '│'} ", faint)]
    for at in range(length):
        here = list(dict.fromkeys(cells.get((row, at), [])))
        if len(here) > 1:
            spans.append((SEVERAL, ""))
        else:
            spans.append((here[0].mark, here[0].style) if here else (" ", ""))
    return spans


def _ticks(first: float, last: float, decade: float) -> dict[int, str]:
    """Column and label of the decades that have room for one, from the largest on."""
    if not decade:
        return {0: f"{10.0**first:.3g}"}
    found: dict[int, str] = {}
    free = round((last - first) * decade) + 4
    for exponent in range(floor(last + 1e-9), ceil(first - 1e-9) - 1, -1):
        at, text = round((exponent - first) * decade), label(exponent)
        if at + (len(text) + 1) // 2 < free:
            found[at] = text
            free = at - len(text) // 2 - 1
    return found


def _labels(ticks: dict[int, str], margin: int) -> str:
    """The labels below their ticks."""
    line = ""
    for at, text in sorted(ticks.items()):
        line = line.ljust(margin + at - len(text) // 2) + text
    return line


def _legend(
    curves: Sequence[Curve], cells: dict[tuple[int, int], list[Curve]], margin: int, faint: str
) -> list[list[Span]]:
    """What the marks mean."""
    spans: list[Span] = [(" " * (margin + 1), "")]
    for curve in curves:
        if curve.points:
            spans += [(curve.mark, curve.style), (f" {curve.name}  ", faint)]
    if any(len(set(map(id, here))) > 1 for here in cells.values()):
        spans.append((f"{SEVERAL} several", faint))
    return [spans]
