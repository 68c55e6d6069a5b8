"""``backprop jacobian``: the derivatives of every entry of the output."""

from __future__ import annotations

from .files import read_inputs
from .matrices import show, show_product
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
    Layout,
    Limit,
    Output,
    Quiet,
    Target,
    Wrt,
    choice,
    form_of,
    layout_of,
    limits_of,
    names_of,
    point_of,
)

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
    expression: Expression = None,
    file: File = None,
    at: At = None,
    at_file: AtFile = None,
    output: Output = None,
    wrt: Wrt = None,
    direction: Direction = None,
    layout: Layout = "standard",
    check: Check = False,
    digits: Digits = None,
    form: Format = "table",
    json: Json = False,
    target: Target = None,
    color: Color = "auto",
    quiet: Quiet = False,
    limit: Limit = None,
) -> int:
    from ..directional import pushed_forward
    from ..matrices import jacobian_matrix

    limits = limits_of(limit)
    choice("--color", color, COLORS)
    layout = layout_of(layout)
    form = form_of(form, json)
    program, point = read_inputs(expression, file, at, at_file, limits)
    seconds = limits["check"] if check else None
    if direction:
        along = point_of(direction, None, limits)
        product = pushed_forward(program, point, along, output=output, limits=limits, seconds=seconds)
        return show_product(product, form, target, color, digits, quiet, limits)
    matrix = jacobian_matrix(
        program, point, output=output, wrt=names_of(wrt), layout=layout, limits=limits, seconds=seconds
    )
    return show(matrix, form, target, color, digits, quiet, limits)
