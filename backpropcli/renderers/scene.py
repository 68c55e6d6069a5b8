"""A circuit laid out: every outline, wire and word with its place. SVG, TikZ and PNG draw this.

Values stand above their wire and gradients below it, just behind the gate that they belong to. Where a wire divides,
each branch has its part of the gradient just before the gate that it comes from. A unit is a pixel, y grows downward.
"""

from __future__ import annotations

import re
from math import sqrt
from typing import NamedTuple

from ..circuit import FOLD, INPUT, Circuit, Gate
from ..errors import printable
from ..layout import Box, Layout, Point, layout
from ..layout import Entry as Room
from ..shapes import written
from ..values import Value
from .metrics import cut, width
from .numbers import brief, cell

SIGN, LABEL, SMALL = 15.0, 13.0, 10.5
"""Sizes of type: in gates, on wires, and for shapes and the legend."""
LINE = 15.0
"""From one line of a label to the next."""
RADIUS, PORTS, CROWDED = 20.0, 16.0, 4
"""Of a gate; from one wire to the next that enters it; the most wires that enter a circle."""
ABOVE, BELOW, RISE = 6.0, 6.0, 10.0
"""Between a wire and its labels; how high a line of a label is above its base."""
STEM, ARROW, CLEAR = 8.0, 12.0, 3.0
"""Beside a label on each side; between a lane and its gate; around everything."""
MARGIN, LEGEND, GAP = 16.0, 360.0, 9.0
"""Around the drawing; the least width of a legend; between its signs and words."""
WIDEST = 170.0
"""A name or an expression that is wider is cut."""


class Shown(NamedTuple):
    """What number a line of text shows, for a page whose numbers change.

    Attributes:
        kind: ``value``, ``gradient``, or ``part``, that of an entry.
        gate: the number of the gate.
        entry: of a part the number of the entry, else -1.
        line: the number of the line, of a tensor in several.
        room: the characters that there is room for.
    """

    kind: str
    gate: int
    entry: int
    line: int
    room: int


class Text(NamedTuple):
    """A line of text.

    Attributes:
        x, y: its anchor, on the base line.
        content: the text.
        role: ``value``, ``gradient``, ``name``, ``sign`` or ``faint``.
        anchor: ``start``, ``middle`` or ``end``.
        size: of the type.
        title: what is told of it on hover.
        shown: the number that it shows, if it shows one.
    """

    x: float
    y: float
    content: str
    role: str
    anchor: str = "middle"
    size: float = LABEL
    title: str = ""
    shown: Shown | None = None

    @property
    def width(self) -> float:
        return width(self.content, self.size)


class Outline(NamedTuple):
    """A gate's outline: a rectangle with round corners, at most a circle.

    Attributes:
        x, y: its middle.
        dashed: something is folded in it.
    """

    x: float
    y: float
    width: float
    height: float
    radius: float
    dashed: bool


class Part(NamedTuple):
    """A gate or input: its outline, if it has one, and its words.

    Attributes:
        title: what is told of it on hover.
    """

    title: str
    outline: Outline | None
    texts: list[Text]


class Line(NamedTuple):
    """A wire: level between two points of one height, else bent; with an arrow where it enters a gate.

    Attributes:
        source, target: the numbers of the gates that it leaves and enters; -1 where it ends before one.
    """

    points: list[Point]
    arrow: bool
    source: int = -1
    target: int = -1


class Scene(NamedTuple):
    """All there is to draw, from (0, 0) to width and height."""

    title: str
    width: float
    height: float
    lines: list[Line]
    dots: list[Point]
    parts: list[Part]
    legend: list[Text]
    samples: list[Line]


def scene(circuit: Circuit, digits: int = 4, roomy: bool = False) -> Scene:
    """Lay the circuit out.

    Args:
        circuit: the circuit.
        digits: significant digits of the numbers on wires.
        roomy: leave room for other numbers of as many digits.
    """
    figures = [_Figure(circuit, i, digits, roomy) for i in range(len(circuit.gates))]
    placed = layout([made.box for made in figures])
    parts = [made.part(x, y) for made, x, y in zip(figures, placed.x, placed.y, strict=True)]
    lines = _lines(figures, placed)
    for made, x, y, lanes in zip(figures, placed.x, placed.y, placed.lanes, strict=True):
        parts[made.number].texts.extend(made.parts_of_gradients(x, y, lanes))
    lines.append(figures[-1].end(placed.x[-1], placed.y[-1]))
    legend, samples, across, down = _legend(circuit, placed.width, placed.height)
    found = Scene(
        " ".join(printable(circuit.expression).split()),
        max(placed.width, across) + 2 * MARGIN, down + 2 * MARGIN,
        lines, [at for _, at in placed.branches], parts, legend, samples,
    )  # fmt: skip
    return _moved(found, MARGIN + max(0.0, across - placed.width) / 2, MARGIN)


def typeset(number: str) -> str:
    """A number with the minus sign of print."""
    return number.replace("-", "−")


def whole(value: Value | None) -> str:
    """A value with every digit, in one line or several; of a large tensor what can be said of it."""
    return "\n".join(line.rstrip() for line in cell(value, None, 64))


class _Figure:
    """How large a gate and its labels are, and then where."""

    def __init__(self, circuit: Circuit, number: int, digits: int, roomy: bool = False) -> None:
        gate = circuit.gates[number]
        self.gate: Gate = gate
        self.number = number
        self.digits = digits
        self.roomy = roomy
        self.name = printable(gate.name)
        self.last = number == len(circuit.gates) - 1
        self.output = "" if gate.kind == INPUT or not self.last else cut(printable(circuit.output), SIGN, WIDEST)
        self.above = self._above()
        self.below = [] if gate.gradient is None else self._short(gate.gradient)
        sources = [circuit.gates[entry.source] for entry in gate.entries]
        self.branches = [
            [] if entry.gradient is None or source.uses < 2 else self._short(entry.gradient)
            for entry, source in zip(gate.entries, sources, strict=True)
        ]
        self.sign, self.half, self.high = self._outline()
        above = [width(self._room(text) if role == "value" else text, size) for text, role, size in self.above]
        self.stem = max(above + [width(self._room(text), LABEL) for text in self.below])
        self.stem += 2 * STEM
        self.box = self._box()

    def _short(self, value: Value) -> list[str]:
        return [typeset(line) for line in brief(value, self.digits)]

    def _room(self, line: str) -> str:
        """A label as wide as the line may become."""
        if not self.roomy:
            return line
        widest = "−0." + "0" * self.digits
        return re.sub(r"[^][, …]+", lambda number: max(number[0], widest, key=len), line)

    def _shown(self, kind: str, entry: int, lines: list[str]) -> list[Shown]:
        """What the lines of a label show."""
        return [Shown(kind, self.number, entry, at, len(self._room(line))) for at, line in enumerate(lines)]

    def _above(self) -> list[tuple[str, str, float]]:
        """The lines above the wire: text, role, size."""
        gate = self.gate
        lines = [(line, "value", LABEL) for line in self._short(gate.value)]
        if gate.kind == INPUT and gate.name == "" and not gate.id:
            return [("constant", "faint", SMALL)]
        named = self.name if gate.kind != INPUT and not self.last else ""
        if gate.shape:
            lines.insert(0, (f"shape {written(gate.shape)}", "faint", SMALL))
        if named:
            lines.insert(0, (cut(named, LABEL, WIDEST), "name", LABEL))
        return lines

    def _outline(self) -> tuple[str, float, float]:
        """What stands in the gate, half its width and half its height."""
        gate = self.gate
        if gate.kind == INPUT:
            name = cut(printable(gate.label), SIGN, WIDEST)
            return name, width(name, SIGN), RADIUS - CLEAR
        high = RADIUS
        if len(gate.entries) > CROWDED:
            high = (len(gate.entries) * 12.0 + 8) / 2
        if gate.kind == FOLD:
            text = cut(printable(gate.text), LABEL, WIDEST)
            return text, width(text, LABEL) / 2 + 12, max(high, RADIUS - 3)
        sign = cut(typeset(printable(gate.sign)), SIGN, WIDEST)
        half = width(sign, SIGN) / 2
        return sign, RADIUS if half <= RADIUS - 4 else half + 11, high

    @property
    def ports(self) -> float:
        """From one wire that enters to the next."""
        count = len(self.gate.entries)
        return 12.0 if count > CROWDED else min(PORTS, 28.0 / max(count - 1, 1))

    def _box(self) -> Box:
        """The room that it needs."""
        widest = max([width(self._room(line), LABEL) for lines in self.branches for line in lines], default=0.0)
        left = self.half + CLEAR
        right = self.stem if self.gate.kind == INPUT else self.half + self.stem
        if self.gate.kind == INPUT:
            left += 6
        elif self.gate.entries:
            left = self.half + ARROW + (widest + STEM + ARROW if widest else 0.0)
        if self.output:
            right += width(self.output, SIGN) + 10
        half = self.ports / 2
        return Box(
            left,
            right,
            max(self.high, ABOVE + RISE + LINE * (len(self.above) - 1)) + CLEAR,
            max(self.high, BELOW + RISE + LINE * (len(self.below) - 1)) + CLEAR,
            self.start,
            tuple(
                Room(entry.source, half, max(half, BELOW + RISE + LINE * (len(lines) - 1) + CLEAR) if lines else half)
                for entry, lines in zip(self.gate.entries, self.branches, strict=True)
            ),
            self.gate.commutes,
        )

    @property
    def start(self) -> float:
        """Where its wire leaves, right of the anchor."""
        return 0.0 if self.gate.kind == INPUT else self.half

    def part(self, x: float, y: float) -> Part:
        """The gate at its place, with the labels of its wire."""
        gate = self.gate
        middle = x + self.start + self.stem / 2
        texts = []
        top = y - ABOVE - LINE * (len(self.above) - 1)
        values = iter(self._shown("value", -1, [line for line, role, _ in self.above if role == "value"]))
        for at, (line, role, size) in enumerate(self.above):
            told, shown = (f"value {whole(gate.value)}", next(values)) if role == "value" else ("", None)
            texts.append(Text(middle, top + LINE * at, line, role, "middle", size, told, shown))
        for at, (line, shown) in enumerate(zip(self.below, self._shown("gradient", -1, self.below), strict=True)):
            told = f"gradient {whole(gate.gradient)}"
            place = y + BELOW + RISE - 1 + LINE * at
            texts.append(Text(middle, place, line, "gradient", "middle", LABEL, told, shown))
        outline = None
        if gate.kind == INPUT:
            texts.append(Text(x - 6, y + 5, self.sign, "name", "end", SIGN))
        else:
            size = LABEL if gate.kind == FOLD else SIGN
            texts.append(Text(x, y + 0.35 * size, self.sign, "sign", "middle", size))
            radius = 6.0 if gate.kind == FOLD else RADIUS
            outline = Outline(x, y, 2 * self.half, 2 * self.high, radius, gate.kind == FOLD)
        if self.output:
            texts.append(Text(x + self.half + self.stem + 6, y + 5, self.output, "name", "start", SIGN))
        return Part(self._title(), outline, texts)

    def _title(self) -> str:
        gate = self.gate
        own = gate.text if gate.text == gate.label else f"{gate.label} = {gate.text}"
        lines = [printable(own), f"value {whole(gate.value)}"]
        if gate.gradient is not None:
            lines.append(f"gradient {whole(gate.gradient)}")
        return "\n".join([*lines, printable(gate.pattern)])

    def parts_of_gradients(self, x: float, y: float, lanes: list[float]) -> list[Text]:
        """What each branch that enters brings back."""
        left = x - self.box.left
        right = x - self.half - ARROW - ARROW
        found = []
        for k, (entry, lines, lane) in enumerate(zip(self.gate.entries, self.branches, lanes, strict=True)):
            for at, (line, shown) in enumerate(zip(lines, self._shown("part", k, lines), strict=True)):
                told = f"part of the gradient: {whole(entry.gradient)}"
                place = y + lane + BELOW + RISE - 1 + LINE * at
                found.append(Text((left + right) / 2, place, line, "gradient", "middle", LABEL, told, shown))
        return found

    def arrival(self, x: float, y: float, lanes: list[float], k: int) -> list[Point]:
        """From the end of a lane to the outline."""
        port = lanes[k]
        if max(map(abs, lanes)) > self.high - 4:
            order = sorted(range(len(lanes)), key=lanes.__getitem__)
            port = (order.index(k) - (len(lanes) - 1) / 2) * self.ports
        corner = min(RADIUS if self.gate.kind != FOLD else 6.0, self.high)
        beyond = max(0.0, abs(port) - (self.high - corner))
        edge = x - self.half + corner - sqrt(corner**2 - beyond**2)
        lane = y + lanes[k]
        if abs(lane - (y + port)) < 0.01:
            return [(edge, lane)]
        bend = x - self.half - ARROW - (ARROW if any(self.branches) else 0.0)
        return [(bend, lane), (edge, y + port)]

    def end(self, x: float, y: float) -> Line:
        """The wire of the output."""
        return Line([(x + self.start, y), (x + self.start + self.stem, y)], bool(self.output), self.number)


def _lines(figures: list[_Figure], placed: Layout) -> list[Line]:
    """The wires, from outline to outline."""
    found = []
    for source, target, k, points in placed.wires:
        own = list(points)
        if target >= 0:
            own += figures[target].arrival(placed.x[target], placed.y[target], placed.lanes[target], k)
        found.append(Line(_corners(own), target >= 0, source, target))
    return found


def _corners(points: list[Point]) -> list[Point]:
    """The points without those on the way of a level wire."""
    found = points[:1]
    for point in points[1:]:
        if len(found) > 1 and found[-2][1] == found[-1][1] == point[1]:
            found.pop()
        found.append(point)
    return found


def _legend(circuit: Circuit, across: float, down: float) -> tuple[list[Text], list[Line], float, float]:
    """The legend's words and lines under a drawing of this size; then the size of both."""
    patterns: dict[str, list[str]] = {}
    for gate in circuit.gates:
        if gate.kind not in (INPUT, FOLD):
            signs = patterns.setdefault(gate.pattern, [])
            sign = cut(typeset(printable(gate.sign)), SMALL, WIDEST / 2)
            if sign not in signs:
                signs.append(sign)
    items = [(", ".join(signs[:4]) + (", …" if len(signs) > 4 else ""), name) for name, signs in patterns.items()]
    if any(gate.uses > 1 for gate in circuit.gates):
        items.append(("•", "copy gate, gradient adder"))
    if circuit.folded:
        items.append(("folded", circuit.folded))
    x, y = 62.0, down + 34.0
    texts = [
        Text(26.0, y - 4.0 - ABOVE + 1, "value", "value", "middle", SMALL),
        Text(26.0, y - 4.0 + BELOW + 8, "gradient", "gradient", "middle", SMALL),
    ]
    samples = [Line([(0.0, y - 4.0), (52.0, y - 4.0)], False)]
    widest, room = 52.0, max(across, LEGEND)
    for sign, pattern in [(sign, cut(printable(pattern), SMALL, 2 * WIDEST)) for sign, pattern in items]:
        own, told = width(sign, SMALL), width(pattern, SMALL)
        if x + own + GAP + told > room and x > 62.0:
            x, y = 62.0, y + LINE + 1
        texts += [
            Text(x, y, sign, "sign", "start", SMALL),
            Text(x + own + GAP, y, pattern, "faint", "start", SMALL),
        ]
        x += own + GAP + told + 22
        widest = max(widest, x - 22)
    return texts, samples, max(across, widest), y + 10.0


def _moved(found: Scene, right: float, down: float) -> Scene:
    """The scene with its drawing moved, and the legend moved down only."""

    def line(own: Line, dx: float) -> Line:
        return own._replace(points=[(x + dx, y + down) for x, y in own.points])

    def text(own: Text, dx: float) -> Text:
        return own._replace(x=own.x + dx, y=own.y + down)

    def part(own: Part) -> Part:
        outline = own.outline and own.outline._replace(x=own.outline.x + right, y=own.outline.y + down)
        return own._replace(outline=outline, texts=[text(t, right) for t in own.texts])

    return found._replace(
        lines=[line(own, right) for own in found.lines],
        dots=[(x + right, y + down) for x, y in found.dots],
        parts=[part(own) for own in found.parts],
        legend=[text(own, MARGIN) for own in found.legend],
        samples=[line(own, MARGIN) for own in found.samples],
    )
