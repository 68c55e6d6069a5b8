"""The first wrong rule: every node's local gradients, compared with quotients of that node alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from ..conventions import kink_of
from ..graph import Graph
from ..kernels.system import NumberSystem
from ..text import expression_of
from ..values import Value, finite, is_tensor
from .paths import pairs, random_velocity
from .quotients import Side, one_sided

if TYPE_CHECKING:
    from ..api import Result


class Fault(NamedTuple):
    """A wrong local gradient.

    Attributes:
        node: the node.
        k: the operand's number.
        local: what the rule gives; of tensors along a random direction.
        truth: what it ought to be.
    """

    node: int
    k: int
    local: Any
    truth: Any

    def told(self, graph: Graph) -> str:
        """The fault in words."""
        along = " along a random direction" if graph.tensors else ""
        place, operand = (expression_of(graph, i) for i in (self.node, graph.operands[self.node][self.k]))
        return (
            f"the rule of `{graph.operations[self.node].name}` is wrong at {place}: local {float(self.local):.6g} to "
            f"{operand}{along}, where it is {float(self.truth):.6g}"
        )


class Probe:
    """A node as a function of one operand alone, weighted, so that its value is one number.

    Attributes:
        node, k: the node, and the operand's number.
        xs, z: the operands' values and the node's.
        weights: an upstream gradient: 1, or of tensors a random one.
        velocity: how the operand moves: as fast as it is large, or of tensors at random.
        scale: by what a derivative along that velocity is divided.
        downstream: what the rule makes of the weights.
    """

    def __init__(self, result: Result, node: int, k: int) -> None:
        graph, F = result.program.graph, result.system
        self.result, self.node, self.k = result, node, k
        self.operation = graph.operations[node]
        self.xs: list[Any] = [result.values[j] for j in graph.operands[node]]
        self.z = result.values[node]
        self.weights: Value = 1.0
        self.velocity: Value = abs(self.xs[k]) if not graph.tensors and self.xs[k] else 1.0
        self.scale = self.velocity
        if graph.tensors:
            random = Random(0)
            self.weights, self.velocity = random_velocity(self.z, random, 1.0), random_velocity(self.xs[k], random)
            self.scale = 1.0
        with F.quiet():
            self.downstream = self.pulled(F, self.weights, self.z, self.xs)

    def pulled(self, F: NumberSystem, weights: Any, z: Any, xs: list[Any]) -> Any:
        """What the rule makes of the weights in a number system."""
        local = self.operation.local(F, self.k, z, xs)
        return F.downstream(local, weights, z, xs[self.k], self.operation.structural)

    def moved(self, F: NumberSystem, xs: Sequence[Any], velocity: Any, t: Any) -> tuple[Any, list[Any]]:
        """The node's value, and its operands, where the operand has moved for a time t."""
        there = list(xs)
        there[self.k] = xs[self.k] + t * velocity
        return F.kernels[self.operation.key](*there), there


Trial = Callable[[Probe], "tuple[Any, Any] | None"]
"""What a rule gives and what it ought to give, where these differ by more than rounding."""


class Faults:
    """Looks for the first wrong rule; each is tried once.

    Args:
        result: what `evaluate` returned.
        relevant: the nodes that make the output.
        trial: tries the rule of a probe.
    """

    def __init__(self, result: Result, relevant: dict[int, Value], trial: Trial) -> None:
        self.result, self.relevant, self.trial = result, relevant, trial
        self.tried: dict[tuple[int, int], Fault | None] = {}

    def first(self, behind: Sequence[bool]) -> Fault | None:
        """The first of the nodes behind some inputs, in the order of the reverse sweep, whose rule is wrong."""
        result, graph = self.result, self.result.program.graph
        for i in range(result.output, -1, -1):
            if not behind[i] or i not in self.relevant:
                continue
            for k, j in enumerate(graph.operands[i]):
                if behind[j] and result.active[j] and j in graph.moving(i):
                    if (i, k) not in self.tried:
                        self.tried[i, k] = self._fault(i, k)
                    fault = self.tried[i, k]
                    if fault is not None:
                        return fault
        return None

    def _fault(self, i: int, k: int) -> Fault | None:
        probe = Probe(self.result, i, k)
        if not finite(probe.z) or not finite(probe.xs[k]):
            return None
        if probe.operation.held:
            passed = sum(g * v for g, v in pairs(probe.downstream, probe.velocity)) / probe.scale
            return Fault(i, k, passed, 0.0) if passed else None
        apart = self.trial(probe)
        return None if apart is None else Fault(i, k, *apart)


def precise_trial(F: Any, finer: int) -> Trial:
    """Tries a rule by quotients at high precision, and where it fails in float64 by itself in these numbers.

    Args:
        F: the number system.
        finer: binary digits by which the steps are finer than usual.
    """
    mp = F.mp

    def trial(probe: Probe) -> tuple[Any, Any] | None:
        tensors = probe.result.program.graph.tensors
        if tensors and some(kink_of(probe.result, probe.node)):
            return None  # along a random tangent several kinks add up; the convention is told elsewhere
        xs = [F.constant(x) for x in probe.xs]
        weights, velocity = F.constant(probe.weights), F.constant(probe.velocity)

        def phi(t: Any) -> Any:
            weighted = weights * probe.moved(F, xs, velocity, t)[0]
            return F.sum(weighted) if tensors else weighted

        def along(downstream: Any) -> tuple[Any, Any]:
            products = [mp.mpf(g) * v / probe.scale for g, v in pairs(downstream, probe.velocity)]
            return mp.fsum(products), mp.fsum(map(abs, products))

        start = phi(mp.mpf(0))
        if not mp.isfinite(start):
            return None
        terms = mp.fsum(abs(u) * abs(e) for u, e in pairs(probe.weights, probe.z))
        noise = mp.ldexp(max(terms, mp.ldexp(1, -1100)), 16 - mp.prec)
        sides = [one_sided(phi, start, side, noise, finer, mp) for side in (-1, 1)]
        apart = _apart(*along(probe.downstream), sides, probe.scale, mp)
        if apart is None:
            return None
        z = F.kernels[probe.operation.key](*xs)
        exact, _ = along(probe.pulled(F, weights, z, xs))
        # A rule that is right with enough digits is no fault, however many it loses in float64.
        return None if _apart(exact, mp.mpf(0), sides, probe.scale, mp) is None else apart

    return trial


def _apart(local: Any, terms: Any, sides: list[Side], scale: Any, mp: Any) -> tuple[Any, Any] | None:
    """The local gradient and the truth, if they differ by more than rounding; None where there is no truth."""
    limits = [side.limit / scale for side in sides if side.kind == "limit"]
    if any(side.kind in ("jump", "no limit", "vertical tangent") for side in sides) or not limits:
        return None
    slack = mp.mpf("1e-11") * max(*map(abs, limits), terms)
    slack += mp.ldexp(1, -1021)  # where float64 underflows, no rule can help it
    slack += sum(side.error for side in sides if side.kind == "limit") / scale
    return None if min(limits) - slack <= local <= max(limits) + slack else (local, limits[-1])


def some(truths: Any) -> bool:
    """Whether it holds anywhere."""
    return bool(truths.any()) if is_tensor(truths) else bool(truths)
