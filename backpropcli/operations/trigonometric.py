"""Circular and hyperbolic functions and their inverses."""

from __future__ import annotations

from math import inf

from .table import operation

operation(
    "sin", "Sine, x in radians.", pattern="quarter turn",
    partials=lambda F, z, x: F.cos(x),
)  # fmt: skip
operation(
    "cos", "Cosine, x in radians.", pattern="quarter turn",
    partials=lambda F, z, x: -F.sin(x),
)  # fmt: skip
operation(
    "tan", "Tangent, x in radians.", pattern="stretcher",
    partials=lambda F, z, x: F.div(1.0, F.square(F.cos(x))),
)  # fmt: skip
operation(
    "asin", "Inverse sine.", pattern="stretcher", synonyms=("arcsin",),
    partials=lambda F, z, x: F.div(1.0, F.sqrt((1.0 - x) * (1.0 + x))),
    kink=lambda F, z, x: F.abs(x) == 1, domain=((-1.0, 1.0),),
    textbook=("1/sqrt(1 - x^2)",),
)  # fmt: skip
operation(
    "acos", "Inverse cosine.", pattern="stretcher", synonyms=("arccos",),
    partials=lambda F, z, x: F.div(-1.0, F.sqrt((1.0 - x) * (1.0 + x))),
    kink=lambda F, z, x: F.abs(x) == 1, domain=((-1.0, 1.0),),
    textbook=("-1/sqrt(1 - x^2)",),
)  # fmt: skip
operation(
    "atan", "Inverse tangent.", pattern="squasher", synonyms=("arctan",),
    partials=lambda F, z, x: F.square(F.div(1.0, F.hypot(1.0, x))),
    textbook=("1/(1 + x^2)",),
)  # fmt: skip
operation(
    "atan2", "Angle of the point (x, y); the first operand is y.", pattern="quarter turn", operands=("y", "x"),
    partials=(
        lambda F, z, y, x: F.div(F.div(x, F.hypot(x, y)), F.hypot(x, y)),
        lambda F, z, y, x: -F.div(F.div(y, F.hypot(x, y)), F.hypot(x, y)),
    ),
    kink=lambda F, z, y, x: F.logical_and(y == 0, x <= 0), domain=((-1e150, 1e150), (-1e150, 1e150)),
    textbook=("x/(x^2 + y^2)", "-y/(x^2 + y^2)"),
)  # fmt: skip
operation(
    "sinh", "Hyperbolic sine.", pattern="stretcher",
    partials=lambda F, z, x: F.cosh(x),
    domain=((-710.4, 710.4),),
)  # fmt: skip
operation(
    "cosh", "Hyperbolic cosine.", pattern="stretcher",
    partials=lambda F, z, x: F.sinh(x),
    domain=((-710.4, 710.4),),
)  # fmt: skip
operation(
    "tanh", "Hyperbolic tangent.", pattern="squasher",
    expand=lambda F, x: F.div(F.exp(x) - F.exp(-x), F.exp(x) + F.exp(-x)),
    partials=lambda F, z, x: F.square(F.div(1.0, F.cosh(x))),
    textbook=("1 - z^2",),
)  # fmt: skip
operation(
    "asinh", "Inverse hyperbolic sine.", pattern="squasher", synonyms=("arcsinh",),
    partials=lambda F, z, x: F.div(1.0, F.hypot(1.0, x)),
    textbook=("1/sqrt(x^2 + 1)",),
)  # fmt: skip
operation(
    "acosh", "Inverse hyperbolic cosine.", pattern="reciprocal slope", synonyms=("arccosh",),
    partials=lambda F, z, x: F.div(1.0, F.sqrt(x - 1.0) * F.sqrt(x + 1.0)),
    kink=lambda F, z, x: x == 1, domain=((1.0, inf),),
    textbook=("1/sqrt(x^2 - 1)",),
)  # fmt: skip
operation(
    "atanh", "Inverse hyperbolic tangent.", pattern="stretcher", synonyms=("arctanh",),
    partials=lambda F, z, x: F.div(1.0, (1.0 - x) * (1.0 + x)),
    domain=((-1.0, 1.0),),
    textbook=("1/(1 - x^2)",),
)  # fmt: skip
