"""Code in plain Python, for numbers: with the kernels of the sweeps themselves nothing raises, and no digit differs."""

from __future__ import annotations

from ..kernels import floats, special
from ..operations import Operation
from ..operations.table import ATOM, PRODUCT
from .pythonic import PythonWriter
from .writer import CHOICE, Piece


class Python(PythonWriter):
    """Scalars; IEEE results in place of Python's exceptions."""

    target = "python"
    title = "Python"
    tensors = False
    infinity, not_a_number = "math.inf", "math.nan"
    modules = (floats, special)

    def literal(self, value: float) -> str:
        text = super().literal(value)
        if text.lstrip("-").startswith("math"):
            self.texts.imports.add("import math")
        return text

    def as_number(self, piece: Piece) -> Piece:
        return Piece(f"float({piece.text})")

    def where(self, operation: Operation, condition: Piece, x: Piece, y: Piece) -> Piece:
        test, *values = (
            f"({p.text})" if p.binding == CHOICE else p.text
            for p in (self.truth(condition), self.number(x), self.number(y))
        )
        return Piece(f"{values[0]} if {test} else {values[1]}", CHOICE)

    def divided(self, operation: Operation, x: Piece, y: Piece) -> Piece | None:
        """By a number that is not 0 without more ado; else by a function that does not raise."""
        return self.call(self.texts.kernel("div") or "", [x, y]) if not y.constant else None

    def power(self, operation: Operation, x: Piece, y: Piece) -> Piece | None:
        return self.squared(operation, x) if y.constant == 2.0 else None

    def squared(self, operation: Operation, x: Piece) -> Piece | None:
        return Piece(f"{x.text} * {x.text}", PRODUCT) if x.binding == ATOM and x.text.isidentifier() else None

    def magnitude(self, operation: Operation, x: Piece) -> Piece:
        return self.call("abs", [x])

    spellers = {"where": where, "div": divided, "pow": power, "square": squared, "abs": magnitude}  # noqa: RUF012

    def function_of(self, name: str) -> str | None:
        return self.texts.kernel(name)
