"""What the grammar's rules mean: the builder turns them into nodes of a graph while the text is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from ..errors import BackpropError, LanguageError, LimitError, UnknownName, nearest
from ..graph import Graph
from ..limits import LIMITS, Limits
from ..operations import FUNCTIONS, OPERATIONS, Operation

Word = tuple[str, int]
"""A number or name as it stands in the text, and its position."""

CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf}


class Keyword(NamedTuple):
    """An argument given by name."""

    name: str
    value: int


class Builder:
    """Builds one graph; its methods are named like the rules of the grammar and take node numbers.

    Args:
        bound: names that have a value from outside, which shadow constants.
        limits: the limits in force.
    """

    def __init__(self, source: str, bound: Collection[str] = (), limits: Limits = LIMITS) -> None:
        self.source = source
        self.bound = bound
        self.limits = limits
        self.graph = Graph()
        self.assigned: dict[str, int] = {}
        self.notes: list[str] = []
        self.output = -1
        self.unnamed = False

    def callback(self, rule: str) -> Callable[..., Any]:
        """The method for a rule of the grammar; a rule named like an operation adds that operation's node."""
        method = getattr(self, rule, None)
        if method is not None:
            return method  # type: ignore[no-any-return]
        row = OPERATIONS.get(rule)
        if row is None:
            return self.unsupported
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
        return self.graph.input(name)

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

    def cube(self, operand: int) -> int:
        return self.graph.append(OPERATIONS["pow"], operand, self.graph.constant(3.0))

    # Calls

    def first(self, item: Any) -> list[Any]:
        return [item]

    def more(self, items: list[Any], item: Any) -> list[Any]:
        items.append(item)
        return items

    def same(self, items: list[Any]) -> list[Any]:
        return items

    def keyword(self, word: Word, value: int) -> Keyword:
        return Keyword(word[0], value)

    def call(self, word: Word, arguments: list[Any] | None = None) -> int:
        name, _ = word
        row = FUNCTIONS.get(name)
        if row is None:
            self.check_name(word)
        if row is None or row.condition:
            raise self.unknown_function(word)
        operands = self.arrange(word, row, arguments or [])
        return self.graph.append(row, *operands)

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
            raise self.error(word, problem, f"write `{row.signature.replace(row.name, word[0], 1)}`")
        return operands

    def unknown_function(self, word: Word) -> BackpropError:
        name, _ = word
        if name in self.assigned or name in self.graph.inputs or name in self.bound or name in CONSTANTS:
            return self.error(
                word, f"`{name}` is a variable, not a function", f"for a product write `{name}*(…)`", UnknownName
            )
        known = {"arctan2": "atan2", "fabs": "abs", "sgn": "sign", "heaviside": "step", "loge": "log", "if": "where"}
        better = known.get(name.lower()) or nearest(name, FUNCTIONS)
        hint = (
            f"did you mean `{better}`?"
            if better
            else f"`backprop gates` lists the functions; for a product write `{name}*(…)`"
        )
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

    def unsupported(self, *_: Any) -> int:
        raise LanguageError("tensors are not in this version", hint="write the entries as scalars")

    def error(
        self, word: Word, message: str, hint: str = "", kind: type[BackpropError] = LanguageError
    ) -> BackpropError:
        text, start = word
        return kind(message, hint=hint, source=self.source, start=start, end=start + len(text))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}…{text[-10:]}"
