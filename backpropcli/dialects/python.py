"""Code in plain Python, for numbers: with the kernels of the sweeps themselves nothing raises, and no digit differs."""

from __future__ import annotations

from ..kernels import floats, special
from ..operations import Operation
from ..operations.table import ATOM, PRODUCT
from .pythonic import PythonWriter
from .writer import CHOICE, Piece, sign_of


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
        """By a number that is not 0 without more ado."""
        return self.infix(sign_of(operation), operation, [x, y]) if y.constant else None

    def power(self, operation: Operation, x: Piece, y: Piece) -> Piece | None:
        return self.squared(operation, x) if y.constant == 2.0 else None

    def squared(self, operation: Operation, x: Piece) -> Piece | None:
        return Piece(f"{x.text} * {x.text}", PRODUCT) if x.binding == ATOM and x.text.isidentifier() else None

    def magnitude(self, operation: Operation, x: Piece) -> Piece:
        return self.call("abs", [x])

    spellers = {"where": where, "div": divided, "pow": power, "square": squared, "abs": magnitude}  # noqa: RUF012

    def spell(self, operation: Operation, operands: list[Piece]) -> Piece:
        name = operation.name
        speller = self.spellers.get(name)
        found = speller(self, operation, *operands) if speller is not None else None
        if found is not None:
            return found
        if sign_of(operation) and name != "div":
            return self.infix(sign_of(operation), operation, operands)
        kernel = self.texts.kernel(name)
        return self.call(kernel, operands) if kernel is not None else self.call_helper(operation, operands)
