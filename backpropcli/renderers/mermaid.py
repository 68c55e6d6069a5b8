"""Mermaid, which Markdown pages draw: a flowchart from left to right."""

from __future__ import annotations

from collections.abc import Iterator

from ..circuit import FOLD, INPUT, Circuit, Gate
from ..errors import printable
from ..values import Value
from .numbers import brief

PLAIN = frozenset(" .,:=+*/^()[]{}…·×−√ᵀ|!-")
"""What stands in a quoted label as it is, beside letters and digits; all else is written by its number."""


def render(circuit: Circuit, digits: int = 4) -> Iterator[str]:
    """The circuit as a flowchart; a value that is used several times goes through a point, its copy gate."""
    gates = circuit.gates
    yield "flowchart LR\n"
    for i, gate in enumerate(gates):
        yield f"  g{i}{_node(gate)}\n"
        if gate.uses > 1:
            yield f'  c{i}(("•"))\n'
            yield f"  g{i} ---{_label(gate, gate.gradient, digits)} c{i}\n"
    for i, gate in enumerate(gates):
        for source, gradient in gate.entries:
            origin = gates[source]
            if origin.uses > 1:
                yield f"  c{source} -->{_label(None, gradient, digits)} g{i}\n"
            else:
                yield f"  g{source} -->{_label(origin, gradient, digits)} g{i}\n"
    last = gates[-1]
    yield f'  out["{_text(circuit.output)}"]\n'
    yield f"  g{len(gates) - 1} -->{_label(last, last.gradient, digits)} out\n"
    yield "  classDef plain fill:none,stroke:none\n"
    plain = ["out", *(f"g{i}" for i, gate in enumerate(gates) if gate.kind == INPUT)]
    yield f"  class {','.join(plain)} plain\n"


def _node(gate: Gate) -> str:
    if gate.kind == INPUT:
        return f'["{_text(gate.label)}"]'
    if gate.kind == FOLD:
        return f'[["{_text(gate.text)}"]]'
    return f'(("{_text(gate.sign)}"))' if len(gate.sign) <= 4 else f'(["{_text(gate.sign)}"])'


def _label(gate: Gate | None, gradient: Value | None, digits: int) -> str:
    """``|"value<br/>∇ gradient"|``."""
    lines = []
    if gate is not None:
        lead = f"{gate.name} = " if gate.name and gate.kind != INPUT else ""
        lines.append(_text(lead + ", ".join(brief(gate.value, digits))))
    if gradient is not None:
        lines.append("∇ " + _text(", ".join(brief(gradient, digits))))
    return f'|"{"<br/>".join(lines)}"|' if lines else ""


def _text(text: str) -> str:
    """Text in a quoted label: signs that Mermaid, Markdown or HTML could read become their numbers."""
    plain = " ".join(printable(text).split()) or " "  # an empty label is none
    return "".join(c if c.isalnum() or c in PLAIN else f"#{ord(c)};" for c in plain)
