"""Costs: against figures by hand, against sweeps over numbers that count, and as a command prints them.

``BACKPROP_UPDATE=1 pytest tests/test_cost.py`` writes the expected outputs anew; read the difference then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from backpropcli import parse
from backpropcli.cost import Cost, NodeCost, cost
from backpropcli.graph import Graph
from backpropcli.kernels.shaped import ShapedSystem
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.operations.counts import Counts
from backpropcli.renderers.cost import aligned, told
from backpropcli.renderers.numbers import count, in_bytes
from backpropcli.shapes import Shape, size
from backpropcli.sweeps import forward, reverse, tangent
from backpropcli.transform.gate_cost import GateCosts

from .conftest import operands_of
from .test_cli import answer, backprop

ROOT = Path(__file__).parent.parent
DEEP = (ROOT / "samples" / "deep.bp").read_text("utf-8")
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"


def node(found: Cost, name: str) -> NodeCost:
    return next(node for node in found.nodes if node.name == name)


# Figures by hand


def test_the_neuron() -> None:
    """Row 3. Values: two products and a quotient, three sums, one exp. Back: -1/y² is z/y, then times upstream; exp
    gives its own value; the two products swap."""
    found = cost(NEURON)
    assert found.value == Counts(multiplications=3, additions=3, calls=1)
    assert found.reverse == Counts(multiplications=2 + 1 + 2 + 2)
    assert found.tangent == Counts(multiplications=7, additions=4)
    assert (found.inputs, found.outputs, found.cheaper) == (5, 1, "reverse")
    assert (found.all_tangent.total, found.reverse_from, found.forward_from) == (55, 1, 8)
    # w0, w1, x0, x1 at the end of paths of 2 + 1 + 1 products, w2 of 2 + 1.
    assert found.unshared == 4 * 4 + 3
    assert [n.derivatives for n in found.shared] == [5, 5, 5, 5, 4, 2, 2]


def test_a_product_of_matrices() -> None:
    """Row 20: x is 2×3, w 3×4. y takes 2·4·3 products; so do upstream·wᵀ and xᵀ·upstream."""
    found = cost("x@w", {"x": (2, 3), "w": (3, 4)})
    assert found.value == Counts(24, 2 * 4 * 2)
    assert found.reverse == Counts(24 + 24, 2 * 3 * 3 + 3 * 4 * 1)
    assert found.tangent == Counts(24 + 24, 16 + 16 + 8)
    by_x, by_w = node(found, "f").edges
    assert (by_x.rows, by_x.columns, by_x.explicit, by_x.implicit) == (8, 6, 8 * 48, 8 * 12)
    assert (by_w.rows, by_w.columns, by_w.explicit, by_w.implicit) == (8, 12, 8 * 96, 8 * 6)
    assert (found.inputs, found.outputs, found.jacobian) == (18, 8, 8 * 8 * 18)
    assert (found.all_reverse.total, found.all_tangent.total, found.cheaper) == (8 * 78, 18 * 88, "reverse")
    assert (found.reverse_from, found.forward_from) == (624 // 88 + 1, 1584 // 78 + 1)


def test_the_squared_length() -> None:
    """Row 21: q = W·x, f = Σq². Back: 2·q, times upstream; then an outer product, and Wᵀ times."""
    found = cost("q = W@x; f = sum(q^2)", {"W": (2, 2), "x": (2,)})
    assert found.value == Counts(4 + 2, 2 + 1)
    assert found.reverse == Counts(2 * 2 + 4 + 4, 2)
    assert [n.name for n in found.shared] == ["n4", "q"]
    assert found.unshared == (4 + 4) + (4 + 4)
    assert (found.values, found.kept) == (8 * (4 + 2 + 2 + 2 + 1), 8 * (4 + 2 + 2))


def test_the_deep_chain_shares_its_products() -> None:
    """Rows 23 and 24. The loss takes 2 products back; each layer z·σ(-x), times upstream, then A and f swapped."""
    found = cost(DEEP)
    assert found.value == Counts(multiplications=3 + 1, additions=3 + 1, calls=3)
    assert found.reverse == Counts(multiplications=2 + 3 * (2 + 2), calls=3)
    assert found.tangent == Counts(multiplications=14, additions=7, calls=3)
    named = {n.name: n.derivatives for n in found.shared if n.assigned}
    assert named == {"f3": 7, "f2": 5, "f1": 3}
    assert len(found.shared) == 10
    # From the loss on: y after 2; b2 after 4, A2 after 5; b1 7, A1 8; b0 10, A0 and x 11.
    assert found.unshared == 2 + 4 + 5 + 7 + 8 + 10 + 11 + 11
    assert (found.inputs, found.forward_from) == (8, 8 * 24 // 17 + 1)


def test_an_explicit_jacobian() -> None:
    """Row 19, to the byte: 128 MiB against 32 KiB, 1.22 TiB against 3.1 MiB."""
    (small,) = node(cost("relu(x)", {"x": (4096,)}), "f").edges
    assert (small.explicit, small.implicit) == (128 * 2**20, 32 * 2**10)
    found = cost("relu(x)", {"x": (100, 4096)})
    (large,) = node(found, "f").edges
    assert (large.rows, large.columns) == (409_600, 409_600)
    assert (large.explicit, large.implicit) == (8 * 409_600**2, 8 * 409_600)
    assert (in_bytes(large.explicit), in_bytes(large.implicit)) == ("1.22 TiB", "3.12 MiB")
    assert found.value == found.reverse == found.tangent == Counts(comparisons=409_600)
    assert found.cheaper == "equal"


@pytest.mark.parametrize(
    ("text", "value", "back"),
    [
        ("x^3", Counts(calls=1), Counts(3)),  # 3·x², times upstream
        ("x^2.5", Counts(calls=1), Counts(2, 0, 1)),
        ("x - y", Counts(0, 1), Counts()),
        ("x*x", Counts(1), Counts(2, 1)),  # x has two parts, which are added
        ("x*x + x", Counts(1, 1), Counts(2, 2)),
        ("2*3*x", Counts(2), Counts(1)),
        ("0*x", Counts(1), Counts(1)),  # as at the start of a sum: a number like any other
        ("max(x, y)", Counts(0, 0, 0, 1), Counts(0, 0, 0, 2)),  # a router selects, and multiplies by nothing
        ("x*floor(y)", Counts(1, 0, 1), Counts(1)),
        ("x*stop_gradient(x)", Counts(1), Counts(1)),
        ("sigmoid(x)", Counts(0, 0, 1), Counts(2, 0, 1)),
        ("sum(v)", Counts(0, 6), Counts()),
        ("mean(v)", Counts(1, 6), Counts(1)),
        ("v*x", Counts(7), Counts(7 + 7, 6)),  # what was stretched is summed
        ("sum(softmax(v))", Counts(7, 6 + 6, 7), Counts(14, 6 + 7)),  # z·(g - Σz·g)
        ("mse(v, 2)", Counts(7 + 1, 7 + 6), Counts(1 + 7, 7)),
        ("v[1:3]", Counts(), Counts()),
        ("max(v)", Counts(0, 0, 0, 6), Counts(0, 0, 0, 7)),
        ("concat(v, v)", Counts(), Counts(0, 7)),
        ("[x, y, x*y]", Counts(1), Counts(2, 2)),
    ],
)
def test_small_programs(text: str, value: Counts, back: Counts) -> None:
    found = cost(text, {"v": (7,)} if "v" in text else {})
    assert (found.value, found.reverse) == (value, back)


def test_algorithms_are_estimated() -> None:
    found = cost("det(A)", {"A": (10, 10)})
    assert found.value == Counts((1000 - 10) // 3 + 9, 285, estimated=True)
    assert cost("sum(solve(A, b))", {"A": (10, 10), "b": (10,)}).value == Counts(430, 285 + 90 + 9, estimated=True)
    assert cost("inv(A)", {"A": (10, 10)}).value == Counts(1000, 810, estimated=True)
    assert cost("prod(A)", {"A": (10, 10)}).value == Counts(99)
    assert not cost("A@A", {"A": (10, 10)}).value.estimated


def test_elimination_by_a_loop() -> None:
    """The formulas for det and solve against the loops of Gauss's elimination."""
    for n in range(1, 9):
        multiplications = additions = 0
        for pivot in range(n):
            for _ in range(pivot + 1, n):
                multiplications += 1 + (n - pivot - 1)
                additions += n - pivot - 1
        costs = GateCosts()
        assert costs.application(OPERATIONS["det"], [(n, n)])[:2] == (multiplications + n - 1, additions)
        solved = costs.application(OPERATIONS["solve"], [(n, n), (n,)])
        assert solved[:2] == (multiplications + n * n, additions + n * n - n)  # two triangles


# Sweeps over numbers that count


class Number:
    """A number without a value: it counts what is done to it."""

    done: Counts = Counts()

    @classmethod
    def step(cls, other: Any, **steps: int) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        cls.done = cls.done.plus(Counts(**steps))
        return Number()

    def __add__(self, other: Any) -> Any:
        return self.step(other, additions=1)

    def __mul__(self, other: Any) -> Any:
        return self.step(other, multiplications=1)

    def __neg__(self) -> Any:
        return self

    def call(self) -> Any:
        return self.step(None, calls=1)

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __truediv__ = __rtruediv__ = __mul__


class Counting(ShapedSystem):
    """Sweeps over objects: every multiplication is really called for."""

    def __init__(self) -> None:
        call = np.frompyfunc(Number.call, 1, 1)
        super().__init__(
            {
                **dict.fromkeys(OPERATIONS, self.refuse),
                **dict.fromkeys(("exp", "sin", "cos", "sinh", "cosh", "sigmoid", "softplus", "log1p"), call),
                "add": lambda x, y: x + y,
                "sub": lambda x, y: x - y,
                "mul": lambda x, y: x * y,
                "div": lambda x, y: x / y,
                "neg": lambda x: -x,
                "square": lambda x: x * x,
                "tanh": call,
                "matmul": np.matmul,
                "outer": np.multiply.outer,
                "sum": np.sum,
                "transpose": np.transpose,
                "reshape": np.reshape,
                "full": np.broadcast_to,
                "scatter": scattered,
                "index": lambda x, key: x[tuple(slice(*k) if isinstance(k, tuple) else k for k in key)],
            }
        )

    def refuse(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("no such operation is counted here")

    def constant(self, value: Any) -> Any:
        return value

    def shape(self, x: Any) -> Shape:
        return np.shape(x)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        if isinstance(local, float) and abs(local) == 1.0:
            return moved
        return moved * local


def scattered(x: Any, key: Any, into: Shape) -> Any:
    found = np.zeros(into, dtype=object)
    found[tuple(slice(*k) if isinstance(k, tuple) else k for k in key)] = x
    return found


def numbers(shape: Shape) -> Any:
    return np.array([Number() for _ in range(size(shape))], dtype=object).reshape(shape) if shape else Number()


def counted(act: Callable[[], Any]) -> tuple[Any, Counts]:
    Number.done = Counts()
    return act(), Number.done


def by_brute_force(graph: Graph, output: int, wrt: list[str]) -> tuple[Counts, Counts, Counts]:
    F = Counting()
    at = {name: numbers(graph.shapes[i] or ()) for name, i in graph.inputs.items()}
    values, value = counted(partial(forward, F, graph, at))
    active = graph.dependents([graph.inputs[name] for name in wrt])
    _, back = counted(partial(reverse, F, graph, values, output, numbers(graph.shapes[output] or ()), active))
    direction = {graph.inputs[name]: numbers(graph.shapes[graph.inputs[name]] or ()) for name in wrt}
    _, on = counted(partial(tangent, F, graph, values, direction))
    return value, back, on


UNARY = ("neg", "square", "exp", "sin", "cos", "sinh", "cosh", "sigmoid", "tanh", "softplus")
BINARY = ("add", "sub", "mul")


def random_program(random: Random) -> str:
    """Statements of scalars, each over some of the names before, so that many are used several times."""
    names = ["x", "y", "z"]
    lines = []
    for n in range(random.randint(2, 25)):
        word = random.choice(UNARY + 2 * BINARY)
        a, b = random.choice(names), random.choice(names)
        sign = {"add": "+", "sub": "-", "mul": "*"}.get(word)
        lines.append(f"t{n} = " + (f"{a} {sign} {b}" if sign else f"-{a}" if word == "neg" else f"{word}({a})"))
        names.append(f"t{n}")
    return "\n".join([*lines, " + ".join(names)])  # all are needed


@pytest.mark.parametrize("seed", range(40))
def test_random_scalars_by_brute_force(seed: int) -> None:
    program = parse(random_program(Random(seed)))
    for wrt in (["x", "y", "z"], ["y"]):
        found = cost(program, wrt=wrt)
        assert (found.value, found.reverse, found.tangent) == by_brute_force(program.graph, program.output, wrt)
        assert found.reverse.multiplications == found.tangent.multiplications


@pytest.mark.parametrize(
    "text",
    [
        "sum(square(W@x))",
        "sum(exp(X@W.T + b))",
        "X@W.T*s + b",
        "tanh(W@x)*x[:2] - s",
        "sum(sigmoid(X@W.T), axis=0)",
        "W@W.T@W",
        "x@W.T",
        "x@x",
        "sum((X@x)*(X@x)) + sum(b)*s",
    ],
)
def test_tensors_by_brute_force(text: str) -> None:
    shapes: dict[str, Shape] = {"W": (2, 3), "x": (3,), "X": (4, 3), "b": (2,), "s": ()}
    program = parse(text, shapes)
    found = cost(program)
    assert (found.value, found.reverse, found.tangent) == by_brute_force(
        program.graph, program.output, list(program.inputs)
    )


def paths(found: Cost) -> Iterator[int]:
    """The multiplications along every path from the output to an input, by walking them all."""
    nodes = {n.id: n for n in found.nodes}
    left = [(found.output, 0)]
    while left:
        at, work = left.pop()
        if nodes[at].name in found.wrt:
            yield work
        left += [(edge.id, work + edge.multiplications) for edge in nodes[at].edges]


@pytest.mark.parametrize("seed", range(12))
def test_paths_and_derivatives_by_walking(seed: int) -> None:
    found = cost(random_program(Random(seed)))
    assert found.unshared == sum(paths(found))
    nodes = {n.id: n for n in found.nodes}
    for start in found.nodes:
        seen, left = {start.id}, [start.id]
        while left:
            new = {edge.id for edge in nodes[left.pop()].edges} - seen
            seen |= new
            left += new
        if start.derivatives:
            assert start.derivatives == sum(nodes[i].name in found.wrt for i in seen)


# Every row of the table


def test_every_row_has_a_cost(row: Operation) -> None:
    """A row on whole tensors says what it costs or has a formula; and all three counts can be made."""
    assert not row.tensor or row.cost is not None or row.expand or row.value
    shapes, attributes = row.example
    graph = Graph()
    bound = row.bind(**attributes) if row.attributes is not None else row
    shapes = shapes if row.tensor else ((2,),) * operands_of(row)
    names = [f"x{k}" for k in range(len(shapes))]
    output = graph.append(bound, *[graph.input(name, shape) for name, shape in zip(names, shapes, strict=True)])
    gate = GateCosts().gate(graph, output, (True,) * len(shapes))
    for counts in (gate.value, gate.reverse, gate.tangent):
        assert min(counts) >= 0
    if not row.tensor:
        assert gate.reverse.multiplications == gate.tangent.multiplications
        assert gate.value.total % 2 == 0
        assert gate.value.total > 0 or row.name in ("neg", "where", "stop_gradient")


# Large things


def test_nothing_is_as_large_as_what_is_counted() -> None:
    tracemalloc.start()
    found = cost("sum(relu(X@W + b)^2)", {"X": (10**6, 10**6), "W": (10**6, 10**6), "b": (10**6,)})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20
    assert found.value.multiplications == 10**18 + 10**12
    assert found.reverse.multiplications == 2 * 10**18 + 2 * 10**12
    assert max(edge.explicit for n in found.nodes for edge in n.edges) == 8 * 10**24


def test_a_long_chain() -> None:
    n = 100_000
    found = cost("s = x\n" + "s = sin(s)\n" * n)
    assert found.reverse == Counts(multiplications=n, calls=n)
    assert found.unshared == n
    assert found.shared == []


def test_a_chain_with_more_paths_than_any_float() -> None:
    n = 3000
    found = cost("s = x\n" + "s = s*s\n" * n)
    assert found.reverse == Counts(2 * n, n)
    assert found.unshared == n * 2**n
    assert count(found.unshared) == f"{Decimal(n) * Decimal(2) ** n:.2E}".replace("E", "e")


def test_many_inputs() -> None:
    n = 5000
    found = cost(" + ".join(f"x{i}*x{i}" for i in range(n)))
    assert (found.inputs, found.reverse) == (n, Counts(2 * n, n))
    assert found.shared[0].derivatives == n - 1
    assert len(found.shared) == n - 2


def test_a_wide_gate() -> None:
    n = 3000
    found = cost("sum([" + ", ".join(f"x{i}*{i + 2}" for i in range(n)) + "])")
    assert (found.reverse, found.tangent) == (Counts(n), Counts(n, n - 1))
    assert found.shared[0].derivatives == n


def test_constants_of_any_value_are_one_kind_of_gate() -> None:
    from backpropcli.cost import Flow

    graph = parse("s = x\n" + "".join(f"s = s*{k}.5 + {k}\n" for k in range(200))).graph
    gates = {id(gate) for gate in Flow(graph, len(graph) - 1, ["x"]).gates if gate is not None}
    assert len(gates) < 15


# What is written


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0"),
        (409_600, "409,600"),
        (10**15 - 1, "999,999,999,999,999"),
        (10**15, "1e+15"),
        (12 * 10**344, "1.2e+345"),
        (999_999 * 10**20, "1e+26"),
        pytest.param(2**100_000, "9.99e+30102", id="huge"),
    ],
)
def test_counts_as_text(n: int, text: str) -> None:
    assert count(n) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 bytes"),
        (1000, "1000 bytes"),
        (1023 * 2**10, "1023 KiB"),
        (8 * 409_600**2, "1.22 TiB"),
        (2**60, "1 EiB"),
        (8 * 10**24, "6,938,893 EiB"),
        (10**400, "8.67e+381 EiB"),
    ],
)
def test_bytes_as_text(n: int, text: str) -> None:
    assert in_bytes(n) == text


def test_counts_stand_below_each_other() -> None:
    assert aligned([Counts(1, 20), Counts(300), Counts(0, 0, 7), Counts()]) == [
        "  1× 20+   ", "300×       ", "         7f", "           ",
    ]  # fmt: skip
    assert aligned([Counts(1, estimated=True), Counts(2)]) == ["~1×", " 2×"]
    assert told(Counts(1, 0, 2, estimated=True)) == "~1× 2f"
    assert told(Counts()) == "0"


PAGES = [
    ["cost", "samples/deep.bp", "--at-file", "samples/deep.json"],
    ["cost", "relu(x)", "--shape", "x=100x4096"],
    ["cost", "cross_entropy(X@W + b, y)", "--shape", "X=100x784,W=784x10,b=10,y=100", "--wrt", "W,b"],
    ["cost", "u = solve(A, b); [u[0], u@b]", "--shape", "A=3x3,b=3"],
]


@pytest.mark.parametrize("page", range(len(PAGES)))
@pytest.mark.parametrize("width", ["40", "80", "200", "pipe"])
def test_pages(page: int, width: str, golden: Callable[[str, str], None]) -> None:
    done = backprop(*PAGES[page], **({} if width == "pipe" else {"COLUMNS": width}), PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert width == "pipe" or all(len(line) <= int(width) for line in done.stdout.splitlines())
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    golden(f"cost-{page}-{width}.txt", done.stdout)


@pytest.mark.parametrize("page", range(len(PAGES)))
def test_json(page: int) -> None:
    arguments = PAGES[page]
    found = answer(*arguments)
    made = cost(DEEP) if page == 0 else None
    assert list(found)[:4] == ["schema", "expression", "shapes", "output"]
    steps = ("multiplications", "additions", "calls", "comparisons")
    for name in ("value", "reverse", "tangent"):
        for kind in steps:
            assert found[name][kind] == sum(n[name][kind] for n in found["nodes"])
    if made is not None:
        assert found["multiplications_unshared"] == 58
        assert found["shared"] == [n.id for n in made.shared]


def test_json_of_what_no_float_holds() -> None:
    found = answer("cost", "-", stdin="s = x\n" + "s = s*s\n" * 3000)
    assert found["multiplications_unshared"] == "3.69e+906"
    assert answer("cost", "sum(x)", "--shape", "x=1000000000x1000000000000")["value"]["additions"] == 10**21 - 1


def test_quiet_rows_files_notes_and_colors(tmp_path: Path) -> None:
    quiet = backprop(*PAGES[0], "--quiet").stdout
    assert "sigmoid" not in quiet
    assert "reverse sweep                1   14   0   3     17" in quiet
    few = backprop(*PAGES[0], "--limit", "rows=4").stdout
    assert "7 nodes not shown" in few
    assert few.count("sigmoid") == 0
    target = tmp_path / "cost.txt"
    assert backprop(*PAGES[0], "-o", str(target)).stdout == ""
    assert target.read_text("utf-8") == backprop(*PAGES[0]).stdout
    notes = backprop("cost", "a = exp(x)\ny*z", "--shape", "q=3").stderr.splitlines()
    assert notes == [
        "note: no name in the program is `q`",
        "note: 2 nodes are not counted, for the output needs no such value",
    ]
    assert "\x1b[" in backprop(*PAGES[0], "--color", "always").stdout


def test_output_and_wrt() -> None:
    found = answer("cost", "q = x*y; f = exp(q)", "--output", "q", "--wrt", "y")
    assert (found["wrt"], found["inputs"], found["output"]) == (["y"], 1, "n3")
    assert found["reverse"]["multiplications"] == 1
    assert answer("cost", "cross_entropy(s, c)", "--shape", "s=4x3,c=4")["wrt"] == ["s"]
    assert answer("cost", "x*y", "--at", "x=[1,2]")["shapes"] == {"x": [2], "y": []}


def test_without_a_derivative() -> None:
    for text in ("5", "floor(x)", "x > 1"):
        found = answer("cost", text)
        assert (found["inputs"], found["cheaper"], found["reverse_from_inputs"]) == (0, "equal", None)
        assert "There is no derivative" in backprop("cost", text).stdout
    assert answer("cost", "x")["cheaper"] == "equal"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["x", "--shape", "x=0"], 0),
        (["x@y", "--shape", "x=0x0,y=0"], 0),
        (["mean(x)", "--shape", "x=0x5"], 0),
        (["softmax(x)", "--shape", "x=3x0"], 0),
        (["prod(x)", "--shape", "x=999999999999999999x999999999999999999"], 0),
        (["sum(x)", "--shape", "x=" + "x".join(["999999999999999999"] * 64)], 0),
        (["relu(x)", "--shape", "x=" + "x".join(["2"] * 65)], 2),
        (["W@x", "--shape", "W=2x3,x=2"], 2),
        (["W@x", "--shape", "W=2x3"], 2),
        (["det(A)", "--shape", "A=2x3"], 2),
        (["x", "--shape", "x=-1"], 2),
        (["x", "--shape", "x=1.5"], 2),
        (["x", "--shape", "x=1e3"], 2),
        (["x", "--shape", "x="], 2),
        (["x", "--shape", "x"], 2),
        (["x", "--shape", ""], 2),
        (["x", "--shape", "=3"], 2),
        (["x", "--shape", "x=3,x=4"], 2),
        (["x", "--shape", "x=3", "--shape", "x=3"], 2),
        (["x", "--shape", "x=[2,3]"], 2),
        (["x", "--shape", "x=" + "9" * 5000], 2),
        (["x", "--shape", "\x1b[31m=3\u202e"], 2),
        (["x", "--shape", "x=2x"], 2),
        (["x", "--shape", "x=٣"], 2),
        (["x", "--shape", "x=3", "--at", "x=2"], 2),
        (["x", "--wrt", "y"], 2),
        (["x", "--output", "y"], 2),
        (["x", "--color", "pink"], 2),
        ([], 2),
    ],
)
def test_hostile_shapes(arguments: list[str], status: int) -> None:
    done = backprop("cost", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert ("error" in answer("cost", *arguments)) == (status == 2)


def test_numbers_are_not_needed() -> None:
    """Neither NumPy nor Rich: only shapes are looked at."""
    program = (
        "import sys; from backpropcli.cli.main import run;"
        "run(['cost', 'sum((W@x)^2)', '--shape', 'W=2x2,x=2']);"
        "sys.exit(bool({'numpy', 'rich', 'lark', 'mpmath'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ascii_where_the_encoding_has_nothing_else() -> None:
    done = backprop(*PAGES[1], PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "df/dx" in done.stdout


def test_json_is_one_object() -> None:
    run = backprop("cost", "x*y", "--json")
    assert json.loads(run.stdout)["steps"] == {"reverse": 2, "forward": 6}
