"""DOT, the language of Graphviz, which lays the circuit out itself. Labels are its HTML-like ones: values stand above
gradients, and what is foreign is escaped as in HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..circuit import FOLD, INPUT, Circuit, Gate
from ..errors import printable
from ..values import Value
from .metrics import FONTS
from .numbers import brief

VALUE, GRADIENT = "#0d652d", "#b3261e"


def render(circuit: Circuit, digits: int = 4) -> Iterator[str]:
    """The circuit as a directed graph; a value that is used several times goes through a point, its copy gate."""
    gates = circuit.gates
    font = FONTS[1]
    yield "digraph circuit {\n"
    yield f"  graph [rankdir=LR, tooltip={_quoted(circuit.expression)}, fontname={font}]\n"
    yield f"  node [shape=circle, fontname={font}, fixedsize=false]\n"
    yield f'  edge [fontname={font}, fontsize=11, color="#5f6368"]\n'
    for i, gate in enumerate(gates):
        yield f"  g{i} [label={_quoted(_name(gate))}, tooltip={_quoted(_title(gate))}{_shape(gate)}]\n"
        if gate.uses > 1:
            yield f"  c{i} [shape=point, width=0.07, tooltip={_quoted('copy gate, gradient adder')}]\n"
            yield f"  g{i} -> c{i} [label={_label(gate, gate.gradient, digits)}, arrowhead=none]\n"
    for i, gate in enumerate(gates):
        for source, gradient in gate.entries:
            origin = gates[source]
            if origin.uses > 1:
                yield f"  c{source} -> g{i} [label={_label(None, gradient, digits)}]\n"
            else:
                yield f"  g{source} -> g{i} [label={_label(origin, gradient, digits)}]\n"
    last = gates[-1]
    yield f"  out [shape=plain, label={_quoted(circuit.output)}]\n"
    yield f"  g{len(gates) - 1} -> out [label={_label(last, last.gradient, digits)}]\n}}\n"


def _name(gate: Gate) -> str:
    return gate.label if gate.kind == INPUT else gate.text if gate.kind == FOLD else gate.sign


def _title(gate: Gate) -> str:
    return f"{gate.label} = {gate.text}, {gate.pattern}"


def _shape(gate: Gate) -> str:
    if gate.kind == INPUT:
        return ", shape=plain"
    return ", shape=box, style=dashed" if gate.kind == FOLD else ""


def _label(gate: Gate | None, gradient: Value | None, digits: int) -> str:
    """The value above, where a gate is given, and the gradient below, if there is one."""
    lines = []
    if gate is not None:
        if gate.name and gate.kind != INPUT:
            lines.append(_html(gate.name))
        lines += [f'<font color="{VALUE}">{_html(line)}</font>' for line in brief(gate.value, digits)]
    if gradient is not None:
        lines += [f'<font color="{GRADIENT}"><i>{_html(line)}</i></font>' for line in brief(gradient, digits)]
    return f"<{'<br/>'.join(lines)}>" if lines else '""'


def _html(text: str) -> str:
    return escape(printable(text))


def _quoted(text: str) -> str:
    """A quoted string: Graphviz reads ``\\N`` and its kind, and entities such as ``&amp;``, within."""
    text = " ".join(printable(text).split())
    return '"' + text.replace("\\", "\\\\").replace("&", "&amp;").replace('"', '\\"') + '"'
