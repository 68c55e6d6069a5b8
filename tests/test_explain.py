"""Explanations: their numbers are those of the report, their formulas hold, and every page is as it should be read.

``BACKPROP_UPDATE=1 pytest tests/test_explain.py`` writes the golden pages anew; read the difference then.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from math import fsum, isclose
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

import jsonschema
import numpy as np
import pytest

from backpropcli import Result, evaluate, parse
from backpropcli.errors import OptionError, columns
from backpropcli.explain import Explanation, GradientStep, Omitted, explain
from backpropcli.limits import LIMITS
from backpropcli.operations import OPERATIONS
from backpropcli.points import read_point
from backpropcli.renderers import explain_json, latex
from backpropcli.renderers import json as eval_json
from backpropcli.renderers.explain import render, source_line
from backpropcli.renderers.pages import code_span, markdown_text, words
from backpropcli.renderers.screen import FILE
from backpropcli.report import report
from backpropcli.values import shapes_of
from backpropcli.words import LANGUAGES, words_of

from .test_cli import SCHEMA, backprop
from .test_random import usable
from .test_random_tensors import usable as usable_tensors

SAMPLES = Path(__file__).parent.parent / "samples"
PAGES = Path(__file__).parent / "explained"
SUFFIXES = {"text": "txt", "md": "md", "latex": "tex"}

LECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "row_1": ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}),
    "row_2": ("2*(max(z,w)+x*y)", {"x": 3, "y": -4, "z": 2, "w": -1}),
    "row_3": ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    "row_7": ("x*x + x", {"x": 3}),
    "row_21": ("q = W@x; f = sum(q^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}),
}


def page(result: Result, form: str = "text", language: str = "en", **options: Any) -> str:
    steps = explain(result, **{k: options.pop(k) for k in ("which", "node", "most") if k in options})
    return "".join(render(steps, words_of(language), form=form, korean=language == "ko", **options))


def as_json(steps: Explanation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads("".join(explain_json.render(steps, 10_000)))
    return found


def samples() -> list[Any]:
    found = [pytest.param(path, id=path.stem) for path in sorted(SAMPLES.glob("*.bp"))]
    assert len(found) > 20
    return found


TOO_LARGE = "cost"
"""The sample that shows what an explicit Jacobian would cost: forward mode has no room for it."""


def sample(path: Path, mode: str = "reverse") -> Result:
    point_file = path.with_suffix(".json")
    point = read_point(str(point_file), LIMITS) if point_file.exists() else {}
    program = parse(path.read_text("utf-8"), shapes_of(point))
    shape = program.graph.shapes[program.output]
    upstream = np.ones(shape) if shape else None
    return evaluate(program, point, upstream=upstream, mode=mode)


# The numbers.


def agree_with_the_report(result: Result) -> None:
    """Every number of every step is one that `eval --json` prints, and no number is left out."""
    table = json.loads("".join(eval_json.render(report(result))))
    steps = as_json(explain(result, most=10**6))
    assert steps["value"] == table["value"]
    assert steps["gradient"] == table["gradient"]
    nodes = {node["id"]: node for node in table["nodes"]}
    order = [node["id"] for node in table["nodes"]]
    assert [step["id"] for step in steps["forward"]] == [i for i in order if nodes[i]["operation"] != "input"]
    assert all(step["value"] == nodes[step["id"]]["value"] for step in steps["forward"])
    explained = [step["id"] for step in steps["backward"]]
    assert explained == [i for i in reversed(order) if i in set(explained)]
    for step in steps["backward"]:
        node = nodes[step["id"]]
        assert step["upstream"] == node["upstream"]
        assert step["pattern"] == node["pattern"]
        products = [{"id": p["to"], "local": p["local"], "downstream": p["downstream"]} for p in step["products"]]
        assert products == node["inputs"]
    for i, node in nodes.items():
        if node["inputs"] or (node["operation"] == "input" and node["upstream"] is not None):
            assert i in explained
    numbers = [step["step"] for step in (*steps["forward"], *steps["backward"])]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", samples())
def test_the_steps_of_samples_are_the_reports(path: Path) -> None:
    agree_with_the_report(sample(path))


@pytest.mark.parametrize("chunk", range(10))
def test_the_steps_of_random_programs_are_the_reports(chunk: int) -> None:
    random = Random(chunk)
    for _ in range(20):
        agree_with_the_report(usable(random))


@pytest.mark.parametrize("chunk", range(10))
def test_the_steps_of_random_tensor_programs_are_the_reports(chunk: int) -> None:
    random = Random(300 + chunk)
    for _ in range(5):
        result, _ = usable_tensors(random)
        agree_with_the_report(result)
        for form in SUFFIXES:
            assert page(result, form, "ko")
        assert not latex_faults(page(result, "latex"))


@pytest.mark.parametrize("chunk", range(10))
def test_contributions_come_from_products_and_add_up(chunk: int) -> None:
    random = Random(100 + chunk)
    for _ in range(20):
        steps = [step for step in explain(usable(random)).backward or [] if isinstance(step, GradientStep)]
        brought: dict[str, list[tuple[str, float]]] = {}
        for step in steps:
            parts = [part.value for part in step.contributions]
            assert isclose(fsum(parts), step.upstream, rel_tol=1e-14, abs_tol=1e-14 * fsum(map(abs, parts)))
            sent = [(part.source, part.value) for part in step.contributions if part.source]
            assert sorted(brought.pop(step.name, [])) == sorted(sent)
            for product in step.products:
                brought.setdefault(product.name, []).append((step.name, product.downstream))
                if product.local and step.upstream:
                    assert product.downstream == product.local * step.upstream
        assert not brought


@pytest.mark.parametrize("chunk", range(10))
def test_the_formulas_hold(chunk: int) -> None:
    """Read as programs, and evaluated at the values of the nodes, they give what stands beside them."""
    random = Random(200 + chunk)
    checked = 0
    for _ in range(10):
        result = usable(random)
        steps = as_json(explain(result))
        table = json.loads("".join(eval_json.render(report(result))))
        at = {node["name"]: node["value"] for node in table["nodes"]}
        for step in steps["forward"]:
            assert same(evaluate(step["formula"], at).value, step["value"]), step
            assert same(evaluate(step["substituted"]).value, step["value"]), step
        for step in steps["backward"]:
            for product in step["products"]:
                if product["rule"] is None:
                    assert product["why"] in ("chosen", "not chosen", "tied")
                    continue
                if isinstance(product["local"], str):  # infinite, where nothing arrives
                    continue
                checked += 1
                assert same(evaluate(product["rule"], at).value, product["local"]), product
                assert same(evaluate(product["substituted"]).value, product["local"]), product
    assert checked > 20


def same(found: Any, wanted: Any) -> bool:
    return isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-12)


@pytest.mark.parametrize("name", [name for name in LECTURES if name != "row_21"])
def test_printed_products_are_right_as_printed(name: str) -> None:
    """``(-4) × 2 = -8``: whoever reckons with the printed digits finds the printed result."""
    program, point = LECTURES[name]
    text = unfolded(page(evaluate(program, point)))
    found = re.findall(r"downstream \(?(-?[\d.]+)\)? × \(?(-?[\d.]+)\)? = (-?[\d.]+)", text)
    assert len(found) == text.count("; downstream ")
    for local, upstream, downstream in found:
        assert isclose(float(local) * float(upstream), float(downstream), rel_tol=1e-5)


def unfolded(text: str) -> str:
    return re.sub(r"\n +", " ", text)


@pytest.mark.parametrize("path", [found for found in samples() if found.id != TOO_LARGE])
def test_forward_mode_has_the_same_gradient(path: Path) -> None:
    result = sample(path, "forward")
    steps = as_json(explain(result, most=10**6))
    assert steps["backward"] is None
    last: dict[str, Any] = {}
    for sweep in steps["sweeps"]:
        for step in sweep["steps"]:
            if step["id"] == steps["output"]:
                last |= step["tangents"]
            for moved in step["moved"]:
                assert moved["rule"] or "local" in moved
            if not result.program.graph.tensors:
                products = [moved["local"] * moved["tangent"] for moved in step["moved"]]
                assert isclose(sum(products), *step["tangents"].values(), rel_tol=1e-9, abs_tol=1e-12)
    if not result.program.graph.shapes[result.output]:
        for name, tangent in last.items():
            assert json.dumps(tangent) == json.dumps(steps["gradient"][name])
    assert "".join(render(explain(result), words_of("ko"), korean=True))


# What has steps, and what has none.


def test_constants_have_no_step() -> None:
    steps = as_json(explain(evaluate("3*x + (1 + 2)", x=2)))
    assert [step["formula"] for step in steps["forward"]] == ["3*x", "1 + 2", "n2 + n3"]
    assert [step["name"] for step in steps["backward"]] == ["f", "n2", "x"]
    assert [p["name"] for step in steps["backward"] for p in step["products"]] == ["n2", "x"]


def test_a_program_without_inputs_has_no_gradient() -> None:
    text = page(evaluate("2*3"))
    assert "f = 2*3 = 6" in text
    assert "The output depends on no input that a gradient is asked for." in text


def test_data_has_no_step() -> None:
    text = page(evaluate("x*y", x=2, y=3, wrt=["y"]))
    assert "No gradient is asked for x: data." in text
    assert "to y: local ∂f/∂y = x = 2" in text
    assert "to x" not in text


def test_an_input_that_nothing_uses_has_gradient_0() -> None:
    result = evaluate("q = x*y; f = x*x", x=2, y=3)
    assert "y, an input. Gradient ∂f/∂y = 0: the output does not depend on it." in page(result)


def test_a_node_by_itself() -> None:
    steps = explain(evaluate("q = x + y; f = q*z", x=-2, y=5, z=-4), node="q")
    found = as_json(steps)
    assert [step["step"] for step in (*found["forward"], *found["backward"])] == [1, 5]
    with pytest.raises(OptionError) as caught:
        explain(evaluate("score*z", score=1, z=2), node="scor")
    assert caught.value.hint == "did you mean `score`?"


def test_many_steps_are_left_out_and_counted() -> None:
    program = "x0 = x" + "".join(f"; x{i + 1} = sin(x{i})" for i in range(50))
    steps = explain(evaluate(program, x=1), most=6)
    for found in (steps.forward, steps.backward):
        assert found is not None
        assert sum(step.steps if isinstance(step, Omitted) else 1 for step in found) in (50, 51)
        assert len(found) <= 7
    assert "… 45 steps are left out; --limit rows=N shows more." in page(evaluate(program, x=1), most=6)


def test_passes() -> None:
    result = evaluate("x*y", x=2, y=3)
    assert explain(result, "forward").backward is None
    assert explain(result, "backward").forward is None
    with pytest.raises(OptionError):
        explain(result, "sideways")
    with pytest.raises(OptionError):
        explain(evaluate("x*y", x=2, y=3, mode="forward"), "backward")


def test_which_inputs_raise_the_output() -> None:
    program, point = LECTURES["row_3"]
    assert "To raise f above 0.731059: raise x0, w2; lower w0, w1, x1." in page(evaluate(program, point))
    frozen = evaluate(program, point, wrt=["w0", "w1", "w2"])
    assert "To raise f above 0.731059: raise w2; lower w0, w1." in page(frozen)
    assert "raise x; lower y" in page(evaluate("x - y", x=1, y=1, upstream=-2))
    assert "To raise" not in page(evaluate("log(x)", x=-1))


@pytest.mark.parametrize(
    ("program", "point", "said"),
    [
        ("relu(x)", {"x": 0}, "Derivative on the left 0, on the right 1, used 0."),
        ("max(x, y)", {"x": 1, "y": 1}, "A tie: there is no derivative here"),
        ("max(x, y)", {"x": 1, "y": 1}, "local ∂f/∂x = 0.5 (tied)"),
        ("step(x)", {"x": 0}, "A jump"),
        ("sqrt(x)", {"x": 0}, "A vertical tangent"),
        ("1/x", {"x": 0}, "This value is not finite."),
        ("2^x", {"x": 3}, "towards an exponent the factor is the logarithm of the base"),
        ("x^2", {"x": 3}, "local ∂f/∂x = 2*x = 2*3 = 6"),
        ("x - y", {"x": 1, "y": -3}, "to y: local ∂f/∂y = -1; downstream (-1) × 1 = -1"),
        ("sum(x + b)", {"x": [[1, 2], [3, 4]], "b": [5, 6]}, "b was stretched from [2] to [2×2]"),
        ("sum(relu(x))", {"x": [1, -2, 3]}, "diag(1, 0, 1); downstream [1, 0, 1] ⊙ [1, 1, 1] = [1, 0, 1]"),
        ("sum(mean(x, axis=0))", {"x": [[1, 2], [3, 4]]}, "Along the axes that were reduced"),
        ("sum(X@W)", {"X": [[1, 2]], "W": [[3], [4]]}, "Xᵀ · upstream = [[1, 2]]ᵀ · [[1]] = [[1], [2]]"),
        ("x[1]", {"x": [1, 2]}, "The chosen entries get the upstream gradient, the others 0."),
        ("sum(x)", {"x": list(range(100))}, "x = [0, 1, …, 98, 99] (100)"),
    ],
)  # fmt: skip
def test_what_is_said(program: str, point: dict[str, Any], said: str) -> None:
    assert said in unfolded(page(evaluate(program, point)))


def test_a_local_gradient_of_one_of_two_uses_is_no_partial_derivative() -> None:
    text = page(evaluate("x*x", x=3))
    assert "to x, operand 1: local x = 3; downstream 3 × 1 = 3" in text
    assert "∂f/∂x = x" not in text


# The words.


def fields(sentence: str) -> set[str]:
    return {field for _, field, *_ in Formatter().parse(sentence) if field is not None}


def test_the_languages_have_the_same_keys_and_fields() -> None:
    english, korean = words_of("en"), words_of("ko")
    assert list(english) == list(korean)
    for key in english:
        assert fields(english[key]) == fields(korean[key]), key
    assert set(LANGUAGES) == {"en", "ko"}


def test_every_word_is_used() -> None:
    root = Path(explain.__code__.co_filename).parent
    code = "".join((root / name).read_text("utf-8") for name in ("explain.py", "renderers/explain.py"))
    patterns = {row.pattern for row in OPERATIONS.values()}
    for key in words_of("en"):
        head, _, rest = key.partition(".")
        if rest and head in ("pattern", "way"):
            assert rest.partition(".")[0] in patterns, key
        elif head not in ("note", "because"):
            assert f'"{key}"' in code, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_pattern_has_words(language: str) -> None:
    found = words_of(language)
    for row in OPERATIONS.values():
        assert f"pattern.{row.pattern}" in found
        assert f"way.{row.pattern}" in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_can_be_explained(language: str, gate: Any) -> None:
    names = [f"x{k}" for k in range(len(gate.operands))]
    call = gate.form.format(*names) if gate.form else f"{gate.written}({', '.join(names)})"
    result = evaluate(call, {name: 1.0 + k for k, name in enumerate(names)})
    pattern = words_of(language)[f"pattern.{gate.pattern}"]
    for form in SUFFIXES:
        assert pattern in page(result, form, language)


def test_no_korean_particle_depends_on_a_name() -> None:
    for key, sentence in words_of("ko").items():
        assert not re.search(r"\}[가-힣]", sentence.replace("{count}", "")), key


# The pages.


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LECTURES)
def test_golden_pages(name: str, language: str, form: str) -> None:
    program, point = LECTURES[name]
    found = page(evaluate(program, point), form, language)
    path = PAGES / f"{name}.{language}.{SUFFIXES[form]}"
    if os.environ.get("BACKPROP_UPDATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LECTURES)
def test_text_folds_at_words(name: str, language: str, width: int) -> None:
    program, point = LECTURES[name]
    result = evaluate(program, point)
    text = page(result, language=language, screen=FILE._replace(width=width))
    assert max(columns(line) for line in text.splitlines()) <= min(width, 100)
    wide = page(result, language=language, screen=FILE._replace(width=10**6))
    assert unruled(text) == unruled(wide)


def unruled(text: str) -> list[str]:
    return " ".join(line for line in text.splitlines() if set(line) != {"─"}).split()


def test_a_tensor_is_not_torn_where_it_fits() -> None:
    assert list(words("a = [[1, 2], [3, 4]] + b", 30)) == ["a", "=", "[[1, 2], [3, 4]]", "+", "b"]
    assert list(words("a = [[1, 2], [3, 4]]", 8)) == ["a", "=", "[[1,", "2],", "[3,", "4]]"]
    assert list(words("a [1, 2", 30)) == ["a", "[1,", "2"]


COMMANDS = r"""
    \documentclass \usepackage \begin \end \section \subsection \item \noindent \texttt \text \mathrm \mathsf
    \operatorname \frac \sqrt \left \right \partial \cdot \times \odot \le \ge \ne \lnot \land \lor \lfloor \rfloor
    \lceil \rceil \infty \dots \ldots \cdots \rightarrow \div \surd
    \exp \log \sin \cos \tan \sinh \cosh \tanh \det \arcsin \arccos \arctan \max \min \mathbf \boldsymbol \mathtt
    \circ \varphi \textquotedbl \textquotesingle \textbullet
    \textbackslash \textasciicircum \textasciitilde \textless \textgreater \textbar \textasciigrave
"""


def latex_faults(text: str) -> list[str]:
    """What a compiler would complain about: brackets, dollars, environments, commands that nobody defined."""
    known = {*COMMANDS.split(), *(f"\\{name}" for name in latex.GREEK.values())}
    plain = text.replace(r"\\", " ")
    faults = [f"unknown {c}" for c in re.findall(r"\\[A-Za-z]+", plain) if c not in known]
    bare = re.sub(r"\\[{}$&#_%]", "", plain)
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        faults += ["a brace that nothing opened"] if depth < 0 else []
    faults += ["a brace that nothing closes"] if depth else []
    faults += ["an odd dollar"] if bare.count("$") % 2 else []
    lefts, rights = (len(re.findall(rf"\\{side}(?![a-z])", bare)) for side in ("left", "right"))
    faults += ["left without right"] if lefts != rights else []
    open_: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", bare):
        if kind == "begin":
            open_.append(name)
        elif not open_ or open_.pop() != name:
            faults.append(f"{name} ends")
    faults += open_
    for formula in re.findall(r"\$([^$]*)\$", bare):
        faults += ["two exponents"] if re.search(r"\^\{[^{}]*\}\^", formula) else []
        faults += ["two subscripts"] if re.search(r"_\{[^{}]*\}_", formula) else []
    outside = re.sub(r"\$[^$]*\$", "", bare)
    faults += [f"{c} outside of a formula" for c in "^_#~" if c in re.sub(r"\\begin\{document\}", "", outside)]
    return faults


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", samples())
def test_latex_is_well_formed(path: Path, language: str) -> None:
    for mode in ("reverse", "forward") if path.stem != TOO_LARGE else ("reverse",):
        assert not latex_faults(page(sample(path, mode), "latex", language))


def test_latex_of_random_programs_is_well_formed() -> None:
    random = Random(7)
    for _ in range(50):
        assert not latex_faults(page(usable(random), "latex"))


def test_faults_of_latex_are_found() -> None:
    """The judge of the two tests above can fail."""
    for wrong in (r"{", r"}", "$", r"\begin{a}", r"\evil", r"$x^{2}^{3}$", "a_b", r"$\left(x$"):
        assert latex_faults(wrong), wrong


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LECTURES)
def test_latex_compiles(name: str, language: str, tmp_path: Path) -> None:
    if language == "ko" and subprocess.run(["kpsewhich", "kotex.sty"], capture_output=True, check=False).returncode:
        pytest.skip("there is no kotex")
    program, point = LECTURES[name]
    (tmp_path / "page.tex").write_text(page(evaluate(program, point), "latex", language), "utf-8")
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        ("x^2", r"x^{2}"),
        ("(-x)^2", r"n_{2}^{2}"),
        ("x/(y + 1)", r"\frac{x}{n_{3}}"),
        ("x - (-2)", r"x - \left(-2\right)"),
        ("sqrt(x)", r"\sqrt{x}"),
        ("abs(x)", r"\left|x\right|"),
        ("alpha*w12", r"\alpha \cdot w_{12}"),
        ("σ*rate_1", r"\sigma \cdot \mathrm{rate}_{1}"),
        ("x <= y", r"x \le y"),
        ("floor(x_ih)", r"\lfloor{x_{\mathrm{ih}}}\rfloor"),
        ("log_sigmoid(x)", r"\operatorname{log\_sigmoid}\left(x\right)"),
        ("1e-9*x", r"10^{-9} \cdot x"),
    ],
)
def test_formulas_in_latex(program: str, wanted: str) -> None:
    result = evaluate(program, dict.fromkeys(parse(program).inputs, 2.0))
    assert f"$f = {wanted} = " in page(result, "latex")


def test_matrices_in_latex() -> None:
    text = page(evaluate("sum(outer(x, x)ᵀ^2)", x=[1, -2]), "latex")
    assert r"\boldsymbol{x} \cdot \boldsymbol{x}^{\mathsf{T}}" in text
    assert r"\begin{bmatrix} 1 \\ -2 \end{bmatrix}" in text
    assert r"\begin{bmatrix} 1 & -2 \\ -2 & 4 \end{bmatrix}^{\mathsf{T}}" in text
    assert not latex_faults(text)


@pytest.mark.parametrize(
    "hostile",
    [
        "x # \x1b[31mred\x07", "x # \u202eevil", "x # <script>alert(1)</script>", "x # $\\input{evil}$ % ~ ^ _ & { }",
        "x # `code` **bold** | [link](http://example.invalid)", "\tx\r\n", "x;" * 50,
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", SUFFIXES)
def test_hostile_text_does_no_harm(hostile: str, form: str) -> None:
    text = page(evaluate(hostile, x=1), form)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "evil" not in text  # comments are no part of the program
    assert form != "latex" or not latex_faults(text)


def test_markdown_and_code_are_escaped() -> None:
    assert markdown_text("a*b_c[d]<e>`f`|#$") == r"a\*b\_c\[d\]\<e\>\`f\`\|\#\$"
    assert code_span("a*b") == "`a*b`"
    assert code_span("a`b``c") == "```a`b``c```"
    assert code_span("`a") == "`` `a ``"
    assert latex.text("\\{}$&#_%^~<|") == (
        r"\textbackslash{}\{\}\$\&\#\_\%\textasciicircum{}\textasciitilde{}\textless{}\textbar{}"
    )
    assert not latex_faults(latex.text("\\{}$&#_%^~<>|`'\"\x00\u202e"))


def test_two_hundred_mixtures_in_markdown() -> None:
    """Foreign text stands in a page as escaped text or in a code span, and leaves neither."""
    pieces = [
        *list("*_[]<>`|#$\\&!-+.(){}~\n\r\x1b\u202e "),
        "<script>",
        "](x)",
        "```",
        "$$",
        "&lt;",
        "<!--",
        "x1",
        "λ",
    ]
    random = Random("markdown")
    for _ in range(200):
        text = "".join(random.choices(pieces, k=random.randint(1, 20)))
        plain = re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown_text(text))
        assert not set("*_[]<>`|#$\\") & set(plain), text
        span = code_span(text)
        fence = re.match("`+", span)
        assert fence is not None
        inside = span[len(fence[0]) : -len(fence[0])]
        assert span.endswith(fence[0])
        assert fence[0] not in re.findall("`+", inside), text
        assert not set("\n\r\x1b\u202e") & set(span + markdown_text(text)), text


def test_shared_formulas_do_not_explode() -> None:
    """Written out in full, the gradient of forty products, each used twice, has 2^40 terms."""
    program = "y0 = x; " + "; ".join(f"y{i + 1} = y{i}*sin(y{i})" for i in range(40)) + "; sum(y40)"
    result = evaluate(program, x=[0.5, 1.0])
    for form in SUFFIXES:
        assert len(page(result, form)) < 200_000


def test_signs_of_notes_in_latex() -> None:
    text = page(evaluate("√(x)² × y ÷ 2 − θ³", x=4, y=2, θ=1), "latex")
    assert r"\texttt{$\surd$(x)$^{2}$ $\times$ y $\div$ 2 $-$ $\theta$$^{3}$}" in text
    assert not latex_faults(text)


def test_the_source_in_one_line() -> None:
    assert source_line("q = x + y  # a sum\n\n f = q*z;\n") == "q = x + y; f = q*z"
    assert len(source_line("x + " * 1000)) == 200


# The command.


def test_the_command_in_a_process() -> None:
    run = backprop("explain", "(x+y)*z", "--at", "x=-2,y=5,z=-4")
    assert (run.returncode, run.stderr) == (0, "")
    assert "to n3: local ∂f/∂n3 = z = -4; downstream (-4) × 1 = -4" in run.stdout
    assert len(run.stdout.splitlines()) <= 30  # it fits a screen


def test_the_command_in_korean_as_markdown(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    run = backprop("explain", "x*x + x", "--at", "x=3", "--lang", "ko", "--format", "md", "-o", str(target))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert target.read_text("utf-8") == (PAGES / "row_7.ko.md").read_text("utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ["(x+y)*z", "--at", "x=-2,y=5,z=-4"],
        ["(x+y)*z", "--at", "x=-2,y=5,z=-4", "--mode", "forward"],
        ["q = W@x; f = sum(q^2)", "--at", "W=[[0.1,0.5],[-0.3,0.8]],x=[0.2,0.4]"],
        ["sum(W@x)", "--at", "W=[[1,2]],x=[3,4]", "--mode", "forward", "--wrt", "x"],
        ["relu(x) + max(y, 1)", "--at", "x=0,y=1", "--pass", "backward"],
        ["x + y + z", "--at", "x=1,y=2,z=3", "--limit", "rows=2"],
        ["log(x)", "--at", "x=-1"],
        ["5"],
    ],
    ids=lambda a: " ".join(a),
)
def test_json_follows_its_schema(arguments: list[str]) -> None:
    jsonschema.validate(json.loads(backprop("explain", *arguments, "--json").stdout), SCHEMA)


def test_the_command_as_json() -> None:
    run = backprop("explain", "(x+y)*z", "--at", "x=-2,y=5,z=-4", "--json")
    found = json.loads(run.stdout)
    assert list(found) == [
        "schema", "expression", "at", "output", "mode", "value", "gradient", "forward", "backward", "sweeps", "raise",
        "lower", "still", "formulas", "notes",
    ]  # fmt: skip
    assert found["schema"] == 1
    assert found["backward"][0] == {
        "step": 3, "id": "n5", "name": "f", "formula": "n3*z", "pattern": "swap multiplier", "shape": [], "upstream": 1,
        "contributions": [{"from": None, "value": 1}],
        "products": [
            {"to": "n3", "name": "n3", "rule": "z", "substituted": "-4", "why": None, "local": -4, "downstream": -4},
            {"to": "n4", "name": "z", "rule": "n3", "substituted": "3", "why": None, "local": 3, "downstream": 3},
        ],
        "notes": [],
    }  # fmt: skip
    error = json.loads(backprop("explain", "2x", "--at", "x=1", "--json").stdout)["error"]
    assert error["code"] == "syntax"


def test_scalars_do_not_import_numpy() -> None:
    code = (
        "import sys; from backpropcli.cli.main import run; "
        "status = run(['explain', '(x+y)*z', '--at', 'x=-2,y=5,z=-4', '--format', 'latex']); "
        "assert not {'numpy', 'rich', 'mpmath'} & set(sys.modules), set(sys.modules) & {'numpy', 'rich', 'mpmath'}; "
        "sys.exit(status)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["x*y", "--at", "x=1,y=2", "--format", "md"], 0),
        (["x*y", "--at", "x=1,y=2", "--mode", "forward"], 0),
        (["1/x", "--at", "x=0"], 3),
        (["x*y", "--at", "x=1,y=2", "--lang", "fr"], 2),
        (["x*y", "--at", "x=1,y=2", "--format", "table"], 2),
        (["x*y", "--at", "x=1,y=2", "--node", "q"], 2),
        (["x*y", "--at", "x=1,y=2", "--mode", "forward", "--pass", "backward"], 2),
        (["x*y", "--at", "x=1"], 2),
        (["relu(x)", "--at", "x=[1,2]"], 2),
    ],
)
def test_exit_status(arguments: list[str], status: int) -> None:
    run = backprop("explain", *arguments)
    assert run.returncode == status, run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_quiet_says_only_the_result() -> None:
    run = backprop("explain", "x*y", "--at", "x=1,y=2,z=3", "--quiet")
    assert run.stderr == ""
    assert run.stdout.splitlines()[1:] == [
        "Result", "──────", "f = 2", "∂f/∂x = 2, ∂f/∂y = 1", "To raise f above 2: raise x, y.",
    ]  # fmt: skip
    assert "note: no name in the program is `z`" in backprop("explain", "x*y", "--at", "x=1,y=2,z=3").stderr


def test_notes_that_no_step_tells_go_to_standard_error() -> None:
    kink = "note: relu(x) has a kink at x = 0"
    assert kink not in backprop("explain", "relu(x)", "--at", "x=0").stderr
    for more in (["--mode", "forward"], ["--node", "x"], ["--pass", "forward"]):
        assert kink in backprop("explain", "relu(x)", "--at", "x=0", *more).stderr


def test_big_gates_taken_apart() -> None:
    run = backprop("explain", "sigmoid(x)", "--at", "x=0", "--expand", "all")
    assert "n3 = exp(n2)" in run.stdout
    assert "f = 1/n4 = 1/2 = 0.5" in run.stdout


def test_headings_are_bold_where_there_are_colors() -> None:
    plain = backprop("explain", "x*y", "--at", "x=1,y=2")
    bold = backprop("explain", "x*y", "--at", "x=1,y=2", "--color", "always")
    assert "\x1b[1mForward pass\n\x1b[0m" in bold.stdout
    assert re.sub(r"\x1b\[[01]m", "", bold.stdout) == plain.stdout


def test_digits() -> None:
    assert "f = x/3 = 1/3 = 0.333333" in page(evaluate("x/3", x=1))
    assert "local ∂f/∂x = 0.333333;" in page(evaluate("x*0.333333333333", x=1))
    assert "f = x/3 = 1/3 = 0.33\n" in page(evaluate("x/3", x=1), digits=2)


def test_ascii_where_the_encoding_has_no_more() -> None:
    run = backprop("explain", "(x+y)*z", "--at", "x=-2,y=5,z=-4", PYTHONIOENCODING="ascii")
    assert run.stdout.isascii()
    assert "to z: local df/dz = n3 = 3; downstream 3 * 1 = 3" in run.stdout


@pytest.mark.parametrize(
    ("program", "pattern", "said"),
    [
        ("1/x", "power rule", "the slope of 1/x is -1/x².\n      to x: local ∂f/∂x = -f^2 = -0.5^2 = -0.25"),
        ("2/x", "quotient rule", "Quotient rule: the denominator gets the upstream gradient times minus the quotient"),
        ("x/4", "quotient rule", "Quotient rule: the numerator gets the upstream gradient divided by the denominator."),
        ("x/x", "quotient rule", "the denominator; the\n    denominator gets that times minus the quotient."),
        ("one = 1; f = one/x", "quotient rule", "Quotient rule: the denominator"),
    ],
)
def test_one_over_x_is_a_gate_of_its_own(program: str, pattern: str, said: str) -> None:
    result = evaluate(program, {"x": 2.0})
    assert list(report(result).nodes)[-1].pattern == pattern
    assert said in page(result)
