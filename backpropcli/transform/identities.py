"""Identities of operations on terms, exact up to the last digit, that keep shapes, NaN and infinities."""

from __future__ import annotations

from math import frexp

from ..operations import Operation
from ..shapes import axes_of, broadcast, size
from .rewriter import ONE, Rewriter, Term, movable, rule

FEW = 4
"""Entries of vectors that are added entry by entry."""


def _power_of_two(x: float) -> bool:
    return abs(frexp(x)[0]) == 0.5


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
