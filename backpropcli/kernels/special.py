"""Special functions that Python's math module lacks, or has with too few right digits, on floats."""

from __future__ import annotations

from functools import lru_cache
from math import cbrt as libm_cbrt
from math import copysign, cos, erfc, exp, expm1, factorial, fmod, fsum, inf, isfinite, isinf, log, nan, pi, sin

INVERSE_SQRT_TWO_PI = 0.3989422804014327
INVERSE_SQRT_TWO_PI_REST = -6.247337834861335e-17  # relative
SQRT_HALF = 0.7071067811865476
SQRT_HALF_REST = -4.833646656726457e-17  # √½ - SQRT_HALF

# Bernoulli numbers B₂, B₄, … for the asymptotic series of polygamma (DLMF 5.15.9).
BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330,
    854513 / 138, -236364091 / 2730, 8553103 / 6,
)  # fmt: skip


def cbrt(x: float) -> float:
    """Cube root, with one Newton step: libm's is 2.8 ulp off at worst, this one 0.9."""
    z = libm_cbrt(x)
    cube = z * z * z
    return z - (cube - x) / (3.0 * z * z) if isfinite(cube) and z else z


def split(x: float) -> float:
    """The upper half of x's digits (Veltkamp): its square is exact."""
    c = 134217729.0 * x
    return c - (c - x)


def gaussian(x: float) -> float:
    """exp(-x²), made good for the rounding of x², which exp would multiply by x²."""
    if not abs(x) < 28.0:
        return nan if x != x else 0.0
    high = split(x)
    bell = exp(-high * high)
    return bell + bell * expm1(-(x - high) * (x + high))


def normal_pdf(x: float) -> float:
    """exp(-x²/2)/√(2π), made good likewise."""
    if not abs(x) < 39.0:
        return nan if x != x else 0.0
    high = split(x)
    bell = exp(-0.5 * high * high)
    return (bell + bell * (expm1(-0.5 * (x - high) * (x + high)) + INVERSE_SQRT_TWO_PI_REST)) * INVERSE_SQRT_TWO_PI


def normal_cdf(x: float) -> float:
    """½ erfc(-x/√2), made good for the rounding of x/√2: erfc has the slope -2/√π exp(-t²)."""
    t = -x * SQRT_HALF
    if not abs(t) < 28.0:
        return nan if x != x else float(x > 0)
    x_high, half_high = split(x), split(SQRT_HALF)
    x_low, half_low = x - x_high, SQRT_HALF - half_high
    rest = ((x_high * half_high + t) + x_high * half_low + x_low * half_high) + x_low * half_low + x * SQRT_HALF_REST
    return 0.5 * erfc(t) + rest * normal_pdf(x) / SQRT_HALF


def digamma(x: float) -> float:
    """The derivative of lgamma."""
    return polygamma(0.0, x)


def polygamma(order: float, x: float) -> float:
    """The derivative of digamma of a whole order from 0, digamma itself, to 100; NaN for other orders.

    For x > 0 by recurrence up to where the asymptotic series has converged, for x < 0 by reflection
    ψₙ(x) = (-1)ⁿ ψₙ(1 - x) - dⁿ/dxⁿ π cot(πx). At a pole +∞ where both sides agree (odd orders), else NaN.
    """
    if x != x or not 0 <= order <= 100 or order != int(order):
        return nan
    n = int(order)
    if isinf(x):
        return nan if x < 0 else 0.0 if n else inf
    if x > 0:
        return _polygamma_right(n, x)
    if x == int(x):
        return inf if n % 2 else nan
    mirrored = _polygamma_right(n, 1.0 - x)
    return (-mirrored if n % 2 else mirrored) - _cotangent_slope(n, x)


def _polygamma_right(n: int, x: float) -> float:
    """polygamma of order n for x > 0."""
    steps = max(0, int(n + 17 - x)) if x < n + 17 else 0
    below = fsum_or_inf([inverse_power(x + i, n + 1) for i in range(steps)])
    y = x + steps
    inverse_square = 1.0 / y / y
    if n == 0:
        terms, power = [log(y), -0.5 / y], inverse_square
        for j, bernoulli in enumerate(BERNOULLI, 1):
            terms.append(-bernoulli / (2 * j) * power)
            power *= inverse_square
        return fsum(terms) - below
    power = y**-n
    terms = [factorial(n - 1) * power, factorial(n) * power / (2 * y)]
    coefficient = float(factorial(n + 1))
    for j, bernoulli in enumerate(BERNOULLI, 1):
        power *= inverse_square
        terms.append(bernoulli * coefficient / factorial(2 * j) * power)
        coefficient *= (2 * j + n) * (2 * j + n + 1)
    total = fsum(terms) + factorial(n) * below
    return total if n % 2 else -total


def _cotangent_slope(n: int, x: float) -> float:
    """dⁿ/dxⁿ π cot(πx)."""
    r = fmod(x, 1.0)  # exact, and so is all that follows; cot has the period 1, so r in [-½, ½]
    r = r + 1.0 if r < -0.5 else r - 1.0 if r > 0.5 else r
    c = cos(pi * r) if abs(r) <= 0.25 else sin(pi * (0.5 - abs(r)))
    s = sin(pi * r) if abs(r) <= 0.25 else copysign(cos(pi * (0.5 - abs(r))), r)
    if n == 0:
        return pi * c / s
    scale = inverse_power(abs(s), n + 1)
    value = sum(a * c**k for k, a in enumerate(cotangent_polynomial(n)))
    return pi * (-pi) ** n * value * (-scale if s < 0 and n % 2 == 0 else scale)


@lru_cache(maxsize=128)
def cotangent_polynomial(n: int) -> tuple[float, ...]:
    """The coefficients of pₙ in dⁿ/dxⁿ cot(πx) = (-π)ⁿ pₙ(c)/sⁿ⁺¹ with c = cos πx and s = sin πx, for n > 0.

    p₁ = 1, and since c' = -πs and s² = 1 - c², pₙ₊₁ = pₙ'·(1 - c²) + (n + 1)·c·pₙ. No coefficient is negative.
    """
    p = [1.0]
    for m in range(1, n):
        q = [0.0] * (len(p) + 1)
        for k, a in enumerate(p):
            q[k + 1] += (m + 1 - k) * a
            if k:
                q[k - 1] += k * a
        p = q
    return tuple(p)


def inverse_power(x: float, n: int) -> float:
    """x⁻ⁿ for x > 0, infinite where it overflows."""
    try:
        return 1.0 / x**n
    except ZeroDivisionError:
        return inf
    except OverflowError:
        return 0.0


def fsum_or_inf(terms: list[float]) -> float:
    return inf if inf in terms else fsum(terms)
