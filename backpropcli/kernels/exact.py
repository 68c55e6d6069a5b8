"""Tensors of mpmath numbers: object arrays, every entry of which is reckoned by `Precise`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..operations import OPERATIONS
from ..shapes import Axis, Shape
from . import tensors
from .precise import Precise, precise
from .shaped import ShapedSystem
from .system import Kernel


@lru_cache(maxsize=16)
def exact(bits: int, ties: str = "split") -> Exact:
    """A system of at least so many bits, made once."""
    return Exact(precise(bits, ties))


SINGULAR = (ZeroDivisionError, TypeError)
"""What mpmath raises where it finds no pivot; the second is a slip of 1.3 at columns of zeros."""


class Exact(ShapedSystem):
    """Tensors over a system of single numbers.

    Attributes:
        entries: the system of the entries.
        mp: its mpmath context.
    """

    def __init__(self, entries: Precise) -> None:
        self.entries = entries
        self.mp: Any = entries.mp
        self.pi = entries.pi
        kernels: dict[str, Kernel] = {
            name: self.lifted(entries.kernels[name]) for name, row in OPERATIONS.items() if not row.tensor
        }
        for name in ("max", "min"):
            kernels[name] = tensors.folded(self.lifted(entries.kernels[name]))
        kernels |= tensors.kernels(entries.zero, entries.one, entries.nan)
        kernels |= {
            "amax": self.chosen("max"),
            "amin": self.chosen("min"),
            "norm": self.norm,
            "det": self.det,
            "inv": self.on_matrix(lambda a: self.mp.inverse(a)),
            "solve": self.on_matrix(lambda a, b: self.mp.inverse(a) * b),
            "cofactor": self.cofactor,
            "cofactor_change": self.cofactor_change,
        }
        super().__init__(kernels, entries.ties)

    def number(self, x: Any) -> Any:
        """A plain float or truth in a rule as an mpmath number."""
        return x if type(x) is self.mp.mpf else self.mp.mpf(float(x))

    def lifted(self, kernel: Callable[..., Any]) -> Kernel:
        """The kernel for every entry; operands broadcast."""

        def lift(*operands: Any) -> Any:
            return np.frompyfunc(lambda *entries: kernel(*map(self.number, entries)), len(operands), 1)(*operands)

        return lift

    def chosen(self, name: str) -> Kernel:
        """The largest or smallest entry along axes; NaN where there is one."""
        better = self.entries.kernels[name]
        fold = np.frompyfunc(better, 2, 1)

        def kernel(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
            axes = tuple(range(np.ndim(x))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
            for a in axes:
                x = np.expand_dims(fold.reduce(x, axis=a), a)
            return x if keepdims else np.squeeze(x, axis=axes)[()]

        return kernel

    def norm(self, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        """The length."""
        kernels = self.kernels
        return kernels["sqrt"](kernels["sum"](kernels["square"](x), axis=axis, keepdims=keepdims))

    def on_matrix(self, function: Callable[..., Any]) -> Kernel:
        """A function of mpmath's matrices; NaN in every entry where the matrix is singular."""

        def kernel(*operands: Any) -> Any:
            shape = np.shape(operands[-1])
            if not np.size(operands[-1]):  # mpmath 1.3 makes no matrix of an empty list
                return np.empty(shape, dtype=object)
            try:
                found = function(*[self.mp.matrix(np.asarray(x).tolist()) for x in operands])
            except SINGULAR:
                return self.kernels["full"](self.entries.nan, shape=shape)
            if not isinstance(found, self.mp.matrix):
                return self.number(found)
            array = np.empty(found.rows * found.cols, dtype=object)
            array[:] = list(found)
            return array.reshape(shape)

        return kernel

    def det(self, x: Any) -> Any:
        """The determinant; that of an empty matrix is 1."""
        if not np.size(x):
            return self.entries.one
        try:
            return self.number(self.mp.det(self.mp.matrix(np.asarray(x).tolist())))
        except SINGULAR:
            return self.entries.zero

    def cofactor(self, x: Any) -> Any:
        """The matrix of cofactors, each as the determinant of a minor."""
        found = np.empty(np.shape(x), dtype=object)
        for i, j in np.ndindex(*np.shape(x)):
            minor = np.delete(np.delete(x, i, 0), j, 1)
            found[i, j] = (-1) ** (i + j) * (self.kernels["det"](minor) if minor.size else self.entries.one)
        return found

    def cofactor_change(self, x: Any, t: Any) -> Any:
        """Each cofactor's change is that of a determinant: the minor's own cofactors times what the minor of t is."""
        found = np.empty(np.shape(x), dtype=object)
        for i, j in np.ndindex(*np.shape(x)):
            minor, change = (np.delete(np.delete(a, i, 0), j, 1) for a in (x, t))
            found[i, j] = (-1) ** (i + j) * np.sum(self.cofactor(minor) * change, initial=0 * self.entries.one)
        return found

    def constant(self, value: Any) -> Any:
        if isinstance(value, float):
            return self.entries.constant(value)
        return np.frompyfunc(self.entries.constant, 1, 1)(np.asarray(value, dtype=np.float64))

    def shape(self, x: Any) -> Shape:
        return np.shape(x) if isinstance(x, np.ndarray) else ()

    def power_slope(self, x: Any, y: Any) -> Any:
        return self.lifted(self.entries.power_slope)(x, y)

    def power_log(self, z: Any, x: Any, y: Any) -> Any:
        return self.lifted(self.entries.power_log)(z, x, y)

    def share(self, k: int, z: Any, operands: tuple[Any, ...], ahead: str) -> Any:
        return self.lifted(lambda z, *xs: self.entries.share(k, z, xs, ahead))(z, *operands)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        return self.lifted(partial(self.entries.product, structural=structural))(local, moved, z, x)
