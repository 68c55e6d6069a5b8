"""Options that commands share, one by one, and what their texts mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OptionError, PointError
from ..kernels.system import TIES
from ..limits import Limits
from .files import standard_input

if TYPE_CHECKING:
    from ..language.program import Reader
    from ..values import Value

COLORS = ("auto", "always", "never")


def one_of(option: str, choices: Sequence[str], text: str) -> Any:
    """An option that is one of some words; OptionError where it is none."""

    def held(value: str | None) -> str | None:
        return choice(option, value, choices) if value else value

    return typer.Option(option, metavar="|".join(choices), help=text, callback=held)


def choice(option: str, value: str, choices: Sequence[str]) -> str:
    """The value, if it is one of the choices.

    Raises:
        OptionError: it is none.
    """
    if value not in choices:
        raise OptionError(f"{option} is one of {', '.join(choices)}, not {value!r}")
    return value


Expression = Annotated[
    str | None,
    typer.Argument(metavar="EXPR", help="A program; the path of one that ends in .bp; or - for standard input."),
]
File = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="PATH", help="Read the program from a file of any name, or from - for standard input."
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="x=1,y=2",
        help="The point: numbers, tensors v=[1,2], constants x=pi/4, files W=@w.npy. May be repeated.",
    ),
]
AtFile = Annotated[
    str | None,
    typer.Option(
        "--at-file",
        metavar="PATH",
        help='The point from a JSON file, {"x": 1, "v": [1, 2]}, or an .npz, or as JSON from -; --at goes first.',
    ),
]
Shapes = Annotated[
    list[str] | None,
    typer.Option("--shape", metavar="W=2x2,x=2", help="Shapes of inputs; the others are scalars. May be repeated."),
]
Output = Annotated[
    str | None,
    typer.Option("--output", metavar="NAME", help="Differentiate this assigned name, not the last statement."),
]
Wrt = Annotated[
    list[str] | None,
    typer.Option(
        "--wrt", metavar="NAMES", help="Differentiate by these inputs, in this order: x,y; the others are data."
    ),
]
Upstream = Annotated[
    str | None,
    typer.Option(
        "--upstream", metavar="VALUE", help="The upstream gradient of the output, in its shape; 1 for a scalar."
    ),
]
TIES_HELP = "Who gets the gradient where a maximum ties."
Ties = Annotated[str, one_of("--ties", (*TIES, "error"), TIES_HELP)]
FormulaTies = Annotated[str, one_of("--ties", TIES, TIES_HELP)]
Expand = Annotated[
    str | None,
    typer.Option("--expand", metavar="NAMES|all", help="Take big gates apart into elementary ones, such as softmax."),
]
Fuse = Annotated[
    bool, typer.Option("--fuse", help="Put elementary gates together, such as 1/(1+exp(-x)) to sigmoid(x).")
]
Check = Annotated[bool, typer.Option("--check", help="Verify every derivative numerically, at high precision.")]
Direction = Annotated[
    list[str] | None,
    typer.Option("--direction", metavar="x=1,y=0", help="The direction v, written as --at is. May be repeated."),
]
Layout = Annotated[
    str, one_of("--layout", ("standard", "lecture"), "Rows of a Jacobian are outputs, or inputs (lecture).")
]
Digits = Annotated[
    int | None,
    typer.Option(
        "--digits", metavar="N", min=1, max=17, help="Significant digits; 6 on a terminal, every one in a pipe."
    ),
]
FORM_HELP = "The form of the answer; else as the suffix of -o says."
Format = Annotated[str, one_of("--format", ("table", "json"), FORM_HELP)]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Target = Annotated[
    str | None,
    typer.Option(
        "-o", "--out", metavar="FILE", help="Write the answer to a file, whole or not at all.",
        callback=lambda name: None if name == "-" else name,
    ),
]  # fmt: skip
Color = Annotated[str, one_of("--color", COLORS, "Colors.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only value and gradient, and no notes.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=N",
        help="Raise a limit: source, literal, name, rows, text, check, drawn, tensor, memory, entries, jacobian.",
    ),
]


def limits_of(raised: list[str] | None) -> Limits:
    """The limits, with those raised by --limit."""
    values: dict[str, float] = {}
    for item in raised or []:
        name, _, figure = item.partition("=")
        try:
            values[name.strip()] = float(figure)
        except ValueError:
            raise OptionError(f"--limit takes NAME=NUMBER, not {item!r}", hint="such as --limit rows=5000") from None
    return Limits(**values)


def names_of(text: str | None) -> list[str] | None:
    """``x,y`` as a list."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


SHAPE = re.compile(r"\s*([^\s=,]+)\s*=\s*(?:(scalar)|(\d{1,18}(?:\s*[x×]\s*\d{1,18})*))\s*", re.ASCII)


def shapes_of_option(texts: list[str] | None) -> dict[str, tuple[int, ...]]:
    """The shapes of ``--shape W=2x2,x=2,s=scalar``, by name.

    Raises:
        OptionError: a text is no list of shapes, or a name has two.
    """
    found: dict[str, tuple[int, ...]] = {}
    for text in texts or []:
        for item in text.split(","):
            match = SHAPE.fullmatch(item)
            if match is None:
                raise OptionError(
                    f"--shape takes names and lengths, not {item.strip()[:40]!r}", hint="such as --shape W=2x3,x=3"
                )
            name, _, lengths = match.groups()
            if name in found:
                raise OptionError(f"`{name}` has two shapes", hint="give each name one")
            found[name] = tuple(int(n) for n in re.split("[x×]", lengths)) if lengths else ()
    return found


def point_of(at: list[str] | None, at_file: str | None, limits: Limits) -> dict[str, Value]:
    """The values of --at and --at-file.

    Raises:
        LanguageError, PointError, FileProblem: they cannot be used.
    """
    from ..language import parse_bindings

    point: dict[str, Value] = {}
    for text in at or []:
        for name, value in parse_bindings(text, limits, reader_of(limits)).items():
            if name in point:
                raise PointError(f"`{name}` is given twice", hint="give each name one value")
            point[name] = value
    if at_file is None:
        return point
    from ..points import read_point

    if at_file == "-":
        return read_point("standard input", limits, standard_input(limits)) | point
    return read_point(at_file, limits) | point


def reader_of(limits: Limits) -> Reader:
    """What reads the file of a value, imported where there is one."""

    def read(path: str, name: str) -> Value:
        from ..points import read_value

        return read_value(path, name, limits)

    return read
