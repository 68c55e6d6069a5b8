"""What the commands for Jacobians and Hessians share: showing the matrix, and the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .asked import Answer, digits_on
from .main import DONE, NO, UNVERIFIED

if TYPE_CHECKING:
    from ..checks import Check
    from ..directional import Product
    from ..matrices import Matrix


def show(matrix: Matrix, answer: Answer, digits: int | None) -> int:
    """Print the matrix, and return the exit status."""
    from ..renderers.matrix import render, render_json

    if answer.form == "json":
        answer.write(render_json(matrix))
    else:
        answer.note([note.message for note in matrix.notes])
        screen = answer.screen()
        answer.write([render(matrix, screen, digits_on(screen, digits), answer.limits["jacobian"], answer.quiet)])
    return _status(matrix.finite, matrix.check)


def show_product(product: Product, answer: Answer, digits: int | None) -> int:
    """Print the derivatives along a direction, and return the exit status."""
    from ..renderers.matrix import product_json, render_product

    if answer.form == "json":
        answer.write(product_json(product))
    else:
        answer.note([note.message for note in product.notes])
        screen = answer.screen()
        answer.write([render_product(product, screen, digits_on(screen, digits))])
    return _status(product.finite, product.check)


def _status(finite: bool, check: Check | None) -> int:
    if check is not None and check.verdict == "disagree":
        return NO
    return DONE if finite and (check is None or check.agrees) else UNVERIFIED
