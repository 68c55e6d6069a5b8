"""What a check says, of every component and in all."""

from __future__ import annotations

from typing import NamedTuple

VERDICTS = (
    "agree",
    "agree-ill-conditioned",
    "inconclusive",
    "not-differentiable",
    "tie-mismatch",
    "undefined",
    "disagree",
)
"""From the best to the worst; a check is as good as its worst component."""

RIGHT = ("agree", "agree-ill-conditioned")
"""Verdicts on a derivative whose rules are right, however many digits float64 keeps."""


class Component(NamedTuple):
    """One entry of the gradient, judged.

    Attributes:
        input: the input variable, an entry of one such as ``W[0, 1]``, or ``direction 1`` and so on.
        verdict: one of `VERDICTS`.
        digits: how many decimal digits of the analytic derivative are right; None where there is nothing to compare.
        analytic: what the sweep found.
        numeric: the derivative as the limit of quotients, where both sides agree.
        left, right: the one-sided derivatives, where they exist.
        node: the node to look at: the first wrong one, or the one with the kink.
        reason: the verdict in words, "" where it needs none.
        cause: what cost the digits of a derivative whose rules agree: ``rounding``, ``underflow`` or ``overflow``.
    """

    input: str
    verdict: str
    digits: float | None
    analytic: float
    numeric: float | None = None
    left: float | None = None
    right: float | None = None
    node: str | None = None
    reason: str = ""
    cause: str = "rounding"

    @property
    def agrees(self) -> bool:
        """Whether the analytic derivative can be used: the rules agree, and at least one digit of it is right."""
        return self.verdict == "agree" or (self.verdict in RIGHT and (self.digits or 0.0) >= 1)

    @property
    def name(self) -> str:
        """The input without the entry: ``W`` for ``W[0, 1]``."""
        return self.input.partition("[")[0]

    def phrase(self) -> str:
        """For the table: one short sentence."""
        if self.verdict == "agree":
            return f"agrees to {self.digits:.0f} digits"
        if self.verdict == "agree-ill-conditioned":
            return f"the rules agree, but {self.cause} leaves {self.digits if self.agrees else 0:.0f} digits"
        return f"{self.verdict}: {self.reason}"


class Check(NamedTuple):
    """The verdict on a gradient.

    Attributes:
        components: the verdict of every component.
        method: ``quotients`` where every component was judged, ``directions`` where random directions stand in,
            ``ladder`` where their quotients are in float64.
        evaluations: how many times the program was evaluated at high precision.
        bits: the precision.
        value_digits: how many decimal digits of the program's value are right.
        remark: what is to be said of the value in words, "" for nothing.
    """

    components: list[Component]
    method: str
    evaluations: int
    bits: int
    value_digits: float | None
    remark: str = ""

    @property
    def verdict(self) -> str:
        """The worst verdict of all components; ``agree`` where there are none."""
        return max((c.verdict for c in self.components), key=VERDICTS.index, default="agree")

    @property
    def agrees(self) -> bool:
        """Whether every component agrees, to a digit at least."""
        return all(c.agrees for c in self.components)

    def summary(self, against: str = "one reverse sweep") -> str:
        """One sentence: the verdict and what it cost, against what the derivative did."""
        count, agreeing = len(self.components), sum(c.agrees for c in self.components)
        what = "components" if self.method == "quotients" else "random directions"
        if self.method == "ladder":
            what += " in float64"
        if self.agrees:
            told = f"{count} of {count} {what}"
        elif self.verdict in RIGHT:
            told = f"could not be verified: no digit of {count - agreeing} of {count} {what} is right"
        else:
            told = f"{agreeing} of {count} {what} agree"
        cost = f"{self.evaluations} evaluations at {self.bits} bits against {against}"
        return "; ".join(filter(None, (f"check: {self.verdict}, {told}", cost, self.remark)))
