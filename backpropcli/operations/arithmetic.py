"""Sums, products, quotients and powers."""

from __future__ import annotations

from .counts import ADD, COMPARE, FREE, MULTIPLY
from .table import POSITIVE, POWER, PRODUCT, REAL, SIGN, SUM, operation

operation(
    "add", "Sum.", pattern="gradient distributor", operands=("x", "y"), form="{} + {}", binding=SUM,
    commutes=True,
    cost=ADD,
    partials=(lambda F, z, x, y: 1.0, lambda F, z, x, y: 1.0),
)  # fmt: skip
operation(
    "sub", "Difference.", pattern="gradient distributor", operands=("x", "y"), form="{} - {}", binding=SUM, sign="−",
    cost=ADD,
    partials=(lambda F, z, x, y: 1.0, lambda F, z, x, y: -1.0),
)  # fmt: skip
operation(
    "mul", "Product.", pattern="swap multiplier", operands=("x", "y"), form="{}*{}", binding=PRODUCT,
    sign="×", commutes=True,
    cost=MULTIPLY,
    partials=(lambda F, z, x, y: y, lambda F, z, x, y: x),
    latex=r"{} \cdot {}",
)  # fmt: skip
operation(
    "div", "Quotient.", pattern="quotient rule", operands=("x", "y"), form="{}/{}", binding=PRODUCT,
    cost=MULTIPLY,
    partials=(lambda F, z, x, y: F.div(1.0, y), lambda F, z, x, y: -F.div(z, y)),
    domain=(REAL, REAL),
    latex=r"\frac{{{}}}{{{}}}",
    textbook=("", "-x/y^2"),
)  # fmt: skip
operation(
    "neg", "Negation, the lectures' gate *-1.", pattern="sign flipper", form="-{}", binding=SIGN, sign="×−1",
    cost=FREE,
    partials=lambda F, z, x: -1.0,
)  # fmt: skip
operation(
    "pow", "Power. log(x) is computed only where the exponent varies.", pattern="power rule", operands=("x", "y"),
    synonyms=("pow",), form="{}^{}", binding=POWER, right=True,
    partials=(lambda F, z, x, y: F.power_slope(x, y), lambda F, z, x, y: F.power_log(z, x, y)),
    kink=lambda F, z, x, y: F.logical_and(x == 0, F.logical_and(y > 0, y < 1)), domain=(POSITIVE, REAL),
    latex=r"{}^{{{}}}",
)  # fmt: skip
operation(
    "square", "Square.", pattern="power rule", synonyms=("square",), form="{}^2", binding=POWER,
    cost=MULTIPLY,
    value=lambda F, x: x * x,
    partials=lambda F, z, x: 2.0 * x,
    latex=r"{}^{{2}}",
)  # fmt: skip
operation(
    "reciprocal", "Reciprocal, the lectures' gate 1/x.", pattern="power rule",
    cost=MULTIPLY,
    value=lambda F, x: F.div(1.0, x),
    partials=lambda F, z, x: -F.square(z),
    textbook=("-1/x^2",),
)  # fmt: skip
operation(
    "sqrt", "Square root.", pattern="power rule", synonyms=("√",),
    partials=lambda F, z, x: F.div(0.5, z),
    kink=lambda F, z, x: x == 0, domain=(POSITIVE,),
    latex=r"\sqrt{{{}}}",
    textbook=("1/(2*sqrt(x))",),
)  # fmt: skip
operation(
    "cbrt", "Cube root, real for negative numbers.", pattern="power rule", synonyms=("∛",),
    partials=lambda F, z, x: F.div(1.0, 3.0 * F.square(z)),
    kink=lambda F, z, x: x == 0,
    latex=r"\sqrt[3]{{{}}}",
)  # fmt: skip
operation(
    "hypot", "Length of a vector of two, sqrt(x^2 + y^2), without overflow.",
    pattern="unit vector", operands=("x", "y"),
    partials=(
        lambda F, z, x, y: F.where(z == 0, 0.0, F.div(x, z)),
        lambda F, z, x, y: F.where(z == 0, 0.0, F.div(y, z)),
    ),
    kink=lambda F, z, x, y: z == 0, domain=((-1e307, 1e307), (-1e307, 1e307)),
    textbook=("x/z", "y/z"),
)  # fmt: skip
operation(
    "abs", "Absolute value; its gradient at 0 is 0.", pattern="gradient switch",
    cost=COMPARE,
    partials=lambda F, z, x: F.sign(x),
    kink=lambda F, z, x: x == 0,
    latex=r"\left|{}\right|",
)  # fmt: skip
operation(
    "sign", "Sign: -1, 0 or 1.", pattern="gradient blocker",
    cost=COMPARE,
    partials=lambda F, z, x: 0.0,
    kink=lambda F, z, x: x == 0, structural=True,
)  # fmt: skip
operation(
    "floor", "Largest whole number not above x.", pattern="gradient blocker",
    partials=lambda F, z, x: 0.0,
    kink=lambda F, z, x: x == z, structural=True,
    latex=r"\lfloor{{{}}}\rfloor",
)  # fmt: skip
operation(
    "ceil", "Smallest whole number not below x.", pattern="gradient blocker",
    partials=lambda F, z, x: 0.0,
    kink=lambda F, z, x: x == z, structural=True,
    latex=r"\lceil{{{}}}\rceil",
)  # fmt: skip
operation(
    "round", "Nearest whole number, halves to even.", pattern="gradient blocker",
    partials=lambda F, z, x: 0.0,
    kink=lambda F, z, x: F.abs(x - z) == 0.5, structural=True,
)  # fmt: skip
operation(
    "stop_gradient", "The value, through which no gradient passes.", pattern="gradient blocker",
    cost=FREE,
    value=lambda F, x: x,
    partials=lambda F, z, x: 0.0,
    structural=True, held=True,
)  # fmt: skip
