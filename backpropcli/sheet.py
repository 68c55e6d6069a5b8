"""What names mean in a session: values, and definitions over other names, as in the cells of a spreadsheet.

A definition is a formula and not a value: where a name changes, so does everything that is defined by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from .errors import BackpropError, LanguageError
from .language import Program, Statement, parse
from .language.builder import CONSTANTS
from .limits import LIMITS, Limits
from .values import Value

MOST_NAMES = 8
"""So many names are told in a message."""


class Definition:
    """Statements that define names: one statement alone, or all those of a program that assigns a name twice.

    Attributes:
        statements: the statements, in order.
        names: the names that they define.
        reads: the names that must be known before.
    """

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = tuple(statements)
        names: dict[str, None] = {}
        reads: dict[str, None] = {}
        for statement in statements:
            reads |= {name: None for name in statement.reads if name not in names}
            if statement.name:
                names[statement.name] = None
        self.names = tuple(names)
        self.reads = tuple(reads)


class Sheet:
    """The values and definitions; every name has one or the other.

    Attributes:
        values: by name.
        definitions: by each of their names, in the order in which they were typed.
    """

    def __init__(self, values: dict[str, Value], definitions: dict[str, Definition] | None = None) -> None:
        self.values = dict(values)
        self.definitions = dict(definitions or {})

    def copy(self) -> Sheet:
        """A sheet that can change without this one."""
        return Sheet(self.values, self.definitions)

    def __contains__(self, name: object) -> bool:
        return name in self.values or name in self.definitions

    def variable(self, name: str) -> bool:
        """Whether the name is no constant, or one such as ``e`` whose place something else has taken."""
        return name not in CONSTANTS or name in self

    def forget(self, name: str) -> list[str]:
        """Take away what the name means; the other names that were defined together with it go, too, and are told."""
        self.values.pop(name, None)
        definition = self.definitions.get(name)
        if definition is None:
            return []
        for each in definition.names:
            del self.definitions[each]
        return [each for each in definition.names if each != name]

    def set(self, name: str, value: Value) -> list[str]:
        """Give the name a value; the other names that `forget` would tell are told."""
        lost = self.forget(name) if name in self.definitions else []
        self.values[name] = value  # one that had a value keeps its place
        return lost

    def define(self, statements: Sequence[Statement]) -> Definition:
        """Define names, which mean nothing yet."""
        definition = Definition(statements)
        for name in definition.names:
            self.definitions[name] = definition
        return definition

    def needed(self, names: Iterable[str]) -> list[Definition]:
        """The definitions by which the names have a value: each behind those it needs, else in the order of typing.

        Raises:
            LanguageError: one needs itself.
        """
        reached: set[Definition] = set()
        left = list(names)
        while left:
            definition = self.definitions.get(left.pop())
            if definition is not None and definition not in reached:
                reached.add(definition)
                left += definition.reads
        order: dict[Definition, bool] = {}  # False while what it needs is being placed
        for root in self.definitions.values():
            if root not in reached or root in order:
                continue
            order[root] = False
            path = [(root, iter(root.reads))]
            while path:
                definition, reads = path[-1]
                for name in reads:
                    found = self.definitions.get(name)
                    if found is not None and order.get(found) is False:
                        raise _circle([d for d, _ in path], found)
                    if found is not None and found not in order:
                        order[found] = False
                        path.append((found, iter(found.reads)))
                        break
                else:
                    path.pop()
                    del order[definition]
                    order[definition] = True  # now, behind all that it needs
        return list(order)

    def program(self, target: Sequence[Statement], limits: Limits = LIMITS) -> tuple[Program, list[Statement]]:
        """The program whose last statements are the given ones, and all its statements.

        Raises:
            LanguageError, ShapeError: it is none; with the place where that was typed.
        """
        defined = {statement.name for statement in target}
        names = [name for name in Definition(target).reads if name not in defined]
        every = [s for definition in self.needed(names) for s in definition.statements] + list(target)
        with placed(every):
            return parse(joined(every), set(self.values), limits), every


def joined(statements: Iterable[Statement]) -> str:
    """The statements as one text, a line for each."""
    return "\n".join(statement.text for statement in statements)


@contextmanager
def placed(statements: Sequence[Statement]) -> Iterator[None]:
    """An error within the joined text of the statements gets the place where the statement was typed."""
    try:
        yield
    except BackpropError as error:
        if error.start >= 0 and error.source == joined(statements):
            start = 0
            for statement in statements:
                if error.start <= start + len(statement.text):
                    break
                start += len(statement.text) + 1
            moved = statement.start - start
            error.source = statement.source
            error.start, error.end = error.start + moved, error.end + moved
        raise


def _circle(path: list[Definition], again: Definition) -> LanguageError:
    """The error for a definition that needs itself."""
    names = [definition.names[0] for definition in [*path[path.index(again) :], again]]
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 2], "…", names[-1]]
    shown = " → ".join(f"`{name}`" if name != "…" else name for name in names)
    return LanguageError(f"`{names[0]}` would need itself: {shown}", hint="give one of them another name")
