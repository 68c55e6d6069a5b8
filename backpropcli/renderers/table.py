"""The table: value, local, upstream and downstream gradients, node by node, in whatever width there is."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterable
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from ..errors import columns
from ..report import EdgeRecord, NodeRecord, Report
from ..shapes import written
from ..values import is_tensor
from .numbers import FILE_LINE, LINE, Cell, cell, figure, in_bytes, local_cell, sum_lines, sum_of
from .screen import Screen

if TYPE_CHECKING:
    from ..checks import Component

VALUE, GRADIENT, NAME, FAINT = "green", "red", "bold", "dim"
STYLES = {
    "node": NAME,
    "value": VALUE,
    "upstream": GRADIENT,
    "downstream": GRADIENT,
    "pattern": FAINT,
    "input": "",
    "local": "",
    "expression": "",
    "shape": FAINT,
}
TEXT_COLUMNS = frozenset(("node", "expression", "shape", "input", "pattern"))

MOST_VERDICTS = 8
REPEATS = 3
"""Edges of a node that show its upstream gradient again; after these it is the same."""

PROSE = 80
"""Columns of sentences where there is no terminal."""

Line = dict[str, str]


class Layout(NamedTuple):
    """What gives way where the width is short, in this order."""

    text: str  # "text": expressions over the inputs; "gate": over the names of the operands
    inline: bool  # a sum of contributions in one line, or one below the other
    pattern: str  # "full", "last" word, or "" for none


LAYOUTS = (
    Layout("text", True, "full"),
    Layout("gate", True, "full"),
    Layout("gate", True, "last"),
    Layout("gate", False, "last"),
    Layout("gate", False, ""),
)

COLUMNS = {
    "table": ("node", "expression", "value", "input", "local", "upstream", "downstream", "pattern"),
    "forward": ("node", "expression", "value"),
    "backward": ("node", "expression", "upstream", "input", "local", "downstream", "pattern"),
}


def render(
    report: Report,
    screen: Screen,
    *,
    which: str = "table",
    digits: int | None = 6,
    most: int = 1000,
    entries: float = 64,
    quiet: bool = False,
) -> str:
    """The report as text.

    Args:
        report: the report; its nodes are used up.
        screen: where it will be read; its width decides the layout.
        which: the table, one pass by itself, or both passes one after the other.
        digits: significant digits, None for all.
        most: the most nodes shown; the rest is counted.
        entries: the most entries of a tensor shown whole.
        quiet: only value and gradient.
    """
    page = Page(screen, digits, entries, report.tensors)
    if not quiet:
        nodes, left_out = _shown(report.nodes, report.node_count, most)
        if report.mode == "forward":
            page.tangents(nodes, list(report.gradient), left_out)
        else:
            for title in ("forward", "backward") if which == "both" else (which,):
                if which == "both":
                    page.line(f"{title} pass", NAME)
                page.nodes(nodes, title, left_out)
                page.line("")
        page.jacobians(nodes)
    page.summary(report)
    return page.text()


def _shown(nodes: Iterable[NodeRecord], count: int, most: int) -> tuple[list[NodeRecord], int]:
    """The first and the last nodes, and how many are left out between them."""
    if count <= most:
        return list(nodes), 0
    iterator = iter(nodes)
    head = list(islice(iterator, most - most // 2))
    for _ in islice(iterator, count - most):
        pass
    return head + list(iterator), count - most


def _lines(node: NodeRecord, layout: Layout, digits: int | None, most: float, fold: int) -> list[Line]:
    """The table's lines for a node: a block per edge, and at a fan-out the sum of what the edges from above brought."""
    upstream = cell(node.upstream, digits, most, fold)
    arriving = upstream
    if len(node.contributions) > 1:
        if is_tensor(node.upstream):
            arriving = sum_lines(node.contributions, node.upstream, digits, most, fold)
        elif layout.inline:
            arriving = [sum_of(node.contributions, node.upstream, digits)]
        else:
            parts = [figure(part, digits) for part in node.contributions]
            if len(parts) > 8:
                parts = [*parts[:7], f"… {len(parts)} terms"]
            rest = [f"- {part[1:]}" if part.startswith("-") else f"+ {part}" for part in parts[1:]]
            arriving = [parts[0], *rest, f"= {upstream[0]}"]
    cells = {
        "node": [node.name],
        "expression": [node.text if layout.text == "text" else node.gate],
        "shape": [written(node.shape)],
        "value": cell(node.value, digits, most, fold),
        "pattern": [node.pattern.split()[-1] if layout.pattern == "last" else node.pattern],
        "upstream": list(arriving),
        "input": [],
        "local": [],
        "downstream": [],
    }
    at = len(arriving) - len(upstream)  # the first edge stands where the sum does
    for number, edge in enumerate(node.inputs):
        parts_of_edge = {
            "input": [edge.name],
            "local": local_cell(edge.local, digits, most, fold),
            "downstream": cell(edge.downstream, digits, most, fold),
            "upstream": [] if not number else upstream if number < REPEATS or len(upstream[0]) < 9 else ["the same"],
        }
        for head, lines in parts_of_edge.items():
            if lines:
                cells[head] += [""] * (at - len(cells[head])) + lines
        at = max(len(cells[head]) for head in parts_of_edge)
    height = max(map(len, cells.values()))
    return [{head: lines[n] for head, lines in cells.items() if n < len(lines)} for n in range(height)]


def _fold(text: str, width: int) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


LEAD = 14
"""Columns for what stands before a tensor, such as ``  to x: diag(``."""


class Page:
    """What is printed, as spans of text with a style each.

    Rich brings the styles to the screen, without markup, emoji and highlighting, so foreign text is left alone. Where
    there are no colors the text is the page, and Rich, a third of the whole command's time, is not even imported.
    """

    def __init__(self, screen: Screen, digits: int | None, entries: float, tensors: bool) -> None:
        self.screen = screen
        self.digits = digits
        self.entries = entries
        self.tensors = tensors
        self.width = screen.width or 100_000
        self.fold = max(min(LINE, self.width - LEAD), 1) if screen.width else FILE_LINE
        self.spans: list[tuple[str, str]] = []

    def text(self) -> str:
        if not self.screen.color:
            text = "".join(text for text, _ in self.spans)
            return "\n".join(line.rstrip() for line in text.split("\n"))
        from rich.console import Console
        from rich.text import Text

        console = Console(
            force_terminal=True, color_system="standard", legacy_windows=False, width=self.width, _environ={}
        )
        with console.capture() as captured:
            console.print(Text.assemble(*self.spans), end="", soft_wrap=True)
        return captured.get()

    def write(self, content: str, style: str = "") -> None:
        self.spans.append((self.screen.show(content), style))

    def end(self) -> None:
        self.spans.append(("\n", ""))

    def line(self, content: str, style: str = "") -> None:
        """A line of its own, folded between words where the screen is narrower; numbers stay whole."""
        content = self.screen.show(content)
        for part in _fold(content, max(self.width, 10)) if columns(content) > self.width else [content]:
            self.write(part, style)
            self.end()

    def prose(self, told: Iterable[str]) -> None:
        """Sentences below an empty line, folded; also where there is no terminal, since no number is cut."""
        width = max(min(self.width, PROSE), 20)
        for at, sentence in enumerate(told):
            if not at:
                self.line("")
            sentence = self.screen.show(sentence)
            for line in textwrap.wrap(sentence, width, break_long_words=False, break_on_hyphens=False):
                self.line(line)

    def grid(self, heads: list[str], rows: Iterable[list[str]], styles: list[str], left: Container[str]) -> bool:
        """Write columns under their heads, if they fit; text flush left, numbers flush right."""
        table = [[self.screen.show(cell) for cell in row] for row in (heads, *rows)]
        widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
        whole = sum(widths) + 2 * (len(widths) - 1)
        if whole > self.width:
            return False
        for at, row in enumerate(table):
            for head, text, width, style in zip(heads, row, widths, styles, strict=True):
                padding = " " * (width - columns(text))
                gap = "  " if head != heads[-1] else ""
                self.spans.append(((text + padding if head in left else padding + text) + gap, style if at else FAINT))
            self.end()
            if not at:
                self.line("─" * whole, FAINT)
        return True

    def nodes(self, nodes: list[NodeRecord], which: str, left_out: int) -> None:
        """The nodes in the widest layout that fits."""
        order = list(reversed(nodes)) if which == "backward" else nodes
        gap = (len(nodes) // 2 if which == "backward" else len(nodes) - len(nodes) // 2) if left_out else -1
        for layout in LAYOUTS:
            heads = [head for head in self.heads(which) if head != "pattern" or layout.pattern]
            rows = []
            for at, node in enumerate(order):
                if at == gap:
                    rows.append(["…", f"{left_out:,} nodes not shown", *[""] * (len(heads) - 2)])
                lines = _lines(node, layout, self.digits, self.entries, self.fold)
                found = [[line.get(head, "") for head in heads] for line in lines]
                rows += [row for row in found if any(row)]
            if self.grid(heads, rows, [STYLES[head] for head in heads], TEXT_COLUMNS):
                return
        self.blocks(order, which, gap, left_out)

    def heads(self, which: str) -> list[str]:
        """The columns; programs of tensors have one for the shape."""
        return [
            column
            for head in COLUMNS[which]
            for column in (("expression", "shape") if self.tensors and head == "expression" else (head,))
        ]

    def figures(self, lead: str, lines: Cell, style: str = "", tail: str = "") -> None:
        """A number or tensor behind its lead; further lines stand below the first, as does a tail without room."""
        if tail and len(lines) > 1 and columns(lead + lines[-1].rstrip() + tail) > self.width:
            lines, tail = [*lines, tail.lstrip()], ""
        for at, line in enumerate(lines):
            self.write(lead if not at else " " * columns(lead))
            self.write(line if at < len(lines) - 1 else line.rstrip() + tail if tail else line, style)
            self.end()

    def blocks(self, nodes: list[NodeRecord], which: str, gap: int, left_out: int) -> None:
        """For narrow terminals: a block per node, a product per line."""
        for at, node in enumerate(nodes):
            if at == gap:
                self.line(f"… {left_out:,} nodes not shown", FAINT)
            self.line(node.name if node.gate == node.name else f"{node.name} = {node.gate}", NAME)
            if is_tensor(node.value):
                self.tensor_block(node, which)
                continue
            if which != "backward":
                self.line(f"  value {figure(node.value, self.digits)}", VALUE)
            if which == "forward":
                continue
            upstream = figure(node.upstream, self.digits)
            many = len(node.contributions) > 1
            shown = sum_of(node.contributions, node.upstream, self.digits) if many else upstream
            self.line(f"  upstream {shown}", GRADIENT)
            for edge in node.inputs:
                if is_tensor(edge.downstream):
                    self.tensor_product(edge)
                    continue
                local, downstream = local_cell(edge.local, self.digits, 1)[0], figure(edge.downstream, self.digits)
                product = f"  to {edge.name}: {local} × {upstream} = {downstream}"
                for part in (
                    [product] if columns(product) <= self.width else product.replace(" = ", "\n    = ").split("\n")
                ):
                    self.line(part)
            if node.pattern != "input":
                self.line(f"  {node.pattern}", FAINT)

    def tensor_block(self, node: NodeRecord, which: str) -> None:
        """A node of a tensor, for narrow terminals."""
        self.line(f"  shape {written(node.shape)}", FAINT)
        if which != "backward":
            self.figures("  value ", cell(node.value, self.digits, self.entries, self.fold), VALUE)
        if which == "forward":
            return
        if len(node.contributions) > 1:
            self.figures(
                "  upstream ",
                sum_lines(node.contributions, node.upstream, self.digits, self.entries, self.fold),
                GRADIENT,
            )
        else:
            self.figures("  upstream ", cell(node.upstream, self.digits, self.entries, self.fold), GRADIENT)
        for edge in node.inputs:
            self.tensor_product(edge)
        if node.pattern != "input":
            self.line(f"  {node.pattern}", FAINT)

    def tensor_product(self, edge: EdgeRecord) -> None:
        """local × upstream = downstream, for narrow terminals."""
        told = not isinstance(edge.local, float) and edge.local.factor is None
        self.figures(
            f"  to {edge.name}: ",
            local_cell(edge.local, self.digits, self.entries, self.fold),
            "",
            "" if told else " × upstream",
        )
        self.figures("    = ", cell(edge.downstream, self.digits, self.entries, self.fold), GRADIENT)

    def jacobians(self, nodes: list[NodeRecord]) -> None:
        """The Jacobians asked for, each with its axes' names."""
        from ..structure import MOST_BYTES

        for node in nodes:
            for edge in node.inputs:
                jacobian = edge.jacobian
                if jacobian is None:
                    continue
                rows, across = (edge.name, node.name) if jacobian.layout == "lecture" else (node.name, edge.name)
                title = f"∂{node.name}/∂{edge.name}, {jacobian.shape[0]}×{jacobian.shape[1]}"
                if jacobian.matrix is None:
                    instead = (
                        f"; the numbers multiplied with take {in_bytes(jacobian.implicit)}" if jacobian.implicit else ""
                    )
                    self.line(f"{title}: not written out, it would take {in_bytes(jacobian.bytes)}{instead}", NAME)
                    if jacobian.bytes <= MOST_BYTES:
                        self.line(f"  --limit jacobian={max(jacobian.shape)} writes it out", FAINT)
                else:
                    self.line(f"{title}: rows are entries of {rows}, columns of {across}", NAME)
                    heads = ["", *jacobian.columns]
                    body = [
                        [name, *(figure(x, self.digits) for x in row)]
                        for name, row in zip(jacobian.rows, jacobian.matrix, strict=True)
                    ]
                    if not self.grid(heads, body, [FAINT, *[""] * len(jacobian.columns)], ("",)):
                        for name, *figures in body:
                            self.line(f"  {name}: {' '.join(figures)}")
                self.line("")

    def tangents(self, nodes: list[NodeRecord], inputs: list[str], left_out: int) -> None:
        """Forward mode: every node's value and derivative with respect to the inputs, as many as there is room for."""
        heads = [*self.heads("forward"), *[f"∂/∂{name}" for name in inputs]]
        least = len(heads) - len(inputs)
        styles = [STYLES[head] for head in heads[:least]] + [GRADIENT] * len(inputs)
        rows = []
        for at, node in enumerate(nodes):
            if left_out and at == len(nodes) - len(nodes) // 2:
                rows.append(["…", f"{left_out:,} nodes not shown", *[""] * (len(heads) - 2)])
            cells = [
                [node.name],
                [node.gate],
                [written(node.shape)],
                cell(node.value, self.digits, self.entries, self.fold),
            ]
            cells = cells if self.tensors else [*cells[:2], cells[3]]
            cells += [cell(node.tangents[name], self.digits, self.entries, self.fold) for name in inputs]
            rows += [list(row) for row in zip_longest(*cells, fillvalue="")]
        room = len(heads)
        while room > least and not self.grid(heads[:room], [row[:room] for row in rows], styles[:room], TEXT_COLUMNS):
            room -= 1
        if room == least:
            for node in nodes:
                self.line(node.name if node.gate == node.name else f"{node.name} = {node.gate}", NAME)
                self.figures("  value ", cell(node.value, self.digits, self.entries, self.fold), VALUE)
                for name in inputs:
                    lead = self.screen.show(f"  ∂/∂{name} ")
                    self.figures(lead, cell(node.tangents[name], self.digits, self.entries, self.fold), GRADIENT)
        elif room < len(heads):
            self.line(f"{len(heads) - room} more inputs do not fit here; the gradient below has them all", FAINT)
        self.line("")

    def summary(self, report: Report) -> None:
        """Value, gradient, and what the check found."""
        output = report.output_name
        if self.tensors:
            self.tensor_summary(report)
            return
        self.line(f"{output} = {figure(report.value, self.digits)}", VALUE)
        verdicts = {} if report.check is None else {c.input: c for c in report.check.components}
        heads = [f"∂{output}/∂{name}" for name in report.gradient]
        figures = [figure(g, self.digits) for g in report.gradient.values()]
        left, right = max(map(columns, heads), default=0), max(map(len, figures), default=0)
        numeric = {n: figure(c.numeric, self.digits) for n, c in verdicts.items() if c.numeric is not None}
        widest = max(map(len, numeric.values()), default=0)
        for name, head, shown in zip(report.gradient, heads, figures, strict=True):
            more = ""
            if report.digits_trusted is not None:
                more += f"  {report.digits_trusted[name]:.0f} digits trusted"
            if name in numeric:
                more += f"  numeric {numeric[name]:<{widest}}"
            if name in verdicts:
                more += f"  {verdicts[name].phrase()}"
            self.write(f"{head}{' ' * (left - columns(head))} = ")
            self.write(f"{shown:<{right}}" if more else shown, GRADIENT)
            if left + right + 3 + len(more) > self.width:  # what was found goes on a line of its own
                self.end()
                self.line(f"  {more}", FAINT)
            else:
                self.write(more, FAINT)
                self.end()
        for name, component in verdicts.items():
            if name not in report.gradient:  # a direction, in place of the components
                self.line(f"{name}  {component.phrase()}")
        if report.check is not None:
            self.line(report.check.summary(), NAME)

    def tensor_summary(self, report: Report) -> None:
        """Value, gradient and verdicts of a program of tensors."""
        output = report.output_name
        weighted = "upstream · " if is_tensor(report.value) else ""
        self.figures(f"{output} = ", cell(report.value, self.digits, self.entries, self.fold), VALUE)
        heads = {name: f"{weighted}∂{output}/∂{name}" for name in report.gradient}
        left = max(map(columns, heads.values()), default=0)
        components = [] if report.check is None else report.check.components
        for name, g in report.gradient.items():
            lead = self.screen.show(f"{heads[name]}{' ' * (left - columns(heads[name]))} = ")
            self.figures(lead, cell(g, self.digits, self.entries, self.fold), GRADIENT)
            if report.digits_trusted is not None:
                self.line(f"  {report.digits_trusted[name]:.0f} digits trusted", FAINT)
            for line in verdict_lines([c for c in components if c.name == name]):
                self.line(f"  {line}", FAINT)
        for component in components:
            if component.name not in report.gradient:  # a direction, in place of the components
                self.line(f"{component.input}  {component.phrase()}")
        if report.check is not None:
            self.line(report.check.summary(), NAME)


def verdict_lines(components: list[Component]) -> list[str]:
    """What a check found of one input: the entries that agree together, the others one by one."""
    agreeing = [c for c in components if c.verdict == "agree"]
    found = []
    if agreeing:
        digits = min(c.digits or 0.0 for c in agreeing)
        alone = "agrees" if len(components) == 1 else f"{agreeing[0].input} agrees"
        count = f"{len(agreeing)} entries agree" if len(agreeing) > 1 else alone
        found.append(f"{count} to {'at least ' if len(agreeing) > 1 else ''}{digits:.0f} digits")
    others = [c for c in components if c.verdict != "agree"]
    found += [f"{c.input}: {c.phrase()}" for c in others[:MOST_VERDICTS]]
    if len(others) > MOST_VERDICTS:
        found.append(f"{len(others) - MOST_VERDICTS:,} more entries are not simply right; --json has all")
    return found
