"""Contestants take turns on the same work. Printed are medians, ratios, and which goals are reached.

Machines are shared and clocks drift, so a time by itself says little: every round runs every contestant once, and what
counts is the ratio of medians. Before anything is timed, each contestant's gradient is held against that of the base:
ours, or the one by hand.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from subprocess import CalledProcessError
from time import perf_counter
from typing import Any, NamedTuple

RELATIVE = 1e-9
"""How far gradients may differ, relative to the entry."""

ROUNDING = 1e-13
"""And relative to the largest entry: what rounding leaves of an entry whose terms cancel."""

Work = Callable[[], Any]


class Disagreement(Exception):
    """A contestant computes something else than we do."""


class Contestant(NamedTuple):
    """One way to do the work.

    Attributes:
        name: what the printed table calls it.
        prepare: makes the work for one run; this is not timed, what it returns is.
        gradient: reads the gradient from what the work returned; None where the work has none.
        needs: the module that must be installed.
        unfit: why it cannot take part, though it may be installed.
    """

    name: str
    prepare: Callable[[], Work]
    gradient: Callable[[Any], Sequence[float]] | None = None
    needs: str = ""
    unfit: str = ""

    @property
    def excuse(self) -> str:
        """Why it does not take part, or nothing."""
        if self.needs and find_spec(self.needs) is None:
            return "absent: not installed"
        return f"left out: {self.unfit}" if self.unfit else ""


class Goal(NamedTuple):
    """A bound on the ratio subject / reference, or on the subject's own figure where there is no reference."""

    subject: str
    bound: float
    reference: str = ""
    at_least: bool = False

    def verdict(self, figures: dict[str, float], unit: str) -> str:
        """The goal in words, the figure measured, and whether it reaches the goal."""
        scale = f"× {self.reference}" if self.reference else unit
        words = f"{self.subject} {'≥' if self.at_least else '≤'} {self.bound:,g} {scale}"
        missing = [name for name in (self.subject, self.reference) if name and name not in figures]
        if missing:
            return f"{words:<58}{'–':>10}   not measured: no {missing[0]}"
        measured = figures[self.subject] / (figures[self.reference] if self.reference else 1.0)
        reached = measured >= self.bound if self.at_least else measured <= self.bound
        return f"{words:<58}{figure(measured):>10}   {'reached' if reached else 'missed'}"


class Workload(NamedTuple):
    """What is measured.

    Attributes:
        title: one line that says what the work is.
        contestants: in the order of the printed table.
        base: the contestant whose gradient and time the others are held against.
        goals: printed below the table with the figure measured.
        unit: the unit of the printed figures.
        scale: how many of it make a second of the whole work.
        expected: the gradient by hand, where there is one; then the base is held against it too.
        heading: of the column of times beside the base's.
    """

    title: str
    contestants: Sequence[Contestant]
    base: str
    goals: Sequence[Goal]
    unit: str = "s"
    scale: float = 1.0
    expected: Sequence[float] | None = None
    heading: str = "/ ours"


def figure(value: float) -> str:
    """Three significant digits, without exponents."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def run(workload: Workload, rounds: int) -> bool:
    """Check, race, print; False if a contestant's gradient disagrees."""
    print(f"{workload.title}; {rounds} round{'s' * (rounds > 1)}\n", flush=True)
    excuses: dict[str, str] = {}
    reference = workload.expected
    for contestant in sorted(workload.contestants, key=lambda c: c.name != workload.base):
        excuses[contestant.name], found = examine(contestant, reference)
        if contestant.name == workload.base and found is not None:
            reference = found
    times = race(workload.contestants, rounds, excuses)
    show(workload, times, excuses)
    return not any(excuse.startswith("DISAGREES") for excuse in excuses.values())


def examine(contestant: Contestant, reference: Sequence[float] | None) -> tuple[str, Sequence[float] | None]:
    """Run once and compare: why the contestant takes no part (or nothing), and its gradient (where it has one)."""
    found = None
    try:
        if not contestant.excuse:
            outcome = contestant.prepare()()
            found = None if contestant.gradient is None else contestant.gradient(outcome)
        if found is not None and reference is not None:
            compare(found, reference)
    except Disagreement as difference:
        return f"DISAGREES: {difference}", found
    except Exception as error:
        return complaint(error), None
    return contestant.excuse, found


def complaint(error: Exception) -> str:
    """A failure in one line; of a process, the last line that it left on standard error."""
    if isinstance(error, CalledProcessError) and error.stderr.strip():
        return f"failed: {error.stderr.strip().splitlines()[-1]}"
    return f"failed: {type(error).__name__}: {error}"


def compare(found: Sequence[float], reference: Sequence[float]) -> None:
    """Hold one gradient against another.

    Raises:
        Disagreement: they differ by more than rounding.
    """
    import numpy as np

    if len(found) != len(reference):
        raise Disagreement(f"a gradient of {len(found)} entries, not {len(reference)}")
    theirs, wanted = np.asarray(found, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    sizes = np.abs(wanted)
    allowed = np.maximum(RELATIVE * sizes, ROUNDING * np.max(sizes, initial=0.0))
    wrong = np.flatnonzero(~(np.abs(theirs - wanted) <= allowed))
    if len(wrong):
        k = int(wrong[0])
        raise Disagreement(f"entry {k} of the gradient is {float(theirs[k])!r}, not {float(wanted[k])!r}")


def race(contestants: Sequence[Contestant], rounds: int, excuses: dict[str, str]) -> dict[str, list[float]]:
    """Seconds of every run, round-robin, of those without an excuse; who fails on the way is excused from then on.

    What is alive before the race (the peers' modules above all) is put out of the garbage collector's sight, so that no
    contestant's collections go through another's objects; within a run the collector works as it does for any user.
    """
    times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for contestant in contestants:
            if excuses[contestant.name]:
                continue
            try:
                work = contestant.prepare()
                gc.collect()
                start = perf_counter()
                outcome = work()
                times[contestant.name].append(perf_counter() - start)
                del outcome, work
            except Exception as error:
                excuses[contestant.name] = complaint(error)
    gc.unfreeze()
    return times


def show(workload: Workload, times: dict[str, list[float]], excuses: dict[str, str]) -> None:
    """Print the table and the goals."""
    medians = {name: median(times[name]) * workload.scale for name in times if not excuses[name]}
    print(f"  {workload.unit:<38}{'median':>10}{'minimum':>10}{workload.heading:>10}")
    for name in times:
        if excuses[name]:
            print(f"  {name:<38}    {excuses[name]}")
            continue
        ratio = figure(medians[name] / medians[workload.base]) if workload.base in medians else "–"
        print(f"  {name:<38}{figure(medians[name]):>10}{figure(min(times[name]) * workload.scale):>10}{ratio:>10}")
    print()
    for goal in workload.goals:
        print(f"  goal  {goal.verdict(medians, workload.unit)}")
    print(flush=True)
