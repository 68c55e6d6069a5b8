"""One large scalar graph: a random DAG of 100,000 nodes, built and differentiated, and again at a new point.

Everyone gets the same list of rows (operation, operands) and runs along it; the operations are the ones that all peers
have, a sum, a product, relu and a square. At a new point we sweep the graph again, where most peers build it anew.
"""

from __future__ import annotations

import operator
import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

from backpropcli.graph import Graph
from backpropcli.kernels.floats import FLOATS
from backpropcli.sweeps import forward, reverse

from .harness import Contestant, Goal, Work, Workload, run

ROUNDS = 7
NODES = 100_000
INPUTS = 100
NEW_POINT = 0.99
"""The new point is the old one times this."""

DRAWN = ("add", "add", "mul", "mul", "mul", "relu", "square")
SMALLEST, LARGEST = 0.01, 0.7
"""Nodes that would be smaller or larger are drawn again, so that a thousand layers neither vanish nor overflow."""

STACK = 512 * 2**20
"""Bytes of stack for peers that recurse along the graph."""

Table = dict[str, Callable[..., Any]]
"""Operations by name."""

VALUES: Table = {
    "add": operator.add,
    "mul": operator.mul,
    "relu": lambda x: max(x, 0.0),
    "square": lambda x: x * x,
}


class Dag(NamedTuple):
    """Inputs and the rows after them; node i of the inputs and rows together is number i, the last is the output."""

    point: list[float]
    rows: list[tuple[str, tuple[int, ...]]]


@cache
def random_dag(nodes: int = NODES, inputs: int = INPUTS, seed: int = 1) -> Dag:
    """A random DAG in which the output depends on every node.

    Its first operand is the node that has waited longest for a use; the second is a recent node or an input. At the
    end, sums gather the nodes that still wait.
    """
    draw = random.Random(seed)
    point = [draw.uniform(0.2, 0.8) * draw.choice((-1, 1)) for _ in range(inputs)]
    values = list(point)
    rows: list[tuple[str, tuple[int, ...]]] = []
    waiting = deque(range(inputs))

    def add(name: str, operands: tuple[int, ...], value: float) -> None:
        waiting.append(len(values))
        values.append(value)
        rows.append((name, operands))

    while len(values) < nodes - inputs + 1:
        i = waiting.popleft()
        value = 0.0
        while not SMALLEST <= abs(value) <= LARGEST:
            name = draw.choice(DRAWN)
            j = draw.randrange(inputs) if draw.random() < 0.7 else draw.randrange(len(values) - inputs, len(values))
            operands = (i, j) if name in ("add", "mul") else (i,)
            value = VALUES[name](*[values[k] for k in operands])
        add(name, operands, value)
    while len(waiting) > 1:
        i, j = waiting.popleft(), waiting.popleft()
        add("add", (i, j), values[i] + values[j])
    return Dag(point, rows)


def build(table: Table, inputs: Sequence[Any], dag: Dag) -> Any:
    """The output, by a peer's operations along the rows."""
    values = list(inputs)
    for name, operands in dag.rows:
        if len(operands) == 2:
            j, k = operands
            values.append(table[name](values[j], values[k]))
        else:
            values.append(table[name](values[operands[0]]))
    return values[-1]


# Ours


def names_of(dag: Dag) -> list[str]:
    return [f"x{k}" for k in range(len(dag.point))]


def ours_built(dag: Dag) -> Graph:
    graph = Graph()
    for name in names_of(dag):
        graph.input(name)
    graph.extend(dag.rows)
    return graph


def ours_swept(graph: Graph, at: Mapping[str, float], active: list[bool]) -> list[float]:
    values = forward(FLOATS, graph, at)
    upstream = reverse(FLOATS, graph, values, len(graph) - 1, 1.0, active)
    return [upstream[i] for i in graph.inputs.values()]


def ours(dag: Dag) -> Work:
    at = dict(zip(names_of(dag), dag.point, strict=True))

    def work() -> list[float]:
        graph = ours_built(dag)
        return ours_swept(graph, at, graph.dependents(list(graph.inputs.values())))

    return work


def ours_again(dag: Dag) -> Work:
    """The sweeps alone, at the new point."""
    graph = ours_built(dag)
    active = graph.dependents(list(graph.inputs.values()))
    at = {name: value * NEW_POINT for name, value in zip(names_of(dag), dag.point, strict=True)}
    return lambda: ours_swept(graph, at, active)


# Peers


def with_micrograd(dag: Dag) -> Work:
    """Its backward pass recurses along the graph, so it runs in a thread with a stack that holds it."""
    from micrograd.engine import Value

    table: Table = {"add": operator.add, "mul": operator.mul, "relu": Value.relu, "square": lambda x: x**2}

    def differentiate() -> list[float]:
        inputs = [Value(value) for value in dag.point]
        build(table, inputs, dag).backward()
        return [value.grad for value in inputs]

    def work() -> list[float]:
        recursion, stack = sys.getrecursionlimit(), threading.stack_size(STACK)
        sys.setrecursionlimit(10 * len(dag.rows))
        try:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(differentiate).result()
        finally:
            sys.setrecursionlimit(recursion)
            threading.stack_size(stack)

    return work


def with_autograd(dag: Dag) -> Work:
    import autograd
    import autograd.numpy as np

    table: Table = {
        "add": operator.add,
        "mul": operator.mul,
        "relu": lambda x: np.maximum(x, 0.0),
        "square": lambda x: x**2,
    }
    gradient = autograd.grad(lambda *inputs: build(table, inputs, dag), tuple(range(len(dag.point))))
    return lambda: [float(g) for g in gradient(*dag.point)]


def with_torch(dag: Dag) -> Work:
    """One scalar float64 tensor per node."""
    import torch

    table: Table = {"add": operator.add, "mul": operator.mul, "relu": torch.relu, "square": torch.square}

    def work() -> list[float]:
        inputs = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in dag.point]
        build(table, inputs, dag).backward()
        return [float(value.grad) for value in inputs]

    return work


def casadi_function(dag: Dag) -> Callable[[list[float]], Any]:
    """Value and gradient as a CasADi function of the point."""
    import casadi

    table: Table = {
        "add": operator.add,
        "mul": operator.mul,
        "relu": lambda x: casadi.fmax(x, 0),
        "square": lambda x: x**2,
    }
    inputs = casadi.SX.sym("x", len(dag.point))
    output = build(table, casadi.vertsplit(inputs), dag)
    function: Callable[[list[float]], Any] = casadi.Function("f", [inputs], [output, casadi.gradient(output, inputs)])
    return function


def with_casadi(dag: Dag) -> Work:
    return lambda: casadi_function(dag)(dag.point)[1].full().ravel().tolist()


def with_casadi_again(dag: Dag) -> Work:
    """The evaluation alone, at the new point."""
    function = casadi_function(dag)
    point = [value * NEW_POINT for value in dag.point]
    return lambda: function(point)[1].full().ravel().tolist()


SLOW_TO_COMPILE = "does not compile a graph of this size in reasonable time (5 to 14 s at 1,000 nodes)"
JAX = Contestant("JAX", lambda: lambda: None, needs="jax", unfit=SLOW_TO_COMPILE)


def contestant(name: str, prepare: Callable[[Dag], Work], needs: str = "") -> Contestant:
    return Contestant(name, lambda: prepare(random_dag()), list, needs)


def graph(rounds: int | None) -> bool:
    """Build, forward and reverse; False if a gradient disagrees."""
    peers = [
        contestant("micrograd", with_micrograd, "micrograd"),
        contestant("autograd", with_autograd, "autograd"),
        contestant("PyTorch", with_torch, "torch"),
        contestant("CasADi SX", with_casadi, "casadi"),
        JAX,
    ]
    workload = Workload(
        f"graph: a random DAG of {NODES:,} nodes and {INPUTS} inputs, build + forward + reverse",
        [contestant("backprop", ours), *peers],
        "backprop",
        [
            Goal("micrograd", 4, "backprop", at_least=True),
            Goal("PyTorch", 6, "backprop", at_least=True),
            Goal("CasADi SX", 6, "backprop", at_least=True),
        ],
        "ns per node",
        1e9 / NODES,
    )
    return run(workload, rounds or ROUNDS)


def again(rounds: int | None) -> bool:
    """Forward and reverse along the finished graph; False if a gradient disagrees."""
    workload = Workload(
        f"again: the same graph of {NODES:,} nodes at a new point, forward + reverse",
        [
            contestant("backprop, interpreted", ours_again),
            contestant("CasADi SX, its virtual machine", with_casadi_again, "casadi"),
            JAX,
        ],
        "backprop, interpreted",
        [Goal("backprop, interpreted", 1000)],
        "ns per node",
        1e9 / NODES,
    )
    return run(workload, rounds or ROUNDS)
