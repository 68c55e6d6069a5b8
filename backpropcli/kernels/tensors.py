"""Kernels of the operations on tensors: written once over NumPy arrays, of floats or of any other numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..shapes import Key, Shape
from .system import Kernel


def kernels(zero: Any, one: Any, nan: Any) -> dict[str, Kernel]:
    """The kernels that only move, add, multiply and compare entries.

    Args:
        zero, one, nan: these numbers, of the kind that the arrays hold.
    """
    dtype = np.float64 if isinstance(zero, float) else object

    def filled(shape: Shape, value: Any) -> Any:
        array = np.empty(shape, dtype=dtype)
        array.fill(value)
        return array

    def total(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
        return np.add.reduce(np.asarray(x, dtype=dtype), axis=axis, keepdims=keepdims, initial=zero)

    def prod(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
        return np.multiply.reduce(np.asarray(x, dtype=dtype), axis=axis, keepdims=keepdims, initial=one)

    def cumsum(x: Any, axis: int = -1, reverse: bool = False) -> Any:
        if reverse:
            return np.flip(np.cumsum(np.flip(x, axis), axis), axis)
        return np.cumsum(x, axis)

    def argmax(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
        return numbers(np.argmax(x, axis=axis, keepdims=keepdims))

    def numbers(array: Any) -> Any:
        """Truths or whole numbers as numbers of the kind at hand."""
        return (
            np.asarray(array, dtype=np.float64)
            if dtype is not object
            else np.frompyfunc(lambda n: one * int(n), 1, 1)(array)
        )

    def scatter(x: Any, key: Key = (), into: Shape = ()) -> Any:
        array = filled(into, zero)
        array[spelled(key)] = x
        return array

    def take(x: Any, i: Any) -> Any:
        places, valid = whole(i, np.shape(x)[0])
        found = np.asarray(x, dtype=dtype)[places] if np.shape(x)[0] else filled(np.shape(i) + np.shape(x)[1:], nan)
        if valid.all():
            return found
        return np.where(valid.reshape(valid.shape + (1,) * (np.ndim(x) - 1)), found, nan)

    def put(x: Any, i: Any, length: int = 0) -> Any:
        array = filled((length, *np.shape(x)[np.ndim(i) :]), zero)
        places, valid = whole(i, length)
        if length:
            np.add.at(array, places, np.where(valid.reshape(valid.shape + (1,) * (array.ndim - 1)), x, nan))
        return array

    def one_hot(i: Any, classes: int = 0) -> Any:
        places, valid = whole(i, classes, negative=False)
        hits = numbers(places[..., None] == np.arange(classes))
        return hits if valid.all() else np.where(valid[..., None], hits, nan)

    def diag(x: Any) -> Any:
        if np.ndim(x) == 2:
            return np.diagonal(x)
        array = filled(np.shape(x) * 2, zero)
        np.fill_diagonal(array, x)
        return array

    return {
        "sum": total,
        "prod": prod,
        "cumsum": cumsum,
        "argmax": argmax,
        "matmul": np.matmul,
        "outer": np.multiply.outer,
        "transpose": lambda x, axes=None: np.transpose(x, axes),
        "reshape": lambda x, shape=(): np.reshape(x, shape),
        "full": lambda x, shape=(): np.broadcast_to(x, shape),
        "concat": lambda *parts, axis=0: np.concatenate(parts, axis),
        "stack": lambda *parts, axis=0: np.stack(parts, axis),
        "index": lambda x, key=(): x[spelled(key)],
        "scatter": scatter,
        "take": take,
        "put": put,
        "one_hot": one_hot,
        "diag": diag,
    }


def spelled(key: Key) -> tuple[Any, ...]:
    """An index as NumPy takes it."""
    return tuple(item if isinstance(item, int) else slice(*item) for item in key)


def whole(i: Any, length: int, negative: bool = True) -> tuple[Any, Any]:
    """Places as integers, and which of them are valid: whole numbers within the length."""
    found = np.asarray(i, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        places = np.nan_to_num(found, posinf=0, neginf=0).astype(np.int64)
        valid = (places == found) & (places < length) & (places >= (-length if negative else 0))
    return np.where(valid, places, 0), valid


def folded(function: Callable[[Any, Any], Any]) -> Kernel:
    """A kernel of two operands carried along any number of them."""
    return lambda *operands: reduce(function, operands)
