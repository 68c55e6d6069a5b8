"""mpmath numbers: the second opinion behind every check."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from math import inf
from typing import Any

from mpmath.ctx_mp import MPContext

from .special import cotangent_polynomial
from .system import Kernel, NumberSystem

HUGE = 1 << 17  # a float64 is below 2¹⁰²⁴; beyond 2 to this power a number counts as infinite


@lru_cache(maxsize=64)
def precise(bits: int, ties: str = "split") -> Precise:
    """A system of at least so many bits; made once, since making one takes longer than a small check."""
    return Precise(-(-bits // 128) * 128, ties)


class Precise(NumberSystem):
    """Real numbers of `bits` binary digits, with float64's conventions where mathematics has no answer.

    What would be complex or undefined is NaN, so that a quotient can tell the edge of a domain. The context is its own:
    mpmath's global precision is left alone.
    """

    def __init__(self, bits: int, ties: str = "split") -> None:
        self.mp: Any = MPContext()  # type: ignore[no-untyped-call]
        mp = self.mp
        mp.prec = bits
        self.pi = +mp.pi
        self.nan = mp.nan
        self.inf = mp.inf
        self.zero, self.one = mp.mpf(0), mp.mpf(1)
        super().__init__(self._kernels(mp), ties)

    def constant(self, value: float) -> Any:
        return self.mp.mpf(value)

    def _kernels(self, mp: Any) -> dict[str, Kernel]:
        nan, zero, one = self.nan, self.zero, self.one

        def real(function: Callable[..., Any]) -> Kernel:
            def kernel(*operands: Any) -> Any:
                for x in operands:
                    if x != x:
                        return nan
                    if type(x) is float:  # a constant in a rule
                        return kernel(*map(mp.mpf, operands))
                    if x._mpf_[2] + x._mpf_[3] > HUGE:  # no function of 9^9^9^9 is ever tried
                        return nan
                try:
                    result = function(*operands)
                except (ValueError, ZeroDivisionError, OverflowError):
                    return nan
                return result if type(result) is mp.mpf else nan

            return kernel

        def truth(compare: Callable[[Any, Any], bool]) -> Kernel:
            return lambda x, y: one if compare(x, y) else zero

        def div(x: Any, y: Any) -> Any:
            return x / y if y else nan if x == 0 or x != x else self.inf * mp.sign(x)

        def exp(x: Any) -> Any:
            return mp.exp(x) if abs(x) < HUGE else self.inf if x > 0 else zero

        def power(x: Any, y: Any) -> Any:
            if y == 0:
                return one
            if x == 0:
                return zero if y > 0 else self.inf
            growth = y * mp.log(abs(x))
            if not abs(growth) < HUGE:
                return self.inf if growth > 0 else zero
            result = mp.power(x, y)
            return result if type(result) is mp.mpf else nan

        def cbrt(x: Any) -> Any:
            return mp.cbrt(x) if x >= 0 else -mp.cbrt(-x)

        # Near 0 mpmath's gamma first makes tables that take 1.4 s at 2,560 bits; far out, where Stirling's series
        # serves, none: 50 ms. The recurrence leads from there back to x.
        far = mp.prec if mp.prec > 1000 else 0

        def gamma(x: Any) -> Any:
            if not far or abs(x) > far:
                return mp.gamma(x)
            return mp.gamma(x + far) / mp.fprod(x + k for k in range(far))

        def lgamma(x: Any) -> Any:
            return mp.loggamma(x) if x > far else mp.log(abs(gamma(x)))

        def digamma(x: Any) -> Any:
            if not far or abs(x) > far:
                return mp.digamma(x)
            return mp.digamma(x + far) - mp.fsum(1 / (x + k) for k in range(far))

        def polygamma(n: Any, x: Any) -> Any:
            if not 0 <= n <= 100 or n != int(n):
                return nan
            if x <= 0 and x == mp.floor(x):
                return nan  # a pole, to which mpmath would walk up step by step
            order = int(n)
            if x > -10:
                return digamma(x) if order == 0 else mp.psi(order, x)
            # By reflection, as in `special`: mpmath would walk up from x step by step.
            mirrored = digamma(1 - x) if order == 0 else mp.psi(order, 1 - x)
            c, s = mp.cospi(x), mp.sinpi(x)
            if order == 0:
                return mirrored - self.pi * c / s
            p = mp.fsum(mp.mpf(a) * c**k for k, a in enumerate(cotangent_polynomial(order)))
            return (-1) ** order * mirrored - self.pi * (-self.pi) ** order * p / s ** (order + 1)

        def rounded(x: Any) -> Any:
            below = mp.floor(x)
            rest = x - below
            up = rest > 0.5 or (rest == 0.5 and below % 2 == 1)
            return below + 1 if up else below

        def chosen(better: Callable[[Any, Any], bool]) -> Kernel:
            def kernel(*operands: Any) -> Any:
                best = operands[0]
                for x in operands:
                    if better(x, best) or x != x:
                        best = x
                return best

            return kernel

        return {
            "add": operator.add,
            "sub": operator.sub,
            "mul": operator.mul,
            "div": div,
            "neg": operator.neg,
            "pow": real(power),
            "sqrt": real(mp.sqrt),
            "cbrt": real(cbrt),
            "hypot": real(mp.hypot),
            "abs": abs,
            "sign": real(mp.sign),
            "floor": real(mp.floor),
            "ceil": real(mp.ceil),
            "round": real(rounded),
            "exp": real(exp),
            "expm1": real(lambda x: mp.expm1(x) if x > -HUGE else -one),
            "log": real(mp.log),
            "log2": real(lambda x: mp.log(x) / mp.ln2),
            "log10": real(mp.log10),
            "log1p": real(mp.log1p),
            "erf": real(lambda x: mp.erf(x) if abs(x) < 1e5 else mp.sign(x)),
            "erfc": real(lambda x: mp.erfc(x) if abs(x) < 1e5 else one - mp.sign(x)),
            "gamma": real(gamma),
            "lgamma": real(lgamma),
            "digamma": real(lambda x: polygamma(zero, x)),
            "polygamma": real(polygamma),
            "sin": real(mp.sin),
            "cos": real(mp.cos),
            "tan": real(mp.tan),
            "asin": real(mp.asin),
            "acos": real(mp.acos),
            "atan": real(mp.atan),
            "atan2": real(mp.atan2),
            "sinh": real(mp.sinh),
            "cosh": real(mp.cosh),
            "tanh": real(mp.tanh),
            "asinh": real(mp.asinh),
            "acosh": real(mp.acosh),
            "atanh": real(mp.atanh),
            "step": real(lambda x: one if x > 0 else zero),
            "max": chosen(operator.gt),
            "min": chosen(operator.lt),
            "where": lambda condition, x, y: x if condition else y,
            "less": truth(operator.lt),
            "less_equal": truth(operator.le),
            "greater": truth(operator.gt),
            "greater_equal": truth(operator.ge),
            "equal": truth(operator.eq),
            "not_equal": truth(operator.ne),
            "logical_not": lambda x: zero if x else one,
            "logical_and": truth(lambda x, y: bool(x and y)),
            "logical_or": truth(lambda x, y: bool(x or y)),
        }

    def power_slope(self, x: Any, y: Any) -> Any:
        return self.zero if y == 0 else super().power_slope(x, y)

    def power_log(self, z: Any, x: Any, y: Any) -> Any:
        if x > 0:
            return super().power_log(z, x, y)
        return self.zero if x == 0 and y >= 0 else self.nan

    def share(self, k: int, z: Any, operands: tuple[Any, ...], ahead: str) -> Any:
        if z != z:
            return self.nan
        if operands[k] != z:
            return self.zero
        ties = [i for i, x in enumerate(operands) if x == z]
        if self.ties == "first":
            return self.one if ties[0] == k else self.zero
        return self.one / len(ties)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        if not moved:
            return self.zero
        if z != z:
            return self.nan
        if not local:
            return self.zero if structural or -inf < x < inf else self.nan
        return moved * local

    downstream = pushforward = product  # type: ignore[assignment]
