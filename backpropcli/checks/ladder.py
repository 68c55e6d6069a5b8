"""The judge of what is too large for mpmath: quotients in float64 over a ladder of steps, along random directions.

A step is dropped where the program takes another branch on either side than at the point. The noise of a value is
measured, by shaking every rounding. Two neighbouring steps are extrapolated (Richardson); of all pairs that one is
believed whose distance to the next, plus its noise, is least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from math import isfinite, log10
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..conventions import kink_of
from ..operations.maps import Reduced
from ..sweeps import forward
from ..text import expression_of, ids
from ..values import Value
from .faults import Faults, Probe, some
from .shake import shaken_system
from .verdict import Check, Component

if TYPE_CHECKING:
    from ..api import Result
    from .paths import Path

STEPS = tuple(2.0**-k for k in range(6, 36, 2))
SHAKEN = 4
SURE = 1e-5
"""A quotient with a larger relative error decides nothing."""


class Quotient(NamedTuple):
    """A derivative along a direction, and how far it may be off."""

    limit: float
    error: float


def ladder(
    result: Result, paths: list[Path], relevant: dict[int, Value], progress: Callable[[int, int], None] | None = None
) -> Check:
    """Judge the derivative along every path.

    Args:
        result: what `evaluate` returned.
        paths: the directions.
        relevant: the nodes that make the output, with their values.
        progress: called with the directions done and their number.
    """
    judge = _Ladder(result, relevant)
    components = []
    for done, path in enumerate(paths, 1):
        components.append(judge.component(path))
        if progress is not None:
            progress(done, len(paths))
    return Check(components, "ladder", judge.evaluations, 53, None)


def quotient(phi: Callable[[float], tuple[float, bool]], noise: float) -> Quotient | None:
    """The derivative at 0 of phi, which also tells whether every branch is as at 0; None where no step serves."""
    found: list[tuple[float, float]] = []  # step and central quotient, from the coarsest
    for h in STEPS:
        (right, one), (left, other) = phi(h), phi(-h)
        if one and other and isfinite(right - left):
            found.append((h, (right - left) / (2 * h)))
    refined = []
    for (h, q), (fine, r) in pairwise(found):
        ratio = (h / fine) ** 2
        refined.append((fine, (ratio * r - q) / (ratio - 1)))
    best: Quotient | None = None
    for (_, q), (h, r) in pairwise(refined):
        error = abs(q - r) + 2 * noise / h
        if best is None or error < best.error:
            best = Quotient(r, error)
    return best


def alike(one: dict[int, Any], other: dict[int, Any]) -> bool:
    """Whether every choice was the same."""
    return all(np.array_equal(one[i], other[i], equal_nan=True) for i in one)


class _Ladder:
    def __init__(self, result: Result, relevant: dict[int, Value]) -> None:
        self.result = result
        self.graph = result.program.graph
        self.relevant = relevant
        self.evaluations = 0
        self.branches = self.branches_of(result.values)
        values = [self.weighted(self.shaken(k)) for k in range(SHAKEN)]
        self.noise = max(values) - min(values) + abs(self.weighted(result.values)) * 2.0**-52

    def shaken(self, seed: int) -> list[Value]:
        F = shaken_system(self.graph, seed, self.result.ties)
        self.evaluations += 1
        with F.quiet():
            return forward(F, self.graph, self.result.at)

    def weighted(self, values: list[Value]) -> float:
        """The output as one number: its product with the upstream gradient."""
        return float(np.sum(np.multiply(self.result.seed, values[self.result.output])))

    def branches_of(self, values: Any, nodes: Iterable[int] | None = None) -> dict[int, Any]:
        """What every choice chose: the local gradients of flat steps and routers, the signs before other kinks."""
        F, found = self.result.system, {}
        with F.quiet():
            for i in self.relevant if nodes is None else nodes:
                operation, operands = self.graph.operations[i], self.graph.operands[i]
                xs = [values[j] for j in operands]
                if operation.kink is not None and not operation.structural:
                    found[i] = np.sign(xs[0])
                elif operation.structural and operands and not operation.pullback and not operation.held:
                    local = operation.local(F, 0 if not operation.condition else -1, values[i], xs)
                    found[i] = (
                        values[i] if operation.condition else local.partials if isinstance(local, Reduced) else local
                    )
        return found

    def moved(self, path: Path, t: float) -> tuple[float, bool]:
        """The weighted output a step along the path, and whether every branch is as it was."""
        F = self.result.system
        at = dict(self.result.at)
        for i, v in path.velocity.items():
            name = self.graph.names[i]
            at[name] = at[name] + t * v
        self.evaluations += 1
        with F.quiet():
            values = forward(F, self.graph, at)
        return self.weighted(values), alike(self.branches_of(values), self.branches)

    def trial(self, probe: Probe) -> tuple[float, float] | None:
        """A node's local gradient along a random tangent of an operand, and the truth, where they differ."""
        F, i = self.result.system, probe.node
        products = np.multiply(probe.downstream, probe.velocity)
        branches = self.branches_of(self.result.values, [i])

        def phi(t: float) -> tuple[float, bool]:
            with F.quiet():
                z, xs = probe.moved(F, probe.xs, probe.velocity, t)
            there = dict(zip(self.graph.operands[i], xs, strict=True)) | {i: z}
            return float(np.sum(np.multiply(probe.weights, z))), alike(self.branches_of(there, [i]), branches)

        true = quotient(phi, 2.0**-50 * float(np.sum(np.abs(np.multiply(probe.weights, probe.z)))))
        if true is None:
            return None
        found = float(np.sum(products))
        slack = 10 * true.error + 1e-9 * max(float(np.sum(np.abs(products))), abs(true.limit))
        return (found / probe.scale, true.limit / probe.scale) if abs(found - true.limit) > slack else None

    def component(self, path: Path) -> Component:
        """The verdict on the derivative along one path."""
        gradient = self.result.gradient
        products = [np.multiply(gradient[self.graph.names[i]], v) for i, v in path.velocity.items()]
        analytic = float(sum(np.sum(p) for p in products))
        terms = float(sum(np.sum(np.abs(p)) for p in products))
        found = Component(path.name, "agree", None, analytic)
        if not isfinite(analytic):
            return found._replace(verdict="undefined", reason="the gradient is not finite")
        true = quotient(partial(self.moved, path), self.noise)
        if true is None:
            kink = self.first_kink()
            reason = "every step in float64 takes another branch, or leaves the domain"
            if kink is not None:
                return found._replace(
                    verdict="not-differentiable", node=ids(self.graph)[kink],
                    reason=f"kink at {expression_of(self.graph, kink)}",
                )  # fmt: skip
            return found._replace(verdict="inconclusive", reason=reason)
        gap = abs(analytic - true.limit)
        size = max(abs(true.limit), abs(analytic))
        digits = 16.0 if not size else max(0.0, min(16.0, -log10(max(gap, true.error, 1e-16 * size) / size)))
        found = found._replace(numeric=true.limit, digits=digits)
        if gap <= 10 * true.error + 1e-12 * terms:
            if true.error > SURE * max(size, 1e-3 * terms):
                return found._replace(
                    verdict="inconclusive",
                    reason=f"float64 quotients are sure to {digits:.0f} digits only; --limit check=… allows exact ones",
                )
            return found
        reason = f"the derivative is {true.limit:.6g}, within {true.error:.1g}"
        fault = Faults(self.result, self.relevant, self.trial).first(self.result.active)
        if fault is None:
            return found._replace(verdict="disagree", reason=f"{reason}; no node's own rule was found wrong")
        node = ids(self.graph)[fault.node]
        return found._replace(verdict="disagree", node=node, reason=f"{reason}; {fault.told(self.graph)}")

    def first_kink(self) -> int | None:
        """The first node at a point where it has no derivative."""
        return next((i for i in self.relevant if some(kink_of(self.result, i))), None)
