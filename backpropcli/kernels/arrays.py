"""NumPy float64 arrays, entry by entry what the floats are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .floats import KERNELS as FLOAT_KERNELS
from .floats import Floats
from .system import Kernel, NumberSystem

UFUNCS: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power,
    "square": np.square, "sqrt": np.sqrt, "hypot": np.hypot, "abs": np.abs, "sign": np.sign, "floor": np.floor,
    "ceil": np.ceil, "round": np.round, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "where": np.where, "less": np.less,
    "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal, "equal": np.equal,
    "not_equal": np.not_equal, "logical_not": np.logical_not, "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}  # fmt: skip


def array_kernel(function: Callable[..., Any]) -> Kernel:
    """The NumPy function in float64, silent where IEEE has an answer."""

    def kernel(*operands: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(*operands), dtype=np.float64)

    return kernel


def entrywise(function: Callable[..., float]) -> Kernel:
    """The float kernel for every entry: for what NumPy lacks."""

    def kernel(*operands: Any) -> Any:
        broadcast = np.broadcast_arrays(*operands)
        flat = [function(*entries) for entries in zip(*(x.ravel().tolist() for x in broadcast), strict=True)]
        return np.array(flat, dtype=np.float64).reshape(broadcast[0].shape)

    return kernel


def reduced(function: Callable[[Any, Any], Any]) -> Kernel:
    """A kernel of two operands carried along any number of them."""

    def kernel(*operands: Any) -> Any:
        best = operands[0]
        for x in operands[1:]:
            best = function(best, x)
        return np.asarray(best, dtype=np.float64)

    return kernel


class Arrays(NumberSystem):
    """float64 arrays; operands broadcast as in NumPy, and `downstream` sums back to the operand's shape."""

    pi = math.pi

    def __init__(self, ties: str = "split") -> None:
        kernels = {name: array_kernel(function) for name, function in UFUNCS.items()}
        kernels |= {"max": reduced(np.maximum), "min": reduced(np.minimum)}
        kernels["step"] = lambda x: np.heaviside(x, 0.0)
        for name, function in FLOAT_KERNELS.items():
            if name != "sigmoid":  # its row's formula is as exact, over whole arrays
                kernels.setdefault(name, entrywise(function))
        super().__init__(kernels, ties)
        floats = Floats(ties)
        self.power_slope = entrywise(floats.power_slope)  # type: ignore[method-assign]
        self.power_log = entrywise(floats.power_log)  # type: ignore[method-assign]

    def constant(self, value: float) -> Any:
        return np.float64(value)

    def share(self, k: int, z: Any, operands: tuple[Any, ...]) -> Any:
        chosen = [np.equal(x, z) for x in operands]
        if self.ties == "first":
            earlier = np.any(np.broadcast_arrays(*chosen[:k], np.zeros_like(z, dtype=bool)), axis=0)
            return np.where(earlier, 0.0, chosen[k])
        with np.errstate(invalid="ignore"):
            return np.where(chosen[k], 1.0 / sum(c.astype(np.float64) for c in chosen), 0.0)

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        with np.errstate(all="ignore"):
            product = np.multiply(local, upstream)
        flat = 0.0 if structural else np.where(np.isinf(x), np.nan, 0.0)
        product = np.where(np.isnan(z), np.nan, np.where(np.equal(local, 0), flat, product))
        return sum_to(np.where(np.equal(upstream, 0), 0.0, product), np.shape(x))


def sum_to(array: Any, shape: tuple[int, ...]) -> Any:
    """The adjoint of broadcasting `shape` to the array's: sum over the axes that were added or stretched."""
    if array.shape == shape:
        return array
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and array.shape[i] != 1)
    return array.sum(axis=stretched, keepdims=True) if stretched else array
