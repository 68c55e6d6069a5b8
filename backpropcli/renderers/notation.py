"""How an explanation writes mathematics: the same pieces as plain text, and as LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

from ..formulas import Formula
from ..operations.table import POWER, PRODUCT
from ..shapes import Shape, written
from ..text import tightness_of
from ..values import Value, is_tensor
from . import latex
from .numbers import figure

MOST_ENTRIES = 16
"""Larger tensors are shown by their corners, and not put into formulas."""

MOST_TERMS = 8


class Notation:
    """Plain text; `Latex` overrides what is written otherwise there.

    Attributes:
        digits: significant digits, None for all.
        limit: the most characters of a formula; a longer one is left out of its equation.
    """

    equals = " = "
    cross, dot, middle, plus = " × ", " ⊙ ", " · ", " + "
    most_entries = MOST_ENTRIES

    def __init__(self, digits: int | None, limit: int) -> None:
        self.digits = digits
        self.limit = limit

    def name(self, name: str) -> str:
        return name

    def number(self, x: float) -> str:
        return figure(x, self.digits)

    def value(self, value: Value) -> str:
        """A number, or a tensor in one line."""
        if not is_tensor(value):
            return self.number(value)
        if value.size <= MOST_ENTRIES:
            return self.rows(value.tolist(), value.shape)
        return self.corners(value)

    def rows(self, nested: Any, shape: Shape) -> str:
        """``[[1, 2], [3, 4]]``."""
        pieces = [self.number(x) for x in _flat(nested, len(shape))]
        for n in reversed(shape):
            pieces = [f"[{', '.join(pieces[at : at + n])}]" for at in range(0, len(pieces), n)] if n else ["[]"]
        return pieces[0]

    def corners(self, value: Value) -> str:
        """The first and last entries, and the shape."""
        flat = value.ravel()
        ends = [self.number(float(flat[at])) for at in (0, 1, -2, -1)]
        return f"[{ends[0]}, {ends[1]}, …, {ends[2]}, {ends[3]}] ({written(value.shape)})"

    def shape(self, shape: Shape) -> str:
        """The shape in the place of a tensor."""
        return f"[{written(shape)}]" if shape else "1"

    def formula(self, formula: Formula, name_of: Callable[[int], str]) -> str:
        """The expression; "" where it is too long to be read."""
        found = formula.text(name_of, self.limit + 1, self.number).replace("@", " · ")
        return "" if len(found) > self.limit else found

    def partial(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

    def tangent(self, name: str) -> str:
        return f"d{name}"

    def word(self, word: str) -> str:
        """A word in a formula."""
        return word

    def diagonal(self, written: str) -> str:
        return f"diag({written[1:-1] if written.startswith('[') and not written.startswith('[[') else written})"

    def factor(self, written: str) -> str:
        """A number as a factor: a negative one in brackets."""
        return self.bracketed(written) if tightness_of(written) < POWER else written

    def formula_factor(self, formula: Formula, written: str) -> str:
        """A formula as a factor: a sum in brackets."""
        loose = formula.leaf is None and formula.operation.form and formula.operation.binding < PRODUCT
        return self.bracketed(written) if loose or written.startswith("-") else written

    def bracketed(self, written: str) -> str:
        return f"({written})"

    def times(self, local: str, upstream: str) -> str:
        return self.factor(local) + self.cross + self.factor(upstream)

    def entrywise(self, local: str, upstream: str) -> str:
        return local + self.dot + upstream

    def sum(self, parts: Sequence[str]) -> str:
        """``3 + (-3) + 1``; a long sum shows its first terms."""
        shown = [part if not at else self.factor(part) for at, part in enumerate(parts[:MOST_TERMS])]
        return self.plus.join(shown + (["…"] if len(parts) > MOST_TERMS else []))

    def equation(self, terms: Sequence[str]) -> str:
        """Terms that are equal, each once, without those left out as too long."""
        return self.equals.join(term for term, _ in groupby(filter(None, terms)))


class Latex(Notation):
    """LaTeX, without the dollars around it.

    Attributes:
        newline: what ends a row of a matrix.
        ranks: how many axes the value of a name has; 0 where it is not told.
    """

    cross, dot, middle, plus = r" \times ", r" \odot ", r" \cdot ", " + "

    def __init__(
        self, digits: int | None, limit: int, newline: str = r"\\", ranks: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        super().__init__(digits, limit)
        self.newline = newline
        self.ranks = ranks
        self.names = latex.Names()

    def name(self, name: str) -> str:
        return self.names(name, self.ranks.get(name, 0))

    def number(self, x: float) -> str:
        return latex.figure(super().number(x))

    def rows(self, nested: Any, shape: Shape) -> str:
        """A matrix; a vector is a column."""
        if len(shape) > 2 or 0 in shape:
            return super().rows(nested, shape)
        rows = [[x] for x in nested] if len(shape) == 1 else nested
        return latex.matrix((map(self.number, row) for row in rows), self.newline)

    def corners(self, value: Value) -> str:
        return super().corners(value).replace("…", r"\ldots").replace("×", r" \times ")

    def shape(self, shape: Shape) -> str:
        return super().shape(shape).replace("×", r" \times ")

    def formula(self, formula: Formula, name_of: Callable[[int], str]) -> str:
        if len(formula.text(lambda node: "xx", self.limit + 1, super().number)) > self.limit:
            return ""
        return latex.expressions(formula.graph, formula.names(name_of, self.number))[formula.root]

    def partial(self, of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def tangent(self, name: str) -> str:
        return rf"\mathrm{{d}}{name}"

    def word(self, word: str) -> str:
        return rf"\text{{{latex.text(word)}}}"

    def diagonal(self, written: str) -> str:
        return r"\operatorname{diag}" + latex.bracketed(written)

    def factor(self, written: str) -> str:
        return self.bracketed(written) if latex.tightness_of(written) < POWER else written

    def bracketed(self, written: str) -> str:
        return latex.bracketed(written)

    def sum(self, parts: Sequence[str]) -> str:
        return super().sum(parts).replace("…", r"\cdots")


def _flat(nested: Any, rank: int) -> list[float]:
    for _ in range(rank - 1):
        nested = [inner for outer in nested for inner in outer]
    return nested  # type: ignore[no-any-return]
