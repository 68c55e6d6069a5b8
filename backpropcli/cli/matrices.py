"""What the commands for Jacobians and Hessians share: showing the matrix, and the exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .files import print_notes, write
from .main import DONE, NO, UNVERIFIED

if TYPE_CHECKING:
    from ..limits import Limits
    from ..matrices import Matrix


def show(
    matrix: Matrix, form: str, target: str | None, color: str, digits: int | None, quiet: bool, limits: Limits
) -> int:
    """Print the matrix, and return the exit status."""
    from ..renderers.matrix import render, render_json
    from ..renderers.screen import FILE, screen_of

    if form == "json":
        write(render_json(matrix), target)
    else:
        print_notes([] if quiet else [note.message for note in matrix.notes], limits)
        screen = screen_of(sys.stdout, color) if target is None else FILE
        shown = digits or (6 if screen.terminal else None)
        write([render(matrix, screen, shown, limits["jacobian"], quiet)], target)
    if matrix.check is not None and matrix.check.verdict == "disagree":
        return NO
    return DONE if matrix.finite and (matrix.check is None or matrix.check.agrees) else UNVERIFIED
