"""Shared by all tests: points to draw from, and what is told at the end of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import inf, isinf, log10
from pathlib import Path
from random import Random
from typing import Any

import pytest

from backpropcli.operations import OPERATIONS, Operation


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The worst error of a local gradient found, per operation."""
    reports = terminalreporter.stats.get("passed", [])
    words = [value for report in reports for key, value in report.user_properties if key == "worst ulps"]
    if words:
        terminalreporter.write_sep("-", "worst error of local gradients, in ulps (bound)")
        for at in range(0, len(words), 5):
            terminalreporter.write_line("  ".join(f"{word:<22}" for word in sorted(words)[at : at + 5]))


def draw(random: Random, interval: tuple[float, float], moderate: bool = False) -> float:
    """A number from the interval: near its ends, near 0, far out, and in between."""
    low, high = interval
    if low == high:
        return low
    reach = 3.0 if moderate else 300.0
    for _ in range(1000):
        kind = random.random()
        if kind < 0.25 and not (isinf(low) or isinf(high)):
            x = random.uniform(low, high)
        elif kind < 0.5:
            x = random.uniform(max(low, -40.0), min(high, 40.0))
        elif kind < 0.65 and not isinf(low):
            x = low + 10 ** random.uniform(-15, 0)
        elif kind < 0.8 and not isinf(high):
            x = high - 10 ** random.uniform(-15, 0)
        elif kind < 0.9:
            x = random.choice((-1, 1)) * 10 ** random.uniform(-reach, reach)
        else:
            x = random.choice((-1, 1)) * 10 ** random.uniform(-3, min(3.0, log10(min(high, inf)) if high > 0 else 3.0))
        if low < x < high:
            return x
    raise AssertionError(f"no number drawn from {interval}")


def operands_of(row: Operation) -> int:
    """How many operands tests give the operation."""
    return 3 if row.variadic else len(row.operands)


def domain_of(row: Operation) -> tuple[tuple[float, float], ...]:
    return row.domain + row.domain[-1:] * (operands_of(row) - len(row.domain))


def differentiable_points(row: Operation, count: int, seed: int = 0, moderate: bool = True) -> list[list[float]]:
    """Points of the operation's domain away from its kinks."""
    from backpropcli.kernels.floats import FLOATS

    random = Random(seed)
    points: list[list[float]] = []
    while len(points) < count:
        point = [draw(random, interval, moderate) for interval in domain_of(row)]
        z = FLOATS.kernels[row.name](*point)
        if z == z and not isinf(z) and not (row.kink is not None and row.kink(FLOATS, z, *point)):
            points.append(point)
    return points


@pytest.fixture(params=list(OPERATIONS.values()), ids=lambda row: row.name)
def row(request: pytest.FixtureRequest) -> Operation:
    """Every operation of the table: adding a row adds its tests."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=[row for row in OPERATIONS.values() if row.tensor], ids=lambda row: row.name)
def tensor_row(request: pytest.FixtureRequest) -> Operation:
    """Every operation on whole tensors."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=[row for row in OPERATIONS.values() if not row.tensor], ids=lambda row: row.name)
def gate(request: pytest.FixtureRequest) -> Operation:
    """Every operation on single numbers."""
    return request.param  # type: ignore[no-any-return]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of all random partials 99.9 % lie within four times their shaken range: the chunks count, this sums."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    reports = reporter.stats.get("passed", [])
    counts = [value for report in reports for key, value in report.user_properties if key == "random partials"]
    partials, outside = (sum(count[k] for count in counts) for k in (0, 1))
    if partials:
        reporter.write_sep("-", f"{partials} random partials, {outside} outside four times the shaken range")
        if outside > max(1, partials / 1000) and session.exitstatus == 0:
            session.exitstatus = 1


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares with a file in tests/golden; ``BACKPROP_UPDATE=1`` writes it anew, to be read then."""

    def compare(name: str, found: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if os.environ.get("BACKPROP_UPDATE"):
            path.write_text(found, "utf-8")
        assert found == path.read_text("utf-8")

    return compare
