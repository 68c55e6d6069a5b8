"""Jacobians and Hessians, against quotients of mpmath and against figures by hand."""

from __future__ import annotations

from collections import Counter
from math import prod
from random import Random
from typing import Any

import numpy as np
import pytest

from backpropcli import Result
from backpropcli.derivatives import Hessian, Jacobian
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.kernels.exact import exact
from backpropcli.limits import LIMITS
from backpropcli.sweeps import forward
from backpropcli.transform.derivative import gradient, pushforward
from backpropcli.values import shape_of

from .test_random_tensors import CHUNKS, COUNT, told, usable

F = Arrays()
MP = exact(420)
MOST_ENTRIES = 16


def quotients(graph: Graph, nodes: list[int], wrt: list[str], at: dict[str, Any]) -> Any:
    """The Jacobian of nodes by inputs, by quotients at 420 bits; no derivative rule takes part in them.

    NaN where both sides differ: at a kink.
    """
    point = {name: MP.constant(value) for name, value in at.items()}
    step = MP.mp.ldexp(1, -130)
    columns = []
    for name in wrt:
        for k in range(np.size(at[name])):
            sides = []
            for sign in (1, 0, -1):
                moved = np.array(point[name], dtype=object)
                moved.reshape(-1)[k] += sign * step
                values = forward(MP, graph, {**point, name: moved if np.ndim(at[name]) else moved[()]})
                sides.append(np.concatenate([np.ravel(np.asarray(values[i], dtype=object)) for i in nodes]))
            right, left = (((sides[n] - sides[n + 1]) / step).astype(float) for n in (0, 1))
            columns.append(np.where(np.isclose(left, right, rtol=1e-9, atol=1e-9), (left + right) / 2, np.nan))
    rows = sum(prod(graph.shapes[i] or ()) for i in nodes)
    return np.array(columns).T if columns else np.zeros((rows, 0))


def by_rules(graph: Graph, nodes: list[int], wrt: list[str], at: dict[str, Any]) -> Any:
    """The Jacobian of nodes by the rules, written down and evaluated at 420 bits."""
    pushed = pushforward(graph, nodes, wrt)
    point = {name: MP.constant(value) for name, value in at.items()}
    columns = []
    zeros = {pushed.direction[name]: MP.constant(np.zeros(np.shape(at[name]))) for name in wrt}
    for name in wrt:
        for k in range(np.size(at[name])):
            unit = np.zeros(np.shape(at[name]))
            unit.reshape(-1)[k] = 1.0
            values = forward(MP, pushed.graph, {**point, **zeros, pushed.direction[name]: MP.constant(unit)})
            columns.append(np.concatenate([np.ravel(np.asarray(values[i], dtype=object)) for i in pushed.tangents]))
    return np.array(columns).astype(float).T


def compare(graph: Graph, nodes: list[int], result: Result, found: Any) -> str:
    """A NaN is honest, as of the slope of the cofactors of a singular matrix; a wrong number is not.

    Where rounding leaves nothing, as near a singular matrix, the same rules must be right with more digits.
    """
    wrt = list(result.wrt)
    truth = quotients(graph, nodes, wrt, result.at)
    assert found.shape == truth.shape
    scale = 1.0 + np.max(np.abs(truth), initial=0.0)
    if not np.isfinite(truth).all() or scale > 1e9:
        return "skipped"
    finite = np.isfinite(found)
    if np.allclose(found[finite], truth[finite], rtol=1e-6, atol=1e-6 * scale):
        return "agree" if finite.all() else "nan"
    exactly = by_rules(graph, nodes, wrt, result.at)
    np.testing.assert_allclose(exactly, truth, rtol=1e-6, atol=1e-6 * scale, err_msg=told(result, found))
    return "ill-conditioned"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_tensor_programs(chunk: int) -> None:
    random = Random(f"second {chunk}")
    done: Counter[str] = Counter()
    for _ in range(max(3, COUNT // CHUNKS // 3)):
        result, _ = usable(random)
        program, wrt = result.program, list(result.wrt)
        held = any(row.held for row in program.graph.operations)
        if held or result.notes or sum(np.size(result.at[name]) for name in wrt) > MOST_ENTRIES:
            continue  # where quotients say something else: at a kink, of what counts as a constant
        found = Jacobian(program, None, wrt, LIMITS)(result.at)
        done[compare(program.graph, [result.output], result, found)] += 1
        if shape_of(result.value) == ():
            written = gradient(program.graph, result.output, wrt)
            found = Hessian(program, None, wrt, LIMITS)(result.at)
            np.testing.assert_array_equal(found, found.T)
            done[compare(written.graph, list(written.gradient.values()), result, found)] += 1
    assert done["agree"] >= 0.9 * done.total(), done
