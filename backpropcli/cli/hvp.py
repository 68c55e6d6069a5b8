"""``backprop hvp``: the Hessian times a direction."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import OptionError
from .files import read_inputs
from .matrices import show_product
from .options import (
    COLORS,
    At,
    AtFile,
    Check,
    Color,
    Digits,
    Direction,
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
    direction: Direction = None,
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
    from ..directional import directional

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
    return show_product(product, form, target, color, digits, quiet, limits)
