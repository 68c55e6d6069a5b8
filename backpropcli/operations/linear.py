"""Products of vectors and matrices, and operations that only move entries."""

from __future__ import annotations

from typing import Any

from .. import shapes
from ..shapes import Shape, size
from .counts import ADD, FREE, MULTIPLY, Counts
from .table import PRODUCT, operation

NO_PLACE = "a place must be a whole number within the tensor"
NO_INVERSE = "the matrix is singular"


def matmul_left(F: Any, g: Any, z: Any, a: Any, b: Any) -> Any:
    """The gradient of a in a@b: upstream @ bᵀ; for a matrix times a vector an outer product."""
    m, n = len(F.shape(a)), len(F.shape(b))
    if n == 1:
        if m == 1:
            return F.mul(g, b)
        if m == 2:
            return F.outer(g, b)
        return F.mul(column(F, g), b)
    if m == 1 and n == 2:
        return F.matmul(b, g)
    if m == 1:
        return F.reshape(F.sum_to(F.matmul(b, column(F, g)), (*F.shape(a), 1)), shape=F.shape(a))
    return F.sum_to(F.matmul(g, swapped(F, b)), F.shape(a))


def matmul_right(F: Any, g: Any, z: Any, a: Any, b: Any) -> Any:
    """The gradient of b in a@b: aᵀ @ upstream."""
    m, n = len(F.shape(a)), len(F.shape(b))
    if m == 1:
        if n == 1:
            return F.mul(g, a)
        if n == 2:
            return F.outer(a, g)
        return F.mul(column(F, a), F.reshape(g, shape=(*F.shape(g)[:-1], 1, F.shape(g)[-1])))
    if n == 1 and m == 2:
        return F.matmul(swapped(F, a), g)
    if n == 1:
        return F.reshape(F.sum_to(F.matmul(swapped(F, a), column(F, g)), (*F.shape(b), 1)), shape=F.shape(b))
    return F.sum_to(F.matmul(swapped(F, a), g), F.shape(b))


def column(F: Any, x: Any) -> Any:
    """A vector, or every vector in a batch, as a matrix of one column."""
    return F.reshape(x, shape=(*F.shape(x), 1))


def swapped(F: Any, x: Any) -> Any:
    """The transposes of a matrix, or of every matrix in a batch."""
    rank = len(F.shape(x))
    return F.transpose(x) if rank == 2 else F.transpose(x, axes=(*range(rank - 2), rank - 1, rank - 2))


def cofactor_bend(F: Any, s: Any, x: Any, t: Any) -> Any:
    """The second change of the cofactors of x, along s and t: symmetric in them, and its own adjoint in each.

    With V = inv(x) it is det(x) times the transpose of
    (tr(Vs)·tr(Vt) - tr(VsVt))·V - tr(Vs)·VtV - tr(Vt)·VsV + VsVtV + VtVsV.
    """
    V = F.inv(x)
    first, second = F.matmul(V, s), F.matmul(V, t)
    both = F.matmul(first, second)
    found = F.mul(F.mul(F.trace(first), F.trace(second)) - F.trace(both), V)
    found = found - F.mul(F.trace(first), F.matmul(second, V)) - F.mul(F.trace(second), F.matmul(first, V))
    found = found + F.matmul(both, V) + F.matmul(F.matmul(second, first), V)
    return F.mul(F.det(x), F.transpose(found))


def solve_left(F: Any, g: Any, z: Any, a: Any, b: Any) -> Any:
    """The gradient of a in solve(a, b): -solve(aᵀ, upstream) @ zᵀ."""
    towards_b = F.solve(F.transpose(a), g)
    return -(F.outer(towards_b, z) if len(F.shape(z)) == 1 else F.matmul(towards_b, F.transpose(z)))


def turned_back(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes an order of axes."""
    order = [a % len(axes) for a in axes]
    return tuple(map(order.index, range(len(axes))))


def joined_part(F: Any, k: int, g: Any, z: Any, *operands: Any, axis: int) -> Any:
    """The part of the upstream gradient that belongs to operand k of `concat`."""
    (at,) = shapes.axes_of(F.shape(z), axis)
    start = sum(F.shape(x)[at] for x in operands[:k])
    return F.index(g, key=(*[(None, None, None)] * at, (start, start + F.shape(operands[k])[at], None)))


def stacked_part(F: Any, k: int, g: Any, z: Any, *operands: Any, axis: int) -> Any:
    """The part of the upstream gradient that belongs to operand k of `stack`."""
    (at,) = shapes.axes_of(F.shape(z), axis)
    return F.index(g, key=(*[(None, None, None)] * at, k))


def nothing(F: Any, g: Any, z: Any, x: Any, i: Any, **attributes: Any) -> Any:
    """No gradient towards a tensor of places."""
    return F.full(0.0, shape=F.shape(i)) if F.shape(i) else 0.0


def unmoved(F: Any, t: Any, z: Any, *operands: Any, **attributes: Any) -> Any:
    """No tangent from a tensor of places."""
    return F.full(0.0, shape=F.shape(z))


def matmul_cost(z: Shape, a: Shape, b: Shape) -> Counts:
    """m·n·k multiplications and m·n·(k - 1) additions for m×k times k×n."""
    return MULTIPLY.times(size(z) * a[-1]).plus(ADD.times(size(z) * (a[-1] - 1)))


def lu_cost(n: int) -> Counts:
    """Gauss's elimination of an n×n matrix: (n³ - n)/3 multiplications and divisions, (2n³ - 3n² + n)/6 additions."""
    return Counts((n**3 - n) // 3, (2 * n**3 - 3 * n**2 + n) // 6, estimated=True)


def det_cost(z: Shape, x: Shape) -> Counts:
    """Elimination, and the product of the diagonal."""
    return lu_cost(x[0]).plus(MULTIPLY.times(x[0] - 1))


def solve_cost(z: Shape, a: Shape, b: Shape) -> Counts:
    """Elimination, and for every right-hand side n² multiplications and divisions and n² - n additions."""
    n = a[0]
    return lu_cost(n).plus(Counts(n * size(b), max(n - 1, 0) * size(b)))


def inv_cost(z: Shape, x: Shape) -> Counts:
    """n³ multiplications and divisions and n³ - 2n² + n additions."""
    n = x[0]
    return Counts(n**3, n**3 - 2 * n**2 + n, estimated=True)


def cofactor_cost(z: Shape, x: Shape) -> Counts:
    """As det(x)*inv(x)ᵀ."""
    return inv_cost(x, x).plus(det_cost((), x)).plus(MULTIPLY.times(size(x)))


def cofactor_change_cost(z: Shape, x: Shape, t: Shape) -> Counts:
    """As det(x)*(tr(V@t)*V - V@t@V)ᵀ with V = inv(x)."""
    products = matmul_cost(x, x, t).times(2).plus(MULTIPLY.plus(MULTIPLY).plus(ADD).times(size(x)))
    return inv_cost(x, x).plus(det_cost((), x)).plus(products).plus(ADD.times(x[0] - 1))


operation(
    "matmul", "Product of matrices and vectors; leading axes are a batch.", pattern="matrix swap multiplier",
    operands=("A", "B"), synonyms=("matmul",), form="{}@{}", binding=PRODUCT, shape=shapes.matmul,
    cost=matmul_cost,
    pullback=(matmul_left, matmul_right),
    example=(((2, 3), (3, 4)), {}),
    latex=r"{} \cdot {}",
)  # fmt: skip
operation(
    "dot", "Inner product of two vectors.", pattern="swap multiplier", operands=("x", "y"), shape=shapes.inner,
    value=lambda F, x, y: F.matmul(x, y), expand=lambda F, x, y: F.sum(F.mul(x, y)),
    pullback=(lambda F, g, z, x, y: F.mul(g, y), lambda F, g, z, x, y: F.mul(g, x)),
)  # fmt: skip
operation(
    "outer", "Outer product of two vectors: every entry times every entry.", pattern="swap multiplier",
    operands=("x", "y"), shape=shapes.outer,
    expand=lambda F, x, y: F.mul(F.reshape(x, shape=(*F.shape(x), 1)), y),
    pullback=(lambda F, g, z, x, y: F.matmul(g, y), lambda F, g, z, x, y: F.matmul(x, g)),
    latex=r"{} \cdot {}^{{\mathsf{{T}}}}",
)  # fmt: skip
operation(
    "transpose", "Rows as columns; all axes reversed, or in the order `axes`.", pattern="mover",
    attributes={"axes": None}, synonyms=("transpose",), form="{}ᵀ", shape=shapes.transposed,
    cost=FREE,
    pullback=lambda F, g, z, x, axes: F.transpose(g, axes=axes and turned_back(axes)),
    example=(((2, 3),), {}),
    latex=r"{}^{{\mathsf{{T}}}}",
)  # fmt: skip
operation(
    "reshape", "The same entries, row by row, in another shape; one length may be -1.", pattern="mover",
    attributes={"shape": ()}, lengths="shape", shape=shapes.reshaped,
    cost=FREE,
    pullback=lambda F, g, z, x, shape: F.reshape(g, shape=F.shape(x)),
    example=(((2, 3),), {"shape": (6,)}),
)  # fmt: skip
operation(
    "full", "Stretched to a shape by repetition: zeros(2, 3) is full(0, 2, 3).", pattern="gradient distributor",
    attributes={"shape": ()}, lengths="shape", shape=shapes.stretched,
    cost=FREE,
    pullback=lambda F, g, z, x, shape: F.sum_to(g, F.shape(x)),
    example=(((),), {"shape": (2, 3)}),
)  # fmt: skip
operation(
    "concat", "One behind the other along an axis, the first by default.", pattern="mover", operands=("x", "y"),
    variadic=True, attributes={"axis": 0}, shape=shapes.joined, joint=True,
    cost=FREE,
    pullback=joined_part,
)  # fmt: skip
operation(
    "stack", "Side by side along a new axis, the first by default; [x, y] is stack(x, y).", pattern="mover",
    operands=("x",), variadic=True, attributes={"axis": 0}, synonyms=("stack",), form="[{}]", shape=shapes.stacked,
    joint=True,
    cost=FREE,
    pullback=stacked_part,
)  # fmt: skip
operation(
    "index", "Entries by number and slice, x[0, 1:3]; the others get no gradient.", pattern="gradient router",
    attributes={"key": ()}, form="{}[]", shape=shapes.indexed, structural=True,
    cost=FREE,
    pullback=lambda F, g, z, x, key: F.scatter(g, key=key, into=F.shape(x)),
    example=(((3,),), {"key": (0,)}),
)  # fmt: skip
operation(
    "scatter", "Entries put into zeros at numbers and slices, scatter(x, 1:3, into=5): the adjoint of an index.",
    pattern="gradient router",
    attributes={"key": (), "into": ()}, lengths="key", shape=shapes.scattered, structural=True,
    cost=FREE,
    pullback=lambda F, g, z, x, key, into: F.index(g, key=key),
    example=(((),), {"key": (0,), "into": (3,)}),
)  # fmt: skip
operation(
    "take", "The entries of the first axis at the places i, x[i]; the places have no gradient.",
    pattern="gradient router", operands=("x", "i"), shape=shapes.taken, structural=True, place=lambda x, i: 1,
    cost=FREE, lost=NO_PLACE,
    pullback=(lambda F, g, z, x, i: F.put(g, i, length=F.shape(x)[0]), nothing),
    pushforward=(lambda F, t, z, x, i: F.take(t, i), unmoved),
    example=(((3,), ()), {}),
)  # fmt: skip
operation(
    "put", "Entries added into zeros at the places i: the adjoint of `take`.", pattern="gradient router",
    operands=("x", "i"), attributes={"length": 0}, shape=shapes.put, lengths="length",
    cost=lambda z, x, i, length: ADD.times(size(x)), lost=NO_PLACE,
    place=lambda x, i: 1,
    pullback=(lambda F, g, z, x, i, length: F.take(g, i), nothing),
    pushforward=(lambda F, t, z, x, i, length: F.put(t, i, length=length), unmoved),
    example=(((), ()), {"length": 3}),
)  # fmt: skip
operation(
    "one_hot", "For every class number a row of zeros with a 1 at its place; it has no gradient.",
    pattern="gradient blocker", operands=("i",), attributes={"classes": 0}, lengths="classes", shape=shapes.one_hot,
    cost=FREE, lost=NO_PLACE,
    structural=True, place=lambda i: 0,
    pullback=lambda F, g, z, i, classes: nothing(F, g, z, i, i), pushforward=unmoved,
    example=(((),), {"classes": 3}),
)  # fmt: skip
operation(
    "diag", "A diagonal matrix from a vector, or the diagonal of a square matrix.", pattern="mover",
    shape=shapes.diagonal,
    cost=FREE,
    pullback=lambda F, g, z, x: F.diag(g),
)  # fmt: skip
operation(
    "trace", "Sum of the diagonal of a square matrix.", pattern="gradient distributor",
    shape=lambda x: shapes.square(x) and (),
    value=lambda F, x: F.sum(F.diag(x)),
    pullback=lambda F, g, z, x: F.diag(F.full(g, shape=F.shape(x)[:1])),
    example=(((2, 2),), {}),
)  # fmt: skip
operation(
    "det", "Determinant of a square matrix.", pattern="swap multiplier", reduces=True,
    shape=lambda x: shapes.square(x)[2:],
    cost=det_cost,
    partials=lambda F, z, x: F.cofactor(x),
    example=(((2, 2),), {}),
)  # fmt: skip
operation(
    "cofactor", "Matrix of cofactors, the slope of `det`; det(x)*inv(x)ᵀ where x is regular.",
    pattern="swap multiplier", shape=shapes.square, singular=True,
    cost=cofactor_cost,
    pullback=lambda F, g, z, x: F.cofactor_change(x, g), pushforward=lambda F, t, z, x: F.cofactor_change(x, t),
    example=(((2, 2),), {}),
)  # fmt: skip
operation(
    "cofactor_change", "How the cofactors of x change along t, also where x is singular; linear in t.",
    pattern="swap multiplier", operands=("x", "t"), shape=shapes.squares,
    cost=cofactor_change_cost,
    pullback=(lambda F, g, z, x, t: cofactor_bend(F, g, x, t), lambda F, g, z, x, t: F.cofactor_change(x, g)),
    pushforward=(lambda F, s, z, x, t: cofactor_bend(F, s, x, t), lambda F, s, z, x, t: F.cofactor_change(x, s)),
    told=("the second change of the cofactors of x, along upstream and t", "cofactor_change(x, upstream)"),
    example=(((2, 2), (2, 2)), {}),
)  # fmt: skip
operation(
    "inv", "Inverse of a square matrix; for inv(A)@b `solve(A, b)` is more exact.", pattern="matrix power rule",
    shape=shapes.square, singular=True, lost=NO_INVERSE,
    cost=inv_cost,
    pullback=lambda F, g, z, x: -F.matmul(F.matmul(F.transpose(z), g), F.transpose(z)),
    pushforward=lambda F, t, z, x: -F.matmul(F.matmul(z, t), z),
    example=(((2, 2),), {}),
    latex=r"{}^{{-1}}",
)  # fmt: skip
operation(
    "solve", "The solution x of A@x = b.", pattern="matrix quotient", operands=("A", "b"), shape=shapes.solved,
    singular=True, lost=NO_INVERSE,
    cost=solve_cost,
    pullback=(solve_left, lambda F, g, z, a, b: F.solve(F.transpose(a), g)),
    pushforward=(lambda F, t, z, a, b: -F.solve(a, F.matmul(t, z)), lambda F, t, z, a, b: F.solve(a, t)),
    example=(((2, 2), (2,)), {}),
)  # fmt: skip
