"""Operations that choose: maxima, branches, comparisons and logic."""

from __future__ import annotations

from typing import Any

from ..shapes import Shape, size
from .counts import COMPARE, FREE, Counts
from .table import AND, COMPARISON, NOT, OR, operation


def tied(F: Any, z: Any, *operands: Any) -> Any:
    """More than one operand attains the chosen value."""
    hits = F.equal(operands[0], z)
    for x in operands[1:]:
        hits = hits + F.equal(x, z)
    return hits > 1


def compared(z: Shape, *operands: Shape) -> Counts:
    """What the largest of several operands takes."""
    return COMPARE.times(size(z) * (len(operands) - 1))


operation(
    "max", "The largest operand; operands that tie share the gradient.", pattern="gradient router",
    operands=("x", "y"), variadic=True, commutes=True, synonyms=("maximum", "maxout"),
    cost=compared,
    partials=lambda F, k, z, *operands: F.share(k, z, operands, "greater"),
    kink=tied, kink_told="operands tie", structural=True,
)  # fmt: skip
operation(
    "min", "The smallest operand; operands that tie share the gradient.", pattern="gradient router",
    operands=("x", "y"), variadic=True, commutes=True, synonyms=("minimum",),
    cost=compared,
    partials=lambda F, k, z, *operands: F.share(k, z, operands, "less"),
    kink=tied, kink_told="operands tie", structural=True,
)  # fmt: skip
operation(
    "clip", "x held between lo and hi; its gradient at an edge is 0.", pattern="gradient switch",
    operands=("x", "lo", "hi"), synonyms=("clamp",),
    cost=COMPARE.times(2),
    value=lambda F, x, lo, hi: F.min(F.max(x, lo), hi),
    partials=(
        lambda F, z, x, lo, hi: F.logical_and(x > lo, x < hi),
        lambda F, z, x, lo, hi: F.logical_and(x <= lo, lo < hi),
        lambda F, z, x, lo, hi: F.greater_equal(F.max(x, lo), hi),
    ),
    kink=lambda F, z, x, lo, hi: F.logical_or(F.logical_or(x == lo, x == hi), lo == hi), structural=True,
)  # fmt: skip
operation(
    "where", "x where the condition holds, else y; only the branch taken has a gradient.", pattern="gradient router",
    operands=("condition", "x", "y"),
    cost=FREE,
    partials=(
        lambda F, z, condition, x, y: 0.0,
        lambda F, z, condition, x, y: F.where(condition, 1.0, 0.0),
        lambda F, z, condition, x, y: F.where(condition, 0.0, 1.0),
    ),
    structural=True,
)  # fmt: skip

for _name, _sign, _latex, _doc in (
    ("less", "<", "<", "Less than."),
    ("less_equal", "<=", r"\le", "Less than or equal."),
    ("greater", ">", ">", "Greater than."),
    ("greater_equal", ">=", r"\ge", "Greater than or equal."),
    ("equal", "==", "=", "Equal."),
    ("not_equal", "!=", r"\ne", "Not equal."),
):
    operation(
        _name, _doc, pattern="condition", operands=("x", "y"), form=f"{{}} {_sign} {{}}", binding=COMPARISON,
        latex=f"{{}} {_latex} {{}}",
        cost=COMPARE,
        partials=(lambda F, z, x, y: 0.0, lambda F, z, x, y: 0.0),
        kink=lambda F, z, x, y: x == y, condition=True, structural=True,
    )  # fmt: skip

operation(
    "logical_not", "1 where x is 0, else 0.", pattern="condition", form="not {}", binding=NOT,
    cost=COMPARE,
    partials=lambda F, z, x: 0.0, condition=True, structural=True,
    latex=r"\lnot {}",
)  # fmt: skip
operation(
    "logical_and", "1 where neither operand is 0.", pattern="condition", operands=("x", "y"), form="{} and {}",
    binding=AND,
    cost=COMPARE,
    partials=(lambda F, z, x, y: 0.0, lambda F, z, x, y: 0.0), condition=True, structural=True,
    latex=r"{} \land {}",
)  # fmt: skip
operation(
    "logical_or", "1 where an operand is not 0.", pattern="condition", operands=("x", "y"), form="{} or {}", binding=OR,
    cost=COMPARE,
    partials=(lambda F, z, x, y: 0.0, lambda F, z, x, y: 0.0), condition=True, structural=True,
    latex=r"{} \lor {}",
)  # fmt: skip
