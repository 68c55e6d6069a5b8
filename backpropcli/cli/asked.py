"""What a command is asked, in groups of options: the question, and the form of the answer.

A command takes a group as one parameter, ``command(question: Question, answer: Answer, order: Order = 2)``, and
`spread` puts the group's options in its place, those of the answer last. So an option that commands share is spelled
once, and every command that takes the group has it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter, Signature, signature
from os.path import splitext
from typing import TYPE_CHECKING, Any, ClassVar, get_origin, get_type_hints

from ..errors import OptionError, ShapeError
from .files import print_notes, read_program, write
from .options import (
    At,
    AtFile,
    Color,
    Expand,
    Expression,
    File,
    Format,
    Fuse,
    Json,
    Limit,
    Output,
    Quiet,
    Shapes,
    Target,
    Ties,
    Upstream,
    Wrt,
    limits_of,
    names_of,
    point_of,
    shapes_of_option,
)

if TYPE_CHECKING:
    from ..api import Result
    from ..language import Program
    from ..limits import Limits
    from ..renderers.screen import Screen
    from ..values import Value


class Group:
    """Options that belong together: annotated class attributes, whose values are the defaults.

    Attributes:
        lacks: names of options that a command's own kind of the group has not.
    """

    lacks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **options: Any) -> None:
        self.__dict__.update(options)

    @classmethod
    def parameters(cls) -> list[Parameter]:
        """The options as parameters of a command."""
        return [
            Parameter(name, Parameter.KEYWORD_ONLY, default=getattr(cls, name), annotation=hint)
            for name, hint in get_type_hints(cls, include_extras=True).items()
            if name not in cls.lacks and get_origin(hint) is not ClassVar
        ]


class Question(Group):
    """The program, the point, and what is differentiated by what."""

    expression: Expression = None
    file: File = None
    at: At = None
    at_file: AtFile = None
    output: Output = None
    wrt: Wrt = None
    expand: Expand = None
    fuse: Fuse = False

    @property
    def inputs(self) -> list[str] | None:
        """The inputs to differentiate by; None for all.

        Raises:
            OptionError: --wrt is there and names none.
        """
        found = None if self.wrt is None else names_of(",".join(self.wrt))
        if found == []:
            raise OptionError("--wrt names no input", hint="such as --wrt x,y; without it all inputs are meant")
        return found

    def read(self, limits: Limits) -> tuple[Program, dict[str, Value]]:
        """The program, with the shapes of the point; and the point."""
        from ..language import parse
        from ..values import shapes_of

        point = self.point(limits)
        return self.regated(parse(self.text(limits), shapes_of(point), limits)), point

    def text(self, limits: Limits) -> str:
        """The program's text."""
        return read_program(self.expression, self.file, limits)

    def point(self, limits: Limits) -> dict[str, Value]:
        """The values that are given."""
        return point_of(self.at, self.at_file, limits)

    def regated(self, program: Program) -> Program:
        """The program with gates put together or taken apart, as asked for."""
        if self.expand is None and not self.fuse:
            return program
        from .. import transform

        program = transform.fuse(program) if self.fuse else program
        return program if self.expand is None else transform.expand(program, names_of(self.expand) or [])


class ShapedQuestion(Question):
    """The program over shapes, whose inputs need no values."""

    shape: Shapes = None

    def shaped(self, limits: Limits) -> tuple[Program, list[str]]:
        """The program over the shapes of --shape and of the point, all other inputs scalars; and notes.

        Raises:
            OptionError: a name has two shapes; ShapeError: shapes do not fit.
        """
        from ..language import parse
        from ..values import shapes_of

        shapes = shapes_of_option(self.shape)
        point = shapes_of(self.point(limits))
        for name in point:
            if shapes.get(name, point[name]) != point[name]:
                raise OptionError(f"`{name}` has one shape by --shape and another by its value", hint="leave one out")
        shapes |= point
        program = parse(self.text(limits), shapes, limits)
        missing = [name for name in program.inputs if name not in shapes]
        try:
            program = program.over(shapes | dict.fromkeys(missing, ()))
        except ShapeError as error:
            examples = ",".join(f"{name}={'2x2' if name[0].isupper() else '2'}" for name in missing[:4])
            error.hint = f"inputs are scalars unless their shapes are known: give --shape {examples}"
            raise
        unused = [f"no name in the program is `{name}`" for name in shapes if name not in program.inputs]
        return self.regated(program), [*program.notes, *unused]


class EvaluatedQuestion(Question):
    """A sweep over the program at the point."""

    upstream: Upstream = None
    ties: Ties = "split"

    def evaluated(self, limits: Limits, mode: str = "reverse") -> Result:
        """The value, and the gradient with all that lies between."""
        from ..api import evaluate

        program, point = self.read(limits)
        return evaluate(
            program, point, output=self.output, wrt=self.inputs, upstream=seed_of(self.upstream, limits),
            ties=self.ties, mode=mode, limits=limits,
        )  # fmt: skip


def seed_of(upstream: str | None, limits: Limits) -> Value | None:
    """The value of --upstream."""
    if upstream is None:
        return None
    from ..points import value_of

    return value_of("--upstream", upstream, limits)


class Form(Group):
    """In what form the answer is given, and where to.

    Attributes:
        plain: the form where neither an option nor the suffix of the file asks for another.
        suffixes: the form that the suffix of a file asks for.
    """

    plain: ClassVar[str] = "table"
    suffixes: ClassVar[dict[str, str]] = {".json": "json"}
    form: Format = ""
    json: Json = False
    target: Target = None
    color: Color = "auto"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.json:
            self.form = "json"
        if not self.form:
            self.form = self.suffixes.get(splitext(self.target or "")[1].lower(), self.plain)

    def screen(self) -> Screen:
        """What a text is shown on."""
        from ..renderers.screen import FILE, screen_of

        return FILE if self.target is not None else screen_of(sys.stdout, self.color)

    def write(self, pieces: Iterable[str]) -> None:
        """Write the answer; see `files.write`."""
        write(pieces, self.target)


class Answer(Form):
    """The form of an answer with notes, within limits."""

    quiet: Quiet = False
    limit: Limit = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.limits: Limits = limits_of(self.limit)

    def note(self, notes: Sequence[str]) -> None:
        """Notes on standard error, where nobody asked for quiet; JSON has them itself."""
        if not self.quiet and self.form != "json":
            print_notes(notes, self.limits)


def digits_on(screen: Screen, digits: int | None) -> int | None:
    """How many digits are shown: as asked for, else six on a terminal, and every one in a pipe."""
    return digits or (6 if screen.terminal else None)


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """The command with the options of its groups as parameters of its own, as Typer reads them."""
    groups: dict[str, type[Group]] = {}
    own: list[Parameter] = []
    for name, parameter in signature(command, eval_str=True).parameters.items():
        if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, Group):
            groups[name] = parameter.annotation
        else:
            own.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
    options = {name: group.parameters() for name, group in groups.items()}

    def spread_out(**given: Any) -> int:
        made = {name: groups[name](**{p.name: given.pop(p.name) for p in options[name]}) for name in groups}
        return command(**made, **given)

    first = [p for name, found in options.items() if not issubclass(groups[name], Form) for p in found]
    last = [p for name, found in options.items() if issubclass(groups[name], Form) for p in found]
    spread_out.__signature__ = Signature([*first, *own, *last])  # type: ignore[attr-defined]
    return spread_out
