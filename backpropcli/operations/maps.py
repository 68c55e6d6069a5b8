"""Local gradients that are no plain numbers: linear maps, which are applied and never written out as a Jacobian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..shapes import broadcast, kept

if TYPE_CHECKING:
    from .table import Operation


class LinearMap:
    """How a value changes with one operand, at a point.

    Attributes:
        operation: the operation, bound to its attributes.
        k: the operand's number.
        F: the number system.
        z: the value.
        operands: all operands.
    """

    __slots__ = ("F", "k", "operands", "operation", "z")

    def __init__(self, operation: Operation, k: int, F: Any, z: Any, operands: tuple[Any, ...]) -> None:
        self.operation = operation
        self.k = k
        self.F = F
        self.z = z
        self.operands = operands

    def over(self, F: Any) -> LinearMap:
        """The same map over another system of the same numbers."""
        return type(self)(self.operation, self.k, F, self.z, self.operands)

    def pullback(self, upstream: Any) -> Any:
        """The downstream gradient, of the operand's shape."""
        raise NotImplementedError

    def pushforward(self, tangent: Any) -> Any:
        """What a tangent of the operand does to the value, of the value's shape."""
        raise NotImplementedError


class Pulled(LinearMap):
    """The map of a structural operation, by its pullback."""

    __slots__ = ()

    def pullback(self, upstream: Any) -> Any:
        operation = self.operation
        if operation.variadic:
            return operation.pullback[0](self.F, self.k, upstream, self.z, *self.operands)
        return operation.pullback[self.k](self.F, upstream, self.z, *self.operands)

    def pushforward(self, tangent: Any) -> Any:
        F, operation = self.F, self.operation
        if operation.pushforward:
            return operation.pushforward[self.k](F, tangent, self.z, *self.operands)
        operands = list(self.operands)
        if operation.joint:
            operands = [F.full(0.0, shape=F.shape(x)) for x in operands]
        operands[self.k] = tangent
        return F.kernels[operation.key](*operands)


class Reduced(LinearMap):
    """The map of a reduction: the upstream gradient is spread over the axes that were reduced, times the partials.

    Attributes:
        axis, keepdims: what was reduced, and whether the value still shows it.
        partials: the local gradient, of the shape before the reduction or one that broadcasts to it.
    """

    __slots__ = ("axis", "keepdims", "partials", "whole")

    def __init__(self, operation: Operation, k: int, F: Any, z: Any, operands: tuple[Any, ...]) -> None:
        attributes = operation.attributes
        self.axis = attributes.get("axis")
        self.keepdims = bool(attributes.get("keepdims"))
        super().__init__(operation, k, F, self.restored(F, z, operands[0]), operands)
        self.partials = operation.rules[k](F, self.z, *operands)
        self.whole = broadcast(F.shape(self.partials), F.shape(operands[k]))

    def over(self, F: Any) -> LinearMap:
        return self

    def restored(self, F: Any, value: Any, x: Any) -> Any:
        """A number of the value's shape, with the reduced axes as 1."""
        if self.axis is None or self.keepdims:
            return value
        return F.reshape(value, shape=kept(F.shape(x), self.axis))

    def pullback(self, upstream: Any) -> Any:
        F, x = self.F, self.operands[self.k]
        restored, structural = self.restored(F, upstream, self.operands[0]), self.operation.structural
        if type(self.partials) is float:  # one factor for all: multiply before there are many
            return F.full(F.product(self.partials, restored, self.z, x, structural), shape=self.whole)
        return F.downstream(self.partials, F.full(restored, shape=self.whole), self.z, x, structural)

    def pushforward(self, tangent: Any) -> Any:
        F, x = self.F, self.operands[self.k]
        moved = F.product(self.partials, tangent, self.z, x, self.operation.structural)
        return F.sum(F.full(moved, shape=self.whole), axis=self.axis, keepdims=self.keepdims)


class MapRule:
    """A `Rule` that answers with a linear map; the rows of reductions and structural operations have these."""

    __slots__ = ("k", "kind", "operation")

    def __init__(self, kind: type[LinearMap], operation: Operation, k: int) -> None:
        self.kind = kind
        self.operation = operation
        self.k = k

    def __call__(self, F: Any, *rest: Any) -> LinearMap:
        if self.operation.variadic:
            k, z, *operands = rest
        else:
            k, (z, *operands) = self.k, rest
        return self.kind(self.operation, k, F, z, tuple(operands))
