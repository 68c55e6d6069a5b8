"""Shapes of tensors: pure functions of tuples, which know before anything is computed what fits and how large it is.

A shape is a tuple of lengths; ``()`` is a scalar, ``(3,)`` a vector, ``(2, 3)`` a matrix of 2 rows and 3 columns. Every
function raises ShapeError, with both shapes in words, where they do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from .errors import ShapeError

Shape = tuple[int, ...]
Slice = tuple[int | None, int | None, int | None]
Key = tuple[int | Slice, ...]
"""What stands in the brackets of an index: numbers and slices (start, stop, step)."""

Axis = int | tuple[int, ...] | None
"""The axes of a reduction; None is all of them."""


def written(shape: Shape) -> str:
    """``2×3`` for a matrix, ``3`` for a vector, ``scalar``."""
    return "×".join(map(str, shape)) if shape else "scalar"


def size(shape: Shape) -> int:
    """The number of entries."""
    return prod(shape)


def broadcast(*shapes: Shape) -> Shape:
    """The common shape, by NumPy's rule: lengths are compared from the last; a 1 stretches."""
    found: Shape = ()
    for shape in shapes:
        if shape == found or not shape:
            continue
        longer, shorter = (found, shape) if len(found) >= len(shape) else (shape, found)
        offset = len(longer) - len(shorter)
        merged = list(longer)
        for i, n in enumerate(shorter, offset):
            if merged[i] == 1:
                merged[i] = n
            elif n not in (1, merged[i]):
                raise ShapeError(
                    f"the shapes {written(found)} and {written(shape)} do not broadcast: {n} against {merged[i]}"
                )
        found = tuple(merged)
    return found


def axes_of(shape: Shape, axis: Axis) -> tuple[int, ...]:
    """The axes as numbers from 0, in ascending order."""
    if axis is None:
        return tuple(range(len(shape)))
    found = []
    for a in (axis,) if isinstance(axis, int) else axis:
        if not -len(shape) <= a < len(shape):
            raise ShapeError(
                f"there is no axis {a} in the shape {written(shape)}",
                hint=f"axes go from 0 to {len(shape) - 1}" if shape else "a scalar has no axes",
            )
        found.append(a % len(shape))
    if len(set(found)) < len(found):
        raise ShapeError(f"an axis is named twice: {axis}")
    return tuple(sorted(found))


def kept(shape: Shape, axis: Axis) -> Shape:
    """The shape with the axes kept as 1."""
    gone = axes_of(shape, axis)
    return tuple(1 if i in gone else n for i, n in enumerate(shape))


def reduced(shape: Shape, axis: Axis = None, keepdims: bool = False) -> Shape:
    """The shape of a reduction over the axes."""
    if keepdims:
        return kept(shape, axis)
    gone = axes_of(shape, axis)
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def chosen(shape: Shape, axis: Axis = None, keepdims: bool = False) -> Shape:
    """The shape of a reduction that chooses an entry, which an empty axis does not have."""
    if 0 in (shape[i] for i in axes_of(shape, axis)):
        raise ShapeError(f"of no entries none is the largest or smallest: the shape is {written(shape)}")
    return reduced(shape, axis, keepdims)


def pointed(shape: Shape, axis: Axis = None, keepdims: bool = False) -> Shape:
    """The shape of places of entries along one axis, or among all."""
    if isinstance(axis, tuple):
        raise ShapeError("`argmax` runs along one axis, or over all entries")
    return chosen(shape, axis, keepdims)


def one_axis(shape: Shape, axis: Axis) -> int:
    """The axis as a number from 0, where there must be one."""
    if not isinstance(axis, int):
        raise ShapeError("one axis is needed", hint="write one number, as in axis=0")
    return axes_of(shape, axis)[0]


def along(shape: Shape, axis: Axis = -1) -> Shape:
    """The shape itself, of what runs along one axis."""
    one_axis(shape, axis)
    return shape


def matmul(a: Shape, b: Shape) -> Shape:
    """The shape of a matrix product; a vector on the left is a row, on the right a column, and is dropped again."""
    if not a or not b:
        raise ShapeError(
            f"`@` multiplies matrices and vectors, and the shapes are {written(a)} and {written(b)}",
            hint="for a product with a scalar write `*`",
        )
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    if left[-1] != right[-2]:
        raise ShapeError(
            f"the shapes {written(a)} and {written(b)} do not fit a matrix product: "
            f"{left[-1]} columns against {right[-2]} rows",
            hint=_transposed(a, b),
        )
    batch = broadcast(left[:-2], right[:-2])
    return batch + left[-2:-1] * (len(a) > 1) + right[-1:] * (len(b) > 1)


def _transposed(a: Shape, b: Shape) -> str:
    """Which operand, transposed, would fit."""
    if len(a) == 2 and a[0] == b[max(len(b) - 2, 0)]:
        return "the left one transposed, `.T`, would fit"
    if len(b) == 2 and a[-1] == b[1]:
        return "the right one transposed, `.T`, would fit"
    return ""


def inner(x: Shape, y: Shape) -> Shape:
    """The shape of the inner product of two vectors."""
    if len(x) != 1 or x != y:
        raise ShapeError(
            f"`dot` multiplies two vectors of one length, and the shapes are {written(x)} and {written(y)}",
            hint="for a matrix product write `A@B`",
        )
    return ()


def outer(x: Shape, y: Shape) -> Shape:
    """The shape of the outer product of two vectors."""
    if len(x) != 1 or len(y) != 1:
        raise ShapeError(f"`outer` multiplies two vectors, and the shapes are {written(x)} and {written(y)}")
    return x + y


def transposed(shape: Shape, axes: tuple[int, ...] | None = None) -> Shape:
    """The shape with its axes in the order given, reversed by default."""
    if axes is None:
        return shape[::-1]
    if not isinstance(axes, tuple) or axes_of(shape, axes) != tuple(range(len(shape))):
        raise ShapeError(f"`axes` must name every axis of the shape {written(shape)} once")
    return tuple(shape[i] for i in axes)


def square(shape: Shape) -> Shape:
    """The shape of a square matrix."""
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"a square matrix is needed, and the shape is {written(shape)}")
    return shape


def squares(x: Shape, t: Shape) -> Shape:
    """The shape of two square matrices of one size."""
    if square(x) != square(t):
        raise ShapeError(f"matrices of one size are needed, and the shapes are {written(x)} and {written(t)}")
    return x


def solved(a: Shape, b: Shape) -> Shape:
    """The shape of the solution x of a·x = b."""
    square(a)
    if len(b) not in (1, 2) or b[0] != a[0]:
        raise ShapeError(f"`solve` needs as many rows on both sides, and the shapes are {written(a)} and {written(b)}")
    return b


def diagonal(shape: Shape) -> Shape:
    """A vector makes a diagonal matrix, a square matrix gives its diagonal."""
    return shape * 2 if len(shape) == 1 else square(shape)[:1]


def reshaped(old: Shape, shape: Shape) -> Shape:
    """The new shape; one length may be -1 and follows from the rest."""
    known = prod(n for n in shape if n != -1)
    if min(shape, default=0) < -1:
        raise ShapeError(f"a length is negative in the shape {written(shape)}", hint="one length may be -1")
    free = shape.count(-1)
    if free == 1 and known and size(old) % known == 0:
        return tuple(size(old) // known if n == -1 else n for n in shape)
    if free or min(shape, default=0) < 0 or known != size(old):
        raise ShapeError(f"{size(old)} entries of the shape {written(old)} do not make the shape {written(shape)}")
    return shape


def stretched(old: Shape, shape: Shape) -> Shape:
    """The shape itself, if the old one broadcasts to it."""
    if min(shape, default=0) < 0:
        raise ShapeError(f"a length is negative in the shape {written(shape)}")
    try:
        fits = broadcast(old, shape) == shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(f"the shape {written(old)} does not broadcast to {written(shape)}")
    return shape


def joined(*shapes: Shape, axis: int = 0) -> Shape:
    """The shape of tensors put one behind the other along an axis."""
    if not shapes[0]:
        raise ShapeError("scalars have no axis to join along", hint="write `stack(x, y)` or `[x, y]`")
    at = one_axis(shapes[0], axis)
    for shape in shapes[1:]:
        if shape[:at] + shape[at + 1 :] != shapes[0][:at] + shapes[0][at + 1 :] or len(shape) != len(shapes[0]):
            raise ShapeError(
                f"the shapes {written(shapes[0])} and {written(shape)} do not join along axis {axis}: "
                "the others must be equal"
            )
    return (*shapes[0][:at], sum(shape[at] for shape in shapes), *shapes[0][at + 1 :])


def stacked(*shapes: Shape, axis: int = 0) -> Shape:
    """The shape of equal tensors put side by side along a new axis."""
    for k, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ShapeError(
                f"entry {k} has the shape {written(shape)}, and entry 0 {written(shapes[0])}",
                hint="rows must be equally long",
            )
    at = one_axis((1, *shapes[0]), axis)
    return (*shapes[0][:at], len(shapes), *shapes[0][at:])


def indexed(shape: Shape, key: Key) -> Shape:
    """The shape of ``x[key]``."""
    if len(key) > len(shape):
        raise ShapeError(f"{len(key)} indices for the shape {written(shape)}, which has {len(shape)} axes")
    found = []
    for axis, (item, n) in enumerate(zip(key, shape, strict=False)):
        if isinstance(item, int):
            if not -n <= item < n:
                raise ShapeError(
                    f"the index {item} is outside axis {axis} of the shape {written(shape)}",
                    hint=f"indices go from 0 to {n - 1}" if n else "the axis is empty",
                )
        else:
            if item[2] == 0:
                raise ShapeError("a slice cannot step by 0")
            found.append(_length(range(*slice(*item).indices(n))))
    return (*found, *shape[len(key) :])


def _length(places: range) -> int:
    """How many there are; `len` takes none beyond 2**63."""
    return max((places.stop - places.start + places.step - (1 if places.step > 0 else -1)) // places.step, 0)


def scattered(shape: Shape, key: Key, into: Shape) -> Shape:
    """The shape that entries are put back into; the adjoint of an index."""
    if indexed(into, key) != shape:
        raise ShapeError(f"the shape {written(shape)} does not fit into {written(into)} there")
    return into


def taken(shape: Shape, index: Shape) -> Shape:
    """The shape of the entries of the first axis at a tensor of indices."""
    if not shape:
        raise ShapeError("a scalar has no entries to take")
    return index + shape[1:]


def put(shape: Shape, index: Shape, length: int) -> Shape:
    """The adjoint of `taken`."""
    if length < 0:
        raise ShapeError(f"a length is negative: {length}")
    if shape[: len(index)] != index:
        raise ShapeError(f"the shapes {written(shape)} of the entries and {written(index)} of their places do not fit")
    return (length, *shape[len(index) :])


def one_hot(shape: Shape, classes: int) -> Shape:
    """Every class as a row of 0 with one 1."""
    if classes < 0:
        raise ShapeError(f"a length is negative: {classes}")
    return (*shape, classes)


def labelled(scores: Shape, labels: Shape) -> Shape:
    """The shape of a loss over scores, one class per row; a label per row, or as many probabilities as scores."""
    if not scores or not scores[-1] or not size(scores):
        raise ShapeError(f"scores are a vector, or a matrix with a row per sample; the shape is {written(scores)}")
    if labels not in (scores[:-1], scores):
        raise ShapeError(
            f"the shapes {written(scores)} of the scores and {written(labels)} of the classes do not fit",
            hint="give one class number per row of scores" if len(scores) > 1 else "give one class number",
        )
    return ()


def key_text(key: Key) -> str:
    """The inside of the brackets as the language writes it: ``0, 1:3, :``."""

    def one(item: int | Slice) -> str:
        if isinstance(item, int):
            return str(item)
        start, stop, step = ("" if x is None else str(x) for x in item)
        return f"{start}:{stop}" + (f":{step}" if step else "")

    return ", ".join(map(one, key))


def unravel(flat: int, shape: Shape) -> tuple[int, ...]:
    """The place of entry number `flat`, counted along the last axis first."""
    found = []
    for n in reversed(shape):
        flat, rest = divmod(flat, n)
        found.append(rest)
    return tuple(reversed(found))


def place_text(name: str, place: Sequence[int]) -> str:
    """``W[0, 1]``; a scalar's name alone."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name
