"""How numbers, tensors and names are written for people."""

from __future__ import annotations

from math import log10
from typing import Any

from ..shapes import written
from ..text import number as exact
from ..values import Value, is_tensor

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"

ASCII = str.maketrans(
    {"∂": "d", "×": "*", "…": "...", "–": "-", "·": "*", "σ": "sigma", "±": "+-", "√": "sqrt", "─": "-", "ᵀ": ".T",
     "−": "-", "│": "|", "├": "|", "└": "+", "┤": "+", "┬": "+", "↑": "^", "↓": "v", "∇": "D", "⊙": "(*)", "→": "->",
     "∛": "cbrt", "Γ": "Gamma", "ψ": "psi", "Φ": "Phi", "φ": "phi", "≤": "<=", "≥": ">=", "≠": "!=",
     **{digit: f"^{k}" for k, digit in enumerate(RAISED)}}
)  # fmt: skip
LINE, FILE_LINE = 60, 160
"""Columns after which a row of a tensor goes on in the next line, on a terminal and in a file."""

Cell = list[str]
"""What stands in a field of a table: lines, flush with each other."""


def raised(power: int) -> str:
    """A whole number as an exponent."""
    return "".join(RAISED[int(digit)] for digit in str(power))


def figure(value: float | None, digits: int | None) -> str:
    """A number with so many significant digits, or every one; ``–`` where there is none."""
    if value is None:
        return "–"
    if value != value:
        return "NaN"
    if value == 0:
        return "0"
    return exact(float(value)) if digits is None else f"{value:.{digits}g}"


def count(n: int) -> str:
    """``409,600``; beyond 15 digits ``1.22e+25``, also where no float is as large."""
    if n < 10**15:
        return f"{n:,}"
    cut = max(n.bit_length() - 64, 0)
    exponent, rest = divmod(log10(n >> cut) + cut * log10(2), 1)
    mantissa = f"{10**rest:.3g}"
    return f"1e+{exponent + 1:.0f}" if mantissa == "10" else f"{mantissa}e+{exponent:.0f}"


def in_bytes(n: int) -> str:
    """``128 MiB``."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    scale = min(max(n.bit_length() - 1, 0) // 10, len(units) - 1)
    if n >= 1000 << 60:
        return f"{count(n >> 60)} EiB"
    size = n / (1 << 10 * scale)
    return f"{size:.0f} {units[scale]}" if size >= 1000 else f"{size:.3g} {units[scale]}"


def cell(value: Any, digits: int | None, most: float, fold: int = LINE) -> Cell:
    """A number, or a tensor row by row; one of more than `most` entries as what can be said of it, and its corners."""
    if not is_tensor(value):
        return [figure(value, digits)]
    if value.size > most:
        return summary(value, digits)
    return bracketed(value.tolist(), value.shape, digits, fold)


def bracketed(nested: list[Any], shape: tuple[int, ...], digits: int | None, fold: int) -> Cell:
    """``[[1, 2],`` above ``[3, 4]]``, with columns flush right; a long vector in several lines."""
    rank = len(shape)
    rows: list[list[float]] = [nested]
    for _ in range(rank - 1):
        rows = [inner for outer in rows for inner in outer]  # type: ignore[misc]
    figures = [[figure(x, digits) for x in row] for row in rows]
    if not figures or not figures[0]:
        return ["[]" if rank == 1 else f"[] ({written(shape)})"]
    widths = [max(map(len, column)) for column in zip(*figures, strict=True)]
    if rank > 1:
        figures = [[f"{text:>{width}}" for text, width in zip(row, widths, strict=True)] for row in figures]
    lines = []
    for at, row in enumerate(figures):
        opened = closed = 1
        step = 1
        for n in reversed(shape[:-1]):  # a bracket opens where a row is the first of its block
            step *= n
            opened += at % step == 0
            closed += (at + 1) % step == 0
        end = "" if at == len(figures) - 1 else ","
        lines += _folded(" " * (rank - opened) + "[" * opened, row, "]" * closed + end, fold)
    width = max(map(len, lines))
    return [f"{line:<{width}}" for line in lines]


def _folded(start: str, row: list[str], end: str, fold: int) -> Cell:
    """A row in lines of at most so many columns."""
    lines, line = [], start
    for at, text in enumerate(row):
        piece = text + (end if at == len(row) - 1 else ", ")
        if len(line) + len(piece) > fold and len(line) > len(start):
            lines.append(line.rstrip())
            line = " " * len(start)
        line += piece
    return [*lines, line]


def summary(value: Value, digits: int | None) -> Cell:
    """Shape, mean, spread and extremes of a large tensor, and its corner entries."""
    import numpy as np

    short = 4 if digits is None else min(digits, 4)
    nans = int(np.isnan(value).sum())
    known = value[~np.isnan(value)] if nans else value
    lines = [f"{written(value.shape)} entries"]
    if known.size:
        least, most = float(known.min()), float(known.max())
        with np.errstate(all="ignore"):
            mean, spread = (least, 0.0) if least == most else (float(known.mean()), float(known.std()))
        lines.append(f"mean {figure(mean, short)}, std {figure(spread, short)}")
        lines.append(f"from {figure(least, short)} to {figure(most, short)}")
    if nans:
        lines.append(f"{nans:,} NaN")
    last = value.reshape(-1, value.shape[-1])
    rows = [last[0], last[-1]] if len(last) > 1 else [last[0]]
    corners = [
        f"{figure(float(row[0]), short)}, …, {figure(float(row[-1]), short)}"
        if len(row) > 1
        else figure(float(row[0]), short)
        for row in rows
    ]
    lines.append(f"[{corners[0]}]" if len(rows) == 1 else f"[[{corners[0]}], …, [{corners[1]}]]")
    width = max(map(len, lines))
    return [f"{line:<{width}}" for line in lines]


def brief(value: Value, digits: int | None, rows: int = 3, across: int = 4) -> Cell:
    """A value as a drawing has room for: a number; a small tensor, a line per row; of others the ends or extremes."""
    if not is_tensor(value):
        return [figure(value, digits)]
    if not value.size:
        return ["[]"]
    if value.ndim == 1:
        ends = value if len(value) <= across else value[[0, 1, -1]]
        figures = [figure(float(x), digits) for x in ends]
        return [f"[{', '.join(figures if len(value) <= across else [*figures[:2], '…', figures[2]])}]"]
    if value.ndim == 2 and value.shape[0] <= rows and value.shape[1] <= across:
        return [f"[{', '.join(figure(float(x), digits) for x in row)}]" for row in value]
    known = value[value == value]
    if not known.size:
        return ["all NaN"]
    least, most = float(known.min()), float(known.max())
    if least == most and known.size == value.size:
        return [f"all {figure(least, digits)}"]
    return [f"{figure(least, digits)} … {figure(most, digits)}{'' if known.size == value.size else ', some NaN'}"]


def local_cell(local: Any, digits: int | None, most: float, fold: int = LINE) -> Cell:
    """A local gradient: a number, or the structure of the Jacobian."""
    from ..structure import alike

    if local is None or isinstance(local, float):
        return [figure(local, digits)]
    if local.factor is None:
        return _wrapped(local.text)
    same = alike(local.factor)
    axes = f"{'axis' if len(local.axes) == 1 else 'axes'} {', '.join(map(str, local.axes))}"
    if local.kind == "gradient":
        return (
            [f"{figure(same, digits)} to every entry"] if same is not None else cell(local.factor, digits, most, fold)
        )
    if local.kind == "reduction":
        head = [figure(same, digits)] if same is not None else cell(local.factor, digits, most, fold)
        return [*head[:-1], f"{head[-1].rstrip()} along {axes}"]
    diagonal = [figure(same, digits)] if same is not None else _diagonal(cell(local.factor, digits, most, fold))
    if local.kind == "diagonal":
        return diagonal
    return [f"sum over {axes}"] if same == 1 else [*diagonal, f"sum over {axes}"]


def _diagonal(lines: Cell) -> Cell:
    """``diag(1, 0, 1, 0)``; of a matrix ``diag([[1, 0], …])``, entry by entry."""
    lines = [line.rstrip() for line in lines]
    if len(lines) == 1 and lines[0].startswith("[") and not lines[0].startswith("[["):
        return [f"diag({lines[0][1:-1]})"]
    found = [f"diag({lines[0]}", *(f"     {line}" for line in lines[1:])]
    found[-1] += ")"
    width = max(map(len, found))
    return [f"{line:<{width}}" for line in found]


def _wrapped(text: str, width: int = 36) -> Cell:
    if len(text) <= width:
        return [text]
    import textwrap

    lines = textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    longest = max(map(len, lines))
    return [f"{line:<{longest}}" for line in lines]


def sum_of(parts: list[float], total: float | None, digits: int | None, most: int = 8) -> str:
    """``3 + 3 + 1 = 7``; a long sum shows its first terms and counts the rest."""
    shown = [figure(part, digits) for part in parts[:most]]
    text = shown[0] + "".join(f" - {s[1:]}" if s.startswith("-") else f" + {s}" for s in shown[1:])
    if len(parts) > most:
        text += f" + … ({len(parts)} terms)"
    return f"{text} = {figure(total, digits)}"


def sum_lines(
    parts: list[Value], total: Value | None, digits: int | None, most: float, fold: int = LINE, terms: int = 8
) -> Cell:
    """A sum of tensors, one below the other."""
    found: Cell = []
    for at, part in enumerate(parts[:terms]):
        lines = cell(part, digits, most, fold)
        found += [("+ " if at and not n else "  ") + line for n, line in enumerate(lines)]
    if len(parts) > terms:
        found.append(f"+ … ({len(parts)} terms)")
    found += [("= " if not n else "  ") + line for n, line in enumerate(cell(total, digits, most, fold))]
    width = max(map(len, found))
    return [f"{line:<{width}}" for line in found]
