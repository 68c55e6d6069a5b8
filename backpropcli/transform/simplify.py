"""A graph with the same values by fewer nodes: what is equal is computed once, and exact identities are applied.

Identities of real numbers are taken only where they keep shapes and every NaN and infinity: 1·x is x, (xᵀ)ᵀ is x, but
0·x and x - x stay, which are NaN at infinity. Rounding may differ in the last digit, for factors move: a·(2·x) + a·x
counts as 3·(a·x), and sums and products of matrices let them pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import copysign, frexp, isfinite
from typing import Any, NamedTuple

from ..graph import CONSTANT, INPUT, Graph
from ..kernels.floats import Floats
from ..operations import OPERATIONS, Operation
from ..shapes import Shape, axes_of, broadcast, size

COMMUTATIVE = frozenset(("add", "mul", "equal", "not_equal", "logical_and", "logical_or"))

ONE = -1
"""In a term: no node, the number 1."""

SHORT = 20
"""Characters: what is shorter needs no name, even where it is used more than once."""

SUMS = frozenset(("add", "sub", "neg"))

FEW = 4
"""Entries of vectors that are added entry by entry."""

NESTED = 4
"""So many choices, one in the other, let a factor pass."""

LARGEST = 1e100
"""Factors beyond this, or below its reciprocal, stay where they are: moved, they may overflow."""


class Term(NamedTuple):
    """A number times a node."""

    factor: float
    node: int


def simplify(
    graph: Graph,
    keep: Iterable[int],
    verbatim: Collection[int] = (),
    settled: Collection[int] = (),
    collect: bool = False,
) -> tuple[Graph, dict[int, int]]:
    """The graph without what nothing needs, simplified.

    Args:
        graph: all its shapes known.
        keep: the nodes whose values are wanted.
        verbatim: nodes that stay as they are written, though equal ones are computed once.
        settled: nodes from which no factor moves on, if they are long to write: they will have a name.
        collect: count like terms of long sums together. A sum that a rule wrote against cancellation, such as
            (x - 1) + y, then loses what it was written for: only for formulas that are read.

    Returns:
        The new graph, and where the nodes to keep stand in it.
    """
    keep = list(keep)
    needed = graph.needed(keep)
    parts = _parts_of_sums(graph, needed, keep, verbatim) if collect else [False] * len(graph)
    writer = Rewriter()
    terms: list[Term | None] = [None] * len(graph)
    for i, operation in enumerate(graph.operations):
        if not needed[i] or parts[i]:
            continue
        shape = graph.shapes[i] or ()
        if operation is INPUT:
            terms[i] = Term(1.0, writer.graph.input(graph.names[i], shape))
        elif operation is CONSTANT:
            terms[i] = writer.number(graph.constants[i], shape, graph.names.get(i, ""))
        elif operation.name in SUMS and i not in verbatim:
            terms[i] = writer.shaped(writer.total(_terms_of(graph, i, parts, terms)), shape)
        else:
            operands = [terms[j] for j in graph.operands[i]]
            if i in verbatim:
                terms[i] = Term(1.0, writer.node(operation, *[writer.whole(x) for x in operands]))  # type: ignore[arg-type]
            else:
                terms[i] = writer.rewritten(operation, operands, shape)  # type: ignore[arg-type]
        if i in settled:
            terms[i] = writer.settled(terms[i])  # type: ignore[arg-type]
        elif i in verbatim and i in graph.names:
            writer.widths[terms[i].node] = len(graph.names[i])  # type: ignore[union-attr]
    places = {i: writer.whole(terms[i]) for i in keep}  # type: ignore[arg-type]
    for i in keep:
        if i in graph.names:
            writer.graph.names.setdefault(places[i], graph.names[i])
    pruned, place = writer.graph.pruned(places.values())
    return pruned, {i: place[j] for i, j in places.items()}


def _parts_of_sums(graph: Graph, needed: list[bool], keep: Iterable[int], verbatim: Collection[int]) -> list[bool]:
    """For every node whether it is a sum or difference that only another one uses."""
    users = [0] * len(graph)
    for i in keep:
        users[i] = 1
    part = [False] * len(graph)
    for i in range(len(graph) - 1, -1, -1):
        if needed[i]:
            of_a_sum = graph.operations[i].name in SUMS and i not in verbatim
            for j in graph.operands[i]:
                users[j] += 1
                part[j] = users[j] == 1 and of_a_sum and graph.operations[j].name in SUMS and j not in verbatim
    return part


def _terms_of(graph: Graph, i: int, parts: list[bool], terms: list[Term | None]) -> list[Term]:
    """What a sum adds up, through the sums and differences that are parts of it."""
    found = []
    left = [(i, 1.0)]
    while left:
        j, sign = left.pop()
        if j == i or parts[j]:
            first, *second = graph.operands[j]
            name = graph.operations[j].name
            left += [(k, sign if name == "add" else -sign) for k in second]
            left.append((first, -sign if name == "neg" else sign))
        else:
            factor, node = terms[j]  # type: ignore[misc]
            found.append(Term(sign * factor, node))
    return found


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
        found = _add(self, OPERATIONS["add"], x, y)
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
    a, b = writer.stretchless_pair(a, b)
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
    merged = _merged(writer, x, y)
    if merged is not None:
        return merged
    a, b = writer.stretchless_pair(x.node, y.node)
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
    if writer.is_operation(x.node, "full"):
        (inner,) = writer.graph.operands[x.node]
        if size(writer.shape(y.node)) == 1:  # one number divided, and then repeated
            number = writer.constant_of(inner)
            top = Term(x.factor, inner) if number is None else Term(x.factor * number, ONE)
            divided = writer.rewritten(operation, (top, y), broadcast(writer.shape(top.node), writer.shape(y.node)))
            return writer.shaped(divided, broadcast(writer.shape(x.node), writer.shape(y.node)))
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
    zero = (0.0, ONE)
    for term, branches in ((x, (x.node, ONE)), (y, (ONE, y.node))):
        if term.node != ONE and movable(term.factor) and zero == (y if term is x else x):
            c = writer.whole(condition)
            shape = broadcast(writer.shape(c), writer.shape(term.node))
            nodes = [writer.zero if n == ONE else writer.stretchless(n, writer.shape(c), shape) for n in branches]
            return Term(term.factor, writer.write("where", c, *nodes))
    return None


def _merged(writer: Rewriter, x: Term, y: Term) -> Term | None:
    """where(c, a, 0) + where(c, 0, b) as where(c, a, b), and [a, b] + [c, 0] as [a + c, b]."""
    for name, merge in (("stack", _side_by_side), ("where", _chosen_together)):
        if writer.is_operation(x.node, name) and writer.is_operation(y.node, name):
            with writer.deeper() as allowed:
                return merge(writer, x, y) if allowed else None
    return None


def _chosen_together(writer: Rewriter, x: Term, y: Term) -> Term | None:
    condition, *branches = writer.graph.operands[x.node]
    again, *others = writer.graph.operands[y.node]
    zeros = [writer.constant_of(node) == 0.0 for node in (*branches, *others)]
    otherwise = zeros[1] + zeros[3]
    if condition != again or not otherwise or not (zeros[0] or zeros[2] or otherwise == 2):
        return None
    found = []
    for a, b in zip(branches, others, strict=True):
        found.append(writer.whole(writer.sum_of(writer.scaled(x.factor, a), writer.scaled(y.factor, b))))
    return Term(1.0, writer.write("where", condition, *found))


def _side_by_side(writer: Rewriter, x: Term, y: Term) -> Term | None:
    graph = writer.graph
    row, shape = graph.operations[x.node], graph.shape(x.node)
    if row.key != graph.operations[y.node].key or graph.shapes[y.node] != shape or len(shape) > 1 or shape[0] > FEW:
        return None
    entries = [
        writer.whole(writer.sum_of(writer.scaled(x.factor, a), writer.scaled(y.factor, b)))
        for a, b in zip(graph.operands[x.node], graph.operands[y.node], strict=True)
    ]
    return Term(1.0, writer.node(row, *entries))


@rule("transpose")
def _transpose(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    shape = writer.shape(x.node)
    axes = operation.attributes["axes"] or tuple(reversed(range(len(shape))))
    axes = tuple(a % len(shape) for a in axes)
    node = x.node
    if writer.is_operation(node, "transpose"):
        inner = writer.graph.operations[node].attributes["axes"] or tuple(reversed(range(len(shape))))
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
    shape = operation.shape_of(writer.shape(node))
    if writer.shape(node) == shape:
        return Term(x.factor, node)
    if node == ONE:
        return None
    return Term(x.factor, writer.write("full", node, shape=shape))


@rule("index")
def _index(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    """Entries of what was put together entry by entry, and of what repeats one number."""
    if x.node == ONE:
        return None
    key = operation.attributes["key"]
    shape = operation.shape_of(writer.shape(x.node))
    if shape == writer.shape(x.node) and all(isinstance(k, tuple) and k[2] in (None, 1) for k in key):
        return x
    value = writer.graph.constants.get(x.node)
    if value is not None and not shape and movable(x.factor):
        for k in key:
            value = value[k]
        return Term(x.factor * value, ONE) if isinstance(value, float) else None
    if writer.is_operation(x.node, "full"):
        (inner,) = writer.graph.operands[x.node]
        number = writer.constant_of(inner)
        if not writer.shape(inner):
            whole = Term(x.factor, inner) if number is None else Term(x.factor * number, ONE)
            return writer.shaped(whole, shape)
    if writer.is_operation(x.node, "stack") and len(key) == 1 and isinstance(key[0], int):
        row = writer.graph.operations[x.node]
        if row.attributes["axis"] == 0:
            return Term(x.factor, writer.graph.operands[x.node][key[0]])
    return Term(x.factor, writer.node(operation, x.node))


@rule("sum")
def _sum(writer: Rewriter, operation: Operation, x: Term) -> Term | None:
    if x.node == ONE:
        return None
    attributes = operation.attributes
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
