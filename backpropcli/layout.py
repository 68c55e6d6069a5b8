"""Where boxes stand and how wires run: a layered drawing, from left to right, after Sugiyama.

    layers      a box stands one layer behind the last of its sources
    places      a wire that crosses a layer takes a place in it, once for all the boxes that it goes to
    orders      sweeps put everything at the mean of its neighbours; of all orders seen, the one with fewest crossings
    heights     sweeps again: the least squares of all bends, in the order found, with the room that everything needs
    columns     as wide as their boxes; all that bends, bends in the channels between them

Everything stands in its own room in its column, and there a wire is level: no box meets another, and no wire meets a
box. Literature: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures"
(1981); the least squares in a given order are isotonic regression, by pooling adjacent violators.

Nothing here knows what a gate is; sizes are in any unit, y grows downward, and the same input has the same answer.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

from .errors import LimitError

Point = tuple[float, float]

MOST = 500_000
"""Places in all; there are as many as wires are long."""
SMALL = 3000
"""Where no more is to be placed, neighbours also change places one by one."""
NEAR = 4
"""A source stands in the first column, unless it were further from its first use than so many columns."""
SWEEPS, PASSES, WORK = 12, 16, 200_000
"""How often orders and heights are improved; where there is much to place, not oftener than makes so many steps."""
CHANNEL, SLOPE, WIDEST = 18.0, 0.3, 90.0
"""A channel's width: the least, and by how much it grows with the highest bend in it, up to the widest."""
BACK = 0.25
"""How much a box is pulled by what it goes to, where its sources pull by 1: it stands in the middle of these."""
ROOM = 5.0
"""What a passing wire needs above and below itself."""


class Entry(NamedTuple):
    """Where a wire ends at a box, and the room that it needs there.

    Attributes:
        source: the box that it comes from.
        up, down: room above and below it.
    """

    source: int
    up: float = 8.0
    down: float = 8.0


class Box(NamedTuple):
    """Something to be placed: the room around its anchor, and what enters it. Its wire leaves level with the anchor.

    Attributes:
        left, right, up, down: room on every side.
        stem: where its wire leaves, right of the anchor.
        entries: from the top down.
        free: whether entries may come in any order.
    """

    left: float
    right: float
    up: float
    down: float
    stem: float = 0.0
    entries: tuple[Entry, ...] = ()
    free: bool = False


class Wire(NamedTuple):
    """A piece of a wire, from a box or a branch to an entry or a branch.

    Attributes:
        source: the box that the wire leaves.
        target: the box where this piece ends, or -1 at a branch.
        entry: the number of the entry there.
        points: corners. Two that follow each other are level, or joined by a bend between the two columns.
    """

    source: int
    target: int
    entry: int
    points: list[Point]


class Layout(NamedTuple):
    """The answer.

    Attributes:
        x, y: the anchor of every box.
        lanes: the height of every entry of every box, relative to its anchor.
        wires: all pieces.
        branches: where a wire divides, with its source.
        width, height: from 0 to the outmost room.
    """

    x: list[float]
    y: list[float]
    lanes: list[list[float]]
    wires: list[Wire]
    branches: list[tuple[int, Point]]
    width: float
    height: float


def layout(boxes: Sequence[Box], gap: float = 6.0) -> Layout:
    """Place boxes and route wires.

    Args:
        boxes: each behind its sources.
        gap: the least between one room and the next in a column.

    Raises:
        LimitError: the wires are too many and too long.
    """
    graph = _Layered(boxes)
    graph.order()
    graph.take_entries()
    heights = graph.heights(gap)
    return graph.columns(heights)


class _Layered:
    """The boxes in layers, with places where wires pass. What stands in a layer is a number: a box's, or from
    ``len(boxes)`` on a place's.

    Attributes:
        layer: the layer of everything.
        rows: what stands in every layer, in order.
        source: of a place, the box whose wire passes.
        outs: what the wire of each goes on to in the next layer: (what, entry), entry -1 at a place.
        ins: where each is reached from in the layer before: (what, entry).
    """

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.boxes = boxes
        self.layer = _layers(boxes)
        self.source = list(range(len(boxes)))
        self.outs: list[list[tuple[int, int]]] = [[] for _ in boxes]
        self.ins: list[list[tuple[int, int]]] = [[] for _ in boxes]
        uses: list[list[tuple[int, int]]] = [[] for _ in boxes]
        for i, box in enumerate(boxes):
            for k, entry in enumerate(box.entries):
                uses[entry.source].append((i, k))
        places = sum(max(self.layer[j] for j, _ in ends) - self.layer[i] - 1 for i, ends in enumerate(uses) if ends)
        if places > MOST:
            raise LimitError(
                f"its wires cross columns in {places:,} places, and {MOST:,} are the most that can be laid out",
                hint="draw less of it, with --depth 10",
            )
        for i, ends in enumerate(uses):
            if ends:
                self._wire(i, ends)
        self.rows: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        self.lanes: list[list[float]] = [[] for _ in boxes]

    def _wire(self, i: int, ends: list[tuple[int, int]]) -> None:
        """Lead the wire of box i through the layers to all its ends."""
        ends.sort(key=lambda end: (self.layer[end[0]], end))
        last, here = self.layer[ends[-1][0]], i
        at = 0
        for layer in range(self.layer[i] + 1, last + 1):
            while at < len(ends) and self.layer[ends[at][0]] == layer:
                self._join(here, *ends[at])
                at += 1
            if layer < last:
                place = len(self.layer)
                self.layer.append(layer)
                self.source.append(i)
                self.outs.append([])
                self.ins.append([])
                self._join(here, place, -1)
                here = place

    def _join(self, a: int, b: int, entry: int) -> None:
        self.outs[a].append((b, entry))
        self.ins[b].append((a, entry))

    def is_place(self, v: int) -> bool:
        return v >= len(self.boxes)

    def _rounds(self, most: int) -> int:
        return max(min(most, WORK // (len(self.layer) + 1)), 2)

    # orders

    def order(self) -> None:
        """Find an order of every layer with few crossings."""
        self._first_order()
        best, fewest = [list(row) for row in self.rows], self._crossings()
        idle = 0
        for sweep in range(self._rounds(SWEEPS)):
            if not fewest or idle == 4:
                break
            self._sweep(down=sweep % 2 == 0)
            if len(self.layer) < SMALL:
                self._switch()
            found = self._crossings()
            idle += 1
            if found < fewest:
                best, fewest, idle = [list(row) for row in self.rows], found, 0
        self.rows = best

    def _first_order(self) -> None:
        """Everything as a walk from the output meets it, first entries first: trees have no crossing."""
        seen = [False] * len(self.layer)
        ends = [v for v, outs in enumerate(self.outs) if not outs]
        stack = ends[::-1]
        while stack:
            v = stack.pop()
            if not seen[v]:
                seen[v] = True
                self.rows[self.layer[v]].append(v)
                stack += [u for u, _ in sorted(self.ins[v], key=lambda end: -end[1])]

    def _ports(self) -> list[float]:
        """By how much an entry counts as lower than the next, where its place is fixed."""
        return [0.0 if box.free else 1.0 / (len(box.entries) + 1) for box in self.boxes]

    def _sweep(self, down: bool) -> None:
        """Sort every layer by the mean places of its neighbours in the layer before, or behind."""
        places = [0.0] * len(self.layer)
        ports = self._ports()
        for row in self.rows:
            for at, v in enumerate(row):
                places[v] = at
        for row in self.rows[1:] if down else self.rows[-2::-1]:
            means = {}
            for v in row:
                near = [places[u] for u, _ in self.ins[v]] if down else self._ends(v, places, ports)
                means[v] = sum(near) / len(near) if near else places[v]
            row.sort(key=means.__getitem__)
            for at, v in enumerate(row):
                places[v] = at

    def _switch(self) -> None:
        """Let neighbours in a layer change places as long as that saves crossings."""
        ports = self._ports()
        places = [0.0] * len(self.layer)
        for row in self.rows:
            for at, v in enumerate(row):
                places[v] = at
        better = True
        while better:
            better = False
            for row in self.rows:
                for at in range(len(row) - 1):
                    v, w = row[at], row[at + 1]
                    if self._saves(v, w, places, ports):
                        row[at], row[at + 1] = w, v
                        places[v], places[w] = places[w], places[v]
                        better = True

    def _saves(self, v: int, w: int, places: list[float], ports: list[float]) -> bool:
        """Whether the wires of v, above w, would cross those of w less if it stood below."""
        saved = 0
        for one, other in (
            ([places[u] for u, _ in self.ins[v]], [places[u] for u, _ in self.ins[w]]),
            (self._ends(v, places, ports), self._ends(w, places, ports)),
        ):
            for a in one:
                for b in other:
                    saved += (a > b) - (a < b)
        return saved > 0

    def _ends(self, v: int, places: list[float], ports: list[float]) -> list[float]:
        """Where the wire of v ends in the next layer."""
        return [places[t] + (k * ports[t] if k > 0 else 0.0) for t, k in self.outs[v]]

    def _crossings(self) -> int:
        """How many pairs of wires cross."""
        count = 0
        ports = self._ports()
        places = [0.0] * len(self.layer)
        for row in self.rows:
            for at, v in enumerate(row):
                places[v] = at
        for row in self.rows:
            passed: list[float] = []
            for v in row:
                ends = sorted(self._ends(v, places, ports), reverse=True)
                count += sum([bisect_left(passed, -end) for end in ends])
                for end in ends:
                    insort(passed, -end)
        return count

    def take_entries(self) -> None:
        """Order the entries that are free, and stack their room."""
        at = {v: place for row in self.rows for place, v in enumerate(row)}
        for i, box in enumerate(self.boxes):
            order = list(range(len(box.entries)))
            if box.free:
                before = {k: at[u] for u, k in self.ins[i]}
                order.sort(key=before.__getitem__)
            lanes = [0.0] * len(order)
            y = 0.0
            for k in order:
                lanes[k] = y + box.entries[k].up
                y += box.entries[k].up + box.entries[k].down
            middle = sum(lanes) / max(len(lanes), 1)
            self.lanes[i] = [lane - middle for lane in lanes]

    # heights

    def _room(self, v: int) -> tuple[float, float]:
        """The room above and below."""
        if self.is_place(v):
            return ROOM, ROOM
        box, lanes = self.boxes[v], self.lanes[v]
        up = max([box.up, *[e.up - lane for e, lane in zip(box.entries, lanes, strict=True)]])
        down = max([box.down, *[e.down + lane for e, lane in zip(box.entries, lanes, strict=True)]])
        return up, down

    def heights(self, gap: float) -> list[float]:
        """The height of everything: bends are short, long wires straight."""
        rooms = [self._room(v) for v in range(len(self.layer))]
        offsets: list[list[float]] = []
        y = [0.0] * len(self.layer)
        for row in self.rows:
            found, top = [], 0.0
            for v in row:
                found.append(top + rooms[v][0])
                top += rooms[v][0] + rooms[v][1] + gap
            offsets.append(found)
            for v, offset in zip(row, found, strict=True):
                y[v] = offset - top / 2
        pulls = self._pulls()
        weights = [sum([w for _, _, w in near]) for near in pulls]
        steady = [sum([d * w for _, d, w in near]) / (mass or 1.0) for near, mass in zip(pulls, weights, strict=True)]
        shares = [[(u, w / mass) for u, _, w in near] for near, mass in zip(pulls, weights, strict=True)]
        masses = [[weights[v] or 0.1 for v in row] for row in self.rows]
        for step in range(self._rounds(PASSES)):
            for at in range(len(self.rows)) if step % 2 == 0 else range(len(self.rows) - 1, -1, -1):
                row = self.rows[at]
                wanted = [steady[v] + sum([y[u] * w for u, w in shares[v]]) if shares[v] else y[v] for v in row]
                for v, place in zip(row, _isotonic(wanted, masses[at], offsets[at]), strict=True):
                    y[v] = place
        self._straighten(y, offsets)
        return y

    def _pulls(self) -> list[list[tuple[int, float, float]]]:
        """For everything, its neighbours: what stands there, how far below that one it wants to stand, how much."""
        pulls: list[list[tuple[int, float, float]]] = [[] for _ in self.layer]
        for a, outs in enumerate(self.outs):
            for b, k in outs:
                lane = self.lanes[b][k] if k >= 0 else 0.0
                weight = 8.0 if self._straight(a, b) else 2.0 if k < 0 or self.is_place(a) else 1.0
                pulls[b].append((a, -lane, weight))
                pulls[a].append((b, lane, weight if weight > 1.0 or not self.ins[a] else BACK))
        return pulls

    def _straight(self, a: int, b: int) -> bool:
        """Whether the wire from a to b has no reason to bend."""
        if self.is_place(b):
            return self.is_place(a) or len(self.outs[a]) == 1
        return len(self.ins[b]) == 1 and len(self.outs[a]) == 1

    def _straighten(self, y: list[float], offsets: list[list[float]]) -> None:
        """Level the wires that have no reason to bend, the longest first, as far as there is room."""
        chains, chained = [], [False] * len(y)
        for v in [v for row in self.rows for v in row]:
            chain = [v]
            while not chained[chain[-1]]:
                chained[chain[-1]] = True
                onward = [b for b, _ in self.outs[chain[-1]] if self._straight(chain[-1], b)]
                if onward:
                    chain.append(onward[0])
            if len(chain) > 1:
                chains.append(chain)
        chains.sort(key=len, reverse=True)
        bounds = _Bounds(self.rows, self.layer, y, offsets)
        for chain in chains:
            piece: list[int] = []
            low, high = -float("inf"), float("inf")
            for v in chain:
                least, most = bounds(v)
                if piece and (max(low, least) > min(high, most)):
                    _level(piece, low, high, y)
                    piece, low, high = [], -float("inf"), float("inf")
                piece.append(v)
                low, high = max(low, least), min(high, most)
            _level(piece, low, high, y)

    # columns

    def columns(self, y: list[float]) -> Layout:
        """Columns, channels, and the wires' corners."""
        boxes, rows = self.boxes, self.rows
        top = min([y[v] - self._room(v)[0] for row in rows for v in row], default=0.0)
        y = [round(2 * (place - top)) / 2 for place in y]
        x = [0.0] * len(self.layer)
        starts, ends = [], []
        right = 0.0
        for row in rows:
            real = [v for v in row if not self.is_place(v)]
            anchor = right + max([boxes[v].left for v in real], default=0.0)
            starts.append(right)
            ends.append(anchor + max([boxes[v].right for v in real], default=0.0))
            for v in row:
                x[v] = anchor
            right = ends[-1] + self._channel(row, y)
        wires, branches = self._route(x, y, starts, ends)
        bottom = max([y[v] + self._room(v)[1] for row in rows for v in row], default=0.0)
        return Layout(x[: len(boxes)], y[: len(boxes)], self.lanes, wires, branches, ends[-1] if ends else 0.0, bottom)

    def _channel(self, row: list[int], y: list[float]) -> float:
        highest = max([abs(y[b] + self._lane(b, k) - y[a]) for a in row for b, k in self.outs[a]], default=0.0)
        return min(CHANNEL + SLOPE * highest, WIDEST)

    def _lane(self, v: int, k: int) -> float:
        return self.lanes[v][k] if k >= 0 else 0.0

    def _route(
        self, x: list[float], y: list[float], starts: list[float], ends: list[float]
    ) -> tuple[list[Wire], list[tuple[int, Point]]]:
        wires: list[Wire] = []
        branches: list[tuple[int, Point]] = []
        leads: dict[int, list[Point]] = {}
        for row, start, end, behind in zip(self.rows, starts, ends, [*starts, 0.0][1:], strict=True):
            for a in row:
                i = self.source[a]
                if a == i:
                    lead = [(x[a] + self.boxes[a].stem, y[a])] if self.outs[a] else []
                else:
                    lead = leads.pop(a)
                    lead.append((start, y[a]))
                corner = (end, y[a])
                if len(self.outs[a]) > 1:
                    wires.append(Wire(i, -1, -1, [*lead, corner]))
                    branches.append((i, corner))
                    lead = []
                for b, k in self.outs[a]:
                    level = y[b] + self._lane(b, k)
                    if k < 0:
                        leads[b] = lead
                        lead.append(corner)
                    else:
                        points = [*lead, corner, (behind, level), (x[b] - self.boxes[b].left, level)]
                        wires.append(Wire(i, b, k, points))
        return wires, branches


def _layers(boxes: Sequence[Box]) -> list[int]:
    """The layer of every box: one behind the last of its sources; a source that is used late stands near its use."""
    layer = [0] * len(boxes)
    first = [len(boxes)] * len(boxes)
    for i, box in enumerate(boxes):
        layer[i] = 1 + max([layer[e.source] for e in box.entries], default=-1)
        for e in box.entries:
            first[e.source] = min(first[e.source], layer[i])
    for i, box in enumerate(boxes):
        if not box.entries and NEAR < first[i] < len(boxes):
            layer[i] = first[i] - 1
    return layer


def _isotonic(wanted: list[float], weights: list[float], offsets: list[float]) -> list[float]:
    """The heights nearest to those wanted that are as far apart as the offsets are: pooling adjacent violators."""
    means: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for place, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, mass, size = place - offset, weight, 1
        while means and means[-1] > mean:
            before = masses.pop()
            mean = (mean * mass + means.pop() * before) / (mass + before)
            mass += before
            size += sizes.pop()
        means.append(mean)
        masses.append(mass)
        sizes.append(size)
    found = [mean for mean, size in zip(means, sizes, strict=True) for _ in range(size)]
    return [place + offset for place, offset in zip(found, offsets, strict=True)]


class _Bounds:
    """Between what heights something may move while its neighbours in the column stay."""

    def __init__(self, rows: list[list[int]], layer: list[int], y: list[float], offsets: list[list[float]]) -> None:
        self.rows, self.layer, self.y, self.offsets = rows, layer, y, offsets
        self.at = {v: place for row in rows for place, v in enumerate(row)}

    def __call__(self, v: int) -> tuple[float, float]:
        row, offsets, at = self.rows[self.layer[v]], self.offsets[self.layer[v]], self.at[v]
        least, most = -float("inf"), float("inf")
        if at:
            least = self.y[row[at - 1]] + offsets[at] - offsets[at - 1]
        if at < len(row) - 1:
            most = self.y[row[at + 1]] - offsets[at + 1] + offsets[at]
        return least, most


def _level(piece: list[int], low: float, high: float, y: list[float]) -> None:
    """Set all to one height, the median of theirs as far as the bounds allow."""
    if len(piece) > 1:
        median = sorted(y[v] for v in piece)[len(piece) // 2]
        for v in piece:
            y[v] = min(max(median, low), high)
