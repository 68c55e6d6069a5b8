"""How numbers and names are written for people."""

from __future__ import annotations

from ..text import number as exact

ASCII = str.maketrans(
    {"∂": "d", "×": "*", "…": "...", "–": "-", "·": "*", "σ": "sigma", "±": "+-", "√": "sqrt", "─": "-"}
)


def figure(value: float | None, digits: int | None) -> str:
    """A number with so many significant digits, or every one; ``–`` where there is none."""
    if value is None:
        return "–"
    if value != value:
        return "NaN"
    if value == 0:
        return "0"
    return exact(value) if digits is None else f"{value:.{digits}g}"


def sum_of(parts: list[float], total: float | None, digits: int | None, most: int = 8) -> str:
    """``3 + 3 + 1 = 7``; a long sum shows its first terms and counts the rest."""
    shown = [figure(part, digits) for part in parts[:most]]
    text = shown[0] + "".join(f" - {s[1:]}" if s.startswith("-") else f" + {s}" for s in shown[1:])
    if len(parts) > most:
        text += f" + … ({len(parts)} terms)"
    return f"{text} = {figure(total, digits)}"
