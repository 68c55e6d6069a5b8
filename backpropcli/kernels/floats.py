"""Python floats, as IEEE 754 wants them: 1/0 is inf, log(-1) is NaN, exp(1000) is inf, and nothing raises."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from math import copysign, inf, nan
from typing import Any

from . import special
from .system import Kernel, NumberSystem


def total(function: Callable[..., float], overflow: float = inf) -> Kernel:
    """The function with IEEE results in place of Python's exceptions; `overflow` is what it grows to."""

    def kernel(*operands: float) -> float:
        try:
            return function(*operands)
        except ValueError:
            return nan
        except OverflowError:
            return overflow

    return kernel


def at_pole(function: Callable[[float], float], pole: float, limit: float) -> Kernel:
    """The function with its limit at a pole, and NaN outside its domain."""

    def kernel(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return limit if x == pole else nan

    return kernel


def div(x: float, y: float) -> float:
    try:
        return x / y
    except ZeroDivisionError:
        return nan if x == 0 or x != x else copysign(inf, x) * copysign(1.0, y)


def power(x: float, y: float) -> float:
    if y == 2.0:
        return x * x  # half an ulp, where libm's pow allows one, and equal to square(x)
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0 and y % 2 == 1 else inf
    except ValueError:
        if x == 0:  # and y < 0
            return copysign(inf, x) if y % 2 == 1 else inf
        return nan  # x < 0 and y no whole number


def sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return copysign(inf, x)


def atanh(x: float) -> float:
    try:
        return math.atanh(x)
    except ValueError:
        return copysign(inf, x) if abs(x) == 1 else nan


def gamma(x: float) -> float:
    try:
        return math.gamma(x)
    except OverflowError:
        return inf if x > 0 or math.floor(x) % 2 == 0 else -inf
    except ValueError:
        return copysign(inf, x) if x == 0 else nan  # a pole at -1, -2, …: its sides differ


def lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):
        return inf


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def rounded(function: Callable[[float], int]) -> Kernel:
    def kernel(x: float) -> float:
        return copysign(float(function(x)), x) if -inf < x < inf else x

    return kernel


def largest(*operands: float) -> float:
    best = operands[0]
    for x in operands:
        if x > best or x != x:
            best = x
    return best


def smallest(*operands: float) -> float:
    best = operands[0]
    for x in operands:
        if x < best or x != x:
            best = x
    return best


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    bell = math.exp(x) if x == x else nan
    return bell / (1.0 + bell)


KERNELS: dict[str, Kernel] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": div,
    "neg": operator.neg,
    "pow": power,
    "square": lambda x: x * x,
    "sqrt": total(math.sqrt),
    "cbrt": special.cbrt,
    "hypot": math.hypot,
    "abs": operator.abs,
    "sign": sign,
    "floor": rounded(math.floor),
    "ceil": rounded(math.ceil),
    "round": rounded(round),
    "exp": total(math.exp),
    "expm1": total(math.expm1),
    "log": at_pole(math.log, 0.0, -inf),
    "log2": at_pole(math.log2, 0.0, -inf),
    "log10": at_pole(math.log10, 0.0, -inf),
    "log1p": at_pole(math.log1p, -1.0, -inf),
    "gaussian": special.gaussian,
    "erf": math.erf,
    "erfc": math.erfc,
    "normal_pdf": special.normal_pdf,
    "normal_cdf": special.normal_cdf,
    "gamma": gamma,
    "lgamma": lgamma,
    "digamma": special.digamma,
    "polygamma": special.polygamma,
    "sin": total(math.sin),
    "cos": total(math.cos),
    "tan": total(math.tan),
    "asin": total(math.asin),
    "acos": total(math.acos),
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": sinh,
    "cosh": total(math.cosh),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": total(math.acosh),
    "atanh": atanh,
    "step": lambda x: 1.0 if x > 0 else 0.0 if x <= 0 else x,
    "sigmoid": sigmoid,
    "max": largest,
    "min": smallest,
    "where": lambda condition, x, y: x if condition else y,
    "less": lambda x, y: float(x < y),
    "less_equal": lambda x, y: float(x <= y),
    "greater": lambda x, y: float(x > y),
    "greater_equal": lambda x, y: float(x >= y),
    "equal": lambda x, y: float(x == y),
    "not_equal": lambda x, y: float(x != y),
    "logical_not": lambda x: float(not x),
    "logical_and": lambda x, y: float(bool(x and y)),
    "logical_or": lambda x, y: float(bool(x or y)),
}


class Floats(NumberSystem):
    """float64, one number at a time."""

    pi = math.pi

    def __init__(self, ties: str = "split") -> None:
        super().__init__(KERNELS, ties)

    def constant(self, value: float) -> float:
        return value

    def power_slope(self, x: float, y: float) -> float:
        """y·x^(y-1), with what the rounding of y - 1 takes away given back: x^(h + l) = x^h (1 + l log x)."""
        if y == 0:
            return 0.0
        h = y - 1.0
        slope = y * power(x, h)
        if x < 0 and h == y:  # beyond 2⁵³, where every float is even and y - 1, which is odd, is none
            slope = -slope
        rest = y - (h + 1.0) if abs(y) < 1 else (y - h) - 1.0
        return slope + slope * rest * math.log(abs(x)) if rest and x and abs(slope) < inf else slope

    def power_log(self, z: float, x: float, y: float) -> float:
        """x^y·log(x). 0^y is flat for y > 0; below 0 there is no logarithm."""
        if x > 0:
            return z * math.log(x)
        return 0.0 if x == 0 and y >= 0 else nan

    def share(self, k: int, z: float, operands: tuple[float, ...], ahead: str) -> float:
        if z != z:
            return nan
        if operands[k] != z:
            return 0.0
        if self.ties == "first":
            return float(operands.index(z) == k)
        return 1.0 / operands.count(z)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        if not moved:
            return 0.0
        if z != z:
            return nan
        if not local:
            return 0.0 if structural or -inf < x < inf else nan
        return moved * local

    downstream = pushforward = product  # type: ignore[assignment]


FLOATS = Floats()
