"""A graph for many tangents at once: what depends on them gets a leading axis.

Elementwise operations, reductions along axes, products and what only moves entries have rules for that; any other
operation is written once per tangent and stacked, which is right for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from ..graph import INPUT, Graph
from ..kernels.symbols import Symbol, Symbols
from ..operations import Operation
from ..shapes import Shape, axes_of

EVERYTHING = (None, None, None)


class Operand(NamedTuple):
    """An operand of a node.

    Attributes:
        symbol: it, with the leading axis if it has one.
        along: whether it has one.
        shape: its shape without.
    """

    symbol: Symbol
    along: bool
    shape: Shape


class Node(NamedTuple):
    """The operation to be written for many tangents.

    Attributes:
        F: the symbols of the new graph.
        operation: the operation.
        many: how many tangents.
        shape: the shape of the value for one of them.
    """

    F: Symbols
    operation: Operation
    many: int
    shape: Shape

    def attribute(self, name: str) -> Any:
        return self.operation.attributes[name]

    def write(self, *operands: Symbol, **attributes: Any) -> Symbol:
        """The same operation with other attributes."""
        return self.F.write(self.operation.name, *operands, **attributes)


def batched(graph: Graph, leaves: Collection[str], count: int, keep: Iterable[int]) -> tuple[Graph, dict[int, int]]:
    """The graph with `count` values of some inputs at once.

    Args:
        graph: all its shapes known.
        leaves: the inputs that get a leading axis of that length.
        count: how many values.
        keep: the nodes whose values are wanted.

    Returns:
        The new graph, and where the nodes to keep stand in it, all with the leading axis.
    """
    keep = list(keep)
    F = Symbols(Graph())
    found: list[Operand | None] = []
    for i, (operation, needed) in enumerate(zip(graph.operations, graph.needed(keep), strict=True)):
        shape = graph.shape(i)
        if not needed:
            found.append(None)
            continue
        operands = [found[j] for j in graph.operands[i]]
        along = any(x is not None and x.along for x in operands)
        if operation is INPUT and graph.names[i] in leaves:
            along = True
            symbol = Symbol(F, F.graph.input(graph.names[i], (count, *shape)))
        elif along:
            symbol = _written(Node(F, operation, count, shape), operands)  # type: ignore[arg-type]
        else:
            symbol = Symbol(F, graph.copied(i, F.graph, [x.symbol.index for x in operands if x is not None]))
        found.append(Operand(symbol, along, shape))
    place = {}
    for i in keep:
        x = found[i]
        assert x is not None
        place[i] = (x.symbol if x.along else F.write("full", x.symbol, shape=(count, *x.shape))).index
    return F.graph, place


def _written(node: Node, operands: list[Operand]) -> Symbol:
    rule = RULES.get(node.operation.name)
    found = None
    if rule is not None:
        found = rule(node, *operands)
    elif not node.operation.tensor:
        found = _elementwise(node, *operands)
    elif node.operation.reduces and "keepdims" in node.operation.attributes:
        found = _reduction(node, *operands)
    return _one_by_one(node, operands) if found is None else found


def _one_by_one(node: Node, operands: list[Operand]) -> Symbol:
    """Any operation: once per tangent."""
    F = node.F
    parts = []
    for n in range(node.many):
        own = [F.write("index", x.symbol, key=(n,)) if x.along else x.symbol for x in operands]
        parts.append(Symbol(F, F.graph.append(node.operation, *[x.index for x in own])))
    return F.write("stack", *parts, axis=0)


def _aligned(node: Node, x: Operand, rank: int) -> Symbol:
    """The operand with so many axes behind the leading one, so that the leading ones meet when it broadcasts."""
    if not x.along or len(x.shape) >= rank:
        return x.symbol
    return node.F.write("reshape", x.symbol, shape=(node.many, *(1,) * (rank - len(x.shape)), *x.shape))


def _spread(node: Node, x: Operand) -> Symbol:
    """The operand with the leading axis."""
    return x.symbol if x.along else node.F.write("full", x.symbol, shape=(node.many, *x.shape))


def _elementwise(node: Node, *operands: Operand) -> Symbol:
    aligned = [_aligned(node, x, len(node.shape)) for x in operands]
    return Symbol(node.F, node.F.graph.append(node.operation, *[x.index for x in aligned]))


def _from_the_end(axis: Any, shape: Shape) -> Any:
    """Axes counted from the last, where a leading axis does not move them."""
    axes = tuple(a - len(shape) for a in axes_of(shape, axis))
    return axes[0] if isinstance(axis, int) else axes


def _reduction(node: Node, x: Operand) -> Symbol:
    axis, keepdims = node.attribute("axis"), node.attribute("keepdims")
    if axis is None and node.operation.name == "argmax":
        x = Operand(node.F.write("reshape", x.symbol, shape=(node.many, -1)), True, (-1,))
        return node.F.write("reshape", node.write(x.symbol, axis=-1, keepdims=False), shape=(node.many, *node.shape))
    return node.write(x.symbol, axis=_from_the_end(axis, x.shape), keepdims=keepdims)


def _along(node: Node, x: Operand) -> Symbol:
    attributes = dict(node.operation.attributes)
    return node.write(x.symbol, **attributes | {"axis": _from_the_end(attributes["axis"], x.shape)})


def _transpose(node: Node, x: Operand) -> Symbol:
    rank = len(x.shape)
    axes = node.attribute("axes") or tuple(reversed(range(rank)))
    return node.write(x.symbol, axes=(0, *(a % rank + 1 for a in axes)))


def _reshape(node: Node, x: Operand) -> Symbol:
    return node.write(x.symbol, shape=(node.many, *node.shape))


def _full(node: Node, x: Operand) -> Symbol:
    return node.write(_aligned(node, x, len(node.shape)), shape=(node.many, *node.shape))


def _index(node: Node, x: Operand) -> Symbol:
    return node.write(x.symbol, key=(EVERYTHING, *node.attribute("key")))


def _scatter(node: Node, x: Operand) -> Symbol:
    return node.write(x.symbol, key=(EVERYTHING, *node.attribute("key")), into=(node.many, *node.shape))


def _joined(node: Node, *operands: Operand) -> Symbol:
    return node.write(*[_spread(node, x) for x in operands], axis=node.attribute("axis") % len(node.shape) + 1)


def _matmul(node: Node, a: Operand, b: Operand) -> Symbol | None:
    F = node.F
    m, n = len(a.shape), len(b.shape)
    if max(m, n) > 2:
        return None if min(m, n) < 2 else F.write("matmul", *[_aligned(node, x, max(m, n)) for x in (a, b)])
    if a.along and b.along:
        left = F.write("reshape", a.symbol, shape=(node.many, 1, *a.shape)) if m == 1 else a.symbol
        right = F.write("reshape", b.symbol, shape=(node.many, *b.shape, 1)) if n == 1 else b.symbol
        return F.write("reshape", F.write("matmul", left, right), shape=(node.many, *node.shape))
    if b.along and n == 1:  # A@b for every row b
        return F.write("matmul", b.symbol, F.write("transpose", a.symbol, axes=None) if m == 2 else a.symbol)
    return F.write("matmul", a.symbol, b.symbol)


def _dot(node: Node, x: Operand, y: Operand) -> Symbol:
    return node.F.write("sum", node.F.write("mul", x.symbol, y.symbol), axis=-1, keepdims=False)


def _outer(node: Node, x: Operand, y: Operand) -> Symbol:
    F = node.F
    left = F.write("reshape", x.symbol, shape=(*(node.many,) * x.along, *x.shape, 1))
    right = F.write("reshape", y.symbol, shape=(*(node.many,) * y.along, 1, *y.shape))
    return F.write("mul", left, right)


RULES: dict[str, Callable[..., Symbol | None]] = {
    "softmax": _along, "log_softmax": _along, "cumsum": _along,
    "transpose": _transpose, "reshape": _reshape, "full": _full, "index": _index, "scatter": _scatter,
    "concat": _joined, "stack": _joined, "matmul": _matmul, "dot": _dot, "outer": _outer,
}  # fmt: skip
