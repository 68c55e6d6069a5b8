"""``backprop numeric``: difference quotients with shrinking steps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from ..api import evaluate
from ..errors import OptionError
from .asked import Answer, Question, digits_on, seed_of
from .main import DONE, UNVERIFIED
from .options import Digits, Upstream, one_of

if TYPE_CHECKING:
    from ..checks.steps import Differences
    from ..conventions import Note
    from ..language import Program
    from ..limits import Limits
    from ..shapes import Shape

CHOICES = ("forward", "backward", "central", "all")
PLACE = re.compile(r"\s*([^\[\]\s]+)\s*(?:\[([-0-9\s,]*)\])?\s*")
"""An input, or one entry of it: ``x``, ``W[0, -1]``."""

Place = tuple[int, ...]

HELP = """\
Difference quotients with shrinking steps, and their errors.

For every step h the forward, backward and central quotient, its error against the exact gradient, and how many
evaluations it took; then the errors as a plot, the best step, and where truncation ends and rounding begins.
Forward is (f(x+h) - f(x))/h, backward (f(x) - f(x-h))/h, and central (f(x+h) - f(x-h))/(2h).

Examples:

\b
  backprop numeric "sigmoid(x)" --at x=1
  backprop numeric "x^3*y" --at x=2,y=5 --wrt x,y --method central
  backprop numeric "sum((W@x)^2)" --at "W=[[1,2],[3,4]],x=[1,-1]" --wrt "W[0,1]"
  backprop numeric "exp(x)" --at x=1 --from 1 --to 2^-50 --factor 2
  backprop numeric "sin(x)" --at x=1 --json | jq .inputs[0].methods.central.best
"""


class Steps(Question):
    """Which inputs take steps."""

    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt",
            metavar="NAMES",
            help="The inputs that take steps, each by itself: x,y; of a tensor one entry, W[0,1]. "
            "A single scalar input needs no naming.",
        ),
    ] = None


def command(
    question: Steps,
    answer: Answer,
    upstream: Upstream = None,
    method: Annotated[str, one_of("--method", CHOICES, "Which quotients are shown.")] = "all",
    first: Annotated[str, typer.Option("--from", metavar="H", help="The first step, the largest.")] = "1",
    last: Annotated[str, typer.Option("--to", metavar="H", help="The last step, the smallest.")] = "1e-14",
    factor: Annotated[
        str, typer.Option("--factor", metavar="K", help="Each step is the one before, divided by K.")
    ] = "10",
    digits: Digits = None,
) -> int:
    from ..checks.steps import METHODS, differences, shrinking
    from ..values import shapes_of
    from .progress import progress

    limits = answer.limits
    steps = shrinking(
        _number("--from", first, limits), _number("--to", last, limits), _number("--factor", factor, limits), limits
    )
    program, point = question.read(limits)
    seed = seed_of(upstream, limits)
    places = places_of(None if question.wrt is None else ",".join(question.wrt), program, shapes_of(point))

    found: list[Differences] = []
    notes: dict[str, Note] = {}
    with progress("evaluating", answer.quiet) as step:
        for name, place in places:
            result = evaluate(program, point, output=question.output, wrt=[name], upstream=seed, limits=limits)
            notes |= {note.message: note for note in result.notes}
            methods = tuple(METHODS) if method == "all" else (method,)
            found.append(differences(result, name, place, steps, methods, limits["check"], step))

    if answer.form == "json":
        from ..renderers.numeric import render_json

        answer.write(render_json(result, found, list(notes.values())))
    else:
        from ..renderers.numeric import render

        answer.note(list(notes))
        screen = answer.screen()
        answer.write([render(result, found, screen, digits_on(screen, digits), answer.quiet)])
    return DONE if all(d.sure for d in found) else UNVERIFIED


def places_of(wrt: str | None, program: Program, shapes: dict[str, Shape]) -> list[tuple[str, Place]]:
    """The inputs of --wrt, each with the entry that takes the step.

    Raises:
        OptionError: one is no scalar input and no entry of a tensor; or none is named where there are several.
    """
    if wrt is None:
        names = [name for name in program.inputs if name in shapes] or list(program.inputs)
        if not names:
            raise OptionError("the program has no input that could take a step", hint="such as x in sin(x)")
        if len(names) > 1:
            raise OptionError(
                f"the program has {len(names)} inputs, and each takes steps by itself",
                hint=f"name one or several: --wrt {names[0]}",
            )
        wrt = names[0]
    found = [_place(text, program, shapes) for text in re.split(r",(?![^\[]*\])", wrt) if text.strip()]
    if not found:
        raise OptionError("--wrt names no input", hint=f"the inputs are: {', '.join(program.inputs) or 'none'}")
    return list(dict.fromkeys(found))


def _place(text: str, program: Program, shapes: dict[str, Shape]) -> tuple[str, Place]:
    """``W[0, -1]`` as name and place."""
    from ..shapes import place_text, written

    match = PLACE.fullmatch(text)
    if match is None:
        raise OptionError(f"--wrt names an input x or an entry W[0,1], not {text.strip()[:40]!r}")
    name, inside = match[1], match[2]
    shape = shapes.get(name, ())
    if name not in program.inputs:
        return name, ()  # which `evaluate` refuses, with the names there are
    words = [] if inside is None else [word.strip() for word in inside.split(",")]
    if len(words) != len(shape):
        entry = place_text(name, (0,) * len(shape)).replace(" ", "")
        if not shape:
            raise OptionError(f"`{name}` is a scalar and has no entries", hint=f"write --wrt {name}")
        raise OptionError(
            f"`{name}` has the shape {written(shape)}, and one entry takes the steps", hint=f'such as --wrt "{entry}"'
        )
    place = []
    for word, length in zip(words, shape, strict=True):
        if not re.fullmatch(r"-?[0-9]{1,18}", word) or not -length <= int(word) < length:
            raise OptionError(
                f"{text.strip()[:60]} is no entry of `{name}`, whose shape is {written(shape)}",
                hint="entries count from 0, and from the end with -1, -2, …",
            )
        place.append(int(word) % length)
    return name, tuple(place)


def _number(option: str, text: str, limits: Limits) -> float:
    """One number, such as ``1e-3`` or ``2^-10``."""
    from ..points import value_of
    from ..values import is_tensor

    value = value_of(option, text, limits)
    if is_tensor(value):
        raise OptionError(f"{option} is one number, not {text[:40]!r}")
    return float(value)
