"""``backprop explain``: every chain-rule step in words."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from ..api import MODES
from .asked import Answer, EvaluatedQuestion
from .main import DONE, UNVERIFIED
from .options import FORM_HELP, one_of

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


class Explanation(Answer):
    """In which form the words stand."""

    plain = "text"
    suffixes: ClassVar[dict[str, str]] = {".json": "json", ".tex": "latex", ".md": "md"}
    form: Annotated[str, one_of("--format", ("text", "md", "latex", "json"), FORM_HELP)] = ""


def command(
    question: EvaluatedQuestion,
    answer: Explanation,
    mode: Annotated[str, one_of("--mode", MODES, "Gradients back to all inputs, or tangents on.")] = "reverse",
    which: Annotated[str, one_of("--pass", ("forward", "backward", "both"), "One pass by itself, or both.")] = "both",
    node: Annotated[str | None, typer.Option("--node", metavar="NAME", help="Explain this node alone.")] = None,
    language: Annotated[str, typer.Option("--lang", metavar="en|ko", help="English or Korean.")] = "en",
    digits: Annotated[
        int, typer.Option("--digits", metavar="N", min=1, max=17, help="Significant digits; 6 by default.")
    ] = 6,
) -> int:
    from ..explain import explain
    from ..words import words_of

    limits = answer.limits
    words = words_of(language)
    result = question.evaluated(limits, mode)
    text = int(limits["text"])
    steps = explain(result, which, node, int(limits["rows"]), text)
    answer.note([note.message for note in steps.untold])
    if answer.form == "json":
        from ..renderers.explain_json import render as render_json

        answer.write(render_json(steps, text))
    else:
        from ..renderers.explain import render

        answer.write(
            render(
                steps, words, form=answer.form, screen=answer.screen(), digits=digits, limit=text,
                korean=language == "ko", quiet=answer.quiet,
            )
        )  # fmt: skip
    return DONE if result.finite else UNVERIFIED
