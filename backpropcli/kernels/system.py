"""What a derivative rule may ask of numbers, whatever the numbers are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from ..operations import OPERATIONS

Kernel = Callable[..., Any]

TIES = ("split", "first")
"""Who gets the gradient where operands of a maximum tie: all of them in equal parts, or the first."""


class Kernels(dict[Any, Kernel]):
    """Kernels by the key of an operation: its name, or name and attributes, whose kernel is made when asked for."""

    def __missing__(self, key: tuple[str, tuple[tuple[str, Any], ...]]) -> Kernel:
        name, attributes = key
        kernel = self[key] = partial(self[name], **dict(attributes))
        return kernel


class NumberSystem:
    """A set of numbers that rules and sweeps run over.

    It has one attribute per operation, named like it: the kernel given, else the row's own ``value`` over this system.
    The few methods below say what rules need besides operations.

    Attributes:
        kernels: the same by the operation's key.
        composite: the names of those that are computed by other operations.
        tensors: whether its numbers have shapes; where they have none, operations on tensors have no kernel.
        pi: the circle's constant, as exact as the numbers are.
        ties: who gets the gradient where operands of a maximum tie, one of `TIES`.
    """

    pi: Any
    ties: str
    tensors = False

    def __init__(self, kernels: Mapping[str, Kernel], ties: str = "split") -> None:
        self.ties = ties
        self.kernels = Kernels()
        self.composite: set[str] = set()
        for name, row in OPERATIONS.items() if self.tensors else OPERATIONS.loaded():
            if row.tensor and not self.tensors:
                continue
            kernel = kernels.get(name)
            if kernel is None:
                if row.value is None:
                    raise TypeError(f"{type(self).__name__} has no kernel for {name!r}")
                self.composite.add(name)
                kernel = partial(row.value, self, **row.attributes)
            self.kernels[name] = kernel
        self.__dict__.update(self.kernels)

    def quiet(self) -> AbstractContextManager[Any]:
        """A context for sweeps, in which IEEE's exceptions are silent."""
        return nullcontext()

    def constant(self, value: Any) -> Any:
        """The float, or the tensor as nested tuples of floats, as a number of this system, exactly."""
        raise NotImplementedError

    def power_slope(self, x: Any, y: Any) -> Any:
        """d(x^y)/dx."""
        return y * self.kernels["pow"](x, y - 1.0)

    def power_log(self, z: Any, x: Any, y: Any) -> Any:
        """d(x^y)/dy at z = x^y."""
        return z * self.kernels["log"](x)

    def share(self, k: int, z: Any, operands: tuple[Any, ...], ahead: str) -> Any:
        """The part of the gradient that operand k gets, where z is the largest or smallest operand.

        Args:
            ahead: the comparison by which the one chosen is ahead of the others, ``greater`` or ``less``.
        """
        raise NotImplementedError

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        """local × upstream, or local × tangent: the product that every sweep is made of, entry by entry.

        A node that is not reached gets exactly 0 and so does a branch not selected, whatever infinity stands on the
        other side. Behind a value z that is NaN there is no gradient: NaN. And a local gradient of 0 at an infinite
        operand is a limit, no derivative (after an overflow the truth may be anything): NaN, unless it is structural.
        """
        raise NotImplementedError

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        """The gradient that reaches the operand x, in its shape."""
        return self.product(local, upstream, z, x, structural)

    def pushforward(self, local: Any, tangent: Any, z: Any, x: Any, structural: bool) -> Any:
        """What a tangent of the operand x does to the value z, in its shape."""
        return self.product(local, tangent, z, x, structural)
