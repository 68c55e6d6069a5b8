"""``backprop jacobian``: the derivatives of every entry of the output."""

from __future__ import annotations

from .asked import Answer, Question
from .matrices import show, show_product
from .options import Check, Digits, Direction, Layout, point_of

HELP = """\
The Jacobian: the derivative of every entry of the output by every entry of the inputs.

Rows are the output's entries, columns the inputs'; or the other way round, as some lectures write it. Forward mode
finds columns and reverse mode rows; the one that takes fewer passes is taken. With --direction it is the Jacobian times
a direction, by one tangent sweep, and the matrix is never made.

Examples:

\b
  backprop jacobian "[x*y, x+y, x^2]" --at x=2,y=3
  backprop jacobian "softmax(x)" --at "x=[1,2,3]" --check
  backprop jacobian "W@x" --at "W=[[1,2],[3,4]],x=[5,6]" --wrt x --layout lecture
  backprop jacobian "W@x" --at "W=[[1,2],[3,4]],x=[5,6]" --direction "x=[1,-1]"
  backprop jacobian "relu(x)" --at "x=[1,-2,3]" --json | jq .matrix
"""


def command(
    question: Question,
    answer: Answer,
    direction: Direction = None,
    layout: Layout = "standard",
    check: Check = False,
    digits: Digits = None,
) -> int:
    from ..directional import pushed_forward
    from ..matrices import jacobian_matrix

    limits = answer.limits
    program, point = question.read(limits)
    seconds = limits["check"] if check else None
    if direction:
        along = point_of(direction, None, limits)
        product = pushed_forward(program, point, along, output=question.output, limits=limits, seconds=seconds)
        return show_product(product, answer, digits)
    matrix = jacobian_matrix(
        program, point, output=question.output, wrt=question.inputs, layout=layout, limits=limits, seconds=seconds
    )
    return show(matrix, answer, digits)
