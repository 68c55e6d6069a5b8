"""``backprop eval``: value and gradients, node by node."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api import MODES
from ..errors import OptionError
from ..report import Wanted, report
from .asked import Answer, EvaluatedQuestion, digits_on
from .main import DONE, NO, UNVERIFIED, tell
from .options import Check, Digits, Layout, one_of

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
    question: EvaluatedQuestion,
    answer: Answer,
    mode: Annotated[str, one_of("--mode", MODES, "One sweep for all inputs, or one per input.")] = "reverse",
    which: Annotated[
        str | None, one_of("--pass", ("forward", "backward", "both"), "Show the passes by themselves, in order.")
    ] = None,
    check: Check = False,
    digits_trusted: Annotated[
        bool, typer.Option("--digits-trusted", help="How many digits of each gradient survive rounding.")
    ] = False,
    jacobian: Annotated[
        bool, typer.Option("--jacobian", help="Write out the Jacobian of every gate on tensors, where it is small.")
    ] = False,
    layout: Layout = "standard",
    digits: Digits = None,
) -> int:
    if mode == "forward" and which is not None:
        raise OptionError("forward mode has one pass, of values and tangents", hint="leave out --pass")
    limits = answer.limits
    result = question.evaluated(limits, mode)
    judged = trusted = None
    if check:
        from ..checks import judge
        from .progress import progress

        with progress("checking", answer.quiet) as step:
            judged = judge(result, seconds=limits["check"], progress=step)
    if digits_trusted:
        from ..checks.shake import digits_trusted as count

        trusted = count(result)
    wanted = Wanted(int(limits["text"]), layout if jacobian else "", limits["jacobian"])
    made = report(result, judged, trusted, wanted, with_notes=not answer.quiet or answer.form == "json")

    if answer.form == "json":
        from ..renderers.json import render as render_json

        answer.write(render_json(made))
    else:
        from ..renderers.table import render as render_table

        if jacobian and not made.tensors:
            tell("note: between scalars every local gradient is the Jacobian")
        answer.note([note.message for note in made.notes])
        screen = answer.screen()
        most, entries = int(limits["rows"]), limits["entries"]
        answer.write(
            [
                render_table(
                    made, screen, which=which or "table", digits=digits_on(screen, digits), most=most, entries=entries,
                    quiet=answer.quiet,
                )
            ]
        )  # fmt: skip

    if judged is not None and judged.verdict == "disagree":
        return NO
    return DONE if result.finite and (judged is None or judged.agrees) else UNVERIFIED
