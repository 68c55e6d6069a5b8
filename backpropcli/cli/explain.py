"""``backprop explain``: every chain-rule step in words."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..api import MODES, TIES, evaluate
from .files import print_notes, read_inputs, write
from .main import DONE, UNVERIFIED
from .options import (
    COLORS,
    At,
    AtFile,
    Color,
    Expression,
    File,
    Json,
    Limit,
    Output,
    Quiet,
    Target,
    Ties,
    Upstream,
    Wrt,
    choice,
    limits_of,
    names_of,
)

FORMATS = ("text", "md", "latex", "json")
PASSES = ("forward", "backward", "both")

HELP = """\
Every step of the chain rule in words.

For each node: its rule as a formula, the numbers put in, the result, and how its gradient flows. English or Korean;
as text, Markdown or LaTeX.

Examples:

\b
  backprop explain "(x+y)*z" --at x=-2,y=5,z=-4
  backprop explain "x*x + x" --at x=3 --lang ko
  backprop explain "q = W@x; f = sum(q^2)" --at "W=[[0.1,0.5],[-0.3,0.8]],x=[0.2,0.4]" --node q
  backprop explain "(x+y)*z" --at x=-2,y=5,z=-4 --mode forward
  backprop explain samples/neuron.bp --at-file samples/neuron.json --format latex -o neuron.tex
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
        str, typer.Option("--mode", metavar="reverse|forward", help="Gradients back to all inputs, or tangents on.")
    ] = "reverse",
    which: Annotated[
        str, typer.Option("--pass", metavar="forward|backward|both", help="One pass by itself, or both.")
    ] = "both",
    node: Annotated[str | None, typer.Option("--node", metavar="NAME", help="Explain this node alone.")] = None,
    expand: Annotated[
        str | None,
        typer.Option("--expand", metavar="NAMES|all", help="Take big gates apart into elementary ones first."),
    ] = None,
    fuse: Annotated[bool, typer.Option("--fuse", help="Put elementary gates together first.")] = False,
    language: Annotated[str, typer.Option("--lang", metavar="en|ko", help="English or Korean.")] = "en",
    digits: Annotated[
        int, typer.Option("--digits", metavar="N", min=1, max=17, help="Significant digits; 6 by default.")
    ] = 6,
    form: Annotated[
        str, typer.Option("--format", metavar="text|md|latex|json", help="The form of the answer.")
    ] = "text",
    json: Json = False,
    target: Target = None,
    color: Color = "auto",
    quiet: Quiet = False,
    limit: Limit = None,
) -> int:
    from ..words import words_of

    limits = limits_of(limit)
    choice("--ties", ties, TIES)
    choice("--mode", mode, MODES)
    choice("--pass", which, PASSES)
    choice("--color", color, COLORS)
    form = "json" if json else choice("--format", form, FORMATS)
    words = words_of(language)

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
    from ..explain import explain

    text = int(limits["text"])
    steps = explain(result, which, node, int(limits["rows"]), text)
    if not quiet and form != "json":
        print_notes([note.message for note in steps.untold], limits)
    if form == "json":
        from ..renderers.explain_json import render as render_json

        write(render_json(steps, text), target)
    else:
        from ..renderers.explain import render
        from ..renderers.screen import FILE, screen_of

        screen = FILE if target is not None else screen_of(sys.stdout, color)
        write(
            render(
                steps, words, form=form, screen=screen, digits=digits, limit=text, korean=language == "ko", quiet=quiet
            ),
            target,
        )
    return DONE if result.finite else UNVERIFIED
