"""A program: its text, its graph, and what reading it found worth saying."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import LanguageError, PointError, ShapeError, UnknownName
from ..graph import Graph
from ..limits import LIMITS, Limits
from ..sweeps import forward
from ..values import Value, as_value, hold_sizes, system_for
from .builder import CONSTANTS, Builder, Word
from .parser import parser

if TYPE_CHECKING:
    from ..shapes import Shape

Reader = Callable[[str, str], Value]


class Program:
    """A text as a graph.

    Attributes:
        source: the text as it was typed.
        graph: its graph.
        output: the node of the last statement.
        assigned: the node that each assigned name means at the end of the program.
        notes: what a reader should know, such as a shadowed constant.
    """

    def __init__(
        self,
        source: str,
        graph: Graph,
        output: int,
        assigned: Mapping[str, int],
        notes: Collection[str] = (),
        limits: Limits = LIMITS,
    ) -> None:
        self.source = source
        self.graph = graph
        self.output = output
        self.assigned = dict(assigned)
        self.notes = list(notes)
        self.limits = limits

    def __repr__(self) -> str:
        return f"<program of {len(self.graph)} nodes, inputs {', '.join(self.graph.inputs) or 'none'}>"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input variables in order of first appearance."""
        return tuple(self.graph.inputs)

    def over(self, shapes: Mapping[str, Shape]) -> Program:
        """The program for inputs of these shapes: itself, or the text read once more.

        Raises:
            ShapeError: the shapes do not fit; with the place in the text.
        """
        graph = self.graph
        if all(graph.shapes[i] == shapes[name] for name, i in graph.inputs.items()):
            return self
        return parse(self.source, shapes, self.limits)

    def node(self, name: str) -> int:
        """The node of an assigned name or an input.

        Raises:
            UnknownName: there is none.
        """
        for names in (self.assigned, self.graph.inputs):
            if name in names:
                return names[name]
        hint = f"it assigns: {', '.join(self.assigned)}" if self.assigned else f"write `{name} = …` in the program"
        raise UnknownName(f"the program assigns no `{name}`", hint=hint)


def parse(text: str, names: Collection[str] = (), limits: Limits = LIMITS) -> Program:
    """Read a program, and infer the shape of every value in it.

    Args:
        text: statements ``name = expression`` or expressions, separated by ``;`` or line ends.
        names: names that will have a value; they shadow constants such as ``e``. A mapping gives their shapes, such
            as ``{"W": (2, 3), "x": (3,)}``; without one the inputs are taken to be scalars, or, where these do not
            fit, to be of shapes that `evaluate` will tell.
        limits: the limits in force.

    Raises:
        LanguageError: the text is not in the language; the error has the place and the mend.
        ShapeError: the shapes do not fit; with the place.
        LimitError: the text is larger than a limit.
    """
    limits.hold("source", len(text))
    known = isinstance(names, Mapping)
    builder = Builder(text, names, limits, None if known else ())
    try:
        parser().parse(text, "program", builder)
    except ShapeError:
        if known:
            raise
        builder = Builder(text, names, limits, None)
        parser().parse(text, "program", builder)
    return Program(text, builder.graph, builder.output, builder.assigned, builder.notes, limits)


class BindingsBuilder(Builder):
    """Reads ``x=1, y=pi/4, v=[1, 2], W=@w.npy``: every value is an expression of numbers and constants, or a file.

    Args:
        read: gives the value in a file, by its path and the name that it is for.
    """

    def __init__(self, source: str, limits: Limits, read: Reader | None) -> None:
        super().__init__(source, (), limits)
        self.read = read
        self.nodes: dict[str, int | None] = {}
        self.files: dict[str, Any] = {}

    def bind(self, word: Word, node: int | None) -> None:
        name = word[0]
        self.check_name(word)
        if name in self.nodes:
            raise self.error(word, f"`{name}` is given twice", "give each name one value", PointError)
        self.nodes[name] = node

    def bind_file(self, word: Word, file: Word) -> None:
        if self.read is None:
            raise self.error(file, "values from files cannot be read here", "write the value itself")
        self.bind(word, None)
        self.files[word[0]] = self.read(file[0][1:], word[0])

    def variable(self, word: Word) -> int:
        if word[0] not in CONSTANTS:
            raise self.error(
                word, f"a value cannot use the name `{word[0]}`", "values are numbers and constants, such as `x=pi/4`",
                UnknownName,
            )  # fmt: skip
        return super().variable(word)

    def bindings(self, *_: Any) -> None:
        return None


def parse_bindings(text: str, limits: Limits = LIMITS, read: Reader | None = None) -> dict[str, Value]:
    """Read the values of ``--at``.

    Args:
        text: such as ``x=1, v=[1, 2], W=@w.npy``.
        limits: the limits in force.
        read: gives the value in a file, by its path and the name that it is for.

    Raises:
        LanguageError, PointError, ShapeError, FileProblem: with the place and the mend.
    """
    limits.hold("source", len(text))
    builder = BindingsBuilder(text, limits, read)
    try:
        parser().parse(text, "bindings", builder)
    except LanguageError as error:
        if not text.strip():
            raise PointError("no values are given", hint="write `--at x=1,y=2`") from None
        if text.lstrip().startswith("{"):
            raise PointError(
                "values are no JSON here", hint="write `x=1,y=2`, or put it in a file for --at-file"
            ) from None
        raise error
    graph = builder.graph
    hold_sizes(graph, limits)
    F = system_for(graph)
    with F.quiet():
        values = forward(F, graph, {})
    return {
        name: builder.files[name] if node is None else as_value(values[node]) for name, node in builder.nodes.items()
    }
