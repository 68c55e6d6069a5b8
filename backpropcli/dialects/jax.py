"""Code in JAX, which `jax.jit` and `jax.vmap` may have: nothing branches on a value."""

from __future__ import annotations

from ..operations import Operation
from .arrays import TEMPLATES, ArrayWriter
from .writer import Piece


class Jax(ArrayWriter):
    """Arrays and numbers of float64."""

    target = "jax"
    title = "JAX"
    np = "jnp"
    infinity, not_a_number = "jnp.inf", "jnp.nan"
    imports = ("import jax", "import jax.numpy as jnp")
    blanks = {  # noqa: RUF012
        "shape_of_zeros": "shape", "whole": "jnp.where(valid, i, 0).astype(int)", "array": "array", "integers": ", int",
        "floats": "", "float_of_hits": "jnp.float64(i[..., None] == jnp.arange(n))",
    }  # fmt: skip
    templates = {  # noqa: RUF012
        **TEMPLATES,
        "scatter": """
def {name}(x, shape, key):
    \"\"\"Zeros of the shape, with x at the key.\"\"\"
    return jnp.zeros(shape).at[key].set(x)
""",
    }
    functions = {  # noqa: RUF012
        **dict.fromkeys(
            ("sqrt", "cbrt", "hypot", "abs", "sign", "floor", "ceil", "round", "exp", "expm1", "log", "log2", "log10",
             "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
            "jnp.{}",
        ),
        **dict.fromkeys(("erf", "erfc", "gamma", "digamma", "polygamma"), "jax.scipy.special.{}"),
        "asin": "jnp.arcsin", "acos": "jnp.arccos", "atan": "jnp.arctan", "atan2": "jnp.arctan2",
        "asinh": "jnp.arcsinh", "acosh": "jnp.arccosh", "atanh": "jnp.arctanh", "lgamma": "jax.scipy.special.gammaln",
    }  # fmt: skip
    vocabulary = {"pow": "power", "concat": "concatenate"}  # noqa: RUF012

    def settings(self) -> list[str]:
        return ["", 'jax.config.update("jax_enable_x64", True)']

    def as_number(self, piece: Piece) -> Piece:
        return Piece(f"jnp.float64({piece.text})")

    def begin(self) -> list[str]:
        names = [*self.parameters, *(["upstream"] if self.flat.shape else [])]
        return [f"{name} = jnp.asarray({name}, dtype=jnp.float64)" for name in names]

    def held(self, operation: Operation, x: Piece) -> Piece:
        return self.call("jax.lax.stop_gradient", [x])

    spellers = {**ArrayWriter.spellers, "stop_gradient": held}  # noqa: RUF012
