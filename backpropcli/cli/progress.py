"""A progress bar on a terminal's standard error, and nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

Step = Callable[[int, int], None]

PATIENCE = 1.0
"""Seconds before a bar is shown: one that flashes tells nobody anything."""


@contextmanager
def progress(title: str, quiet: bool = False) -> Iterator[Step | None]:
    """A function ``step(done, total)`` to report with, or None where nobody is looking.

    The bar has no colors, whatever --color says.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    began = monotonic()
    bar: Any = None
    with ExitStack() as shown:

        def step(done: int, total: int) -> None:
            nonlocal bar
            if bar is None and monotonic() - began >= PATIENCE:
                from rich.console import Console
                from rich.progress import Progress

                bar = shown.enter_context(Progress(console=Console(stderr=True, no_color=True), transient=True))
                bar.add_task(title)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done, total=total)

        yield step
