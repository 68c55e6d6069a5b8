"""``backprop symbolic``: the gradient as formulas."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..gradients import formulas
from .asked import Answer, ShapedQuestion
from .main import DONE
from .options import FORM_HELP, FormulaTies, one_of

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


class Formulas(Answer):
    """In which notation the formulas are written."""

    plain = "text"
    suffixes: ClassVar[dict[str, str]] = {".json": "json", ".tex": "latex", ".bp": "program"}
    form: Annotated[str, one_of("--format", ("text", "latex", "json", "program"), FORM_HELP)] = ""


def command(question: ShapedQuestion, answer: Formulas, ties: FormulaTies = "split") -> int:
    program, notes = question.shaped(answer.limits)
    computed = answer.form in ("program", "json")
    found = formulas(program, output=question.output, wrt=question.inputs, ties=ties, computed=computed)
    answer.note(notes)
    if answer.form == "json":
        from ..renderers.formula_json import render as render_json

        answer.write(render_json(found, program.source, notes))
    elif answer.form == "program":
        screen = answer.screen()
        transposed = ".T" if screen.ascii else "ᵀ"
        answer.write(screen.show(line.replace("ᵀ", transposed)) + "\n" for line in found.program())
    elif answer.form == "latex":
        from ..renderers.formula_latex import render as render_latex

        answer.write(render_latex(found, answer.quiet))
    else:
        from ..renderers.formula import render as render_text

        answer.write(render_text(found, answer.screen(), answer.quiet))
    return DONE
