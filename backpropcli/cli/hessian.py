"""``backprop hessian``: the second derivatives of a scalar."""

from __future__ import annotations

from .asked import Answer, Question
from .matrices import show
from .options import Check, Digits

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


def command(question: Question, answer: Answer, check: Check = False, digits: Digits = None) -> int:
    from ..matrices import hessian_matrix

    limits = answer.limits
    program, point = question.read(limits)
    seconds = limits["check"] if check else None
    matrix = hessian_matrix(program, point, output=question.output, wrt=question.inputs, limits=limits, seconds=seconds)
    return show(matrix, answer, digits)
