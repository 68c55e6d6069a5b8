"""The page of `draw -o f.html`, in a real browser: it steps, reckons as Python does, and runs nothing but its own."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import redirect_stdout
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from io import StringIO
from math import inf, isclose, isnan, nan
from pathlib import Path
from typing import Any

import pytest

from backpropcli import evaluate
from backpropcli.cli.app import dispatch
from backpropcli.kernels.script import KERNELS, METHODS
from backpropcli.renderers.html import render
from backpropcli.renderers.numbers import figure
from tests.browser import CHROMIUM, Browser
from tests.test_cli import backprop

ROOT = Path(__file__).parent.parent
NEURON = ["samples/neuron_gates.bp", "--at-file", "samples/neuron_gates.json"]
FLAGSHIP = ["2*(max(z,w)+x*y)", "--at", "x=3,y=-4,z=2,w=-1"]
LENGTH = ["samples/squared_length.bp", "--at-file", "samples/squared_length.json"]
IRIS = ["samples/two_layer.bp", "--at-file", "samples/two_layer.json", "--wrt", "W1,b1,W2,b2"]
TIES = ["relu(x) + max(x, y, 0)*y + abs(z) + clip(y, 0, 2)", "--at", "x=0,y=0,z=-1"]
WORDS = {"NaN": nan, "Infinity": inf, "-Infinity": -inf}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def plain(request: pytest.FixtureRequest) -> None:
    """Every test begins with the same screen."""
    if "browser" in request.fixturenames:
        found = request.getfixturevalue("browser")
        found.size(1280, 1000)
        found.media(prefers_color_scheme="light", prefers_reduced_motion="reduce")


def drawn(folder: Path, *arguments: str, name: str = "page.html") -> Path:
    """The page that the command writes; the command runs in this process, a third of a second faster."""
    path = folder / name
    assert dispatch(["draw", "--quiet", *arguments, "-o", str(path)]) in (0, 3)
    return path


def flat(value: Any) -> list[float]:
    values = [value]
    for item in values:  # grows as it goes
        if isinstance(item, list):
            values += item
    return [WORDS.get(x, x) if isinstance(x, str) else float(x) for x in values if not isinstance(x, list)]


def leaves(value: Any) -> list[float]:
    """The entries of nested lists, in order."""
    if not isinstance(value, list):
        return flat(value)
    return [x for item in value for x in leaves(item)]


def told(*arguments: str) -> list[list[float]]:
    """Every number that `eval --json` has, in the order in which a table shows it."""
    with redirect_stdout(StringIO()) as written:
        dispatch(["eval", *arguments, "--quiet", "--json"])
    answer = json.loads(written.getvalue())
    found = []
    for node in answer["nodes"]:
        found.append(leaves(node["value"]))
        arrived = [] if node["upstream"] is None else [leaves(node["upstream"])]
        for edge in node["inputs"] or [None]:
            if edge is not None:
                local = edge["local"]
                if isinstance(local, dict):
                    local = local.get(local["kind"], local.get("factor"))
                found += [leaves(local)] if local is not None else []
            found += arrived
            arrived = []
            found += [] if edge is None else [leaves(edge["downstream"])]
    return found


def reckoned(browser: Browser) -> list[list[float]]:
    """Every number of the page, in the order of the table."""
    script = (
        "[...document.querySelectorAll('td[data-s]')].map(cell => backprop.number(cell.dataset.s).data"
        ".map(x => Number.isFinite(x) ? x : String(x)))"
    )
    return [[WORDS.get(x, x) for x in numbers] for numbers in browser.run(script)]  # type: ignore[misc]


def close(found: list[list[float]], expected: list[list[float]], tolerance: float = 1e-12) -> None:
    assert len(found) == len(expected) > 0
    for own, other in zip(found, expected, strict=True):
        if len(own) != len(other):
            assert len(set(other)) == 1  # stretched in JSON
            other = other[:1] * len(own)
        # An entry that is a difference of others is off by their rounding.
        scale = max([abs(x) for x in other if abs(x) < inf], default=0.0)
        for x, y in zip(own, other, strict=True):
            assert (isnan(x) and isnan(y)) or isclose(x, y, rel_tol=tolerance, abs_tol=tolerance * 1e-2 * scale)


def fill(browser: Browser, name: int, values: list[float]) -> None:
    """Write into the fields of an input."""
    for at, x in enumerate(values):
        browser.run(
            f'{{const field = document.querySelector(\'[type=number][data-input="{name}"][data-entry="{at}"]\');'
            f"field.value = '{x!r}'; field.dispatchEvent(new Event('input', {{bubbles: true}}));}}"
        )


def text(browser: Browser, selector: str) -> str:
    return str(browser.run(f"document.querySelector({selector!r}).textContent"))


def step(browser: Browser) -> str:
    return text(browser, "#place")


# numbers


@pytest.mark.parametrize(
    ("arguments", "inputs"),
    [
        (FLAGSHIP, [[7.25], [-0.5], [0.1], [12.0]]),
        (FLAGSHIP, [[2.0], [2.0], [-3.0], [0.0]]),
        (NEURON, [[0.3], [1.75], [-2.5], [0.125], [3.0]]),
        (NEURON, [[200.0], [-9.0], [0.0], [0.0], [-800.0]]),
        (LENGTH, [[1.5, -0.25, 3.0, 0.75], [0.5, -2.0]]),
        (TIES, [[1.5], [1.5], [0.0]]),
        (TIES, [[0.0], [-1.0], [2.0]]),
        ([*TIES, "--ties", "first"], [[2.0], [2.0], [0.0]]),
    ],
)
def test_the_page_reckons_as_eval_does(
    browser: Browser, tmp_path: Path, arguments: list[str], inputs: list[list[float]]
) -> None:
    """At the first point to the last digit, at another to 1e-12; and it says what a page made for that point says."""
    browser.open(drawn(tmp_path, *arguments))
    assert reckoned(browser) == told(*arguments)
    for at, values in enumerate(inputs):
        fill(browser, at, values)
    names = browser.run("JSON.parse(document.getElementById('page').textContent).inputs")
    point = {}
    for input_, values in zip(names, inputs, strict=True):
        shape = input_["shape"]
        rows = [values[k : k + shape[-1]] for k in range(0, len(values), shape[-1])] if len(shape) > 1 else values
        point[input_["name"]] = rows if shape else values[0]
    (tmp_path / "point.json").write_text(json.dumps(point))
    other = [arguments[0], "--at-file", str(tmp_path / "point.json"), *arguments[3:]]
    close(reckoned(browser), told(*other))
    assert shown(browser) == shown(browser, parser(drawn(tmp_path, *other, name="other.html")))
    assert browser.said == []


def parser(path: Path) -> str:
    """A page as Python wrote it: its script has not run."""
    return f"new DOMParser().parseFromString({json.dumps(path.read_text('utf-8'))}, 'text/html')"


def shown(browser: Browser, document: str = "document") -> list[str]:
    """What can be read: labels of the drawing, the table and every step, but for the notes.

    Of the page as it is, or of another as Python wrote it.
    """
    script = (
        f"[...{document}.querySelectorAll('.backprop text[data-s], td, output, #steps p:not(.note)')]"
        ".map(part => part.textContent)"
    )
    found: list[str] = browser.run(script)
    return found


def test_a_network_on_real_data(browser: Browser, tmp_path: Path) -> None:
    """150 irises as data: fixed, and everything else reckoned anew."""
    browser.open(drawn(tmp_path, *IRIS))
    close(reckoned(browser), told(*IRIS), 1e-10)
    assert browser.run("document.querySelectorAll('[type=number]').length") == 4 * 8 + 8 + 8 * 3 + 3 + 1
    fields = browser.run("[...document.querySelectorAll('[type=number]')].map(f => Number(f.dataset.input))")
    point = json.loads((ROOT / "samples/two_layer.json").read_text("utf-8"))
    names = ["X", "W1", "b1", "W2", "b2", "y", "λ"]
    assert {names[k] for k in fields} == {"W1", "b1", "W2", "b2", "λ"}
    fill(browser, names.index("b1"), [0.5, -0.25, 0.0, 1.0, 0.3, -1.0, 0.125, 2.0])
    fill(browser, names.index("λ"), [0.25])
    point |= {"b1": [0.5, -0.25, 0.0, 1.0, 0.3, -1.0, 0.125, 2.0], "λ": 0.25}
    for name in ("X", "y"):
        point[name] = "@" + str(ROOT / "samples" / point[name][1:])
    (tmp_path / "point.json").write_text(json.dumps(point))
    close(reckoned(browser), told(IRIS[0], "--at-file", str(tmp_path / "point.json"), *IRIS[3:]), 1e-10)
    assert browser.said == []


SCALARS = """
a = sin(x) + cos(y) + tan(x*y); b = asin(x/9) + acos(y/9) + atan(x) + atan2(x, y)
c = sinh(x) + cosh(y) + tanh(x) + asinh(y) + acosh(1 + x^2) + atanh(y/9)
d = exp(x) + expm1(y) + log(2 + x^2) + log2(1 + y^2) + log10(3 + x^2) + log1p(y^2) + gaussian(x) + normal_pdf(y)
e = sqrt(x^2 + 1) + cbrt(y) + hypot(x, y) + abs(x) + sign(y) + floor(x) + ceil(y) + round(x)
g = x^3 + (1 + x^2)^y + 2^x + square(y) + 1/(3 + x^2) + reciprocal(5 + y^2) - x/(4 + y^2)
h = step(x) + sigmoid(y) + log_sigmoid(x) + softplus(y) + relu(x) + leaky_relu(y) + elu(x) + silu(y) + softsign(x)
i = max(x, y, 0) + min(x, y) + clip(x, -1, 1) + where(x > y, x*y, y - x) + where(x <= y and not (y == 1), x, y^2)
j = where(x < 0 or y >= 2, x, y) + where(x != y, x, 2*y) + stop_gradient(x)*y
f = a + b + c + d + e + g + h + i + j
"""
TENSORS = """
a = sum(A@B) + sum(x@A) + sum(A.T@x) + x@x + sum(outer(x, x)) + dot(x, A[0])
b = A[1, ::-1]@x + sum(A[:, 1]*x) + sum(reshape(A, 2, 2)^3) + sum(concat(A, B)) + sum([x, 2*x]*A)
c = sum(cumsum(x)^2) + prod(x) + sum(prod(A, axis=0)) + max(A) + sum(min(A, axis=1)) + mean(B) + var(x) + std(A)
d = norm(x) + sum(norm(A, axis=1)) + norm1(B) + logsumexp(x) + sum(softmax(A)^2) + sum(log_softmax(B)*A)
e = cross_entropy(A, k) + nll(log_softmax(B), k) + hinge(A, k) + mse(A, B) + bce(sigmoid(x), [1, 0]) + l1(A) + l2(B)
g = sum(x[k]) + sum(one_hot(k, 2)*A) + sum(diag(x)*A) + trace(B) + sum(A*x + s) + sum(relu(B)) + sum(max(A, B))
h = sum(stack(A, B)@A) + sum(where(A > B, A, B^2)) + argmax(x)*s + sum(A/(3 + B^2)) + sum((1 + A^2)^B)
f = a + b + c + d + e + g + h
"""


@pytest.mark.parametrize("point", [(0.3, -1.7), (2.5, 0.5), (-1.0, -1.0), (0.0, 2.0), (1.0, 1.0), (-0.4, 3.25)])
def test_every_gate_on_numbers(browser: Browser, tmp_path: Path, point: tuple[float, float]) -> None:
    """At any point, from a page that was made for another."""
    (tmp_path / "f.bp").write_text(SCALARS)
    browser.open(drawn(tmp_path, str(tmp_path / "f.bp"), "--at", "x=0.7,y=1.3"), f"#x={point[0]}&y={point[1]}")
    close(reckoned(browser), told(str(tmp_path / "f.bp"), "--at", f"x={point[0]},y={point[1]}"))


@pytest.mark.parametrize("seed", range(3))
def test_every_gate_on_tensors(browser: Browser, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    values = [round(draw.uniform(-2, 2), 2) for _ in range(11)]
    (tmp_path / "f.bp").write_text(TENSORS)
    at = "A=[[1,2],[3,4]],B=[[0.5,-1],[2,0.25]],x=[0.5,-0.75],k=[1,0],s=2"
    browser.open(drawn(tmp_path, str(tmp_path / "f.bp"), "--at", at))
    close(reckoned(browser), told(str(tmp_path / "f.bp"), "--at", at))
    a, b, x, s = values[:4], values[4:8], values[8:10], values[10]
    names = [i["name"] for i in browser.run("JSON.parse(document.getElementById('page').textContent).inputs")]
    for name, own in (("A", a), ("B", b), ("x", x), ("s", [s])):
        fill(browser, names.index(name), own)
    there = f"A=[{a[:2]},{a[2:]}],B=[{b[:2]},{b[2:]}],x={x},k=[1,0],s={s}"
    close(reckoned(browser), told(str(tmp_path / "f.bp"), "--at", there))
    assert browser.said == []


def test_zeros_and_infinities_are_those_of_the_sweep(browser: Browser, tmp_path: Path) -> None:
    """0 × ∞ where nothing arrives, NaN behind a NaN, an overflow."""
    for program, first, then in (
        ("where(x > 0, log(x), 0)*y", "x=1,y=2", {"x": -1.0, "y": 2.0}),
        ("exp(x) + sqrt(y)", "x=1,y=2", {"x": 800.0, "y": 0.0}),
        ("relu(x)*log(y)", "x=1,y=2", {"x": -1.0, "y": 0.0}),
        ("sum(relu(v)*log(u)) + x*max(u)", "v=[1,2],u=[3,4],x=1", {"v": [-1.0, 2.0], "u": [0.0, 1.0], "x": 0.0}),
        ("sum(A@v)", "A=[[1,2],[3,4]],v=[1,2]", {"A": [[1e308, 1e308], [0.0, 0.0]], "v": [10.0, 0.0]}),
        ("x^y", "x=1,y=2", {"x": 0.0, "y": 0.0}),
        ("x^y", "x=1,y=2", {"x": -2.0, "y": 3.0}),
        ("x^(y*y)", "x=2,y=2", {"x": 1.0, "y": 1e200}),
        ("x^(y*y)", "x=2,y=2", {"x": -1.0, "y": 1e200}),
        (
            "sum(where(u > 0, A@exp(v), 0))", "A=[[1,2],[3,4]],v=[1,2],u=[1,2]",
            {"A": [[1.0, 1.0], [2.0, 3.0]], "v": [800.0, 0.0], "u": [-1.0, -1.0]},
        ),
    ):  # fmt: skip
        browser.open(drawn(tmp_path, program, "--at", first))
        page = browser.run("JSON.parse(document.getElementById('page').textContent).inputs")
        for at, input_ in enumerate(page):
            fill(browser, at, leaves(then[input_["name"]]))  # type: ignore[index]
        (tmp_path / "point.json").write_text(json.dumps(then))
        close(reckoned(browser), told(program, "--at-file", str(tmp_path / "point.json")))
        assert browser.said == []


def test_a_power_with_a_rounded_exponent(browser: Browser, tmp_path: Path) -> None:
    """0.1 - 1 is rounded: at 1e300 that would cost three digits of the slope."""
    browser.open(drawn(tmp_path, "x^y", "--at", "x=2,y=2"), "#x=1e300&y=0.1")
    close(reckoned(browser), told("x^y", "--at", "x=1e300,y=0.1"), 2e-15)


def test_the_script_has_the_kernels_that_python_counts_on(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, "x*y", "--at", "x=1,y=2"))
    assert set(browser.run("backprop.kernels")) == KERNELS | {method.name for method in METHODS}


def test_numbers_are_written_as_in_python(browser: Browser, tmp_path: Path) -> None:
    draw = random.Random(1)
    numbers = [draw.uniform(-1, 1) * 10 ** draw.randint(-12, 12) for _ in range(300)]
    numbers += [draw.randint(-9999, 9999) / 2 ** draw.randint(0, 12) for _ in range(300)]  # among them halves
    numbers += [0.0, -0.0, 1.0625, 1.0635, 0.125, 99995.0, 9999.5, 0.00012345, 0.000099995, 1e22, 5e-324, 1.7e308, 10.0]
    browser.open(drawn(tmp_path, "x*y", "--at", "x=1,y=2"))
    for digits in (1, 2, 4, 6, 17):
        found = browser.run(f"{json.dumps(numbers)}.map(x => backprop.figure(x, {digits}))")
        assert found == [figure(x, digits) for x in numbers]


def test_what_the_page_lacks_is_named_and_its_inputs_are_fixed(browser: Browser, tmp_path: Path) -> None:
    at = "A=[[1,2],[3,5]],x=0.5"
    browser.open(drawn(tmp_path, "det(A)*gelu(x)", "--at", at), "#x=3&step=2")
    assert "cannot compute det, erfc, cofactor:" in text(browser, "#fixed")
    assert browser.run("document.querySelectorAll('#inputs input').length") == 0
    assert text(browser, "#answer") == "f = −0.3457"
    assert step(browser) == "step 2 of 8"
    browser.key("ArrowRight")
    assert step(browser) == "step 3 of 8"
    assert browser.said == []


SAMPLES = [
    path.stem for path in sorted((ROOT / "samples").glob("*.bp"))
    if path.stem not in ("affine", "layout", "matmul", "relu", "score", "two_layer")  # no scalars; and seen above
]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples(browser: Browser, tmp_path: Path, name: str) -> None:
    """What the script writes is, to the letter, what Python wrote."""
    arguments = [f"samples/{name}.bp", "--at-file", f"samples/{name}.json"]
    path = drawn(tmp_path, *arguments)
    browser.open(path)
    assert shown(browser) == shown(browser, parser(path))
    if browser.run("document.getElementById('fixed') === null"):
        close(reckoned(browser), told(*arguments))
    assert browser.said == []


# steps


def visible(browser: Browser) -> list[str]:
    """The labels of the drawing that are to be seen."""
    script = (
        "[...document.querySelectorAll('.backprop text[data-s]')]"
        ".filter(t => getComputedStyle(t).visibility === 'visible').map(t => t.textContent)"
    )
    found: list[str] = browser.run(script)
    return found


def test_it_steps_forward_and_back_by_key(browser: Browser, tmp_path: Path) -> None:
    """Row 1 of the lectures: values forward; gradients f 1, z 3, q -4, y -4, x -4 backward."""
    browser.open(drawn(tmp_path, "q = x + y; f = q*z", "--at", "x=-2,y=5,z=-4"))
    assert (step(browser), len(visible(browser))) == ("all steps done", 10)
    browser.key("Home")
    assert (step(browser), visible(browser)) == ("the inputs", ["−2", "5", "−4"])
    seen = []
    for at in range(1, 8):
        browser.key("ArrowRight")
        assert step(browser) == f"step {at} of 7"
        seen.append(text(browser, "#steps > .now p"))
    assert seen == [
        "q = x + y = (−2) + 5 = 3",
        "f = q*z = 3*(−4) = −12",
        "f = q*z. Upstream 1: the backward pass starts here.",
        "z, an input. Gradient ∂f/∂z = 3, from f.",
        "q = x + y. Upstream −4, from f.",
        "y, an input. Gradient ∂f/∂y = −4, from q.",
        "x, an input. Gradient ∂f/∂x = −4, from q.",
    ]
    browser.key("ArrowLeft")
    assert text(browser, "#steps > .now p") == "y, an input. Gradient ∂f/∂y = −4, from q."
    for _ in range(3):
        browser.key("ArrowLeft")
    assert sorted(visible(browser)) == sorted(["−2", "5", "3", "−4", "−12", "1", "−4", "3"])  # downstream of f
    browser.key("End")
    assert step(browser) == "all steps done"
    browser.key("ArrowRight")
    assert step(browser) == "all steps done"
    assert browser.said == []


def test_buttons_sliders_and_play(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *NEURON))
    browser.run("document.getElementById('first').click()")
    assert step(browser) == "the inputs"
    assert browser.run("document.getElementById('back').disabled")
    browser.run("document.getElementById('next').click()")
    assert step(browser) == "step 1 of 21"
    browser.run("{const s = document.getElementById('scrub'); s.value = 9; s.dispatchEvent(new Event('input'));}")
    assert step(browser) == "step 9 of 21"
    browser.key(" ")
    assert "Pause" in browser.run("document.getElementById('play').title")
    browser.key(" ")
    assert "Play" in browser.run("document.getElementById('play').title")
    assert step(browser) == "step 9 of 21"


def test_the_gate_its_wires_and_its_row_are_marked(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *FLAGSHIP), "#step=1")
    here = "[...document.querySelectorAll('.here')].map(e => JSON.stringify(e.dataset))"
    marked = [json.loads(one) for one in browser.run(here)]
    assert {"gate": "2"} in marked
    assert [one for one in marked if "target" in one] == [
        {"source": "0", "target": "2"}, {"source": "1", "target": "2"}, {"source": "2", "target": "6"},
    ]  # fmt: skip
    rows = browser.run("[...document.querySelectorAll('tr.here')].map(r => r.cells[0].textContent)")
    assert rows == ["n3", "w"]


def test_a_finger_steps(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *NEURON), "#step=5")
    middle = browser.run(
        "(b => [b.x + b.width / 2, b.y + b.height - 20])(document.getElementById('walk').getBoundingClientRect())"
    )
    for far, expected in ((-120, "step 6 of 21"), (120, "step 5 of 21"), (20, "step 5 of 21")):
        browser.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": middle[0], "y": middle[1]}])
        browser.ask("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": middle[0] + far, "y": middle[1]}])
        browser.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert step(browser) == expected


def test_keys_in_a_field_are_the_fields_own(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *FLAGSHIP), "#step=3")
    browser.run("{const f = document.querySelector('[type=number]'); f.focus(); f.select();}")
    browser.key("ArrowLeft")
    browser.key("Home")
    assert step(browser) == "step 3 of 12"
    browser.run("document.activeElement.select()")
    browser.ask("Input.insertText", text="-7.5")
    assert text(browser, "#answer") == "f = −26"  # 2*(max(-7.5, -1) - 12)
    browser.run("document.activeElement.select()")
    browser.ask("Input.insertText", text="e")
    assert browser.run("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert text(browser, "#answer") == "f = −26"
    browser.run("document.getElementById('reset').click()")
    assert (text(browser, "#answer"), browser.run("document.querySelector('[type=number]').value")) == ("f = −20", "2")
    assert browser.run("document.querySelector('[aria-invalid]')") is None


# the fragment


def test_the_point_and_the_step_are_kept_in_the_address(browser: Browser, tmp_path: Path) -> None:
    path = drawn(tmp_path, "x@x*y", "--at", "x=[1,2],y=3")
    browser.open(path)
    assert browser.run("location.hash") == ""
    fill(browser, 0, [0.5, -2.0])
    browser.key("ArrowLeft")
    assert browser.run("location.hash") == "#x=0.5,-2&y=3&step=6"
    browser.open(path, "#x=0.5,-2&y=4&step=1")
    assert (text(browser, "#answer"), step(browser)) == ("f = 17", "step 1 of 6")
    browser.run("location.hash = '#y=10'")
    browser.run("new Promise(done => setTimeout(done, 100))")
    assert (text(browser, "#answer"), step(browser)) == ("f = 50", "all steps done")
    browser.run("document.getElementById('reset').click()")
    assert browser.run("location.hash") == ""


@pytest.mark.parametrize(
    "fragment",
    [
        "#x=1", "#x=1,2,3", "#x=1,a", "#x=,", "#y=Infinity", "#y=1e999", "#y=0x10", "#step=99", "#step=-1", "#step=1.5",
        "#__proto__=3&constructor=4", "#%", "#%E0%A4%A", "#x=<img src=x onerror=alert(1)>", "#step=__proto__",
        "##", "#=&=",
    ],
)  # fmt: skip
def test_a_fragment_that_makes_no_sense_is_ignored(browser: Browser, tmp_path: Path, fragment: str) -> None:
    browser.open(drawn(tmp_path, "x@x*y", "--at", "x=[1,2],y=3"), fragment)
    assert (text(browser, "#answer"), step(browser)) == ("f = 15", "all steps done")
    assert browser.said == []


def test_an_input_may_be_called_step(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, "step*x", "--at", "step=2,x=3"), "#step=5&step_=1")
    assert (text(browser, "#answer"), step(browser)) == ("f = 15", "step 1 of 4")


# security


class Tags(HTMLParser):
    """The elements of a document, all closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Tags()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.found


def test_nothing_but_the_pages_own_parts_may_run(tmp_path: Path) -> None:
    page = drawn(tmp_path, *NEURON).read_text("utf-8")
    tags = parsed(page)
    (policy,) = [a["content"] or "" for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    hashes = [
        "'sha256-" + b64encode(sha256(part.encode()).digest()).decode() + "'"
        for part in (
            re.findall(r"<script>(.*?)</script>", page, re.S) + re.findall(r"<style>(.*?)</style>", page, re.S)
        )
    ]
    assert policy.split("; ") == [
        "default-src 'none'", f"script-src {hashes[0]}", f"style-src {hashes[1]}", "base-uri 'none'",
        "form-action 'none'",
    ]  # fmt: skip
    assert not [a for _, a in tags for name in a if name.startswith("on") or name in ("style", "src", "href")]
    script = (files("backpropcli.renderers") / "page.js").read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|\beval\b|Function\(|document\.write|fetch\(|import\(", script
    )


EVIL = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]></svg><script>alert(1)</script>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "\u2028\u2029\u202e\x00\x07\x1b[31m",
    "{x}{0}%s\\u003c&lt;&#60;",
    "\ufdd012\ufdd1",
    "__proto__",
]


def evil_page(evil: str, tensors: bool = False) -> str:
    """A page whose program and names say the text."""
    at: dict[str, Any] = {"x": [1.0, 2.0], "y": [3.0, 4.0]} if tensors else {"x": 1.0, "y": 2.0}
    result = evaluate("q = x*y; f = sum(q*x)" if tensors else "q = x*y; f = q*x", at)
    graph = result.program.graph
    result.program.source = evil
    for i, name in list(graph.names.items()):
        graph.names[i] = evil + name
    graph.inputs = {evil + name: i for name, i in graph.inputs.items()}
    result.at = {evil + name: value for name, value in result.at.items()}
    result.gradient = {evil + name: value for name, value in result.gradient.items()}
    result.wrt = tuple(evil + name for name in result.wrt)
    return "".join(render(result, lambda found: found))


def test_two_hundred_mixtures_stay_text(browser: Browser, tmp_path: Path) -> None:
    """All are parsed, every fifth is opened."""
    rng = random.Random("evil")
    pieces = [piece for text in EVIL for piece in re.findall(r"\W+|\w{1,12}", text)]
    for n in range(200):
        page = evil_page("".join(rng.choices(pieces, k=rng.randint(1, 12))))
        assert [tag for tag, _ in parsed(page)].count("script") == 2
        if n % 5 == 0:
            (tmp_path / "evil.html").write_text(page, "utf-8")
            browser.open(tmp_path / "evil.html")
            browser.key("Home")
            assert browser.run("document.querySelectorAll('script, img, [onerror], [onfocus]').length") == 2
            assert browser.said == []


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("tensors", [False, True])
def test_no_name_and_no_text_becomes_markup(browser: Browser, tmp_path: Path, evil: str, tensors: bool) -> None:
    """The language lets no such name in; should one come by another way, it stays text."""
    page = evil_page(evil, tensors)
    assert [tag for tag, _ in parsed(page)].count("script") == 2
    (tmp_path / "evil.html").write_text(page, "utf-8")
    browser.open(tmp_path / "evil.html")
    fill(browser, 0, [5.0, 6.0] if tensors else [5.0])
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight", "End"):
        browser.key(key)
    assert browser.run("document.querySelectorAll('script, img, [onerror], [onfocus], [onmouseover]').length") == 2
    assert browser.said == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["constructor*valueOf + toString", "--at", "constructor=1,valueOf=2,toString=3"],
        ["x # </script><script>alert(1)</script>", "--at", "x=1"],
        ["θ*x + σ(Δ)", "--at", "θ=1,x=2,Δ=3"],
        ["x<y", "--at", "x=1,y=2"],
        ["5"],
        ["x", "--at", "x=1"],
        ["x*y", "--at", "x=1,y=2,unused=3"],
        ["x*2", "--at", "x=inf"],
        ["sum(x)", "--at", "x=[[[1,2],[3,4]]]"],
        ["x*2", "--at", "x=[1,2]", "--upstream", "[1,-1]"],
        ["log(x)", "--at", "x=-1"],
        ["q = x*x; f = q*y", "--at", "x=1,y=2", "--wrt", "y"],
        ["q = x*x; f = q*y", "--at", "x=1,y=2", "--output", "q"],
        ["sum(x)*" * 40 + "1", "--at", "x=[1,2]", "--fold"],
        ["a=x*x+x; b=a*a+a; c=b*b+b*a", "--at", "x=1", "--fold"],
        ["a=x*x+x; b=a*a+a; c=b*b+b*a", "--at", "x=1", "--depth", "2"],
        ["sum(x[:0]) + y", "--at", "x=[1,2],y=1"],
    ],
)
def test_any_program_opens(browser: Browser, tmp_path: Path, arguments: list[str]) -> None:
    path = drawn(tmp_path, *arguments, name="</script>&\"'<b>.html".replace("/", "∕"))
    parsed(path.read_text("utf-8"))
    browser.open(path)
    for key in ("Home", "ArrowRight", "ArrowRight", "End"):
        browser.key(key)
    assert step(browser) == "all steps done"
    if reckoned(browser):
        shared = [a for a in arguments if a not in ("--fold", "--depth", "2")]
        close(reckoned(browser), told(*shared))
    assert browser.said == []


def test_a_page_has_at_most_as_many_rows_as_the_limit(tmp_path: Path) -> None:
    program = "+".join(["x"] * 1200)
    run = backprop("draw", program, "--at", "x=1", "-o", str(tmp_path / "f.html"))
    assert (run.returncode, "--limit rows=1200" in run.stderr) == (2, True)
    assert not (tmp_path / "f.html").exists()


# looks


def test_the_neuron_is_small(tmp_path: Path) -> None:
    assert drawn(tmp_path, *NEURON).stat().st_size <= 60_000
    named = ("samples/neuron.bp", "--at-file", "samples/neuron.json")
    assert drawn(tmp_path, *named).stat().st_size <= 60_000


def test_three_runs_have_the_same_bytes(tmp_path: Path) -> None:
    pages = set()
    for seed in ("0", "1", "2"):
        subprocess.run(
            [sys.executable, "-m", "backpropcli", "draw", *IRIS, "-o", str(tmp_path / "f.html")],
            env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        pages.add((tmp_path / "f.html").read_bytes())
    assert len(pages) == 1


def colors(css: str) -> list[dict[str, str]]:
    """The colors of a light page, and of a dark one."""
    light, dark, *_ = (
        dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{.*?\}", css, re.S)
    )
    return [light, light | dark]


def brightness(color: str) -> float:
    """Relative luminance, as in WCAG 2.2."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("dark", [False, True])
def test_colors_can_be_read(dark: bool) -> None:
    found = colors((files("backpropcli.renderers") / "page.css").read_text("utf-8"))[dark]
    for text_, grounds, least in (
        ("ink", ("paper", "shade", "here"), 4.5),
        ("faint", ("paper",), 4.5),
        ("value", ("paper", "here"), 4.5),
        ("gradient", ("paper", "here"), 4.5),
        ("wire", ("paper",), 3.0),
        ("focus", ("paper",), 3.0),
    ):
        for ground in grounds:
            high, low = sorted((brightness(found[text_]), brightness(found[ground])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= least, (text_, ground)


@pytest.mark.parametrize("arguments", [NEURON, LENGTH])
@pytest.mark.parametrize("width", [1280, 390])
def test_everything_has_a_name_and_nothing_overflows(
    browser: Browser, tmp_path: Path, arguments: list[str], width: int
) -> None:
    browser.size(width, 900)
    browser.open(drawn(tmp_path, *arguments), "#step=4")
    tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
    controls = [
        n for n in tree if n.get("role", {}).get("value") in ("button", "slider", "spinbutton", "region", "img")
    ]
    assert len(controls) > 8
    assert all(n["name"]["value"].strip() for n in controls)
    assert browser.run("document.documentElement.lang") == "en"
    assert browser.run("document.documentElement.scrollWidth") <= width
    small = "[...document.querySelectorAll('button')].filter(b => b.getBoundingClientRect().height < 44).length"
    assert browser.run(small) == 0


def test_the_step_is_told_to_who_cannot_see_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *FLAGSHIP))
    browser.key("Home")
    browser.key("ArrowRight")
    assert browser.run("document.getElementById('said').getAttribute('role')") == "status"
    assert text(browser, "#said") == "Forward pass n3 = max(z, w) = max(2, −1) = 2"


def test_the_focus_is_seen(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *FLAGSHIP))
    seen = []
    for _ in range(8):
        browser.key("Tab")
        seen.append(browser.run("getComputedStyle(document.activeElement).outlineStyle"))
    assert seen == ["solid"] * 8


def test_motion_is_reduced_on_request(browser: Browser, tmp_path: Path) -> None:
    path = drawn(tmp_path, *FLAGSHIP)
    duration = "getComputedStyle(document.querySelector('.gate')).transitionDuration"
    browser.open(path)
    assert browser.run(duration) == "0s"
    browser.media(prefers_reduced_motion="no-preference")
    assert browser.run(duration) != "0s"


def test_print_shows_all_steps_done(browser: Browser, tmp_path: Path) -> None:
    browser.open(drawn(tmp_path, *FLAGSHIP), "#step=1")
    shown_steps = "[...document.querySelectorAll('#steps > li')].filter(li => li.offsetHeight).length"
    assert (browser.run(shown_steps), len(visible(browser))) == (1, 5)
    browser.media(prefers_color_scheme="dark")
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.run(shown_steps) == 14
    assert len(visible(browser)) == 16
    assert browser.run("document.querySelector('.bar').offsetHeight") == 0
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.ask("Emulation.setEmulatedMedia", media="")
    browser.print(tmp_path / "f.pdf")
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")


def test_a_page_of_scalars_needs_no_numpy_and_no_rich() -> None:
    program = (
        "import sys; from backpropcli.cli.app import dispatch;"
        f"assert dispatch({['draw', *FLAGSHIP, '--format', 'html']!r}) == 0;"
        "assert not {'numpy', 'rich', 'mpmath'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stdout[:15]) == (0, "<!doctype html>"), run.stderr


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    run = backprop("draw", *NEURON, "-o", str(tmp_path / "neuron.html"))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert (tmp_path / "neuron.html").read_text("utf-8").endswith("</html>\n")


def test_a_page_without_scripts_shows_the_numbers(tmp_path: Path) -> None:
    page = drawn(tmp_path, *FLAGSHIP).read_text("utf-8")
    assert "f = 2*n7 = 2*(−10) = −20" in page.replace("<var>", "").replace("</var>", "")
    assert '<p id="answer"><var>f</var> = <output data-s="' in page
