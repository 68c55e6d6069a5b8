"""TikZ: the same drawing for LaTeX, a page of its own; the picture in it can be put into any document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from . import latex
from .scene import Line, Part, Scene, Text

COLORS = {"value": "0D652D", "gradient": "B3261E", "ink": "202124", "faint": "5F6368"}
ROLES = {"value": "value", "gradient": "gradient", "name": "ink", "sign": "ink", "faint": "faint"}
SIZES = (10, 10.95, 12, 14.4)
"""Those that LaTeX's own fonts have."""
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}

STRAIGHT = {"-": r"{-}", ",": "{,}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}"}
"""Signs that LaTeX would join with the next, or bend, as in prose."""


def render(scene: Scene) -> Iterator[str]:
    """The drawing as a LaTeX document; a unit is a PostScript point."""
    title = re.sub(r"[^ -\[\]-~]", "?", scene.title)  # no backslash, and in ASCII
    yield f"% {title[:200]}\n"
    yield "\\documentclass[border=2mm]{standalone}\n\\usepackage[T1]{fontenc}\n"
    yield "\\IfFileExists{lmodern.sty}{\\usepackage{lmodern}}{}\n"
    yield "\\usepackage{textcomp,tikz}\n"
    yield "\\begin{document}\n\\begin{tikzpicture}[x=1bp, y=-1bp, line width=1bp, font=\\sffamily]\n"
    for name, color in COLORS.items():
        yield f"\\definecolor{{{name}}}{{HTML}}{{{color}}}\n"
    for line in [*scene.lines, *scene.samples]:
        yield f"\\draw[faint{', -stealth' if line.arrow else ''}] {_path(line)};\n"
    for x, y in scene.dots:
        yield f"\\fill[faint] {_at(x, y)} circle[radius=3bp];\n"
    for part in scene.parts:
        yield from _part(part)
    yield from map(_text, scene.legend)
    yield "\\end{tikzpicture}\n\\end{document}\n"


def _part(part: Part) -> Iterator[str]:
    if part.outline is not None:
        x, y, width, height, radius, dashed = part.outline
        radius = min(radius, width / 2, height / 2)
        style = f"draw=ink, fill=white, rounded corners={radius:.2f}bp{', dashed' if dashed else ''}"
        yield f"\\path[{style}] {_at(x - width / 2, y - height / 2)} rectangle {_at(x + width / 2, y + height / 2)};\n"
    yield from map(_text, part.texts)


def _text(text: Text) -> str:
    points = min(SIZES, key=lambda known: abs(known - text.size))
    size = f"\\fontsize{{{points:g}}}{{{points + 2:g}}}\\selectfont"
    slant = "\\itshape" if text.role == "gradient" else ""
    style = f"{ROLES[text.role]}, anchor={ANCHORS[text.anchor]}, inner sep=0, font=\\sffamily{size}{slant}"
    return f"\\node[{style}] at {_at(text.x, text.y)} {{{escape(text.content)}}};\n"


def _path(line: Line) -> str:
    """Level pieces and bends that leave and arrive level."""
    found = [_at(*line.points[0])]
    for (x1, y1), (x2, y2) in pairwise(line.points):
        if y1 == y2:
            found.append(f"-- {_at(x2, y2)}")
        else:
            middle = (x1 + x2) / 2
            found.append(f".. controls {_at(middle, y1)} and {_at(middle, y2)} .. {_at(x2, y2)}")
    return " ".join(found)


def _at(x: float, y: float) -> str:
    return f"({x:.2f},{y:.2f})"


def escape(text: str) -> str:
    """Text that LaTeX sets as it is; a letter that its usual fonts lack is spelled by its number."""
    return "".join(_character(c) for c in text)


def _character(c: str) -> str:
    known = STRAIGHT.get(c) or latex.character(c)
    if known != c or c.isascii() or (c.isalpha() and c <= "ž") or c in "±²³":
        return known
    return f"[U+{ord(c):04X}]"
