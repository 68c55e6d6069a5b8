"""Difference quotients in float64 with shrinking steps, and what spoils them.

    quotient − derivative  =  truncation, as the step is no limit  +  rounding, as float64 is no real number

Both parts are known, not estimated: the same quotient of the same program at some 500 bits has the first alone. A
truncation error falls like c·hᵖ, and rounding errors of δ in every value grow like δ/h, so the best step is where the
sum is least (Press et al., Numerical Recipes, 5.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, localcontext
from math import inf, isfinite, isinf, log2
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import OptionError
from ..limits import LIMITS, Limits
from .effort import EVALUATIONS
from .judge import Judge
from .paths import Path, path_of
from .rerun import rerun
from .verdict import RIGHT

if TYPE_CHECKING:
    from ..api import Result

OUTSIDE, INFINITE, NO_STEP, NO_VALUE = "outside the domain", "infinite", "no step", "no value at the point"
NO_ERROR = frozenset((OUTSIDE, INFINITE, NO_VALUE))
NEAR = 60
"""The exponent of the step 2⁻ᵏ at which the order of a truncation error is read off, and of its double."""
LEAST = 1 / 16
"""An order that is less is none: the quotients do not close in on the derivative."""
LIMIT = 200
"""That of the step whose exact quotient counts as the derivative."""
UNKNOWN = frozenset(("kink", "tie", "jump", "vertical-tangent", "zero-times-infinity"))
"""Notes that leave a gradient in doubt where no judge was asked."""

Progress = Callable[[int, int], None]


class Method(NamedTuple):
    """A quotient: the difference of the output between two places, by their distance, both in steps from the point."""

    name: str
    formula: str
    start: int
    end: int


METHODS = {
    method.name: method
    for method in (
        Method("forward", "(f(x+h) - f(x))/h", 0, 1),
        Method("backward", "(f(x) - f(x-h))/h", -1, 0),
        Method("central", "(f(x+h) - f(x-h))/(2h)", -1, 1),
    )
}


class Quotient(NamedTuple):
    """One difference quotient.

    Attributes:
        h: the step asked for, which the quotient divides by.
        value: the quotient.
        error: its distance from the derivative; None where either does not exist.
        relative: the error by the derivative; None where that is 0.
        truncation: the error that the quotient has in exact numbers.
        rounding: what float64 adds to that, to either side.
        evaluations: of the program, up to this step.
        remark: why there is no error: ``outside the domain``, ``infinite``, ``no value at the point``; or ``no step``,
            where x ± h is x.
    """

    h: float
    value: float
    error: float | None
    relative: float | None
    truncation: float | None
    rounding: float | None
    evaluations: int
    remark: str


class Law(NamedTuple):
    """What theory says of a method at this point.

    Attributes:
        order: p, where the truncation error falls like c·hᵖ; None where it is 0, or falls in no such way.
        coefficient: c.
        h: the step at which truncation and rounding together are least; None where one of them is missing.
        error: their sum there.
    """

    order: float | None
    coefficient: float | None
    h: float | None
    error: float | None


class Series(NamedTuple):
    """The quotients of one method, as the step shrinks."""

    method: Method
    quotients: list[Quotient]
    law: Law | None

    @property
    def best(self) -> Quotient | None:
        """The quotient with the least error, the one with the largest step of several."""
        known = [q for q in self.quotients if q.error is not None]
        return min(known, key=lambda q: q.error, default=None)  # type: ignore[arg-type, return-value]


class Differences(NamedTuple):
    """Difference quotients by one entry of an input.

    Attributes:
        input: its name, such as ``x`` or ``W[0, 1]``.
        x: its value.
        value: the output times its upstream gradient.
        gradient: what the reverse sweep finds.
        derivative: the exact derivative as a float; None where there is none. Where the program is too large for exact
            numbers, the gradient stands in.
        error: how far the gradient is off; None where that is not known.
        verdict: the judge's on the gradient, ``unjudged`` where the program is too large.
        reason: the verdict in words, "" where it needs none.
        left, right: the one-sided derivatives where they differ.
        noise: the largest rounding error of a value of the output over the finer half of the steps.
        evaluations: of the program, by all methods together, up to each step.
        taken: the steps really taken, (x + h) - x in float64.
        series: the methods.
    """

    input: str
    x: float
    value: float
    gradient: float
    derivative: float | None
    error: float | None
    verdict: str
    reason: str
    left: float | None
    right: float | None
    noise: float | None
    evaluations: list[int]
    taken: list[float]
    series: list[Series]

    @property
    def sure(self) -> bool:
        """Whether the derivative exists and the gradient is that."""
        return isfinite(self.gradient) and self.verdict in (*RIGHT, "unjudged")


def shrinking(first: float = 1.0, last: float = 1e-14, factor: float = 10.0, limits: Limits = LIMITS) -> list[float]:
    """The steps from the first down to the last, each the one before by the factor: 1, 0.1, 0.01, …

    They are reckoned in decimals, so that the fourth of these is 0.001 and not 0.0010000000000000002.

    Raises:
        OptionError: they do not shrink, or are not positive; LimitError: they are more than a table has rows.
    """
    for name, x in (("--from", first), ("--to", last)):
        if not 0 < x < inf:
            raise OptionError(f"{name} is a positive step h, not {x!r}", hint="such as --from 1 --to 1e-14")
    if not 1 < factor < inf:
        raise OptionError(f"--factor is a number greater than 1, not {factor!r}", hint="such as 10, or 2")
    if first < last:
        raise OptionError(
            f"steps shrink, and --from {first:g} is smaller than --to {last:g}", hint="such as --from 1 --to 1e-14"
        )
    limits.hold("rows", int((log2(first) - log2(last)) / log2(factor) + 1e-9) + 1, "the steps make ")
    found = []
    with localcontext() as context:
        context.prec = 60
        h, end, ratio = Decimal(repr(first)), Decimal(repr(last)), Decimal(repr(factor))
        while h >= end * Decimal("0.999999999"):
            found.append(float(h))
            h /= ratio
    return found


def differences(
    result: Result,
    name: str,
    place: tuple[int, ...] = (),
    steps: Sequence[float] = (),
    methods: Sequence[str] = tuple(METHODS),
    seconds: float = 2.0,
    progress: Progress | None = None,
) -> Differences:
    """Quotients by one entry of an input, beside the exact derivative.

    Args:
        result: what `evaluate` returned, the input among its `wrt`.
        name: the input.
        place: the entry, where the input is a tensor.
        steps: the steps, positive and shrinking; 1, 0.1, … 1e-14 by default.
        methods: ``forward``, ``backward``, ``central``.
        seconds: how long exact numbers may take, by estimate.
        progress: called with the steps done and their number.
    """
    steps, chosen = steps or shrinking(), [METHODS[name] for name in methods]
    sides = sorted({side for method in chosen for side in (method.start, method.end)})
    judge = Judge(result)
    path = path_of(result, name, place)
    with result.system.quiet():
        rows = _values(judge, name, place, steps, sides, progress)
        x, gradient = _entry(result.values[judge.graph.inputs[name]], place), _entry(result.gradient[name], place)
        truth = _truth(judge, path, gradient, len(steps) * len(sides), seconds)
        curve = _Curve(judge, name, place, path.scale) if truth.exact else None
        noise = None if curve is None else _noise(curve, rows)
        return Differences(
            input=path.name,
            x=x,
            value=rows[0].values[0],
            gradient=gradient,
            derivative=truth.derivative,
            error=None if curve is None else curve.error(gradient),
            verdict=truth.verdict,
            reason=truth.reason,
            left=truth.left,
            right=truth.right,
            noise=noise,
            evaluations=[_cost(sides, k) for k in range(1, len(steps) + 1)],
            taken=[(x + h) - x for h in steps],
            series=[
                Series(
                    method,
                    [_quotient(method, row, _cost((method.start, method.end), k), truth.derivative, curve)
                     for k, row in enumerate(rows, 1)],
                    None if curve is None or noise is None else curve.law(method, noise),
                )
                for method in chosen
            ],
        )  # fmt: skip


class _Row(NamedTuple):
    """The values beside the point at one step.

    Attributes:
        h: the step.
        x: the point's entry.
        values: the output at x + side × h, by side; x itself is side 0.
    """

    h: float
    x: float
    values: dict[int, float]


class _Truth(NamedTuple):
    """What the judge says of the derivative, as in `Differences`.

    Attributes:
        exact: whether the derivative comes from exact numbers.
    """

    verdict: str
    reason: str
    derivative: float | None
    exact: bool = False
    left: float | None = None
    right: float | None = None


def _entry(value: Any, place: tuple[int, ...]) -> float:
    return float(value[place] if place else value)


def _cost(sides: Iterable[int], steps: int) -> int:
    """How many values so many steps take: one at the point itself serves them all."""
    return sum(steps if side else 1 for side in set(sides))


def _along(
    judge: Judge, F: Any, base: Sequence[Any], seed: Any, name: str, place: tuple[int, ...]
) -> Callable[[Any], Any]:
    """The output as a function of one entry of an input."""
    node = judge.graph.inputs[name]
    again = rerun(F, judge.graph, base, judge.order(path_of(judge.result, name, place)), judge.result.output, seed)
    if not place:
        return lambda x: again({node: x})

    def along(x: Any) -> Any:
        moved = base[node].copy()
        moved[place] = x
        return again({node: moved})

    return along


def _values(
    judge: Judge, name: str, place: tuple[int, ...], steps: Sequence[float], sides: list[int], progress: Progress | None
) -> list[_Row]:
    """The values in float64, step by step; that of the point is among them in any case."""
    result = judge.result
    x = _entry(result.values[judge.graph.inputs[name]], place)
    f = _along(judge, result.system, result.values, result.seed, name, place)
    start = float(f(x))
    rows = []
    for done, h in enumerate(steps, 1):
        rows.append(_Row(h, x, {0: start} | {side: float(f(x + side * h)) for side in sides if side}))
        if progress is not None:
            progress(done, len(steps))
    return rows


def _truth(judge: Judge, path: Path, gradient: float, values: int, seconds: float) -> _Truth:
    """The derivative, in exact numbers where so many values take no longer than that, by estimate."""
    bad = judge.not_finite()
    if bad is not None:
        return _Truth("undefined", bad[1], None)
    whole = judge.seconds(i for i, reached in enumerate(judge.reached) if reached) + judge.seconds(judge.order(path))
    if whole * (values / EVALUATIONS + 4) <= seconds:
        found = judge.component(path)
        exact = found.numeric is not None and isfinite(found.numeric)
        derivative = found.numeric if exact else None
        return _Truth(found.verdict, found.reason, derivative, exact, found.left, found.right)
    if not isfinite(gradient):
        return _Truth("undefined", f"the gradient is {gradient!r}", None)
    doubt = next((note for note in judge.result.notes if note.code in UNKNOWN), None)
    if doubt is not None:
        return _Truth("inconclusive", f"{doubt.message}; exact numbers would take too long", None)
    return _Truth("unjudged", "", gradient)


class _Curve:
    """The output as a function of one entry, in numbers of so many bits that its quotients count as exact.

    Attributes:
        slope: the derivative.
        unsure: how far that may be off.
        noise: the rounding error that is left in a value.
    """

    def __init__(self, judge: Judge, name: str, place: tuple[int, ...], scale: float) -> None:
        F, base = judge.precise
        self.mp: Any = F.mp
        self.f = _along(judge, F, base, judge.seed, name, place)
        x = base[judge.graph.inputs[name]]
        self.x = x[place] if place else x
        self.noise = judge.noise
        self.scale = self.mp.mpf(scale)
        self.unit = self.mp.ldexp(self.scale, -judge.finer)
        self.smallest = self.mp.ldexp(self.unit, -LIMIT)
        self.slope = self.quotient(METHODS["central"], self.smallest)
        twice = self.quotient(METHODS["central"], 2 * self.smallest)
        self.unsure = abs(twice - self.slope) + 4 * self.noise / self.smallest

    def quotient(self, method: Method, h: Any) -> Any:
        """The quotient without rounding errors; NaN outside the domain."""
        h = self.mp.mpf(h)
        return (self.f(self.x + method.end * h) - self.f(self.x + method.start * h)) / (h * (method.end - method.start))

    def error(self, quotient: Any) -> float | None:
        """The distance from the derivative."""
        gap = abs(quotient - self.slope)
        return 0.0 if gap <= self.unsure else _finite(gap)

    def law(self, method: Method, noise: float) -> Law:
        """Order and coefficient of the truncation error, from two steps that are nearly 0; and the best step.

        The first of them are as near as the largest number inside the program asks for; where the error cannot be told
        from 0 there, as when only the output is huge, the next are as near as x alone asks for.
        """
        mp = self.mp
        found = next(
            filter(None, (self._power(method, mp.ldexp(unit, -NEAR)) for unit in (self.unit, self.scale))), None
        )
        if found is None:
            return Law(None, None, None, None)
        order, coefficient = found
        if not noise:
            return Law(float(order), float(coefficient), None, None)
        rounding = 2 * mp.mpf(noise) / (method.end - method.start)
        h = (rounding / (order * coefficient)) ** (1 / (order + 1))
        least = coefficient * h**order + rounding / h
        return Law(float(order), float(coefficient), float(h), float(least))

    def _power(self, method: Method, near: Any) -> tuple[Any, Any] | None:
        """Order and coefficient of the truncation error; None where it is too small to be told from 0 so near."""
        one, two = (abs(self.quotient(method, h) - self.slope) for h in (near, 2 * near))
        if not one > self.unsure or not two > one:
            return None
        exact = self.mp.log(two / one) / self.mp.ln2
        order = self.mp.nint(exact) if abs(exact - self.mp.nint(exact)) < 1e-6 else exact
        return (order, one / near**order) if order > LEAST else None


def _noise(curve: _Curve, rows: list[_Row]) -> float | None:
    """The largest rounding error of a value over the finer half of the steps that are taken.

    It is that of the program, and of x + h.
    """
    taken = [row for row in rows if row.x - row.h < row.x < row.x + row.h] or rows
    found = [
        abs(curve.mp.mpf(value) - curve.f(curve.x + side * curve.mp.mpf(row.h)))
        for row in taken[len(taken) // 2 :]
        for side, value in row.values.items()
        if isfinite(value)
    ]
    return _finite(max((error for error in found if error == error), default=None))


def _quotient(method: Method, row: _Row, cost: int, derivative: float | None, curve: _Curve | None) -> Quotient:
    """One quotient in float64 and its errors."""
    h, x, values = row
    ends = [values[side] for side in (method.start, method.end)]
    distance = method.end - method.start
    places = [x + side * h for side in (method.start, method.end)]
    value = (ends[1] - ends[0]) / h / distance
    remark = ""
    if not isfinite(x) or (0 in (method.start, method.end) and not isfinite(values[0])):
        remark = NO_VALUE
    elif not all(map(isfinite, places)) or any(map(isinf, ends)) or isinf(value):
        remark = INFINITE
    elif value != value:
        remark = OUTSIDE
    elif places[0] == places[1]:
        remark = NO_STEP
    if remark in NO_ERROR or derivative is None:
        return Quotient(h, value, None, None, None, None, cost, remark)
    if curve is None:
        error = abs(value - derivative)
        return Quotient(h, value, error, error / abs(derivative) if derivative else None, None, None, cost, remark)
    exact = curve.quotient(method, h)
    known = curve.error(value)
    size = abs(float(curve.slope))
    relative = known / size if known is not None and size else None
    return Quotient(h, value, known, relative, curve.error(exact), _finite(abs(value - exact)), cost, remark)


def _finite(number: Any) -> float | None:
    """The number as a float, None where it is no finite one."""
    if number is None:
        return None
    found = float(number)
    return found if isfinite(found) else None
