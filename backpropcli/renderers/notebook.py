"""A result in a notebook: the table as HTML, with everything foreign escaped."""

from __future__ import annotations

from html import escape

from ..report import Report
from ..values import is_tensor
from .numbers import cell, figure, local_cell, sum_lines, sum_of

HEADS = ("node", "expression", "value", "input", "local", "upstream", "downstream", "pattern")
MOST = 200
ENTRIES = 64


def render(report: Report, digits: int = 6) -> str:
    """The table, of at most 200 nodes, and the gradient."""
    rows = []
    for at, node in enumerate(report.nodes):
        if at == MOST:
            rows.append(f"<tr><td>…</td><td>{report.node_count - MOST:,} nodes not shown</td></tr>")
            break
        upstream = cell(node.upstream, digits, ENTRIES)
        arriving = upstream
        if len(node.contributions) > 1:
            if is_tensor(node.upstream):
                arriving = sum_lines(node.contributions, node.upstream, digits, ENTRIES)
            else:
                arriving = [sum_of(node.contributions, node.upstream, digits)]
        edges = [
            ([e.name], local_cell(e.local, digits, ENTRIES), cell(e.downstream, digits, ENTRIES)) for e in node.inputs
        ] or [([], [], [])]
        for line, (name, local, downstream) in enumerate(edges):
            first = line == 0
            own = [[node.name], [node.text], cell(node.value, digits, ENTRIES)] if first else [[], [], []]
            cells = [*own, name, local, arriving if first else upstream, downstream, [node.pattern] if first else []]
            rows.append("<tr>" + "".join(_field(lines) for lines in cells) + "</tr>")
    head = "".join(f"<th>{head}</th>" for head in HEADS)
    output = report.output_name
    weighted = "upstream · " if is_tensor(report.value) else ""
    results = [(output, report.value), *((f"{weighted}∂{output}/∂{n}", g) for n, g in report.gradient.items())]
    if report.tensors:
        said = "".join(
            f'<p style="white-space:pre">{escape(_below(name, cell(value, digits, ENTRIES)))}</p>'
            for name, value in results
        )
    else:
        named = [f"{escape(name)} = {figure(value, digits)}" for name, value in results]
        said = f"<p>{named[0]}; {', '.join(named[1:])}</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{said}"


def _field(lines: list[str]) -> str:
    """A field of the table; the lines of a tensor stay below each other."""
    text = escape("\n".join(lines))
    return f'<td style="white-space:pre;font-family:monospace">{text}</td>' if len(lines) > 1 else f"<td>{text}</td>"


def _below(name: str, lines: list[str]) -> str:
    lead = f"{name} = "
    return "\n".join((lead if not at else " " * len(lead)) + line for at, line in enumerate(lines))
