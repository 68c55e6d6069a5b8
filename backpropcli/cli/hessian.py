"""``backprop hessian``: the second derivatives of a scalar."""

from __future__ import annotations

from .files import read_inputs
from .matrices import show
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
)

HELP = """\
The Hessian: the second derivatives of a scalar by every pair of entries of the inputs.

Forward mode over the gradient's own graph, all columns in one pass; those that share no row are found together. It says
what the matrix shows: a band, blocks, rank one, and whether the function curves up, down, or both.

Examples:

\b
  backprop hessian "x^2*y + y^3" --at x=1,y=2
  backprop hessian "logsumexp(x)" --at "x=[1,2,3]" --check
  backprop hessian "sum(100*(x[1:]-x[:-1]^2)^2 + (1-x[:-1])^2)" --at "x=[1,2,3,4,5]"
  backprop hessian "sum((X@w-y)^2)" --at "X=[[1,2],[3,4]],w=[1,1],y=[1,0]" --wrt w --json | jq .matrix
"""


def command(
    expression: Expression = None,
    file: File = None,
    at: At = None,
    at_file: AtFile = None,
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
    from ..matrices import hessian_matrix

    limits = limits_of(limit)
    choice("--color", color, COLORS)
    form = form_of(form, json)
    program, point = read_inputs(expression, file, at, at_file, limits)
    matrix = hessian_matrix(
        program, point, output=output, wrt=names_of(wrt), limits=limits, seconds=limits["check"] if check else None
    )
    return show(matrix, form, target, color, digits, quiet, limits)
