"""``backprop draw``: the circuit, as a picture or in the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from ..errors import OptionError
from ..report import Wanted, report
from .asked import Answer, EvaluatedQuestion
from .files import write_bytes
from .main import DONE, UNVERIFIED
from .options import choice, one_of

if TYPE_CHECKING:
    from ..circuit import Circuit

FORMS = ("svg", "html", "dot", "mmd", "tex", "png", "text")

HELP = """\
The circuit: values above each wire, gradients below.

The suffix of -o decides: .svg, .html (a page that walks through both passes), .png, .tex (TikZ), .dot (Graphviz)
or .mmd (Mermaid). Without -o it is drawn in the terminal. A circuit of more than 60 gates and
inputs is folded, by named statement or by depth.

Examples:

\b
  backprop draw "(x+y)*z" --at x=-2,y=5,z=-4
  backprop draw "2*(max(z,w)+x*y)" --at x=3,y=-4,z=2,w=-1 -o circuit.svg
  backprop draw "(x+y)*z" --at x=-2,y=5,z=-4 -o circuit.html
  backprop draw samples/micrograd.bp --at-file samples/micrograd.json --fold -o folded.svg
  backprop draw "(x+y)*z" --at x=-2,y=5,z=-4 --format dot | dot -Tpdf -o circuit.pdf
"""


class Picture(Answer):
    """What is drawn, and where to."""

    lacks = frozenset(("json",))
    plain = ""
    suffixes: ClassVar[dict[str, str]] = {}
    form: Annotated[str, one_of("--format", FORMS, "The form, where no suffix decides it.")] = ""
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes.")] = False


def command(
    question: EvaluatedQuestion,
    answer: Picture,
    depth: Annotated[
        int | None,
        typer.Option("--depth", metavar="N", min=1, help="Show N levels of gates, from the output back."),
    ] = None,
    fold: Annotated[bool, typer.Option("--fold", help="Draw every named statement as one box.")] = False,
    digits: Annotated[
        int,
        typer.Option("--digits", metavar="N", min=1, max=17, help="Significant digits; all are told on hover."),
    ] = 4,
) -> int:
    from ..circuit import circuit, folded, told

    limits = answer.limits
    form = form_for(answer.form or None, answer.target)
    result = question.evaluated(limits)
    made = report(result, wanted=Wanted(int(limits["text"]), signs=True), with_notes=not answer.quiet)
    whole = circuit(made)
    drawn = folded(whole, limits["drawn"], depth, fold)
    answer.note([*(note.message for note in made.notes), *told(whole, drawn, limits["drawn"], depth)])
    if form == "text":
        from ..renderers.tree import render

        answer.write([render(drawn, answer.screen(), digits)])
    elif form == "html":
        from ..renderers.html import render as render_html

        limits.hold("rows", made.node_count, "the page would have ")
        pieces = render_html(
            result, lambda found: folded(found, limits["drawn"], depth, fold), digits, int(limits["text"])
        )
        write_bytes(_encoded(pieces), answer.target)
    else:
        write_bytes(picture(drawn, form, digits), answer.target)
    return DONE if result.finite else UNVERIFIED


def form_for(form: str | None, target: str | None) -> str:
    """What is drawn: as --format says, else the suffix of the file, else in the terminal.

    Raises:
        OptionError: there is no such form, or a picture would go to the terminal.
    """
    if form is not None:
        choice("--format", form, FORMS)
    elif target is None:
        return "text"
    else:
        suffix = os.path.splitext(target)[1].lower()
        form = "text" if suffix == ".txt" else suffix[1:]
        if form not in FORMS:
            raise OptionError(
                f"the suffix of {target!r} does not say what to draw",
                hint=f"it is one of {', '.join('.' + known for known in FORMS[:-1])} or .txt, or say --format",
            )
    if form == "png" and target is None and sys.stdout.isatty():
        raise OptionError("a PNG is not for the terminal", hint="write it to a file with -o circuit.png")
    return form


def picture(drawn: Circuit, form: str, digits: int) -> bytes:
    """The file, in UTF-8 whatever the terminal speaks."""
    if form == "dot":
        from ..renderers.dot import render as render_dot

        return _encoded(render_dot(drawn, digits))
    if form == "mmd":
        from ..renderers.mermaid import render as render_mermaid

        return _encoded(render_mermaid(drawn, digits))

    from ..renderers.scene import scene

    placed = scene(drawn, digits)
    if form == "tex":
        from ..renderers.tikz import render as render_tikz

        return _encoded(render_tikz(placed))
    from ..renderers.svg import render as render_svg

    if form == "svg":
        return _encoded(render_svg(placed))
    from ..renderers.png import render as render_png

    return render_png("".join(render_svg(placed)), (placed.width, placed.height))


def _encoded(pieces: Iterable[str]) -> bytes:
    return "".join(pieces).encode("utf-8")
