"""``backprop cost``: what value and gradient take, in both modes."""

from __future__ import annotations

from .asked import Answer, ShapedQuestion
from .main import DONE

HELP = """\
What value and gradient cost, in forward and in reverse mode.

For every node the multiplications, additions, function calls and comparisons of its value and of its part in a sweep,
and how many derivatives share its upstream gradient; the bytes of the Jacobians, and of the numbers that stand in for
them. All follows from the shapes: nothing is computed, and nothing as large as a tensor is made.

Examples:

\b
  backprop cost "relu(x)" --shape x=100x4096
  backprop cost "q = W@x; f = sum(q^2)" --shape W=20x30,x=30
  backprop cost --file samples/deep.bp --at-file samples/deep.json
  backprop cost "cross_entropy(X@W + b, y)" --shape X=100x784,W=784x10,b=10,y=100 --wrt W,b
  backprop cost "softmax(x)" --shape x=1000 --json | jq .cheaper
"""


def command(question: ShapedQuestion, answer: Answer) -> int:
    from ..cost import cost
    from ..renderers.cost import render, render_json

    limits = answer.limits
    program, notes = question.shaped(limits)
    found = cost(program, output=question.output, wrt=question.inputs, notes=notes, limits=limits)
    if answer.form == "json":
        answer.write(render_json(found))
    else:
        answer.note(found.notes)
        answer.write([render(found, answer.screen(), int(limits["rows"]), answer.quiet)])
    return DONE
