"""The controls of a page for its inputs: a slider and a field for a number, a grid of fields for a tensor."""

from __future__ import annotations

from html import escape
from math import floor, isfinite, log10

from ..errors import printable
from ..shapes import Shape, unravel
from ..values import Value, entries


def pair(number: int, name: str, value: float) -> str:
    """A slider and a field of one number."""
    shown = escape(printable(name))
    low, high, step = range_of(value)
    attributes = f'data-input="{number}" data-entry="0" value="{exact(value)}"'
    return (
        '<div class="pair" data-live hidden>'
        f'<input type="range" min="{low}" max="{high}" step="{step}" {attributes} aria-label="{shown}, slider">'
        f'<input type="number" step="any" {attributes} aria-label="{shown}"></div>\n'
    )


def range_of(value: float) -> tuple[str, str, str]:
    """From where to where a slider goes: around 0, and far enough for the number to be doubled; and its step."""
    if not isfinite(value) or abs(value) > 1e300:
        return "-10", "10", "0.1"
    far = max(2 * abs(value), 1e-300) if value else 2.0
    power = 10.0 ** floor(log10(far))
    high = next(k for k in (1, 2, 5, 10) if k * power >= far * (1 - 1e-9)) * power
    return f"{-high:g}", f"{high:g}", f"{high / 100:g}"


def exact(value: float) -> str:
    """Every digit; nothing where a field can hold no such number."""
    return f"{value!r}".removesuffix(".0") if isfinite(value) else ""


def cells(number: int, name: str, value: Value) -> str:
    """A field for every entry, a row of the tensor in a row."""
    shape: Shape = tuple(value.shape)
    fields = []
    for at, x in enumerate(entries(value)):
        place = escape(f"{printable(name)}[{', '.join(map(str, unravel(at, shape)))}]")
        fields.append(
            f'<input type="number" step="any" data-input="{number}" data-entry="{at}" value="{exact(x)}" '
            f'aria-label="{place}">'
        )
    return f'<div class="cells" data-across="{shape[-1]}" data-live hidden>{"".join(fields)}</div>\n'
