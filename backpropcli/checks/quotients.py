"""The one-sided derivative of a function of one number, as the limit of quotients with vanishing steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

STEPS = ((80, 100, 120), (160, 180, 200))
"""Exponents of the steps 2⁻ᵏ, and those of the second try."""

BITS = 512
"""Enough that a step of 2⁻²⁰⁰ leaves more than 300 bits of a quotient."""


class Side(NamedTuple):
    """What one side has.

    Attributes:
        kind: ``limit``, ``vertical tangent``, ``jump``, ``domain edge``, or ``no limit``.
        limit: the one-sided derivative where there is one; ±infinity at a vertical tangent.
        error: how far the limit may be off.
    """

    kind: str
    limit: Any
    error: Any


def one_sided(phi: Callable[[Any], Any], start: Any, side: int, noise: Any, finer: int, mp: Any) -> Side:
    """The derivative of phi at 0 from one side.

    Two quotients that agree, or that close in by a factor of 64 while the step shrinks by 2²⁰, have a limit. Otherwise
    their growth says what is there: differences that stay are a jump, quotients that grow a vertical tangent.

    Args:
        phi: the function; NaN outside its domain.
        start: phi(0).
        side: -1 or 1.
        noise: the rounding error of a value of phi.
        finer: binary digits by which the steps are finer still, since numbers inside phi are as large as that.
        mp: the mpmath context.
    """
    for exponents in STEPS:
        steps = [side * mp.ldexp(1, -e - finer) for e in exponents]
        finest = phi(steps[2])
        if finest != finest:
            return Side("domain edge", mp.nan, mp.inf)
        differences = [phi(steps[0]) - start, phi(steps[1]) - start, finest - start]
        q1, q2, q3 = (d / h for d, h in zip(differences, steps, strict=True))
        far, near = abs(q1 - q2), abs(q2 - q3)
        floor = noise / abs(steps[2])
        if near <= floor or near <= far / 64 or near <= abs(q3) * mp.ldexp(1, -60):
            return Side("limit", q3 if abs(q3) > near + floor else mp.mpf(0), near + floor)
        d2, d3 = differences[1:]
        if abs(d2 - d3) <= abs(d3) / 1024:
            return Side("jump", mp.inf * mp.sign(q3), mp.inf)
        if abs(q3) > 1.5 * abs(q2) > 2.25 * abs(q1):
            return Side("vertical tangent", mp.inf * mp.sign(q3), mp.inf)
    if abs(q3) > abs(q2) > abs(q1) and 2 * near > far:  # growth like that of a logarithm
        return Side("vertical tangent", mp.inf * mp.sign(q3), mp.inf)
    return Side("no limit", mp.nan, mp.inf)


def agree(left: Side, right: Side) -> bool:
    """Whether both sides have one derivative."""
    if left.kind != "limit" or right.kind != "limit":
        return False
    return bool(abs(left.limit - right.limit) <= 4 * (left.error + right.error))
