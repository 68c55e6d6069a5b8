"""What the commands for Jacobians and Hessians share: showing the matrix, and the exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .files import print_notes, write
from .main import DONE, NO, UNVERIFIED

if TYPE_CHECKING:
    from ..checks import Check
    from ..directional import Product
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
    return _status(matrix.finite, matrix.check)


def show_product(
    product: Product, form: str, target: str | None, color: str, digits: int | None, quiet: bool, limits: Limits
) -> int:
    """Print the derivatives along a direction, and return the exit status."""
    from ..renderers.matrix import product_json, render_product
    from ..renderers.screen import FILE, screen_of

    if form == "json":
        write(product_json(product), target)
    else:
        print_notes([] if quiet else [note.message for note in product.notes], limits)
        screen = screen_of(sys.stdout, color) if target is None else FILE
        write([render_product(product, screen, digits or (6 if screen.terminal else None), quiet)], target)
    return _status(product.finite, product.check)


def _status(finite: bool, check: Check | None) -> int:
    if check is not None and check.verdict == "disagree":
        return NO
    return DONE if finite and (check is None or check.agrees) else UNVERIFIED
