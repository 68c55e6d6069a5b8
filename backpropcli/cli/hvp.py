"""``backprop hvp``: the Hessian times a direction."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import OptionError
from .files import print_notes, read_inputs, write
from .main import DONE, NO, UNVERIFIED
from .options import (
    COLORS,
    At,
    AtFile,
    Check,
    Color,
    Digits,
    Expression,
    File,
    Format,
    Json,
    Limit,
    Output,
    Quiet,
    Target,
    Wrt,
    choice,
    form_of,
    limits_of,
    names_of,
    point_of,
)

HELP = """\
The Hessian times a direction, without the Hessian.

The derivative of f along v as a graph, then one reverse sweep: it costs a few gradients, however many inputs there are.
With --order 3 it is the third derivative along v twice, and so on. Inputs that --direction does not name stay.

Examples:

\b
  backprop hvp "x^2*y + y^3" --at x=1,y=2 --direction x=1,y=0
  backprop hvp "sum((W@x)^2)" --at "W=[[1,2],[3,4]],x=[5,6]" --direction "x=[1,-1]" --check
  backprop hvp "exp(x)*y" --at x=0,y=2 --direction x=1 --order 3 --json | jq .along
"""


def command(
    expression: Expression = None,
    file: File = None,
    at: At = None,
    at_file: AtFile = None,
    direction: Annotated[
        list[str] | None,
        typer.Option("--direction", metavar="x=1,y=0", help="The direction v, written as --at is. May be repeated."),
    ] = None,
    order: Annotated[int, typer.Option("--order", metavar="N", help="2 for the Hessian times v, 3 and on.")] = 2,
    output: Output = None,
    wrt: Wrt = None,
    check: Check = False,
    digits: Digits = None,
    form: Format = "table",
    json: Json = False,
    target: Target = None,
    color: Color = "auto",
    quiet: Quiet = False,
    limit: Limit = None,
) -> int:
    from ..matrices import directional

    limits = limits_of(limit)
    choice("--color", color, COLORS)
    form = form_of(form, json)
    program, point = read_inputs(expression, file, at, at_file, limits)
    if not direction:
        raise OptionError("a direction is needed", hint="such as --direction x=1,y=0")
    product = directional(
        program, point, point_of(direction, None, limits), order=order, output=output, wrt=names_of(wrt),
        limits=limits, seconds=limits["check"] if check else None,
    )  # fmt: skip

    from ..renderers.matrix import product_json, render_product
    from ..renderers.screen import FILE, screen_of

    if form == "json":
        write(product_json(product), target)
    else:
        print_notes([] if quiet else [note.message for note in product.notes], limits)
        screen = screen_of(sys.stdout, color) if target is None else FILE
        write([render_product(product, screen, digits or (6 if screen.terminal else None), quiet)], target)
    if product.check is not None and product.check.verdict == "disagree":
        return NO
    return DONE if product.finite and (product.check is None or product.check.agrees) else UNVERIFIED
