"""A program: its text, its graph, and what reading it found worth saying."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import LanguageError, PointError, UnknownName
from ..graph import Graph
from ..kernels.floats import FLOATS
from ..limits import LIMITS, Limits
from ..sweeps import forward
from .builder import CONSTANTS, Builder, Word
from .parser import parser


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
        self, source: str, graph: Graph, output: int, assigned: Mapping[str, int], notes: Collection[str] = ()
    ) -> None:
        self.source = source
        self.graph = graph
        self.output = output
        self.assigned = dict(assigned)
        self.notes = list(notes)

    def __repr__(self) -> str:
        return f"<program of {len(self.graph)} nodes, inputs {', '.join(self.graph.inputs) or 'none'}>"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input variables in order of first appearance."""
        return tuple(self.graph.inputs)

    def node(self, name: str) -> int:
        """The node of an assigned name or an input.

        Raises:
            UnknownName: there is none.
        """
        for names in (self.assigned, self.graph.inputs):
            if name in names:
                return names[name]
        raise UnknownName(
            f"the program assigns no `{name}`", hint=f"it has: {', '.join([*self.assigned, *self.inputs])}"
        )


def parse(text: str, names: Collection[str] = (), limits: Limits = LIMITS) -> Program:
    """Read a program.

    Args:
        text: statements ``name = expression`` or expressions, separated by ``;`` or line ends.
        names: names that will have a value; they shadow constants such as ``e``.
        limits: the limits in force.

    Raises:
        LanguageError: the text is not in the language; the error has the place and the mend.
        LimitError: the text is larger than a limit.
    """
    limits.hold("source", len(text))
    builder = Builder(text, names, limits)
    parser().parse(text, "program", builder)
    return Program(text, builder.graph, builder.output, builder.assigned, builder.notes)


class BindingsBuilder(Builder):
    """Reads ``x=1, y=pi/4``: every value is an expression of numbers and constants."""

    def __init__(self, source: str, limits: Limits) -> None:
        super().__init__(source, (), limits)
        self.nodes: dict[str, int] = {}

    def bind(self, word: Word, node: int) -> None:
        name = word[0]
        self.check_name(word)
        if name in self.nodes:
            raise self.error(word, f"`{name}` is given twice", "give each name one value", PointError)
        self.nodes[name] = node

    def bind_file(self, word: Word, file: Word) -> None:
        raise self.error(file, "values from files are not in this version", "write the value itself")

    def variable(self, word: Word) -> int:
        if word[0] not in CONSTANTS:
            raise self.error(
                word, f"a value cannot use the name `{word[0]}`", "values are numbers and constants, such as `x=pi/4`",
                UnknownName,
            )  # fmt: skip
        return super().variable(word)

    def bindings(self, *_: Any) -> None:
        return None


def parse_bindings(text: str, limits: Limits = LIMITS) -> dict[str, float]:
    """Read the values of ``--at``.

    Raises:
        LanguageError, PointError: with the place and the mend.
    """
    limits.hold("source", len(text))
    builder = BindingsBuilder(text, limits)
    try:
        parser().parse(text, "bindings", builder)
    except LanguageError as error:
        if not text.strip():
            raise PointError("no values are given", hint="write `--at x=1,y=2`") from None
        raise error
    values = forward(FLOATS, builder.graph, {})
    return {name: values[node] for name, node in builder.nodes.items()}
