"""Writes a graph in which no node stands twice, with numbers in front of nodes, by the identities that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import copysign, isfinite
from typing import Any, NamedTuple

from ..graph import Graph
from ..kernels.floats import Floats
from ..operations import OPERATIONS, Operation
from ..shapes import Shape, broadcast

COMMUTATIVE = frozenset(("add", "mul", "equal", "not_equal", "logical_and", "logical_or"))

ONE = -1
"""In a term: no node, the number 1."""

SHORT = 20
"""Characters: what is shorter needs no name, even where it is used more than once."""

NESTED = 4
"""So many choices, one in the other, let a factor pass."""

LARGEST = 1e100
"""Factors beyond this, or below its reciprocal, stay where they are: moved, they may overflow."""


class Term(NamedTuple):
    """A number times a node."""

    factor: float
    node: int


Rule = Callable[..., Term | None]
RULES: dict[str, Rule] = {}
"""What holds for operations on terms, by the operation's name; None where nothing does. `identities` fills it."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    def add(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return add


class Rewriter:
    """Writes a graph in which no node stands twice.

    Attributes:
        graph: what was written.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.known: dict[Any, int] = {}
        self.floats = Floats()
        self.widths: dict[int, int] = {}
        self.depth = 0

    def shape(self, node: int) -> Shape:
        return () if node == ONE else self.graph.shapes[node] or ()

    def number(self, value: Any, shape: Shape = (), name: str = "") -> Term:
        """A constant: a factor, unless it is a tensor, has a name, or is nothing to multiply with."""
        if isinstance(value, float) and not name:
            return Term(value, ONE)
        key = ("constant", name, repr(value))
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = self.graph.constant(value, shape)
            if name:
                self.graph.names[node] = name
        return Term(1.0, node)

    def node(self, operation: Operation, *operands: int) -> int:
        """The node of an operation, written where there is none yet."""
        order = tuple(sorted(operands)) if operation.name in COMMUTATIVE else operands
        key = (operation.key, order)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.graph.append(operation, *operands)
        return found

    def write(self, name: str, *operands: int, **attributes: Any) -> int:
        """The same, by the operation's name."""
        row = OPERATIONS[name]
        return self.node(row if not row.attributes else row.bind(**attributes), *operands)

    def settled(self, term: Term) -> Term:
        """The term as a node with a sign, where the node is long to write."""
        if self.width(term.node) <= SHORT or not term.factor:
            return term
        node = self.whole(Term(abs(term.factor), term.node))
        self.widths[node] = 2
        return Term(copysign(1.0, term.factor), node)

    def width(self, node: int) -> int:
        """About how many characters a node takes, of more than `SHORT` any number."""
        if node == ONE:
            return 1
        found = 0
        left = [node]
        while left and found <= SHORT:
            i = left.pop()
            found += self.widths.get(i) or len(self.graph.names.get(i, "+ ")) + 1
            left += () if i in self.widths else self.graph.operands[i]
        return found

    def whole(self, term: Term) -> int:
        """The term as one node."""
        factor, node = term
        if factor == 1.0 and node != ONE:
            return node
        if node == ONE:
            key = ("constant", "", repr(factor))
            found = self.known.get(key)
            if found is None:
                found = self.known[key] = self.graph.constant(factor)
            return found
        if factor == -1.0:
            return self.write("neg", node)
        if self.is_operation(node, "div"):  # 3/x, not 3·(1/x)
            top, bottom = self.graph.operands[node]
            value = self.constant_of(top)
            if value is not None and movable(factor * value):
                return self.write("div", self.whole_number(factor * value), bottom)
        if self.is_operation(node, "where"):
            with self.deeper() as allowed:
                if allowed:
                    return self.scaled_choice(factor, node)
        return self.write("mul", self.whole_number(factor), node)

    @contextmanager
    def deeper(self) -> Iterator[bool]:
        """Whether identities may look into one more choice: they call each other, and programs nest as they like."""
        self.depth += 1
        try:
            yield self.depth <= NESTED
        finally:
            self.depth -= 1

    def scaled_choice(self, factor: float, node: int) -> int:
        """where(c, 3·x, 0), not 3·where(c, x, 0); where neither branch is a number, the factor stays in front."""
        choices: list[tuple[int, int]] = []
        rest = node
        while self.is_operation(rest, "where") and len(choices) < NESTED:
            condition, x, rest = self.graph.operands[rest]
            choices.append((condition, x))
        ends = [rest, choices[0][1]] if len(choices) == 1 else [rest]
        if all(self.constant_of(end) is None for end in ends):
            return self.write("mul", self.whole_number(factor), node)
        found = self.whole(self.scaled(factor, rest))
        for condition, x in reversed(choices):
            found = self.write("where", condition, self.whole(self.scaled(factor, x)), found)
        return found

    def scaled(self, factor: float, node: int) -> Term:
        """A factor times a node, which may be a number, or a number times a node, itself."""
        value = self.constant_of(node)
        if value is not None:
            return Term(factor * value, ONE)
        if node in self.widths:
            return Term(factor, node)
        if self.is_operation(node, "neg"):
            return Term(-factor, self.graph.operands[node][0])
        if self.is_operation(node, "mul"):
            number, other = self.graph.operands[node]
            value = self.constant_of(number)
            if value is not None and movable(factor * value) and self.shape(other) == self.shape(node):
                return Term(factor * value, other)
        return Term(factor, node)

    @property
    def zero(self) -> int:
        return self.whole_number(0.0)

    def whole_number(self, factor: float) -> int:
        return self.whole(Term(factor, ONE))

    def rewritten(self, operation: Operation, operands: Sequence[Term], shape: Shape) -> Term:
        """An operation on terms, by the identities that hold for it."""
        found = self._folded(operation, operands)
        rule = RULES.get(operation.name)
        if found is None and rule is not None:
            found = rule(self, operation, *operands)
        if found is None and operation.multilinear:
            factor = 1.0
            for x in operands:
                factor *= x.factor
            if movable(factor) and all(movable(x.factor) for x in operands):
                nodes = [self.whole_number(1.0) if x.node == ONE else x.node for x in operands]
                found = Term(factor, self.node(operation, *nodes))
        if found is None:
            found = Term(1.0, self.node(operation, *[self.whole(x) for x in operands]))
        return self.shaped(found, shape)

    def shaped(self, found: Term, shape: Shape) -> Term:
        """The term stretched to the shape, if it has another."""
        if (not shape and not self.graph.tensors) or self.shape(found.node) == shape:
            return found
        if found.node == ONE:
            return Term(1.0, self.write("full", self.whole(found), shape=shape))
        return Term(found.factor, self.write("full", found.node, shape=shape))

    def total(self, terms: Iterable[Term]) -> Term:
        """The sum of many terms: like ones are counted together, and numbers stand last."""
        counted: dict[int, float] = {}
        apart: list[Term] = []
        for term in terms:
            factor = counted.get(term.node, 0.0) + term.factor
            if isfinite(factor) and (movable(term.factor) or term.node == ONE):
                counted[term.node] = factor
            else:
                apart.append(term)
        numbers = [Term(counted.pop(ONE), ONE)] if ONE in counted else []
        found = [Term(factor, node) for node, factor in counted.items() if factor]
        nothing = [Term(1.0, self.write("sub", node, node)) for node, factor in counted.items() if not factor]
        found += [*nothing, *apart]
        lead = next((at for at, term in enumerate(found) if term.factor > 0), -1)
        if lead > 0:  # b - a, not -a + b
            found.insert(0, found.pop(lead))
        found = [*numbers, *found] if lead < 0 else [*found, *numbers]
        total = found[0]
        for term in found[1:]:
            total = self.sum_of(total, term)
        return total

    def sum_of(self, x: Term, y: Term) -> Term:
        found = RULES["add"](self, OPERATIONS["add"], x, y)
        return Term(1.0, self.write("add", self.whole(x), self.whole(y))) if found is None else found

    def _folded(self, operation: Operation, operands: Sequence[Term]) -> Term | None:
        """The number that an operation on numbers is, if it is no longer to write than they are."""
        for x in operands:
            if x.node != ONE:
                return None
        if not operands or operation.tensor:
            return None
        value = self.floats.kernels[operation.key](*[x.factor for x in operands])
        short = len(repr(value)) <= sum(len(repr(x.factor)) for x in operands)
        return Term(value, ONE) if isfinite(value) and short else None

    def is_operation(self, node: int, name: str) -> bool:
        return node != ONE and self.graph.operations[node].name == name

    def stretchless(self, node: int, other: Shape, shape: Shape) -> int:
        """What the node stretches, where an elementwise operation with the other operand's shape does that as well."""
        if self.is_operation(node, "full"):
            (inner,) = self.graph.operands[node]
            if broadcast(self.shape(inner), other) == shape:
                return inner
        return node

    def stretchless_pair(self, a: int, b: int) -> tuple[int, int]:
        """The operands of an elementwise operation, one of which may leave the stretching to the other."""
        if not self.graph.tensors:
            return a, b
        shape = broadcast(self.shape(a), self.shape(b))
        a = self.stretchless(a, self.shape(b), shape)
        return a, self.stretchless(b, self.shape(a), shape)

    def constant_of(self, node: int) -> float | None:
        """The number of a nameless constant node."""
        value = self.graph.constants.get(node)
        return value if isinstance(value, float) and node not in self.graph.names else None


def movable(factor: float) -> bool:
    """Whether a factor may be moved through an operation."""
    return 1.0 / LARGEST <= abs(factor) <= LARGEST
