"""Generated code, run in a process of its own and held against the sweep.

Value and every entry of the gradient may differ from the sweep's by what rounding explains: sixteen times the range in
which sweeps with every rounding shaken by one ulp scatter (`checks.shake`), or 16 ulp. Points at which a value or a
gradient on the way is not finite are not compared: there the sweep follows conventions that code has only where a
branch is not taken.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import inf, isnan, ulp
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple

from ..api import Result, evaluate
from ..checks.shake import SWEEPS, shaken_system
from ..errors import printable
from ..graph import Graph
from ..language import Program
from ..operations.maps import LinearMap
from ..shapes import Shape, size
from ..sweeps import forward, reverse
from ..values import Value, as_value, entries, finite, is_tensor
from .flat import Maker

SECONDS = 120
"""What a compiler or a run may take."""

POINTS = 5
ULPS, RANGES = 16, 16
SMALLEST = 2.0**-1022
"""Of smaller numbers some languages make 0."""

MISSING = 3
"""The runner's exit status where its module is not installed."""


class Missing(Exception):
    """The tool that runs the code is not there."""


class Broken(Exception):
    """The code does not compile, or does not run."""


class Job(NamedTuple):
    """Code to be run.

    Attributes:
        code: the text.
        function: the function in it.
        shapes: of the arguments, in order.
        upstream: the output's shape, where its upstream gradient is an argument.
        wrt: which arguments have a gradient, by number.
        calls: the entries of all arguments, those of the upstream gradient behind them.
    """

    code: str
    function: str
    shapes: list[Shape]
    upstream: Shape
    wrt: list[int]
    calls: list[bytes]

    @property
    def given(self) -> list[Shape]:
        """The shapes of all arguments of a call."""
        return [*self.shapes, self.upstream] if self.upstream else self.shapes


Outcome = list[list[float]]
"""The entries of the value, and those of the gradient by every argument that has one."""


class Verification(NamedTuple):
    """What running the code has shown.

    Attributes:
        tool: what ran it, with its version.
        points: how many points were compared.
        difference: the largest difference, relative to the entry.
        mismatch: the first difference that rounding does not explain, in words, or "".
    """

    tool: str
    points: int
    difference: float
    mismatch: str = ""

    @property
    def stamp(self) -> str:
        """One line for the header."""
        count = f"{self.points} point{'s' * (self.points > 1)}"
        difference = "the same to the last bit"
        if self.difference:
            difference = f"largest relative difference {self.difference:.1e}, as rounding explains"
        return f"verified with {self.tool} at {count} against the reverse sweep: {difference}"


# Running


def run(target: str, jobs: Sequence[Job], seconds: float = 0.0) -> tuple[str, list[list[Outcome]]]:
    """Run code in a process of its own.

    Args:
        target: the language.
        jobs: what to run, all in one process.
        seconds: what that may take; `SECONDS` by default.

    Returns:
        The tool with its version; for every job an outcome per call.

    Raises:
        Missing: the tool is not there.
        Broken: the code does not compile or run.
    """
    seconds = seconds or SECONDS
    with TemporaryDirectory(prefix="backprop-") as folder:
        return _run_c(jobs, folder, seconds) if target == "c" else _run_python(target, jobs, folder, seconds)


RUNNER = """
import json, runpy, sys
from array import array

target, jobs = sys.argv[1:]
try:
    if target == "numpy":
        import numpy
        version = "NumPy " + numpy.__version__
    elif target == "jax":
        import jax, numpy
        jax.config.update("jax_enable_x64", True)
        version = "JAX " + jax.__version__
    elif target.startswith("torch"):
        import torch
        version = "PyTorch " + torch.__version__
    else:
        version = "Python " + sys.version.split()[0]
except ModuleNotFoundError:
    sys.exit(3)


def given(n, shape):
    entries = array("d")
    entries.fromfile(sys.stdin.buffer, n)
    if target == "python":
        return entries[0]
    if target.startswith("torch"):
        x = torch.frombuffer(entries, dtype=torch.float64).clone() if n else torch.zeros(0, dtype=torch.float64)
        return x.reshape(shape).requires_grad_(target == "torch-function")
    return numpy.reshape(numpy.array(entries), shape) if shape else entries[0]


def entries_of(x):
    if target == "python":
        return array("d", [x])
    if target.startswith("torch"):
        return array("d", x.detach().reshape(-1).tolist())
    return array("d", numpy.ravel(x).astype(float).tobytes())


for job in json.load(open(jobs)):
    function = runpy.run_path(job["path"])[job["function"]]
    for call in range(job["calls"]):
        arguments = [given(n, shape) for n, shape in job["given"]]
        if target == "torch-function":
            inputs = arguments[:job["inputs"]]
            value = function.apply(*inputs)
            value.backward(*arguments[job["inputs"]:])
            gradients = [torch.zeros_like(inputs[k]) if inputs[k].grad is None else inputs[k].grad for k in job["wrt"]]
        else:
            value, gradients = function(*arguments)
        for entries in map(entries_of, [value, *gradients]):
            sys.stdout.buffer.write(array("d", [len(entries)]).tobytes() + entries.tobytes())
sys.stderr.write(version)
"""


def _run_python(target: str, jobs: Sequence[Job], folder: str, seconds: float) -> tuple[str, list[list[Outcome]]]:
    told = [
        {
            "path": _file(folder, f"code_{k}.py", job.code), "function": job.function, "calls": len(job.calls),
            "given": [(size(shape), shape) for shape in job.given], "inputs": len(job.shapes), "wrt": job.wrt,
        }
        for k, job in enumerate(jobs)
    ]  # fmt: skip
    runner, paths = _file(folder, "run.py", RUNNER), _file(folder, "jobs.json", json.dumps(told))
    found, told_last = _called([sys.executable, "-I", runner, target, paths], jobs, folder, seconds)
    return told_last, found


def compiler() -> str:
    """The C compiler of the machine.

    Raises:
        Missing: there is none.
    """
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found is not None:
            return found
    raise Missing


FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-pedantic", "-Werror")


def _run_c(jobs: Sequence[Job], folder: str, seconds: float) -> tuple[str, list[list[Outcome]]]:
    cc = compiler()
    tool = _process([cc, "--version"], folder, seconds).stdout.partition("\n")[0]
    objects = []
    for k, job in enumerate(jobs):
        source = _file(folder, f"code_{k}.c", f"{job.code}\n{_caller(job, f'call_{k}')}")
        objects.append(source.removesuffix(".c") + ".o")
        _compile([cc, *FLAGS, "-c", source, "-o", objects[-1]], folder, seconds)
    main = _file(folder, "main.c", _main([len(job.calls) for job in jobs]))
    program = os.path.join(folder, "run")
    _compile([cc, *FLAGS, main, *objects, "-o", program, "-lm"], folder, seconds)
    found, _ = _called([program], jobs, folder, seconds)
    return tool, found


def _caller(job: Job, name: str) -> str:
    """A function that reads arguments, calls the code, and writes what it gives."""
    lines = ["#include <stdio.h>", f"void {name}(void);", f"void {name}(void)", "{"]
    arguments = []
    for k, shape in enumerate(job.given):
        n = size(shape)
        lines.append(f"    static double x{k}[{max(n, 1)}];")
        lines.append(f"    if (fread(x{k}, sizeof(double), {n}, stdin) != {n}) return;")
        arguments.append(f"x{k}" if shape else f"*x{k}")
    given = [(f"z{k}", job.shapes[k]) for k in job.wrt]
    if job.upstream:
        given.insert(0, ("value", job.upstream))
    lines += [f"    static double {word}[{max(size(shape), 1)}];" for word, shape in given]
    call = f"{job.function}({', '.join([*arguments, *(word for word, _ in given)])});"
    lines.append(f"    {call}" if job.upstream else f"    double value[1] = {{{call[:-1]}}};")
    for word, shape in given if job.upstream else [("value", ()), *given]:
        lines.append(f"    fwrite((double[]){{{size(shape)}}}, sizeof(double), 1, stdout);")
        lines.append(f"    fwrite({word}, sizeof(double), {size(shape)}, stdout);")
    return "\n".join([*lines, "}", ""])


def _main(calls: Sequence[int]) -> str:
    lines = [f"void call_{k}(void);" for k in range(len(calls))]
    lines += ["int main(void)", "{"]
    lines += [f"    for (int n = 0; n < {n}; n++) call_{k}();" for k, n in enumerate(calls)]
    return "\n".join([*lines, "    return 0;", "}", ""])


def _compile(command: list[str], folder: str, seconds: float) -> None:
    done = _process(command, folder, seconds)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        raise Broken(errors[0].partition(" ")[2] if errors else _last_line(done.stderr))


def _called(command: list[str], jobs: Sequence[Job], folder: str, seconds: float) -> tuple[list[list[Outcome]], str]:
    """What every call gives, and the last line that the process tells on the side.

    Numbers go both ways as they are in memory; what a call gives has its length before it.
    """
    given, found = (os.path.join(folder, name) for name in ("given", "found"))
    with open(given, "wb") as stream:
        stream.writelines(call for job in jobs for call in job.calls)
    with open(given, "rb") as reader, open(found, "wb") as writer:
        done = _process(command, folder, seconds, stdin=reader, stdout=writer)
    if done.returncode == MISSING:
        raise Missing
    if done.returncode:
        raise Broken(_last_line(done.stderr) or f"it ended with status {done.returncode}")
    with open(found, "rb") as reader:
        outcomes = [[[_numbers(reader) for _ in (0, *job.wrt)] for _ in job.calls] for job in jobs]
    return outcomes, _last_line(done.stderr)


def _numbers(stream: BinaryIO) -> list[float]:
    """The next numbers, as many as the one before them says."""
    found = array("d", stream.read(8))
    return array("d", stream.read(8 * int(found[0]))).tolist() if found else []


def _process(command: list[str], folder: str, seconds: float, **streams: Any) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=folder, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False,
            timeout=seconds, **{"stdout": subprocess.PIPE, **streams},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Broken(f"it took more than {seconds:g} seconds") from None


def _file(folder: str, name: str, text: str) -> str:
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def _last_line(text: str) -> str:
    return printable(text.strip().splitlines()[-1]) if text.strip() else ""


# Points


def points_of(graph: Graph, point: Mapping[str, Value] | None, count: int = POINTS) -> Iterator[dict[str, Value]]:
    """The point given, and others near it; without one, points drawn by a seed.

    Places and classes stay as they are, or are 0 where none are given.
    """
    random = Random(0)
    places = places_of(graph)
    if point is not None:
        yield {name: point[name] for name in graph.inputs}
    for k in range(count - (point is not None)):
        found = {}
        for name, i in graph.inputs.items():
            shape = graph.shape(i)
            near: list[Any] = [None] * size(shape) if point is None else entries(point[name])
            numbers = [(x or 0.0) if i in places else _drawn(random, k, x) for x in near]
            found[name] = _shaped(numbers, shape)
        yield found


def _drawn(random: Random, k: int, near: float | None) -> float:
    """A number near another; or of one kind in every point: shares, positive numbers, or any."""
    if near is not None:
        return near + random.uniform(-0.1, 0.1) * (abs(near) or 1.0)
    return (random.uniform(0.1, 0.9), random.uniform(1.1, 3.0), random.gauss(0.0, 1.0))[k % 3]


def places_of(graph: Graph) -> set[int]:
    """The inputs that hold places or classes."""
    found = set()
    for i, operands in enumerate(graph.operands):
        found |= set(operands) - set(graph.moving(i))
    return found


def _shaped(numbers: list[float], shape: Shape) -> Value:
    if not shape:
        return numbers[0]
    import numpy as np

    return np.reshape(np.array(numbers, dtype=np.float64), shape)


# Comparing


def verify(
    target: str,
    program: Program,
    code: str,
    function: str,
    *,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    ties: str = "split",
    point: Mapping[str, Value] | None = None,
) -> Verification:
    """Run the code at several points, and compare it with the sweep.

    Args:
        target: the code's language.
        program: the program, all shapes known.
        code: the text.
        function: the function in it.
        output, wrt, ties: as for `evaluate`.
        point: the first of the points, near which the others are.

    Raises:
        Missing: the tool is not there.
    """
    results = comparable(program, point, output=output, wrt=wrt, ties=ties)
    job = job_of(results, code, function) if results else None
    if job is None:
        return Verification("", 0, 0.0)
    try:
        tool, (outcomes,) = run(target, [job])
    except Broken as error:
        return Verification("", 0, inf, f"the code does not run: {error}")
    worst = 0.0
    for result, outcome in zip(results, outcomes, strict=True):
        difference, mismatch = compared(result, outcome)
        worst = max(worst, difference)
        if mismatch:
            return Verification(tool, len(results), worst, mismatch)
    return Verification(tool, len(results), worst)


def comparable(program: Program, point: Mapping[str, Value] | None, **options: Any) -> list[Result]:
    """The program evaluated at points at which everything is finite."""
    found = []
    random = Random(1)
    for at in points_of(program.graph, point):
        i = program.output if options.get("output") is None else program.node(options["output"])
        shape = program.graph.shape(i)
        seed = _shaped([random.uniform(0.5, 2.0) for _ in range(size(shape))], shape) if shape else None
        result = evaluate(program, at, upstream=seed, **options)
        if is_comparable(result):
            found.append(result)
    return found


def is_comparable(result: Result) -> bool:
    """Whether all is finite: values, upstream gradients, and local gradients but in a branch not taken."""
    graph, output = result.program.graph, result.output
    reached = graph.needed([output])
    numbers = [result.values[i] for i, needed in enumerate(reached) if needed]
    numbers += [g for g in result.upstream if g is not None]
    if not (result.finite and all(map(finite, numbers))):
        return False
    guarded = Maker(graph, output, result.ties).zeroed
    for i, edges in enumerate(result.edges):
        for edge in edges:
            local = getattr(edge.local, "partials", 0.0) if isinstance(edge.local, LinearMap) else edge.local
            if not guarded[i] and not finite(local):
                return False
    return True


def job_of(results: Sequence[Result], code: str, function: str) -> Job:
    """The code at the points of some results of one program."""
    result = results[0]
    graph = result.program.graph
    names = list(graph.inputs)
    upstream = graph.shape(result.output)
    calls = [b"".join(map(packed, [*(r.at[name] for name in names), *([r.seed] if upstream else [])])) for r in results]
    wrt = [names.index(name) for name in result.wrt]
    return Job(code, function, [graph.shape(i) for i in graph.inputs.values()], upstream, wrt, calls)


def packed(value: Value) -> bytes:
    """The entries as they are in memory."""
    return bytes(value.tobytes()) if is_tensor(value) else array("d", [value]).tobytes()


def compared(result: Result, outcome: Outcome, ulps: float = ULPS, ranges: float = RANGES) -> tuple[float, str]:
    """The largest relative difference from the sweep, and the first that rounding does not explain, in words."""
    wanted = [entries(result.value), *(entries(as_value(result.gradient[name])) for name in result.wrt)]
    if [len(x) for x in wanted] != [len(x) for x in outcome]:
        return inf, "the code gives gradients of other shapes"
    ours, theirs = list(chain(*wanted)), list(chain(*outcome))
    worst, open_gaps = differences(ours, theirs, ulps)
    for k in range(SWEEPS):
        if not open_gaps:
            return worst, ""
        shaken = shaken_sweep(result, k)
        open_gaps = {
            at: gap for at, gap in open_gaps.items() if not explained(gap, abs(shaken[at] - ours[at]), ours[at], ranges)
        }
    if not open_gaps:
        return worst, ""
    at = min(open_gaps)
    words = [
        word for word, x in zip(["the value", *(f"∂/∂{name}" for name in result.wrt)], wanted, strict=True) for _ in x
    ]
    point = ", ".join(f"{name} = {printable(repr(value))}" for name, value in list(result.at.items())[:8])
    return worst, f"{words[at]} is {theirs[at]!r} by the code and {ours[at]!r} by the sweep, at {point[:200]}"


def explained(gap: float, shaken: float, ours: float, ranges: float) -> bool:
    """Whether a difference is what rounding makes: NaN only where it leaves no digit, as of a singular matrix."""
    if isnan(gap):
        return isnan(shaken) or shaken >= abs(ours)
    return gap <= ranges * shaken


def differences(ours: list[float], theirs: list[float], ulps: float) -> tuple[float, dict[int, float]]:
    """The largest relative difference, and by place the differences of more than some ulps."""
    worst, found = 0.0, {}
    for at, (x, y) in enumerate(zip(ours, theirs, strict=True)):
        if x != y:
            gap = abs(x - y)
            worst = max(worst, inf if isnan(gap) else gap / max(abs(x), 1e-300))
            if not gap <= max(ulps * ulp(x), SMALLEST):
                found[at] = gap
    return worst, found


def shaken_sweep(result: Result, k: int) -> list[float]:
    """Value and gradient, entry by entry, by a sweep in which every rounding is shaken."""
    graph = result.program.graph
    F = shaken_system(graph, k, result.ties, anyhow=True)
    with F.quiet():
        values = forward(F, graph, result.at)
        upstream = reverse(F, graph, values, result.output, result.seed, result.active)
    gradients = [(result.gradient[name], upstream[graph.inputs[name]]) for name in result.wrt]
    found = [values[result.output], *(plain if g is None else g for plain, g in gradients)]
    return [x for value in found for x in entries(as_value(value))]
