"""SVG: the circuit as the lectures draw it, for light and dark pages, with every digit on hover.

The colors stand as attributes for a light page; a reader that knows ``prefers-color-scheme`` takes the others from the
style sheet. Its rules begin with the root's class, so that they reach nothing else on a page that has the drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise

from ..layout import Point
from .metrics import FONTS
from .scene import LABEL, Line, Part, Scene, Shown, Text

LIGHT = {
    "paper": "#ffffff", "ink": "#202124", "wire": "#5f6368",
    "value": "#0d652d", "gradient": "#b3261e", "faint": "#5f6368",
}  # fmt: skip
DARK = {
    "paper": "#17181c", "ink": "#e8eaed", "wire": "#9aa0a6",
    "value": "#81c995", "gradient": "#f6aea9", "faint": "#9aa0a6",
}  # fmt: skip
ROLES = {"value": "value", "gradient": "gradient", "name": "ink", "sign": "ink", "faint": "faint"}
FILLED = ("paper", "ink", "value", "gradient", "faint")


DEFAULTS = f' font-size="{LABEL:g}" text-anchor="middle"'
"""What most texts have."""

Mark = Callable[[Shown], str]
"""The attributes by which a page finds the line of text that shows a number."""


def render(scene: Scene, mark: Mark | None = None) -> Iterator[str]:
    """The drawing as an SVG document.

    Args:
        scene: the drawing.
        mark: where it is part of a page whose numbers change: every gate, wire and number can be found there, colors
            are the page's, and no number is told in a title.
    """
    width, height = _number(scene.width), _number(scene.height)
    fonts = ", ".join(f"'{name}'" if " " in name else name for name in FONTS)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="backprop" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{fonts}"{DEFAULTS if mark else ""}>\n'
    )
    yield f"<title>{escape(scene.title)}</title>\n" + ("" if mark else f"<style>{_style()}</style>\n")
    yield f'<rect class="paper" width="{width}" height="{height}" fill="{LIGHT["paper"]}"/>\n'
    yield from _wires([*scene.lines, *scene.samples]) if mark is None else map(_wire, [*scene.lines, *scene.samples])
    if scene.dots:
        yield f'<g class="tip" fill="{LIGHT["wire"]}">'
        yield from (f'<circle cx="{_number(x)}" cy="{_number(y)}" r="3.2"/>' for x, y in scene.dots)
        yield "</g>\n"
    for number, part in enumerate(scene.parts):
        yield from _part(part, number, mark)
    yield '<g class="legend">'
    yield from (_text(text, mark) for text in scene.legend)
    yield "</g>\n</svg>\n"


def _wires(lines: list[Line]) -> Iterator[str]:
    """All wires in one path."""
    yield f'<path class="wire" fill="none" stroke="{LIGHT["wire"]}" stroke-width="1.4" d="'
    yield "\n".join(path(line) for line in lines)
    yield '"/>\n'
    arrows = [line for line in lines if line.arrow]
    if arrows:
        yield f'<path class="tip" fill="{LIGHT["wire"]}" d="{chr(10).join(map(_tip, arrows))}"/>\n'


def _wire(line: Line) -> str:
    """A wire by itself."""
    ends = "".join(
        f' data-{name}="{gate}"' for name, gate in (("source", line.source), ("target", line.target)) if gate >= 0
    )
    tip = f'<path class="tip" d="{_tip(line)}"/>' if line.arrow else ""
    return f'<g{ends}><path class="wire" d="{path(line)}"/>{tip}</g>\n'


def _tip(line: Line) -> str:
    """The arrow's head."""
    return f"M{_point(line.points[-1])}l-8-3.5 1.5 3.5-1.5 3.5z"


def _style() -> str:
    """The dark page's colors."""
    rules = [f".backprop .{name}{{fill:{DARK[name]}}}" for name in FILLED]
    rules.append(f".backprop .wire{{stroke:{DARK['wire']}}}.backprop .tip{{fill:{DARK['wire']}}}")
    rules.append(f".backprop .gate{{fill:{DARK['paper']};stroke:{DARK['ink']}}}")
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def _part(part: Part, number: int, mark: Mark | None) -> Iterator[str]:
    yield f"<g><title>{escape(part.title)}</title>" if mark is None else f'<g data-gate="{number}">'
    if part.outline is not None:
        x, y, width, height, radius, dashed = part.outline
        dash = ' stroke-dasharray="5 3"' if dashed else ""
        look = "" if mark else f' fill="{LIGHT["paper"]}" stroke="{LIGHT["ink"]}" stroke-width="1.4"'
        yield (
            f'<rect class="gate" x="{_number(x - width / 2)}" y="{_number(y - height / 2)}" width="{_number(width)}" '
            f'height="{_number(height)}" rx="{_number(radius)}"{look}{dash}/>'
        )
    yield from (_text(text, mark) for text in part.texts)
    yield "</g>\n"


def _text(text: Text, mark: Mark | None) -> str:
    role = ROLES[text.role]
    look = f' font-size="{_number(text.size)}"' if not mark or text.size != LABEL else ""
    look += f' text-anchor="{text.anchor}"' if not mark or text.anchor != "middle" else ""
    if mark is None:
        look += f' fill="{LIGHT[role]}"' + (' font-style="italic"' if text.role == "gradient" else "")
    title = f"<title>{escape(text.title)}</title>" if text.title and not mark else ""
    marked = mark(text.shown) if mark and text.shown else ""
    return (
        f'<text class="{role}"{marked} x="{_number(text.x)}" y="{_number(text.y)}"'
        f"{look}>{title}{escape(text.content)}</text>"
    )


def path(line: Line) -> str:
    """The commands of a wire: level pieces and bends that leave and arrive level."""
    found = [f"M{_point(line.points[0])}"]
    for (x1, y1), (x2, y2) in pairwise(line.points):
        if y1 == y2:
            found.append(f"H{_number(x2)}")
        else:
            middle = (x1 + x2) / 2
            found.append(f"C{_point((middle, y1))} {_point((middle, y2))} {_point((x2, y2))}")
    return "".join(found)


def _point(at: Point) -> str:
    return f"{_number(at[0])} {_number(at[1])}"


def _number(value: float) -> str:
    """A coordinate to a hundredth."""
    return f"{round(value, 2) + 0.0:g}" if abs(value) < 1e4 else f"{value:.1f}"
