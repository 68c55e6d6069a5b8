"""``backprop symbolic``: the gradient as formulas."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..gradients import formulas
from .files import print_notes, read_shaped, write
from .main import DONE
from .options import (
    At,
    AtFile,
    Expression,
    File,
    Json,
    Limit,
    Output,
    Quiet,
    Shapes,
    Target,
    Wrt,
    choice,
    limits_of,
    names_of,
)

FORMS = ("text", "latex", "json", "program")

HELP = """\
The gradient as formulas.

By reverse mode over the graph: what is used more than once has a name, so that formulas never grow large.

Examples:

\b
  backprop symbolic "q = W@x; f = sum(q^2)" --shape W=2x2,x=2
  backprop symbolic "1/(1+exp(-(w0*x0+w1*x1+w2)))" --format latex
  backprop symbolic "x*exp(-x^2)" --json | jq -r .gradient.x.formula
  backprop symbolic "tanh(w*x)" --format program | backprop eval - --at w=2,x=0.5
"""


def command(
    expression: Expression = None,
    file: File = None,
    shape: Shapes = None,
    at: At = None,
    at_file: AtFile = None,
    output: Output = None,
    wrt: Wrt = None,
    ties: Annotated[
        str, typer.Option("--ties", metavar="split|first", help="Who gets the gradient where a maximum ties.")
    ] = "split",
    form: Annotated[
        str, typer.Option("--format", metavar="text|latex|json|program", help="The form of the answer.")
    ] = "text",
    json: Json = False,
    target: Target = None,
    quiet: Quiet = False,
    limit: Limit = None,
) -> int:
    limits = limits_of(limit)
    choice("--ties", ties, ("split", "first"))
    form = "json" if json else choice("--format", form, FORMS)
    program, notes = read_shaped(expression, file, shape, at, at_file, limits)
    found = formulas(program, output=output, wrt=names_of(wrt), ties=ties)
    if form == "json":
        from ..renderers.formula_json import render as render_json

        write(render_json(found, program.source, notes), target)
        return DONE
    if not quiet:
        print_notes(notes, limits)
    from ..renderers.screen import FILE, screen_of

    screen = screen_of(sys.stdout) if target is None else FILE
    if form == "program":
        transposed = ".T" if screen.ascii else "ᵀ"
        write((screen.show(line.replace("ᵀ", transposed)) + "\n" for line in found.program()), target)
    elif form == "latex":
        from ..renderers.formula_latex import render as render_latex

        write(render_latex(found, quiet), target)
    else:
        from ..renderers.formula import render as render_text

        write(render_text(found, screen, quiet), target)
    return DONE
