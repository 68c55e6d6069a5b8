"""Cold start: whole processes that print the gradient of the sigmoid neuron, from `python` to the last byte.

Peers differentiate the same neuron at the same point in a script of a few lines, as their users would write it. The
bare interpreter and a bare Typer application of two commands say what the ground costs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .harness import Contestant, Goal, Work, Workload, run

ROOT = Path(__file__).parents[2]
ROUNDS = 15
NAMES = ("w0", "x0", "w1", "x1", "w2")
EVAL = ["eval", "1/(1+exp(-(w0*x0+w1*x1+w2)))", "--at", "w0=2,x0=-1,w1=-3,x1=-2,w2=-3"]

TYPER = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
@app.command()
def greet(name: str) -> None:
    print("hello", name)
@app.command()
def leave(name: str) -> None:
    print("goodbye", name)
app()
"""

MICROGRAD = """
import math
from micrograd.engine import Value
def exp(x):
    out = Value(math.exp(x.data), (x,), "exp")
    def _backward():
        x.grad += out.data * out.grad
    out._backward = _backward
    return out
w0, x0, w1, x1, w2 = inputs = [Value(v) for v in (2.0, -1.0, -3.0, -2.0, -3.0)]
f = 1 / (1 + exp(-(w0*x0 + w1*x1 + w2)))
f.backward()
print([v.grad for v in inputs])
"""

AUTOGRAD = """
import autograd.numpy as np
from autograd import grad
def f(w):
    return 1 / (1 + np.exp(-(w[0]*w[1] + w[2]*w[3] + w[4])))
print(grad(f)(np.array([2.0, -1.0, -3.0, -2.0, -3.0])).tolist())
"""

SYMPY = """
from sympy import diff, sympify
f = sympify("1/(1+exp(-(w0*x0+w1*x1+w2)))")
at = dict(w0=2.0, x0=-1.0, w1=-3.0, x1=-2.0, w2=-3.0)
print([float(diff(f, name).evalf(subs=at)) for name in at])
"""

SYMENGINE = """
from symengine import sympify
f = sympify("1/(1+exp(-(w0*x0+w1*x1+w2)))")
at = dict(w0=2.0, x0=-1.0, w1=-3.0, x1=-2.0, w2=-3.0)
print([float(f.diff(name).subs(at)) for name in at])
"""

CASADI = """
from casadi import SX, Function, exp, gradient
w = SX.sym("w", 5)
f = 1 / (1 + exp(-(w[0]*w[1] + w[2]*w[3] + w[4])))
print(Function("g", [w], [gradient(f, w)])([2, -1, -3, -2, -3]).full().ravel().tolist())
"""

TORCH = """
import torch
w = torch.tensor([2.0, -1.0, -3.0, -2.0, -3.0], dtype=torch.float64, requires_grad=True)
f = 1 / (1 + torch.exp(-(w[0]*w[1] + w[2]*w[3] + w[4])))
f.backward()
print(w.grad.tolist())
"""

JAX = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
def f(w):
    return 1 / (1 + jnp.exp(-(w[0]*w[1] + w[2]*w[3] + w[4])))
print(jax.grad(f)(jnp.array([2.0, -1.0, -3.0, -2.0, -3.0])).tolist())
"""

PEERS = (
    ("micrograd", "micrograd", MICROGRAD),
    ("autograd", "autograd", AUTOGRAD),
    ("CasADi", "casadi", CASADI),
    ("SymEngine", "symengine", SYMENGINE),
    ("SymPy", "sympy", SYMPY),
    ("PyTorch", "torch", TORCH),
    ("JAX", "jax", JAX),
)


def process(*arguments: str) -> Callable[[], Work]:
    """A whole process; the work returns what it printed.

    No PYTHON… variable is passed on: with PYTHONDONTWRITEBYTECODE a checkout would be compiled anew in every run.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def work() -> str:
        return subprocess.run(
            arguments, capture_output=True, check=True, cwd=ROOT, encoding="utf-8", env=environment
        ).stdout

    return lambda: work


def from_json(printed: str) -> Sequence[float]:
    """The gradient from our JSON."""
    gradient = json.loads(printed)["gradient"]
    return [gradient[name] for name in NAMES]


def from_table(printed: str) -> Sequence[float]:
    """The gradient from the last lines of our table, ``∂f/∂w0 = 0.5``."""
    return [float(re.findall(rf"/\W?d?{name} *= (\S+)", printed)[0]) for name in NAMES]


def main(rounds: int | None) -> bool:
    """Measure; False if a gradient disagrees."""
    python = sys.executable
    console = Path(python).with_name("backprop")
    with TemporaryDirectory() as folder:

        def script(name: str, text: str, *arguments: str) -> Callable[[], Work]:
            path = Path(folder, f"{name}_neuron.py")
            path.write_text(text, encoding="utf-8")
            return process(python, str(path), *arguments)

        contestants = [
            Contestant("bare Python", process(python, "-c", "pass")),
            Contestant("bare Typer application", script("typer", TYPER, "greet", "you"), needs="typer"),
            Contestant("backprop --json", process(python, "-m", "backpropcli", *EVAL, "--json"), from_json),
            Contestant("backprop, the table", process(python, "-m", "backpropcli", *EVAL), from_table),
        ]
        if console.exists():
            contestants += [
                Contestant("console script --json", process(str(console), *EVAL, "--json"), from_json),
                Contestant("console script, the table", process(str(console), *EVAL), from_table),
            ]
        contestants += [Contestant(name, script(name, text), json.loads, needs) for name, needs, text in PEERS]
        goals = [
            Goal("backprop --json", 1.5, "bare Typer application"),
            Goal("backprop, the table", 2.0, "bare Typer application"),
        ]
        goals += [Goal("backprop, the table", 1.0, name) for name, _, _ in PEERS if name != "micrograd"]
        title = "cold: the sigmoid neuron's gradient, printed, whole process"
        workload = Workload(title, contestants, "backprop --json", goals, "ms", 1000.0)
        return run(workload, rounds or ROUNDS)
