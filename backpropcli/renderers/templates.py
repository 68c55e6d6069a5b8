"""Explanations with holes: the sentences of `explain`, with instructions in the place of numbers.

A page fills the holes, and fills them anew when an input changes. Where the words themselves depend on the numbers, as
at a gate that is open or closed, a template has a case for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import printable
from ..explain import ROUTER, Contribution, Explanation, GradientStep, Omitted, Product, ValueStep
from ..formulas import Formula
from ..graph import Graph
from ..replay import Replay
from ..shapes import Shape, size
from ..structure import Local
from ..text import ids
from ..values import Value
from ..words import Words
from .explain import Reader
from .notation import Notation
from .pages import Entry, Math, Parts

OPEN, CLOSE, TERM, FORMULA, SIGNED = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "-\ufdd4"
"""Around a hole, between terms, before a term that is left out where it grows too long, and before a hole whose number
may be negative: no characters of text."""
HOLE = re.compile(f"{OPEN}([bde]*)([0-9]+){CLOSE}")
NEGATED = re.compile(rf"(?<!\w)\({SIGNED}({HOLE.pattern})\)")
SWITCHES = ("gradient switch", "gradient blocker")


class Slot(float):
    """A number that an instruction makes; of a tensor only its shape counts."""

    instruction: int
    hole: str
    shape: Shape
    size: int

    @classmethod
    def of(cls, value: Value, instruction: int, flags: str = "") -> Slot:
        shape = getattr(value, "shape", ())
        found = cls("nan" if shape else value)
        found.instruction, found.hole = instruction, f"{OPEN}{flags}{instruction}{CLOSE}"
        found.shape, found.size = shape, size(shape)
        return found


class Holes(Notation):
    """Plain text with holes. Brackets around a number, where it is negative, are the hole's own affair."""

    def name(self, name: str) -> str:
        return printable(name)

    def number(self, x: float) -> str:
        return x.hole if isinstance(x, Slot) else super().number(x)

    def value(self, value: Value) -> str:
        return value.hole if isinstance(value, Slot) else super().value(value)

    def factor(self, written: str) -> str:
        return _flagged(written, "b") if HOLE.fullmatch(written) else super().factor(written)

    def diagonal(self, written: str) -> str:
        return _flagged(written, "d") if HOLE.fullmatch(written) else super().diagonal(written)

    def formula(self, formula: Formula, name_of: Any) -> str:
        """With a minus before every hole, the language itself says where a negative number needs brackets."""
        signed = formula.text(lambda node: _signed(name_of(node)), 50 * self.limit, self.number).replace("@", " · ")
        if OPEN not in signed:
            return signed if len(signed) <= self.limit else ""
        bracketed = NEGATED.sub(lambda found: _flagged(found[1], "b"), signed)
        return FORMULA + bracketed.replace(SIGNED, "")

    def equation(self, terms: Any) -> str:
        return TERM.join(filter(None, terms))


def _signed(name: str) -> str:
    return SIGNED + name if name.startswith(OPEN) else name


def _flagged(hole: str, flag: str) -> str:
    return hole.replace(OPEN, OPEN + flag)


class Choice(NamedTuple):
    """What is said depends on numbers.

    Attributes:
        pick: how the case is found, by the page's script.
        at: the instructions that it looks at.
        cases: what is said in each; nothing in one that is not there.
    """

    pick: str
    at: list[int]
    cases: dict[str, Any]


class Said(NamedTuple):
    """What is said of a step: lines, what is handed to each operand, and what is to be noted."""

    lines: Sequence[Parts | Choice]
    items: Sequence[list[Parts] | Choice]
    notes: Sequence[Choice]

    def plain(self) -> list[Any]:
        """The same as plain data."""
        items = [plain(item) if isinstance(item, Choice) else [_line(line) for line in item] for item in self.items]
        return [[plain(line) for line in self.lines], items, [plain(note) for note in self.notes]]


def lines_of(entry: Entry | Parts) -> list[Parts]:
    assert isinstance(entry, Entry)
    return entry.lines


class Template(Reader):
    """An explanation, whose numbers are slots, as entries with choices."""

    def __init__(self, explanation: Explanation, words: Words, digits: int, limit: int, graph: Graph, made: Replay):
        super().__init__(_slotted(explanation, graph, made), words, Holes(digits, limit))
        self.graph = graph
        self.made = made
        self.nodes = {name: i for i, name in enumerate(ids(graph))}
        self.alike = False

    def same(self, factor: Value) -> float | None:
        if not isinstance(factor, Slot):
            return super().same(factor)
        return Slot.of(0.0, factor.instruction, "e") if self.alike else None

    def said(self, step: ValueStep | GradientStep) -> Said:
        """What is said of a step."""
        return self.value_said(step) if isinstance(step, ValueStep) else self.gradient_said(step)

    def value_said(self, step: ValueStep) -> Said:
        node = self.nodes[step.id]
        at = [self.made.values[i] for i in dict.fromkeys((node, *self.graph.operands[node]))]
        return Said(lines_of(self.value(step)), [], [Choice("lost", at, {})])

    def gradient_said(self, step: GradientStep) -> Said:
        step = step._replace(notes=[])
        locals_ = [p.local if isinstance(p.local, float) else p.local.factor for p in step.products]
        at = [slot.instruction for slot in locals_ if isinstance(slot, Slot)]
        lines: list[Parts | Choice] = [*lines_of(self.gradient(step))]
        if step.products and step.pattern in SWITCHES and len(at) == len(locals_):
            ways = [way for way in ("open", "closed", "") if f"way.{step.pattern}{way and '.'}{way}" in self.words]
            cases = {way: lines_of(self.gradient(step._replace(way=way)))[-1] for way in ways}
            lines[-1] = Choice("way", at, cases)
        return Said(lines, [self.item(step, product) for product in step.products], self.conventions(step, at))

    def item(self, step: GradientStep, product: Product) -> list[Parts] | Choice:
        """What one operand gets, in every case."""
        if product.why in ("chosen", "not chosen", "tied") and isinstance(product.local, Slot):
            words = ("chosen", "not chosen", "tied")
            return Choice(
                "why", [product.local.instruction],
                {why: self.product(step, product._replace(why=why)) for why in words},
            )  # fmt: skip
        factor = None if isinstance(product.local, float) else product.local.factor
        if product.carried is not None or product.why == "gradient" or not isinstance(factor, Slot):
            return self.product(step, product)
        cases = {}
        for self.alike in (True, False):
            cases["same" if self.alike else ""] = self.product(step, product)
        return Choice("same", [factor.instruction], cases)

    def moves(self) -> Iterator[Parts]:
        """What the page says by itself: the signs of gradients sort the inputs."""
        return iter(())

    def conventions(self, step: GradientStep, locals_: list[int]) -> Sequence[Choice]:
        """What is said where there is no derivative."""
        node = self.nodes[step.id]
        if node not in self.made.kinks:
            return []
        operation = self.graph.operations[node]
        flat = operation.condition or operation.pattern == "gradient blocker"
        code = "tie" if operation.pattern == ROUTER else "jump" if flat else "kink"
        arrived = self.made.upstream[node]
        cases = {"kink": self.say(f"note.{code}"), "steep": self.say("note.vertical-tangent")}
        return [Choice("kink", [n for n in (self.made.kinks[node], arrived, *locals_) if n is not None], cases)]


def _slotted(explanation: Explanation, graph: Graph, made: Replay) -> Explanation:
    """The explanation with slots in the place of numbers."""
    node = {name: i for i, name in enumerate(ids(graph))}
    arriving: list[list[int]] = [[] for _ in graph.operations]
    for i, row in enumerate(made.edges):
        operands = _active(graph, made, i)
        for j, edge in zip(operands, row, strict=True):
            arriving[j].append(edge.downstream)

    def value_step(step: ValueStep | Omitted) -> ValueStep | Omitted:
        return (
            step if isinstance(step, Omitted) else step._replace(value=Slot.of(step.value, made.values[node[step.id]]))
        )

    def gradient_step(step: GradientStep | Omitted) -> GradientStep | Omitted:
        if isinstance(step, Omitted):
            return step
        i = node[step.id]
        upstream = made.upstream[i]
        assert upstream is not None
        parts = step.contributions
        slots = ([upstream] if len(parts) == 1 else []) if step.seed else arriving[i]
        contributions = [
            Contribution(part.source, Slot.of(part.value, n)) for part, n in zip(parts, slots, strict=True)
        ]
        products = [_product(product, *edge) for product, edge in zip(step.products, made.edges[i], strict=True)]
        return step._replace(upstream=Slot.of(step.upstream, upstream), contributions=contributions, products=products)

    return explanation._replace(
        forward=[value_step(step) for step in explanation.forward or ()],
        backward=[gradient_step(step) for step in explanation.backward or ()],
        value=Slot.of(explanation.value, made.values[node[explanation.output_id]])
        if explanation.output_id else explanation.value,
        gradient={
            name: Slot.of(g, n) if (n := made.upstream[graph.inputs[name]]) is not None else g
            for name, g in explanation.gradient.items()
        },
        values=[Slot.of(value, n) for value, n in zip(explanation.values, made.values, strict=True)],
    )  # fmt: skip


def _active(graph: Graph, made: Replay, i: int) -> list[int]:
    """The operands that the edges of a node lead to."""
    return [j for j in graph.operands[i] if made.upstream[j] is not None] if made.edges[i] else []


def _product(product: Product, local: int | None, downstream: int) -> Product:
    own: float | Local = product.local
    if local is not None:
        if isinstance(own, float):
            own = Slot.of(own, local)
        elif own.factor is not None:
            own = own._replace(factor=Slot.of(own.factor, local))
    return product._replace(local=own, downstream=Slot.of(product.downstream, downstream))


def plain(found: Parts | Choice) -> Any:
    """A line or a choice as plain data.

    A hole is the number of its instruction; -1 less that where it is put in brackets if it is negative; or flags and a
    number.
    """
    if isinstance(found, Choice) and not found.cases:
        return found.at
    if isinstance(found, Choice):
        several = found.pick in ("why", "same")
        cases = {key: [_line(line) for line in case] if several else _line(case) for key, case in found.cases.items()}
        return {"pick": found.pick, "at": found.at, "cases": cases}
    return _line(found)


def _line(parts: Parts) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        if isinstance(part, Math):
            found.append({"m": [_term(term) for term in part.split(TERM)]})
        elif found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(str(part))
    return found


def _term(term: str) -> Any:
    limited = term.startswith(FORMULA)
    pieces: list[Any] = []
    at = 0
    term = term.replace(FORMULA, "")
    for hole in HOLE.finditer(term):
        pieces += [term[at : hole.start()]] if hole.start() > at else []
        instruction = int(hole[2])
        pieces.append({"": instruction, "b": -1 - instruction}.get(hole[1], [hole[1], instruction]))
        at = hole.end()
    pieces += [term[at:]] if at < len(term) else []
    if limited:
        return {"f": pieces}
    return pieces[0] if len(pieces) == 1 and not isinstance(pieces[0], list) else pieces
