"""The catalogue: what textbooks write and what is computed are equal, and a person can read every line of it."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import numpy as np
import pytest

from backpropcli import parse
from backpropcli.catalogue import gate
from backpropcli.errors import columns
from backpropcli.kernels.exact import exact
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.operations.maps import LinearMap, Reduced
from backpropcli.shapes import Shape
from backpropcli.sweeps import forward

from .test_cli import backprop

F = exact(400)
ENTRIES = 3


def tensor(random: Random, shape: Shape, low: float, high: float) -> Any:
    """Numbers of the interval, in mpmath."""
    drawn = [F.number(random.uniform(max(low, -3.0), min(high, 3.0))) for _ in range(int(np.prod(shape)))]
    return np.array(drawn, object).reshape(shape) if shape else drawn[0]


def point_of(row: Operation, random: Random) -> list[Any]:
    """Operands of the row's example; classes are class 1."""
    shapes, _ = row.example
    place = row.place(*shapes) if row.place is not None else -1
    drawn = [tensor(random, shape, *interval) for shape, interval in zip(shapes, row.domain, strict=True)]
    return [F.number(1.0) if k == place else x for k, x in enumerate(drawn)]


def computed(row: Operation, k: int, upstream: Any, z: Any, operands: list[Any]) -> Any:
    """The row's rule: the local gradient, or the downstream gradient of what carries one back."""
    local = row.local(F, k, z, operands)
    if isinstance(local, Reduced):
        return local.partials
    return local.pullback(upstream) if isinstance(local, LinearMap) else local


@pytest.mark.parametrize("name", [row.name for row in OPERATIONS.values() if row.textbook])
def test_textbooks_and_the_rule_agree(name: str) -> None:
    row = OPERATIONS[name]
    row = row.bind() if row.attributes else row
    random = Random(name)
    assert len(row.textbook) == len(row.operands)
    for _ in range(20):
        operands = point_of(row, random)
        z = row.value(F, *operands) if row.value is not None else F.kernels[name](*operands)
        upstream = tensor(random, F.shape(z), -3.0, 3.0)
        at = {**dict(zip(row.operands, operands, strict=True)), "z": z, "upstream": upstream, "pi": F.pi}
        for k, text in enumerate(row.textbook):
            if text:
                text = re.sub(r"\bn\b", str(ENTRIES), text)
                program = parse(text, {key: F.shape(x) for key, x in at.items()})
                found = forward(F, program.graph, {key: at[key] for key in program.inputs})[program.output]
                off = np.max(np.abs(np.asarray(found - computed(row, k, upstream, z, operands), object)))
                assert off <= 1e-80 * np.max(np.abs(np.asarray(found, object))), text


def test_lengths_of_examples_are_n() -> None:
    for name in ("mean", "var", "std", "cross_entropy", "nll", "bce", "bce_logits", "mse", "gaussian_nll", "hinge"):
        found = gate(OPERATIONS[name])
        assert not re.search(r"\b3\b", " ".join([found.formula, *found.derivatives.values(), found.kink])), found
        assert "of n entries" in found.example
    assert gate(OPERATIONS["mean"]).derivatives == {"x": "1/n"}
    assert gate(OPERATIONS["cbrt"]).derivatives == {"x": "1/(3*z^2)"}


def test_what_has_no_derivative_says_so() -> None:
    assert gate(OPERATIONS["polygamma"]).derivatives == {"n": "", "x": "polygamma(n + 1, x)"}
    assert "derivative  ∂z/∂n does not exist\n" in backprop("gates", "polygamma").stdout


def test_what_is_computed_stands_behind_what_textbooks_have() -> None:
    assert "∂z/∂x = z*(1 - z), computed as z*sigmoid(-x)\n" in backprop("gates", "sigmoid").stdout
    assert "∂z/∂x = 1 - z^2, computed as (1/cosh(x))^2\n" in backprop("gates").stdout
    assert "where s[j] - s[y] + margin == 0 for a j other than y\n" in backprop("gates", "hinge").stdout


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    for arguments in (["gates"], ["gates", "hinge"], ["gates", "log_softmax"]):
        shown = backprop(*arguments, COLUMNS=str(width)).stdout
        assert max(map(columns, shown.splitlines())) <= width


def test_whatever_the_width_the_words_are_the_same() -> None:
    wide = backprop("gates").stdout.split()
    for width in ("40", "80"):
        assert backprop("gates", COLUMNS=width).stdout.split() == wide
