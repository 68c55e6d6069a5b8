"""The Hessian of a function of 50 numbers, again at a new point; and the first one, from the text.

The chained Rosenbrock function has a band of three diagonals; the dense function has a full matrix. Contestants write
both over arrays. JAX compiled its Hessian before; PyTorch and autograd trace the function every time, as they do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from backpropcli import hessian, parse

from .harness import Contestant, Goal, Work, Workload, run
from .tensors import repeated

ROUNDS, TIMES = 7, 100
N = 50
OURS = "backprop"
POINT = np.random.default_rng(4).normal(size=N)


class Function(NamedTuple):
    """One function, as every contestant writes it.

    Attributes:
        name: what is printed.
        text: in our language.
        of_arrays: over a module of arrays.
        by_hand: its Hessian in NumPy.
    """

    name: str
    text: str
    of_arrays: Callable[[Any, Any], Any]
    by_hand: Callable[[Any], Any]


def rosenbrock_by_hand(x: Any) -> Any:
    found = np.zeros((N, N))
    index = np.arange(N - 1)
    found[index, index] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    found[index + 1, index + 1] += 200
    found[index, index + 1] = found[index + 1, index] = -400 * x[:-1]
    return found


def dense_by_hand(x: Any) -> Any:
    """Of s² + exp(m) + a·b, with s = sum(x²), m = mean(x), a = sum(sin(x)), b = sum(x³)."""
    squares, e = x @ x, np.exp(x.sum() / N)
    sines, cubes, cosines, slopes = np.sin(x).sum(), (x**3).sum(), np.cos(x), 3 * x**2
    found = 8 * np.multiply.outer(x, x) + e / N**2
    crossed = np.multiply.outer(cosines, slopes)
    found += crossed
    found += crossed.T
    found[np.diag_indices(N)] += 4 * squares - np.sin(x) * cubes + 6 * x * sines
    return found


FUNCTIONS = (
    Function(
        "chained Rosenbrock, sparse",
        "sum(100*(x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)",
        lambda xp, x: xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2),
        rosenbrock_by_hand,
    ),
    Function(
        "dense",
        "sum(x^2)^2 + exp(mean(x)) + sum(sin(x))*sum(x^3)",
        lambda xp, x: xp.sum(x**2) ** 2 + xp.exp(xp.mean(x)) + xp.sum(xp.sin(x)) * xp.sum(x**3),
        dense_by_hand,
    ),
)


def entries(matrix: Any) -> Any:
    return np.ravel(np.asarray(matrix))


def with_us(function: Function) -> Work:
    made = hessian(function.text)
    return lambda: made(x=POINT)


@cache
def jitted(function: Function) -> Callable[[Any], Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax.jit(jax.hessian(lambda x: function.of_arrays(jax.numpy, x)))  # type: ignore[no-any-return]


def with_jax(function: Function) -> Work:
    import jax

    made, x = jitted(function), jax.numpy.asarray(POINT)
    return lambda: jax.block_until_ready(made(x))


def with_torch(function: Function, vectorised: bool) -> Work:
    import torch

    x = torch.tensor(POINT)

    def f(x: Any) -> Any:
        return function.of_arrays(torch, x)

    if vectorised:
        return lambda: torch.autograd.functional.hessian(f, x, vectorize=True, outer_jacobian_strategy="reverse-mode")
    made = torch.func.hessian(f)
    return lambda: made(x)


def with_autograd(function: Function) -> Work:
    import autograd
    import autograd.numpy as xp

    made = autograd.hessian(lambda x: function.of_arrays(xp, x))
    return lambda: made(POINT)


def again(function: Function, rounds: int | None) -> bool:
    """At a new point; False if a matrix disagrees."""
    makers: tuple[tuple[str, Callable[[], Work], str], ...] = (
        (OURS, lambda: with_us(function), ""),
        ("NumPy by hand", lambda: lambda: function.by_hand(POINT), ""),
        ("jax.jit", lambda: with_jax(function), "jax"),
        ("PyTorch, vectorised", lambda: with_torch(function, True), "torch"),
        ("torch.func", lambda: with_torch(function, False), "torch"),
        ("autograd", lambda: with_autograd(function), "autograd"),
    )

    def contestant(name: str, maker: Callable[[], Work], needs: str) -> Contestant:
        return Contestant(name, lambda: repeated(maker(), TIMES), entries, needs)

    workload = Workload(
        f"Hessian of {N} numbers, {function.name}, at a new point",
        [contestant(*row) for row in makers],
        OURS,
        [Goal(OURS, 1.5, "jax.jit"), *(Goal(name, 15, OURS, at_least=True) for name, *_ in makers[3:])],
        "µs",
        1e6 / TIMES,
    )
    return run(workload, rounds or ROUNDS)


def scalars() -> str:
    """Rosenbrock's function of 50 scalars: nothing is said about vectors."""
    return " + ".join(f"100*(x{i + 1} - x{i}^2)^2 + (1 - x{i})^2" for i in range(N - 1))


def first_with_sympy() -> Any:
    """Read, differentiate, make a function, evaluate."""
    import sympy

    names = [f"x{i}" for i in range(N)]
    text = sympy.parse_expr(scalars().replace("^", "**"))
    symbols = sympy.symbols(names)
    made = sympy.lambdify(symbols, sympy.hessian(text, symbols), "numpy")
    return made(*POINT)


def first(rounds: int | None) -> bool:
    """The first matrix, from the text of a function of scalars; False if a matrix disagrees."""
    at = {f"x{i}": x for i, x in enumerate(POINT.tolist())}
    wrt = list(at)

    def ours() -> Any:
        matrix = hessian(scalars())(at)
        order = np.argsort([wrt.index(name) for name in parse(scalars()).inputs])
        return matrix[np.ix_(order, order)]

    workload = Workload(
        f"first Hessian from text, Rosenbrock of {N} scalars",
        [Contestant(OURS, lambda: ours, entries), Contestant("SymPy", lambda: first_with_sympy, entries, "sympy")],
        OURS,
        [Goal("SymPy", 10, OURS, at_least=True)],
        "ms",
        1e3,
    )
    return run(workload, rounds or ROUNDS)


def main(rounds: int | None) -> bool:
    """Again for both functions, and the first; False if a matrix disagrees."""
    return all([*(again(function, rounds) for function in FUNCTIONS), first(rounds)])
