"""What number systems whose numbers have shapes share."""

from __future__ import annotations

from typing import Any

from ..operations.maps import LinearMap
from ..shapes import Axis, Shape, axes_of, reduced, size
from .system import NumberSystem


class ShapedSystem(NumberSystem):
    """Numbers with shapes: operands broadcast, and a gradient is summed back to its operand's shape."""

    tensors = True

    def shape(self, x: Any) -> Shape:
        """The shape of a number."""
        raise NotImplementedError

    def sum_to(self, x: Any, shape: Shape) -> Any:
        """The adjoint of broadcasting `shape` to that of x: sums over the axes that were added or stretched."""
        old = self.shape(x)
        if old == shape:
            return x
        added = len(old) - len(shape)
        axes = (*range(added), *(i for i, n in enumerate(shape, added) if n == 1 != old[i]))
        kernels = self.kernels
        x = kernels["sum"](x, axis=axes, keepdims=not added)
        return x if self.shape(x) == shape else kernels["reshape"](x, shape=shape)

    def share_among(self, z: Any, x: Any, axis: Axis) -> Any:
        """The part of the gradient that every entry of x gets, where z is the largest or smallest along the axes."""
        kernels = self.kernels
        hits = kernels["equal"](x, z)
        if self.ties == "first":
            shape = self.shape(x)
            rank = len(shape)
            gone = axes_of(shape, axis)
            order = (*(i for i in range(rank) if i not in gone), *gone)
            rows = kernels["reshape"](
                kernels["transpose"](hits, axes=order), shape=(-1, size(shape) // size(reduced(shape, axis)))
            )
            first = kernels["mul"](rows, kernels["equal"](kernels["cumsum"](rows, axis=1), 1.0))
            moved = kernels["reshape"](first, shape=tuple(shape[i] for i in order))
            return kernels["transpose"](moved, axes=tuple(order.index(i) for i in range(rank)))
        return kernels["div"](hits, kernels["sum"](hits, axis=axis, keepdims=True))

    def shifted(self, t: Any, at: Any, axis: int) -> Any:
        """t less its entry where `at` is 1, their mean where there are several."""
        kernels = self.kernels
        there = kernels["sum"](kernels["where"](at, t, 0.0), axis=axis, keepdims=True)
        return t - kernels["div"](there, kernels["sum"](at, axis=axis, keepdims=True))

    def sum_of_others(self, g: Any, at: Any, axis: int) -> Any:
        """For every entry the sum of the others; where `at` is 1, and nowhere else, without a difference."""
        kernels = self.kernels
        alone = kernels["equal"](kernels["sum"](at, axis=axis, keepdims=True), 1.0)
        rest = kernels["sum"](kernels["where"](at, 0.0, g), axis=axis, keepdims=True)
        total = kernels["sum"](g, axis=axis, keepdims=True)
        return kernels["where"](kernels["mul"](at, alone), rest, total - g)

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        """The gradient that reaches the operand x, in its shape."""
        if isinstance(local, LinearMap):
            return local.pullback(upstream)
        return self.sum_to(self.product(local, upstream, z, x, structural), self.shape(x))

    def pushforward(self, local: Any, tangent: Any, z: Any, x: Any, structural: bool) -> Any:
        """What a tangent of the operand x does to the value z, in its shape."""
        if isinstance(local, LinearMap):
            return local.pushforward(tangent)
        moved = self.product(local, tangent, z, x, structural)
        shape = self.shape(z)
        return moved if self.shape(moved) == shape else self.kernels["full"](moved, shape=shape)
