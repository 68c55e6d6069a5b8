"""``backprop cost``: what value and gradient take, in both modes."""

from __future__ import annotations

import sys

from .files import print_notes, read_shaped, write
from .main import DONE
from .options import (
    COLORS,
    At,
    AtFile,
    Color,
    Expression,
    File,
    Format,
    Json,
    Limit,
    Output,
    Quiet,
    Shapes,
    Target,
    Wrt,
    choice,
    form_of,
    limits_of,
    names_of,
)

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


def command(
    expression: Expression = None,
    file: File = None,
    shape: Shapes = None,
    at: At = None,
    at_file: AtFile = None,
    output: Output = None,
    wrt: Wrt = None,
    form: Format = "table",
    json: Json = False,
    target: Target = None,
    color: Color = "auto",
    quiet: Quiet = False,
    limit: Limit = None,
) -> int:
    from ..cost import cost
    from ..renderers.cost import render, render_json
    from ..renderers.screen import FILE, screen_of

    limits = limits_of(limit)
    choice("--color", color, COLORS)
    form = form_of(form, json)
    program, notes = read_shaped(expression, file, shape, at, at_file, limits)
    found = cost(program, output=output, wrt=names_of(wrt), notes=notes, limits=limits)
    if form == "json":
        write(render_json(found), target)
    else:
        print_notes([] if quiet else found.notes, limits)
        screen = screen_of(sys.stdout, color) if target is None else FILE
        write([render(found, screen, int(limits["rows"]), quiet)], target)
    return DONE
