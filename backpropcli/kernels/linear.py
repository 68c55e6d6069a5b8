"""Linear algebra on arrays: what NumPy has, and for small matrices the determinant to the last digit.

Gauss's elimination says that det([[1, 2], [3, 4]]) is -2.0000000000000004. Up to 3 rows a determinant is a sum of at
most 6 products; their rounding errors are floats themselves (Dekker), and `fsum` rounds the sum of them all once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .special import split
from .system import Kernel

FEW = 3
"""Rows up to which determinants are exact."""

MINORS = 8
"""Rows up to which cofactors are determinants of minors, which keep the digits of small ones."""

LEAST, MOST = 2.0**-200, 2.0**200
"""Sizes between which three factors and their errors neither underflow nor overflow."""


Rows = list[list[float]]


def is_small(*operands: Any) -> bool:
    """Whether what is asked of matrices is found by determinants that are right to the last digit."""
    if len(operands[0]) > FEW or not all(x.size for x in operands):
        return False
    sizes = [abs(entry) for x in operands for entry in x.ravel().tolist() if entry]
    return all(LEAST < size < MOST for size in sizes)


def product(x: float, y: float) -> tuple[float, float]:
    """The product and its rounding error, whose sum is exact (Dekker, 1971)."""
    found = x * y
    a, b = split(x), split(y)
    c, d = x - a, y - b
    return found, ((a * b - found) + a * d + c * b) + c * d


def exact_det(rows: Rows) -> float:
    """The determinant of a small matrix, rounded once."""
    if len(rows) == 3:
        first, second, third = rows
        parts = [(first[k], part) for k in range(3) for part in pair(second, third, (k + 1) % 3, (k + 2) % 3)]
        return math.fsum([x for factor, part in parts for x in product(factor, part)])
    if len(rows) == 2:
        return math.fsum(pair(rows[0], rows[1], 0, 1))
    return math.prod((row[0] for row in rows), start=1.0)


def pair(u: list[float], v: list[float], p: int, q: int) -> tuple[float, ...]:
    """The determinant of two columns of two rows, as terms whose sum is exact."""
    return (*product(u[p], v[q]), *product(-u[q], v[p]))


def minor(rows: Rows, i: int, j: int) -> Rows:
    """What is left without row i and column j."""
    return [row[:j] + row[j + 1 :] for row in rows[:i] + rows[i + 1 :]]


def det(x: Any) -> Any:
    """The determinant."""
    return exact_det(x.tolist()) if is_small(x) else np.linalg.det(x)


def inv(x: Any) -> Any:
    """The inverse; of a small matrix the cofactors over the determinant.

    Raises:
        LinAlgError: there is none.
    """
    return cofactor(x).T / _whole(x) if is_small(x) else np.linalg.inv(x)


def solve(a: Any, b: Any) -> Any:
    """The solution of a·x = b; of a small matrix by Cramer's rule.

    Raises:
        LinAlgError: there is none, or more than one.
    """
    if not is_small(a, b):
        return np.linalg.solve(a, b)
    whole, columns = _whole(a), a.T.tolist()
    sides = b.reshape(len(a), -1).T.tolist()
    found = [[exact_det([*columns[:i], side, *columns[i + 1 :]]) / whole for side in sides] for i in range(len(a))]
    return np.reshape(found, b.shape)


def _whole(x: Any) -> float:
    """The determinant of a small matrix, to divide by."""
    found = exact_det(x.tolist())
    if not found:
        raise np.linalg.LinAlgError("singular")
    return found


def signs(n: int) -> Any:
    """1 and -1 like the fields of a chess board."""
    return (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


def cofactor(x: Any) -> Any:
    """The matrix of cofactors: by minors where it is small, else by singular values; a singular matrix has one too."""
    n = len(x)
    if not n or not np.isfinite(x).all():
        return np.full(np.shape(x), math.nan)
    if n <= MINORS:
        minors = [[minor(x.tolist(), i, j) for j in range(n)] for i in range(n)]
        if is_small(x):
            return signs(n) * [[exact_det(rows) for rows in row] for row in minors]
        return signs(n) * np.linalg.det(np.reshape(minors, (n, n, n - 1, n - 1)))
    u, s, vt = np.linalg.svd(x)
    others = np.array([np.prod(np.delete(s, i)) for i in range(len(s))])
    return np.linalg.det(u) * np.linalg.det(vt) * ((u * others) @ vt)


def cofactor_change(x: Any, t: Any) -> Any:
    """How the cofactors change along t.

    A small matrix's by those of its minors. Else by singular values x = U·diag(s)·Vᵀ, along whose axes nothing is
    divided: every entry has a product of others.
    """
    n = len(x)
    if not np.isfinite(x).all() or not np.isfinite(t).all():
        return np.full(np.shape(x), math.nan)
    if n > 1 and is_small(x):
        minors = [[[np.array(minor(a.tolist(), i, j)) for a in (x, t)] for j in range(n)] for i in range(n)]
        return signs(n) * [[np.sum(cofactor(a) * b) for a, b in row] for row in minors]
    u, s, vt = np.linalg.svd(x)
    along = u.T @ t @ vt.T
    others = np.array([[np.prod(np.delete(s, [i, j])) for j in range(n)] for i in range(n)]).reshape(n, n)
    np.fill_diagonal(others, 0.0)
    change = -others * along.T
    np.fill_diagonal(change, others @ np.diagonal(along))
    return np.linalg.det(u) * np.linalg.det(vt) * (u @ change @ vt)


def on_matrix(function: Callable[..., Any]) -> Kernel:
    """A function of linear algebra; NaN in every entry where the matrix is singular."""

    def kernel(*operands: Any) -> Any:
        try:
            return function(*operands)
        except np.linalg.LinAlgError:
            return np.full(np.shape(operands[-1]), math.nan)

    return kernel


KERNELS = {
    "det": on_matrix(det),
    "inv": on_matrix(inv),
    "solve": on_matrix(solve),
    "cofactor": on_matrix(cofactor),
    "cofactor_change": on_matrix(cofactor_change),
}
