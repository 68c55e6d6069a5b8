"""Where boxes and wires go, judged without the code that put them there."""

from __future__ import annotations

import random
from itertools import combinations, pairwise, product

import pytest

from backpropcli.errors import LimitError
from backpropcli.layout import Box, Entry, Layout, _isotonic, layout


def box(*sources: int, free: bool = False, high: float = 20.0) -> Box:
    return Box(20.0, 60.0, high, high, 20.0, tuple(Entry(source) for source in sources), free)


def random_boxes(seed: int, count: int) -> list[Box]:
    """Boxes of all sizes, each with up to four sources."""
    draw = random.Random(seed)
    boxes = []
    for i in range(count):
        sources = [draw.randrange(max(0, i - 20), i) for _ in range(draw.choice((0, 1, 2, 2, 3, 4)))] if i > 2 else []
        entries = tuple(Entry(s, draw.choice((6.0, 8.0)), draw.choice((8.0, 19.0, 34.0))) for s in sources)
        boxes.append(
            Box(
                draw.uniform(10, 80), draw.uniform(30, 120), draw.uniform(15, 50), draw.uniform(15, 50), 10.0, entries,
                draw.random() < 0.5,
            )
        )  # fmt: skip
    return boxes


def room(found: Layout, boxes: list[Box], i: int) -> tuple[float, float, float, float]:
    """The room of a box and of what enters it: left, top, right, bottom."""
    own, x, y = boxes[i], found.x[i], found.y[i]
    tops = [own.up, *(e.up - lane for e, lane in zip(own.entries, found.lanes[i], strict=True))]
    bottoms = [own.down, *(e.down + lane for e, lane in zip(own.entries, found.lanes[i], strict=True))]
    return x - own.left, y - max(tops), x + own.right, y + max(bottoms)


def bend(a: tuple[float, float], b: tuple[float, float], steps: int = 12) -> list[tuple[float, float]]:
    """Points of the curve that leaves and arrives level."""
    (x1, y1), (x2, y2) = a, b
    middle = (x1 + x2) / 2
    found = []
    for n in range(steps + 1):
        t = n / steps
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        xs, ys = (x1, middle, middle, x2), (y1, y1, y2, y2)
        found.append(
            (sum(w * x for w, x in zip(weights, xs, strict=True)), sum(w * y for w, y in zip(weights, ys, strict=True)))
        )
    return found


def touches(a: tuple[float, float], b: tuple[float, float], area: tuple[float, float, float, float]) -> bool:
    """Whether a straight line from a to b passes the inside of an area (Liang and Barsky's clipping)."""
    left, top, right, bottom = area
    near, far = 0.0, 1.0
    for start, step, low, high in ((a[0], b[0] - a[0], left, right), (a[1], b[1] - a[1], top, bottom)):
        if step == 0:
            if not low < start < high:
                return False
        else:
            first, last = sorted(((low - start) / step, (high - start) / step))
            near, far = max(near, first), min(far, last)
    return near < far


@pytest.mark.parametrize("seed", range(30))
def test_nothing_meets(seed: int) -> None:
    boxes = random_boxes(seed, 60)
    found = layout(boxes)
    rooms = [room(found, boxes, i) for i in range(len(boxes))]
    for (i, a), (j, b) in combinations(enumerate(rooms), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (i, j)
    for wire in found.wires:
        for a, b in pairwise(wire.points):
            for c, d in pairwise(bend(a, b)):
                for i, area in enumerate(rooms):
                    if i not in (wire.source, wire.target):
                        assert not touches(c, d, area), (wire, i)
    assert min(a[0] for a in rooms) >= 0
    assert max(a[2] for a in rooms) <= found.width + 1e-9
    assert min(a[1] for a in rooms) >= -0.5
    assert max(a[3] for a in rooms) <= found.height + 1e-9


@pytest.mark.parametrize("seed", range(30))
def test_every_entry_is_reached_from_its_source(seed: int) -> None:
    """The pieces of a wire hang together: each begins at its box or at a branch where another piece ends."""
    boxes = random_boxes(seed, 40)
    found = layout(boxes)
    reached = {(wire.target, wire.entry): wire.source for wire in found.wires if wire.target >= 0}
    assert reached == {(i, k): e.source for i, own in enumerate(boxes) for k, e in enumerate(own.entries)}
    branches = {at for _, at in found.branches}
    for wire in found.wires:
        own = wire.source
        start = (found.x[own] + boxes[own].stem, found.y[own])
        assert wire.points[0] == start or wire.points[0] in branches
        if wire.target < 0:
            assert wire.points[-1] in branches
        else:
            x = found.x[wire.target] - boxes[wire.target].left
            assert wire.points[-1] == (x, found.y[wire.target] + found.lanes[wire.target][wire.entry])
        for (x1, y1), (x2, y2) in pairwise(wire.points):
            assert x2 > x1 or (y1 == y2 and x2 == pytest.approx(x1))


def test_a_box_stands_right_of_its_sources() -> None:
    boxes = random_boxes(3, 80)
    found = layout(boxes)
    for i, own in enumerate(boxes):
        for entry in own.entries:
            assert found.x[entry.source] + boxes[entry.source].right < found.x[i] - own.left


def test_a_chain_is_straight() -> None:
    found = layout([box(), *(box(i) for i in range(50))])
    assert len(set(found.y)) == 1
    assert all(len({y for _, y in wire.points}) == 1 for wire in found.wires)


def test_a_gate_stands_in_the_middle_of_its_sources() -> None:
    found = layout([box(), box(), box(0, 1)])
    assert found.y[2] == pytest.approx((found.y[0] + found.y[1]) / 2, abs=0.5)


@pytest.mark.parametrize("depth", [2, 4, 6])
def test_trees_have_no_crossing(depth: int) -> None:
    """Below each other in one column, sources stand in the order of their entries."""
    boxes = [box() for _ in range(2**depth)]
    before = list(range(len(boxes)))
    while len(before) > 1:
        behind = []
        for a, b in zip(before[::2], before[1::2], strict=True):
            behind.append(len(boxes))
            boxes.append(box(a, b))
        before = behind
    found = layout(boxes)
    column = found.y[: 2**depth]
    assert column == sorted(column)
    for own in boxes:
        heights = [found.y[e.source] for e in own.entries]
        assert heights == sorted(heights)


def test_entries_keep_their_order_unless_they_are_free() -> None:
    """Two gates of the same sources, in opposite order: only where the order is free can the wires not cross."""
    for free in (False, True):
        boxes = [box(), box(), box(0, 1, free=free), box(1, 0, free=free), box(2, 3)]
        found = layout(boxes)
        first = [lanes[0] < lanes[1] for lanes in found.lanes[2:4]]
        above = found.y[0] < found.y[1]
        assert first == ([above, not above] if free else [True, True])


def test_a_late_source_stands_near_its_use() -> None:
    near = layout([box(), box(), box(0), box(2), box(3, 1)])
    assert near.x[1] == near.x[0]
    late = layout([box(), box(), box(0), *(box(i) for i in range(2, 10)), box(10, 1)])
    assert late.x[1] == late.x[10]


def test_too_many_long_wires_are_refused() -> None:
    boxes = [box(*range(i)[-1:]) for i in range(1500)]
    boxes += [box(1498 + i, 1499 - i) for i in range(1, 1500)]
    with pytest.raises(LimitError, match="places, and 500,000 are the most"):
        layout(boxes)


def test_nothing_at_all() -> None:
    assert layout([]) == Layout([], [], [], [], [], 0.0, 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_heights_are_the_nearest_that_keep_their_distance(seed: int) -> None:
    """Against every way to put neighbours into blocks, of which the best that keeps the order is the answer."""
    draw = random.Random(seed)
    n = draw.randint(1, 6)
    wanted = [draw.uniform(-50, 50) for _ in range(n)]
    weights = [draw.choice((0.1, 1.0, 2.0, 8.0)) for _ in range(n)]
    offsets = [0.0]
    for _ in range(n - 1):
        offsets.append(offsets[-1] + draw.uniform(5, 30))
    best, least = [], float("inf")
    for cuts in product((False, True), repeat=n - 1):
        blocks: list[list[int]] = [[0]]
        for i, cut in enumerate(cuts, 1):
            if cut:
                blocks.append([])
            blocks[-1].append(i)
        found = [0.0] * n
        for block in blocks:
            mass = sum(weights[i] for i in block)
            mean = sum(weights[i] * (wanted[i] - offsets[i]) for i in block) / mass
            for i in block:
                found[i] = mean + offsets[i]
        cost = sum(w * (a - b) ** 2 for w, a, b in zip(weights, found, wanted, strict=True))
        kept = all(b - a >= offsets[i + 1] - offsets[i] - 1e-9 for i, (a, b) in enumerate(pairwise(found)))
        if kept and cost < least:
            best, least = found, cost
    assert _isotonic(wanted, weights, offsets) == pytest.approx(best)


def test_a_chain_of_100_000() -> None:
    found = layout([box(), *(box(i) for i in range(99_999))])
    assert len(found.wires) == 99_999
    assert len(set(found.y)) == 1
