"""What the grammar's rules mean: the builder turns them into nodes of a graph while the text is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BackpropError, LanguageError, LimitError, UnknownName, nearest
from ..graph import CONSTANT, Graph
from ..limits import LIMITS, Limits
from ..operations import FUNCTIONS, OPERATIONS, Operation

if TYPE_CHECKING:
    from ..shapes import Shape, Slice

Word = tuple[str, int]
"""A number or name as it stands in the text, and its position."""

CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "True": 1.0, "False": 0.0}

OF_ONE_TENSOR = {"max": "amax", "min": "amin"}
"""What compares several operands entry by entry, and reduces where there is one."""

FILLED = {"zeros": 0.0, "ones": 1.0, "eye": 1.0}
"""Tensors made from lengths."""


class Keyword(NamedTuple):
    """An argument given by name."""

    name: str
    value: int


class Builder:
    """Builds one graph; its methods are named like the rules of the grammar and take node numbers.

    Args:
        bound: names that have a value from outside, which shadow constants; with their shapes, where they are known.
        limits: the limits in force.
        shape: the shape of names whose own is not known; None where that is not known either.
    """

    def __init__(
        self, source: str, bound: Collection[str] = (), limits: Limits = LIMITS, shape: Shape | None = ()
    ) -> None:
        self.source = source
        self.bound = bound
        self.shape = shape
        self.limits = limits
        self.graph = Graph()
        self.assigned: dict[str, int] = {}
        self.notes: list[str] = []
        self.output = -1
        self.unnamed = False

    def callback(self, rule: str) -> Callable[..., Any] | None:
        """The method for a rule of the grammar; a rule named like an operation adds that operation's node."""
        method = getattr(self, rule, None)
        if method is not None:
            return method  # type: ignore[no-any-return]
        row = OPERATIONS.known(rule)
        if row is None:
            return None  # a rule of the grammar's other part
        append = self.graph.append
        return lambda *operands: append(row, *operands)

    # Leaves

    def number(self, word: Word) -> int:
        text, _ = word
        if len(text) > self.limits["literal"]:
            self.limits.hold("literal", len(text))
        value = float(text)
        if value == math.inf:
            raise self.error(word, f"{_short(text)} is larger than any float64, 1.8e308", "write `inf` for infinity")
        if value == 0 and any(c in "123456789" for c in text.lower().partition("e")[0]):
            self.notes.append(f"{_short(text)} is smaller than any float64 and becomes 0")
        return self.graph.constant(value)

    def variable(self, word: Word) -> int:
        name, _ = word
        node = self.assigned.get(name)
        if node is not None:
            return node
        if name in CONSTANTS and name not in self.bound:
            node = self.graph.constant(CONSTANTS[name])
            self.graph.names[node] = name
            return node
        self.check_name(word)
        if name in CONSTANTS and name not in self.graph.inputs:
            self.notes.append(f"`{name}` is the value given, not the constant {CONSTANTS[name]:.6g}")
        return self.graph.input(
            name, self.bound.get(name, self.shape) if isinstance(self.bound, Mapping) else self.shape
        )

    def check_name(self, word: Word) -> None:
        name, _ = word
        if len(name) > self.limits["name"]:
            raise self.error(
                word,
                f"a name of {len(name)} characters, and the limit is {self.limits['name']:.0f}",
                f"raise it with --limit name={len(name)}",
                LimitError,
            )
        if name.startswith("__") and name.endswith("__"):
            raise self.error(word, f"`{name}` is not in the language", "names do not both begin and end with `__`")

    # Operators beyond the table

    def plus(self, operand: int) -> int:
        return operand

    def neg(self, operand: int) -> int:
        """A number with its sign is a number."""
        graph = self.graph
        if operand == len(graph) - 1 and graph.operations[operand] is CONSTANT and operand not in graph.names:
            value = graph.constants[operand]
            if type(value) is float and math.copysign(1.0, value) > 0:
                graph.constants[operand] = -value
                return operand
        return graph.append(OPERATIONS["neg"], operand)

    def mul(self, x: int, y: int) -> int:
        node = self.graph.append(OPERATIONS["mul"], x, y)
        if self.graph.shapes[node]:
            a, b = self.graph.shape(x), self.graph.shape(y)
            if {len(a), len(b)} == {1, 2}:
                from ..shapes import written
                from ..text import expression_of

                left, right = expression_of(self.graph, x), expression_of(self.graph, y)
                self.notes.append(
                    f"`{left}*{right}` multiplies the shapes {written(a)} and {written(b)} entry by entry; "
                    f"did you mean `{left}@{right}`?"
                )
        return node

    def dotted(self, x: int, y: int) -> int:
        """``·`` is the product of scalars and the matrix product of tensors."""
        tensors = self.graph.shapes[x] and self.graph.shapes[y]
        return self.matmul(x, y) if tensors else self.mul(x, y)

    def matmul(self, x: int, y: int) -> int:
        return self.graph.append(OPERATIONS["matmul"], x, y)

    def transpose(self, operand: int) -> int:
        return self.graph.append(OPERATIONS["transpose"].bind(), operand)

    def array(self, items: list[int] | None = None) -> int:
        """A tensor; of numbers alone it is a constant."""
        graph = self.graph
        if items is None:
            return graph.constant((), (0,))
        if any(isinstance(item, Keyword) for item in items):
            raise LanguageError("`=` stands in no tensor", hint="write the entries alone")
        if any(graph.operations[i] is not CONSTANT or i in graph.names for i in items):
            return graph.append(OPERATIONS["stack"].bind(), *items)
        from ..shapes import stacked

        shape = stacked(*(graph.shape(i) for i in items))
        values = tuple(graph.constants[i] for i in items)
        for i in reversed(items):
            if i == len(graph) - 1:
                graph.drop_last()
        return graph.constant(values, shape)

    # Indices

    def missing(self) -> None:
        return None

    def slice(self, *bounds: int | None) -> Slice:
        start, stop, step = (None if i is None else self.whole(i) for i in (*bounds, None)[:3])
        return start, stop, step

    def index(self, operand: int, items: list[int | Slice]) -> int:
        """Entries at numbers and slices; a single index may be a tensor, whose entries are places."""
        if len(items) == 1 and isinstance(items[0], int) and not self.is_whole(items[0]):
            return self.graph.append(OPERATIONS["take"], operand, items[0])
        key = tuple(self.whole(item) if isinstance(item, int) else item for item in items)
        return self.graph.append(OPERATIONS["index"].bind(key=key), operand)

    def is_whole(self, node: int) -> bool:
        value = self.graph.constants.get(node)
        return isinstance(value, float) and value.is_integer()

    def whole(self, node: int) -> int:
        """The number that a node is, where a whole number must be written."""
        if not self.is_whole(node):
            raise LanguageError(
                "a whole number must stand here", hint="write the number itself: shapes are known before any value"
            )
        return int(self.graph.constants[node])

    def cube(self, operand: int) -> int:
        return self.graph.append(OPERATIONS["pow"], operand, self.graph.constant(3.0))

    # Calls

    def first(self, item: Any) -> list[Any]:
        return [item]

    def more(self, items: list[Any], item: Any) -> list[Any]:
        items.append(item)
        return items

    def keyword(self, word: Word, value: int) -> Keyword:
        return Keyword(word[0], value)

    def call(self, word: Word, arguments: list[Any] | None = None) -> int:
        name, _ = word
        arguments = arguments or []
        row = FUNCTIONS.get(name)
        if (row is None or row.lengths != "key") and any(type(a) is tuple for a in arguments):
            raise self.error(word, f"`{name}` takes no slices", "`:` stands in an index, such as `x[1:]`")
        if name in FILLED:
            return self.filled(word, arguments)
        if row is None:
            self.check_name(word)
        if row is None or row.condition:
            raise self.unknown_function(word)
        if row.variadic and row.name in OF_ONE_TENSOR and sum(not isinstance(a, Keyword) for a in arguments) == 1:
            row = OPERATIONS[OF_ONE_TENSOR[row.name]]
        if row.attributes:
            row, arguments = self.attributed(word, row, arguments)
        operands = self.arrange(word, row, arguments)
        return self.graph.append(row, *operands)

    def filled(self, word: Word, arguments: list[Any]) -> int:
        """``zeros(2, 3)``, ``ones(4)``, ``eye(3)``."""
        name = word[0]
        if not arguments or any(isinstance(a, Keyword) for a in arguments) or (name == "eye" and len(arguments) > 1):
            raise self.error(
                word, f"`{name}` takes lengths", "write `eye(3)`" if name == "eye" else f"write `{name}(2, 3)`"
            )
        shape = tuple(n for a in arguments for n in self.lengths(a))
        node = self.graph.append(OPERATIONS["full"].bind(shape=shape), self.graph.constant(FILLED[name]))
        return self.graph.append(OPERATIONS["diag"], node) if name == "eye" else node

    def lengths(self, node: int) -> tuple[int, ...]:
        """Whole numbers, written one by one or as a tensor."""
        value = self.graph.constants.get(node)
        if isinstance(value, tuple) and all(isinstance(x, float) and x.is_integer() for x in value):
            return tuple(int(x) for x in value)
        return (self.whole(node),)

    def attributed(self, word: Word, row: Operation, arguments: list[Any]) -> tuple[Operation, list[Any]]:
        """The operation bound to the attributes among the arguments, and the rest of them."""
        assert row.attributes
        rest: list[Any] = []
        values: dict[str, Any] = {}
        for argument in arguments:
            if isinstance(argument, Keyword) and argument.name in row.attributes and argument.name != row.lengths:
                if argument.name in values:
                    raise self.error(word, f"an argument of `{word[0]}` is given twice", f"write `{row.signature}`")
                found = self.lengths(argument.value)
                truth = isinstance(row.attributes[argument.name], bool)
                several = isinstance(self.graph.constants[argument.value], tuple)
                if truth and (several or found[0] not in (0, 1)):
                    raise self.error(word, f"`{argument.name}` is 0 or 1", f"write `{argument.name}=1`")
                several = several or isinstance(row.attributes[argument.name], tuple)
                values[argument.name] = bool(found[0]) if truth else found if several else found[0]
            elif row.lengths and not isinstance(argument, Keyword) and len(rest) >= len(row.operands):
                items = (argument,) if isinstance(argument, tuple) else self.lengths(argument)
                values[row.lengths] = (*values.get(row.lengths, ()), *items)
            else:
                rest.append(argument)
        if row.lengths:
            if row.lengths not in values:
                raise self.error(word, f"`{word[0]}` needs lengths", f"write `{row.signature}`")
            if not isinstance(row.attributes[row.lengths], tuple):
                if len(values[row.lengths]) > 1:
                    raise self.error(word, f"`{word[0]}` takes one length", f"write `{row.signature}`")
                values[row.lengths] = values[row.lengths][0]
        return row.bind(**values), rest

    def arrange(self, word: Word, row: Operation, arguments: list[Any]) -> list[int]:
        """The operands in the row's order, defaults filled in."""
        operands = [a for a in arguments if not isinstance(a, Keyword)]
        named = {a.name: a.value for a in arguments if isinstance(a, Keyword)}
        twice = len(operands) + len(named) < len(arguments) or set(named) & set(row.operands[: len(operands)])
        if twice:
            raise self.error(word, f"an argument of `{word[0]}` is given twice", f"write `{row.signature}`")
        required = len(row.operands) - len(row.defaults)
        if not row.variadic:
            for k, name in enumerate(row.operands[len(operands) :], len(operands)):
                if name in named:
                    operands.append(named.pop(name))
                elif k >= required:
                    operands.append(self.graph.constant(row.defaults[k - required]))
                else:
                    break
        short = len(operands) < len(row.operands)
        if short or named or (len(operands) > len(row.operands) and not row.variadic):
            given = len(arguments)
            if named:
                problem = f"`{word[0]}` has no argument called `{next(iter(named))}`"
            else:
                problem = f"`{word[0]}` does not take {given} argument{'' if given == 1 else 's'}"
            raise self.error(word, problem, f"write `{row.signature.replace(row.written, word[0], 1)}`")
        return operands

    def unknown_function(self, word: Word) -> BackpropError:
        name, _ = word
        if name in self.assigned or name in self.graph.inputs or name in self.bound or name in CONSTANTS:
            return self.error(
                word, f"`{name}` is a variable, not a function", f"for a product write `{name}*(…)`", UnknownName
            )
        from .elsewhere import INSTEAD

        instead = INSTEAD.get(name.lower())
        near = len(name) > 1 and nearest(name, [f for f in (*FUNCTIONS, *FILLED) if abs(len(f) - len(name)) <= 3])
        if instead:
            hint = f"write `{instead}`"
        elif near:
            hint = f"did you mean `{near}`?"
        else:
            hint = f"`backprop gates` lists the functions; for a product write `{name}*(…)`"
        return self.error(word, f"there is no function `{name}`", hint, UnknownName)

    # Statements

    def result(self, node: int) -> None:
        self.statement(node)
        self.unnamed = True

    def assign(self, word: Word, node: int) -> None:
        name, _ = word
        self.check_name(word)
        if name in self.graph.inputs:
            raise self.error(
                word,
                f"`{name}` is assigned here, but an earlier statement read it as an input",
                "give one of the two another name",
            )
        if name in CONSTANTS and name not in self.assigned:
            self.notes.append(f"`{name}` is what the program assigns, not the constant {CONSTANTS[name]:.6g}")
        self.assigned[name] = node
        self.graph.names.setdefault(node, name)
        self.statement(node)

    def statement(self, node: int) -> None:
        """What every statement does: it becomes the output, and one without a name before it was for nothing."""
        if self.unnamed:
            self.notes.append("a statement without a name, before the last one, is not used")
        self.unnamed = False
        self.output = node

    def program(self, *_: Any) -> None:
        return None

    def error(
        self, word: Word, message: str, hint: str = "", kind: type[BackpropError] = LanguageError
    ) -> BackpropError:
        text, start = word
        return kind(message, hint=hint, source=self.source, start=start, end=start + len(text))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}…{text[-10:]}"
