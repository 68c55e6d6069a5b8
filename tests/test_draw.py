"""Drawings: what is on them, that nothing on them overlaps, and that their real readers accept them.

``BACKPROP_UPDATE=1 pytest tests/test_draw.py`` writes the expected files anew; look at them then.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from backpropcli import evaluate
from backpropcli.circuit import FOLD, GATE, INPUT, Circuit, Entry, Gate, by_depth, by_statement, circuit, folded
from backpropcli.errors import FileProblem, OptionError
from backpropcli.points import read_point
from backpropcli.renderers import dot, mermaid, metrics, svg, tikz, tree
from backpropcli.renderers.numbers import brief
from backpropcli.renderers.scene import scene
from backpropcli.renderers.screen import FILE, Screen
from backpropcli.report import Wanted, report
from tests.test_cli import backprop
from tests.test_layout import bend, touches

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "drawings"
SVG = "{http://www.w3.org/2000/svg}"
FLAGSHIP = ["2*(max(z,w)+x*y)", "--at", "x=3,y=-4,z=2,w=-1"]
PLAIN = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM")}

Area = tuple[float, float, float, float]


def drawn(program: str, at: dict[str, Any], **options: Any) -> Circuit:
    """The whole circuit of a program at a point."""
    return circuit(report(evaluate(program, at, **options), wanted=Wanted(signs=True)))


def sample(name: str, **options: Any) -> Circuit:
    folder = ROOT / "samples"
    return drawn((folder / f"{name}.bp").read_text("utf-8"), read_point(str(folder / f"{name}.json")), **options)


def picture(found: Circuit, digits: int = 4) -> str:
    return "".join(svg.render(scene(found, digits)))


def forms(found: Circuit) -> dict[str, str]:
    """The circuit in every form that is text."""
    return {
        "svg": picture(found),
        "tex": "".join(tikz.render(scene(found))),
        "dot": "".join(dot.render(found)),
        "mmd": "".join(mermaid.render(found)),
        "txt": tree.render(found, FILE),
    }


def gate(found: Circuit, label: str) -> Gate:
    return next(own for own in found.gates if own.label == label)


# what is on a drawing


@pytest.mark.parametrize("name", ["first", "max", "neuron_gates", "copy", "squared_length"])
@pytest.mark.parametrize("form", ["svg", "tex", "dot", "mmd", "txt"])
def test_the_drawings_of_the_lectures(name: str, form: str) -> None:
    """Rows 1, 2, 3, 7 and 21, to the letter."""
    found, expected = forms(sample(name))[form], GOLDEN / f"{name}.{form}"
    if os.environ.get("BACKPROP_UPDATE"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text("utf-8")


def labels(found: Circuit, role: str) -> list[str]:
    placed = scene(found)
    return [text.content for part in placed.parts for text in part.texts if text.role == role]


def test_the_neuron_has_the_numbers_of_the_lecture() -> None:
    found = sample("neuron_gates")
    assert labels(found, "sign") == ["×", "×", "+", "+", "×−1", "exp", "+1", "1/·"]
    values = [round(float(text.replace("−", "-")), 2) for text in labels(found, "value")]
    assert values == [2, -1, -2, -3, -2, 6, 4, -3, 1, -1, 0.37, 1.37, 0.73]
    gradients = [round(float(text.replace("−", "-")), 2) for text in labels(found, "gradient")]
    assert gradients == [-0.2, 0.39, 0.2, -0.39, -0.59, 0.2, 0.2, 0.2, 0.2, -0.2, -0.53, -0.53, 1]


def test_a_copy_gate_shows_the_parts_of_a_gradient() -> None:
    found = sample("copy")
    assert labels(found, "gradient") == ["7", "1", "3", "3", "1", "1"]
    placed = scene(found)
    assert len(placed.dots) == 1
    assert ("•", "copy gate, gradient adder") in list(pairwise([text.content for text in placed.legend]))
    assert not scene(sample("max")).dots


def test_values_stand_above_their_wire_and_gradients_below() -> None:
    placed = scene(sample("max"))
    heights = {y for line in placed.lines for _, y in line.points}
    for part in placed.parts:
        value, gradient = (next(t for t in part.texts if t.role == role) for role in ("value", "gradient"))
        assert (value.x, value.anchor) == (gradient.x, gradient.anchor)
        assert any(value.y < y < gradient.y - 8 for y in heights)


def test_data_has_no_gradient() -> None:
    found = drawn("(x - y)^2", {"x": 3.0, "y": 1.0}, wrt=["x"])
    assert gate(found, "y").gradient is None
    assert len(labels(found, "gradient")) == len(labels(found, "value")) - 1


def test_full_values_are_told_on_hover() -> None:
    root = ElementTree.fromstring(picture(drawn("x/3", {"x": 1.0})))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "f = x/3\nvalue 0.3333333333333333\ngradient 1\nquotient rule" in titles
    assert "value 0.3333333333333333" in titles
    shown = [list(text.itertext())[-1] for text in root.iter(f"{SVG}text")]
    assert {"x", "1", "/3", "0.3333", "f"} <= set(shown)


def test_tensors_show_their_shape_and_something_of_themselves() -> None:
    found = sample("two_layer", wrt=["W1", "b1", "W2", "b2"])
    assert {"shape 150×4", "shape 4×8", "shape 8"} <= set(labels(found, "faint"))
    assert "0.1 … 7.9" in labels(found, "value")
    assert labels(sample("squared_length"), "value")[:2] == ["[0.1, 0.5]", "[−0.3, 0.8]"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2.0, ["2"]), ([1.0, 2.5], ["[1, 2.5]"]), ([1.0, 2.0, 3.0, 4.0, 5.0], ["[1, 2, …, 5]"]),
        (np.zeros((9, 9)), ["all 0"]),
        (np.eye(9), ["0 … 1"]), (np.zeros((0, 3)), ["[]"]), (np.full((9, 9), np.nan), ["all NaN"]),
        (np.where(np.eye(9) > 0, np.nan, 1.0), ["1 … 1, some NaN"]), ([[1.0, np.inf]], ["[1, inf]"]),
        (np.full((9, 9), 1.0) + 1e-9 * np.eye(9), ["1 … 1"]),
    ],
)  # fmt: skip
def test_short_values_say_nothing_wrong(value: Any, said: list[str]) -> None:
    assert brief(value if isinstance(value, float) else np.array(value), 4) == said


def test_a_title_is_one_line_without_comments() -> None:
    assert sample("first").expression == "q = x + y; f = q*z"
    assert len(drawn("x" + "+1" * 1000, {"x": 1.0}).expression) == 400


SIGNS = [
    ("x + y", "+"), ("x + 1", "+1"), ("1 + x", "+1"), ("x - 1", "−1"), ("1 - x", "1 − ·"), ("1 < x", "1 < ·"),
    ("2*x", "×2"), ("x*2", "×2"),
    ("1/x", "1/·"), ("x/y", "/"), ("x/4", "/4"), ("x^2", "^2"), ("2^x", "2^·"), ("-x", "×−1"), ("exp(x)", "exp"),
    ("max(x, y)", "max"), ("max(0, x)", "max(0, ·)"), ("clip(x, -1, 1)", "clip(·, −1, 1)"), ("x - -3", "−(−3)"),
    ("x + -3", "+(−3)"), ("x*-3", "×−3"), ("x < 1", "<1"), ("not x", "not"), ("x and 1", "and 1"),
    ("rate = 0.5; rate*x", "×rate"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "sign"), SIGNS)
def test_constants_are_part_of_their_gate(program: str, sign: str) -> None:
    found = drawn(program, {"x": 0.5, "y": 2.0})
    assert labels(found, "sign") == [sign]
    assert all(own.kind == INPUT for own in found.gates[:-1])


TENSOR_SIGNS = [
    ("sum(v)", "sum"), ("v[0]", "[0]"), ("sum(M, axis=0)[0]", "sum(·, axis=0)"), ("sum(M.T)", "ᵀ"), ("(M@v)[0]", "@"),
    ("sum(v[1:])", "[1:]"), ("sum([x, 1])", "[·, 1]"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "sign"), TENSOR_SIGNS)
def test_signs_of_gates_on_tensors(program: str, sign: str) -> None:
    assert labels(drawn(program, {"v": [1.0, 2.0], "M": [[1.0, 2.0], [3.0, 4.0]], "x": 1.0}), "sign")[0] == sign


def test_the_legend_names_every_pattern_once() -> None:
    found = sample("staged")
    told = [text.content for text in scene(found).legend if text.role == "faint"]
    assert sorted(told) == sorted(
        {own.pattern for own in found.gates if own.kind == GATE} | {"copy gate, gradient adder"}
    )


def test_only_what_the_output_needs_is_drawn() -> None:
    found = drawn("a = x*y; b = x + z; c = a^2", {"x": 1.0, "y": 2.0, "z": 3.0}, output="a")
    assert [own.label for own in found.gates] == ["x", "y", "a"]
    assert found.left_out == 3


@pytest.mark.parametrize(
    ("program", "at"), [("5", {}), ("2*3", {}), ("x", {"x": 2.0}), ("x; 7", {"x": 1.0}), ("[1, 2]", {})]
)
def test_programs_without_gates(program: str, at: dict[str, float]) -> None:
    found = drawn(program, at, **({"upstream": [1, 1]} if program[0] == "[" else {}))
    for text in forms(found).values():
        assert text.strip()
    ElementTree.fromstring(picture(found))


def test_values_that_are_not_finite() -> None:
    with np.errstate(all="ignore"):
        found = drawn("log(x) + 1/y", {"x": -1.0, "y": 0.0})
    assert "NaN" in labels(found, "value")
    assert "inf" in labels(found, "value")
    ElementTree.fromstring(picture(found))


# nothing overlaps


class Font:
    """The advances of a TrueType font, read from its tables: the judge of how wide text is."""

    def __init__(self, data: bytes) -> None:
        tables = {}
        for at in range(12, 12 + 16 * struct.unpack(">H", data[4:6])[0], 16):
            tag, _, start, length = struct.unpack(">4sIII", data[at : at + 16])
            tables[tag.decode()] = data[start : start + length]
        self.units = struct.unpack(">H", tables["head"][18:20])[0]
        count = struct.unpack(">H", tables["hhea"][34:36])[0]
        self.advances = [struct.unpack(">H", tables["hmtx"][4 * i : 4 * i + 2])[0] for i in range(count)]
        self.glyphs: dict[str, int] = {}
        cmap = tables["cmap"]
        for n in range(struct.unpack(">H", cmap[2:4])[0]):
            start = struct.unpack(">I", cmap[8 + 8 * n : 12 + 8 * n])[0]
            if struct.unpack(">H", cmap[start : start + 2])[0] == 4:
                self._segments(cmap[start:])

    def _segments(self, table: bytes) -> None:
        count = struct.unpack(">H", table[6:8])[0] // 2
        words = [
            struct.unpack(f">{count}H", table[at : at + 2 * count])
            for at in (14, *(16 + 2 * count * k for k in (1, 2, 3)))
        ]
        for k, (end, start, delta, offset) in enumerate(zip(*words, strict=True)):
            for code in range(start, min(end, 0xFFFE) + 1):
                glyph = code
                if offset:
                    place = 16 + 6 * count + 2 * k + offset + 2 * (code - start)
                    glyph = struct.unpack(">H", table[place : place + 2])[0]
                self.glyphs[chr(code)] = (glyph + delta) & 0xFFFF

    def width(self, text: str, size: float) -> float:
        """The width; a letter that the font lacks counts as nine tenths of the size."""
        advances = [
            self.advances[min(self.glyphs[c], len(self.advances) - 1)] / self.units if c in self.glyphs else 0.9
            for c in text
        ]
        return sum(advances) * size


FONT = Font((files("backpropcli.renderers") / "fonts" / "Arimo-Regular.ttf").read_bytes())
SLANTED = Font((files("backpropcli.renderers") / "fonts" / "Arimo-Italic.ttf").read_bytes())


def test_widths_are_those_of_the_font_or_more() -> None:
    for font in (FONT, SLANTED):
        assert len(font.glyphs) > 300
        for c in font.glyphs:
            if c.isalnum():
                assert metrics.width(c, 1000) >= font.width(c, 1000) - 1, c
        for c in map(chr, range(32, 127)):
            assert metrics.width(c, 1000) == pytest.approx(font.width(c, 1000), abs=1)


class Picture:
    """An SVG as a reader sees it: the areas of all text and gates, and the wires as short straight pieces."""

    def __init__(self, document: str) -> None:
        root = ElementTree.fromstring(document)
        self.size = float(root.attrib["width"]), float(root.attrib["height"])
        self.texts: list[tuple[Area, str]] = []
        self.gates: list[Area] = []
        self.wires: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for own in root.iter():
            if own.tag == f"{SVG}text":
                self._text(own)
            elif own.tag == f"{SVG}rect" and own.attrib["class"] == "gate":
                x, y, width, height = (float(own.attrib[key]) for key in ("x", "y", "width", "height"))
                self.gates.append((x, y, x + width, y + height))
            elif own.tag == f"{SVG}path" and own.attrib["class"] == "wire":
                self.wires = [piece for line in own.attrib["d"].splitlines() for piece in self._wire(line)]

    def _text(self, own: ElementTree.Element) -> None:
        content = "".join(t for child in own for t in [child.tail or ""]) or own.text or ""
        size, x, y = (float(own.attrib[key]) for key in ("font-size", "x", "y"))
        font = SLANTED if own.attrib.get("font-style") == "italic" else FONT
        width = font.width(content, size)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[own.attrib["text-anchor"]]
        high = 0.5 if content in "+−×·=" else 0.72  # what stands on the line, and what hangs below it
        self.texts.append(((left, y - high * size, left + width, y + 0.2 * size), content))

    @staticmethod
    def _wire(line: str) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        x = y = 0.0
        for command, numbers in re.findall(r"([MHC])([^MHC]*)", line):
            found = [float(n) for n in numbers.split()]
            if command == "M":
                x, y = found
            elif command == "H":
                yield (x, y), (found[0], y)
                x = found[0]
            else:
                yield from pairwise(bend((x, y), (found[4], found[5])))
                x, y = found[4:]

    def overlaps(self) -> list[str]:
        """All that should not touch and does."""
        wrong = []
        areas = [(area, f"text {content!r}") for area, content in self.texts]
        areas += [(area, "gate") for area in self.gates]
        cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for n, ((left, top, right, bottom), name) in enumerate(areas):
            if min(left, top) < 0 or right > self.size[0] or bottom > self.size[1]:
                wrong.append(f"{name} leaves the picture")
            for cell in _cells(left, top, right, bottom):
                cells[cell].append(n)
        seen = set()
        for inside in cells.values():
            for i in inside:
                for j in inside:
                    if i < j and (i, j) not in seen and _overlap(areas[i][0], areas[j][0]):
                        seen.add((i, j))
                        if not (areas[j][1] == "gate" and _within(areas[i][0], areas[j][0])):
                            wrong.append(f"{areas[i][1]} and {areas[j][1]}")
        for a, b in self.wires:
            for cell in _cells(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])):
                for n in cells[cell]:
                    area = areas[n][0]
                    if areas[n][1] == "gate":
                        area = (area[0] + 6, area[1] + 6, area[2] - 6, area[3] - 6)  # wires end at round outlines
                    if touches(a, b, area):
                        wrong.append(f"wire {a} {b} and {areas[n][1]} {area}")
        return wrong


def _cells(left: float, top: float, right: float, bottom: float) -> Iterator[tuple[int, int]]:
    for x in range(int(left // 80), int(right // 80) + 1):
        for y in range(int(top // 80), int(bottom // 80) + 1):
            yield x, y


def _overlap(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _within(a: Area, b: Area) -> bool:
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def random_program(seed: int, count: int) -> tuple[str, dict[str, float]]:
    """Statements over what was named before, recent or old, all of which reach the output."""
    draw = random.Random(seed)
    names = [f"x{i}" for i in range(draw.randint(1, 6))]
    at = {name: round(draw.uniform(-2, 2), draw.randint(0, 9)) for name in names}
    recent = draw.choice((3, 8, 1000))
    loose, statements = list(names), []
    for i in range(count):
        a, b, c = (draw.choice(names[-recent:]) for _ in range(3))
        if loose and draw.random() < 0.6:
            a = loose.pop(0)
        text = draw.choice(
            (f"{a} + {b}", f"{a}*{b}", f"{a} - {b}", f"tanh({a})", f"max({a}, {b}, {c})", f"1 - {a}", f"{a}*{a}",
             f"sigmoid({a}*0.125)", f"clip({a} + {b}, -1, 1)", f"({a} + {b} + {c})*{a}", f"min({a}, 3)")
        )  # fmt: skip
        name = draw.choice((f"t{i}", f"hidden_{i}", f"θ{i}"))
        statements.append(f"{name} = {text}")
        loose = [own for own in loose if own not in text] + [name]
        names.append(name)
    statements.append(f"L = {' + '.join(loose)}")
    used = "; ".join(statements)
    return used, {name: value for name, value in at.items() if re.search(rf"\b{name}\b", used)}


@pytest.mark.parametrize("seed", range(160))
def test_nothing_overlaps_in_30_nodes(seed: int) -> None:
    found = drawn(*random_program(seed, 16))
    assert 16 <= len(found.gates) <= 90
    assert not Picture(picture(found)).overlaps()


@pytest.mark.parametrize("seed", range(1000, 1040))
def test_nothing_overlaps_in_300_nodes(seed: int) -> None:
    found = drawn(*random_program(seed, 190))
    assert 190 <= len(found.gates) <= 700
    assert not Picture(picture(found)).overlaps()


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "samples").glob("*.bp")))
def test_nothing_overlaps_in_the_samples(name: str) -> None:
    point = read_point(str(ROOT / "samples" / f"{name}.json"))
    program = (ROOT / "samples" / f"{name}.bp").read_text("utf-8")
    shape = _output_shape(program, point)
    found = drawn(program, point, **({"upstream": np.ones(shape)} if shape else {}))
    for depth in (None, 2):
        for statements in (False, True):
            assert not Picture(picture(folded(found, 60, depth, statements), 6)).overlaps()


def _output_shape(program: str, point: dict[str, Any]) -> tuple[int, ...]:
    from backpropcli import parse

    found = parse(program, {name: np.shape(value) for name, value in point.items()})
    return found.graph.shapes[found.output] or ()


@pytest.mark.parametrize("digits", [1, 4, 17])
def test_long_numbers_have_room(digits: int) -> None:
    found = drawn("(x + y*1e-300)/(z - 1/3) + w*w", {"x": -1 / 3, "y": 2e300, "z": 1e-17, "w": 1 / 7})
    assert not Picture(picture(found, digits)).overlaps()


def test_a_gate_of_many_inputs_is_high_enough() -> None:
    names = [f"x{i}" for i in range(30)]
    found = drawn(f"max({', '.join(names)})*x0", {name: float(i) for i, name in enumerate(names)})
    assert not Picture(picture(found)).overlaps()


def test_wires_end_at_the_outline_of_their_gate() -> None:
    placed = scene(sample("staged"))
    outlines = [part.outline for part in placed.parts if part.outline is not None]
    arrows = [line.points[-1] for line in placed.lines if line.arrow]
    assert len(arrows) == sum(len(own.entries) for own in sample("staged").gates) + 1
    for x, y in arrows[:-1]:  # the last is the output's
        near = min(outlines, key=lambda own: (own.x - x) ** 2 + (own.y - y) ** 2)
        corner = near.x - near.width / 2 + near.radius
        assert (x - corner) ** 2 + (y - near.y) ** 2 == pytest.approx(near.radius**2)


# large circuits are folded


def chain(length: int) -> tuple[str, dict[str, float]]:
    return "; ".join(["t0 = x + 1", *(f"t{i} = tanh(t{i - 1}) + 1" for i in range(1, length))]), {"x": 0.5}


def test_beyond_the_limit_statements_are_boxes() -> None:
    found = drawn(*chain(40))
    assert len(found.gates) == 80
    cut = folded(found, 60)
    assert (len(cut.gates), cut.folded) == (41, "every named statement is one box")
    assert [own.text for own in cut.gates[:4]] == ["x", "x + 1", "tanh(t0) + 1", "tanh(t1) + 1"]
    assert {own.kind for own in cut.gates[2:]} == {FOLD}
    assert folded(found, 80).gates == found.gates


def test_then_the_depth_is_cut() -> None:
    found = drawn(*chain(3000))
    cut = folded(found, 60)
    assert len(cut.gates) == 60
    assert cut.folded == "every named statement is one box, what is behind the last 59 levels of gates is in boxes"
    assert (cut.gates[0].kind, cut.gates[0].label, cut.gates[0].entries) == (FOLD, "t2940", ())
    assert cut.gates[0].value == gate(found, "t2940").value
    assert cut.gates[-1].label == "t2999"


def test_the_parts_of_a_gradient_add_up_in_a_fold() -> None:
    """Two uses of x in one statement are one wire, which brings both parts."""
    found = drawn("a = x*x + sin(x); b = a*x", {"x": 2.0})
    cut = by_statement(found)
    assert [own.label for own in cut.gates] == ["x", "a", "b"]
    a, b = cut.gates[1:]
    assert (a.kind, b.kind) == (FOLD, GATE)
    assert a.entries[0].gradient + b.entries[1].gradient == pytest.approx(cut.gates[0].gradient, rel=1e-14)
    assert (cut.gates[0].uses, len(a.entries)) == (2, 1)


@pytest.mark.parametrize("seed", range(20))
def test_folds_say_the_same_numbers(seed: int) -> None:
    found = drawn(*random_program(seed, 40))
    whole = {own.id: own for own in found.gates}
    for cut in (
        by_statement(found),
        *(by_depth(found, depth) for depth in (1, 2, 5)),
        by_depth(by_statement(found), 3),
    ):
        for i, own in enumerate(cut.gates):
            assert (own.value, own.gradient) == (whole[own.id].value, whole[own.id].gradient)
            assert all(entry.source < i for entry in own.entries)
            if own.kind == GATE:
                assert [cut.gates[e.source].id for e in own.entries] == [
                    found.gates[e.source].id for e in whole[own.id].entries
                ]
        assert cut.gates[-1].id == found.gates[-1].id
        drawn_ids = {cut.gates[e.source].id for own in cut.gates for e in own.entries} | {cut.gates[-1].id}
        assert drawn_ids == {own.id for own in cut.gates}


def test_depth_counts_levels_from_the_output() -> None:
    found = drawn("exp(sin(cos(x*y)))", {"x": 1.0, "y": 2.0})
    signs = [[own.sign or own.text for own in by_depth(found, depth).gates] for depth in (1, 2, 4)]
    assert signs == [["sin(cos(x*y))", "exp"], ["cos(x*y)", "sin", "exp"], ["x", "y", "×", "cos", "sin", "exp"]]


def test_a_folded_use_still_makes_a_copy_gate() -> None:
    """One of the two uses of x is folded away: its part of the gradient is not the whole, and is shown."""
    cut = by_depth(drawn("sin(exp(x)) + x", {"x": 1.0}), 1)
    assert [own.label for own in cut.gates] == ["x", "n3", "f"]
    assert cut.gates[2].entries[1].gradient == 1
    assert labels(cut, "gradient").count("1") == 3


def test_100_000_nodes_in_a_chain() -> None:
    program = "x" + "+1" * 100_000
    run = backprop("draw", "-", "--at", "x=1", stdin=program)
    assert run.returncode == 0
    assert len(run.stdout.splitlines()) < 100
    assert "folded to 60 gates and inputs" in run.stderr


# readers


def dot_reader() -> list[str]:
    """The command that reads DOT and writes it laid out; or the tests are skipped."""
    if shutil.which("dot"):
        return ["dot", "-Tdot"]
    code = (
        "import sys, pygraphviz; g = pygraphviz.AGraph(string=sys.stdin.read()); g.layout('dot');"
        "sys.stdout.write(g.to_string())"
    )
    if subprocess.run([sys.executable, "-c", "import pygraphviz"], capture_output=True, check=False).returncode:
        pytest.skip("no Graphviz here: neither dot nor pygraphviz")
    return [sys.executable, "-c", code]


def chromium(page: str, folder: Path, *options: str) -> str:
    """The document of a page after its scripts have run; or the test is skipped."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    file = folder / "page.html"
    file.write_text(page, "utf-8")
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={folder}/profile", "--virtual-time-budget=20000", "--dump-dom", *options,
         file.as_uri()],
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


HOSTILE = (
    '"><script>document.title="executed"</script>',
    "</title></svg><script>document.title='executed'</script>",
    "]]> <!-- & &amp; &lt; &#60; <![CDATA[ %x; --",
    '"]; evil [label="x"]; g0 -> evil; "',
    '\\N \\G \\\\ \\" \\end{document} \\input{/etc/passwd} \\write18{id} ^^5c $x$ %',
    '"]\n  click g0 call alert(1)\n%%{init: {}}%% `code` #quot; <b>bold</b> javascript:alert(1)',
    "\x00\x07\x1b[31m\u202etxt.exe\u2028\ufffe\udcff\U0001f600",
    "x" * 300,
    "",
)


def hostile(text: str) -> Circuit:
    """A circuit that says the text wherever there is room for one."""
    one = Gate(INPUT, "n1", text, text, "", text, text, (), 1.0, 2.0, (), False, uses=2)
    two = Gate(GATE, "n2", text, text, text, text, text, (), 3.0, 4.0, (Entry(0, 1.0), Entry(0, 1.0)), False, uses=1)
    box = Gate(FOLD, "n3", text, text, "", text, text, (), 5.0, 1.0, (Entry(1, 4.0),), False)
    return Circuit(text, text, [one, two, box], folded=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_svg_is_xml_whatever_it_says(text: str) -> None:
    root = ElementTree.fromstring(picture(hostile(text)))
    tags = {own.tag.removeprefix(SVG) for own in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "path", "g", "circle", "text"}
    assert not any(key.startswith("on") or "href" in key for own in root.iter() for key in own.attrib)
    (style,) = root.iter(f"{SVG}style")
    assert "url" not in (style.text or "")
    assert "import" not in (style.text or "")
    assert not Picture(picture(hostile(text))).overlaps()


@pytest.mark.parametrize("text", HOSTILE)
def test_dot_means_what_it_should_whatever_it_says(text: str) -> None:
    command = dot_reader()
    document = "".join(dot.render(hostile(text)))
    run = subprocess.run(command, input=document, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert "syntax error" not in run.stderr
    unquoted = re.sub(r'"(?:\\.|[^"\\])*"', '""', run.stdout, flags=re.S)  # long strings go over several lines
    assert set(re.findall(r"^\s*(\w+)\s*\[", unquoted, re.M)) == {
        "graph",
        "node",
        "edge",
        "g0",
        "g1",
        "g2",
        "c0",
        "out",
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_mermaid_has_only_signs_that_mean_nothing(text: str) -> None:
    for line in "".join(mermaid.render(hostile(text))).splitlines()[1:]:
        shape = re.fullmatch(
            r'  (g\d|c\d|out)(\[|\[\[|\(\(|\(\[)"([^"]*)"(\]|\]\]|\)\)|\]\))'
            r'|  (g|c)\d (-->|---)(\|"([^"]*)"\|)? (g\d|c\d|out)|  class(Def)? [\w:, ]+',
            line,
        )
        assert shape, line
        said = (shape[3] or "") + (shape[8] or "").replace("<br/>", "")
        assert not set('<>`"&;%\\\n') & set(re.sub(r"#\d+;", "", said)), line


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_has_only_its_own_commands(text: str) -> None:
    document = "".join(tikz.render(scene(hostile(text))))
    assert document.count("\\end{document}") == 1
    body = document.partition("\\begin{tikzpicture}")[2]
    own = {
        "definecolor", "draw", "fill", "path", "node", "sffamily", "fontsize", "selectfont", "itshape", "dots", "times",
        "cdot", "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar",
        "textquotedbl",
        "textquotesingle", "textasciigrave", "textbullet", "infty", "end",
    }  # fmt: skip
    assert set(re.findall(r"\\([A-Za-z]+)", body)) <= own
    for line in body.splitlines()[5:-2]:
        opened = 0
        for c in re.sub(r"\\.", "", line):
            opened += (c == "{") - (c == "}")
            assert opened >= 0, line
        assert (opened, line[-1:]) == (0, ";"), line
        assert "%" not in re.sub(r"\\%", "", line)
        assert "^^" not in line


def mixed(count: int = 200) -> list[str]:
    """Hostile texts put together from pieces of hostile texts."""
    rng = random.Random("hostile")
    pieces = [piece for text in HOSTILE for piece in re.findall(r"\W+|\w{1,12}", text)]
    return ["".join(rng.choices(pieces, k=rng.randint(1, 12))) for _ in range(count)]


@pytest.mark.parametrize("judge", [
    test_svg_is_xml_whatever_it_says, test_mermaid_has_only_signs_that_mean_nothing,
    test_latex_has_only_its_own_commands,
], ids=lambda judge: judge.__name__)  # fmt: skip
def test_two_hundred_mixtures(judge: Callable[[str], None]) -> None:
    for text in mixed():
        judge(text)


def test_two_hundred_mixtures_in_dot() -> None:
    for text in mixed():
        test_dot_means_what_it_should_whatever_it_says(text)


def test_latex_sets_it(tmp_path: Path) -> None:
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no pdflatex here")
    own, *others = [
        "".join(tikz.render(scene(found)))
        for found in (sample("neuron_gates"), sample("two_layer", wrt=["W1", "W2"]), *map(hostile, HOSTILE))
    ]
    head, begin, end = own.partition("\\begin{document}")[0], "\\begin{tikzpicture}", "\\end{tikzpicture}"
    pictures = [begin + text.partition(begin)[2].partition(end)[0] + end for text in others]
    together = head.replace("standalone", "article") + "\\begin{document}" + "\n\n".join(pictures) + "\\end{document}"
    for name, text in (("own", own), ("together", together)):
        (tmp_path / f"{name}.tex").write_text(text, "utf-8")
        run = subprocess.run(
            [latex, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=tmp_path, capture_output=True, encoding="utf-8", errors="replace", timeout=120, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout[-2000:]
        assert (tmp_path / f"{name}.pdf").stat().st_size > 1000


MEASURE = """
<!doctype html><meta charset="utf-8"><title>untouched</title><body>%s<pre id="found"></pre><script>
addEventListener("load", () => {
  const found = [];
  document.querySelectorAll("svg").forEach((svg, n) => {
    const areas = [...svg.querySelectorAll("text")].map(text => [text, text.getBoundingClientRect()]);
    const gates = [...svg.querySelectorAll("rect.gate")].map(gate => gate.getBoundingClientRect());
    const least = (a, b) => Math.min(a.right - b.left, b.right - a.left, a.bottom - b.top, b.bottom - a.top);
    areas.forEach(([text, a], i) => {
      const high = parseFloat(text.getAttribute("font-size"));
      const tight = b => ({left: b.left, right: b.right, top: b.top + 0.2 * high, bottom: b.bottom - 0.05 * high});
      areas.slice(i + 1).forEach(([other, b]) => {
        if (least(tight(a), tight(b)) > 0.5) found.push(`${n}: ${text.textContent} and ${other.textContent}`);
      });
      gates.forEach(b => {
        const inside = a.left >= b.left && a.right <= b.right;
        if (!inside && least(tight(a), b) > 0.5) found.push(`${n}: ${text.textContent} and a gate`);
      });
    });
  });
  document.getElementById("found").textContent = JSON.stringify(
    [document.title, document.querySelectorAll("svg").length, found]);
});
</script>
"""


def test_a_browser_measures_no_overlap(tmp_path: Path) -> None:
    """In the fonts that this machine has, by Chromium's own boxes."""
    circuits = [
        sample(name) for name in ("first", "max", "neuron_gates", "copy", "staged", "micrograd", "squared_length")
    ]
    circuits += [drawn(*random_program(seed, 16)) for seed in range(2000, 2010)]
    circuits += map(hostile, HOSTILE)
    page = chromium(MEASURE % "".join(map(picture, circuits)), tmp_path)
    found = re.search(r'<pre id="found">(.*?)</pre>', page, re.S)
    assert found
    assert found[1] == f'["untouched",{len(circuits)},[]]'


@pytest.mark.parametrize("text", HOSTILE[:4])
def test_a_browser_opens_the_document(tmp_path: Path, text: str) -> None:
    """As a document of its own, which is XML: an error would show, and a script would run."""
    (tmp_path / "drawing.svg").write_text(picture(hostile(text)), "utf-8")
    page = chromium(
        '<!doctype html><title>page</title><iframe id="f" src="drawing.svg"></iframe><pre id="found"></pre><script>'
        'f.onload = () => { const d = f.contentDocument; const count = what => d.querySelectorAll(what).length;'
        'found.textContent = JSON.stringify([d.documentElement.nodeName, count("parsererror, script"), count("text"),'
        'document.title]) }</script>',
        tmp_path,
    )  # fmt: skip
    found = re.search(r'<pre id="found">\["svg",0,(\d+),"page"\]</pre>', page)
    assert found
    assert int(found[1]) > 10


def test_mermaid_reads_it(tmp_path: Path) -> None:
    """With BACKPROP_MERMAID, the path of mermaid.min.js."""
    script = os.environ.get("BACKPROP_MERMAID")
    if not script:
        pytest.skip("no Mermaid here: BACKPROP_MERMAID names no mermaid.min.js")
    shutil.copy(script, tmp_path / "mermaid.js")
    circuits = [sample("neuron_gates"), sample("micrograd"), *map(hostile, HOSTILE)]
    sources = ["".join(mermaid.render(found)) for found in circuits]
    from json import dumps

    texts = dumps(sources).replace("<", "\\u003c")
    page = chromium(
        f'<!doctype html><meta charset="utf-8"><title>untouched</title><pre id="found"></pre><script src="mermaid.js">'
        "</script><script>"
        f"mermaid.initialize({{startOnLoad: false}}); const texts = {texts};"
        "(async () => { const found = []; for (const [n, text] of texts.entries()) {"
        " try { const {svg} = await mermaid.render('m' + n, text); found.push(/<script/.test(svg) ? 'script' : 'ok') }"
        " catch (error) { found.push(String(error)) } }"
        " document.getElementById('found').textContent = JSON.stringify([document.title, found]) })()</script>",
        tmp_path,
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', page, re.S)
    assert found
    assert found[1] == '["untouched",[' + ",".join(['"ok"'] * len(circuits)) + "]]"


def png(found: Circuit) -> bytes:
    pytest.importorskip("resvg_py", reason="no resvg-py here, which draws PNGs")
    from backpropcli.renderers.png import render

    placed = scene(found)
    return render("".join(svg.render(placed)), (placed.width, placed.height))


def png_size(picture: bytes) -> tuple[int, int]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", picture[16:24])


def test_png_is_twice_as_fine_and_always_the_same() -> None:
    found = sample("max")
    placed = scene(found)
    width, height = png_size(png(found))
    assert (width, height) == pytest.approx((2 * placed.width, 2 * placed.height), abs=1)
    assert png(found) == png(found)


def test_png_shows_text() -> None:
    """The same drawing with another number is another picture, so the font was found."""
    one, two = (png(drawn("x*y", {"x": x, "y": 2.0})) for x in (3.0, 4.0))
    assert png_size(one) == png_size(two)
    assert one != two


@pytest.mark.parametrize("text", HOSTILE)
def test_png_of_anything(text: str) -> None:
    assert png_size(png(hostile(text)))[0] > 100


def test_a_png_that_nobody_could_read_is_refused() -> None:
    with pytest.raises(OptionError, match="too large for a PNG"):
        png(drawn("x" + "+1" * 1000, {"x": 1.0}))


def test_a_png_without_its_font(monkeypatch: pytest.MonkeyPatch) -> None:
    from backpropcli.renderers import png as module

    monkeypatch.setattr(module, "FONTS", ("Arimo-Regular.ttf", "nowhere.ttf"))
    with pytest.raises(FileProblem, match="the font of the drawings is missing") as caught:
        png(sample("max"))
    assert "pip install" in caught.value.hint


# the terminal


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("name", ["max", "copy", "neuron_gates", "micrograd", "squared_length"])
def test_the_tree_fits(name: str, width: int) -> None:
    text = tree.render(sample(name), Screen(width, False, "utf-8", False, True))
    for line in text.splitlines():
        if len(line) > width:  # only numbers may be longer, and where they stand alone
            assert line.strip("│ ").startswith(("gradient", "[")), line
    expected = GOLDEN / f"{name}.{width}.txt"
    if os.environ.get("BACKPROP_UPDATE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text("utf-8")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("width", [None, 30, 60])
def test_the_tree_shows_every_gate_once(seed: int, width: int | None) -> None:
    found = drawn(*random_program(seed, 16))
    rows = tree._rows(found, 4, tree.DEEPEST if width is None else width // 10, sums=True)
    shown = [row for row in rows if row.value]
    assert len(shown) == len(found.gates)
    assert sorted(row.value for row in shown) == sorted(tree._number(own.value, 4) for own in found.gates)
    references = [row.text for row in rows if row.text.endswith((" ↑", " ↓"))]
    entries = sum(len(own.entries) for own in found.gates)
    assert len(references) + len(shown) - 1 - sum(row.text == "" for row in rows) == entries
    for row in references:  # what is referred to is called by its name somewhere
        assert any(own.text.split(" = ")[0] == row[:-2] for own in shown)


def test_shared_nodes_are_shown_once_and_referred_to() -> None:
    rows = tree._rows(sample("copy"), 4, tree.DEEPEST, sums=True)
    assert [(row.text, row.value, row.gradient) for row in rows] == [
        ("f = +", "12", "1"), ("×", "9", "1"), ("x", "3", "3 + 3 + 1 = 7"), ("x ↑", "", "3"), ("x ↑", "", "1"),
    ]  # fmt: skip


def test_ascii_where_the_terminal_has_no_more() -> None:
    run = backprop("draw", *FLAGSHIP, PYTHONIOENCODING="ascii")
    assert run.stdout.isascii()
    assert run.stdout.splitlines()[2:5] == [
        "f = *2        -20         1  swap multiplier",
        "+- +          -10         2  gradient distributor",
        "   |- max       2         2  gradient router",
    ]


def test_colors_in_the_terminal() -> None:
    run = backprop("draw", *FLAGSHIP, "--color", "always")
    assert "\x1b[32m" in run.stdout
    assert "\x1b[31m" in run.stdout
    plain = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)
    without = backprop("draw", *FLAGSHIP, "--color", "never").stdout
    assert [line.rstrip() for line in plain.splitlines()] == without.splitlines()


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = tree.render(hostile(HOSTILE[6]), Screen(80, False, "utf-8", False, True))
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(text)


# the command


def draw(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "backpropcli", "draw", *arguments],
        input=stdin.encode(), capture_output=True, env=PLAIN | environment, check=False, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("svg", b"<svg "), ("dot", b"digraph "), ("mmd", b"flowchart LR"), ("tex", b"% 2*(max"), ("txt", b"circuit ")],
)
def test_the_suffix_decides(tmp_path: Path, suffix: str, start: bytes) -> None:
    target = tmp_path / f"circuit.{suffix}"
    run = draw(*FLAGSHIP, "-o", str(target))
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    assert target.read_bytes().startswith(start)
    piped = draw(*FLAGSHIP, "--format", "text" if suffix == "txt" else suffix)
    assert piped.stdout == target.read_bytes()


def test_a_png(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="no resvg-py here, which draws PNGs")
    target = tmp_path / "circuit.png"
    assert draw(*FLAGSHIP, "-o", str(target)).returncode == 0
    assert png_size(target.read_bytes())[0] > 400
    assert draw(*FLAGSHIP, "--format", "png").stdout == target.read_bytes()


def test_a_png_without_its_tool(tmp_path: Path) -> None:
    (tmp_path / "resvg_py.py").write_text("raise ImportError")
    target = tmp_path / "circuit.png"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    run = draw(*FLAGSHIP, "-o", str(target), PYTHONPATH=path)
    assert run.returncode == 2
    assert run.stderr.decode().splitlines() == [
        "backprop: a PNG is drawn by resvg-py, which is not installed", "  hint: pip install 'backpropcli[png]'",
    ]  # fmt: skip
    assert not target.exists()


def test_a_picture_is_not_for_the_terminal() -> None:
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    ours, theirs = pty.openpty()
    run = subprocess.run(
        [sys.executable, "-m", "backpropcli", "draw", *FLAGSHIP, "--format", "png"],
        stdout=theirs, stderr=subprocess.PIPE, env=PLAIN, check=False,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert run.returncode == 2
    assert run.stderr.decode().startswith("backprop: a PNG is not for the terminal\n  hint: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x*y", "-o", "circuit.gif"], "the suffix of 'circuit.gif' does not say what to draw"),
        (["x*y", "-o", "circuit"], "the suffix of 'circuit' does not say what to draw"),
        (["x*y", "--format", "gif"], "--format is one of svg, html, dot, mmd, tex, png, text, not 'gif'"),
        (["x*y", "--depth", "0"], "0 is not in the range"),
        (["x*y", "--digits", "18"], "18 is not in the range"),
        (["x*y", "--color", "pink"], "--color is one of"),
        (["x*y", "--ties", "pink"], "--ties is one of"),
        (["x*y", "-o", "no/such/folder/f.svg"], "no/such/folder/f.svg cannot be written: No such file"),
        (["x*", "-o", "f.svg"], "line 1"),
        (["x*q", "-o", "f.svg"], "no value for `q`"),
        ([], "no program is given"),
    ],
)
def test_bad_input_is_refused(arguments: list[str], said: str) -> None:
    run = draw(*arguments, "--at", "x=3,y=4")
    assert (run.returncode, run.stdout) == (2, b"")
    assert said in run.stderr.decode()
    assert "Traceback" not in run.stderr.decode()


def test_an_answer_that_is_not_finite_has_its_status(tmp_path: Path) -> None:
    target = tmp_path / "f.svg"
    run = draw("log(x)", "--at", "x=-1", "-o", str(target))
    assert run.returncode == 3
    assert "note: log(x) is NaN" in run.stderr.decode()
    ElementTree.parse(target)


def test_options_are_those_of_eval() -> None:
    run = draw(
        "a = x*y; b = a + 1", "--at", "x=3,y=4", "--output", "a", "--wrt", "x", "--upstream", "2", "--format", "text"
    )
    assert run.stdout.decode().splitlines()[2:] == [
        "a = ×       12         2  swap multiplier", "├─ x         3         8  input",
        "└─ y         4            input",
    ]  # fmt: skip
    assert run.stderr.decode() == "note: 1 node is not drawn, on which a does not depend\n"
    assert draw("a = x*y; b = a + 1", "--at", "x=3,y=4", "--output", "a", "-q").stderr == b""


def test_folding_is_told_and_can_be_undone() -> None:
    program, _ = chain(50)
    run = draw(program, "--at", "x=0.5", "--format", "svg")
    assert run.stderr.decode() == (
        "note: folded to 51 gates and inputs: every named statement is one box; --limit drawn=100 draws all 100\n"
    )
    assert run.stdout.count(b'stroke-dasharray="5 3"') == 49
    run = draw(program, "--at", "x=0.5", "--format", "svg", "--limit", "drawn=100")
    assert run.stderr == b""
    assert b"stroke-dasharray" not in run.stdout
    assert draw(program, "--at", "x=0.5", "--format", "svg", "--depth", "2").stdout.count(b'class="gate"') == 3


@pytest.mark.parametrize(
    "name", ["$(touch executed).svg", "a b;c&d.svg", "-x.svg", 'quote".svg', "line\nbreak.svg", "ü×.svg"]
)
def test_file_names_are_only_names(tmp_path: Path, name: str) -> None:
    run = draw(*FLAGSHIP, "-o", str(tmp_path / name))
    assert (run.returncode, run.stderr) == (0, b"")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    ElementTree.parse(tmp_path / name)


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "f.svg"
    target.write_text("as it was")
    assert draw("x*", "--at", "x=1", "-o", str(target)).returncode == 2
    assert target.read_text() == "as it was"
    assert draw(*FLAGSHIP, "-o", str(target)).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["f.svg"]


@pytest.mark.parametrize("form", ["svg", "dot", "mmd", "tex", "text"])
def test_three_runs_have_the_same_bytes(form: str) -> None:
    program, at = random_program(7, 30)
    point = ",".join(f"{name}={value!r}" for name, value in at.items())
    runs = {draw(program, "--at", point, "--format", form, PYTHONHASHSEED=seed).stdout for seed in ("0", "1", "424242")}
    assert len(runs) == 1
    assert len(runs.pop()) > 500


def test_drawing_scalars_needs_no_numpy_and_no_rich() -> None:
    code = (
        "import sys; from backpropcli.cli.main import run;"
        f"run(['draw', *{FLAGSHIP!r}, '--format', 'svg']); run(['draw', *{FLAGSHIP!r}]);"
        "sys.exit(str({'numpy', 'rich'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=PLAIN, check=False)
    assert run.stderr == "set()\n"


def test_help_begins_with_what_it_does() -> None:
    run = draw("--help")
    assert run.returncode == 0
    assert b"values above each wire, gradients below" in run.stdout


def test_colors_can_be_read() -> None:
    """Every color of text has a contrast of 4.5 with its page at least, as WCAG asks."""
    for palette in (svg.LIGHT, svg.DARK):
        for name in ("ink", "value", "gradient", "faint"):
            bright, dark = sorted((_luminance(palette[name]), _luminance(palette["paper"])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (palette, name)


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_values_and_gradients_differ_without_color() -> None:
    root = ElementTree.fromstring(picture(sample("max")))
    slanted = {own.attrib.get("font-style") for own in root.iter(f"{SVG}text") if own.attrib["class"] == "gradient"}
    upright = {own.attrib.get("font-style") for own in root.iter(f"{SVG}text") if own.attrib["class"] == "value"}
    assert (slanted, upright) == ({"italic"}, {None})
