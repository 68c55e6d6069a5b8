"""A result in a notebook: the table as HTML, with everything foreign escaped."""

from __future__ import annotations

from html import escape

from ..report import Report
from .numbers import figure, sum_of

HEADS = ("node", "expression", "value", "input", "local", "upstream", "downstream", "pattern")
MOST = 200


def render(report: Report, digits: int = 6) -> str:
    """The table, of at most 200 nodes, and the gradient."""
    rows = []
    for at, node in enumerate(report.nodes):
        if at == MOST:
            rows.append(f"<tr><td>…</td><td>{report.node_count - MOST:,} nodes not shown</td></tr>")
            break
        upstream = figure(node.upstream, digits)
        arriving = sum_of(node.contributions, node.upstream, digits) if len(node.contributions) > 1 else upstream
        edges = [(e.name, figure(e.local, digits), figure(e.downstream, digits)) for e in node.inputs] or [("", "", "")]
        for line, (name, local, downstream) in enumerate(edges):
            own = (node.name, node.text, figure(node.value, digits)) if line == 0 else ("", "", "")
            cells = (*own, name, local, upstream if line else arriving, downstream, "" if line else node.pattern)
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    gradient = ", ".join(
        f"∂{escape(report.output_name)}/∂{escape(n)} = {figure(g, digits)}" for n, g in report.gradient.items()
    )
    head = "".join(f"<th>{head}</th>" for head in HEADS)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<p>{escape(report.output_name)} = {figure(report.value, digits)}; {gradient}</p>"
    )
