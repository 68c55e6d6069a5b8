"""The circuit in a terminal: a tree from the output back, with values and gradients beside it.

What is used twice is drawn where it is first met, and referred to afterwards, with that use's part of the gradient.
Where the tree would grow out of the screen, a branch goes on below, as a tree of its own.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ..circuit import FOLD, INPUT, Circuit, Gate
from ..errors import columns
from ..shapes import written
from ..values import Value, is_tensor
from .numbers import brief, figure, sum_of
from .screen import Screen
from .table import FAINT, GRADIENT, NAME, VALUE, Page

INDENT = 3
DEEPEST = 24
"""Levels of a tree in a file; in a terminal as many as leave the numbers room."""
LEAST, LONGEST, GAP = 14, 40, 2
"""Columns for a gate behind its branches, the least; the most of an expression; between columns."""
HEADS = ["circuit", "value", "gradient", "pattern"]
STYLES = [NAME, VALUE, GRADIENT, FAINT]


class Row(NamedTuple):
    """A line of the tree.

    Attributes:
        lead: the branches before it, and before what is written below it.
        text: the gate.
    """

    lead: str
    below: str
    text: str
    value: str
    gradient: str
    pattern: str


def render(circuit: Circuit, screen: Screen, digits: int = 4) -> str:
    """The tree as text.

    Args:
        circuit: the circuit.
        screen: where it will be read.
        digits: significant digits.
    """
    page = Page(screen, digits, 64, False)
    if not _wide(page, circuit, digits):
        _narrow(page, _rows(circuit, digits, max((page.width - LEAST) // INDENT, 1), sums=True))
    if circuit.folded:
        page.line("")
        page.line(f"folded: {circuit.folded}", FAINT)
    return page.text()


def _wide(page: Page, circuit: Circuit, digits: int) -> bool:
    """The numbers in columns; where the width is short, patterns, sums and depth give way, in this order."""
    for count, sums in ((4, True), (3, True), (3, False)):
        if _grid(page, _rows(circuit, digits, DEEPEST, sums), count):
            return True
    rows = _rows(circuit, digits, DEEPEST, sums=False)
    value = max([len("value"), *(columns(row.value) for row in rows)])
    gradient = max([len("gradient"), *(columns(row.gradient) for row in rows)])
    levels = (page.width - value - gradient - 2 * GAP - LEAST) // INDENT
    return levels >= 2 and _grid(page, _rows(circuit, digits, min(levels, DEEPEST), sums=False), 3)


def _grid(page: Page, rows: list[Row], count: int) -> bool:
    cells = [[row.lead + row.text, row.value, row.gradient, row.pattern][:count] for row in rows]
    return page.grid(HEADS[:count], cells, STYLES[:count], ("circuit", "pattern"))


def _narrow(page: Page, rows: list[Row]) -> None:
    """The numbers below their gate, for narrow terminals."""
    for row in rows:
        page.write(row.lead + row.text, NAME)
        page.end()
        for lead, text, style in (("", row.value, VALUE), ("gradient ", row.gradient, GRADIENT)):
            if text:
                page.write(f"{row.below}  {lead}{text}", style)
                page.end()


def _rows(circuit: Circuit, digits: int, deepest: int, sums: bool) -> list[Row]:
    """The lines, by a walk with its own stack: a circuit may be a chain of any length."""
    gates = circuit.gates
    parts: list[list[Value]] = [[] for _ in gates]
    for gate in gates:
        for entry in gate.entries:
            if entry.gradient is not None:
                parts[entry.source].append(entry.gradient)
    rows: list[Row] = []
    met: set[int] = set()
    later: set[int] = set()
    roots = deque([len(gates) - 1])
    while roots:
        root = roots.popleft()
        if rows:
            rows.append(Row("", "", "", "", "", ""))
        stack: list[tuple[int, Value | None, str, str, int]] = [(root, None, "", "", 0)]
        while stack:
            i, part, lead, below, depth = stack.pop()
            gate = gates[i]
            if i in met or (i in later and i != root):
                sign = "↑" if i in met else "↓"
                rows.append(Row(lead, below, f"{gate.label} {sign}", "", _number(part, digits), ""))
                continue
            if depth == deepest and gate.entries:
                later.add(i)
                roots.append(i)
                rows.append(Row(lead, below, f"{gate.label} ↓", "", _number(part, digits), ""))
                continue
            met.add(i)
            gradient = _sum(gate, parts[i] if sums else [], digits)
            text = _text(circuit, i, i in later)
            rows.append(Row(lead, below, text, _number(gate.value, digits), gradient, gate.pattern))
            last = len(gate.entries) - 1
            for k in range(last, -1, -1):
                source, found = gate.entries[k]
                ends = ("└─ ", "   ") if k == last else ("├─ ", "│  ")
                stack.append((source, found, below + ends[0], below + ends[1], depth + 1))
    return rows


def _text(circuit: Circuit, i: int, continued: bool) -> str:
    """The gate as the tree shows it: ``q = +``, or its sign alone where nothing refers to it."""
    gate = circuit.gates[i]
    if gate.kind == INPUT:
        return gate.label
    own = gate.text if gate.kind == FOLD else gate.sign
    if len(own) > LONGEST:
        own = own[: LONGEST - 1] + "…"
    last = i == len(circuit.gates) - 1
    return f"{gate.label} = {own}" if gate.name or gate.uses > 1 or last or continued else own


def _number(value: Value | None, digits: int) -> str:
    """A number; a tensor in one line, with its shape where not all of it is told."""
    if value is None:
        return ""
    if not is_tensor(value):
        return figure(value, digits)
    lines = brief(value, digits)
    text = ", ".join(lines)
    if "…" in text or text.startswith("all"):
        return f"{written(value.shape)}: {text}"
    return f"[{text}]" if value.ndim == 2 else text


def _sum(gate: Gate, parts: list[Value], digits: int) -> str:
    """The gradient, as the sum of its parts where there are several and all of them are known."""
    if gate.gradient is None:
        return ""
    if len(parts) > 1 and len(parts) == gate.uses and not is_tensor(gate.gradient):
        return sum_of(parts, gate.gradient, digits)
    return _number(gate.gradient, digits)
