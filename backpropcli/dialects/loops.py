"""Tensors in a language that has none: entries by their indices, in flat arrays row by row.

A part of an expression is what its entry at some indices is, in words: sums and products of entries, and what only
moves them, become one loop; reductions and products of matrices get arrays of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

from ..shapes import Key, Shape
from .writer import Piece

Index = tuple[str, ...]
At = Callable[[Index], Piece]


class Entries(NamedTuple):
    """A tensor, entry by entry.

    Attributes:
        shape: its shape.
        at: the entry at indices, one word per axis.
        flat: the entry of a number, counted along the last axis first; None where that is not the same memory order.
        array: the array that holds it, or "".
    """

    shape: Shape
    at: At
    flat: Callable[[str], Piece] | None = None
    array: str = ""


def in_array(name: str, shape: Shape) -> Entries:
    """What an array holds."""
    return Entries(
        shape,
        lambda index: Piece(f"{name}[{flat_index(index, shape)}]"),
        lambda i: Piece(f"{name}[{i}]"),
        name,
    )


def number(piece: Piece) -> Entries:
    """A single number."""
    return Entries((), lambda index: piece)


def flat_index(index: Index, shape: Shape) -> str:
    """``i*8 + j``: the number of the entry at the indices."""
    terms = []
    for axis, word in enumerate(index):
        stride = prod(shape[axis + 1 :])
        if word == "0" or shape[axis] == 1:
            continue
        terms.append(word if stride == 1 else f"{_bracketed(word)}*{stride}")
    return " + ".join(terms) or "0"


def _bracketed(word: str) -> str:
    return word if word.isidentifier() or word.isdigit() else f"({word})"


def stretched_index(index: Index, shape: Shape) -> Index:
    """The indices of the entry of an operand that broadcasts."""
    own = index[len(index) - len(shape) :]
    return tuple("0" if n == 1 else word for word, n in zip(own, shape, strict=True))


def entry(x: Entries, index: Index) -> Piece:
    """The entry of an operand that broadcasts."""
    return x.at(stretched_index(index, x.shape))


def entrywise(shape: Shape, operands: Sequence[Entries], spell: Callable[[list[Piece]], Piece]) -> Entries:
    """An operation on entries."""
    straight = all(not x.shape or (x.shape == shape and x.flat is not None) for x in operands)

    def flat(i: str) -> Piece:
        return spell([x.flat(i) if x.shape and x.flat is not None else x.at(()) for x in operands])

    return Entries(shape, lambda index: spell([entry(x, index) for x in operands]), flat if straight else None)


def transposed(x: Entries, axes: Sequence[int], shape: Shape) -> Entries:
    """Its axes in another order: axis a of the result is axis axes[a]."""
    back = [axes.index(a) for a in range(len(axes))]
    return Entries(shape, lambda index: x.at(tuple(index[a] for a in back)))


def indexed(x: Entries, key: Key, shape: Shape) -> Entries:
    """Its entries at numbers and slices."""
    return Entries(shape, lambda index: x.at(keyed(index, key, x.shape)))


def keyed(index: Index, key: Key, shape: Shape) -> Index:
    """The indices in a tensor of the shape that ``x[key][index]`` stands for."""
    rest = iter(index)
    found = []
    for item, n in zip(key, shape, strict=False):
        if isinstance(item, int):
            found.append(str(item % n))
        else:
            places = range(*slice(*item).indices(n))
            found.append(stepped(next(rest), places.start, places.step))
    return (*found, *rest)


def stepped(word: str, start: int, step: int) -> str:
    """``2*i + 1``."""
    if step < 0:
        return f"{start} - {word}" if step == -1 else f"{start} - {-step}*{_bracketed(word)}"
    term = word if step == 1 else f"{step}*{_bracketed(word)}"
    return f"{term} + {start}" if start else term


def stretched(x: Entries, shape: Shape) -> Entries:
    """Its entries repeated."""
    if x.shape == shape:
        return x
    same = None if x.shape else lambda i: x.at(())
    return Entries(shape, lambda index: entry(x, index), same)


def outer(x: Entries, y: Entries, shape: Shape, spell: Callable[[list[Piece]], Piece]) -> Entries:
    """Every entry times every entry."""
    return Entries(shape, lambda index: spell([x.at(index[:1]), y.at(index[1:])]))


def diagonal(x: Entries, shape: Shape) -> Entries:
    """The diagonal of a matrix."""
    return Entries(shape, lambda index: x.at(index * 2))


def reshaped(x: Entries, shape: Shape) -> Entries:
    """The same entries in another shape; x must be a number, or have its entries in order."""
    flat = x.flat if x.shape else lambda i: x.at(())
    assert flat is not None
    return Entries(shape, lambda index: flat(flat_index(index, shape)), flat, x.array)
