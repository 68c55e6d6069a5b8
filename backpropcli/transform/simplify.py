"""A graph with the same values by fewer nodes: what is equal is computed once, and exact identities are applied.

Identities of real numbers are taken only where they keep shapes and every NaN and infinity: 1·x is x, (xᵀ)ᵀ is x, but
0·x and x - x stay, which are NaN at infinity. Rounding may differ in the last digit, for factors move: a·(2·x) + a·x
counts as 3·(a·x), and sums and products of matrices let them pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from math import frexp, isfinite
from typing import Any, NamedTuple

from ..graph import CONSTANT, INPUT, Graph
from ..kernels.floats import Floats
from ..operations import OPERATIONS, Operation
from ..shapes import Shape, axes_of, broadcast, size

COMMUTATIVE = frozenset(("add", "mul", "equal", "not_equal", "logical_and", "logical_or"))

ONE = -1
"""In a term: no node, the number 1."""

LARGEST = 1e100
"""Factors beyond this, or below its reciprocal, stay where they are: moved, they may overflow."""


class Term(NamedTuple):
    """A number times a node."""

    factor: float
    node: int


def simplify(graph: Graph, keep: Iterable[int], verbatim: Collection[int] = ()) -> tuple[Graph, dict[int, int]]:
    """The graph without what nothing needs, simplified.

    Args:
        graph: all its shapes known.
        keep: the nodes whose values are wanted.
        verbatim: nodes that stay as they are written, though equal ones are computed once.

    Returns:
        The new graph, and where the nodes to keep stand in it.
    """
    keep = list(keep)
    needed = graph.needed(keep)
    writer = Rewriter()
    terms: list[Term | None] = [None] * len(graph)
    for i, operation in enumerate(graph.operations):
        if not needed[i]:
            continue
        shape = graph.shapes[i] or ()
        if operation is INPUT:
            terms[i] = Term(1.0, writer.graph.input(graph.names[i], shape))
        elif operation is CONSTANT:
            terms[i] = writer.number(graph.constants[i], shape, graph.names.get(i, ""))
        else:
            operands = [terms[j] for j in graph.operands[i]]
            if i in verbatim:
                terms[i] = Term(1.0, writer.node(operation, *[writer.whole(x) for x in operands]))  # type: ignore[arg-type]
            else:
                terms[i] = writer.rewritten(operation, operands, shape)  # type: ignore[arg-type]
    places = {i: writer.whole(terms[i]) for i in keep}  # type: ignore[arg-type]
    for i in keep:
        if i in graph.names:
            writer.graph.names.setdefault(places[i], graph.names[i])
    pruned, place = writer.graph.pruned(places.values())
    return pruned, {i: place[j] for i, j in places.items()}


class Rewriter:
    """Writes a graph in which no node stands twice.

    Attributes:
        graph: what was written.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.known: dict[Any, int] = {}
        self.floats = Floats()

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
        return self.node(row if row.attributes is None else row.bind(**attributes), *operands)

    def whole(self, term: Term) -> int:
        """The term as one node."""
        factor, node = term
        if node == ONE:
            key = ("constant", "", repr(factor))
            found = self.known.get(key)
            if found is None:
                found = self.known[key] = self.graph.constant(factor)
            return found
        if factor == 1.0:
            return node
        if factor == -1.0:
            return self.write("neg", node)
        if self.is_operation(node, "div"):  # 3/x, not 3·(1/x)
            top, bottom = self.graph.operands[node]
            value = self.constant_of(top)
            if value is not None and movable(factor * value):
                return self.write("div", self.whole_number(factor * value), bottom)
        return self.write("mul", self.whole_number(factor), node)

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
        if self.shape(found.node) != shape:
            if found.node == ONE:
                return Term(1.0, self.write("full", self.whole(found), shape=shape))
            found = Term(found.factor, self.write("full", found.node, shape=shape))
        return found

    def _folded(self, operation: Operation, operands: Sequence[Term]) -> Term | None:
        """The number that an operation on numbers is, if it is no longer to write than they are."""
        if not operands or operation.tensor or any(x.node != ONE for x in operands):
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

    def constant_of(self, node: int) -> float | None:
        """The number of a nameless constant node."""
        value = self.graph.constants.get(node)
        return value if isinstance(value, float) and node not in self.graph.names else None


def movable(factor: float) -> bool:
    """Whether a factor may be moved through an operation."""
    return 1.0 / LARGEST <= abs(factor) <= LARGEST


def _power_of_two(x: float) -> bool:
    return abs(frexp(x)[0]) == 0.5


Rule = Callable[..., Term | None]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def add(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return add


@rule("neg")
def _neg(writer: Rewriter, operation: Operation, x: Term) -> Term:
    return Term(-x.factor, x.node)


@rule("mul")
def _mul(writer: Rewriter, operation: Operation, x: Term, y: Term) -> Term | None:
    factor = x.factor * y.factor
    if not (movable(factor) and movable(x.factor) and movable(y.factor)):
        return None
    if ONE in (x.node, y.node):
        node = y.node if x.node == ONE else x.node
        if writer.is_operation(node, "div"):
            top, bottom = map(writer.constant_of, writer.graph.operands[node])
            if top is not None and bottom and (factor * top / bottom).is_integer():
                return Term(factor * top / bottom, ONE)
        return Term(factor, node)
    found = _product(writer, x.node, y.node)
    return Term(factor * found.factor, found.node) if movable(factor * found.factor) else None


def _product(writer: Rewriter, a: int, b: int) -> Term:
    shape = broadcast(writer.shape(a), writer.shape(b))
    a = writer.stretchless(a, writer.shape(b), shape)
    b = writer.stretchless(b, writer.shape(a), shape)
    for number, other in ((a, b), (b, a)):
        value = writer.constant_of(number)
        if value is not None and movable(value):
            return Term(value, other)
    if a == b:
        return Term(1.0, writer.write("square", a))
    for one, over in ((a, b), (b, a)):
        if writer.is_operation(over, "div"):
            top, bottom = writer.graph.operands[over]
            value = writer.constant_of(top)
            if value is not None and movable(value):
                return Term(value, writer.write("div", one, bottom))
    return Term(1.0, writer.write("mul", a, b))


@rule("add")
def _add(writer: Rewriter, operation: Operation, x: Term, y: Term) -> Term | None:
    for zero, other in ((x, y), (y, x)):
        if zero == (0.0, ONE):
            return other
    if not (movable(x.factor) and movable(y.factor)):
        return None
    if x.node == y.node:
        total = x.factor + y.factor
        return Term(total, x.node) if movable(total) else None
    shape = broadcast(writer.shape(x.node), writer.shape(y.node))
    a = writer.stretchless(x.node, writer.shape(y.node), shape)
    b = writer.stretchless(y.node, writer.shape(a), shape)
    x, y = Term(x.factor, a), Term(y.factor, b)
    if abs(x.factor) == abs(y.factor) and ONE not in (a, b):
        if x.factor == y.factor:
            return Term(x.factor, writer.write("add", a, b))
        first, second = (x, y) if x.factor > 0 else (y, x)
        return Term(first.factor, writer.write("sub", first.node, second.node))
    if y.factor < 0:
        x, y = y, x
    if x.factor >= 0:
        return Term(1.0, writer.write("add", writer.whole(x), writer.whole(y)))
    x = Term(-x.factor, x.node)
    if y.factor < 0:
        return Term(-1.0, writer.write("add", writer.whole(Term(-y.factor, y.node)), writer.whole(x)))
    return Term(1.0, writer.write("sub", writer.whole(y), writer.whole(x)))


@rule("sub")
def _sub(writer: Rewriter, operation: Operation, x: Term, y: Term) -> Term | None:
    return _add(writer, operation, x, Term(-y.factor, y.node))


@rule("div")
def _div(writer: Rewriter, operation: Operation, x: Term, y: Term) -> Term | None:
    if not (movable(x.factor) and movable(y.factor)):
        return None
    quotient = x.factor / y.factor
    exact = _power_of_two(y.factor) or (quotient.is_integer() and quotient * y.factor == x.factor)
    if y.node == ONE:
        if x.node != ONE and exact:
            return Term(quotient, x.node)
        return None if x.node == ONE else Term(x.factor, writer.write("div", x.node, writer.whole(y)))
    if x.node == ONE:  # a number stays above the line
        if y.factor < 0:
            return Term(-1.0, writer.write("div", writer.whole(x), writer.whole(Term(-y.factor, y.node))))
        return None
    if exact:
        return Term(quotient, writer.write("div", x.node, y.node))
    return Term(x.factor, writer.write("div", x.node, writer.whole(y)))


@rule("square")
def _square(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    factor = x.factor * x.factor
    if x.node == ONE or not movable(factor):
        return None
    return Term(factor, writer.write("square", x.node))


@rule("pow")
def _pow(writer: Rewriter, operation: Operation, x: Term, y: Term) -> Term | None:
    if y == (1.0, ONE):
        return x
    return _square(writer, operation, x) if y == (2.0, ONE) else None


@rule("abs")
def _abs(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    return None if x.node == ONE else Term(abs(x.factor), writer.write("abs", x.node))


@rule("where")
def _where(writer: Rewriter, operation: Operation, condition: Term, x: Term, y: Term) -> Term | None:
    if x == y:
        return x
    chosen = condition.factor == 1.0 and condition.node != ONE and writer.graph.operations[condition.node].condition
    return condition if chosen and (x, y) == ((1.0, ONE), (0.0, ONE)) else None


@rule("transpose")
def _transpose(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    shape = writer.shape(x.node)
    axes = (operation.attributes or {})["axes"] or tuple(reversed(range(len(shape))))
    axes = tuple(a % len(shape) for a in axes)
    node = x.node
    if writer.is_operation(node, "transpose"):
        inner = (writer.graph.operations[node].attributes or {})["axes"] or tuple(reversed(range(len(shape))))
        axes = tuple(inner[a] % len(shape) for a in axes)
        (node,) = writer.graph.operands[node]
    elif writer.is_operation(node, "outer") and axes == (1, 0):
        return Term(x.factor, writer.write("outer", *reversed(writer.graph.operands[node])))
    if axes == tuple(range(len(shape))):
        return Term(x.factor, node)
    plain = axes == tuple(reversed(range(len(shape))))
    return Term(x.factor, writer.write("transpose", node, axes=None if plain else axes))


@rule("reshape")
def _reshape(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    shape = operation.shape_of(writer.shape(x.node))
    node = x.node
    if writer.is_operation(node, "reshape"):
        (node,) = writer.graph.operands[node]
    if node != ONE and writer.shape(node) == shape:
        return Term(x.factor, node)
    return None if node == ONE else Term(x.factor, writer.write("reshape", node, shape=shape))


@rule("full")
def _full(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    node = x.node
    if writer.is_operation(node, "full"):
        (node,) = writer.graph.operands[node]
    if node == ONE:
        return None
    shape = operation.shape_of(writer.shape(node))
    if writer.shape(node) == shape:
        return Term(x.factor, node)
    return Term(x.factor, writer.write("full", node, shape=shape))


@rule("sum")
def _sum(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    if x.node == ONE:
        return None
    attributes = operation.attributes or {}
    shape = writer.shape(x.node)
    gone = axes_of(shape, attributes["axis"])
    if all(shape[a] == 1 for a in gone):  # nothing is added
        to = operation.shape_of(shape)
        return x if to == shape else Term(x.factor, writer.write("reshape", x.node, shape=to))
    if writer.is_operation(x.node, "full"):
        (inner,) = writer.graph.operands[x.node]
        count = float(size(tuple(shape[a] for a in gone)))
        if not writer.shape(inner) and movable(x.factor * count):
            value = writer.constant_of(inner)
            whole = Term(x.factor * count, inner) if value is None else Term(x.factor * count * value, ONE)
            to = operation.shape_of(shape)
            return (
                Term(whole.factor, writer.write("full", whole.node, shape=to))
                if to and value is None
                else (whole if not to else None)
            )
    return Term(x.factor, writer.node(operation, x.node))
