"""Code in NumPy."""

from __future__ import annotations

from typing import Any

from ..kernels import floats, special
from ..operations import Operation
from .arrays import TEMPLATES, ArrayWriter
from .writer import Piece

INTERPRETED = ("erf", "erfc", "gamma", "lgamma", "digamma", "polygamma")
"""What NumPy lacks: Python's own, entry by entry, as the sweeps have it."""

ON_MATRIX = """
def {name}(*operands):
    \"\"\"{np}'s, with NaN where the matrix is singular.\"\"\"
    try:
        return {np}.linalg.{word}(*operands)
    except {np}.linalg.LinAlgError:
        return {np}.full({np}.shape(operands[-1]), {np}.nan)
"""


class Numpy(ArrayWriter):
    """Arrays and numbers of float64."""

    target = "numpy"
    title = "NumPy"
    np = "np"
    infinity, not_a_number = "np.inf", "np.nan"
    imports = ("import numpy as np",)
    decorator = '@np.errstate(all="ignore")'
    modules = (floats, special)
    blanks = {  # noqa: RUF012
        "shape_of_zeros": "shape", "whole": "np.where(valid, i, 0).astype(int)", "array": "array", "integers": ", int",
        "floats": "", "float_of_hits": "np.float64(i[..., None] == np.arange(n))",
    }  # fmt: skip
    templates = {**TEMPLATES, **{name: ON_MATRIX.replace("{word}", name) for name in ("inv", "solve")}}  # noqa: RUF012
    functions = {  # noqa: RUF012
        **dict.fromkeys(
            ("sqrt", "cbrt", "hypot", "abs", "sign", "floor", "ceil", "exp", "expm1", "log", "log2", "log10", "log1p",
             "sin", "cos", "tan", "sinh", "cosh", "tanh"),
            "np.{}",
        ),
        "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan", "atan2": "np.arctan2", "asinh": "np.arcsinh",
        "acosh": "np.arccosh", "atanh": "np.arctanh", "round": "np.rint",
    }  # fmt: skip
    vocabulary = {"pow": "power", "concat": "concatenate"}  # noqa: RUF012

    def as_number(self, piece: Piece) -> Piece:
        return Piece(f"np.float64({piece.text})")

    def begin(self) -> list[str]:
        names = [*self.parameters, *([self.upstream] if self.flat.shape else [])]
        return [f"{name} = np.float64({name})" for name in names]

    def addition(self, name: str, piece: Piece) -> list[str]:
        # Not in place: two gradients may be one array.
        return [f"{name} = {name} + {piece.text}"]

    def interpreted(self, operation: Operation, *operands: Piece) -> Piece:
        """A function of numbers, for every entry."""
        kernel = self.texts.kernel(operation.name)
        assert kernel is not None
        if kernel not in self.interpreters:
            self.interpreters[kernel] = self.outer.name(f"{operation.name}_of_entries")
        return self.call(self.interpreters[kernel], operands)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.interpreters: dict[str, str] = {}

    spellers = {  # noqa: RUF012
        **ArrayWriter.spellers, **dict.fromkeys(INTERPRETED, interpreted),
        "inv": ArrayWriter.by_template, "solve": ArrayWriter.by_template,
    }  # fmt: skip

    def vectorized(self) -> list[list[str]]:
        made = [f"{name} = np.vectorize({kernel}, otypes=[float])" for kernel, name in self.interpreters.items()]
        return [*([made] if made else []), *super().vectorized()]
