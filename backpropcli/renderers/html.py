"""HTML: one page, without a network, that walks through both passes and computes anew when an input changes.

The drawing, the steps and the table are there as Python computed them. The script beside this module fills the same
places with other numbers: it carries out the instructions of `replay` and knows no derivative. It and the style sheet
are the only parts that a browser may run, by their hashes; whatever a user wrote is escaped text.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from ..circuit import FOLD, Circuit, circuit
from ..errors import printable
from ..explain import Explanation, GradientStep, Omitted, ValueStep, explain
from ..replay import Replay, instructions, replay
from ..report import EdgeRecord, NodeRecord, Report, Wanted, report
from ..shapes import written
from ..text import ids
from ..values import Value, entries, is_tensor, shape_of
from ..words import words_of
from . import svg
from .explain import Reader, source_line
from .fields import cells, pair
from .json import number as plain_number
from .notation import MOST_ENTRIES, Notation
from .numbers import cell, local_cell
from .pages import Entry, Math, Parts
from .scene import Shown, scene, typeset
from .templates import Said, Template

if TYPE_CHECKING:
    from ..api import Result

ENTRIES = 64
"""Tensors with more are fixed, and a table tells of them what can be said."""
WIDE = 10**9
"""Rows of a tensor are never folded."""
POLICY = "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'"
BUTTONS = (
    ("first", "First step", "Home"),
    ("back", "Step back", "←"),
    ("play", "Play", "space"),
    ("next", "Next step", "→"),
    ("last", "All steps", "End"),
)
ICONS = {
    "first": "M5 5h2v14H5zM19 5v14L9 12z",
    "back": "M17 5v14L7 12z",
    "play": "M7 5v14l12-7z",
    "next": "M7 5v14l10-7z",
    "last": "M17 5h2v14h-2zM5 5v14l10-7z",
}


def render(result: Result, fold: Callable[[Circuit], Circuit], digits: int = 4, text: int = 80) -> Iterator[str]:
    """The page, in pieces.

    Args:
        result: a result in reverse mode.
        fold: what is done to a circuit that is too large to be drawn.
        digits: significant digits; every one is told on hover, and the page computes with all.
        text: the most characters of an expression.
    """
    page = _Page(result, fold, digits, text)
    style, script = (_static(name) for name in ("page.css", "page.js"))
    policy, title = POLICY.format(_hash(script), _hash(style)), page.title
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1><code>{escape(title)}</code></h1>\n{page.answer()}</header>\n<main>\n"
    )
    yield '<section id="circuit" class="wide" role="region" tabindex="0" aria-label="Circuit">\n'
    yield from page.drawing()
    yield "</section>\n"
    yield f'<div class="columns{" tensors" * page.graph.tensors}">\n'
    yield from page.walk()
    yield from page.inputs()
    yield from page.table()
    yield f'</div>\n</main>\n<script type="application/json" id="page">{_data(page.data())}</script>\n'
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _static(name: str) -> str:
    """A part of the page that is the same in every one, without its comments and indents."""
    lines = [line.partition("  // ")[0].strip() for line in (files(__package__) / name).read_text("utf-8").splitlines()]
    found = "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))
    if name.endswith(".css"):
        for wide, close in ((": ", ":"), (" {", "{"), ("{ ", "{"), ("; ", ";"), (" }", "}")):
            found = found.replace(wide, close)
    return found


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode('utf-8')).digest()).decode('ascii')}'"


UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def _data(data: Any) -> str:
    """JSON that no text in it can end or open as markup."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(UNSAFE)


def _plain(data: list[Any]) -> list[Any]:
    """Instructions with words for numbers that are not finite."""
    found: list[Any] = []
    for item in data:
        if isinstance(item, float):
            found.append(plain_number(item))
        elif isinstance(item, list) and item[0] == "tensor":
            found.append([*item[:2], list(map(plain_number, item[2]))])
        else:
            found.append(item)
    return found


class _When(NamedTuple):
    """The steps at which a node's numbers appear.

    Attributes:
        value: the forward step; 0 for an input.
        gradient: the backward step.
        arrival: the step at which its upstream gradient is complete: that of the only node that uses it, or its own.
    """

    value: int
    gradient: int
    arrival: int


class _Page:
    """What stands on the page."""

    def __init__(self, result: Result, fold: Callable[[Circuit], Circuit], digits: int, text: int) -> None:
        self.result = result
        self.digits = digits
        self.limit = text
        graph = self.graph = result.program.graph
        self.report: Report = report(result, wanted=Wanted(text, signs=True))
        self.records: list[NodeRecord] = list(self.report.nodes)
        self.node = {name: i for i, name in enumerate(ids(graph))}
        made = replay(result)
        self.missing = made.missing
        self.made: Replay | None = None if made.missing else made
        self.words = words_of("en")
        self.explanation: Explanation = explain(result, most=2 * len(graph) + 2, text=text)
        self.when = self._when()
        self.last = len(self.explanation.forward or ()) + len(self.explanation.backward or ()) + 1
        self.drawn = fold(circuit(self.report._replace(nodes=iter(self.records))))
        self.slots = None if self.made is None else fold(circuit(self._slotted(self.made)))
        self.title = printable(source_line(self.report.expression) or self.report.output_name)

    def _when(self) -> list[_When]:
        count = len(self.graph)
        values, gradients = [0] * count, [0] * count
        for step in steps_of(self.explanation):
            (values if isinstance(step, ValueStep) else gradients)[self.node[step.id]] = step.number
        users: list[list[int]] = [[] for _ in range(count)]
        for i, row in enumerate(self.result.edges):
            for edge in row:
                users[edge.operand].append(gradients[i])
        arrivals = [
            own[0] if len(own) == 1 and i != self.result.output else gradients[i] for i, own in enumerate(users)
        ]
        return list(map(_When, values, gradients, arrivals))

    def _slotted(self, made: Replay) -> Report:
        """The report with the numbers of instructions, as tuples, which add up in a fold as the numbers would."""
        records = [
            record._replace(
                value=(made.values[record.node],),
                upstream=None if record.upstream is None else (made.upstream[record.node],),
                inputs=[
                    edge._replace(downstream=(own.downstream,))
                    for edge, own in zip(record.inputs, made.edges[record.node], strict=True)
                ],
            )
            for record in self.records
        ]
        return self.report._replace(nodes=iter(records))

    # The drawing.

    def drawing(self) -> Iterator[str]:
        return svg.render(scene(self.drawn, self.digits, roomy=True), self._mark)

    def _mark(self, shown: Shown) -> str:
        """When a number on the drawing appears, and where it comes from."""
        gate = self.drawn.gates[shown.gate]
        when = self.when[self.node[gate.id]] if gate.id else _When(0, 0, 0)
        if shown.kind == "part":
            source = self.drawn.gates[gate.entries[shown.entry].source]
            at = self.when[self.node[source.id]].gradient if gate.kind == FOLD else when.gradient
        else:
            at = when.value if shown.kind == "value" else when.arrival
        found = f' data-at="{at}"' if at else ""
        if self.slots is not None and gate.id:
            own = self.slots.gates[shown.gate]
            part = own.entries[shown.entry].gradient if shown.kind == "part" else None
            slots: Any = {"value": own.value, "gradient": own.gradient}.get(shown.kind, part)
            found += f' data-s="{" ".join(map(str, slots))}"'
            found += f' data-room="{shown.room}"' if shown.room != self.digits + 3 else ""
            found += f' data-line="{shown.line}"' if shown.line else ""
        return found

    def _gates(self) -> list[int]:
        """For every node the gate that it is, or is folded into; -1 for none."""
        found = [-1] * len(self.graph)
        for number, gate in enumerate(self.drawn.gates):
            if gate.id:
                found[self.node[gate.id]] = number
        for i in range(len(self.graph) - 1, -1, -1):
            for j in self.graph.operands[i]:
                if found[j] < 0:
                    found[j] = found[i]
        return found

    # The walk.

    def walk(self) -> Iterator[str]:
        """The step bar, and every step."""
        buttons = "".join(
            f'<button id="{name}" title="{label} ({key})">'
            f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{ICONS[name]}"/></svg></button>\n'
            for name, label, key in BUTTONS
        )
        yield (
            f'<section id="walk" aria-label="Step by step">\n<div class="bar" data-live hidden>\n{buttons}'
            f'<input id="scrub" type="range" min="0" max="{self.last}" value="{self.last}" aria-label="Step">\n'
            '<span id="place"></span>\n</div>\n<p id="said" role="status"></p>\n<ol id="steps">\n'
        )
        gates = self._gates()
        reader = Reader(self.explanation, self.words, Notation(self.digits, self.limit))
        yield f"<li><h3>{self.words['forward']}</h3>{_entry(self._leads(reader))}</li>\n"
        for step in steps_of(self.explanation):
            node, back = self.node[step.id], isinstance(step, GradientStep)
            where = f' data-node="{node}" data-gate="{gates[node]}"' + ' data-back=""' * back
            entry = reader.value(step) if isinstance(step, ValueStep) else reader.gradient(step)
            yield f"<li{where}><h3>{self.words['backward' if back else 'forward']}</h3>{_entry(entry)}</li>\n"
        yield f"<li><h3>{self.words['result']}</h3>{_entry(list(reader.result()))}</li>\n"
        yield "</ol>\n"
        if self.report.notes:
            notes = "".join(f"<li>{escape(printable(note.message))}</li>" for note in self.report.notes[:ENTRIES])
            yield f'<ul id="notes">{notes}</ul>\n'
        yield "</section>\n"

    def _leads(self, reader: Reader) -> list[Parts]:
        """What is said at the start."""
        leads = [reader.say("forward.lead"), reader.say("backward.lead")]
        if self.explanation.data:
            leads.append(reader.say("data", names=reader.names(self.explanation.data)))
        return leads

    # The inputs, and the answer.

    def answer(self) -> str:
        output = escape(printable(self.report.output_name))
        slot = "" if self.made is None else f' data-s="{self.made.values[self.result.output]}"'
        return f'<p id="answer"><var>{output}</var> = <output{slot}>{self._block(self.report.value)}</output></p>\n'

    def inputs(self) -> Iterator[str]:
        """A slider and a field for every number that can be changed."""
        if not self.graph.inputs:
            return
        yield '<section id="inputs" aria-labelledby="inputs-title">\n<h2 id="inputs-title">Inputs</h2>\n'
        if self.missing:
            names = ", ".join(self.missing)
            yield (
                f'<p class="note" id="fixed">This page cannot compute {escape(names)}: its numbers are those of the '
                "point that it was made for, and the inputs are fixed.</p>\n"
            )
        for name in self.graph.inputs:
            yield from self._input(name, self.result.at[name])
        if self.made is not None:
            yield '<button id="reset" data-live hidden>Back to the first point</button>\n'
        yield "</section>\n"

    def _input(self, name: str, value: Value) -> Iterator[str]:
        i = self.graph.inputs[name]
        shown = escape(printable(name))
        size = f" ({written(shape_of(value))})" if is_tensor(value) else ""
        gradient = ""
        if name in self.result.gradient:
            slot = "" if self.made is None else f' data-s="{self.made.upstream[i]}"'
            output, at = escape(printable(self.report.output_name)), self.when[i].arrival or self.when[i].gradient
            found = self._block(self.result.gradient[name])
            gradient = f'<span data-at="{at}"><var>∂{output}/∂{shown}</var> = <output{slot}>{found}</output></span>'
        yield f"<fieldset><legend><var>{shown}</var>{size}</legend>{gradient}\n"
        if self._changeable(value):
            number = list(self.graph.inputs).index(name)
            yield cells(number, name, value) if is_tensor(value) else pair(number, name, value)
        else:
            yield f"<p><var>{self._block(value)}</var></p>\n"
        yield "</fieldset>\n"

    def _changeable(self, value: Value) -> bool:
        return self.made is not None and (not is_tensor(value) or 0 < value.size <= ENTRIES)

    # The table.

    def table(self) -> Iterator[str]:
        """A row for every node, and one for each of its operands, as `eval` prints them."""
        columns = ["node", "expression", *(["shape"] if self.graph.tensors else []), "value"]
        columns += ["input", "local", "upstream", "downstream", "pattern"]
        numbers = ("value", "local", "upstream", "downstream")
        heads = "".join(f'<th scope="col"{_class("number" if c in numbers else "")}>{c}</th>' for c in columns)
        yield '<section id="nodes" class="wide" role="region" tabindex="0" aria-label="Nodes">\n'
        yield f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        for record in self.records:
            yield from self._rows(record)
        yield "</tbody>\n</table>\n</section>\n"

    def _rows(self, record: NodeRecord) -> Iterator[str]:
        when, made = self.when[record.node], self.made
        span = f' rowspan="{len(record.inputs)}"' if len(record.inputs) > 1 else ""
        shape = f"<td{span}>{written(record.shape)}</td>" if self.graph.tensors else ""
        value = None if made is None else made.values[record.node]
        upstream = None if made is None else made.upstream[record.node]
        head = (
            f"<td{span}>{escape(printable(record.name))}</td>"
            f"<td{span}>{escape(printable(record.text))}</td>{shape}"
            + self._cell("value", record.value, value, when.value, span)
        )
        arrived = (
            "<td></td>"
            if record.upstream is None
            else self._cell("gradient", record.upstream, upstream, when.arrival, span)
        )
        tail = f"<td{span}>{escape(printable(record.pattern))}</td>"
        for at, edge in enumerate(record.inputs or (None,)):
            found = f'<tr data-node="{record.node}"{_class("edge" if at else "")}>{"" if at else head}'
            if edge is None:
                found += f"<td></td><td></td>{arrived}<td></td>"
            else:
                own = None if made is None else made.edges[record.node][at]
                found += f"<td>{escape(printable(edge.name))}</td>"
                found += self._local(edge, None if own is None else own.local, when.gradient)
                found += "" if at else arrived
                found += self._cell("gradient", edge.downstream, own and own.downstream, when.gradient)
            yield found + ("" if at else tail) + "</tr>\n"

    def _cell(self, kind: str, value: Value, slot: int | None, at: int, span: str = "") -> str:
        source = "" if slot is None else f' data-s="{slot}"'
        when = f' data-at="{at}"' if at else ""
        return f'<td class="{kind}"{source}{when}{span}>{self._block(value)}</td>'

    def _local(self, edge: EdgeRecord, slot: int | None, at: int) -> str:
        local: Any = edge.local
        if isinstance(local, float):
            return self._cell("local", local, slot, at)
        source = ""
        if slot is not None and local.factor is not None:
            axes = f"{'axis' if len(local.axes) == 1 else 'axes'} {', '.join(map(str, local.axes))}"
            source = f' data-s="{slot}" data-kind="{local.kind}" data-axes="{axes}"'
        return f'<td class="local"{source} data-at="{at}">{_lines(local_cell(local, self.digits, ENTRIES, WIDE))}</td>'

    def _block(self, value: Value) -> str:
        return _lines(cell(value, self.digits, ENTRIES, WIDE))

    # What the script reads.

    def data(self) -> dict[str, Any]:
        inputs = [
            {
                "name": name,
                "at": -1 if self.made is None else self.made.inputs[name],
                "shape": list(shape_of(self.result.at[name])),
                "start": list(map(plain_number, entries(self.result.at[name]))),
                "fields": self._changeable(self.result.at[name]),
            }
            for name in self.graph.inputs
        ]
        key = "step"
        while key in self.graph.inputs:
            key += "_"
        found: dict[str, Any] = {"key": key, "inputs": inputs}
        if self.made is None:
            return found
        reader = Template(self.explanation, self.words, self.digits, self.limit, self.graph, self.made)
        ends = [Said(lines, [], []) for lines in (self._leads(reader), list(reader.result()))]
        said = [ends[0], *map(reader.said, steps_of(reader.explanation)), ends[1]]
        words = ("raise", "raise.up", "raise.down", "raise.and", "still", "note.not-finite")
        return found | {
            "digits": self.digits,
            "most": MOST_ENTRIES,
            "entries": ENTRIES,
            "limit": self.limit,
            "output": printable(self.report.output_name),
            "words": {key: self.words[key] for key in words},
            "script": _plain(instructions(self.made.graph)),
            "first": self._first(self.made),
            "steps": [one.plain() for one in said],
            "moves": self._moves(self.made),
        }

    def _moves(self, made: Replay) -> dict[str, Any] | None:
        """What is needed to say which inputs to raise."""
        if is_tensor(self.report.value) or is_tensor(self.result.seed):
            return None
        gradients = [
            [printable(name), made.upstream[self.graph.inputs[name]]]
            for name, g in self.result.gradient.items()
            if not is_tensor(g)
        ]
        return {"value": made.values[self.result.output], "seed": plain_number(self.result.seed), "of": gradients}

    def _first(self, made: Replay) -> list[list[Any]]:
        """The numbers at the first point, as Python has them; of large tensors the script's own will do."""
        known: dict[int, Value] = {}
        for record in self.records:
            known[made.values[record.node]] = record.value
            upstream = made.upstream[record.node]
            if upstream is not None and record.upstream is not None:
                known[upstream] = record.upstream
            for edge, own in zip(record.inputs, made.edges[record.node], strict=True):
                known[own.downstream] = edge.downstream
                local: Any = edge.local if isinstance(edge.local, float) else edge.local.factor
                if own.local is not None and local is not None:
                    known[own.local] = local
        return [
            [slot, list(shape_of(value)), *map(plain_number, entries(value))]
            for slot, value in sorted(known.items())
            if not is_tensor(value) or value.size <= ENTRIES
        ]


def steps_of(explanation: Explanation) -> Iterator[ValueStep | GradientStep]:
    """The steps of both passes; none is left out."""
    for step in (*(explanation.forward or ()), *(explanation.backward or ())):
        if not isinstance(step, Omitted):
            yield step


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _lines(lines: list[str]) -> str:
    return escape(typeset("\n".join(line.rstrip() for line in lines)))


def _entry(entry: Entry | list[Any]) -> str:
    """A step, or only its lines, as paragraphs and a list."""
    if not isinstance(entry, Entry):
        entry = Entry(0, entry, [], [])
    found = "".join(f"<p>{_parts(line)}</p>" for line in entry.lines)
    if entry.items:
        items = ("".join(f"<p>{_parts(line)}</p>" for line in item) for item in entry.items)
        found += "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
    return found + "".join(f'<p class="note">{_parts(line)}</p>' for line in entry.notes)


def _parts(parts: Parts) -> str:
    return "".join(
        f"<var>{escape(typeset(printable(part)))}</var>" if isinstance(part, Math) else escape(part) for part in parts
    )
