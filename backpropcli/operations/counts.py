"""What an operation costs: elementary steps, counted from shapes. Nothing is ever as large as what is counted."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """Elementary steps, each on one pair of numbers.

    Attributes:
        multiplications: and divisions.
        additions: and subtractions. A change of sign is free, as is moving an entry.
        calls: of functions of one number, such as exp.
        comparisons: also maxima, switches and logic.
        estimated: some of it follows the usual formula of an algorithm, such as n³/3 for a determinant.
    """

    multiplications: int = 0
    additions: int = 0
    calls: int = 0
    comparisons: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        """All steps, each counted as one."""
        return self.multiplications + self.additions + self.calls + self.comparisons

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.multiplications + other.multiplications,
            self.additions + other.additions,
            self.calls + other.calls,
            self.comparisons + other.comparisons,
            self.estimated or other.estimated,
        )

    def times(self, n: int) -> Counts:
        """The same n times, or never where n is negative."""
        n = max(n, 0)
        return Counts(
            n * self.multiplications, n * self.additions, n * self.calls, n * self.comparisons, self.estimated
        )


FREE, MULTIPLY, ADD, CALL, COMPARE = Counts(), Counts(1), Counts(0, 1), Counts(0, 0, 1), Counts(0, 0, 0, 1)
