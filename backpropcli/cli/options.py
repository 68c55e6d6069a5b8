"""The options that commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import BackpropError, OptionError, PointError
from ..limits import Limits

Expression = Annotated[
    str | None,
    typer.Argument(metavar="EXPR", help="A program; the path of one that ends in .bp; or - for standard input."),
]
File = Annotated[str | None, typer.Option("--file", metavar="PATH", help="Read the program from a file of any name.")]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="x=1,y=2", help="The point: numbers and constants, such as x=pi/4. May be repeated."),
]
AtFile = Annotated[
    str | None,
    typer.Option("--at-file", metavar="PATH", help='The point from a JSON file, {"x": 1}; --at goes first.'),
]
Output = Annotated[
    str | None,
    typer.Option("--output", metavar="NAME", help="Differentiate this assigned name, not the last statement."),
]
Wrt = Annotated[
    str | None,
    typer.Option("--wrt", metavar="NAMES", help="Differentiate by these inputs, x,y; the others are data."),
]
Upstream = Annotated[
    str,
    typer.Option("--upstream", metavar="VALUE", help="The upstream gradient of the output; it scales every gradient."),
]
Ties = Annotated[
    str, typer.Option("--ties", metavar="split|first|error", help="Who gets the gradient where a maximum ties.")
]
Digits = Annotated[
    int | None,
    typer.Option(
        "--digits", metavar="N", min=1, max=17, help="Significant digits; 6 on a terminal, every one in a pipe."
    ),
]
Format = Annotated[str, typer.Option("--format", metavar="table|json", help="The form of the answer.")]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Target = Annotated[
    str | None,
    typer.Option(
        "-o", "--out", metavar="FILE", help="Write the answer to a file, whole or not at all.",
        callback=lambda name: None if name == "-" else name,
    ),
]  # fmt: skip
Color = Annotated[str, typer.Option("--color", metavar="auto|always|never", help="Colors.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only value and gradient, and no notes.")]
Limit = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME=N", help="Raise a limit: source, literal, name, rows, text, check."),
]


COLORS = ("auto", "always", "never")


def choice(option: str, value: str, choices: tuple[str, ...]) -> str:
    """The value, if it is one of the choices.

    Raises:
        OptionError: it is none.
    """
    if value not in choices:
        raise OptionError(f"{option} is one of {', '.join(choices)}, not {value!r}")
    return value


def form_of(form: str, json: bool) -> str:
    """``table`` or ``json``, from the two options that say so."""
    return "json" if json else choice("--format", form, ("table", "json"))


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


def value_of(what: str, text: str) -> float:
    """One number or constant expression, such as ``pi/4``.

    Raises:
        BackpropError: the text is something else; the error says of what.
    """
    from ..language import parse_bindings

    try:
        values = parse_bindings(f"x={text}")
    except BackpropError as error:
        error.message = f"{what}: {error.message}"
        error.source, error.start, error.end = text, max(error.start - 2, 0), max(error.end - 2, 1)
        raise
    if len(values) > 1:
        raise PointError(f"{what} is one number, not {text!r}")
    return values["x"]


def point_of(at: list[str] | None, at_file: str | None, limits: Limits) -> dict[str, float]:
    """The values of --at and --at-file.

    Raises:
        LanguageError, PointError, FileProblem: they cannot be used.
    """
    from ..language import parse_bindings

    point: dict[str, float] = {}
    for text in at or []:
        for name, value in parse_bindings(text, limits).items():
            if name in point:
                raise PointError(f"`{name}` is given twice", hint="give each name one value")
            point[name] = value
    if at_file is None:
        return point
    return _point_from_file(at_file, limits) | point


def _point_from_file(path: str, limits: Limits) -> dict[str, float]:
    import json

    from .files import read_text

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise PointError(f"{path}: `{name}` is given twice", hint="give each name one value")
            found[name] = value
        return found

    def finite(literal: str) -> float:
        if float(literal) in (float("inf"), float("-inf")):
            raise PointError(f"{path}: {literal[:40]} is larger than any float64", hint='write "Infinity" for infinity')
        return float(literal)

    text = read_text(path, limits)
    try:
        found = json.loads(text, object_pairs_hook=once, parse_float=finite)
    except json.JSONDecodeError as error:
        raise PointError(
            f"{path} is no JSON: {error.msg}",
            hint='a point is an object such as {"x": 1}',
            source=text,
            start=error.pos,
        ) from None
    except ValueError as error:  # such as an integer of over 4,300 digits
        raise PointError(f"{path} cannot be used: {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise PointError(f"{path} is nested too deeply", hint='a point is an object such as {"x": 1}') from None
    if not isinstance(found, dict):
        raise PointError(f"{path} holds no object", hint='a point is an object such as {"x": 1}')
    return {name: _number_of(path, name, value) for name, value in found.items()}


def _number_of(path: str, name: str, value: Any) -> float:
    if isinstance(value, str):
        words = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
        return words[value] if value in words else value_of(f"{path}: the value of `{name}`", value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PointError(f"{path}: the value of `{name}` is no number", hint='such as {"x": 1.5}')
    try:
        return float(value)
    except OverflowError:
        raise PointError(f"{path}: the value of `{name}` is larger than any float64") from None
