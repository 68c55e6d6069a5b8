"""``backprop hvp``: the Hessian times a direction."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import OptionError
from .asked import Answer, Question
from .matrices import show_product
from .options import Check, Digits, Direction, point_of

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
    question: Question,
    answer: Answer,
    direction: Direction = None,
    order: Annotated[int, typer.Option("--order", metavar="N", help="2 for the Hessian times v, 3 and on.")] = 2,
    check: Check = False,
    digits: Digits = None,
) -> int:
    from ..directional import directional

    limits = answer.limits
    program, point = question.read(limits)
    if not direction:
        raise OptionError("a direction is needed", hint="such as --direction x=1,y=0")
    along = point_of(direction, None, limits)
    seconds = limits["check"] if check else None
    product = directional(
        program, point, along, order=order, output=question.output, wrt=question.inputs, limits=limits, seconds=seconds
    )
    return show_product(product, answer, digits)
