"""Code in JAX, which `jax.jit` and `jax.vmap` may have: nothing branches on a value."""

from __future__ import annotations

from math import inf
from typing import Any

from ..kernels.special import split
from ..operations import Operation
from .arrays import FORMULAS, TEMPLATES, ArrayWriter
from .writer import Piece

ERFC = Operation("erfc_of_jax", "erfc as JAX has it.", pattern="")


def erfc(F: Any, x: Any) -> Any:
    """JAX's squares x before the exponential and loses x² ulp: it is asked where the square is exact, and a step made.

    With h + l = x: erfc(x) = erfc(h) - 2/√π exp(-h²) (l - h l² + (4h² - 2)/6 l³ - …), and |l| < 2⁻²⁶ |h|.
    """
    near = F.where(F.abs(x) < 28.0, x, 0.0)
    h = split(near)
    step = near - h
    slope = F.exp(-F.square(h)) * 1.1283791670955126
    found = F.row(ERFC, h) - slope * step * (1.0 - h * step + F.div(4.0 * F.square(h) - 2.0, 6.0) * F.square(step))
    return F.where(F.abs(x) < 28.0, found, F.row(ERFC, x))


def log1p(F: Any, x: Any) -> Any:
    """log(u) at u = 1 + x, made good for the rounding of u (JAX's own is 50 ulp off)."""
    u = 1.0 + x
    good = F.logical_and(u > 0.0, u < inf)
    at = F.where(good, u, 1.0)
    return F.where(good, F.log(at) + F.div(x - (at - 1.0), at), F.log(u))


def cosh(F: Any, x: Any) -> Any:
    """By exp(|x|), where that overflows by its root (JAX's own is 500 ulp off)."""
    size = F.abs(x)
    bell, root = F.exp(size), F.exp(0.5 * size)
    return F.where(size < 709.0, 0.5 * bell + F.div(0.5, bell), (0.5 * root) * root)


def sinh(F: Any, x: Any) -> Any:
    """By expm1(|x|), as `cosh`."""
    size = F.abs(x)
    near = F.where(size < 709.0, size, 0.0)
    grown, root = F.expm1(near), F.exp(0.5 * size)
    return F.sign(x) * F.where(size < 709.0, 0.5 * (grown + F.div(grown, grown + 1.0)), (0.5 * root) * root)


def atanh(F: Any, x: Any) -> Any:
    """log1p(2|x|/(1 - |x|))/2 (JAX's own is 100 ulp off)."""
    size = F.abs(x)
    return F.sign(x) * (0.5 * F.log1p(F.div(2.0 * size, 1.0 - size)))


class Jax(ArrayWriter):
    """Arrays and numbers of float64."""

    target = "jax"
    title = "JAX"
    shielded = True
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
def {name}(x, key, shape):
    \"\"\"Zeros of the shape, with x at the key.\"\"\"
    return jnp.zeros(shape).at[key].set(x)
""",
    }
    functions = {  # noqa: RUF012
        **dict.fromkeys(
            ("sqrt", "cbrt", "hypot", "abs", "sign", "floor", "ceil", "round", "exp", "expm1", "log", "log2", "log10",
             "sin", "cos", "tan", "tanh"),
            "jnp.{}",
        ),
        **dict.fromkeys(("erf", "gamma", "digamma"), "jax.scipy.special.{}"),
        "asin": "jnp.arcsin", "acos": "jnp.arccos", "atan": "jnp.arctan", "atan2": "jnp.arctan2",
        "asinh": "jnp.arcsinh", "acosh": "jnp.arccosh", "lgamma": "jax.scipy.special.gammaln",
        "erfc_of_jax": "jax.scipy.special.erfc",
    }  # fmt: skip
    formulas = {  # noqa: RUF012
        **FORMULAS, "erfc": erfc, "log1p": log1p, "cosh": cosh, "sinh": sinh, "atanh": atanh,
    }  # fmt: skip
    vocabulary = {"pow": "power", "concat": "concatenate"}  # noqa: RUF012

    def settings(self) -> list[str]:
        return ["", 'jax.config.update("jax_enable_x64", True)']

    def as_number(self, piece: Piece) -> Piece:
        return Piece(f"jnp.float64({piece.text})")

    def begin(self) -> list[str]:
        names = [*self.parameters, *([self.upstream] if self.flat.shape else [])]
        return [f"{name} = jnp.asarray({name}, dtype=jnp.float64)" for name in names]

    def held(self, operation: Operation, x: Piece) -> Piece:
        return self.call("jax.lax.stop_gradient", [x])

    def slope_of_order(self, operation: Operation, n: Piece, x: Piece) -> Piece | None:
        """Of an order that is known."""
        if n.constant is None or not (n.constant.is_integer() and 1.0 <= n.constant <= 100.0):
            return None
        return self.call("jax.scipy.special.polygamma", [Piece(str(int(n.constant))), x])

    spellers = {**ArrayWriter.spellers, "stop_gradient": held, "polygamma": slope_of_order}  # noqa: RUF012
