"""Generated C against C by hand, compiled with the same flags: the neuron, and Rosenbrock's valley in 10 dimensions.

Each function stands in a file of its own, so that no call is inlined; a loop in C, which is the same for both, calls it
with inputs that change a little from call to call. By hand means what a person would write who has the formulas before
them: the slope of the sigmoid as (1 - f)·f, the valley as one loop.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from backpropcli import evaluate, parse
from backpropcli.dialects import code_of
from backpropcli.dialects.verify import Missing, compiler

from .harness import Contestant, Goal, Work, Workload, run

ROUNDS = 21
CALLS = 300_000
FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared")

NEURON = "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))"
NEURON_AT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
NEURON_BY_HAND = """
#include <math.h>

double value_and_gradient(double w0, double x0, double w1, double x1, double w2,
                          double *dw0, double *dx0, double *dw1, double *dx1, double *dw2)
{
    double f = 1.0 / (1.0 + exp(-(w0*x0 + w1*x1 + w2)));
    double ddot = (1.0 - f)*f;
    *dw0 = x0*ddot;
    *dx0 = w0*ddot;
    *dw1 = x1*ddot;
    *dx1 = w1*ddot;
    *dw2 = ddot;
    return f;
}
"""

DIMENSIONS = 10
VALLEY = " + ".join(f"100*(x{k + 1} - x{k}^2)^2 + (1 - x{k})^2" for k in range(DIMENSIONS - 1))
VALLEY_AT = {f"x{k}": 0.3 + 0.1 * k for k in (*range(1, DIMENSIONS), 0)}
VALLEY_AT = {name: VALLEY_AT[name] for name in parse(VALLEY).inputs}
VALLEY_BY_HAND = f"""
double value_and_gradient({", ".join(f"double {name}" for name in VALLEY_AT)},
                          {", ".join(f"double *d{name}" for name in VALLEY_AT)})
{{
    double x[{DIMENSIONS}] = {{{", ".join(f"x{k}" for k in range(DIMENSIONS))}}}, d[{DIMENSIONS}] = {{0.0}}, f = 0.0;
    for (int i = 0; i < {DIMENSIONS - 1}; i++) {{
        double a = x[i + 1] - x[i]*x[i], b = 1.0 - x[i];
        f += 100.0*a*a + b*b;
        d[i] += -400.0*x[i]*a - 2.0*b;
        d[i + 1] += 200.0*a;
    }}
    {" ".join(f"*dx{k} = d[{k}];" for k in range(DIMENSIONS))}
    return f;
}}
"""


def generated(program: str) -> str:
    parsed = parse(program)
    return code_of(parsed.graph, "c", output=parsed.output, wrt=parsed.inputs, source=program).text


def caller(inputs: int) -> str:
    """The loop around the calls; it leaves the gradient of the last one."""
    arguments = ", ".join([*(f"x[{k}]" for k in range(inputs)), *(f"&g[{k}]" for k in range(inputs))])
    types = ", ".join(["double"] * inputs + ["double *"] * inputs)
    return f"""
double value_and_gradient({types});
double bench(long calls, const double *at, double *g);

double bench(long calls, const double *at, double *g)
{{
    double x[{inputs}], total = 0.0;
    for (long call = calls - 1; call >= 0; call--) {{
        for (int k = 0; k < {inputs}; k++)
            x[k] = at[k] + 1e-7*(double)call;
        total += value_and_gradient({arguments});
    }}
    return total;
}}
"""


def compiled(text: str, inputs: int) -> Any:
    """The loop over the function, as a library."""
    with TemporaryDirectory(prefix="backprop-") as folder:
        sources = []
        for name, content in (("function", text), ("caller", caller(inputs))):
            sources.append(os.path.join(folder, f"{name}.c"))
            with open(sources[-1], "w", encoding="utf-8") as stream:
                stream.write(content)
        library = os.path.join(folder, "bench.so")
        subprocess.run([compiler(), *FLAGS, *sources, "-o", library, "-lm"], check=True, capture_output=True, text=True)
        bench = ctypes.CDLL(library).bench
    bench.restype = ctypes.c_double
    return bench


def calls(text: str, at: dict[str, float]) -> Work:
    n = len(at)
    bench, point, gradient = compiled(text, n), (ctypes.c_double * n)(*at.values()), (ctypes.c_double * n)()

    def work() -> Sequence[float]:
        bench(ctypes.c_long(CALLS), point, gradient)
        return list(gradient)

    return work


def race(title: str, program: str, by_hand: str, at: dict[str, float], rounds: int | None) -> bool:
    try:
        compiler()
    except Missing:
        print(f"code: {title}; no C compiler\n")
        return True
    ours, hand = "backprop code --target c", "C by hand"
    workload = Workload(
        f"code: {title}, {CALLS:,} calls",
        [
            Contestant(ours, lambda: calls(generated(program), at), list),
            Contestant(hand, lambda: calls(by_hand, at), list),
        ],
        ours,
        [Goal(ours, 1.1, hand)],
        "ns per call",
        1e9 / CALLS,
        list(evaluate(program, at).gradient.values()),
    )
    return run(workload, rounds or ROUNDS)


def main(rounds: int | None) -> bool:
    """Measure; False if a gradient disagrees."""
    return all(
        [
            race("the neuron", NEURON, NEURON_BY_HAND, NEURON_AT, rounds),
            race(f"Rosenbrock's valley in {DIMENSIONS} dimensions", VALLEY, VALLEY_BY_HAND, VALLEY_AT, rounds),
        ]
    )
