"""What other languages and libraries have: functions that are no word of the language, as expressions in it."""

from __future__ import annotations

PREFIXES = frozenset(
    ("np", "numpy", "math", "cmath", "mpmath", "mp", "torch", "nn", "F", "jax", "jnp", "tf", "keras", "scipy", "sp")
)
"""What modules of functions are called."""

INSTEAD = {
    # Arithmetic
    "mod": "x - y*floor(x/y)", "remainder": "x - y*floor(x/y)", "fmod": "x - y*sign(x/y)*floor(abs(x/y))",
    "floor_divide": "floor(x/y)", "trunc": "sign(x)*floor(abs(x))", "fix": "sign(x)*floor(abs(x))",
    "frac": "x - floor(x)", "divide": "x/y", "true_divide": "x/y", "multiply": "x*y", "subtract": "x - y",
    "negative": "-x", "power": "x^y", "sqr": "x^2", "rsqrt": "1/sqrt(x)", "fabs": "abs(x)", "sgn": "sign(x)",
    "heaviside": "step(x)", "if": "where(condition, x, y)",
    # Exponentials and logarithms
    "exp2": "2^x", "exp10": "10^x", "loge": "log(x)", "lg": "log10(x)", "lb": "log2(x)", "logit": "log(p/(1 - p))",
    "logaddexp": "logsumexp([x, y])", "factorial": "gamma(n + 1)", "logcosh": "log(cosh(x))",
    "binom": "gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))", "comb": "gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))",
    # Angles
    "sec": "1/cos(x)", "csc": "1/sin(x)", "cot": "1/tan(x)", "ctg": "1/tan(x)", "tg": "tan(x)", "arctg": "atan(x)",
    "acot": "atan(1/x)", "arccot": "atan(1/x)", "sech": "1/cosh(x)", "csch": "1/sinh(x)", "coth": "1/tanh(x)",
    "arsinh": "asinh(x)", "arcosh": "acosh(x)", "artanh": "atanh(x)", "arctan2": "atan2(y, x)",
    "deg2rad": "x*pi/180", "radians": "x*pi/180", "rad2deg": "x*180/pi", "degrees": "x*180/pi",
    "sinc": "where(x == 0, 1, sin(pi*x)/(pi*x))",
    # Activations
    "logistic": "sigmoid(x)", "mish": "x*tanh(softplus(x))", "relu6": "clip(x, 0, 6)", "hardtanh": "clip(x, -1, 1)",
    "hardsigmoid": "clip(x/6 + 1/2, 0, 1)", "hardswish": "x*clip(x/6 + 1/2, 0, 1)", "tanhshrink": "x - tanh(x)",
    "prelu": "leaky_relu(x, slope)", "softmin": "softmax(-x)",
    # Tensors
    "average": "mean(x)", "length": "norm(x)", "argmin": "argmax(-x)", "inner": "dot(x, y)", "vdot": "dot(x, y)",
    "mm": "A@B", "inverse": "inv(A)", "tr": "trace(A)", "logdet": "log(det(A))", "slogdet": "log(abs(det(A)))",
    "cosine_similarity": "dot(x, y)/(norm(x)*norm(y))",
    # Losses
    "mae": "mean(abs(p - t))", "rmse": "sqrt(mse(p, t))", "bce_with_logits": "bce_logits(s, t)",
}  # fmt: skip
"""What to write instead of a function, by its name in lower case."""
