"""Random tensor programs, every partial judged by mpmath, and forward mode against reverse mode.

``BACKPROP_TENSORS`` programs of 2 to 8 operations; 300 by default, 5,000 in CI. Their inputs are scalars, vectors,
matrices, tensors of rank 3, shapes that broadcast, axes of length 1 and, now and then, of length 0. An operation whose
operands do not fit, or whose value is not finite, is drawn again before it enters the graph.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from math import inf, prod
from random import Random
from typing import Any

import numpy as np
import pytest

from backpropcli import Program, Result, evaluate
from backpropcli.checks import judge
from backpropcli.errors import ShapeError
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.shapes import Shape, broadcast, reduced
from backpropcli.sweeps import tangent
from backpropcli.text import expressions
from backpropcli.values import entries, finite, nested, shape_of

COUNT = int(os.environ.get("BACKPROP_TENSORS", "300"))
CHUNKS = 20
LARGEST = 1e8
"""No value in a program is larger: mpmath would need thousands of bits to see the smallest beside it."""

MOST_ENTRIES = 36

SLOW = frozenset(("polygamma", "digamma", "gamma", "lgamma"))
"""What makes mpmath slow; the operation tests have them."""

FLAT = frozenset(("step", "sign", "floor", "ceil", "round", "stop_gradient"))
ELEMENTWISE = [row for row in OPERATIONS.values() if not (row.tensor or row.condition or row.name in SLOW | FLAT)]
COMMON = [OPERATIONS[name] for name in ("add", "sub", "mul", "div")]
COMPARISONS = [OPERATIONS[name] for name in ("less", "less_equal", "greater", "greater_equal", "not_equal")]
REDUCTIONS = ("sum", "mean", "prod", "amax", "amin", "var", "std", "norm", "norm1", "logsumexp")
ALONG = ("softmax", "log_softmax", "cumsum")
F = Arrays()


class Misfit(Exception):
    """An operation that nothing at hand fits, or whose value is of no use."""


class Maker:
    """Makes one program: a graph whose values are known while it grows.

    Attributes:
        at: the value of every input.
        values: the value of every node.
        reach: the exponent of the largest input, and, negated, of the smallest.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.graph = Graph()
        self.at: dict[str, Any] = {}
        self.values: list[Any] = []
        self.nodes: list[int] = []
        self.drawn: Counter[str] = Counter()
        self.reach = random.choice((0.3, 0.6, 1.0, 3.0))
        self.lengths = (random.randint(2, 4), random.randint(2, 3))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # Leaves

    def shape(self) -> Shape:
        m, n = self.lengths
        kinds: list[Shape] = [(), (n,), (m, n), (n, n), (2, m, n)]
        odd: list[Shape] = [(1,), (m,), (1, n), (m, 1), (1, 1), (n, m), (2, 1, n), (m, m), (0,), (n, 0)]
        return self.random.choice(odd if self.chance(0.25) else kinds)

    def number(self) -> float:
        return self.random.choice((-1, 1)) * 10 ** self.random.uniform(-self.reach, self.reach)

    def tensor(self, shape: Shape, number: Callable[[], float] | None = None) -> Any:
        flat = [(number or self.number)() for _ in range(prod(shape))]
        return np.reshape(np.array(flat, dtype=float), shape) if shape else flat[0]

    def constant(self, value: Any) -> int:
        if 0 in shape_of(value)[:-1]:  # nested tuples cannot say how long the rows are that there are none of
            raise Misfit
        node = self.graph.constant(nested(value), shape_of(value))
        self.values.append(value)
        return node

    def fresh(self, shape: Shape) -> int:
        """A new input, or a constant."""
        value = self.tensor(shape)
        if len(self.at) >= 3 or self.chance(0.2):
            return self.constant(value)
        name = "xyzw"[len(self.at)]
        self.at[name] = value
        self.values.append(value)
        self.nodes.append(self.graph.input(name, shape))
        return self.nodes[-1]

    def pick(self, fits: Callable[[Shape], bool] = lambda shape: True) -> int:
        """A node whose shape fits; the latest in most cases."""
        found = [node for node in self.nodes if fits(self.shape_at(node))]
        if not found:
            raise Misfit
        return found[-1] if self.chance(0.6) else self.random.choice(found)

    def of_shape(self, shape: Shape) -> int:
        """A node of the shape: one that is there, or a new leaf."""
        try:
            return self.fresh(shape) if self.chance(0.3) else self.pick(lambda other: other == shape)
        except Misfit:
            return self.fresh(shape)

    def shape_at(self, node: int) -> Shape:
        return shape_of(self.values[node])

    # Operations

    def append(self, row: Operation | str, *operands: int, **attributes: Any) -> int:
        """The node of an operation, if its operands fit and its value is of use."""
        row = OPERATIONS[row] if isinstance(row, str) else row
        row = row.bind(**attributes) if row.attributes is not None else row
        shape = row.shape_of(*map(self.shape_at, operands))  # raises ShapeError, before the graph is touched
        if prod(shape) > MOST_ENTRIES:
            raise Misfit
        with F.quiet():
            value = F.kernels[row.key](*[self.values[i] for i in operands])
        assert np.shape(value) == shape, f"{row.name} {attributes}: {np.shape(value)}, told {shape}"
        if not np.all(np.abs(value) <= LARGEST):
            raise Misfit
        node = self.graph.append(row, *operands)
        assert self.graph.shapes[node] == shape
        self.values.append(value if shape else float(value))
        self.nodes.append(node)
        self.drawn[row.name] += 1
        return node

    def axis(self, rank: int) -> Any:
        """Axes of a reduction, as a program may name them."""
        axes = self.random.sample(range(rank), self.random.randint(0, rank))
        signed = tuple(a - rank if self.chance(0.3) else a for a in axes)
        return self.random.choice((None, signed, *signed))

    def elementwise(self) -> int:
        row = self.random.choice(COMMON if self.chance(0.3) else ELEMENTWISE)
        operands: list[int] = []
        for k in range(3 if row.variadic and self.chance(0.3) else len(row.operands)):
            if row.name == "where" and k == 0:
                operands.append(self.append(self.random.choice(COMPARISONS), self.pick(), self.pick()))
                self.nodes.pop()
            elif self.chance(0.1):
                operands.append(self.constant(self.random.choice((0.5, 1.0, 2.0, 3.0, -1.0, 10.0))))
            elif k and self.chance(0.2):
                shape = self.shape_at(operands[0])[self.random.randint(0, 2) :]
                operands.append(self.fresh(tuple(1 if self.chance(0.2) else n for n in shape)))
            else:
                operands.append(self.pick())
        return self.append(row, *operands)

    def flat(self) -> int:
        return self.append(self.random.choice(sorted(FLAT)), self.pick())

    def reduction(self) -> int:
        x = self.pick(lambda shape: bool(shape) or self.chance(0.1))
        name = "argmax" if self.chance(0.03) else self.random.choice(REDUCTIONS)
        axis = self.axis(len(self.shape_at(x)))
        return self.append(name, x, axis=axis, keepdims=self.chance(0.4))

    def along(self) -> int:
        x = self.pick(bool)
        rank = len(self.shape_at(x))
        name = self.random.choice(ALONG)
        more = {"reverse": self.chance(0.5)} if name == "cumsum" else {}
        return self.append(name, x, axis=self.random.randrange(-rank, rank), **more)

    def matmul(self) -> int:
        a = self.pick(bool)
        shape = self.shape_at(a)
        n = self.random.randint(1, 3)
        batch = () if self.chance(0.7) else (1,) if self.chance(0.3) else (2,)
        if self.chance(0.5):
            b = self.of_shape(self.random.choice(((shape[-1],), (*batch, shape[-1], n))))
            return self.append("matmul", a, b)
        k = shape[-2] if len(shape) > 1 else shape[-1]
        return self.append("matmul", self.of_shape(self.random.choice(((k,), (*batch, n, k)))), a)

    def vectors(self) -> int:
        x = self.pick(lambda shape: len(shape) == 1)
        if self.chance(0.5):
            pair = [x, self.of_shape(self.shape_at(x))]
            self.random.shuffle(pair)
            return self.append("dot", *pair)
        return self.append("outer", x, self.of_shape((self.random.randint(1, 4),)))

    def square(self) -> int:
        """A square matrix: one that is there, a product of a matrix with its transpose, a new one."""
        if self.chance(0.3):
            a = self.pick(lambda shape: len(shape) == 2)
            return self.append("matmul", a, self.append("transpose", a))
        n = self.random.randint(1, 3)
        if self.chance(0.3):
            return self.fresh((n, n))
        return self.pick(lambda shape: len(shape) == 2 and shape[0] == shape[1])

    def algebra(self) -> int:
        name = self.random.choice(("diag", "trace", "det", "inv", "solve", "cofactor"))
        if name == "diag" and self.chance(0.5):
            return self.append("diag", self.pick(lambda shape: len(shape) == 1))
        a = self.square()
        if name != "solve":
            return self.append(name, a)
        n = self.shape_at(a)[0]
        return self.append("solve", a, self.of_shape((n, self.random.randint(1, 3)) if self.chance(0.5) else (n,)))

    def move(self) -> int:
        x = self.pick(bool)
        shape = self.shape_at(x)
        rank = len(shape)
        kind = self.random.choice(("transpose", "reshape", "full", "index", "scatter", "take", "put"))
        if kind == "transpose":
            axes = None if self.chance(0.5) else tuple(self.random.sample(range(rank), rank))
            return self.append(kind, x, axes=axes)
        if kind == "reshape":
            return self.append(kind, x, shape=self.other_shape(prod(shape)))
        if kind == "full":
            wide = tuple(self.random.randint(1, 3) if n == 1 else n for n in shape)
            return self.append(kind, x, shape=(2, *wide) if self.chance(0.3) else wide)
        if kind == "index":
            return self.append(kind, x, key=tuple(map(self.place, shape[: self.random.randint(1, rank)])))
        if kind == "scatter":
            at = self.random.randrange(rank)
            into = (*shape[:at], 2 * shape[at] + 1, *shape[at + 1 :])
            everything = (None, None, None)
            return self.append(kind, x, key=(*(everything,) * at, (1, None, 2)), into=into)
        many = () if self.chance(0.3) else (self.random.randint(1, 3),)
        if kind == "take":
            places = self.tensor(many, lambda: float(self.random.randrange(-shape[0], shape[0]) if shape[0] else 0))
            return self.append(kind, x, self.constant(places))
        length = self.random.randint(1, 4)
        places = self.tensor(shape[: self.random.randint(0, rank)], lambda: float(self.random.randrange(length)))
        return self.append(kind, x, self.constant(places), length=length)

    def other_shape(self, count: int) -> Shape:
        """Another shape of so many entries; one length may be left open."""
        lengths: list[int] = []
        while self.chance(0.7):
            n = self.random.choice([n for n in (1, 2, 3, 4, 6) if count % n == 0])
            lengths.append(n)
            count //= n
        lengths.append(-1 if self.chance(0.5) and count else count)
        self.random.shuffle(lengths)
        return tuple(lengths)

    def place(self, n: int) -> Any:
        """An index into an axis: a number or a slice."""
        if n and self.chance(0.4):
            return self.random.randrange(-n, n)
        ends = [None, None, *range(-n - 1, n + 2)]
        step = self.random.choice((None, None, 1, 2, -1, -2))
        return self.random.choice(ends), self.random.choice(ends), step

    def joined(self) -> int:
        x = self.pick()
        shape = self.shape_at(x)
        if not shape or self.chance(0.5):
            parts = [x, *(self.of_shape(shape) for _ in range(self.random.randint(0, 2)))]
            rank = len(shape) + 1
            name = "stack"
        else:
            rank = len(shape)
            at = self.random.randrange(rank)
            parts = [x, self.of_shape((*shape[:at], self.random.randint(0, 3), *shape[at + 1 :]))]
            self.random.shuffle(parts)
            return self.append("concat", *parts, axis=at - rank if self.chance(0.3) else at)
        self.random.shuffle(parts)
        return self.append(name, *parts, axis=self.random.randrange(-rank, rank))

    def classified(self) -> int:
        """A loss over scores: against class numbers, or against probabilities."""
        s = self.pick(bool)
        shape = self.shape_at(s)
        name = self.random.choice(("hinge", "cross_entropy", "nll"))
        if name != "hinge" and self.chance(0.4):
            y = self.append("softmax", self.of_shape(shape), axis=-1) if self.chance(0.5) else self.of_shape(shape)
            return self.append(name, s, y)
        y = self.constant(self.tensor(shape[:-1], lambda: float(self.random.randrange(shape[-1]) if shape[-1] else 0)))
        if name == "hinge":
            return self.append(name, s, y, self.constant(1.0) if self.chance(0.5) else self.of_shape(()))
        return self.append(name, s, y)

    def regression(self) -> int:
        name = self.random.choice(("bce", "bce_logits", "mse", "sqloss", "gaussian_nll", "l1", "l2"))
        x = self.pick()
        if name in ("l1", "l2"):
            return self.append(name, x)
        t = self.pick() if self.chance(0.3) else self.of_shape(self.shape_at(x)[self.random.randint(0, 1) :])
        if name in ("bce", "bce_logits") and self.chance(0.8):
            t = self.append("sigmoid", t)
        if name == "bce":
            x = self.append("sigmoid", x)
        if name == "gaussian_nll":
            return self.append(name, x, t, self.append("softplus", self.pick()))
        return self.append(name, x, t)

    def classes(self) -> int:
        places = self.tensor(self.shape()[:1], lambda: float(self.random.randrange(3)))
        return self.append("mul", self.append("one_hot", self.constant(places), classes=3), self.pick())

    def program(self) -> tuple[Program, dict[str, Any], Any]:
        """The program, its point, and the upstream gradient of its output."""
        kinds = {
            self.elementwise: 10, self.flat: 0.5, self.reduction: 5, self.along: 3, self.matmul: 3, self.vectors: 2,
            self.algebra: 3, self.move: 5, self.joined: 2, self.classified: 2, self.regression: 2, self.classes: 0.3,
        }  # fmt: skip
        for _ in range(self.random.randint(1, 3)):
            self.fresh(self.shape())
        if not self.at:
            raise Misfit
        wanted = self.random.randint(2, 8)
        for _ in range(60):
            try:
                (kind,) = self.random.choices(list(kinds), list(kinds.values()))
                kind()
            except (Misfit, ShapeError):
                continue
            if sum(self.drawn.values()) >= wanted:
                break
        else:
            raise Misfit
        output = self.nodes[-1]
        if self.chance(0.6):
            output = self.append(self.random.choice(("sum", "mean")), output)
        value = self.values[output]
        upstream = None if not shape_of(value) and self.chance(0.7) else self.tensor(shape_of(value))
        return Program("", self.graph, output, {}), self.at, upstream


def usable(random: Random) -> tuple[Result, Counter[str]]:
    """A random program that depends on an input, and whose value and gradient are finite and of moderate size."""
    while True:
        maker = Maker(random)
        try:
            program, at, upstream = maker.program()
        except (Misfit, ShapeError):
            continue
        wrt = [name for name in at if program.graph.dependents([program.graph.inputs[name]])[program.output]]
        if not wrt:
            continue
        result = evaluate(program, at, upstream=upstream)
        if result.finite and all(np.all(np.abs(g) < 1e12) for g in result.gradient.values()):
            return result, maker.drawn


def told(result: Result, found: Any) -> str:
    graph, at = result.program.graph, {name: nested(x) for name, x in result.at.items()}
    text = expressions(graph, {}, 2000)[result.program.output]
    return f"{text} at {at}, upstream {nested(result.seed)}: {found}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_tensor_programs(chunk: int, record_property: Any) -> None:
    random = Random(f"tensors {chunk}")
    verdicts: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    moving = 0
    for _ in range(max(1, COUNT // CHUNKS)):
        result, operations = usable(random)
        drawn += operations
        for component in judge(result, seconds=60.0).components:
            assert component.verdict != "disagree", told(result, component)
            verdicts[component.verdict] += 1
            moving += component.verdict == "agree" and bool(component.numeric)
    record_property("tensor verdicts", dict(verdicts))
    record_property("tensor operations", dict(drawn))
    judged = verdicts.total()
    assert verdicts["agree"] >= 0.8 * judged, verdicts
    assert moving >= 0.4 * judged, (moving, verdicts)  # a derivative of 0 is easily right


def sums_of_absolute_terms(result: Result) -> dict[str, Any]:
    """For every entry of the gradient the sum, over all ways from the input to the output, of the products' sizes.

    Each local Jacobian is written out, column by column, by its operation's tangent map.
    """
    graph, values, system = result.program.graph, result.values, result.system
    sizes: dict[int, Any] = {result.output: np.abs(np.ravel(result.seed))}
    for i in range(result.output, -1, -1):
        operation, operands = graph.operations[i], graph.operands[i]
        if i not in sizes:
            continue
        xs = [values[j] for j in operands]
        for k, j in enumerate(operands):
            if not result.active[j]:
                continue
            local = operation.local(system, k, values[i], xs)
            shape = shape_of(values[j])
            units = np.eye(prod(shape)).reshape(prod(shape), *shape) if shape else [1.0]
            columns = [np.abs(np.ravel(system.pushforward(local, t, values[i], xs[k], operation.structural))) for t in units]
            jacobian = np.reshape(columns, (prod(shape), np.size(values[i])))
            terms = np.where((jacobian == 0) | (sizes[i] == 0), 0.0, jacobian * sizes[i])  # where nothing goes on, 0 × ∞ = 0
            sizes[j] = sizes.get(j, 0.0) + terms.sum(axis=1)
    found = {name: sizes.get(graph.inputs[name], np.zeros(np.size(g))) for name, g in result.gradient.items()}
    return {name: np.reshape(size, shape_of(result.at[name])) for name, size in found.items()}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_forward_mode_gives_the_same(chunk: int) -> None:
    """Up to the order of the same products and sums: within 1e-10 of the sum of their sizes."""
    random = Random(f"modes {chunk}")
    for _ in range(max(1, COUNT // CHUNKS)):
        result, _ = usable(random)
        forward = evaluate(result.program, result.at, upstream=result.seed, mode="forward")
        with result.system.quiet():
            sizes = sums_of_absolute_terms(result)
        for name, g in result.gradient.items():
            assert shape_of(forward.gradient[name]) == shape_of(g) == shape_of(result.at[name])
            gap = np.abs(forward.gradient[name] - g)
            assert np.all(gap <= 1e-10 * sizes[name] + 1e-300), told(result, (name, g, forward.gradient[name]))
