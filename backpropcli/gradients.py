"""The gradient as formulas: which nodes have a line and a name of their own, and which stand inside others.

A graph of a million nodes has formulas of some million characters, though the expression that it stands for may have
more than there are atoms: what is used more than once is written once, unless it is short.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import NamedTuple

from .graph import CONSTANT, INPUT, Graph
from .inputs import chosen
from .kernels.symbols import Computed, Symbols
from .language import Program
from .language.builder import CONSTANTS
from .operations.table import ATOM
from .text import constant, expression
from .transform.derivative import Derived, gradient
from .transform.rewriter import SHORT

LONG = 96
"""Characters: a formula that would be longer has parts with names."""

LONGEST_NAME = 64
"""Characters of a name, as the language reads it by default."""


class Line(NamedTuple):
    """A name and what it stands for.

    Attributes:
        name: in the language, such as ``t1``, ``q`` or ``grad_q``.
        of: the name by which the output is differentiated here, or "".
        node: what is computed.
        formula: in the language, over inputs and the names of lines before.
        alias: the formula is the name of another line, or of an input.
    """

    name: str
    of: str
    node: int
    formula: str
    alias: bool = False


class Formulas(NamedTuple):
    """The gradient of an output.

    Attributes:
        graph: computes the value and the gradient.
        output: the output's name.
        seed: the input that holds the output's upstream gradient, or "" where that is 1.
        inputs: the inputs that the gradient is taken with respect to.
        definitions: what has a name, in order of evaluation; the output is among them, unless it is an input.
        gradient: the gradient by every input, and what has a name and is made of that.
        known: the line that every node with a name has.
        texts: what inputs and constants are called in the language.
        verbatim: the nodes of the program itself.
    """

    graph: Graph
    output: str
    seed: str
    inputs: tuple[str, ...]
    definitions: list[Line]
    gradient: list[Line]
    known: dict[int, Line]
    texts: dict[int, str]
    verbatim: frozenset[int]

    @property
    def ranks(self) -> dict[str, int]:
        """How many axes what has a name has."""
        found = {name: len(self.graph.shape(i)) for name, i in self.graph.inputs.items()}
        return found | {line.name: len(self.graph.shape(i)) for i, line in self.known.items()}

    def used_definitions(self) -> list[Line]:
        """The definitions that the gradient is made of."""
        needed = self.graph.needed(line.node for line in self.gradient)
        return [line for line in self.definitions if needed[line.node]]

    @property
    def by_input(self) -> dict[str, Line]:
        """The gradient's line by input."""
        lines = {line.of: line for line in self.gradient}
        return {name: lines[name] for name in self.inputs}

    def program(self) -> Iterator[str]:
        """Value and gradient as a program that the language reads, a statement a line; its output is the value."""
        for line in (*self.definitions, *self.gradient):
            yield f"{line.name} = {line.formula}"
        yield self.output


def formulas(
    program: Program,
    *,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    ties: str = "split",
    computed: bool = False,
) -> Formulas:
    """The formulas of the gradient of one output.

    Args:
        program: all its shapes known.
        output: the assigned name to differentiate, where it is not the last statement.
        wrt: the inputs to differentiate by; all by default.
        ties: how operands of a maximum that tie share its gradient, ``split`` or ``first``.
        computed: the formulas are to be computed rather than read: no digit is given for a shorter one.

    Raises:
        OptionError: there is no such input; UnknownName: no such output.
    """
    node = program.output if output is None else program.node(output)
    system = Computed if computed else Symbols
    derived = gradient(program.graph, node, chosen(program.inputs, wrt), ties, system).simplified(settled=True)
    return _Lines(program.graph, derived).found()


class Names:
    """Names that nothing else has."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {*taken, *CONSTANTS}
        self.counts: dict[str, int] = {}
        self.prefix = "t"
        while any(name.startswith(self.prefix) and name[len(self.prefix) :].isdigit() for name in self.taken):
            self.prefix += "_"

    def free(self, wish: str) -> str:
        """The name wished for, with a number behind it where it is taken."""
        name = wish[:LONGEST_NAME]
        while name in self.taken:
            count = self.counts[wish] = self.counts.get(wish, 0) + 1
            name = f"{wish[: LONGEST_NAME - len(str(count)) - 1]}_{count}"
        self.taken.add(name)
        return name

    def short(self) -> str:
        """t1, t2, …"""
        count = self.counts[""] = self.counts.get("", 0) + 1
        return f"{self.prefix}{count}"


class _Lines:
    """Decides what has a name, then writes."""

    def __init__(self, program: Graph, derived: Derived) -> None:
        self.derived = derived
        self.graph = graph = derived.graph
        self.needed = graph.needed([derived.value, *derived.gradient.values()])
        self.names = Names([*graph.inputs, *program.names.values()])
        self.texts: dict[int, str] = dict(graph.names)
        self.own = self._assigned(program)
        self.output = self.own.get(derived.value) or graph.names.get(derived.value) or ""
        if not self.output or derived.value in graph.constants:
            self.output = self.own[derived.value] = self.names.free("f")
        self._write_constants()
        self.of = self._differentiated(program)

    def _assigned(self, program: Graph) -> dict[int, str]:
        """The names that the program assigned; one that it assigned again belongs to the last node."""
        found: dict[int, str] = {}
        last = {name: i for i, name in program.names.items()}
        for i, name in program.names.items():
            place = self.derived.places[i]
            leaf = program.operations[i] is INPUT or (program.constants.get(i) == CONSTANTS.get(name, inf))
            if not leaf and place not in found:
                found[place] = name if last[name] == i else self.names.free(name)
        return found

    def _write_constants(self) -> None:
        """Constants by their names, where these mean nothing else."""
        graph = self.graph
        others = {*graph.inputs, *self.own.values()}
        for i, value in graph.constants.items():
            name = graph.names.get(i, "")
            if name not in CONSTANTS or CONSTANTS[name] != value or name in others:
                text = constant(value, inf)
                self.texts[i] = text.replace("inf", "(1/0)") if "inf" in others else text

    def _differentiated(self, program: Graph) -> dict[int, str]:
        """By which name the output is differentiated where a node is its gradient: an input, or an assigned name."""
        found: dict[int, str] = {}
        derived = self.derived
        for name, i in derived.gradient.items():
            found.setdefault(i, name)
        for i in program.names:
            upstream, place = derived.upstream[i], derived.places[i]
            if upstream is not None and place in self.own:
                found.setdefault(upstream, self.own[place])
        return found

    def found(self) -> Formulas:
        named = self._named()
        graph, derived = self.graph, self.derived
        verbatim = frozenset(derived.places)
        known: dict[int, Line] = {}
        used, binding = [""] * len(graph), [ATOM] * len(graph)
        own = used[:]
        for i, needed in enumerate(self.needed):
            if needed:
                own[i], binding[i] = expression(graph, i, self.texts, used, binding, inf)
                used[i] = own[i]
            if needed and i in named:
                of = "" if i in self.own or i in verbatim else self.of.get(i, "")
                wish = self.own.get(i) or (self.names.free(f"grad_{of}") if of else self.names.short())
                known[i] = Line(wish, of, i, own[i])
                used[i], binding[i] = wish, ATOM
        lines = {line.of: line for line in known.values() if line.of}
        rest = []
        for name, i in derived.gradient.items():
            if name not in lines:
                alias = i in known or graph.operations[i] is INPUT
                rest.append(Line(self.names.free(f"grad_{name}"), name, i, used[i], alias))
        late = graph.dependents([line.node for name, line in lines.items() if name in derived.gradient])
        return Formulas(
            graph, self.output, derived.seed, tuple(derived.gradient),
            [line for i, line in known.items() if not late[i]], [*(known[i] for i in known if late[i]), *rest], known,
            self.texts, verbatim,
        )  # fmt: skip

    def _named(self) -> set[int]:
        """What has a name: what the program names, what is used more than once, parts of what would be too long."""
        graph, needed = self.graph, self.needed
        uses = [0] * len(graph)
        for i in self.derived.gradient.values():
            uses[i] += 1
        for i, operands in enumerate(graph.operands):
            if needed[i]:
                for j in operands:
                    uses[j] += 1
        found: set[int] = set()
        widths: list[int] = []
        for i, operands in enumerate(graph.operands):
            width = self._width(i, widths) if needed[i] else 0
            for j in sorted({*operands}, key=lambda j: -widths[j]) if width > LONG else ():
                if width > LONG and widths[j] > SHORT:
                    found.add(j)
                    width -= (widths[j] - NAMED) * operands.count(j)
                    widths[j] = NAMED
            if needed[i] and i in self.own:
                found.add(i)
                width = len(self.own[i])
            elif needed[i] and uses[i] > 1 and width > SHORT and graph.operations[i] is not INPUT:
                found.add(i)
                width = NAMED
            widths.append(width)
        return found

    def _width(self, i: int, widths: Sequence[int]) -> int:
        """About how many characters a node takes."""
        graph = self.graph
        operation = graph.operations[i]
        if operation is INPUT:
            return len(graph.names[i])
        if operation is CONSTANT:
            return max(len(self.texts.get(i, "")), 1)
        mark = len(operation.form) - 2 * len(operation.operands) if operation.form else len(operation.written) + 2
        if operation.name == "where":
            mark = 1  # where(x == y, 1/2, 0) is understood at a glance
        return mark + sum([widths[j] + 1 for j in graph.operands[i]])


NAMED = 4
"""Characters that a name is taken to have."""
