"""The judge: is this the gradient of that program?

The program's own *forward* pass is evaluated a second time, in mpmath with some 500 bits, a little to the left and a
little to the right of the point. No derivative rule takes part, so a wrong rule cannot vouch for itself; and with so
many bits neither cancellation nor scale can mislead the quotients, as they mislead every checker that works in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, isinf, log2, log10
from random import Random
from typing import TYPE_CHECKING, Any

from ..conventions import expressions_of, underflow
from ..graph import CONSTANT, INPUT
from ..kernels.precise import Precise, precise
from ..sweeps import forward, reverse
from ..text import ids
from .quotients import BITS, Side, agree, one_sided
from .shake import digits_trusted
from .verdict import Check, Component

if TYPE_CHECKING:
    from ..api import Result

ENOUGH = 9
"""Digits from which on a derivative agrees, if no node is found wrong."""

PLENTY = 12
"""Digits from which on nodes are not looked at one by one: a rule that is wrong by 1e-8 shows in the ninth digit."""

DIRECTIONS = 3
CHEAP = frozenset(("add", "sub", "mul", "div", "neg", "abs", "square", "max", "min", "where", "sign", "step"))
DEAR = frozenset(("gamma", "lgamma", "digamma", "polygamma", "erf", "erfc", "normal_cdf", "gelu"))

Progress = Callable[[int, int], None]


def judge(result: Result, seconds: float = 2.0, progress: Progress | None = None) -> Check:
    """Judge every component of a gradient, or random directions where that would take longer than `seconds`.

    Args:
        result: what `evaluate` returned.
        seconds: the budget; the time is estimated from the graph, so that the same program always gets the same check.
        progress: called with the components done and their number.
    """
    return _Judge(result).judge(seconds, progress)


class _Judge:
    def __init__(self, result: Result) -> None:
        self.result = result
        self.graph = result.program.graph
        self.evaluations = 0
        self.relevant = _relevant(result)
        self.largest = max((abs(result.values[i]) for i in self.relevant if isfinite(result.values[i])), default=1.0)
        inputs = [abs(result.values[i]) for i in self.graph.inputs.values()]
        smallest = min((x for x in inputs if x and isfinite(x)), default=1.0)
        slopes = [abs(g) for g in result.gradient.values()]
        flattest = min((g for g in slopes if g and isfinite(g)), default=1.0)
        self.finer = int(log2(max(self.largest, 1.0)))
        # A difference must show beside the largest number, at the smallest step, for the flattest slope.
        self.bits = BITS + 2 * self.finer + int(-log2(min(smallest, 1.0)) - log2(min(flattest, 1.0)))
        self._trusted: dict[str, float] | None = None
        self._precise: tuple[Precise, list[Any]] | None = None

    def name(self, i: int) -> str:
        return ids(self.graph)[i]

    @property
    def precise(self) -> tuple[Precise, list[Any]]:
        """The number system and the program's values in it."""
        if self._precise is None:
            system = precise(self.bits, self.result.ties)
            self.bits = system.mp.prec
            at = {name: system.constant(self.result.values[i]) for name, i in self.graph.inputs.items()}
            self._precise = system, forward(system, self.graph, at)
            self.evaluations += 1
        return self._precise

    def judge(self, seconds: float, progress: Progress | None) -> Check:
        result, graph = self.result, self.graph
        bad = next((i for i in sorted(self.relevant) if not isfinite(result.values[i])), None)
        if bad is not None:
            reason = f"{expressions_of(graph, bad)} is {result.values[bad]!r}"
            return Check(
                [
                    Component(n, "undefined", None, g, node=self.name(bad), reason=reason)
                    for n, g in result.gradient.items()
                ],
                "quotients",
                0,
                self.bits,
                None,
            )
        reached = graph.ancestors(result.output)
        paths: list[tuple[str, dict[int, float], list[int]]] = []
        for name in result.wrt:
            i = graph.inputs[name]
            paths.append((name, {i: abs(result.values[i]) or 1.0}, []))
        method = "quotients"
        cost = self._cost(reached)
        budget = seconds
        if cost * 6 * len(paths) > budget:
            spent = 0.0
            for _, velocity, order in paths:
                order += self._order(list(velocity), reached)
                spent += 6 * sum(_weight(graph.operations[i].name) for i in order)
                if spent > budget:
                    break
            if spent > budget:
                method, paths = "directions", self._directions()
                if 6 * cost > budget:
                    reason = (
                        f"one direction would take about {6 * cost:.0f} s; --limit check={6 * cost + 1:.0f} allows it"
                    )
                    only = [Component(n, "inconclusive", None, g, reason=reason) for n, g in result.gradient.items()]
                    return Check(only, method, 0, self.bits, None)
        components = []
        for done, (name, velocity, order) in enumerate(paths):
            components.append(self.component(name, velocity, order or self._order(list(velocity), reached)))
            if progress is not None:
                progress(done + 1, len(paths))
        _, base = self.precise
        value_digits = _digits(result.value, base[result.output], 0)
        return Check(components, method, self.evaluations, self.bits, value_digits)

    def _cost(self, reached: list[bool]) -> float:
        """Seconds for one evaluation of all that the output depends on, by estimate."""
        return sum(_weight(self.graph.operations[i].name) for i, r in enumerate(reached) if r)

    def _order(self, sources: list[int], reached: list[bool]) -> list[int]:
        """The nodes between the sources and the output, in order of evaluation."""
        moved = self.graph.dependents(sources, held=False)
        return [i for i, r in enumerate(reached) if r and moved[i] and self.graph.operands[i]]

    def _directions(self) -> list[tuple[str, dict[int, float], list[int]]]:
        """Seeded random directions along all inputs at once."""
        random = Random(0)
        found = []
        for k in range(DIRECTIONS):
            velocity = {}
            for name in self.result.wrt:
                i = self.graph.inputs[name]
                velocity[i] = random.choice((-1, 1)) * random.uniform(0.5, 1.5) * (abs(self.result.values[i]) or 1.0)
            found.append((f"direction {k + 1}", velocity, list[int]()))
        return found

    def component(self, name: str, velocity: dict[int, float], order: list[int]) -> Component:
        """The verdict on the derivative along one path."""
        result = self.result
        F, base = self.precise
        mp: Any = F.mp
        analytic = mp.mpf(0)
        plain = 0.0
        for i, v in velocity.items():
            g = result.gradient[self.graph.names[i]]
            plain = g
            analytic += mp.mpf(g) * (mp.mpf(v) if len(velocity) > 1 else 1)
        shown = plain if len(velocity) == 1 else float(analytic)
        # A component's derivative is asked for; along a direction it is the derivative along the path.
        scale = mp.mpf(next(iter(velocity.values()))) if len(velocity) == 1 else mp.mpf(1)
        left, right = self._sides(velocity, order)
        factor = mp.mpf(result.seed) / scale
        left, right = (Side(s.kind, s.limit * factor, abs(s.error * factor)) for s in (left, right))
        if not isfinite(shown):
            return self._not_finite(name, velocity, shown, left, right, order)
        if not agree(left, right):
            return self._not_differentiable(name, velocity, shown, left, right, order)
        truth = right.limit if right.error <= left.error else left.limit
        digits = _digits(analytic, truth, left.error + right.error)
        fine = Component(name, "agree", digits, shown, _float(truth))
        if digits >= PLENTY:
            return fine
        wrong = self._first_wrong_node(list(velocity))
        if wrong is not None:
            return self._disagree(fine, wrong)
        if digits >= ENOUGH:
            return fine
        at_convention = self._first_convention(order)
        if at_convention is not None:
            text = expressions_of(self.graph, at_convention)
            return fine._replace(
                verdict="tie-mismatch",
                node=self.name(at_convention),
                reason=f"the derivative is {_float(truth):.6g}, but the convention at {text} gives {shown:.6g}",
            )
        upstream = reverse(F, self.graph, base, result.output, mp.mpf(result.seed), result.active)
        exact = mp.mpf(0)
        for i, v in velocity.items():
            exact += (upstream[i] or mp.mpf(0)) * (mp.mpf(v) if len(velocity) > 1 else 1)
        off = f"the derivative is {_float(truth):.6g}; every node's own rule is right"
        if _digits(exact, truth, left.error + right.error) < PLENTY:
            return fine._replace(verdict="disagree", reason=off)
        lost = fine._replace(
            verdict="agree-ill-conditioned",
            reason=f"the rules are right, and float64 keeps {digits:.0f} digits of this derivative",
        )
        if digits >= self.trusted(name) - 3:
            return lost
        place = underflow(result, order)
        if place is not None:
            text = expressions_of(self.graph, place)
            return lost._replace(
                node=self.name(place),
                reason=f"the rules are right, but the local gradient of {text} underflows in float64",
            )
        return fine._replace(verdict="disagree", reason=f"{off}, and rounding does not explain the difference")

    def trusted(self, name: str) -> float:
        """How many digits rounding leaves of a component, or at least of any along a direction."""
        if self._trusted is None:
            self._trusted = digits_trusted(self.result)
        return self._trusted.get(name, min(self._trusted.values()))

    def _sides(self, velocity: dict[int, float], order: list[int]) -> tuple[Side, Side]:
        F, base = self.precise
        mp: Any = F.mp
        speeds = {i: mp.mpf(v) for i, v in velocity.items()}
        steps = [(i, F.kernels[self.graph.operations[i].name], self.graph.operands[i]) for i in order]
        values = list(base)
        output = self.result.output

        def phi(t: Any) -> Any:
            for i, speed in speeds.items():
                values[i] = base[i] + t * speed
            for i, kernel, operands in steps:
                values[i] = kernel(*[values[j] for j in operands])
            self.evaluations += 1
            return values[output]

        noise = mp.ldexp(max(mp.mpf(self.largest), mp.mpf(1)), 16 - self.bits)
        left, right = (one_sided(phi, base[output], side, noise, self.finer, mp) for side in (-1, 1))
        return left, right

    def _disagree(self, component: Component, wrong: tuple[int, int, Any, Any]) -> Component:
        i, k, local, truth = wrong
        operand = self.graph.operands[i][k]
        return component._replace(
            verdict="disagree",
            node=self.name(i),
            reason=f"the derivative is {component.numeric:.6g}; the rule of `{self.graph.operations[i].name}` is wrong "
            f"at {expressions_of(self.graph, i)}: local {_float(local):.6g} to {expressions_of(self.graph, operand)}, "
            f"where it is {_float(truth):.6g}",
        )

    def _not_finite(
        self, name: str, velocity: dict[int, float], shown: float, left: Side, right: Side, order: list[int]
    ) -> Component:
        if isinf(shown) and "vertical tangent" in (left.kind, right.kind):
            return self._not_differentiable(name, velocity, shown, left, right, order)
        word = "NaN" if shown != shown else "infinite"
        truth = _float(right.limit) if agree(left, right) else None
        limit = "" if truth is None else f"; the derivative is {truth:.6g}"
        return Component(
            name, "undefined", None, shown, truth, _side(left), _side(right), reason=f"the gradient is {word}{limit}"
        )

    def _not_differentiable(
        self, name: str, velocity: dict[int, float], shown: float, left: Side, right: Side, order: list[int]
    ) -> Component:
        wrong = self._first_wrong_node(list(velocity))
        kinds = [side.kind for side in (left, right)]
        place = self._first_convention(order)
        where = "" if place is None else f" at {expressions_of(self.graph, place)}"
        component = Component(
            name, "not-differentiable", None, shown, None, _side(left), _side(right),
            None if place is None else self.name(place),
        )  # fmt: skip
        if wrong is not None:
            return self._disagree(component._replace(numeric=_side(right if right.kind == "limit" else left)), wrong)
        if kinds == ["limit", "limit"]:
            reason = f"kink{where}: {_float(left.limit):.6g} on the left, {_float(right.limit):.6g} on the right"
        elif "jump" in kinds:
            reason = f"jump{where}"
        elif "domain edge" in kinds:
            other = left if right.kind == "domain edge" else right
            which = "right" if right.kind == "domain edge" else "left"
            beside = (
                f", {_float(other.limit):.6g} on the other side" if other.kind in ("limit", "vertical tangent") else ""
            )
            reason = f"domain edge{where} on the {which}{beside}"
        elif "vertical tangent" in kinds:
            reason = f"vertical tangent{where}"
        else:
            return component._replace(verdict="inconclusive", reason="the quotients have no limit")
        return component._replace(reason=reason)

    def _first_convention(self, order: list[int]) -> int | None:
        """The first node where the sweep followed a convention: a kink, a tie, a branch that exact numbers leave."""
        F, base = self.precise
        values = self.result.values
        for i in order:
            if i not in self.relevant:
                continue
            operation, operands = self.graph.operations[i], self.graph.operands[i]
            xs = [values[j] for j in operands]
            if operation.kink is not None and operation.kink(self.result.system, values[i], *xs):
                return i
            if operation.structural or operation.kink is not None:
                exact = [base[j] for j in operands]
                for k, j in enumerate(operands):
                    if self.graph.operations[j] is CONSTANT:
                        continue
                    there = operation.local(F, k, base[i], exact)
                    here = operation.local(self.result.system, k, values[i], xs)
                    if abs(there - here) > abs(here) / 2 + 1e-9:
                        return i
        return None

    def _first_wrong_node(self, sources: list[int]) -> tuple[int, int, Any, Any] | None:
        """The first node behind the sources, in the order of the reverse sweep, whose local gradient is wrong.

        Every node is judged by quotients of its own, at the float64 values of its operands.

        Returns:
            Node, operand number, local gradient and truth; None where all are right.
        """
        F, _ = self.precise
        mp: Any = F.mp
        values, active = self.result.values, self.result.active
        behind = self.graph.dependents(sources)
        for i in range(self.result.output, -1, -1):
            if not behind[i] or i not in self.relevant or not self.graph.operands[i]:
                continue
            operation, operands = self.graph.operations[i], self.graph.operands[i]
            kernel = F.kernels[operation.name]
            xs = [mp.mpf(values[j]) for j in operands]
            z = kernel(*xs)
            if not mp.isfinite(z):
                continue
            for k, j in enumerate(operands):
                if not behind[j] or not active[j] or not mp.isfinite(xs[k]):
                    continue
                local = mp.mpf(operation.local(self.result.system, k, values[i], [values[j] for j in operands]))
                if operation.held:
                    if local:
                        return i, k, local, mp.mpf(0)
                    continue
                speed = abs(xs[k]) or mp.mpf(1)

                def phi(t: Any, kernel: Any = kernel, xs: list[Any] = xs, k: int = k, speed: Any = speed) -> Any:
                    moved = list(xs)
                    moved[k] = xs[k] + t * speed
                    return kernel(*moved)

                noise = mp.ldexp(max(abs(z), mp.ldexp(1, -1100)), 16 - self.bits)
                sides = [one_sided(phi, z, side, noise, self.finer, mp) for side in (-1, 1)]
                limits = [side.limit / speed for side in sides if side.kind == "limit"]
                if any(side.kind in ("jump", "no limit", "vertical tangent") for side in sides) or not limits:
                    continue
                size = max(abs(x) for x in limits)
                slack = mp.mpf("1e-11") * max(size, min(abs(z) / speed, abs(z)))
                slack += mp.ldexp(1, -1021)  # where float64 underflows, no rule can help it
                slack += sum(side.error for side in sides if side.kind == "limit") / speed
                if not min(limits) - slack <= local <= max(limits) + slack:
                    return i, k, local, limits[-1]
        return None


def _relevant(result: Result) -> set[int]:
    """The nodes whose values make the output: not what stands in a branch that is not taken."""
    graph, values, F = result.program.graph, result.values, result.system
    found = {result.output}
    for i in range(result.output, -1, -1):
        if i not in found or graph.operations[i] in (INPUT, CONSTANT):
            continue
        operation, operands = graph.operations[i], graph.operands[i]
        shut = operation.structural and not operation.condition
        xs = [values[j] for j in operands]
        for k, j in enumerate(operands):
            taken = not shut or graph.operations[j].condition or operation.local(F, k, values[i], xs) != 0
            # A step's operand makes its value although its slope is 0; a branch not taken does not.
            if taken or len(operands) == 1:
                found.add(j)
    return found


def _weight(name: str) -> float:
    """Seconds for one operation at some 500 bits, roughly."""
    return 2.5e-6 if name in CHEAP else 5e-4 if name in DEAR else 4e-5


def _digits(found: Any, truth: Any, error: Any) -> float:
    """How many decimal digits two numbers share, at most 16."""
    gap = abs(truth - found)
    if gap <= error or gap == 0:
        return 16.0
    size = max(abs(truth), abs(found))
    ratio = float(gap / size)
    return max(0.0, min(16.0, -log10(ratio))) if ratio > 0 else 16.0


def _float(value: Any) -> float:
    return float(value)


def _side(side: Side) -> float | None:
    """A one-sided derivative as JSON shows it."""
    if side.kind == "limit" or side.kind == "vertical tangent":
        return float(side.limit)
    return None
