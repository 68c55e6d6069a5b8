"""Exponentials, logarithms, and the special functions around the normal distribution and the gamma function."""

from __future__ import annotations

from math import inf

from .table import POSITIVE, operation

operation(
    "exp", "Exponential: its local gradient is its own value.", pattern="its own slope",
    partials=lambda F, z, x: z,
    domain=((-708.0, 709.7),),
)  # fmt: skip
operation(
    "expm1", "exp(x) - 1, exact near 0.", pattern="its own slope",
    partials=lambda F, z, x: F.exp(x),
    domain=((-745.0, 709.7),),
)  # fmt: skip
operation(
    "log", "Natural logarithm.", pattern="reciprocal slope", synonyms=("ln",),
    partials=lambda F, z, x: F.div(1.0, x),
    domain=(POSITIVE,),
)  # fmt: skip
operation(
    "log2", "Logarithm to base 2.", pattern="reciprocal slope",
    partials=lambda F, z, x: F.div(1.0, x * F.log(2.0)),
    domain=(POSITIVE,),
)  # fmt: skip
operation(
    "log10", "Logarithm to base 10.", pattern="reciprocal slope",
    partials=lambda F, z, x: F.div(1.0, x * F.log(10.0)),
    domain=(POSITIVE,),
)  # fmt: skip
operation(
    "log1p", "log(1 + x), exact near 0.", pattern="reciprocal slope",
    partials=lambda F, z, x: F.div(1.0, 1.0 + x),
    domain=((-1.0, inf),),
)  # fmt: skip
operation(
    "gaussian", "The bell exp(-x^2).", pattern="squasher",
    value=lambda F, x: F.exp(-F.square(x)),
    partials=lambda F, z, x: -2.0 * x * z,
)  # fmt: skip
operation(
    "erf", "Error function.", pattern="squasher",
    partials=lambda F, z, x: F.div(2.0, F.sqrt(F.pi)) * F.gaussian(x),
    ulps=16,
    textbook=("2/sqrt(pi)*exp(-x^2)",),
)  # fmt: skip
operation(
    "erfc", "Complementary error function, 1 - erf(x), exact in the tail.", pattern="squasher",
    partials=lambda F, z, x: F.div(-2.0, F.sqrt(F.pi)) * F.gaussian(x),
    ulps=16,
    textbook=("-2/sqrt(pi)*exp(-x^2)",),
)  # fmt: skip
operation(
    "normal_pdf", "Density of the standard normal distribution.", pattern="squasher", synonyms=("φ",),
    value=lambda F, x: F.div(F.exp(-0.5 * F.square(x)), F.sqrt(2.0 * F.pi)),
    partials=lambda F, z, x: -x * z,
)  # fmt: skip
operation(
    "normal_cdf", "Distribution function of the standard normal distribution.", pattern="squasher", synonyms=("Φ",),
    value=lambda F, x: 0.5 * F.erfc(F.div(-x, F.sqrt(2.0))),
    partials=lambda F, z, x: F.normal_pdf(x),
)  # fmt: skip
operation(
    "gamma", "Gamma function; gamma(n + 1) is n!.", pattern="its own slope", synonyms=("Γ",),
    partials=lambda F, z, x: z * F.digamma(x),
    domain=((-170.0, 171.6),), ulps=16,
)  # fmt: skip
operation(
    "lgamma", "Logarithm of |gamma(x)|.", pattern="reciprocal slope",
    partials=lambda F, z, x: F.digamma(x),
    domain=((-1e6, inf),), ulps=16,
)  # fmt: skip
operation(
    "digamma", "Slope of lgamma.", pattern="reciprocal slope", synonyms=("ψ",),
    partials=lambda F, z, x: F.polygamma(1.0, x),
    domain=((-1e6, inf),), ulps=16,
)  # fmt: skip
operation(
    "polygamma", "The n-th slope of digamma; n is a whole number and has no derivative of its own.",
    pattern="reciprocal slope", operands=("n", "x"),
    partials=(lambda F, z, n, x: F.div(0.0, 0.0), lambda F, z, n, x: F.polygamma(n + 1.0, x)),
    domain=((1.0, 1.0), (-30.0, inf)), ulps=16,
)  # fmt: skip
