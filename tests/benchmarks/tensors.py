"""Tensors: value and gradient in process, against NumPy by hand; and the memory of it.

NumPy by hand is what the gradient costs at the least: every derivative was found on paper, nothing is computed twice or
kept for nothing. All contestants get the same float64 arrays, and two threads where they have threads. JAX compiled the
function before.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from functools import cache
from time import sleep
from typing import Any, NamedTuple

import numpy as np

from backpropcli import evaluate, parse, value_and_gradient

from .cold import ROOT
from .harness import Contestant, Goal, Work, Workload, run

ROUNDS = 7
THREADS = 2

PAUSE = 0.05
"""Seconds in which the threads of the contestant before cease to wait for work, which they do on a core."""

ARENA = 2**25 - 2**16
"""Bytes. Once a block of nearly 32 MiB was freed, glibc no longer hands smaller ones back to the system, which zeroes
them page by page when they are wanted again. The first contestant to free one would change that for all after it."""

INPUTS, HIDDEN, CLASSES, BATCH = 784, 256, 10, 256
"""The net: numbers per image, hidden units, digits, images."""

SIDE = 4096
"""Rows and columns of the quadratic's matrix."""

DIMENSIONS, COMPONENTS, SAMPLES = 10, 25, 1000
GAMMA, M = 1.0, 0.0
"""The mixture, and its Wishart prior."""

HAND, OURS, TABLE = "NumPy by hand", "backprop", "backprop, every node"

Outcome = tuple[Any, Sequence[Any]]
"""The value, and the gradient of every parameter in order."""


class Problem(NamedTuple):
    """One function of tensors.

    Attributes:
        text: in our language.
        parameters: what is differentiated by; in the order in which every contestant takes them.
        data: what is not.
    """

    text: str
    parameters: dict[str, Any]
    data: dict[str, Any]

    @property
    def at(self) -> dict[str, Any]:
        return {**self.parameters, **self.data}


def entries(outcome: Outcome) -> Any:
    """The value and every entry of the gradient."""
    value, gradient = outcome
    return np.concatenate([np.ravel(tensor) for tensor in (value, *gradient)])


# Ours


def ours(problem: Problem) -> Work:
    """The function that is made for many points; `repeated` calls it once before."""
    function, at, wrt = value_and_gradient(problem.text, wrt=list(problem.parameters)), problem.at, problem.parameters

    def work() -> Outcome:
        value, gradient = function(at)
        return value, [gradient[name] for name in wrt]

    return work


def table(problem: Problem) -> Work:
    """`evaluate`, which keeps the value and the upstream gradient of every node."""
    program = parse(problem.text, {name: np.shape(value) for name, value in problem.at.items()})
    at, wrt = problem.at, list(problem.parameters)

    def work() -> Outcome:
        result = evaluate(program, at, wrt=wrt)
        return result.value, [result.gradient[name] for name in wrt]

    return work


# The net


def net_problem() -> Problem:
    draw = np.random.default_rng(1)
    return Problem(
        "h = max(0, X@W1 + b1); s = h@W2 + b2; L = cross_entropy(s, y)",
        {
            "W1": draw.normal(size=(INPUTS, HIDDEN)) * math.sqrt(2 / INPUTS),
            "b1": draw.normal(size=HIDDEN) * 0.1,
            "W2": draw.normal(size=(HIDDEN, CLASSES)) * math.sqrt(2 / HIDDEN),
            "b2": draw.normal(size=CLASSES) * 0.1,
        },
        {"X": draw.normal(size=(BATCH, INPUTS)), "y": draw.integers(CLASSES, size=BATCH)},
    )


def net_by_hand(W1: Any, b1: Any, W2: Any, b2: Any, *, X: Any, y: Any) -> Outcome:
    rows = np.arange(len(X))
    h = X @ W1
    h += b1
    np.maximum(h, 0.0, out=h)
    s = h @ W2
    s += b2
    s -= s.max(axis=1, keepdims=True)
    wanted = s[rows, y]
    np.exp(s, out=s)
    sums = s.sum(axis=1)
    value = np.mean(np.log(sums) - wanted)
    s /= sums[:, None]
    s[rows, y] -= 1.0
    s /= len(X)
    back = s @ W2.T
    back *= h > 0
    return value, (X.T @ back, back.sum(axis=0), h.T @ s, s.sum(axis=0))


def net_of_arrays(xp: Any, logsumexp: Any, W1: Any, b1: Any, W2: Any, b2: Any, *, X: Any, y: Any) -> Any:
    h = xp.maximum(X @ W1 + b1, 0.0)
    s = h @ W2 + b2
    return xp.mean(logsumexp(s, 1) - s[np.arange(len(X)), y])


def net_of_torch(torch: Any, W1: Any, b1: Any, W2: Any, b2: Any, *, X: Any, y: Any) -> Any:
    return torch.nn.functional.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y)


# The quadratic


def quadratic_problem() -> Problem:
    draw = np.random.default_rng(2)
    return Problem(
        "q = W@x; f = sum(q^2)",
        {"W": draw.normal(size=(SIDE, SIDE)) / math.sqrt(SIDE), "x": draw.normal(size=SIDE)},
        {},
    )


def quadratic_by_hand(W: Any, x: Any) -> Outcome:
    q = W @ x
    value = q @ q
    q *= 2.0
    return value, (np.multiply.outer(q, x), q @ W)


def quadratic_of_arrays(xp: Any, logsumexp: Any, W: Any, x: Any) -> Any:
    return xp.sum((W @ x) ** 2)


def quadratic_of_torch(torch: Any, W: Any, x: Any) -> Any:
    return torch.sum((W @ x) ** 2)


# The mixture

DIAGONAL = [i * DIMENSIONS + i for i in range(DIMENSIONS)]
BELOW = [i * DIMENSIONS + j for j in range(DIMENSIONS) for i in range(j + 1, DIMENSIONS)]
"""The places of a lower triangle's entries in its matrix, row by row; below the diagonal it is filled by columns."""

MIXTURE = f"""
# Every component has a factor Q of its inverse covariance: exp(q) on the diagonal, l below it.
rows = put(concat(exp(q), l, axis=1).T, {DIAGONAL + BELOW}, {DIMENSIONS**2}).T
Q = reshape(rows, {COMPONENTS}, {DIMENSIONS}, {DIMENSIONS})
Qx = reshape(reshape(rows, {COMPONENTS * DIMENSIONS}, {DIMENSIONS}) @ x.T, {COMPONENTS}, {DIMENSIONS}, {SAMPLES})
r = Qx - Q @ reshape(means, {COMPONENTS}, {DIMENSIONS}, 1)
inner = reshape(alphas + sum(q, axis=1), {COMPONENTS}, 1) - 0.5*sum(r^2, axis=1)
prior = 0.5*gamma^2*sum(Q^2) - m*sum(q)
f = sum(logsumexp(inner, axis=0)) - {SAMPLES}*logsumexp(alphas) + prior + C
"""
"""The log-likelihood of ADBench. Q(x - mean) of all components and samples is one product of matrices less a vector per
component, with the samples along the last axis: three times as fast as centring first, also by hand."""


def mixture_problem() -> Problem:
    """The parameters as ADBench has them: weights, means, and q and l of every component."""
    draw = np.random.default_rng(3)
    d = DIMENSIONS
    n = d + M + 1
    gammas = math.fsum(math.lgamma(0.5 * (n - j)) for j in range(d)) + d * (d - 1) / 4 * math.log(math.pi)
    constant = -0.5 * SAMPLES * d * math.log(2 * math.pi)
    constant -= COMPONENTS * (n * d * math.log(GAMMA / math.sqrt(2)) - gammas)
    return Problem(
        MIXTURE,
        {
            "alphas": draw.normal(size=COMPONENTS),
            "means": draw.uniform(size=(COMPONENTS, d)),
            "q": draw.normal(size=(COMPONENTS, d)) * 0.5,
            "l": draw.normal(size=(COMPONENTS, d * (d - 1) // 2)) * 0.5,
        },
        {"x": draw.normal(size=(SAMPLES, d)), "gamma": GAMMA, "m": M, "C": constant},
    )


def mixture_by_hand(
    alphas: Any, means: Any, q: Any, below: Any, *, x: Any, gamma: float, m: float, C: float
) -> Outcome:
    (k, d), n = means.shape, len(x)
    diagonal = np.exp(q)
    rows = np.zeros((k, d * d))
    rows[:, DIAGONAL] = diagonal
    rows[:, BELOW] = below
    Q = rows.reshape(k, d, d)
    r = (rows.reshape(k * d, d) @ x.T).reshape(k, d, n)
    r -= Q @ means[:, :, None]
    inner = np.einsum("kdn,kdn->kn", r, r)
    inner *= -0.5
    inner += (alphas + q.sum(axis=1))[:, None]
    top = inner.max(axis=0)
    inner -= top
    np.exp(inner, out=inner)
    sums = inner.sum(axis=0)
    likelihood = np.log(sums).sum() + top.sum()
    peak = alphas.max()
    weights = np.exp(alphas - peak)
    weight = weights.sum()
    prior = 0.5 * gamma**2 * np.vdot(rows, rows) - m * q.sum()
    value = likelihood - n * (peak + np.log(weight)) + prior + C

    inner /= sums
    shares = inner.sum(axis=1)
    r *= -inner[:, None, :]
    moved = r.sum(axis=2)
    back = (r.reshape(k * d, n) @ x).reshape(k, d, d)
    back -= moved[:, :, None] * means[:, None, :]
    back += gamma**2 * Q
    back = back.reshape(k, d * d)
    to_means = -(moved[:, None, :] @ Q)[:, 0]
    to_q = back[:, DIAGONAL] * diagonal + (shares[:, None] - m)
    return value, (shares - weights * (n / weight), to_means, to_q, back[:, BELOW])


def mixture_of_arrays(
    xp: Any, logsumexp: Any, alphas: Any, means: Any, q: Any, below: Any, *, x: Any, gamma: float, m: float, C: float
) -> Any:
    """The factors by a gather, where a last column of zeros stands for what is above the diagonal."""
    (k, d), n = means.shape, len(x)
    places = np.full(d * d, len(DIAGONAL + BELOW))
    places[DIAGONAL + BELOW] = np.arange(len(DIAGONAL + BELOW))
    rows = xp.concatenate([xp.exp(q), below, np.zeros((k, 1))], axis=1)[:, places]
    Q = xp.reshape(rows, (k, d, d))
    r = xp.reshape(xp.reshape(rows, (k * d, d)) @ x.T, (k, d, n)) - Q @ means[:, :, None]
    inner = (alphas + xp.sum(q, axis=1))[:, None] - 0.5 * xp.sum(r**2, axis=1)
    prior = 0.5 * gamma**2 * xp.sum(Q**2) - m * xp.sum(q)
    return xp.sum(logsumexp(inner, 0)) - n * logsumexp(alphas, 0) + prior + C


def mixture_of_torch(
    torch: Any, alphas: Any, means: Any, q: Any, below: Any, *, x: Any, gamma: Any, m: Any, C: Any
) -> Any:
    (k, d), n = means.shape, len(x)
    rows = q.new_zeros(k, d * d)
    rows[:, DIAGONAL + BELOW] = torch.cat([torch.exp(q), below], dim=1)
    Q = rows.reshape(k, d, d)
    r = (rows.reshape(k * d, d) @ x.T).reshape(k, d, n) - Q @ means[:, :, None]
    inner = (alphas + q.sum(dim=1))[:, None] - 0.5 * (r**2).sum(dim=1)
    prior = 0.5 * gamma**2 * (Q**2).sum() - m * q.sum()
    return torch.logsumexp(inner, dim=0).sum() - n * torch.logsumexp(alphas, dim=0) + prior + C


# Contestants


def repeated(work: Work, times: int) -> Work:
    """The work that many times over, after a pause and one time that does not count."""
    sleep(PAUSE)
    work()

    def works() -> Any:
        for _ in range(times - 1):
            work()
        return work()

    return works


def with_numpy(problem: Problem, function: Callable[..., Outcome]) -> Work:
    return lambda: function(*problem.parameters.values(), **problem.data)


def with_autograd(problem: Problem, function: Callable[..., Any]) -> Work:
    """The largest entry of a row counts as a constant, which spares it a gradient that cancels."""
    import autograd
    import autograd.numpy as xp
    from autograd.tracer import getval

    def logsumexp(x: Any, axis: int) -> Any:
        top = np.max(getval(x), axis=axis, keepdims=True)
        return xp.log(xp.sum(xp.exp(x - top), axis=axis)) + np.squeeze(top, axis)

    def loss(*parameters: Any) -> Any:
        return function(xp, logsumexp, *parameters, **problem.data)

    both = autograd.value_and_grad(loss, tuple(range(len(problem.parameters))))
    return lambda: both(*problem.parameters.values())


def with_torch(problem: Problem, function: Callable[..., Any]) -> Work:
    import torch

    torch.set_num_threads(THREADS)
    parameters = [torch.tensor(value, requires_grad=True) for value in problem.parameters.values()]
    data = {name: torch.as_tensor(np.asarray(value)) for name, value in problem.data.items()}

    def work() -> Outcome:
        value = function(torch, *parameters, **data)
        return value.item(), torch.autograd.grad(value, parameters)

    return work


@cache
def jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled once; every round runs it."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def loss(parameters: Any, data: Any) -> Any:
        return function(jax.numpy, jax.nn.logsumexp, *parameters, **data)

    return jax.jit(jax.value_and_grad(loss))  # type: ignore[no-any-return]


def with_jax(problem: Problem, function: Callable[..., Any]) -> Work:
    import jax

    both = jitted(function)
    parameters = [jax.numpy.asarray(value) for value in problem.parameters.values()]
    data = {name: jax.numpy.asarray(value) for name, value in problem.data.items()}
    jax.block_until_ready(both(parameters, data))
    return lambda: jax.block_until_ready(both(parameters, data))


def race(title: str, problem: Problem, bound: float, times: int, functions: Sequence[Any], rounds: int | None) -> bool:
    """Measure; False if a gradient disagrees.

    Args:
        title: what is measured.
        problem: the function of tensors.
        bound: the goal, times NumPy by hand.
        times: how often the work is done in a run.
        functions: the problem by hand, of arrays, and of PyTorch's tensors.
        rounds: how often everyone runs.
    """
    by_hand, of_arrays, of_torch = functions
    np.empty(ARENA, dtype=np.uint8)  # and freed
    makers: tuple[tuple[str, Callable[[], Work], str], ...] = (
        (HAND, lambda: with_numpy(problem, by_hand), ""),
        (OURS, lambda: ours(problem), ""),
        (TABLE, lambda: table(problem), ""),
        ("autograd", lambda: with_autograd(problem, of_arrays), "autograd"),
        ("PyTorch", lambda: with_torch(problem, of_torch), "torch"),
        ("jax.jit", lambda: with_jax(problem, of_arrays), "jax"),
    )

    def contestant(name: str, maker: Callable[[], Work], needs: str) -> Contestant:
        return Contestant(name, lambda: repeated(maker(), times), entries, needs)

    workload = Workload(
        f"{title}, value and gradient",
        [contestant(*row) for row in makers],
        HAND,
        [Goal(OURS, bound, HAND), Goal(OURS, 1, "autograd"), Goal(OURS, 1, "PyTorch")],
        "ms",
        1e3 / times,
        heading="/ NumPy",
    )
    return run(workload, rounds or ROUNDS)


def net(rounds: int | None) -> bool:
    """Two layers; False if a gradient disagrees."""
    title = f"net: {INPUTS}-{HIDDEN}-{CLASSES}, ReLU, softmax cross-entropy, batch {BATCH}"
    return race(title, net_problem(), 1.3, 20, (net_by_hand, net_of_arrays, net_of_torch), rounds)


def quadratic(rounds: int | None) -> bool:
    """A matrix larger than any cache; False if a gradient disagrees."""
    title = f"quadratic: f = |Wx|² by W and x, n = {SIDE:,}"
    return race(
        title, quadratic_problem(), 1.3, 3, (quadratic_by_hand, quadratic_of_arrays, quadratic_of_torch), rounds
    )


def mixture(rounds: int | None) -> bool:
    """The log-likelihood of ADBench; False if a gradient disagrees."""
    title = f"mixture: Gaussians as in ADBench, d = {DIMENSIONS}, K = {COMPONENTS}, n = {SAMPLES:,}"
    return race(title, mixture_problem(), 1.5, 20, (mixture_by_hand, mixture_of_arrays, mixture_of_torch), rounds)


# Memory

PROBLEMS = {"net": net_problem, "quadratic": quadratic_problem}

CHILD = "import sys; from tests.benchmarks.tensors import footprint; print(list(footprint(sys.argv[1])))"


class Footprint(NamedTuple):
    """Bytes: of the values of all nodes, of the gradients kept, of the inputs, and what `evaluate` adds to them."""

    values: int
    gradients: int
    inputs: int
    peak: int


def footprint(name: str) -> Footprint:
    """Of one evaluation, the first of its kind in this process: later ones may find memory that was used before."""
    problem = PROBLEMS[name]()
    at, wrt = problem.at, list(problem.parameters)
    program = parse(problem.text, {name: np.shape(value) for name, value in at.items()})
    evaluate("sum(exp(x))", x=[0.0, 1.0])  # imports
    tracemalloc.start()
    result = evaluate(program, at, wrt=wrt)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    values = program.graph.bytes // 8
    gradients = sum(np.size(g) for g in result.upstream if g is not None)
    return Footprint(8 * values, 8 * gradients, 8 * sum(map(np.size, at.values())), peak)


def memory(_: int | None) -> bool:
    """The peak of `evaluate` beside what it keeps, in new processes."""
    print("memory: what `evaluate` allocates at its peak, beside 8 bytes for every entry of every node; 1 round\n")
    print(f"  {'MiB':<26}{'values':>10}{'gradients':>11}{'inputs':>10}{'peak':>10}{'/ values':>10}{'/ all':>8}")
    figures = {}
    for name in PROBLEMS:
        printed = subprocess.run(
            [sys.executable, "-c", CHILD, name], capture_output=True, check=True, cwd=ROOT, text=True
        ).stdout
        found = Footprint(*json.loads(printed))
        figures[name] = found.peak / found.values
        share = (found.inputs + found.peak) / (found.values + found.gradients)
        row = "".join(f"{size / 2**20:>{width}.2f}" for size, width in zip(found, (10, 11, 10, 10), strict=True))
        print(f"  {name:<26}{row}{figures[name]:>10.2f}{share:>8.2f}")
    print("  / all: inputs and peak, beside values and gradients\n")
    for name in PROBLEMS:
        print(f"  goal  {Goal(name, 2).verdict(figures, '× its values')}")
    print(flush=True)
    return True
