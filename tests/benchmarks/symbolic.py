"""Symbolic gradients of some 1,000 nodes, against SymPy's `diff` of the same expression.

Ours is the gradient as a graph, simplified; SymPy's is the gradient as expressions, neither simplified further nor
printed. Beside it stands the same with every formula written out, as the command prints them. SymPy is handed the
expression made.

A sum of products of functions suits SymPy best: every term is differentiated by itself, and nothing is shared. In a
sum of nested terms the derivatives share most of what they are made of, which SymPy writes out again and again; of one
chain of a thousand nodes it takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from backpropcli import Program, evaluate, parse
from backpropcli.gradients import Formulas, formulas
from backpropcli.kernels.floats import FLOATS
from backpropcli.sweeps import forward
from backpropcli.transform import derivative

from .harness import Contestant, Goal, Work, Workload, run
from .text import AT, sum_of_products

ROUNDS = 5

DEPTH = 10_000
"""Calls within calls that SymPy is allowed: it differentiates by recursion."""

FACTOR = 10
"""How much larger the expression is by which growth is measured."""


def nested(terms: int, depth: int = 12) -> str:
    """``sin(sin(x0)*y0 + x1)*y1 + …``: a sum of terms, each `depth` functions deep; four nodes per function."""
    found = []
    for k in range(terms):
        term = f"x{k % 10}"
        for level in range(depth):
            term = f"sin({term})*y{(k + level) % 7} + x{(k + level) % 10}"
        found.append(f"({term})")
    return " + ".join(found)


def gradient(found: Formulas) -> Sequence[float]:
    """What the formulas say at the point, read back."""
    program = parse("\n".join(found.program()))
    values = evaluate(program, AT).values
    return [values[program.node(found.by_input[name].name)] for name in AT]


def ours(text: str) -> Work:
    program = parse(text)
    return lambda: (derivative.gradient(program.graph, program.output, program.inputs).simplified(), program)


def value_of(found: tuple[derivative.Derived, Program]) -> Sequence[float]:
    """What the graph computes at the point."""
    derived, program = found
    values = forward(FLOATS, derived.graph, {name: AT[name] for name in program.inputs})
    return [values[derived.gradient[name]] for name in AT]


def written(text: str) -> Work:
    program = parse(text)
    return lambda: formulas(program)


def sympy_diff(text: str) -> Work:
    import sympy
    from sympy.core.cache import clear_cache

    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEPTH))
    clear_cache()  # it remembers derivatives from the round before
    expression = sympy.sympify(text)
    symbols = [sympy.Symbol(name) for name in AT]
    return lambda: [sympy.diff(expression, symbol) for symbol in symbols]


def sympy_gradient(found: Sequence[Any]) -> Sequence[float]:
    """The expressions at the point."""
    import sympy

    names = [sympy.Symbol(name) for name in AT]
    function = sympy.lambdify(names, list(found), "math", cse=True)
    return [float(x) for x in function(*AT.values())]


def measure(title: str, make: Callable[[int], str], terms: int, rounds: int) -> bool:
    small, large = make(terms), make(FACTOR * terms)
    first, second = (f"backprop, {len(parse(text).graph):,} nodes" for text in (small, large))
    peer = "SymPy diff of the first"
    workload = Workload(
        f"symbolic: {title}",
        [
            Contestant(first, lambda: ours(small), value_of),
            Contestant("the same, formulas written", lambda: written(small), gradient),
            Contestant(second, lambda: ours(large)),
            Contestant(peer, lambda: sympy_diff(small), sympy_gradient, "sympy"),
        ],
        first,
        [Goal(peer, 20, first, at_least=True), Goal(second, 1.2 * FACTOR, first)],
        "ms",
        1e3,
    )
    return run(workload, rounds)


def main(rounds: int | None) -> bool:
    """Measure; False if a gradient disagrees."""
    flat = measure("a sum of products of functions", sum_of_products, 250, rounds or ROUNDS)
    return measure("a sum of nested terms", nested, 20, rounds or ROUNDS) and flat
