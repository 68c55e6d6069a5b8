"""Reductions: of a tensor's entries, all or along axes, one number is made. Partials are of the tensor's shape."""

from __future__ import annotations

from math import inf
from typing import Any

from .. import shapes
from ..shapes import Axis, size
from .counts import ADD, COMPARE, MULTIPLY, Counts
from .table import CostRule, operation

AXES = {"axis": None, "keepdims": False}


def folded(step: Counts) -> CostRule:
    """A step for every entry that is put to another one."""
    return lambda z, x, **attributes: step.times(size(x) - size(z))


def count(F: Any, x: Any, axis: Axis) -> float:
    """How many entries are reduced to one."""
    shape = F.shape(x)
    return float(shapes.size(tuple(shape[i] for i in shapes.axes_of(shape, axis))))


def pivot(F: Any, x: Any, axis: Axis) -> Any:
    """The largest entry, which is taken off before exponentials so that none overflows; 0 where it is infinite."""
    largest = F.amax(x, axis=axis, keepdims=True)
    return F.where(F.less(F.abs(largest), inf), largest, 0.0)


def log_excess(F: Any, x: Any, top: Any, axis: Axis) -> Any:
    """log(sum(exp(x - top))), exact also where one entry outweighs the others by far: its own share is no sum but 1."""
    at_top = F.equal(x, top)
    others = F.sum(F.where(at_top, 0.0, F.exp(x - top)), axis=axis, keepdims=True)
    return F.log1p(others + (F.sum(at_top, axis=axis, keepdims=True) - 1.0))


def logsumexp(F: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    top = pivot(F, x, axis)
    found = top + log_excess(F, x, top, axis)
    return found if keepdims else F.reshape(found, shape=shapes.reduced(F.shape(x), axis))


def shares(F: Any, x: Any, axis: Axis) -> Any:
    """`softmax` over any axes. It keeps the digits that exp(x - logsumexp(x)) loses at large scores."""
    rank = len(F.shape(x))
    if isinstance(axis, int) or (axis is None and rank == 1):
        return F.softmax(x, axis=-1 if axis is None else axis)
    return softmax(F, x, axis)


def softmax(F: Any, x: Any, axis: Axis) -> Any:
    if 0 in F.shape(x):
        return x
    bells = F.exp(x - pivot(F, x, axis))
    return F.div(bells, F.sum(bells, axis=axis, keepdims=True))


def centred(F: Any, t: Any, z: Any, axis: int) -> Any:
    """t less its entry where z is largest: no shift changes what softmax makes of t, and this one cancels least."""
    if 0 in F.shape(z):
        return t
    return F.shifted(t, F.equal(z, F.amax(z, axis=axis, keepdims=True)), axis)


def sum_of_others(F: Any, g: Any, z: Any, axis: int) -> Any:
    """For every entry the sum of the others, exact for the largest share, beside which the others' may be tiny."""
    if 0 in F.shape(z):
        return g
    return F.sum_of_others(g, F.equal(z, F.amax(z, axis=axis, keepdims=True)), axis)


def softmax_change(F: Any, t: Any, z: Any, x: Any, axis: int) -> Any:
    """z*(t - sum(z*t)): how softmax changes along t, and its own adjoint."""
    t = centred(F, t, z, axis)
    return F.mul(z, t - F.sum(F.mul(z, t), axis=axis, keepdims=True))


def log_softmax(F: Any, x: Any, axis: int) -> Any:
    if 0 in F.shape(x):
        return x
    top = pivot(F, x, axis)
    return (x - top) - log_excess(F, x, top, axis)


def tied(F: Any, z: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """More than one entry attains the chosen value."""
    top = z if keepdims or axis is None else F.reshape(z, shape=shapes.kept(F.shape(x), axis))
    return F.greater(F.sum(F.equal(x, top), axis=axis, keepdims=keepdims), 1.0)


def products_of_others(F: Any, x: Any, axis: Axis) -> Any:
    """For every entry the product of all others, without a division, so that zeros do no harm.

    A tree: neighbours are multiplied level by level; on the way back every entry gets its neighbour's product.
    """
    shape = F.shape(x)
    gone = shapes.axes_of(shape, axis)
    order = tuple(i for i in range(len(shape)) if i not in gone) + gone
    rows = shapes.size(shapes.reduced(shape, axis))
    entries = shapes.size(shape) // max(rows, 1)
    level = F.reshape(F.transpose(x, axes=order), shape=(rows, entries))
    width, levels = entries, []
    while width > 1:
        if width % 2:
            level, width = F.concat(level, F.full(1.0, shape=(rows, 1)), axis=1), width + 1
        pairs = F.reshape(level, shape=(rows, width // 2, 2))
        first, second = (F.index(pairs, key=((None, None, None), (None, None, None), k)) for k in (0, 1))
        levels.append((first, second))
        level, width = F.mul(first, second), width // 2
    others = F.full(1.0, shape=(rows, width))
    for first, second in reversed(levels):
        held = F.shape(first)[1]
        others = F.index(others, key=((None, None, None), (None, held, None)))
        others = F.reshape(F.stack(F.mul(others, second), F.mul(others, first), axis=2), shape=(rows, 2 * held))
    others = F.index(others, key=((None, None, None), (None, entries, None)))
    back = tuple(order.index(i) for i in range(len(shape)))
    return F.transpose(F.reshape(others, shape=tuple(shape[i] for i in order)), axes=back)


operation(
    "sum", "Sum of the entries.", pattern="gradient distributor", reduces=True, attributes=AXES, shape=shapes.reduced,
    multilinear=True,
    cost=folded(ADD),
    partials=lambda F, z, x, axis, keepdims: 1.0,
)  # fmt: skip
operation(
    "mean", "Mean of the entries.", pattern="gradient distributor", reduces=True, attributes=AXES, shape=shapes.reduced,
    multilinear=True,
    value=lambda F, x, axis, keepdims: F.div(F.sum(x, axis=axis, keepdims=keepdims), count(F, x, axis)),
    partials=lambda F, z, x, axis, keepdims: F.div(1.0, count(F, x, axis)),
)  # fmt: skip
operation(
    "prod", "Product of the entries.", pattern="swap multiplier", reduces=True, attributes=AXES, shape=shapes.reduced,
    cost=folded(MULTIPLY),
    partials=lambda F, z, x, axis, keepdims: products_of_others(F, x, axis),
    told=("the product of the other entries",),
)  # fmt: skip
for _name, _word in (("amax", "max"), ("amin", "min")):
    operation(
        _name, f"The {_word[:3]}imum of the entries; entries that tie share the gradient.", pattern="gradient router",
        reduces=True, attributes=AXES, shape=shapes.chosen, written=_word,
        cost=folded(COMPARE),
        partials=lambda F, z, x, axis, keepdims: F.share_among(z, x, axis),
        kink=tied, kink_told="entries tie", structural=True,
    )  # fmt: skip
operation(
    "var", "Variance of the entries: the mean of the squared distances from their mean.", pattern="power rule",
    reduces=True, attributes=AXES, shape=shapes.reduced,
    value=lambda F, x, axis, keepdims: F.mean(
        F.square(x - F.mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims
    ),
    partials=lambda F, z, x, axis, keepdims: F.div(2.0, count(F, x, axis)) * (x - F.mean(x, axis=axis, keepdims=True)),
    textbook=("2/n*(x - mean(x))",),
)  # fmt: skip
operation(
    "std", "Standard deviation of the entries, the root of `var`; its gradient at 0 is 0.", pattern="unit vector",
    reduces=True, attributes=AXES, shape=shapes.reduced,
    value=lambda F, x, axis, keepdims: F.div(
        F.norm(x - F.mean(x, axis=axis, keepdims=True), axis=axis, keepdims=keepdims), F.sqrt(count(F, x, axis))
    ),
    partials=lambda F, z, x, axis, keepdims: F.where(
        F.equal(z, 0.0), 0.0, F.div(x - F.mean(x, axis=axis, keepdims=True), count(F, x, axis) * z)
    ),
    kink=lambda F, z, x, axis, keepdims: F.equal(z, 0.0),
    textbook=("(x - mean(x))/(n*z)",),
)  # fmt: skip
operation(
    "norm", "Length: the root of the sum of squares, without overflow; its gradient at 0 is 0.", pattern="unit vector",
    reduces=True, attributes=AXES, shape=shapes.reduced,
    expand=lambda F, x, axis, keepdims: F.sqrt(F.sum(F.square(x), axis=axis, keepdims=keepdims)),
    partials=lambda F, z, x, axis, keepdims: F.where(F.equal(z, 0.0), 0.0, F.div(x, z)),
    kink=lambda F, z, x, axis, keepdims: F.equal(z, 0.0), domain=((-1e307, 1e307),),
    textbook=("x/z",),
)  # fmt: skip
operation(
    "norm1", "Sum of the absolute values; its gradient at 0 is 0.", pattern="gradient switch",
    reduces=True, attributes=AXES, shape=shapes.reduced,
    value=lambda F, x, axis, keepdims: F.sum(F.abs(x), axis=axis, keepdims=keepdims),
    partials=lambda F, z, x, axis, keepdims: F.sign(x),
    kink=lambda F, z, x, axis, keepdims: F.equal(x, 0.0),
)  # fmt: skip
operation(
    "logsumexp", "Logarithm of the sum of exponentials, stable at extreme scores.", pattern="soft router",
    reduces=True, attributes=AXES, shape=shapes.chosen,
    value=logsumexp,
    expand=lambda F, x, axis, keepdims: F.log(F.sum(F.exp(x), axis=axis, keepdims=keepdims)),
    partials=lambda F, z, x, axis, keepdims: shares(F, x, axis),
)  # fmt: skip
operation(
    "softmax", "Exponentials as shares of their sum along an axis, the last by default; stable at extreme scores.",
    pattern="soft router", attributes={"axis": -1}, shape=shapes.along,
    value=softmax,
    expand=lambda F, x, axis: F.div(F.exp(x), F.sum(F.exp(x), axis=axis, keepdims=True)),
    pullback=softmax_change, pushforward=softmax_change,
    textbook=("z*(upstream - sum(z*upstream))",),
)  # fmt: skip
operation(
    "log_softmax", "Logarithm of `softmax`, exact where a share is close to 0 or 1.",
    pattern="soft router", attributes={"axis": -1}, shape=shapes.along,
    value=log_softmax,
    expand=lambda F, x, axis: x - F.log(F.sum(F.exp(x), axis=axis, keepdims=True)),
    pullback=lambda F, g, z, x, axis: F.mul(-F.expm1(z), g)
    - F.mul(F.softmax(x, axis=axis), sum_of_others(F, g, z, axis)),
    pushforward=lambda F, t, z, x, axis: centred(F, t, z, axis)
    - F.sum(F.mul(F.softmax(x, axis=axis), centred(F, t, z, axis)), axis=axis, keepdims=True),
    textbook=("upstream - softmax(x)*sum(upstream)",),
)  # fmt: skip
operation(
    "cumsum", "Running sums along an axis, the last by default.", pattern="gradient distributor",
    attributes={"axis": -1, "reverse": False}, shape=lambda x, axis, reverse: shapes.along(x, axis),
    cost=lambda z, x, axis, reverse: ADD.times(size(z) - size(shapes.reduced(x, axis))),
    pullback=lambda F, g, z, x, axis, reverse: F.cumsum(g, axis=axis, reverse=not reverse),
)  # fmt: skip
operation(
    "argmax", "The place of the largest entry, from 0; it has no gradient.", pattern="gradient blocker",
    reduces=True, attributes=AXES, shape=shapes.pointed,
    cost=folded(COMPARE),
    partials=lambda F, z, x, axis, keepdims: 0.0,
    structural=True,
)  # fmt: skip
