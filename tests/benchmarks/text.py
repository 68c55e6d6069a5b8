"""Text to gradient: a sum of 20,000 products of functions, against Lark's own parse of it with the same callbacks.

Lark is handed the grammar that we ship and calls the same builder, so both make the same graph; that they do is checked
node by node. What Lark is timed at ends with the graph, what we are timed at with the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from backpropcli import Program, Result, evaluate, parse
from backpropcli.language.builder import Builder
from backpropcli.language.compile import grammar_text, lark_parser

from .harness import Contestant, Disagreement, Goal, Work, Workload, run

ROUNDS = 7
TERMS = 20_000

AT = {f"x{k}": 0.1 + 0.07 * k for k in range(10)} | {f"y{k}": -0.8 + 0.21 * k for k in range(7)}

FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sin": (math.sin, math.cos),
    "cos": (math.cos, lambda x: -math.sin(x)),
    "exp": (math.exp, math.exp),
    "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "atan": (math.atan, lambda x: 1 / (1 + x * x)),
}
"""Every function with its derivative."""


def factors(k: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Term k: two functions, each with its variable."""
    names = list(FUNCTIONS)
    return (names[k % 5], f"x{k % 10}"), (names[k // 5 % 5], f"y{k % 7}")


def sum_of_products(terms: int) -> str:
    """``sin(x0)*sin(y0) + cos(x1)*sin(y1) + …``; about four nodes per term."""
    return " + ".join("{}({})*{}({})".format(*first, *second) for first, second in map(factors, range(terms)))


def gradient_by_hand(terms: int) -> list[float]:
    """Its gradient at `AT`, by the product rule and correctly rounded sums."""
    parts: dict[str, list[float]] = {name: [] for name in AT}
    for (f, x), (g, y) in map(factors, range(terms)):
        parts[x].append(FUNCTIONS[f][1](AT[x]) * FUNCTIONS[g][0](AT[y]))
        parts[y].append(FUNCTIONS[f][0](AT[x]) * FUNCTIONS[g][1](AT[y]))
    return [math.fsum(terms) for terms in parts.values()]


def gradient(result: Result) -> Sequence[float]:
    return [result.gradient[name] for name in AT]


class Callbacks:
    """What Lark calls a transformer: the builder's methods by the names of the rules, terminals as pairs.

    A helper rule that Lark made up, and a terminal that carries nothing, has no callback.
    """

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        if name in ("NUMBER", "NAME"):
            return lambda token: (str(token), token.start_pos)
        if name.startswith("_") or name.isupper():
            raise AttributeError(name)
        method = self.builder.callback(name)
        return lambda children: method(*children)


def lark_run(text: str) -> Work:
    """Lark's parse of the text; making the parser, and the builder that it calls, is not timed."""
    builder = Builder(text, list(AT))
    lark = lark_parser(grammar_text(), transformer=Callbacks(builder))

    def work() -> Builder:
        lark.parse(text, start="program")
        return builder

    return work


def lark_gradient(builder: Builder) -> Sequence[float]:
    """The gradient along the graph that Lark's callbacks built, which must be the graph that we build."""
    ours, theirs = parse(builder.source, list(AT)).graph, builder.graph
    if len(ours) != len(theirs):
        raise Disagreement(f"a graph of {len(theirs):,} nodes, not {len(ours):,}")
    for one, other in zip(ours, theirs, strict=True):
        if one != other:
            raise Disagreement(f"a graph whose node {one.number} is {other}, not {one}")
    return gradient(evaluate(Program(builder.source, theirs, builder.output, builder.assigned), AT))


def main(rounds: int | None) -> bool:
    """Measure; False if a gradient disagrees."""
    text = sum_of_products(TERMS)
    nodes = len(parse(text, list(AT)).graph)
    whole, alone, lark = "backprop, text to gradient", "backprop, parse alone", "Lark, parse alone"
    workload = Workload(
        f"text: a sum of {TERMS:,} products of functions, {len(text):,} characters, {nodes:,} nodes",
        [
            Contestant(whole, lambda: lambda: evaluate(text, AT), gradient),
            Contestant(alone, lambda: lambda: parse(text, list(AT))),
            Contestant(lark, lambda: lark_run(text), lark_gradient, "lark"),
        ],
        whole,
        [Goal(whole, 1.3, lark)],
        "ns per node",
        1e9 / nodes,
        gradient_by_hand(TERMS),
    )
    return run(workload, rounds or ROUNDS)
