"""``backprop eval``: value and gradients, node by node."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..api import MODES, TIES, evaluate
from ..report import Wanted, report
from .files import print_notes, read_inputs, write
from .main import DONE, NO, UNVERIFIED, tell
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
    Layout,
    Limit,
    Output,
    Quiet,
    Target,
    Ties,
    Upstream,
    Wrt,
    choice,
    form_of,
    layout_of,
    limits_of,
    names_of,
)

PASSES = ("table", "forward", "backward", "both")

HELP = """\
Value and gradient, node by node.

For every node of the program: its value, and its local, upstream and downstream gradients.

Examples:

\b
  backprop eval "(x+y)*z" --at x=-2,y=5,z=-4
  backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --pass backward
  backprop eval "-x^2" --at x=3 --check
  backprop eval "q = W@x; f = sum(q^2)" --at "W=[[0.1,0.5],[-0.3,0.8]],x=[0.2,0.4]"
  backprop eval "relu(x)" --at "x=[1,-2,3]" --upstream "[4,-1,5]" --jacobian
  backprop eval samples/neuron.bp --at-file samples/neuron.json --json | jq .gradient
"""


def command(
    expression: Expression = None,
    file: File = None,
    at: At = None,
    at_file: AtFile = None,
    output: Output = None,
    wrt: Wrt = None,
    upstream: Upstream = None,
    ties: Ties = "split",
    mode: Annotated[
        str, typer.Option("--mode", metavar="reverse|forward", help="One sweep for all inputs, or one per input.")
    ] = "reverse",
    which: Annotated[
        str, typer.Option("--pass", metavar="forward|backward|both", help="Show the passes by themselves, in order.")
    ] = "table",
    check: Check = False,
    digits_trusted: Annotated[
        bool, typer.Option("--digits-trusted", help="How many digits of each gradient survive rounding.")
    ] = False,
    jacobian: Annotated[
        bool, typer.Option("--jacobian", help="Write out the Jacobian of every gate on tensors, where it is small.")
    ] = False,
    layout: Layout = "standard",
    expand: Annotated[
        str | None,
        typer.Option(
            "--expand", metavar="NAMES|all", help="Take big gates apart into elementary ones, such as softmax."
        ),
    ] = None,
    fuse: Annotated[
        bool, typer.Option("--fuse", help="Put elementary gates together, such as 1/(1+exp(-x)) to sigmoid(x).")
    ] = False,
    digits: Digits = None,
    form: Format = "table",
    json: Json = False,
    target: Target = None,
    color: Color = "auto",
    quiet: Quiet = False,
    limit: Limit = None,
) -> int:
    limits = limits_of(limit)
    choice("--ties", ties, TIES)
    choice("--mode", mode, MODES)
    choice("--pass", which, PASSES)
    layout = layout_of(layout)
    choice("--color", color, COLORS)
    form = form_of(form, json)

    program, point = read_inputs(expression, file, at, at_file, limits)
    if expand is not None or fuse:
        from .. import transform

        program = transform.fuse(program) if fuse else program
        program = program if expand is None else transform.expand(program, names_of(expand) or [])
    seed = None
    if upstream is not None:
        from ..points import value_of

        seed = value_of("--upstream", upstream, limits)
    result = evaluate(
        program, point, output=output, wrt=names_of(wrt), upstream=seed, ties=ties, mode=mode, limits=limits
    )

    judged = trusted = None
    if check:
        from ..checks import judge
        from .progress import progress

        with progress("checking", quiet) as step:
            judged = judge(result, seconds=limits["check"], progress=step)
    if digits_trusted:
        from ..checks.shake import digits_trusted as count

        trusted = count(result)
    wanted = Wanted(int(limits["text"]), layout if jacobian else "", limits["jacobian"])
    made = report(result, judged, trusted, wanted, with_notes=not quiet or form == "json")

    if form != "json":
        if jacobian and not made.tensors:
            tell("note: between scalars every local gradient is the Jacobian")
        print_notes([note.message for note in made.notes], limits)
    if form == "json":
        from ..renderers.json import render as render_json

        write(render_json(made), target)
    else:
        from ..renderers.screen import FILE, screen_of
        from ..renderers.table import render as render_table

        screen = screen_of(sys.stdout, color) if target is None else FILE
        shown = digits or (6 if screen.terminal else None)
        write(
            [
                render_table(
                    made,
                    screen,
                    which=which,
                    digits=shown,
                    most=int(limits["rows"]),
                    entries=limits["entries"],
                    quiet=quiet,
                )
            ],
            target,
        )

    if judged is not None and judged.verdict == "disagree":
        return NO
    return DONE if result.finite and (judged is None or judged.agrees) else UNVERIFIED
