"""`backprop symbolic`: formulas that read like a person's, that `eval` reads back, and that stay linear in size."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import numpy as np
import pytest

from backpropcli import Result, evaluate, parse
from backpropcli.checks.shake import shaken_gradients
from backpropcli.cli.options import shapes_of_option
from backpropcli.errors import LanguageError, OptionError, ShapeError
from backpropcli.gradients import LONG, Formulas, formulas
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.language.program import Program
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.points import read_point
from backpropcli.renderers.formula import render as render_text
from backpropcli.renderers.formula_json import render as render_json
from backpropcli.renderers.formula_latex import render as render_latex
from backpropcli.renderers.latex import figure, identifier
from backpropcli.renderers.mathematics import Notation
from backpropcli.renderers.readable import readable
from backpropcli.renderers.screen import FILE, Screen
from backpropcli.sweeps import forward
from backpropcli.text import expressions, number
from backpropcli.values import shapes_of, system_for

from . import formula_reader, test_random, test_random_tensors
from .test_cli import SCHEMA, backprop
from .test_samples import SAMPLES
from .test_tensors import bound, cases, point

CHUNKS = 20
STAGED = "(x + sigmoid(y)) / (sigmoid(x) + (x+y)^2)"
DEEP = "f1 = sigmoid(A0*x + b0); f2 = sigmoid(A1*f1 + b1); f3 = sigmoid(A2*f2 + b2); L = (f3 - y)^2"
MICROGRAD = (
    "c=a+b; d=a*b+b^3; c=c+c+1; c=c+1+c+(-a); d=d+d*2+relu(b+a); d=d+3*d+relu(b-a); e=c-d; f=e^2; g=f/2; g=g+10/f"
)


def of(text: str, **shapes: Any) -> Formulas:
    return formulas(parse(text).over(shapes) if shapes else parse(text))


def lines(text: str, **shapes: Any) -> list[str]:
    """What the command prints, without the empty line."""
    return [line for line in "".join(render_text(of(text, **shapes), FILE)).splitlines() if line]


# What a person writes


@pytest.mark.parametrize(
    ("text", "shapes", "wanted"),
    [
        ("q = x + y; f = q*z", {}, ["q = x + y", "f = q·z", "∂f/∂x = z", "∂f/∂y = z", "∂f/∂z = q"]),
        ("2*(max(z,w)+x*y)", {}, [
            "f = 2·(max(z, w) + x·y)", "∂f/∂z = where(z > w, 2, where(z = w, 1, 0))",
            "∂f/∂w = where(w > z, 2, where(z = w, 1, 0))", "∂f/∂x = 2·y", "∂f/∂y = 2·x"]),
        ("min(x, y)", {}, [
            "f = min(x, y)", "∂f/∂x = where(x < y, 1, where(x = y, 1/2, 0))",
            "∂f/∂y = where(y < x, 1, where(x = y, 1/2, 0))"]),
        ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {}, [
            "t1 = exp(-(w0·x0 + w1·x1 + w2))", "f = 1/(1 + t1)", "∂f/∂w2 = t1·f/(1 + t1)",
            "∂f/∂w0 = ∂f/∂w2·x0", "∂f/∂x0 = ∂f/∂w2·w0", "∂f/∂w1 = ∂f/∂w2·x1", "∂f/∂x1 = ∂f/∂w2·w1"]),
        ("sigmoid(w0*x0+w1*x1+w2*x2)", {}, [
            "t1 = w0·x0 + w1·x1 + w2·x2", "f = σ(t1)", "∂f/∂w0 = x0·f·σ(-t1)", "∂f/∂x0 = w0·f·σ(-t1)",
            "∂f/∂w1 = x1·f·σ(-t1)", "∂f/∂x1 = w1·f·σ(-t1)", "∂f/∂w2 = x2·f·σ(-t1)", "∂f/∂x2 = w2·f·σ(-t1)"]),
        ("t = x + y; z = t^2", {}, ["t = x + y", "z = t²", "∂z/∂x = 2·t", "∂z/∂y = 2·t"]),
        (STAGED, {}, [
            "t1 = σ(x) + (x + y)²", "f = (x + σ(y))/t1", "t2 = 2·f·(x + y)/t1",
            "∂f/∂x = 1/t1 - t2 - f·σ(x)·σ(-x)/t1", "∂f/∂y = σ(y)·σ(-y)/t1 - t2"]),
        ("x*x + x", {}, ["f = x·x + x", "∂f/∂x = 2·x + 1"]),
        ("sum((W@x)^2)", {"W": (2, 2), "x": (2,)}, ["f = sum((W·x)²)", "∂f/∂W = 2·(W·x)·xᵀ", "∂f/∂x = 2·Wᵀ·(W·x)"]),
        ("q = W@x; f = sum(q^2)", {"W": (2, 2), "x": (2,)}, [
            "q = W·x", "f = sum(q²)", "∂f/∂W = 2·q·xᵀ", "∂f/∂x = 2·Wᵀ·q"]),
        ("relu(x)", {"x": (4,)}, ["f = relu(x)", "upstream·∂f/∂x = where(x > 0, upstream, 0)"]),
        ("x@w", {"x": (2, 3), "w": (3, 4)}, [
            "f = x·w", "upstream·∂f/∂x = upstream·wᵀ", "upstream·∂f/∂w = xᵀ·upstream"]),
        ("X@W + b", {"X": (4, 3), "W": (3, 2), "b": (2,)}, [
            "f = X·W + b", "upstream·∂f/∂X = upstream·Wᵀ", "upstream·∂f/∂W = Xᵀ·upstream",
            "upstream·∂f/∂b = sum(upstream, axis=0)"]),
        (DEEP, {}, [
            "f1 = σ(A0·x + b0)", "f2 = σ(A1·f1 + b1)", "f3 = σ(A2·f2 + b2)", "L = (f3 - y)²",
            "∂L/∂b2 = 2·f3·(f3 - y)·σ(-(A2·f2 + b2))", "∂L/∂b1 = ∂L/∂b2·f2·A2·σ(-(A1·f1 + b1))",
            "∂L/∂b0 = ∂L/∂b1·f1·A1·σ(-(A0·x + b0))", "∂L/∂A0 = ∂L/∂b0·x", "∂L/∂x = ∂L/∂b0·A0",
            "∂L/∂A1 = ∂L/∂b1·f1", "∂L/∂A2 = ∂L/∂b2·f2", "∂L/∂y = -2·(f3 - y)"]),
        ("cross_entropy(s, y)", {"s": (3,), "y": ()}, [
            "f = cross_entropy(s, y)", "∂f/∂s = softmax(s) - one_hot(y, 3)", "∂f/∂y = 0"]),
        ("softmax(x)", {"x": (3,)}, [
            "f = softmax(x)", "upstream·∂f/∂x = f ⊙ (upstream - sum(upstream ⊙ f))"]),
        ("mean((X@w - y)^2)", {"X": (4, 2), "w": (2,), "y": (4,)}, [
            "f = mean((X·w - y)²)", "∂f/∂X = (X·w - y)·wᵀ/2", "∂f/∂w = Xᵀ·(X·w - y)/2", "∂f/∂y = -(X·w - y)/2"]),
        ("y@solve(A, b)", {"A": (2, 2), "b": (2,), "y": (2,)}, [
            "f = yᵀ·(A⁻¹·b)", "∂f/∂y = A⁻¹·b", "∂f/∂A = -A⁻ᵀ·y·(A⁻¹·b)ᵀ", "∂f/∂b = A⁻ᵀ·y"]),
        ("b@inv(A)@b", {"A": (2, 2), "b": (2,)}, [
            "f = bᵀ·A⁻¹·b", "∂f/∂b = A⁻ᵀ·b + A⁻¹·b", "∂f/∂A = -A⁻ᵀ·b·bᵀ·A⁻ᵀ"]),
        ("x^2*y^3", {}, ["f = x²·y³", "∂f/∂x = 2·x·y³", "∂f/∂y = 3·x²·y²"]),
        ("x*(sin(a) + cos(b) + tan(c))", {}, [
            "t1 = sin(a) + cos(b) + tan(c)", "f = x·t1", "∂f/∂x = t1", "∂f/∂a = x·cos(a)", "∂f/∂b = -x·sin(b)",
            "∂f/∂c = x/cos(c)²"]),
        ("x/y", {}, ["f = x/y", "∂f/∂x = 1/y", "∂f/∂y = -f/y"]),
        ("tanh(x)", {}, ["f = tanh(x)", "∂f/∂x = 1/cosh(x)²"]),
        ("atan2(y, x)", {}, ["f = atan2(y, x)", "∂f/∂y = x/(x² + y²)", "∂f/∂x = -y/(x² + y²)"]),
        ("log(x)/y", {}, ["f = log(x)/y", "∂f/∂x = 1/(x·y)", "∂f/∂y = -f/y"]),
        ("sin(x)*cos(x)", {}, ["f = sin(x)·cos(x)", "∂f/∂x = cos(x)² - sin(x)²"]),
        ("where(x > 0, x^2, -x)", {}, ["f = where(x > 0, x², -x)", "∂f/∂x = where(x > 0, 2·x, -1)"]),
        ("clip(x, 0, 1)", {}, ["f = clip(x, 0, 1)", "∂f/∂x = [x > 0 and x < 1]"]),
        ("norm(x)", {"x": (3,)}, ["f = ‖x‖", "∂f/∂x = where(f = 0, 0, x/f)"]),
        ("max(x)", {"x": (3,)}, ["f = max(x)", "∂f/∂x = where(x = f, 1/sum([x = f]), 0)"]),
        ("x[0]*x[1]", {"x": (3,)}, ["f = x[0]·x[1]", "∂f/∂x = [x[1], x[0], 0]"]),
        ("100*(x[1] - x[0]^2)^2 + x[0]", {"x": (2,)}, [
            "f = 100·(x[1] - x[0]²)² + x[0]", "∂f/∂x = [1 - 400·x[0]·(x[1] - x[0]²), 200·(x[1] - x[0]²)]"]),
        ("sum(x[1:] - x[:-1])", {"x": (9,)}, [
            "f = sum(x[1:] - x[:-1])", "∂f/∂x = scatter(ones(8), 1:, into=9) - scatter(ones(8), :-1, into=9)"]),
        ("x^2*relu(y)*sqrt(x)", {}, [
            "f = x²·relu(y)·√x", "∂f/∂x = 5·x·relu(y)·√x/2",
            "∂f/∂y = where(y > 0, x²·√x, 0)"]),
        ("sum(A*A)", {"A": (2, 2)}, ["f = sum(A ⊙ A)", "∂f/∂A = 2·A"]),
        ("sum(A^3)", {"A": (2, 2)}, ["f = sum(A^∘3)", "∂f/∂A = 3·A^∘2"]),
        ("5", {}, ["f = 5"]),
        ("sin(x)^2 + cos(x)^2", {}, ["f = sin(x)² + cos(x)²", "∂f/∂x = 0"]),
        ("x*y - y*x", {}, ["f = x·y - x·y", "∂f/∂x = 0", "∂f/∂y = 0"]),
        ("x*x*x", {}, ["f = x·x·x", "∂f/∂x = 3·x²"]),
        ("x*x^2", {}, ["f = x·x²", "∂f/∂x = 3·x²"]),
        ("(x+y)^2 - x^2 - y^2", {}, ["f = (x + y)² - x² - y²", "∂f/∂x = 2·y", "∂f/∂y = 2·x"]),
        ("log(x*y)", {}, ["f = log(x·y)", "∂f/∂x = 1/x", "∂f/∂y = 1/y"]),
        ("log(2*pi*s^2)", {}, ["f = log(2·π·s²)", "∂f/∂s = 2/s"]),
        ("exp(x)*exp(-x)*sin(x)^2", {}, ["f = exp(x)·exp(-x)·sin(x)²", "∂f/∂x = 2·sin(x)·cos(x)"]),
        ("log1p(x - 1)", {}, ["f = log(1 + x - 1)", "∂f/∂x = 1/x"]),
        ("1e-200*x*(1e-200*x)", {}, ["f = 1e-200·x·(1e-200·x)", "∂f/∂x = 2·(1e-200·x·1e-200)"]),
        ("x*sqrt(x)", {}, ["f = x·√x", "∂f/∂x = 3·√x/2"]),
        ("0.1*x + 0.2*x*x/x", {}, ["f = 0.1·x + 0.2·x·x/x", "∂f/∂x = 0.3"]),
        ("sum(A*B - B*A)", {"A": (2, 3), "B": (2, 3)}, [
            "f = sum(A ⊙ B - A ⊙ B)", "∂f/∂A = zeros(2, 3)", "∂f/∂B = zeros(2, 3)"]),
        ("gaussian_nll(y, m, s)", {"y": (3,), "m": (), "s": ()}, [
            "f = gaussian_nll(y, m, s)", "∂f/∂y = (y - m)/(3·s²)", "∂f/∂m = sum(m - y)/(3·s²)",
            "∂f/∂s = sum(1 - (y - m)²/s²)/(3·s)"]),
        ("trace(A@B)", {"A": (3, 3), "B": (3, 3)}, ["f = trace(A·B)", "∂f/∂A = Bᵀ", "∂f/∂B = Aᵀ"]),
        ("sum(A^-1)", {"A": (2, 2)}, ["f = sum(A^∘(-1))", "∂f/∂A = -A^∘(-2)"]),
        ("sum(softmax(Q@K.T/sqrt(d))@V)", {"Q": (2, 3), "K": (4, 3), "V": (4, 2), "d": ()}, [
            "t1 = softmax(Q·Kᵀ/√d)", "f = sum(t1·V)",
            "t2 = t1 ⊙ (ones(2, 2)·Vᵀ - sum(t1 ⊙ (ones(2, 2)·Vᵀ), axis=-1, keepdims=1))",
            "∂f/∂Q = t2·K/√d", "∂f/∂K = t2ᵀ·Q/√d", "∂f/∂d = -sum(t2 ⊙ (Q·Kᵀ))/(2·d·√d)", "∂f/∂V = t1ᵀ·ones(2, 2)"]),
        ("d1 = (log(S/K) + (r + s^2/2)*T)/(s*sqrt(T)); d2 = d1 - s*sqrt(T); "
         "S*normal_cdf(d1) - K*exp(-r*T)*normal_cdf(d2)", {}, [
            "d1 = (log(S/K) + (r + s²/2)·T)/(s·√T)", "d2 = d1 - s·√T", "f = S·Φ(d1) - K·exp(-r·T)·Φ(d2)",
            "t1 = K·exp(-r·T)·φ(d2)", "t2 = K·exp(-r·T)·Φ(d2)", "∂f/∂d1 = S·φ(d1) - t1",
            "t3 = ∂f/∂d1·d1/(s·√T)", "∂f/∂S = Φ(d1) + ∂f/∂d1/(S·s·√T)",
            "∂f/∂K = -(exp(-r·T)·Φ(d2) + ∂f/∂d1/(K·s·√T))", "∂f/∂r = T·t2 + ∂f/∂d1·√T/s",
            "∂f/∂s = t1·√T + ∂f/∂d1·√T - ∂f/∂d1·d1/s",
            "∂f/∂T = s·t1/(2·√T) + r·t2 + ∂f/∂d1·(r + s²/2)/(s·√T) - ∂f/∂d1·d1/(2·T)"]),
        ("x", {}, ["∂x/∂x = 1"]),
    ],
)  # fmt: skip
def test_formulas_are_what_a_person_writes(text: str, shapes: dict[str, Any], wanted: list[str]) -> None:
    assert lines(text, **shapes) == wanted


def test_a_name_that_is_assigned_again_belongs_to_its_last_node() -> None:
    assert lines(MICROGRAD)[:7] == [
        "c_1 = a + b", "d_1 = a·b + b³", "c_2 = c_1 + c_1 + 1", "c = c_2 + 1 + c_2 - a",
        "d_2 = d_1 + d_1·2 + relu(c_1)", "d = d_2 + 3·d_2 + relu(b - a)", "e = c - d",
    ]  # fmt: skip


# What eval reads back


def fed_back(result: Result) -> tuple[dict[str, Any], str]:
    """The gradient as the formulas' own program computes it, times the upstream gradient."""
    found = formulas(result.program, output=None, wrt=result.wrt, ties=result.ties)
    text = "\n".join(found.program())
    at = {**result.at, found.seed: result.seed} if found.seed else dict(result.at)
    program = parse(text, shapes_of(at))
    assert program.inputs == tuple(name for name in program.inputs if name in at)
    system = system_for(program.graph)
    with system.quiet():
        values = forward(system, program.graph, at)
    assert values[program.output] == pytest.approx(result.value, rel=1e-12, nan_ok=True)
    scale = 1.0 if found.seed else result.seed
    return {name: scale * values[program.node(line.name)] for name, line in found.by_input.items()}, text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_fed_back(sample: Path) -> None:
    text, at = sample.read_text("utf-8"), read_point(str(sample.with_suffix(".json")))
    program = parse(text, shapes_of(at))
    shape = program.graph.shapes[program.output] or ()
    result = evaluate(program, at, upstream=np.random.default_rng(1).normal(size=shape) if shape else None)
    gradient, formula = fed_back(result)
    assert list(gradient) == list(result.gradient)
    for name, g in result.gradient.items():
        assert np.shape(gradient[name]) == np.shape(g)
        np.testing.assert_allclose(gradient[name], g, rtol=1e-12, atol=1e-15, err_msg=formula)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_expressions_are_fed_back(chunk: int) -> None:
    """Where a formula multiplies 0 by infinity, the sweeps know more; which is rare."""
    random = Random(f"formulas {chunk}")
    lost = partials = 0
    for _ in range(20):
        result = test_random.usable(random)
        gradient, formula = fed_back(result)
        shaken = None
        for name, g in result.gradient.items():
            partials += 1
            off = abs(gradient[name] - g)
            if not np.isfinite(gradient[name]):
                lost += 1
            elif off > 1e-13 * abs(g):
                shaken = shaken or shaken_gradients(result)
                assert off <= 64 * max(abs(sweep[name] - g) for sweep in shaken), f"{formula}\n{name} at {result.at}"
    assert lost <= 4 < partials


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_tensor_programs_are_fed_back(chunk: int) -> None:
    random = Random(f"tensor formulas {chunk}")
    for _ in range(10):
        result, _ = test_random_tensors.usable(random)
        with result.system.quiet():
            sizes = test_random_tensors.sums_of_absolute_terms(result)
        gradient, formula = fed_back(result)
        for name, g in result.gradient.items():
            assert np.shape(gradient[name]) == np.shape(g)
            off = np.abs(gradient[name] - g)
            assert np.all(off <= 1e-9 * (1.0 + sizes[name])), f"{formula}\n{name} at {result.at}"


def test_every_operation_over_every_shape_is_read_back(row: Operation) -> None:
    """What is printed of a node is the node, attributes and all."""
    F = Arrays()
    for attributes, shapes in cases(row):
        gate = bound(row, attributes)
        graph = Graph()
        at = {f"x{k}": x for k, x in enumerate(point(gate, shapes, Random(row.name)))}
        node = graph.append(gate, *[graph.input(name, shape) for name, shape in zip(at, shapes, strict=True)])
        text = expressions(graph, {}, np.inf)[node]
        program = parse(text, shapes_of(at))
        with F.quiet():
            again, value = (forward(F, g, at)[i] for g, i in ((program.graph, program.output), (graph, node)))
        assert np.shape(again) == np.shape(value), text
        np.testing.assert_array_equal(again, value, err_msg=text)


@pytest.mark.parametrize("ties", ["split", "first"])
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("max(x, y)*z", {"x": 2.0, "y": 2.0, "z": 3.0}),
        ("min(x, y, z)^2", {"x": 2.0, "y": 2.0, "z": 3.0}),
        ("sum(max(0, x)*y)", {"x": np.array([1.0, 0.0, -1.0]), "y": np.array([1.0, 2.0, 3.0])}),
        ("max(x)*min(x)", {"x": np.array([1.0, 3.0, 3.0, 1.0])}),
        ("relu(x) + clip(y, -1, 1)*x", {"x": 1.0, "y": 0.5}),
        ("where(x > 0, sqrt(x), 0)*y", {"x": 0.0, "y": 2.0}),
        ("where(x > 0, 1/x, y)", {"x": 0.0, "y": 2.0}),
        ("erf(x)*pi + e", {"x": 0.3}),
        ("x[0]*x[1] + sum(x[1:]^2)", {"x": np.array([1.0, 2.0, 3.0])}),
        ("sum(take(x, [0, 2, 0])^2) + x[i]", {"x": np.array([1.0, 2.0, 3.0]), "i": 1.0}),
        ("take(x, -1)*take(x, 0)", {"x": np.array([1.0, 2.0, 3.0])}),
        ("sum(reshape(x, [])*y)", {"x": np.array([[2.0]]), "y": 3.0}),
        ("[x, 2*y]@[1, inf]", {"x": 1.0, "y": 0.5}),
    ],
)  # fmt: skip
def test_choices_and_places_are_fed_back(text: str, at: dict[str, Any], ties: str) -> None:
    result = evaluate(text, at, ties=ties)
    gradient, formula = fed_back(result)
    for name, g in result.gradient.items():
        np.testing.assert_allclose(gradient[name], g, rtol=1e-14, err_msg=formula)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("t1 = x*y; t2 = exp(-(t1 + x + y)); grad_x = t2*t1; f = grad_x*upstream", "x=1,y=2,upstream=3"),
        ("grad_x*x + f*t1 + upstream", "grad_x=1,x=2,f=3,t1=4,upstream=5"),
        ("f = x*y; f + f*sin(x)", "x=1,y=2"),
        ("pi = 3*x; erf(pi)*pi", "x=0.1"),
        ("e = 2*x; e*exp(e)", "x=0.1"),
        ("inf*x", "inf=3,x=2"),
        ("x*pi + erf(x)", "x=1,pi=3"),
        ("k = 3; k*x^k", "x=2"),
        ("a = pi; b = a*x; a = 2; a*b", "x=2"),
        ("c = x; c = c*c; c = c*c; c = c*c + c_1; c", "x=1.1,c_1=2"),
        ("λ*x + Δx^2*x", "λ=1,x=2,Δx=3"),
        (f"{'n' * 64}*{'n' * 63}m*sin({'n' * 64})", f"{'n' * 64}=1,{'n' * 63}m=2"),
        ("_*x + ___x*_", "_=1,x=2,___x=3"),
        ("True*x + False", "x=2"),
        ("and_ = x; or_ = and_*x; or_ + sum*sum(x)", "x=2,sum=3"),
    ],
)  # fmt: skip
def test_names_collide_with_nothing(text: str, at: str) -> None:
    from backpropcli.language import parse_bindings

    values = parse_bindings(at)
    result = evaluate(parse(text, shapes_of(values)), values)
    gradient, formula = fed_back(result)
    assert gradient == pytest.approx(result.gradient, rel=1e-14), formula
    names = [line.partition(" = ")[0] for line in formula.splitlines()[:-1]]
    assert len(set(names)) == len(names)
    assert not set(names) & set(result.at)
    assert max(map(len, names), default=0) <= 64


# What a reader computes by hand


def like_terms(random: Random, tensors: bool) -> Result:
    """A program of powers, roots and exponentials of few names, whose terms and factors meet."""
    leaves = ["x", "y", "z"] * 4 + ["2", "3", "0.1", "0.3", "-1", "pi", *(["ones(3)", "zeros(3)"] if tensors else [])]
    forms = [
        "({} + {})",
        "({} - {})",
        "{}*{}",
        "{}*{}",
        "{}/({})",
        "({})^2",
        "({})^3",
        "({})^(-1)",
        "({})^1.5",
        "-({})",
    ]
    single = ["sqrt({})", "exp({})", "exp(-{})", "exp(-{}*{})", "sin({})", "hypot({}, {})", "log1p({})"]
    matrices = [
        "sum({}*ones(2, 3))", "diag(ones(2))@({} + zeros(2, 3))", "(({} + zeros(3))@({} + zeros(3)))",
        "(({} + zeros(2, 3))@({} + zeros(3)))[0]", "trace(({} + zeros(2, 3))@({} + zeros(2, 3)).T)",
    ]  # fmt: skip
    parts = leaves[:]
    for _ in range(random.randint(3, 12)):
        form = random.choice(forms + forms + single + (matrices if tensors else []))
        among = leaves if form in single else parts[-4:] + leaves
        parts.append(form.format(*(f"({random.choice(among)})" for _ in range(form.count("{}")))))
    shapes: dict[str, Any] = {"x": 3, "z": (2, 3)} if tensors else {}
    rng = np.random.default_rng(random.randrange(10**6))
    at = {name: rng.uniform(0.5, 2, shapes.get(name)) for name in "xyz"}
    text = f"sum({parts[-1]})" if tensors else parts[-1]
    return evaluate(text, {name: at[name] for name in parse(text).inputs})


MAKERS = {
    "scalars": test_random.usable,
    "tensors": lambda random: test_random_tensors.usable(random)[0],
    "like terms": lambda random: like_terms(random, False),
    "like tensors": lambda random: like_terms(random, True),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_formulas_say_what_is_computed(kind: str) -> None:
    """What is displayed, read by a parser that knows mathematics only, is what the graph computes.

    The program's own lines stay as they are written; here they are reckoned with, too. Underflow between the factors
    of a product, and axes and places that a reader is not told, are rare.
    """
    unread = off = count = 0
    random = Random(f"reader {kind}")
    for _ in range(60):
        try:
            result = MAKERS[kind](random)
        except ShapeError:
            continue
        found = formulas(result.program)
        at = {**result.at, found.seed: result.seed} if found.seed else dict(result.at)
        system = system_for(found.graph)
        with system.quiet():
            values = forward(system, found.graph, at)
        for shown in (readable(found), readable(found._replace(verbatim=frozenset()))):
            notation, env = Notation(shown), dict(at)
            for line in (*shown.definitions, *shown.gradient):
                left, right = notation.line(line)
                wanted = env[left] = np.asarray(values[line.node], float)
                count += 1
                try:
                    got = np.asarray(formula_reader.read(right, env), float)
                except (ShapeError, AssertionError, LanguageError):
                    unread += 1
                    continue
                assert np.shape(np.squeeze(got)) == np.shape(np.squeeze(wanted)), f"{left} = {right}"
                known = np.isfinite(wanted)
                error = np.abs(got.reshape(wanted.shape)[known] - wanted[known])
                off += not np.all(error <= 1e-8 * (1 + np.abs(wanted[known])))
    assert unread <= 0.02 * count
    assert off <= (0 if "like" in kind else 0.01 * count)


# Linear in size


def chain(n: int) -> str:
    return "s0 = x\n" + "\n".join(f"s{k + 1} = sin(s{k})*y + s{k}/z" for k in range(n))


@pytest.mark.parametrize(
    "make",
    [
        chain,
        lambda n: "sin(" * n + "x" + ")" * n,
        lambda n: "(" * n + "x" + ")^2 + x*y" * n,
        lambda n: "+".join(f"x{k % 50}*sin(y{k % 7})" for k in range(n)),
        lambda n: "*".join(["x"] * n),
        lambda n: "max(" + ",".join(f"x{k}" for k in range(n)) + ")" if n < 500 else "+".join(["x"] * n),
        lambda n: "where(x > 0, y, " * n + "z" + ")" * n,
    ],
    ids=["chain", "nested", "squares", "flat", "product", "wide", "choices"],
)
def test_formulas_are_linear_in_size(make: Any) -> None:
    """No figure of a formula of 1,500 terms is more than 6 times that of one with 300: 5, and longer names."""
    small, large = (of(make(n)) for n in (300, 1500))
    for read in (
        lambda f: len("\n".join(f.program())),
        lambda f: len("".join(render_text(f, FILE))),
        lambda f: len("".join(render_latex(f))),
        lambda f: len(f.graph),
    ):
        assert read(large) <= 6.5 * read(small)


def test_no_line_is_long_without_need() -> None:
    found = of(chain(100))
    assert max(len(line) for line in found.program()) <= LONG + 30


def test_a_chain_of_a_hundred_thousand_nodes() -> None:
    found = of("sin(" * 100_000 + "x" + ")" * 100_000)
    text = "\n".join(found.program())
    result = evaluate(text, x=0.5, output=found.output)
    assert result.values[result.program.node("grad_x")] == pytest.approx(
        evaluate("sin(" * 100_000 + "x" + ")" * 100_000, x=0.5).gradient["x"], rel=1e-9
    )
    assert "".join(render_text(found, FILE)).count("\n") > 10_000


# LaTeX


def latex(text: str, **shapes: Any) -> str:
    return "".join(render_latex(of(text, **shapes)))


def test_latex_of_the_neuron() -> None:
    assert (
        latex("1/(1+exp(-(w0*x0+w1*x1+w2)))")
        == r"""\begin{align*}
  t_{1} &= \exp\left(-\left(w_{0}\,x_{0} + w_{1}\,x_{1} + w_{2}\right)\right) \\
  f &= \frac{1}{1 + t_{1}} \\[1ex]
  \frac{\partial f}{\partial w_{2}} &= \frac{t_{1}\,f}{1 + t_{1}} \\
  \frac{\partial f}{\partial w_{0}} &= \frac{\partial f}{\partial w_{2}}\,x_{0} \\
  \frac{\partial f}{\partial x_{0}} &= \frac{\partial f}{\partial w_{2}}\,w_{0} \\
  \frac{\partial f}{\partial w_{1}} &= \frac{\partial f}{\partial w_{2}}\,x_{1} \\
  \frac{\partial f}{\partial x_{1}} &= \frac{\partial f}{\partial w_{2}}\,w_{1}
\end{align*}
"""
    )


def test_latex_of_matrices() -> None:
    assert (
        latex("q = W@x; f = sum(q^2)", W=(2, 2), x=(2,))
        == r"""\begin{align*}
  \boldsymbol{q} &= \mathbf{W}\,\boldsymbol{x} \\
  f &= \operatorname{sum}\left(\boldsymbol{q}^{2}\right) \\[1ex]
  \frac{\partial f}{\partial \mathbf{W}} &= 2\,\boldsymbol{q}\,\boldsymbol{x}^{\mathsf{T}} \\
  \frac{\partial f}{\partial \boldsymbol{x}} &= 2\,\mathbf{W}^{\mathsf{T}}\,\boldsymbol{q}
\end{align*}
"""
    )


@pytest.mark.parametrize(
    ("exponent", "wanted"),
    [
        ("2", r"\mathbf{A}^{\circ 2}"), ("-1", r"\mathbf{A}^{\circ -1}"), ("-2", r"\mathbf{A}^{\circ -2}"),
        ("0.5", r"\mathbf{A}^{\circ 0.5}"), ("y", r"\mathbf{A}^{\circ y}"),
        ("(y - 1)", r"\mathbf{A}^{\circ \left(y - 1\right)}"),
    ],
)  # fmt: skip
def test_powers_of_matrices_are_entrywise(exponent: str, wanted: str) -> None:
    assert wanted in latex(f"sum(A^{exponent})", A=(2, 2), y=()).splitlines()[1]
    assert r"\mathbf{A}^{-1}" in latex("sum(inv(A))", A=(2, 2))


def test_a_digit_stands_behind_a_dot() -> None:
    assert r"f &= 2 \cdot 10^{x} \\" in latex("2*10^x")
    assert r"x \cdot 2^{x}" in latex("x*2^x")


@pytest.mark.parametrize(
    ("name", "rank", "wanted"),
    [
        ("x", 0, "x"), ("x", 1, r"\boldsymbol{x}"), ("W", 2, r"\mathbf{W}"), ("w0", 0, "w_{0}"), ("c_1", 0, "c_{1}"),
        ("W12", 2, r"\mathbf{W}_{12}"), ("alpha", 0, r"\alpha"), ("α", 0, r"\alpha"), ("λ", 1, r"\boldsymbol{\lambda}"),
        ("Δ", 0, r"\Delta"), ("loss", 0, r"\mathrm{loss}"), ("loss", 2, r"\mathbf{loss}"),
        ("Δx", 0, r"\mathrm{{\Delta}x}"),
        ("x_train", 0, r"x_{\mathrm{train}}"), ("a_b_2", 0, r"a_{b,2}"), ("_", 0, r"\_"), ("__", 0, r"\_"),
        ("Α", 0, "A"), ("ο", 0, "o"), ("ς", 0, r"\varsigma"), ("theta_hat", 0, r"\theta_{\mathrm{hat}}"),
        ("sigma2", 0, r"\sigma_{2}"), ("x1y", 0, r"\mathrm{x1y}"),
    ],
)  # fmt: skip
def test_names_in_latex(name: str, rank: int, wanted: str) -> None:
    assert identifier(name, rank) == wanted


def test_names_that_look_alike_stay_apart_in_latex() -> None:
    text = latex("x1*x_1 + alpha*α")
    assert r"x_{1}\,\mathtt{x\_1}" in text
    assert r"\alpha\,\mathtt{{\alpha}}" in text


@pytest.mark.parametrize(("value", "wanted"), [
    (2.0, "2"), (0.5, "0.5"), (1e-5, "10^{-5}"), (2.5e300, r"2.5 \cdot 10^{300}"), (float("inf"), r"\infty"),
])  # fmt: skip
def test_numbers_in_latex(value: float, wanted: str) -> None:
    assert figure(number(value)) == wanted


COMMAND = re.compile(r"\\([A-Za-z]+|.)|[{}^_&]")


def hold_latex(text: str) -> None:
    """Braces, \\left and \\right, environments balance; no base has two exponents; & stands where it may."""
    opened: list[str] = []
    for token in COMMAND.finditer(text):
        word, command = token[0], token[1] or ""
        if word == "{":
            opened.append("{")
        elif word == "}":
            assert opened.pop() == "{", text
        elif command in ("left", "right"):
            if command == "left":
                opened.append("left")
            else:
                assert opened.pop() == "left", text
        elif command in ("begin", "end"):
            name = re.match(r"\{(\w+\*?)\}", text[token.end() :])
            assert name is not None
            if command == "begin":
                opened.append(name[1])
            else:
                assert opened.pop() == name[1], text
        elif word == "&":
            assert opened[-1] in ("align*", "cases", "bmatrix"), text
    assert not opened, text
    plain = text.replace(r"\_", "")
    assert not re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^|[\^_][^{]", plain), text


def test_latex_of_random_programs_is_well_formed() -> None:
    random = Random("latex")
    for _ in range(60):
        hold_latex("".join(render_latex(formulas(test_random.usable(random).program))))
        hold_latex("".join(render_latex(formulas(test_random_tensors.usable(random)[0].program))))


@pytest.mark.parametrize("row", [row for row in OPERATIONS.values() if row.name != "scatter"], ids=lambda row: row.name)
def test_every_operation_has_latex_and_text(row: Operation) -> None:
    for attributes, shapes in cases(row):
        graph = Graph()
        node = graph.append(bound(row, attributes), *[graph.input(f"x{k}", s) for k, s in enumerate(shapes)])
        found = formulas(Program("", graph, node, {}))
        hold_latex("".join(render_latex(found)))
        assert "".join(render_text(found, FILE)).startswith("f = ")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_latex_is_compiled(tmp_path: Path) -> None:
    blocks = [latex(STAGED), latex(DEEP), latex("sum(max(0, W@x)/norm(x))", W=(2, 2), x=(2,)), latex("x1*x_1*λ")]
    document = "\\documentclass{article}\\usepackage{amsmath}\\begin{document}" + "".join(blocks) + "\\end{document}"
    (tmp_path / "f.tex").write_text(document, "utf-8")
    run = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "f.tex"]
    assert subprocess.run(run, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 0


# The command


def test_the_command_as_text() -> None:
    run = backprop("symbolic", "q = W@x; f = sum(q^2)", "--shape", "W=2x2,x=2")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "q = W·x\nf = sum(q²)\n\n∂f/∂W = 2·q·xᵀ\n∂f/∂x = 2·Wᵀ·q\n"
    quiet = backprop("symbolic", "sum((W@x)^2)", "--at", "W=[[1,2]],x=[1,2]", "--quiet", "--wrt", "x")
    assert quiet.stdout == "∂f/∂x = 2·Wᵀ·(W·x)\n"


def test_the_command_as_json(tmp_path: Path) -> None:
    target = tmp_path / "f.json"
    run = backprop("symbolic", "W@x", "--shape", "W=2×2", "--shape", "x=2,k=3", "--json", "-o", str(target))
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    found = json.loads(target.read_text("utf-8"))
    assert found == {
        "schema": 1, "expression": "W@x", "output": "f", "inputs": {"W": [2, 2], "x": [2]}, "upstream": "upstream",
        "definitions": [
            {"name": "f", "shape": [2], "formula": "W@x", "text": "W·x", "latex": r"\mathbf{W}\,\boldsymbol{x}"}],
        "gradient": {
            "W": {"name": "grad_W", "shape": [2, 2], "formula": "outer(upstream, x)", "text": "upstream·xᵀ",
                  "latex": r"\boldsymbol{\mathrm{upstream}}\,\boldsymbol{x}^{\mathsf{T}}"},
            "x": {"name": "grad_x", "shape": [2], "formula": "Wᵀ@upstream", "text": "Wᵀ·upstream",
                  "latex": r"\mathbf{W}^{\mathsf{T}}\,\boldsymbol{\mathrm{upstream}}"}},
        "program": "f = W@x\ngrad_W = outer(upstream, x)\ngrad_x = Wᵀ@upstream\nf",
        "notes": ["no name in the program is `k`"],
    }  # fmt: skip


def test_the_program_goes_into_eval() -> None:
    program = backprop("symbolic", "tanh(w*x)", "--format", "program").stdout
    assert program == "f = tanh(w*x)\ngrad_w = (1/cosh(w*x))^2*x\ngrad_x = (1/cosh(w*x))^2*w\nf\n"
    run = backprop("eval", "-", "--at", "w=2,x=0.5", "--json", stdin=program)
    found = json.loads(run.stdout)
    values = {node["name"]: node["value"] for node in found["nodes"] if "name" in node}
    assert {name: values[f"grad_{name}"] for name in "wx"} == pytest.approx(found["gradient"], rel=1e-15)


def test_ascii_is_the_language_itself() -> None:
    run = backprop("symbolic", "q = W@x; f = sum(q^2)*θ", "--shape", "W=2x2,x=2", PYTHONIOENCODING="ascii")
    assert run.stdout == (
        "q = W@x\nf = sum(q^2)*\\u03b8\n\ndf/dW = 2*outer(\\u03b8*q, x)\n"
        "df/dx = 2*(W.T@(\\u03b8*q))\ndf/d\\u03b8 = sum(q^2)\n"
    )


def test_a_program_in_ascii_can_be_read() -> None:
    arguments = ["q = W@x; f = sum(q^2)", "--shape", "W=2x2,x=2", "--format", "program"]
    program = backprop("symbolic", *arguments, PYTHONIOENCODING="ascii").stdout
    assert program == "q = W@x\nf = sum(q^2)\ngrad_W = 2*outer(q, x)\ngrad_x = 2*(W.T@q)\nf\n"
    assert evaluate(program, W=[[1, 2], [3, 4]], x=[1, 2]).value == 146
    assert backprop("symbolic", "θ*W", "--format", "latex", PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_lines_fold_at_the_terminal(columns: int) -> None:
    run = backprop("symbolic", STAGED, COLUMNS=str(columns))
    assert max(map(len, run.stdout.splitlines())) <= columns
    wide = backprop("symbolic", STAGED).stdout
    assert " ".join(run.stdout.split()) == " ".join(wide.split())


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["sum((W@x)^2)"], "the shapes are scalar and scalar", "give --shape W=2x2,x=2"),
        (["sum((W@x)^2)", "--shape", "W=2x3"], "the shapes are 2×3 and scalar", "give --shape x=2"),
        (["sum((W@x)^2)", "--shape", "W=2x3,x=2"], "3 columns against 2 rows", "transposed"),
        (["x", "--shape", "x"], "--shape takes names and lengths, not 'x'", "such as --shape W=2x3,x=3"),
        (["x", "--shape", "x=2,x=2"], "`x` has two shapes", "give each name one"),
        (["x", "--shape", "x=2", "--at", "x=1"], "`x` has one shape by --shape and another", "leave one out"),
        (["x", "--wrt", "y"], "no input `y`", "its inputs are: x"),
        (["x", "--output", "y"], "assigns no `y`", "write `y = …`"),
        (["x", "--ties", "error"], "--ties is one of split, first", ""),
        (["x", "--format", "table"], "--format is one of text, latex, json, program", ""),
        (["x +"], "the text ends", ""),
        ([], "no program is given", ""),
    ],
)  # fmt: skip
def test_errors(arguments: list[str], message: str, hint: str) -> None:
    run = backprop("symbolic", *arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert hint in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (None, {}),
        (["W=2x3,x=3"], {"W": (2, 3), "x": (3,)}),
        ([" W = 2 × 3 ", "s=scalar", "e=0"], {"W": (2, 3), "s": (), "e": (0,)}),
    ],
)
def test_shapes_of_option(texts: list[str] | None, wanted: dict[str, Any]) -> None:
    assert shapes_of_option(texts) == wanted


@pytest.mark.parametrize(
    "text", ["", "x", "x=", "=2", "x=-1", "x=2.5", "x=2x", "x=2,", "x=٣", "x=2x2y", "x=1e3", "x=2;y=3"]
)
def test_shapes_are_read_strictly(text: str) -> None:
    with pytest.raises(OptionError, match="--shape takes names and lengths"):
        shapes_of_option([text])


def test_scalars_import_no_numpy() -> None:
    import sys

    code = (
        "import sys; from backpropcli.cli.main import run; run(sys.argv[1:]);"
        "print(sorted({'numpy', 'rich', 'lark', 'mpmath'} & set(sys.modules)), file=sys.stderr)"
    )
    for form in ("text", "latex", "json", "program"):
        run = subprocess.run(
            [sys.executable, "-c", code, "symbolic", "x*sin(y)", "--format", form],
            capture_output=True, text=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert run.stderr.splitlines()[-1] == "[]"


def test_json_has_every_line() -> None:
    found = of(MICROGRAD)
    record = json.loads("".join(render_json(found, MICROGRAD, [])))
    jsonschema.validate(record, SCHEMA)
    names = [line["name"] for line in (*record["definitions"], *record["gradient"].values())]
    assert sorted(names) == sorted(line.partition(" = ")[0] for line in record["program"].splitlines()[:-1])
    assert list(record["gradient"]) == ["a", "b"]


def test_a_narrow_screen_cuts_no_name() -> None:
    screen = Screen(20, False, "utf-8", False, True)
    assert "".join(render_text(of("sin(x)*cos(y)*tan(z)"), screen)).count("sin(x)") == 3


def test_what_is_fed_back_keeps_the_digits_of_softmax(tmp_path: Path) -> None:
    """The program form is computed: its slopes are centred, as the sweep's are."""
    path = tmp_path / "f.bp"
    assert (
        backprop("symbolic", "softmax(x)[0]", "--shape", "x=2", "--format", "program", "-o", str(path)).returncode == 0
    )
    run = backprop("eval", str(path), "--at", "x=[40,0]", "--output", "grad_x", "--upstream", "[1,1]", "--json")
    assert json.loads(run.stdout)["value"] == pytest.approx([4.248354255291589e-18, -4.248354255291589e-18], rel=1e-14)
