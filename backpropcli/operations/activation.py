"""The activation functions of neural networks."""

from __future__ import annotations

from .counts import COMPARE
from .table import operation

operation(
    "step", "Heaviside step: 1 where x > 0, else 0.", pattern="gradient blocker",
    cost=COMPARE,
    partials=lambda F, z, x: 0.0,
    kink=lambda F, z, x: x == 0, structural=True,
)  # fmt: skip
operation(
    "sigmoid", "Logistic function 1/(1 + exp(-x)).", pattern="squasher", synonyms=("expit", "σ"),
    value=lambda F, x: F.where(x >= 0, F.div(1.0, 1.0 + F.exp(-x)), F.div(F.exp(x), 1.0 + F.exp(x))),
    expand=lambda F, x: F.div(1.0, 1.0 + F.exp(-x)),
    partials=lambda F, z, x: z * F.sigmoid(-x),
    textbook=("z*(1 - z)",),
)  # fmt: skip
operation(
    "log_sigmoid", "Logarithm of the sigmoid, exact in the tail.", pattern="squasher",
    value=lambda F, x: -F.softplus(-x),
    expand=lambda F, x: F.log(F.sigmoid(x)),
    partials=lambda F, z, x: F.sigmoid(-x),
    textbook=("1 - sigmoid(x)",),
)  # fmt: skip
operation(
    "softplus", "Smooth relu, log(1 + exp(x)).", pattern="squasher",
    value=lambda F, x: F.max(x, 0.0) + F.log1p(F.exp(-F.abs(x))),
    expand=lambda F, x: F.log(1.0 + F.exp(x)),
    partials=lambda F, z, x: F.sigmoid(x),
)  # fmt: skip
operation(
    "relu", "Rectifier max(0, x); its gradient at 0 is 0.", pattern="gradient switch",
    cost=COMPARE,
    value=lambda F, x: F.max(x, 0.0),
    partials=lambda F, z, x: F.step(x),
    kink=lambda F, z, x: x == 0, structural=True,
    textbook=("where(x > 0, 1, 0)",),
)  # fmt: skip
operation(
    "leaky_relu", "Rectifier that lets a part of negative numbers through; its gradient at 0 is the slope.",
    pattern="gradient switch", operands=("x", "slope"), defaults=(0.01,),
    value=lambda F, x, slope: F.where(x <= 0, slope * x, x),
    partials=(lambda F, z, x, slope: F.where(x <= 0, slope, 1.0), lambda F, z, x, slope: F.min(x, 0.0)),
    kink=lambda F, z, x, slope: F.logical_and(x == 0, slope != 1),
)  # fmt: skip
operation(
    "elu", "Exponential linear unit: x above 0, alpha*(exp(x) - 1) below.", pattern="gradient switch",
    operands=("x", "alpha"), defaults=(1.0,),
    value=lambda F, x, alpha: F.where(x <= 0, alpha * F.expm1(x), x),
    partials=(
        lambda F, z, x, alpha: F.where(x <= 0, alpha * F.exp(x), 1.0),
        lambda F, z, x, alpha: F.expm1(F.min(x, 0.0)),
    ),
    kink=lambda F, z, x, alpha: F.logical_and(x == 0, alpha != 1),
)  # fmt: skip
operation(
    "gelu", "Gaussian error linear unit x*normal_cdf(x), exact.", pattern="gradient switch",
    value=lambda F, x: x * F.normal_cdf(x),
    partials=lambda F, z, x: F.normal_cdf(x) + x * F.normal_pdf(x),
)  # fmt: skip
operation(
    "silu", "Sigmoid linear unit x*sigmoid(x).", pattern="gradient switch", synonyms=("swish",),
    value=lambda F, x: x * F.sigmoid(x),
    partials=lambda F, z, x: F.sigmoid(x) * (1.0 + x * F.sigmoid(-x)),
    textbook=("z + sigmoid(x)*(1 - z)",),
)  # fmt: skip
operation(
    "softsign", "x/(1 + |x|).", pattern="squasher",
    value=lambda F, x: F.div(x, 1.0 + F.abs(x)),
    partials=lambda F, z, x: F.square(F.div(1.0, 1.0 + F.abs(x))),
    textbook=("1/(1 + abs(x))^2",),
)  # fmt: skip
