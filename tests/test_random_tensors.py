"""Random tensor programs, every partial judged by mpmath, and forward mode against reverse mode.

``BACKPROP_TENSORS`` programs of 2 to 8 operations; 300 by default, 5,000 in CI. Their inputs are scalars, vectors,
matrices, tensors of rank 3, shapes that broadcast, axes of length 1 and, now and then, of length 0. An operation whose
operands do not fit, or whose value is not finite, is drawn again before it enters the graph.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable
from math import prod
from random import Random
from typing import Any

import numpy as np
import pytest

from backpropcli import Program, Result, evaluate
from backpropcli.checks import judge
from backpropcli.errors import LimitError, ShapeError
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.shapes import Shape
from backpropcli.text import expressions
from backpropcli.values import nested, shape_of

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
        plain: the inputs are small whole numbers, which tie, cancel and stand at kinks.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.graph = Graph()
        self.at: dict[str, Any] = {}
        self.values: list[Any] = []
        self.nodes: list[int] = []
        self.drawn: Counter[str] = Counter()
        self.reach = random.choice((0.3, 0.6, 1.0, 3.0))
        self.plain = random.random() < 0.08
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
        if self.plain:
            return float(self.random.choice((-2, -1, 0, 1, 1, 2)))
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
        name = self.random.choice(("diag", "trace", "det", "inv", "solve"))
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
        try:
            result = evaluate(program, at, upstream=upstream)
        except LimitError:  # of a tensor without entries, whose other axes are long
            continue
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
    assert moving >= 0.1 * judged, (moving, verdicts)  # a derivative of 0 is easily right


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
            columns = [
                np.abs(np.ravel(system.pushforward(local, t, values[i], xs[k], operation.structural))) for t in units
            ]
            jacobian = np.reshape(columns, (prod(shape), np.size(values[i])))
            terms = np.where(
                (jacobian == 0) | (sizes[i] == 0), 0.0, jacobian * sizes[i]
            )  # where nothing goes on, 0 × ∞ = 0
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


# What random programs have found, and their relatives

ACCUSED = [
    ("square(sum(x))", {"x": [1e16, 1.0, -1e16]}),
    ("exp(mean(x))", {"x": [1e12, 1.1, -1e12]}),
    ("square(x@y)", {"x": [1e8, 1.0, -1e8], "y": [1e8, 1.0, 1e8]}),
    ("square(cumsum(x)[2])", {"x": [1e16, 1.0, -1e16]}),
    ("square(trace(x))", {"x": [[1e16, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1e16]]}),
    ("log(det(x))", {"x": [[1.0, 1.1], [1.1, 1.2100000001]]}),
    ("sum(inv(x))", {"x": [[1.0, 2.1], [0.1, 0.21000000000000008]]}),
    ("sum(solve(x, y))", {"x": [[1.0, 2.1], [0.1, 0.21000000000000008]], "y": [1.0, 2.0]}),
    ("sum(std(x, axis=0))", {"x": [[1.0, 2.0], [1.0, 2.0000000000000004]]}),
    ("cross_entropy(x, [0.3006096053557273, 0.3322249935333472, 0.3671654011109255])", {"x": [0.1, 0.2, 0.3]}),
    ("bce_logits(x, y)", {"x": [0.3, 0.4], "y": [0.574442516811659, 0.598687660112452]}),
    ("logsumexp(x)", {"x": [0.0, -700.0, -750.0]}),
    ("sum(softmax(x))", {"x": [0.1, 0.2, 40.0]}),
]
"""Cancellation, an all but singular matrix, a fitted model, underflow: float64 loses digits, and no rule is wrong."""


@pytest.mark.parametrize(("text", "at"), ACCUSED, ids=[text for text, _ in ACCUSED])
def test_honest_rounding_is_no_wrong_rule(text: str, at: dict[str, Any]) -> None:
    found = judge(evaluate(text, at), seconds=60.0)
    accused = [component for component in found.components if component.verdict == "disagree"]
    assert not accused


KINKED = [
    ("sum(relu(x))", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ("sum(leaky_relu(x))", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ("sum(elu(x, 2))", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ("sum(clip(x, 0, 1))", [0.0, 1.0]),
    ("sum(abs(x))", [0.0, 1.0, 0.0, -1.0]),
    ("sum(max(x, 0))", [0.0, 1.0, 0.0, -1.0]),
    ("mean(hinge(x/3, [1, 0, 1, 2]))", [[1, 1, 2], [1, 1, -2], [-2, -1, -1], [1, 2, 2]]),
    ("sum(sqrt(x))", [0.0, 0.0, 1.0]),
    ("sum(reciprocal(x^x))", [0.0, 0.0, 1.0]),
]
"""Several entries at kinks: along a random direction the sides of one add to those of another."""


@pytest.mark.parametrize(("text", "x"), KINKED, ids=[text for text, _ in KINKED])
def test_a_tensor_with_several_kinks_has_no_wrong_rule(text: str, x: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # where 0 meets infinity nothing is printed
        found = judge(evaluate(text, x=np.array(x, dtype=float)), seconds=60.0)
    assert {component.verdict for component in found.components} <= {"agree", "not-differentiable", "undefined"}


EXACT = [
    ("softmax(x)[0]", [20.0, 0.0], [2.061153613941849e-09, -2.061153613941849e-09]),
    ("softmax(x)[0]", [40.0, 0.0], [4.248354255291589e-18, -4.248354255291589e-18]),
    ("log_softmax(x)[0]", [40.0, 0.0], [4.248354255291589e-18, -4.248354255291589e-18]),
    ("nll(log_softmax(x), 0)", [40.0, 0.0], [-4.248354255291589e-18, 4.248354255291589e-18]),
    ("cross_entropy(x, [1, 0])", [40.0, 0.0], [-4.248354255291589e-18, 4.248354255291589e-18]),
    ("det(x)", [[1.0, 2.0], [3.0, 1e-12]], [[1e-12, -3.0], [-2.0, 1.0]]),
]


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize(("text", "x", "gradient"), EXACT, ids=[f"{text} at {x}" for text, x, _ in EXACT])
def test_partials_in_the_tails_are_as_exact_as_those_of_scalars(text: str, x: Any, gradient: Any, mode: str) -> None:
    """The sigmoid has all digits at 40: so has the softmax of two."""
    found = evaluate(text, x=x, mode=mode).gradient["x"]
    np.testing.assert_allclose(found, gradient, rtol=16 * 2.0**-52, atol=0.0)


@pytest.mark.parametrize(
    ("text", "x", "gradient"),
    [
        ("sum([x])", 3.0, 1.0),
        ("sum(2*[x, x][1:])", 3.0, 2.0),
        ("sum([[x]]*[[5]])", 3.0, 5.0),
        ("sum([x]*[[1, 2, 3]])", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ("sum([x]*[[1, 2], [3, 4]])", [1.0, 2.0], [4.0, 6.0]),
        ("sum([x])", [[1.0, 2.0]], [[1.0, 1.0]]),
        ("sum(softmax(x))", [[], []], [[], []]),
        ("sum(log_softmax(x))", [], []),
        ("sum(softmax(x, axis=0))", [[], []], [[], []]),
    ],
)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_tensors_of_one_entry_and_of_none(text: str, x: Any, gradient: Any, mode: str) -> None:
    result = evaluate(text, x=x, mode=mode)
    np.testing.assert_array_equal(result.gradient["x"], gradient)
    assert judge(result).verdict == "agree"


# Against PyTorch


def torch_kernels(torch: Any) -> dict[str, Callable[..., Any]]:
    """Operations by name as PyTorch has them, or as a user of it would write them."""
    from torch.nn import functional

    def entries_at(x: Any, places: Any) -> Any:
        return x.reshape(-1)[torch.tensor(np.ravel(places).astype(int))].reshape(np.shape(places))

    def numbered(shape: Any) -> Any:
        return np.arange(prod(shape)).reshape(tuple(shape))

    def key_of(key: Any) -> Any:
        return tuple(item if isinstance(item, int) else slice(*item) for item in key)

    def scatter(x: Any, key: Any, into: Shape) -> Any:
        empty = torch.zeros(prod(into), dtype=x.dtype)
        places = torch.tensor(np.ravel(numbered(into)[key_of(key)]))
        return empty.index_add(0, places, x.reshape(-1)).reshape(into)

    def put(x: Any, i: Any, length: int) -> Any:
        rest = tuple(x.shape[i.ndim :])
        rows = x.reshape(i.numel(), *rest)
        return torch.zeros((length, *rest), dtype=x.dtype).index_add(0, i.reshape(-1).long(), rows)

    def reducing(function: Callable[..., Any]) -> Callable[..., Any]:
        def kernel(x: Any, axis: Any, keepdims: bool) -> Any:
            axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
            if not axes:  # which PyTorch takes for all axes
                raise Misfit
            return function(x, axes, keepdims)

        return kernel

    def product(x: Any, axes: Shape, keepdims: bool) -> Any:
        for axis in sorted((a % x.ndim for a in axes), reverse=True):
            x = torch.prod(x, axis, keepdim=keepdims)
        return x

    def cumsum(x: Any, axis: int, reverse: bool) -> Any:
        return torch.flip(torch.cumsum(torch.flip(x, [axis]), axis), [axis]) if reverse else torch.cumsum(x, axis)

    def cross_entropy(s: Any, y: Any) -> Any:
        if y.shape != s.shape:
            y = functional.one_hot(y.long(), s.shape[-1]).double()
        return -(y * torch.log_softmax(s, -1)).sum() / prod(s.shape[:-1])

    def nll(p: Any, y: Any) -> Any:
        if y.shape != p.shape:
            y = functional.one_hot(y.long(), p.shape[-1]).double()
        return -(y * p).sum() / prod(p.shape[:-1])

    def hinge(s: Any, y: Any, margin: Any) -> Any:
        right = functional.one_hot(y.long(), s.shape[-1]).bool()
        reached = torch.where(right, s, 0.0).sum(-1, keepdim=True)
        return torch.where(right, 0.0, torch.relu(s - reached + margin)).sum() / prod(s.shape[:-1])

    def folded(function: Callable[..., Any]) -> Callable[..., Any]:
        def kernel(x: Any, *others: Any) -> Any:
            for y in others:
                x = function(x, y)
            return x

        return kernel

    alike = (
        "add sub mul neg pow square reciprocal sqrt hypot abs exp expm1 log log2 log10 log1p sin cos tan asin acos "
        "atan atan2 sinh cosh tanh asinh acosh atanh sigmoid relu erf erfc floor ceil round sign matmul outer dot "
        "diag trace"
    )
    found: dict[str, Callable[..., Any]] = {name: getattr(torch, name) for name in alike.split()}
    comparisons = {"less": torch.lt, "less_equal": torch.le, "greater": torch.gt, "greater_equal": torch.ge}
    comparisons |= {"not_equal": torch.ne}
    found |= {name: lambda x, y, f=function: f(x, y).double() for name, function in comparisons.items()}
    return found | {
        "div": torch.true_divide,
        "det": torch.linalg.det,
        "inv": torch.linalg.inv,
        "solve": torch.linalg.solve,
        "where": lambda c, x, y: torch.where(c != 0, x, y),
        "max": folded(torch.maximum),
        "min": folded(torch.minimum),
        "stop_gradient": lambda x: x.detach(),
        "log_sigmoid": functional.logsigmoid,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "leaky_relu": lambda x, slope: torch.where(x <= 0, slope * x, x),
        "elu": lambda x, alpha: torch.where(x <= 0, alpha * torch.expm1(torch.clamp(x, max=0.0)), x),
        "gelu": functional.gelu,
        "silu": functional.silu,
        "softsign": functional.softsign,
        "gaussian": lambda x: torch.exp(-torch.square(x)),
        "normal_cdf": torch.special.ndtr,
        "sum": reducing(lambda x, axes, keep: torch.sum(x, axes, keepdim=keep)),
        "mean": reducing(lambda x, axes, keep: torch.mean(x, axes, keepdim=keep)),
        "prod": reducing(product),
        "amax": reducing(lambda x, axes, keep: torch.amax(x, axes, keepdim=keep)),
        "amin": reducing(lambda x, axes, keep: torch.amin(x, axes, keepdim=keep)),
        "var": reducing(lambda x, axes, keep: torch.var(x, axes, correction=0, keepdim=keep)),
        "std": reducing(lambda x, axes, keep: torch.std(x, axes, correction=0, keepdim=keep)),
        "norm": reducing(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keepdim=keep)),
        "norm1": reducing(lambda x, axes, keep: torch.sum(torch.abs(x), axes, keepdim=keep)),
        "logsumexp": reducing(lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep)),
        "softmax": lambda x, axis: torch.softmax(x, axis),
        "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
        "cumsum": cumsum,
        "transpose": lambda x, axes: x.permute(*(range(x.ndim)[::-1] if axes is None else axes)),
        "reshape": lambda x, shape: x.reshape(shape),
        "full": lambda x, shape: x.expand(shape),
        "concat": lambda *xs, axis: torch.cat(xs, axis),
        "stack": lambda *xs, axis: torch.stack(xs, axis),
        "index": lambda x, key: entries_at(x, numbered(x.shape)[key_of(key)]),
        "scatter": scatter,
        "take": lambda x, i: x[i.long()],
        "put": put,
        "one_hot": lambda i, classes: functional.one_hot(i.long(), classes).double(),
        "cross_entropy": cross_entropy,
        "nll": nll,
        "hinge": hinge,
        "bce": lambda p, t: -(t * torch.log(p) + (1.0 - t) * torch.log1p(-p)).mean(),
        "bce_logits": lambda s, t: ((1.0 - t) * s + functional.softplus(-s, threshold=700.0)).mean(),
        "mse": lambda p, t: torch.square(p - t).mean(),
        "sqloss": lambda p, t: torch.square(p - t).sum(),
        "gaussian_nll": lambda x, mu, sigma: -torch.distributions.Normal(mu, sigma).log_prob(x).mean(),
        "l1": lambda w: torch.abs(w).sum(),
        "l2": lambda w: torch.square(w).sum(),
    }


def by_torch(torch: Any, kernels: dict[str, Callable[..., Any]], result: Result) -> tuple[Any, dict[str, Any]]:
    """The value and the gradient as PyTorch finds them; Misfit where it has no such operation."""
    graph = result.program.graph
    reached = graph.needed([result.output])
    leaves = {n: torch.tensor(x, dtype=torch.float64, requires_grad=True) for n, x in result.at.items()}
    values: list[Any] = [None] * len(graph)
    for name, i in graph.inputs.items():
        values[i] = leaves[name]
    for i, number in graph.constants.items():
        values[i] = torch.tensor(number, dtype=torch.float64)
    for i, (operation, operands) in enumerate(zip(graph.operations, graph.operands, strict=True)):
        if operands and i < len(reached) and reached[i]:
            if operation.name not in kernels:
                raise Misfit
            values[i] = kernels[operation.name](*[values[j] for j in operands], **(operation.attributes or {}))
    output = values[result.output]
    if output.requires_grad:
        output.backward(torch.tensor(result.seed, dtype=torch.float64))
    gradient = {n: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy() for n, leaf in leaves.items()}
    return output.detach().numpy(), gradient


def test_pytorch_gives_the_same() -> None:
    """Where PyTorch is installed: every operation that it has, within 1e-8 of the sum of the terms' sizes."""
    torch = pytest.importorskip("torch")
    kernels = torch_kernels(torch)
    random = Random("torch")
    compared: Counter[str] = Counter()
    for _ in range(COUNT):
        result, drawn = usable(random)
        if any(note.code in ("tie", "kink", "jump", "vertical-tangent") for note in result.notes):
            continue
        try:
            value, gradient = by_torch(torch, kernels, result)
        except Misfit:
            continue
        if not all(np.isfinite(gradient[name]).all() for name in result.gradient):
            continue
        compared += drawn
        np.testing.assert_allclose(value, result.value, rtol=1e-9, atol=1e-12)
        with result.system.quiet():
            sizes = sums_of_absolute_terms(result)
        for name, g in result.gradient.items():
            gap = np.abs(gradient[name] - g)
            slack = 1e-12 * (1.0 + np.max(np.abs(g), initial=0.0))  # in the tails PyTorch loses digits
            assert np.all(gap <= 1e-8 * sizes[name] + slack), told(result, (name, g, gradient[name]))
    assert len(compared) > 60 or COUNT < 300, compared
