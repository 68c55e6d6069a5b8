"""The judge: is this the gradient of that program?

The program's own *forward* pass is evaluated a second time, in mpmath with some 500 bits, a little to the left and a
little to the right of the point. No derivative rule takes part, so a wrong rule cannot vouch for itself; and with so
many bits neither cancellation nor scale can mislead the quotients, as they mislead every checker that works in float64.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, chain
from math import isfinite, isinf, log2, log10
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from ..conventions import SMALLEST, underflow
from ..graph import CONSTANT, INPUT
from ..kernels.precise import precise
from ..operations.maps import LinearMap, Reduced
from ..shapes import Shape, place_text, size, unravel
from ..sweeps import forward, reverse
from ..text import expression_of, ids
from ..values import Value, entries, finite, is_tensor
from .directions import random_velocity
from .quotients import BITS, Side, agree, one_sided
from .rerun import between, rerun
from .shake import digits_trusted
from .verdict import Check, Component

if TYPE_CHECKING:
    from ..api import Result

ENOUGH = 9
"""Digits from which on a derivative agrees, if no node is found wrong."""

PLENTY = 12
"""Digits from which on nodes are not looked at one by one: a rule that is wrong by 1e-8 shows in the ninth digit."""

LARGEST = sys.float_info.max

DIRECTIONS = 3
EVALUATIONS = 6  # of the program for one path: three steps on each side
CHEAP = frozenset(
    (
        "add", "sub", "mul", "div", "neg", "abs", "square", "max", "min", "where", "sign", "step", "relu", "sum",
        "mean", "prod", "amax", "amin", "var", "norm1", "cumsum", "matmul", "dot", "outer", "transpose", "reshape",
        "full", "concat", "stack", "index", "scatter", "take", "put", "diag", "trace", "mse", "sqloss", "l1", "l2",
        "hinge", "nll", "inv", "solve", "det",
    )
)  # fmt: skip
DEAR = frozenset(("gamma", "lgamma", "digamma", "polygamma"))

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


class Path(NamedTuple):
    """A way through the inputs: one of them alone, or all in a direction.

    Attributes:
        name: the input or one entry of it, or ``direction 1`` and so on.
        velocity: how fast each input moves, by node, in its shape; an entry alone as fast as it is large.
        scale: by what the derivative along the path is divided: an entry's velocity, 1 for a direction.
    """

    name: str
    velocity: dict[int, Value]
    scale: float


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
        self._trusted: dict[str, float] | None = None
        self._faults: dict[tuple[int, int], tuple[Any, Any] | None] = {}
        self._precise: tuple[Any, list[Any]] | None = None

    def name(self, i: int) -> str:
        return ids(self.graph)[i]

    @property
    def precise(self) -> tuple[Any, list[Any]]:
        """The number system and the program's values in it."""
        if self._precise is None:
            system = self._system()
            self.bits = system.mp.prec
            at = {name: system.constant(self.result.values[i]) for name, i in self.graph.inputs.items()}
            self._precise = system, forward(system, self.graph, at)
            self.evaluations += 1
        return self._precise

    def _system(self) -> Any:
        if not self.tensors:
            return precise(self.bits, self.result.ties)
        from ..kernels.exact import exact

        return exact(self.bits, self.result.ties)

    def judge(self, seconds: float, progress: Progress | None) -> Check:
        result, graph = self.result, self.graph
        bad = self.not_finite()
        if bad is not None:
            return self._all_alike("undefined", bad[1], self.name(bad[0]))
        count = sum(size(graph.shape(graph.inputs[name])) for name in result.wrt)
        paths: Iterable[Path] = chain.from_iterable(map(self.paths, result.wrt))
        method = "quotients"
        whole = self.seconds(i for i, reached in enumerate(self.reached) if reached)
        if whole * count > seconds and any(total > seconds for total in accumulate(map(self._seconds_of, result.wrt))):
            if whole > seconds:
                from .ladder import ladder

                return ladder(result, self._directions(), self.relevant, progress)
            method, count, paths = "directions", DIRECTIONS, self._directions()
        components = []
        for done, path in enumerate(paths, 1):
            components.append(self.component(path))
            if progress is not None:
                progress(done, count)
        exact = self.precise[1][result.output]
        pairs = list(zip(entries(result.value), exact.ravel() if is_tensor(exact) else [exact], strict=True))
        lost = [true != 0 and x == 0 == float(true) for x, true in pairs]
        digits = [16.0 if gone else _digits(x, true, 0) for gone, (x, true) in zip(lost, pairs, strict=True)]
        value_digits = min(digits, default=None)
        remark = ""
        if value_digits is not None and value_digits < ENOUGH:
            remark = f"of the value itself {int(value_digits)} digits are right"
        elif any(lost):
            remark = "entries of the value underflow to 0" if is_tensor(exact) else "the value underflows to 0"
        return Check(components, method, self.evaluations, self.bits, value_digits, remark)

    def not_finite(self) -> tuple[int, str] | None:
        """The first node that makes the output and is not finite, and what it is, in words."""
        for i in sorted(self.relevant):
            if not finite(self.relevant[i]):
                found = next(x for x in entries(self.relevant[i]) if not isfinite(x))
                return i, f"{expression_of(self.graph, i)} is {found!r}"
        return None

    def paths(self, name: str) -> Iterator[Path]:
        """The paths of an input: one per entry."""
        shape = self.graph.shape(self.graph.inputs[name])
        return (self.path(name, unravel(k, shape)) for k in range(size(shape)))

    def path(self, name: str, place: tuple[int, ...] = ()) -> Path:
        """The path of one entry of an input."""
        i = self.graph.inputs[name]
        x = self.result.values[i]
        speed = abs(float(x[place] if place else x)) or 1.0
        if not place:
            return Path(name, {i: speed}, speed)
        import numpy as np

        velocity = np.zeros(x.shape)
        velocity[place] = speed
        return Path(place_text(name, place), {i: velocity}, speed)

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
        graph = self.graph
        if not self.tensors:
            return EVALUATIONS * sum(_weight(graph.operations[i].name, self.bits) for i in nodes)
        return EVALUATIONS * sum(_entries_of(graph, i) * _weight(graph.operations[i].name, self.bits) for i in nodes)

    def order(self, path: Path) -> list[int]:
        """The nodes between the path's inputs and the output, in order of evaluation."""
        return between(self.graph, list(path.velocity), self.reached)

    def _directions(self) -> list[Path]:
        """Seeded random directions along all inputs at once."""
        random = Random(0)
        inputs = [self.graph.inputs[name] for name in self.result.wrt]
        if self.tensors:  # what is only a place or class is data
            inputs = [i for i in inputs if self.graph.dependents([i], held=False)[self.result.output]]
        return [
            Path(f"direction {k}", {i: random_velocity(self.result.values[i], random) for i in inputs}, 1.0)
            for k in range(1, DIRECTIONS + 1)
        ]

    def along(self, path: Path, gradient: Callable[[int], Any]) -> Any:
        """The gradient's component, or its product with the direction."""
        mp = self.precise[0].mp
        pairs = chain.from_iterable(_pairs(gradient(i), v) for i, v in path.velocity.items())
        return sum((mp.mpf(g) * v for g, v in pairs), mp.mpf(0)) / path.scale

    def component(self, path: Path) -> Component:
        """The verdict on the derivative along one path."""
        result, order = self.result, self.order(path)
        F, base = self.precise
        analytic = self.along(path, lambda i: result.gradient[self.graph.names[i]])
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
        wrong = self._first_wrong_node(path)
        if wrong is not None:
            return self._disagree(found, wrong)
        if digits >= ENOUGH:
            return found
        place = self._first_convention(order)
        if place is not None:
            text = expression_of(self.graph, place)
            return found._replace(
                verdict="tie-mismatch",
                node=self.name(place),
                reason=f"the derivative is {float(truth):.6g}, but the convention at {text} gives {found.analytic:.6g}",
            )
        upstream = reverse(F, self.graph, base, result.output, F.constant(result.seed), result.active)
        exact = self.along(path, lambda i: 0 if upstream[i] is None else upstream[i])
        off = f"the derivative is {float(truth):.6g}; every node's own rule is right"
        if _digits(exact, truth, error) < PLENTY:
            return found._replace(verdict="disagree", reason=off)
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
        if abs(truth) < SMALLEST and abs(analytic) < SMALLEST:
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
        if self._trusted is None:
            self._trusted = digits_trusted(self.result)
        return self._trusted.get(name.partition("[")[0], min(self._trusted.values()))

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

    def _disagree(self, component: Component, wrong: tuple[int, int, Any, Any]) -> Component:
        i, k, local, truth = wrong
        operand = self.graph.operands[i][k]
        along = " along a random direction" if self.tensors else ""
        truly = "" if component.numeric is None else f"the derivative is {component.numeric:.6g}; "
        return component._replace(
            verdict="disagree",
            node=self.name(i),
            reason=f"{truly}the rule of `{self.graph.operations[i].name}` is wrong at"
            f" {expression_of(self.graph, i)}: local {float(local):.6g} to {expression_of(self.graph, operand)}"
            f"{along}, where it is {float(truth):.6g}",
        )

    def _not_differentiable(self, found: Component, path: Path, left: Side, right: Side, order: list[int]) -> Component:
        """The verdict where the two sides have no common derivative."""
        wrong = self._first_wrong_node(path)
        if wrong is not None:
            return self._disagree(found._replace(numeric=_side(right if right.kind == "limit" else left)), wrong)
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
            if operation.kink is not None and _some(operation.kink(self.result.system, values[i], *xs)):
                return i
            if operation.structural or operation.kink is not None:
                exact = [base[j] for j in operands]
                for k, j in enumerate(operands):
                    if self.graph.operations[j] is CONSTANT:
                        continue
                    there = _numbers(operation.local(F, k, base[i], exact))
                    here = _numbers(operation.local(self.result.system, k, values[i], xs))
                    if there is not None and _some(abs(there - here) > abs(here) / 2 + 1e-9):
                        return i
        return None

    def _first_wrong_node(self, path: Path) -> tuple[int, int, Any, Any] | None:
        """The first node behind the path's inputs, in the order of the reverse sweep, whose local gradient is wrong.

        Returns:
            Node, operand number, local gradient and truth; None where all are right.
        """
        behind = self.graph.dependents(list(path.velocity))
        for i in range(self.result.output, -1, -1):
            if behind[i] and i in self.relevant:
                for k, j in enumerate(self.graph.operands[i]):
                    if behind[j] and self.result.active[j] and j in self.graph.moving(i):
                        if (i, k) not in self._faults:
                            self._faults[i, k] = self._fault(i, k)
                        fault = self._faults[i, k]
                        if fault is not None:
                            return i, k, *fault
        return None

    def _fault(self, i: int, k: int) -> tuple[Any, Any] | None:
        """Local gradient and truth of a node's operand, if they differ: by quotients of the node alone."""
        F, _ = self.precise
        mp: Any = F.mp
        values = self.result.values
        operation, operands = self.graph.operations[i], self.graph.operands[i]
        kernel = F.kernels[operation.key]
        if self.tensors:
            return self._tensor_fault(i, k)
        xs = [mp.mpf(values[j]) for j in operands]
        z = kernel(*xs)
        if not (mp.isfinite(z) and mp.isfinite(xs[k])):
            return None
        local = mp.mpf(operation.local(self.result.system, k, values[i], [values[j] for j in operands]))
        if operation.held:
            return (local, mp.mpf(0)) if local else None
        speed = abs(xs[k]) or mp.mpf(1)

        def phi(t: Any) -> Any:
            moved = list(xs)
            moved[k] = xs[k] + t * speed
            return kernel(*moved)

        noise = mp.ldexp(max(abs(z), mp.ldexp(1, -1100)), 16 - self.bits)
        sides = [one_sided(phi, z, side, noise, self.finer, mp) for side in (-1, 1)]
        return _apart(local, sides, speed, min(abs(z) / speed, abs(z)), mp)

    def _tensor_fault(self, i: int, k: int) -> tuple[Any, Any] | None:
        """The same for tensors: along a random tangent of the operand, weighted by a random upstream gradient."""
        F, _ = self.precise
        mp: Any = F.mp
        values, system = self.result.values, self.result.system
        operation, operands = self.graph.operations[i], self.graph.operands[i]
        z, x = values[i], values[operands[k]]
        if not all(finite(values[j]) for j in (i, *operands)):
            return None
        kink = operation.kink
        if kink is not None and _some(kink(system, z, *[values[j] for j in operands])):
            return None  # along a random tangent several kinks add up; the convention is told elsewhere
        random = Random(0)
        weights, velocity = random_velocity(z, random, 1.0), random_velocity(x, random)
        with system.quiet():
            local = operation.local(system, k, z, [values[j] for j in operands])
            down = system.downstream(local, weights, z, x, operation.structural)
        products = [mp.mpf(g) * v for g, v in _pairs(down, velocity)]
        found = mp.fsum(products)
        if operation.held:
            return (found, mp.mpf(0)) if found else None
        kernel = F.kernels[operation.key]
        xs = [F.constant(values[j]) for j in operands]
        weight, speed = F.constant(weights), F.constant(velocity)

        def phi(t: Any) -> Any:
            moved = list(xs)
            moved[k] = xs[k] + t * speed
            return F.sum(weight * kernel(*moved))

        start = phi(mp.mpf(0))
        terms = mp.fsum(abs(u) * abs(e) for u, e in _pairs(weights, z))
        noise = mp.ldexp(max(terms, mp.ldexp(1, -1100)), 16 - self.bits)
        sides = [one_sided(phi, start, side, noise, self.finer, mp) for side in (-1, 1)]
        apart = _apart(found, sides, mp.mpf(1), mp.fsum(map(abs, products)), mp)
        if apart is None:
            return None
        exact = F.downstream(operation.local(F, k, kernel(*xs), xs), weight, kernel(*xs), xs[k], operation.structural)
        again = mp.fsum(g * v for g, v in _pairs(exact, velocity))
        # A rule that is right with enough digits is no fault, however many it loses in float64.
        return None if _apart(again, sides, mp.mpf(1), mp.mpf(0), mp) is None else apart


def _apart(local: Any, sides: list[Side], speed: Any, size_of_terms: Any, mp: Any) -> tuple[Any, Any] | None:
    """The local gradient and the truth, if they differ by more than rounding; None where there is no truth."""
    limits = [side.limit / speed for side in sides if side.kind == "limit"]
    if any(side.kind in ("jump", "no limit", "vertical tangent") for side in sides) or not limits:
        return None
    largest = max(abs(x) for x in limits)
    if largest > LARGEST and not mp.isfinite(local):
        return None  # where float64 overflows, no rule can help it
    slack = mp.mpf("1e-11") * max(largest, size_of_terms)
    slack += mp.ldexp(1, -1021)  # where float64 underflows, no rule can help it
    slack += sum(side.error for side in sides if side.kind == "limit") / speed
    return None if min(limits) - slack <= local <= max(limits) + slack else (local, limits[-1])


def relevant(result: Result) -> dict[int, Value]:
    """The values that make the output, by node: not what stands in a branch that is not taken.

    Of a tensor of which only some entries count, the others are 0 here.
    """
    if result.program.graph.tensors:
        return _relevant_entries(result)
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
    return {i: values[i] for i in found}


def _relevant_entries(result: Result) -> dict[int, Value]:
    import numpy as np

    graph, values = result.program.graph, result.values
    F: Any = result.system
    masks: dict[int, Any] = {result.output: np.ones(np.shape(result.value), dtype=bool)}
    with F.quiet():
        for i in range(result.output, -1, -1):
            if i not in masks or not graph.operands[i]:
                continue
            operation, operands = graph.operations[i], graph.operands[i]
            xs = [values[j] for j in operands]
            for k, j in enumerate(operands):
                shape = graph.shape(j)
                mask = np.ones(shape, dtype=bool)
                if operation.tensor:
                    if operation.pattern == "mover" or operation.name in ("index", "scatter"):
                        local = operation.local(F, k, values[i], xs)
                        mask = np.not_equal(F.downstream(local, masks[i].astype(np.float64), values[i], xs[k], True), 0)
                else:
                    taken = masks[i]
                    shut = operation.structural and not operation.condition and len(operands) > 1
                    if shut and not graph.operations[j].condition:
                        taken = taken & np.not_equal(operation.local(F, k, values[i], xs), 0)
                    mask = np.not_equal(F.sum_to(taken.astype(np.float64), shape), 0)
                masks[j] = masks[j] | mask if j in masks else mask
    return {i: np.where(mask, values[i], 0.0) if mask.shape else values[i] for i, mask in masks.items() if mask.any()}


def _extremes(values: Iterable[Value]) -> tuple[float, float]:
    """The smallest magnitude that is not 0, and the largest; of what is finite, and 1 where nothing is."""
    smallest, largest = math.inf, 0.0
    for value in values:
        if is_tensor(value):
            import numpy as np

            sizes = np.abs(value[np.isfinite(value) & (value != 0)])
            if sizes.size:
                smallest, largest = min(smallest, float(sizes.min())), max(largest, float(sizes.max()))
        elif value and isfinite(value):
            smallest, largest = min(smallest, abs(value)), max(largest, abs(value))
    return (smallest if smallest < math.inf else 1.0), largest


def _pairs(g: Any, v: Value) -> Iterator[tuple[Any, float]]:
    """The entries of a gradient beside those of a velocity, where that is not 0."""
    if not is_tensor(v):
        yield g.item() if hasattr(g, "item") else g, v
        return
    import numpy as np

    flat = np.broadcast_to(g, v.shape).ravel()
    speeds = v.ravel()
    for at in np.flatnonzero(speeds):
        yield flat[at], float(speeds[at])


def _entries_of(graph: Any, i: int) -> float:
    """How many numbers an operation on tensors reckons with."""
    shapes: list[Shape] = [graph.shape(j) for j in graph.operands[i]]
    own: Shape = graph.shape(i)
    name = graph.operations[i].name
    if name in ("matmul", "dot"):
        return float(max(size(own), 1) * shapes[0][-1])
    if name in ("inv", "det", "solve", "cofactor", "cofactor_change"):
        return float(shapes[0][0] ** {"cofactor": 5, "cofactor_change": 7}.get(name, 3))
    return float(max(map(size, [own, *shapes])))


def _vanishes(value: Any) -> bool:
    """Whether an entry is no zero, but too small for float64's full digits."""
    return any(0 < abs(x) < SMALLEST for x in (value.ravel() if is_tensor(value) else (value,)))


def _overflows(local: Any) -> bool:
    """Whether a local gradient is infinite somewhere."""
    numbers = _numbers(local)
    return numbers is not None and any(map(isinf, entries(numbers)))


def _some(truths: Any) -> bool:
    return bool(truths.any()) if is_tensor(truths) else bool(truths)


def _numbers(local: Any) -> Any:
    """The numbers of a local gradient, or None where it has none."""
    return local.partials if isinstance(local, Reduced) else None if isinstance(local, LinearMap) else local


def _weight(name: str, bits: int) -> float:
    """Seconds for one operation, roughly, as measured at 512 to 3,840 bits."""
    ratio = bits / BITS
    return 2.5e-6 * ratio if name in CHEAP else 1.5e-3 * ratio * ratio if name in DEAR else 4e-5 * math.pow(ratio, 1.5)


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
