"""A million nodes: read a text of that size and differentiate it, in a process of its own; seconds and peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .cold import ROOT
from .harness import Disagreement, Goal, compare
from .text import AT, gradient_by_hand, sum_of_products

TERMS = 250_000

CHILD = """
import json, pathlib, sys, time
from backpropcli import evaluate, parse
text = pathlib.Path(sys.argv[1]).read_text()
at = json.loads(sys.argv[2])
start = time.perf_counter()
program = parse(text, at)
parsed = time.perf_counter()
result = evaluate(program, at)
swept = time.perf_counter()
print(json.dumps([len(program.graph), parsed - start, swept - parsed, result.gradient]))
"""

LAUNCHER = """
import resource, subprocess, sys
status = subprocess.run([sys.executable, "-c", *sys.argv[1:]]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(status)
"""
"""Starts the child and prints its peak in bytes. Linux counts towards the peak of a process what its parent held when
it was started, so the parent must be small: a benchmark that has imported PyTorch is not."""


def main(_: int | None) -> bool:
    """Measure once; False if the gradient is not the one by hand."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "million.bp")
        path.write_text(sum_of_products(TERMS), encoding="utf-8")
        size = path.stat().st_size
        command = [sys.executable, "-c", LAUNCHER, CHILD, str(path), json.dumps(AT)]
        done = subprocess.run(command, capture_output=True, cwd=ROOT, text=True)
    if done.returncode:
        print(f"million: failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}\n")
        return True
    record, peak = done.stdout.splitlines()
    nodes, parsing, sweeping, gradient = json.loads(record)
    print(f"million: a sum of {TERMS:,} products, {size:,} characters, {nodes:,} nodes, in a new process; 1 round\n")
    print(f"  {'text to graph':<38}{parsing:>10.2f} s{parsing / nodes * 1e9:>10,.0f} ns per node")
    print(f"  {'forward + reverse':<38}{sweeping:>10.2f} s{sweeping / nodes * 1e9:>10,.0f} ns per node")
    print(f"  {'peak memory':<38}{int(peak) / 2**30:>10.2f} GiB{int(peak) / nodes:>8,.0f} bytes per node\n")
    print(f"  goal  {Goal('peak memory', 4).verdict({'peak memory': int(peak) / 2**30}, 'GiB')}\n", flush=True)
    try:
        compare([gradient[name] for name in AT], gradient_by_hand(TERMS))
    except Disagreement as difference:
        print(f"  DISAGREES with the gradient by hand: {difference}\n")
        return False
    return True
