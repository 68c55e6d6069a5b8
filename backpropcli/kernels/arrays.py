"""NumPy float64 arrays, entry by entry what the floats are."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, reduce
from typing import Any

import numpy as np

from ..operations.maps import LinearMap
from ..shapes import Shape, matmul
from . import linear, tensors
from .buffers import into_buffers
from .floats import KERNELS as FLOAT_KERNELS
from .shaped import ShapedSystem
from .system import Kernel

UFUNCS: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "square": np.square, "sqrt": np.sqrt, "cbrt": np.cbrt, "hypot": np.hypot, "abs": np.abs, "sign": np.sign,
    "floor": np.floor, "ceil": np.ceil, "round": np.rint, "exp": np.exp, "expm1": np.expm1, "log": np.log,
    "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
}  # fmt: skip

TRUTHS: dict[str, Callable[..., Any]] = {
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
    "equal": np.equal, "not_equal": np.not_equal, "logical_not": np.logical_not, "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}  # fmt: skip


multiply, square = into_buffers(np.multiply), into_buffers(np.square)


def truth(function: Callable[..., Any]) -> Kernel:
    """The comparison as 1 and 0."""
    return lambda *operands: function(*operands).astype(np.float64)


def entrywise(function: Callable[..., float]) -> Kernel:
    """The float kernel for every entry: for what NumPy lacks."""

    def kernel(*operands: Any) -> Any:
        broadcast = np.broadcast_arrays(*operands)
        flat = [function(*entries) for entries in zip(*(x.ravel().tolist() for x in broadcast), strict=True)]
        return np.array(flat, dtype=np.float64).reshape(broadcast[0].shape)

    return kernel


def power(x: Any, y: Any) -> Any:
    """x^y; a square as the product, equal to the floats' and 20 times as fast."""
    if np.ndim(y) == 0 and y == 2:
        return square(x)
    return np.power(x, y)


def norm(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The length, scaled by a power of two where squares would leave the range of floats."""
    plain = np.sqrt(np.add.reduce(np.square(x), axis=axis, keepdims=keepdims))
    if np.all((plain > 1e-140) & (plain < math.inf)):
        return plain
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    scale = np.exp2(np.floor(np.log2(np.where((largest > 0) & np.isfinite(largest), largest, 1.0))))
    scaled = np.sqrt(np.add.reduce(np.square(x / scale), axis=axis, keepdims=keepdims))
    return scaled * (scale if keepdims else np.reshape(scale, np.shape(scaled)))


class Seen(threading.local):
    """What a thread's sweep knows of its values: whether they are finite, by identity; and the values, to keep that."""

    finite: dict[int, tuple[bool, Any]] | None = None


SEEN = Seen()


def finite(value: Any) -> bool:
    """Whether a value is finite, looked at once in a sweep. Where the sum overflows, only time is lost."""
    if SEEN.finite is None:
        return math.isfinite(np.add.reduce(value, axis=None))
    known = SEEN.finite.get(id(value))
    if known is None:
        known = SEEN.finite[id(value)] = math.isfinite(np.add.reduce(value, axis=None)), value
    return known[0]


class Arrays(ShapedSystem):
    """float64 arrays; operands broadcast as in NumPy, and `downstream` sums back to the operand's shape."""

    pi = math.pi

    def __init__(self, ties: str = "split") -> None:
        kernels: dict[str, Kernel] = {name: into_buffers(function) for name, function in UFUNCS.items()}
        kernels |= {name: truth(function) for name, function in TRUTHS.items()}
        kernels |= tensors.kernels(0.0, 1.0, math.nan)
        kernels |= {"max": tensors.folded(into_buffers(np.maximum)), "min": tensors.folded(into_buffers(np.minimum))}
        kernels |= {
            "where": np.where,
            "pow": power,
            "matmul": into_buffers(np.matmul, matmul),
            "step": lambda x: np.heaviside(x, 0.0),
            "amax": np.max,
            "amin": np.min,
            "norm": norm,
        }
        kernels |= linear.KERNELS
        for name, function in FLOAT_KERNELS.items():
            if name != "sigmoid":  # its row's formula is as exact, over whole arrays
                kernels.setdefault(name, entrywise(function))
        super().__init__(kernels, ties)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        with np.errstate(all="ignore"):
            SEEN.finite = {}
            try:
                yield
            finally:
                SEEN.finite = None

    def constant(self, value: Any) -> Any:
        return np.float64(value) if isinstance(value, float) else np.array(value, dtype=np.float64)

    def shape(self, x: Any) -> Shape:
        return np.shape(x)

    @cached_property
    def guarded(self) -> Arrays:
        """The same numbers, with 0 × ∞ = 0 in every product: what a zero among upstream gradients means."""
        return Guarded(self.ties)

    def power_slope(self, x: Any, y: Any) -> Any:
        """As for floats, with what the rounding of y - 1 takes away given back."""
        if np.ndim(y) == 0 and y == 2:
            return multiply(2.0, x)
        h = y - 1.0
        slope = y * np.power(x, h)
        if np.ndim(y) == 0 and float(y).is_integer() and abs(y) < 2**53:
            return np.zeros(np.shape(x)) if y == 0 else slope
        slope = np.where((x < 0) & (h == y), -slope, slope)
        rest = np.where(np.abs(y) < 1, y - (h + 1.0), (y - h) - 1.0)
        mended = slope + slope * rest * np.log(np.abs(x))
        return np.where(y == 0, 0.0, np.where((rest != 0) & (x != 0) & np.isfinite(slope), mended, slope))

    def power_log(self, z: Any, x: Any, y: Any) -> Any:
        return np.where(x > 0, z * np.log(x), np.where((x == 0) & (y >= 0), 0.0, math.nan))

    def share(self, k: int, z: Any, operands: tuple[Any, ...], ahead: str) -> Any:
        chosen = np.equal(operands[k], z)
        others = [np.equal(x, z) for at, x in enumerate(operands) if at < k or (at > k and self.ties != "first")]
        tied = reduce(np.logical_or, [np.logical_and(chosen, other) for other in others], np.False_)
        shares = np.asarray(chosen, dtype=np.float64)
        if np.any(tied):
            count = sum((other.astype(np.float64) for other in others), 1.0)
            shares = np.where(tied, 0.0 if self.ties == "first" else 1.0 / count, shares)
        return np.where(np.isnan(z), math.nan, shares) if math.isnan(np.add.reduce(z, axis=None)) else shares

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        product = multiply(local, moved)
        if finite(z) and (structural or finite(x)) and math.isfinite(np.add.reduce(product, axis=None)):
            return np.add(product, 0.0, out=product) if product.ndim else product + 0.0  # no -0 where nothing passes
        flat = 0.0 if structural else np.where(np.isfinite(x), 0.0, math.nan)
        product = np.where(np.isnan(z), math.nan, np.where(np.equal(local, 0), flat, product))
        return np.where(np.equal(moved, 0), 0.0, product)

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        if type(local) is float and local and finite(z):
            found = self.sum_to(upstream, np.shape(x))  # a factor is faster taken into the sum than into its terms
            return found if local == 1.0 else found * local
        if not isinstance(local, LinearMap):
            return self.sum_to(self.product(local, upstream, z, x, structural), np.shape(x))
        if not finite(z):  # behind a value that is NaN there is no gradient
            upstream = np.where(np.isnan(z) & np.not_equal(upstream, 0), math.nan, upstream)
        found = local.pullback(upstream)
        if not self._surely_finite(local, upstream, found) and np.any(np.isnan(found)):
            return local.over(self.guarded).pullback(upstream)
        return found

    def pushforward(self, local: Any, tangent: Any, z: Any, x: Any, structural: bool) -> Any:
        found = super().pushforward(local, tangent, z, x, structural)
        if not isinstance(local, LinearMap) or finite(z):
            return found
        return np.where(np.isnan(z) & np.not_equal(found, 0), math.nan, found)

    def _surely_finite(self, local: LinearMap, upstream: Any, found: Any) -> bool:
        """Whether a downstream gradient is finite, by its own entries or by what it is made of, if that is less."""
        operation = local.operation
        if operation.reduces or operation.structural or operation.pattern == "mover":
            return True  # nothing is multiplied, or it was looked at
        seen = [found]
        others = [upstream, *(x for at, x in enumerate(local.operands) if at != local.k)]
        if not operation.pushforward and sum(map(np.size, others)) < np.size(found):
            seen = others
        return math.isfinite(sum(np.add.reduce(x, axis=None) for x in seen))


class Guarded(Arrays):
    """Arrays whose products are 0 where a factor is 0."""

    def __init__(self, ties: str = "split") -> None:
        super().__init__(ties)

        def mul(x: Any, y: Any) -> Any:
            return np.where(np.equal(x, 0) | np.equal(y, 0), 0.0, np.multiply(x, y))

        def matmul(x: Any, y: Any) -> Any:
            row, column = np.ndim(x) == 1, np.ndim(y) == 1
            left = np.reshape(x, (1, -1)) if row else x
            right = np.reshape(y, (-1, 1)) if column else y
            found = mul(left[..., :, :, None], right[..., None, :, :]).sum(axis=-2)
            found = found[..., 0, :] if row else found
            return found[..., 0] if column else found

        self.kernels |= {"mul": mul, "matmul": matmul, "outer": lambda x, y: mul(np.reshape(x, (-1, 1)), y)}
        self.__dict__.update(mul=mul, matmul=matmul, outer=self.kernels["outer"])
