"""Our speed beside that of the peers installed: ``python -m tests.benchmarks [WORKLOAD …] [--rounds N]``.

Exits with 0 whether goals are reached or missed, with 1 where a contestant's gradient disagrees.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from . import code, cold, graphs, hessian, million, symbolic, tensors, text

WORKLOADS = {
    "cold": cold.main,
    "text": text.main,
    "graph": graphs.graph,
    "again": graphs.again,
    "million": million.main,
    "net": tensors.net,
    "quadratic": tensors.quadratic,
    "mixture": tensors.mixture,
    "memory": tensors.memory,
    "code": code.main,
    "hessian": hessian.main,
    "symbolic": symbolic.main,
}
PEERS = ("typer", "lark", "numpy", "micrograd", "autograd", "casadi", "symengine", "sympy", "torch", "jax")


def installed(distribution: str) -> str:
    """Name and version, or that it is absent."""
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return f"{distribution} absent"


def main() -> int:
    """Run the workloads chosen, all by default, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of: {', '.join(WORKLOADS)}")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="rounds per workload (21 code, 15 cold, 1 million, memory, else 7)"
    )
    options = parser.parse_args()
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        parser.error(f"there is no workload {unknown[0]!r}; there are: {', '.join(WORKLOADS)}")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds takes a number from 1 on")
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, float64")
    print(f"{', '.join(map(installed, PEERS))}\n", flush=True)
    agreed = [WORKLOADS[name](options.rounds) for name in options.workloads or WORKLOADS]
    if not all(agreed):
        print("a gradient disagrees")
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
