"""The judge: is this the gradient of that program?

The program's own *forward* pass is evaluated a second time, in mpmath with some 500 bits, a little to the left and a
little to the right of the point. No derivative rule takes part, so a wrong rule cannot vouch for itself; and with so
many bits neither cancellation nor scale can mislead the quotients, as they mislead every checker that works in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import accumulate, chain
from math import inf, isfinite, isinf, log2, log10
from typing import TYPE_CHECKING, Any

from ..conventions import SMALLEST, kink_of, underflow
from ..graph import CONSTANT
from ..kernels.precise import precise
from ..operations.maps import LinearMap, Reduced
from ..shapes import place_text, size, unravel
from ..sweeps import forward, reverse
from ..text import expression_of, ids
from ..values import Value, entries, finite, is_tensor
from .effort import seconds
from .faults import Fault, Faults, precise_trial, some
from .paths import DIRECTIONS, Path, pairs, paths_of, random_paths
from .quotients import BITS, Side, agree, one_sided
from .relevant import relevant
from .rerun import between, rerun
from .shake import digits_trusted
from .verdict import Check, Component

if TYPE_CHECKING:
    from ..api import Result

ENOUGH = 9
"""Digits from which on a derivative agrees, if no node is found wrong."""

PLENTY = 12
"""Digits from which on nodes are not looked at one by one: a rule that is wrong by 1e-8 shows in the ninth digit."""

Progress = Callable[[int, int], None]


def judge(result: Result, seconds: float = 2.0, progress: Progress | None = None) -> Check:
    """Judge every component of a gradient, or random directions where that would take longer than `seconds`.

    Args:
        result: what `evaluate` returned.
        seconds: the budget; the time is estimated from the graph, so that the same program always gets the same check.
        progress: called with the components done and their number.
    """
    with result.system.quiet():
        return Judge(result).judge(seconds, progress)


class Judge:
    """What judges one result; `judge` is the way in, and `steps` asks about one path."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.graph = result.program.graph
        self.evaluations = 0
        self.tensors = self.graph.tensors
        self.relevant = relevant(result)
        self.reached = self.graph.needed([result.output])
        _, self.largest = _extremes(self.relevant.values())
        smallest, _ = _extremes(result.values[i] for i in self.graph.inputs.values())
        flattest, _ = _extremes(result.gradient.values())
        _, steepest = _extremes(g * result.values[self.graph.inputs[name]] for name, g in result.gradient.items())
        self.finer = int(log2(max(self.largest, steepest, 1.0)))
        # A difference must show beside the largest number, at the smallest step, for the flattest slope.
        self.bits = BITS + 2 * self.finer + int(-log2(min(smallest, 1.0)) - log2(min(flattest, 1.0)))

    def name(self, i: int) -> str:
        return ids(self.graph)[i]

    @cached_property
    def precise(self) -> tuple[Any, list[Any]]:
        """The number system and the program's values in it."""
        system = self._system()
        self.bits = system.mp.prec
        self.evaluations += 1
        at = {name: system.constant(self.result.values[i]) for name, i in self.graph.inputs.items()}
        return system, forward(system, self.graph, at)

    def _system(self) -> Any:
        if not self.tensors:
            return precise(self.bits, self.result.ties)
        from ..kernels.exact import exact

        return exact(self.bits, self.result.ties)

    @cached_property
    def faults(self) -> Faults:
        """The search for wrong rules."""
        return Faults(self.result, self.relevant, precise_trial(self.precise[0], self.finer))

    @cached_property
    def digits_trusted(self) -> dict[str, float]:
        """How many digits rounding leaves of the gradient by each input."""
        return digits_trusted(self.result)

    def judge(self, seconds: float, progress: Progress | None) -> Check:
        result, graph = self.result, self.graph
        bad = self.not_finite()
        if bad is not None:
            return self._all_alike("undefined", bad[1], self.name(bad[0]))
        count = sum(size(graph.shape(graph.inputs[name])) for name in result.wrt)
        paths: Iterable[Path] = chain.from_iterable(paths_of(result, name) for name in result.wrt)
        method = "quotients"
        whole = self.seconds(i for i, reached in enumerate(self.reached) if reached)
        if whole * count > seconds and any(total > seconds for total in accumulate(map(self._seconds_of, result.wrt))):
            if whole > seconds:
                from .ladder import ladder

                return ladder(result, random_paths(result), self.relevant, progress)
            method, count, paths = "directions", DIRECTIONS, random_paths(result)
        components = []
        for done, path in enumerate(paths, 1):
            components.append(self.component(path))
            if progress is not None:
                progress(done, count)
        digits, remark = self._value()
        return Check(components, method, self.evaluations, self.bits, digits, remark)

    def _value(self) -> tuple[float | None, str]:
        """How many digits of the value are right, and what is to be said of them."""
        exact = self.precise[1][self.result.output]
        found = list(zip(entries(self.result.value), exact.ravel() if is_tensor(exact) else [exact], strict=True))
        lost = [true != 0 and x == 0 == float(true) for x, true in found]
        digits = [16.0 if gone else _digits(x, true, 0) for gone, (x, true) in zip(lost, found, strict=True)]
        least = min(digits, default=None)
        if least is not None and least < ENOUGH:
            return least, f"of the value itself {int(least)} digits are right"
        what = "entries of the value underflow" if is_tensor(exact) else "the value underflows"
        return least, f"{what} to 0" if any(lost) else ""

    def not_finite(self) -> tuple[int, str] | None:
        """The first node that makes the output and is not finite, and what it is, in words."""
        for i in sorted(self.relevant):
            if not finite(self.relevant[i]):
                found = next(x for x in entries(self.relevant[i]) if not isfinite(x))
                return i, f"{expression_of(self.graph, i)} is {found!r}"
        return None

    def _seconds_of(self, name: str) -> float:
        """How long the paths of an input take, by estimate."""
        i = self.graph.inputs[name]
        return size(self.graph.shape(i)) * self.seconds(self.order(Path(name, {i: 1.0}, 1.0)))

    def _all_alike(self, verdict: str, reason: str, node: str | None = None) -> Check:
        """The check where nothing was evaluated."""
        components = [
            Component(place_text(name, unravel(k, shape)), verdict, None, g, node=node, reason=reason)
            for name, gradient in self.result.gradient.items()
            for shape in (getattr(gradient, "shape", ()),)
            for k, g in enumerate(entries(gradient))
        ]
        return Check(components, "quotients", 0, self.bits, None)

    def seconds(self, nodes: Iterable[int]) -> float:
        """How long the quotients of a path over these nodes take, by estimate."""
        return seconds(self.graph, nodes, self.bits)

    def order(self, path: Path) -> list[int]:
        """The nodes between the path's inputs and the output, in order of evaluation."""
        return between(self.graph, list(path.velocity), self.reached)

    def along(self, path: Path, gradient: Callable[[int], Any]) -> Any:
        """The gradient's component, or its product with the direction."""
        mp = self.precise[0].mp
        products = (mp.mpf(g) * v for i, velocity in path.velocity.items() for g, v in pairs(gradient(i), velocity))
        return sum(products, mp.mpf(0)) / path.scale

    def component(self, path: Path) -> Component:
        """The verdict on the derivative along one path."""
        order = self.order(path)
        analytic = self.along(path, lambda i: self.result.gradient[self.graph.names[i]])
        left, right = self._sides(path, order)
        found = Component(path.name, "agree", None, float(analytic), left=_side(left), right=_side(right))
        if not isfinite(found.analytic) and "vertical tangent" not in (left.kind, right.kind):
            word = "NaN" if found.analytic != found.analytic else "infinite"
            limit = f"; the derivative is {float(right.limit):.6g}" if agree(left, right) else ""
            return found._replace(verdict="undefined", reason=f"the gradient is {word}{limit}")
        if not agree(left, right):
            return self._not_differentiable(found, path, left, right, order)
        truth, error = (right if right.error <= left.error else left).limit, left.error + right.error
        digits = _digits(analytic, truth, error)
        found = found._replace(digits=digits, numeric=float(truth), left=None, right=None)
        if digits >= PLENTY:
            return found
        fault = self._first_fault(path)
        if fault is not None:
            return self._disagree(found, fault)
        if digits >= ENOUGH:
            return found
        place = self._first_convention(order)
        if place is not None:
            text = expression_of(self.graph, place)
            reason = f"the derivative is {found.numeric:.6g}, but the convention at {text} gives {found.analytic:.6g}"
            return found._replace(verdict="tie-mismatch", node=self.name(place), reason=reason)
        return self._ill_conditioned(found, path, order, truth, error)

    def _ill_conditioned(self, found: Component, path: Path, order: list[int], truth: Any, error: Any) -> Component:
        """The verdict where every rule is right and digits are missing: float64 lost them, or the sweep is wrong."""
        result, (F, base) = self.result, self.precise
        upstream = reverse(F, self.graph, base, result.output, F.constant(result.seed), result.active)
        exact = self.along(path, lambda i: 0 if upstream[i] is None else upstream[i])
        off = f"the derivative is {found.numeric:.6g}; every node's own rule is right"
        if _digits(exact, truth, error) < PLENTY:
            return found._replace(verdict="disagree", reason=off)
        digits = found.digits or 0.0
        lost = found._replace(
            verdict="agree-ill-conditioned",
            reason=f"the rules are right, and float64 keeps {digits:.0f} digits of this derivative",
        )
        place, cause = self._overflowing(order), "overflow"
        if place is None:
            if digits >= self.trusted(path.name) - 3 or self.trusted(path.name) < 6:
                return lost
            place, cause = self._underflowing(order), "underflow"
        if place is not None:
            reason = f"the rules are right, but {expression_of(self.graph, place)} or its slope {cause}s in float64"
            return lost._replace(node=self.name(place), reason=reason, cause=cause)
        if abs(truth) < SMALLEST and abs(found.analytic) < SMALLEST:
            return lost._replace(reason="the rules are right, but the derivative itself underflows in float64")
        return found._replace(verdict="disagree", reason=f"{off}, and rounding does not explain the difference")

    def _overflowing(self, order: list[int]) -> int | None:
        """The first node that makes the output and has a local gradient that is infinite in float64."""
        edges = self.result.edges
        return next((i for i in order if i in self.relevant and any(_overflows(edge.local) for edge in edges[i])), None)

    def _underflowing(self, order: list[int]) -> int | None:
        """The first node whose value, or else the last whose local gradient, is too small for float64."""
        base = self.precise[1]
        place = next((i for i in order if _vanishes(base[i])), None)
        return underflow(self.result, reversed(order)) if place is None and not self.tensors else place

    def trusted(self, name: str) -> float:
        """How many digits rounding leaves of a component, or at least of any along a direction."""
        trusted = self.digits_trusted
        return trusted.get(name.partition("[")[0], min(trusted.values()))

    def _sides(self, path: Path, order: list[int]) -> tuple[Side, Side]:
        """The derivatives of both sides along the path."""
        F, base = self.precise
        mp: Any = F.mp
        speeds = {i: F.constant(v) for i, v in path.velocity.items()}
        again = rerun(F, self.graph, base, order, self.result.output, self.seed)

        def phi(t: Any) -> Any:
            self.evaluations += 1
            return again({i: base[i] + t * speed for i, speed in speeds.items()})

        start = again({})
        sides = [one_sided(phi, start, side, self.noise, self.finer, mp) for side in (-1, 1)]
        left, right = (Side(s.kind, s.limit / path.scale, abs(s.error / path.scale)) for s in sides)
        return left, right

    @property
    def seed(self) -> Any:
        """The upstream gradient of the output at high precision."""
        return self.precise[0].constant(self.result.seed)

    @property
    def noise(self) -> Any:
        """The rounding error of the output at high precision."""
        mp: Any = self.precise[0].mp
        seed = max(map(abs, entries(self.result.seed)), default=0.0)
        return mp.ldexp(max(mp.mpf(self.largest), mp.mpf(1)) * max(seed, 1.0), 16 - self.bits)

    def _first_fault(self, path: Path) -> Fault | None:
        """The first wrong rule behind the path's inputs."""
        return self.faults.first(self.graph.dependents(list(path.velocity)))

    def _disagree(self, component: Component, fault: Fault) -> Component:
        truly = "" if component.numeric is None else f"the derivative is {component.numeric:.6g}; "
        reason = truly + fault.told(self.graph)
        return component._replace(verdict="disagree", node=self.name(fault.node), reason=reason)

    def _not_differentiable(self, found: Component, path: Path, left: Side, right: Side, order: list[int]) -> Component:
        """The verdict where the two sides have no common derivative."""
        fault = self._first_fault(path)
        if fault is not None:
            return self._disagree(found._replace(numeric=_side(right if right.kind == "limit" else left)), fault)
        place = self._first_convention(order)
        where = "" if place is None else f" at {expression_of(self.graph, place)}"
        kinds = (left.kind, right.kind)
        if kinds == ("limit", "limit"):
            reason = f"kink{where}: {float(left.limit):.6g} on the left, {float(right.limit):.6g} on the right"
        elif "jump" in kinds:
            reason = f"jump{where}"
        elif "domain edge" in kinds:
            which, other = ("right", left) if right.kind == "domain edge" else ("left", right)
            beside = "" if _side(other) is None else f", {_side(other):.6g} on the other side"
            reason = f"domain edge{where} on the {which}{beside}"
        elif "vertical tangent" in kinds:
            reason = f"vertical tangent{where}"
        else:
            return found._replace(verdict="inconclusive", reason="the quotients have no limit")
        node = None if place is None else self.name(place)
        return found._replace(verdict="not-differentiable", node=node, reason=reason)

    def _first_convention(self, order: list[int]) -> int | None:
        """The first node where the sweep followed a convention: a kink, a tie, a branch that exact numbers leave."""
        F, base = self.precise
        values = self.result.values
        for i in order:
            if i not in self.relevant:
                continue
            operation, operands = self.graph.operations[i], self.graph.operands[i]
            xs = [values[j] for j in operands]
            if some(kink_of(self.result, i)):
                return i
            if operation.structural or operation.kink is not None:
                exact = [base[j] for j in operands]
                for k, j in enumerate(operands):
                    if self.graph.operations[j] is CONSTANT:
                        continue
                    there = _numbers(operation.local(F, k, base[i], exact))
                    here = _numbers(operation.local(self.result.system, k, values[i], xs))
                    if there is not None and some(abs(there - here) > abs(here) / 2 + 1e-9):
                        return i
        return None


def _extremes(values: Iterable[Value]) -> tuple[float, float]:
    """The smallest magnitude that is not 0, and the largest; of what is finite, and 1 where nothing is."""
    smallest, largest = inf, 0.0
    for value in values:
        if is_tensor(value):
            import numpy as np

            sizes = np.abs(value[np.isfinite(value) & (value != 0)])
            if sizes.size:
                smallest, largest = min(smallest, float(sizes.min())), max(largest, float(sizes.max()))
        elif value and isfinite(value):
            smallest, largest = min(smallest, abs(value)), max(largest, abs(value))
    return (smallest if smallest < inf else 1.0), largest


def _vanishes(value: Any) -> bool:
    """Whether an entry is no zero, but too small for float64's full digits."""
    return any(0 < abs(x) < SMALLEST for x in (value.ravel() if is_tensor(value) else (value,)))


def _overflows(local: Any) -> bool:
    """Whether a local gradient is infinite somewhere."""
    numbers = _numbers(local)
    return numbers is not None and any(map(isinf, entries(numbers)))


def _numbers(local: Any) -> Any:
    """The numbers of a local gradient, or None where it has none."""
    return local.partials if isinstance(local, Reduced) else None if isinstance(local, LinearMap) else local


def _digits(found: Any, truth: Any, error: Any) -> float:
    """How many decimal digits two numbers share, at most 16."""
    gap = abs(truth - found)
    if gap != gap:
        return 0.0
    if gap <= error or gap == 0:
        return 16.0
    size = max(abs(truth), abs(found))
    ratio = float(gap / size)
    return max(0.0, min(16.0, -log10(ratio))) if ratio > 0 else 16.0


def _side(side: Side) -> float | None:
    """A one-sided derivative as JSON shows it."""
    if side.kind in ("limit", "vertical tangent"):
        return float(side.limit)
    return None
