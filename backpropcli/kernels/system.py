"""What a derivative rule may ask of numbers, whatever the numbers are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..operations import OPERATIONS

Kernel = Callable[..., Any]


class NumberSystem:
    """A set of numbers that rules and sweeps run over.

    It has one attribute per operation, named like it: the kernel given, else the row's own ``value`` over this system.
    The few methods below say what rules need besides operations.

    Attributes:
        kernels: the same by operation name.
        pi: the circle's constant, as exact as the numbers are.
        ties: who gets the gradient where operands of a maximum tie: ``"split"`` or ``"first"``.
    """

    pi: Any
    ties: str

    def __init__(self, kernels: Mapping[str, Kernel], ties: str = "split") -> None:
        self.ties = ties
        self.kernels: dict[str, Kernel] = {}
        for name, row in OPERATIONS.items():
            kernel = kernels.get(name)
            if kernel is None:
                if row.value is None:
                    raise TypeError(f"{type(self).__name__} has no kernel for {name!r}")
                kernel = partial(row.value, self)
            self.kernels[name] = kernel
        self.__dict__.update(self.kernels)

    def constant(self, value: float) -> Any:
        """The float as a number of this system, exactly."""
        raise NotImplementedError

    def power_slope(self, x: Any, y: Any) -> Any:
        """d(x^y)/dx."""
        return y * self.kernels["pow"](x, y - 1.0)

    def power_log(self, z: Any, x: Any, y: Any) -> Any:
        """d(x^y)/dy at z = x^y."""
        return z * self.kernels["log"](x)

    def share(self, k: int, z: Any, operands: tuple[Any, ...]) -> Any:
        """The part of the gradient that operand k gets, where z is the largest or smallest operand."""
        raise NotImplementedError

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        """local × upstream, the product that every sweep is made of, in the shape of the operand x.

        A node that is not reached gets exactly 0 and so does a branch not selected, whatever infinity stands on the
        other side. Behind a value z that is NaN there is no gradient: NaN. And a local gradient of 0 at an infinite
        operand is a limit, no derivative (after an overflow the truth may be anything): NaN, unless it is structural.
        """
        raise NotImplementedError
