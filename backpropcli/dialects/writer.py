"""From flat code to text: what all languages share. A language is a `Writer` that says how it spells things.

An operation is spelled by the first of these that there is: its sign (`INFIX`), a function of the language, a method of
the writer for it, or a function of our own that its formula makes, written above the code that calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from textwrap import wrap
from typing import Any, ClassVar, NamedTuple

from ..errors import OptionError, printable
from ..graph import CONSTANT, INPUT, Graph
from ..kernels.symbols import Symbol
from ..operations import OPERATIONS, Operation
from ..operations.table import AND, ATOM, NOT, OR, POWER, SIGN
from ..shapes import Shape
from ..text import expressions, labels, needs_brackets
from ..transform.simplify import simplify
from .flat import GRADIENT, VALUE, Flat, Line, Pattern, Rules, Variable
from .names import Names

CHOICE = -1
"""How tightly a conditional expression binds: less than anything."""

LONG = 52
"""Characters of an expression, beyond which a part of it gets a line of its own."""

WIDTH = 110
"""Characters of a comment in one line."""

MOST_LINES = 40
"""Lines of the program that the header repeats."""


class Piece(NamedTuple):
    """A part of an expression.

    Attributes:
        text: as the language writes it.
        binding: how tightly it binds.
        truth: it is true or false, and no number.
        constant: the number that it is, if it is one.
        shape: of its value.
    """

    text: str
    binding: int = ATOM
    truth: bool = False
    constant: float | None = None
    shape: Shape = ()


class Helper(NamedTuple):
    """A function of our own, such as the sigmoid.

    Attributes:
        name: its identifier.
        operation: what it computes.
        shapes: of its operands; of what works entry by entry they are scalars.
    """

    name: str
    operation: Operation
    shapes: tuple[Shape, ...]


Speller = Callable[..., Piece | None]


class Writer:
    """Writes one program in one language.

    Attributes:
        target: the language's word on the command line.
        title: its name.
        tensors: whether it has tensors.
        shielded: whether the language may differentiate the code once more, through the values (`flat.flat`).
        reserved: words that cannot be names.
        ascii: whether names are of ASCII letters alone.
        words: how operations that are signs are written, where they differ from our language.
        functions: the names of functions, with ``{}`` for the operation's own.
        formulas: what an operation is by others, where the language lacks it and the row has no formula.
        tab: one level of indentation.
    """

    target: ClassVar[str]
    title: ClassVar[str]
    tensors: ClassVar[bool] = True
    shielded: ClassVar[bool] = False
    reserved: ClassVar[frozenset[str]]
    ascii: ClassVar[bool] = False
    words: ClassVar[Mapping[str, str]] = {}
    functions: ClassVar[Mapping[str, str]] = {}
    formulas: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    spellers: ClassVar[Mapping[str, Speller]] = {}
    tab: ClassVar[str] = "    "

    def __init__(self, flat: Flat, function: str, taken: Iterable[str] = ()) -> None:
        self.flat = flat
        self.graph = flat.graph
        self.ties = flat.ties
        self.taken = {*self.reserved, *taken, function}
        self.outer = Names(self.taken, self.ascii)
        self.names = self.outer
        self.function = function
        self.helpers: dict[Any, Helper] = {}
        self.waiting: list[Any] = []
        self.calls: dict[Any, dict[Any, None]] = {None: {}}
        self.caller: Any = None
        self.variables: dict[Variable, str] = {}
        self._name_variables()
        words = self.variables
        self.words_of_nodes = {v.node: name for v, name in words.items() if v.kind == VALUE}

    # Names

    @property
    def needed(self) -> set[str]:
        """Names that the code defines for itself, which nothing else may have."""
        return set()

    def _name_variables(self) -> None:
        """Inputs first, for they are called by their names; then assigned names; the rest after their operations."""
        graph, flat = self.graph, self.flat
        found = labels(graph, flat.output)
        values = [graph.inputs[name] for name in graph.inputs] + [line.target.node for line in flat.forward]
        if flat.output not in values:
            values.append(flat.output)
        called = {i: found[i] for i in values if i in graph.names or i == flat.output}
        words = {i: self.outer.name(word) for i, word in called.items()}
        for i in values:
            self.variables[Variable(VALUE, i)] = words.get(i) or self.outer.numbered(graph.operations[i].name)
        gradients = [flat.output, *(line.target.node for line in flat.backward), *(graph.inputs[n] for n in flat.wrt)]
        for i in dict.fromkeys(gradients):
            word = f"grad_{self.variables[Variable(VALUE, i)]}"
            self.variables[Variable(GRADIENT, i)] = self.outer.name(word)

    @property
    def parameters(self) -> list[str]:
        """The identifiers of the inputs, in order of first appearance."""
        return [self.variables[Variable(VALUE, i)] for i in self.graph.inputs.values()]

    @property
    def value(self) -> str:
        return self.variables[Variable(VALUE, self.flat.output)]

    @property
    def seed(self) -> str:
        """The variable of the output's own gradient."""
        return self.variables[Variable(GRADIENT, self.flat.output)]

    def shape_of(self, variable: Variable) -> Shape:
        return self.graph.shape(variable.node)

    @property
    def assigned(self) -> set[Variable]:
        """The variables that have a line, and the output's gradient."""
        return {line.target for line in self.flat.backward} | {Variable(GRADIENT, self.flat.output)}

    # Expressions

    def expression(self, pattern: Pattern, names: Mapping[str, Piece], lines: list[str]) -> Piece:
        """The pattern over names; parts used twice, and long ones, go to lines of their own before it."""
        graph = pattern.graph
        uses = [0] * len(graph)
        for operands in graph.operands:
            for j in operands:
                uses[j] += 1
        pieces: list[Piece] = []
        for i, operation in enumerate(graph.operations):
            shape = graph.shape(i)
            if operation is INPUT:
                piece = names[graph.names[i]]
            elif operation is CONSTANT:
                piece = self.constant(graph.constants[i], shape)
            else:
                piece = self.spell(operation, [pieces[j] for j in graph.operands[i]])._replace(shape=shape)
                if i != pattern.root and (uses[i] > 1 or len(piece.text) > LONG):
                    piece = self.temporary(operation.name, piece, lines)
            pieces.append(piece)
        return pieces[pattern.root]

    def spell(self, operation: Operation, operands: list[Piece]) -> Piece:
        """An operation on pieces."""
        name = operation.name
        speller = self.spellers.get(name)
        found = speller(self, operation, *operands) if speller is not None else None
        if found is not None:
            return found
        form = self.words.get(name) or sign_of(operation)
        if form:
            return self.infix(form, operation, operands)
        function = self.function_of(name)
        return self.call_helper(operation, operands) if function is None else self.call(function, operands)

    def function_of(self, name: str) -> str | None:
        """The language's function for an operation, if there is one."""
        function = self.functions.get(name)
        return None if function is None else function.format(name)

    def infix(self, form: str, operation: Operation, operands: Sequence[Piece]) -> Piece:
        """Operands around a sign, in brackets where they need them."""
        logical = operation.binding in (OR, AND, NOT)
        pieces = [self.truth(x) if logical else self.number(x) for x in operands]
        texts = [f"({x.text})" if needs_brackets(operation, k, x.binding) else x.text for k, x in enumerate(pieces)]
        return Piece(form.format(*texts), operation.binding, operation.condition)

    def call(self, function: str, operands: Sequence[Piece], *rest: str) -> Piece:
        return Piece(f"{function}({', '.join([*(self.argument(x).text for x in operands), *rest])})")

    def argument(self, piece: Piece) -> Piece:
        """A piece as an argument of a function."""
        return self.number(piece)

    def number(self, piece: Piece) -> Piece:
        """The piece as a number."""
        return self.as_number(piece)._replace(shape=piece.shape) if piece.truth else piece

    def truth(self, piece: Piece) -> Piece:
        """The piece as a truth."""
        if piece.truth:
            return piece
        unequal = OPERATIONS["not_equal"]
        return self.infix(sign_of(unequal), unequal, [piece, self.constant(0.0)])

    def as_number(self, piece: Piece) -> Piece:
        """A truth as a number."""
        raise NotImplementedError

    def constant(self, value: Any, shape: Shape = ()) -> Piece:
        """A number, or a tensor."""
        text = self.literal(value)
        return Piece(text, SIGN if text.startswith("-") else ATOM, constant=value, shape=shape)

    def literal(self, value: float) -> str:
        """A float as the language reads it."""
        return repr(value)

    def temporary(self, word: str, piece: Piece, lines: list[str]) -> Piece:
        """The piece on a line of its own; and its name."""
        name = self.names.numbered(word)
        lines += self.assignment(name, piece)
        return piece._replace(text=name, binding=ATOM)

    # Lines

    def assignment(self, name: str, piece: Piece) -> list[str]:
        """The line of a new variable."""
        return [f"{name} = {piece.text}"]

    def addition(self, name: str, piece: Piece) -> list[str]:
        """The line that adds to a variable."""
        return [f"{name} += {piece.text}"]

    def line(self, line: Line) -> list[str]:
        """A line of the flat code, and what must stand before it."""
        names = {role: self.variable(v) for role, v in line.roles.items() if v in self.variables}
        return self.statement(line.target, line.pattern, names, line.adds)

    def statement(
        self, target: Variable, pattern: Pattern, names: Mapping[str, Piece], adds: bool = False
    ) -> list[str]:
        """The lines by which a variable becomes, or is raised by, a pattern over names."""
        lines: list[str] = []
        piece, name = self.number(self.expression(pattern, names, lines)), self.variables[target]
        return lines + (self.addition(name, piece) if adds else self.assignment(name, piece))

    def variable(self, variable: Variable) -> Piece:
        return Piece(self.variables[variable], shape=self.shape_of(variable))

    def seeded(self, upstream: Piece, given: bool) -> list[str]:
        """The lines of the output's own gradient: the one given, or 1, but where the value is NaN."""
        note = [self.comment(f"{self.value} has no gradient where it is NaN")] if self.flat.hides else []
        names = {"upstream": upstream, "z": self.variable(Variable(VALUE, self.flat.output))}
        return note + self.statement(Variable(GRADIENT, self.flat.output), self.flat.seed(given), names)

    def forward(self) -> list[str]:
        """The lines of the values."""
        return [text for line in self.flat.forward for text in self.line(line)]

    def backward(self) -> list[str]:
        """The lines of the gradients, each behind its rule."""
        found: list[str] = []
        for line in self.flat.backward:
            found += map(self.comment, wrap(self.rule(line), WIDTH, subsequent_indent=self.tab))
            found += self.line(line)
        return found

    def rule(self, line: Line) -> str:
        """Which rule a backward line follows: the gate, its pattern, and the local gradient."""
        graph, maker, i, k = self.graph, self.flat.maker, line.node, line.k
        operation = graph.operations[i]
        x = self.words_of_nodes[graph.operands[i][k]]
        z = self.words_of_nodes[i]
        words = {role: self.words_of_nodes.get(v.node, "") for role, v in line.roles.items()}
        words["upstream"] = self.variables[Variable(GRADIENT, i)]
        gate = worded(maker.gate(i), words)
        local = operation.told[k] if operation.told else worded(maker.told(i, k), words)
        what = f"gradient of {x}" if operation.tensor and not operation.reduces else f"d{z}/d{x}"
        return f"{z} = {gate}, {maker.graph.gate(i).pattern}: {what} = {local}"

    # Functions of our own

    def call_helper(self, operation: Operation, operands: Sequence[Piece]) -> Piece:
        """A call of the function that computes the operation."""
        return self.call(self.helper(operation, [x.shape for x in operands]).name, operands)

    def helper(self, operation: Operation, shapes: Sequence[Shape]) -> Helper:
        """The function of our own for an operation, on operands of these shapes."""
        entrywise = not operation.tensor and not operation.attributes
        key = (operation.key, ((),) * len(shapes) if entrywise else tuple(shapes))
        if key not in self.helpers:
            if self.formula(operation) is None:
                raise OptionError(
                    f"{self.title} has no `{operation.written}`, and it has no formula in what {self.title} has",
                    hint="choose another target, such as --target numpy",
                )
            self.helpers[key] = Helper(self.outer.name(operation.name), operation, key[1])
            self.waiting.append(key)
        self.calls.setdefault(self.caller, {})[key] = None
        return self.helpers[key]

    def formula(self, operation: Operation) -> Callable[..., Any] | None:
        """What the operation is by others."""
        own = self.formulas.get(operation.name)
        if own is not None:
            return lambda F, *operands: own(F, *operands, **operation.attributes)
        return operation.value

    def written_helpers(self) -> list[list[str]]:
        """The functions of our own, each before those that call it."""
        texts: dict[Any, list[str]] = {}
        while self.waiting:
            self.caller = self.waiting.pop()
            self.calls[self.caller] = {}
            texts[self.caller] = self.written_helper(self.helpers[self.caller])
        self.caller = None
        order = TopologicalSorter({key: called for key, called in self.calls.items() if key is not None})
        return [texts[key] for key in order.static_order() if key in texts]

    def written_helper(self, helper: Helper) -> list[str]:
        words = parameter_words(helper)
        F = Rules(Graph(), self.ties)
        operands = [Symbol(F, F.graph.input(w, shape)) for w, shape in zip(words, helper.shapes, strict=True)]
        formula = self.formula(helper.operation)
        assert formula is not None
        found = F.symbol(formula(F, *operands)).index
        # Formulas of our own hold differences that are 0 but for rounding: they stay as they are.
        own = helper.operation.name in self.formulas or helper.operation.name not in OPERATIONS
        graph, place = F.graph.pruned([found]) if own else simplify(F.graph, [found])
        pattern = Pattern(graph, place[found])
        self.names = Names({*self.taken, *(h.name for h in self.helpers.values())}, self.ascii)
        names = {w: Piece(self.names.name(w), shape=shape) for w, shape in zip(words, helper.shapes, strict=True)}
        text = self.helper_text(helper, list(names.values()), pattern)
        self.names = self.outer
        return text

    def helper_text(self, helper: Helper, operands: list[Piece], pattern: Pattern) -> list[str]:
        """The function whose parameters are the operands and whose result is the pattern."""
        raise NotImplementedError

    # The whole

    def comment(self, text: str) -> str:
        """A line of comment; the text may hold anything."""
        raise NotImplementedError

    def header(self, source: str, stamp: Sequence[str]) -> list[str]:
        """What stands above everything: the program, and what was verified."""
        # The first two lines are our own: Python looks there for the encoding of the file.
        lines = [
            f"{self.function}: {self.purpose}",
            f"made by backprop {_version()} for {self.title}, from the program",
        ]
        statements = source.splitlines()
        lines += [f"    {_cut(text)}" for text in statements[:MOST_LINES]]
        if len(statements) > MOST_LINES:
            lines.append(f"    ({len(statements) - MOST_LINES:,} more lines)")
        lines += self.conventions()
        return [self.comment(text) for text in [*lines, *stamp]]

    @property
    def purpose(self) -> str:
        """One line that says what the function gives."""
        names = ", ".join(self.variables[Variable(VALUE, self.graph.inputs[n])] for n in self.flat.wrt) or "nothing"
        return f"{self.value} and its gradient by {names if len(names) < 60 else names[:56] + ' …'}"

    def conventions(self) -> list[str]:
        """What a user of the function must know, for the header."""
        return []

    def render(self, source: str, stamp: Sequence[str]) -> str:
        """The whole text.

        Args:
            source: the program's text.
            stamp: lines that say what was verified.
        """
        raise NotImplementedError


def sign_of(operation: Operation) -> str:
    """How an operation is written that is a sign in every language, such as ``{} * {}``; "" for any other."""
    if not operation.form or operation.attributes or operation.binding == POWER:
        return ""
    return operation.form.replace("{}*{}", "{} * {}").replace("{}/{}", "{} / {}").replace("{}@{}", "{} @ {}")


def worded(pattern: Pattern, words: Mapping[str, str]) -> str:
    """An expression in our own language, for a comment."""
    graph = pattern.graph
    names = {i: words[graph.names[i]] for i, operation in enumerate(graph.operations) if operation is INPUT}
    return expressions(graph, names, 100)[pattern.root].replace("ᵀ", ".T")


def parameter_words(helper: Helper) -> list[str]:
    """The names of a helper's parameters: those of the row, and numbered ones where it takes any number."""
    words = list(helper.operation.operands)
    return words + [f"{words[-1]}{k}" for k in range(2, len(helper.shapes) - len(words) + 2)]


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _version() -> str:
    from .. import __version__

    return __version__
