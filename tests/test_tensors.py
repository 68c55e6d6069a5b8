"""Every row of the table over every kind of shape: value, VJP, JVP, their identity, and the second order.

The judge is a quotient of the operation's own values at 400 bits; no derivative rule takes part in it. The second order
is that of the gradient that the rules write down as a graph, differentiated once more.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import permutations
from math import prod
from random import Random
from typing import Any

import numpy as np
import pytest

from backpropcli import Program, evaluate
from backpropcli.checks import judge
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.kernels.exact import exact
from backpropcli.kernels.symbols import Symbol, Symbols
from backpropcli.operations import OPERATIONS, Operation
from backpropcli.shapes import Shape
from backpropcli.sweeps import forward, reverse, tangent
from backpropcli.text import ids

from .conftest import domain_of, draw, operands_of

ONE: list[tuple[Shape, ...]] = [((),), ((3,),), ((2, 3),), ((1,),), ((1, 1),), ((0,),), ((2, 0),), ((2, 1, 3),)]
TWO: list[tuple[Shape, ...]] = [
    ((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (3,)), ((2, 3), ()),
    ((), (2, 3)), ((1,), (3,)), ((1, 3), (2, 1)), ((0,), (1,)), ((2, 0), ()), ((2, 1, 3), (2, 1)), ((2, 1, 3), (4, 1)),
]  # fmt: skip
THREE: list[tuple[Shape, ...]] = [
    ((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), ()), ((2, 1), (3,), (2, 3)), ((), (), (2, 3)), ((0,), (0,), ()),
    ((2, 1, 3), (1, 4, 1), (3,)),
]  # fmt: skip

# Attributes, and the shapes that go with them.
Case = tuple[dict[str, Any], tuple[Shape, ...]]
REDUCED: list[Case] = [
    *(({}, shapes) for shapes in ONE),
    ({"axis": 0}, ((3,),)), ({"axis": 0}, ((2, 3),)), ({"axis": -1}, ((2, 3),)),
    ({"axis": 1, "keepdims": True}, ((2, 3),)),
    ({"keepdims": True}, ((2, 3),)), ({"axis": (0, 2)}, ((2, 3, 2),)),
    ({"axis": (0, -1), "keepdims": True}, ((2, 3, 2),)),
    ({"axis": 1}, ((3, 0),)), ({"axis": 0}, ((1, 3),)), ({"axis": ()}, ((2,),)),
]  # fmt: skip
ALONG: list[Case] = [
    ({}, ((3,),)), ({}, ((2, 3),)), ({"axis": 0}, ((2, 3),)), ({"axis": 1}, ((2, 3, 2),)), ({}, ((1,),)),
    ({}, ((0, 3),)),
]  # fmt: skip
SQUARE: list[Case] = [({}, ((1, 1),)), ({}, ((2, 2),)), ({}, ((3, 3),))]
SCORED: list[Case] = [({}, ((3,), ())), ({}, ((2, 3), (2,))), ({}, ((1, 3), (1,))), ({}, ((2, 2, 3), (2, 2)))]
PAIRED: list[Case] = [({}, shapes) for shapes in TWO if 0 not in shapes[0]]
ALL = (None, None, None)

CASES: dict[str, list[Case]] = {
    **dict.fromkeys(
        ("sum", "mean", "prod", "amax", "amin", "var", "std", "norm", "norm1", "logsumexp", "argmax"), REDUCED
    ),
    **dict.fromkeys(("softmax", "log_softmax"), ALONG),
    "cumsum": [*ALONG, ({"reverse": True}, ((2, 3),))],
    "matmul": [
        ({}, shapes)
        for shapes in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((2,), (2, 3)),
            ((2, 3), (3, 4)),
            ((1, 1), (1, 1)),
            ((2, 0), (0, 3)),
            ((0, 2), (2,)),
            ((2, 2, 3), (2, 3, 2)),
            ((2, 2, 3), (3, 2)),
            ((2, 3), (2, 3, 2)),
            ((2, 1, 2, 3), (3, 3, 1)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
        )
    ],
    "dot": [({}, ((3,), (3,))), ({}, ((1,), (1,))), ({}, ((0,), (0,)))],
    "outer": [({}, ((3,), (2,))), ({}, ((1,), (2,))), ({}, ((0,), (2,)))],
    "transpose": [*(({}, shapes) for shapes in ONE), ({"axes": (1, 2, 0)}, ((2, 1, 3),))],
    "reshape": [
        ({"shape": (3, 2)}, ((2, 3),)),
        ({"shape": (-1,)}, ((2, 3),)),
        ({"shape": ()}, ((1, 1),)),
        ({"shape": (0, 4)}, ((0,),)),
    ],
    "full": [({"shape": (2, 3)}, (s,)) for s in ((), (3,), (2, 1), (1,), (2, 3))],
    "concat": [
        ({}, ((2,), (1,), (3,))),
        ({}, ((2, 3), (1, 3), (0, 3))),
        ({"axis": 1}, ((2, 1), (2, 3), (2, 2))),
        ({"axis": -1}, ((2, 1, 1), (2, 1, 2), (2, 1, 1))),
    ],
    "stack": [
        ({}, ((), (), ())),
        ({}, ((2,), (2,), (2,))),
        ({"axis": 1}, ((2, 3),) * 3),
        ({"axis": -1}, ((2, 3),) * 3),
    ],
    "index": [
        ({"key": (1,)}, ((3,),)),
        ({"key": (-1, 0)}, ((2, 3),)),
        ({"key": ((0, 2, None),)}, ((3,),)),
        ({"key": (ALL, 1)}, ((2, 3),)),
        ({"key": ((None, None, -1), (1, None, None))}, ((2, 3),)),
        ({"key": (0,)}, ((2, 1, 3),)),
        ({"key": ((2, 2, None),)}, ((3,),)),
    ],
    "scatter": [
        ({"key": (1,), "into": (3,)}, ((),)),
        ({"key": (ALL, 1), "into": (2, 3)}, ((2,),)),
        ({"key": ((None, None, 2),), "into": (3, 2)}, ((2, 2),)),
    ],
    "take": [({}, ((3,), ())), ({}, ((3,), (4,))), ({}, ((3, 2), (2,))), ({}, ((3, 2), (2, 2)))],
    "put": [({"length": 3}, ((), ())), ({"length": 3}, ((4,), (4,))), ({"length": 3}, ((2, 2), (2,)))],
    "one_hot": [({"classes": 3}, ((),)), ({"classes": 3}, ((2,),)), ({"classes": 3}, ((2, 2),))],
    "diag": [({}, ((3,),)), ({}, ((3, 3),)), ({}, ((1,),)), ({}, ((0,),))],
    "trace": SQUARE,
    "det": SQUARE,
    "cofactor": SQUARE,
    "cofactor_change": [({}, ((n, n), (n, n))) for n in (0, 1, 3)],
    "inv": SQUARE,
    "solve": [({}, ((2, 2), (2,))), ({}, ((2, 2), (2, 3))), ({}, ((1, 1), (1,)))],
    "hinge": [(a, (*s, ())) for a, s in SCORED],
    "cross_entropy": [*SCORED, ({}, ((3,), (3,))), ({}, ((2, 3), (2, 3)))],
    "nll": [*SCORED, ({}, ((3,), (3,))), ({}, ((2, 3), (2, 3)))],
    **dict.fromkeys(("bce", "bce_logits", "mse", "sqloss"), PAIRED),
    "gaussian_nll": [({}, shapes) for shapes in THREE if 0 not in shapes[0]],
    "l1": [({}, shapes) for shapes in ONE],
    "l2": [({}, shapes) for shapes in ONE],
}
EMPTY = frozenset(("amax", "amin", "argmax", "logsumexp", "mean", "var", "std", "norm"))
"""What empty tensors have none of, or no slope."""

PLACES = {"take": 1, "put": 1, "one_hot": 0, "hinge": 1, "cross_entropy": 1, "nll": 1}
"""The operand that holds places or classes, below 3."""

FIRST_ORDER = frozenset(("polygamma",))
MP = exact(420)


def cases(row: Operation) -> list[Case]:
    """Adding a row of a new kind without cases fails here."""
    if not row.tensor:
        return [({}, shapes) for shapes in {1: ONE, 2: TWO, 3: THREE}[operands_of(row)]]
    found = CASES[row.name]
    if row.name in EMPTY:
        found = [(a, s) for a, s in found if 0 not in s[0]]
    if row.name == "argmax":
        found = [(a, s) for a, s in found if not isinstance(a.get("axis"), tuple)]
    if row.name == "std":
        found = [(a, s) for a, s in found if np.prod(s[0]) > np.prod(bound(row, a).shape_of(*s))]
    return found


def bound(row: Operation, attributes: dict[str, Any]) -> Operation:
    return row.bind(**attributes) if row.attributes is not None else row


def is_place(row: Operation, k: int, shapes: tuple[Shape, ...]) -> bool:
    return PLACES.get(row.name) == k and not (k and row.operands[k] == "y" and shapes[k] == shapes[0])


def point(row: Operation, shapes: tuple[Shape, ...], random: Random) -> list[Any]:
    """Values away from kinks."""
    domain = domain_of(row)
    for _ in range(2000):
        xs = []
        for k, shape in enumerate(shapes):
            count = int(np.prod(shape))
            if is_place(row, k, shapes):
                flat = [float(random.randrange(3)) for _ in range(count)]
            else:
                low, high = max(domain[k][0], -4.0), min(domain[k][1], 4.0)
                low, high = (low, low) if domain[k][0] == domain[k][1] else (low, high)
                flat = [draw(random, (low, high), True) if low < high else low for _ in range(count)]
                flat = [x if abs(x) > 0.05 or low == high else 0.3 for x in flat]
            xs.append(np.reshape(flat, shape) if shape else flat[0])
        F = Arrays()
        with F.quiet():
            z = F.kernels[row.key](*xs)
            kinked = row.kink is not None and np.any(row.kink(F, z, *xs))
        if np.isfinite(z).all() and not kinked and np.all(np.abs(z) < 1e4):
            return xs
    raise AssertionError(f"no point for {row.name} {shapes}")


def normal(random: Random, shape: Shape) -> Any:
    flat = [random.gauss(0, 1) for _ in range(int(np.prod(shape)))]
    return np.reshape(flat, shape) if shape else flat[0]


def inner(x: Any, y: Any) -> float:
    return float(np.sum(np.multiply(x, y)))


def quotient(row: Operation, xs: list[Any], k: int, v: Any, u: Any) -> float:
    """d/dt of sum(u * op(x + t v)) at 400 bits."""
    exact_xs = [MP.constant(x) for x in xs]
    step = MP.mp.ldexp(1, -130)
    sides = []
    for sign in (1, -1):
        moved = list(exact_xs)
        moved[k] = moved[k] + sign * step * np.asarray(v, dtype=object)
        sides.append(np.sum(np.multiply(np.asarray(u, dtype=object), MP.kernels[row.key](*moved))))
    return float((sides[0] - sides[1]) / (2 * step))


def gradient_graph(row: Operation, shapes: tuple[Shape, ...], u: Any, k: int) -> tuple[Graph, list[int], int]:
    """The graph of sum(upstream * op(x)), with its gradient towards operand k written behind it by the rules."""
    graph = Graph()
    F = Symbols(graph)
    leaves = [graph.input(f"x{j}", shape) for j, shape in enumerate(shapes)]
    node = graph.append(row, *leaves)
    upstream = graph.input("u", np.shape(u))
    active = [i == leaves[k] or i == node for i in range(len(graph))]
    symbols = [Symbol(F, i) for i in range(len(graph))]
    found = reverse(F, graph, symbols, node, Symbol(F, upstream), active)[leaves[k]]
    return graph, leaves, F.symbol(found).index


def test_every_operation_over_every_shape(row: Operation) -> None:
    random = Random(row.name)
    F = Arrays()
    for attributes, shapes in cases(row):
        gate = bound(row, attributes)
        told = f"{row.name} {attributes} {shapes}"
        xs = point(gate, shapes, random)
        with F.quiet():
            z = F.kernels[gate.key](*xs)
        assert np.shape(z) == gate.shape_of(*shapes), told
        u = normal(random, np.shape(z))
        for k, shape in enumerate(shapes):
            if is_place(row, k, shapes) or (row.name == "polygamma" and k == 0):
                continue
            v = normal(random, shape)
            with F.quiet():
                local = gate.local(F, k, z, xs)
                back = F.downstream(local, u, z, xs[k], row.structural)
                along = F.pushforward(local, v, z, xs[k], row.structural)
            assert (np.shape(back), np.shape(along)) == (shape, np.shape(z)), told
            scale = 1.0 + np.sum(np.abs(back)) * np.max(np.abs(v), initial=0.0)
            assert inner(back, v) == pytest.approx(inner(u, along), abs=1e-11 * scale), told  # <Jᵀu, v> = <u, Jv>
            truth = 0.0 if row.held else quotient(gate, xs, k, v, u)
            assert inner(back, v) == pytest.approx(truth, rel=1e-9, abs=1e-10 * scale), f"{told} operand {k}"
            second_order(gate, shapes, xs, u, k, random, told)


def second_order(
    row: Operation, shapes: tuple[Shape, ...], xs: list[Any], u: Any, k: int, random: Random, told: str
) -> None:
    """The written gradient gives the same numbers; its own tangent is the quotient of the gradient."""
    graph, leaves, output = gradient_graph(row, shapes, u, k)
    at = {f"x{j}": x for j, x in enumerate(xs)} | {"u": u}
    F = Arrays()
    with F.quiet():
        values = forward(F, graph, at)
        local = row.local(F, k, values[leaves[-1] + 1], xs)
        direct = F.downstream(local, u, values[leaves[-1] + 1], xs[k], row.structural)
    assert graph.shapes[output] == shapes[k], told
    np.testing.assert_allclose(values[output], direct, rtol=1e-9, atol=1e-11, err_msg=told)
    w = normal(random, shapes[k])
    for j, shape in enumerate(shapes):
        if is_place(row, j, shapes) or (row.name == "polygamma" and j == 0) or row.held:
            continue
        v = normal(random, shape)
        with F.quiet():
            moved = tangent(F, graph, values, {leaves[j]: v})[output]
        exact_at = {name: MP.constant(x) for name, x in at.items()}
        step = MP.mp.ldexp(1, -130)
        sides = []
        for sign in (1, -1):
            there = exact_at | {f"x{j}": exact_at[f"x{j}"] + sign * step * np.asarray(v, dtype=object)}
            sides.append(np.sum(np.multiply(np.asarray(w, dtype=object), forward(MP, graph, there)[output])))
        truth = float((sides[0] - sides[1]) / (2 * step))
        found = 0.0 if moved is None else inner(w, moved)
        assert found == pytest.approx(truth, rel=1e-7, abs=1e-7 * (1 + np.sum(np.abs(values[output])))), (
            f"{told} second order {k}, {j}"
        )


FAULTS: dict[str, Callable[[Any], Any]] = {
    "doubled": lambda g: 2.0 * g,
    "negated": lambda g: -g,
    "zero": lambda g: 0.0 * g,
    "reversed": lambda g: np.reshape(np.ravel(g)[::-1], np.shape(g)),
    "+1e-3": lambda g: g + 1e-3 * np.maximum(1.0, np.abs(g)),
    "+1e-5": lambda g: g + 1e-5 * np.maximum(1.0, np.abs(g)),
    "+1e-8": lambda g: g + 1e-8 * np.maximum(1.0, np.abs(g)),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seconds", [1e4, 1e-9], ids=["mpmath", "ladder"])
def test_every_seeded_wrong_rule_of_a_tensor_operation_is_found_and_named(
    tensor_row: Operation, fault: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By mpmath entry by entry, and by the ladder in float64; which finds no 1e-8."""
    row = tensor_row
    if fault == "+1e-8" and seconds < 1:
        return
    attributes, shapes = max(
        ((a, s) for a, s in cases(row) if all(map(np.prod, s))), key=lambda case: sum(map(np.prod, case[1])) % 11
    )
    field = "pullback" if row.pullback else "rules"
    right = getattr(row, field)
    tried = 0
    for k in range(len(shapes)):
        if is_place(row, k, shapes):
            continue
        monkeypatch.setattr(row, field, right)
        random = Random(f"{row.name} {k}")
        xs = point(bound(row, attributes), shapes, random)
        before = evaluate(*program_of(bound(row, attributes), shapes, xs, random)[:2])
        wrong_rule = partial(wrong, FAULTS[fault], k, right[0] if row.variadic else right[k], row.variadic)
        rules = (wrong_rule,) if row.variadic else tuple(wrong_rule if j == k else rule for j, rule in enumerate(right))
        monkeypatch.setattr(row, field, rules)
        random = Random(f"{row.name} {k}")
        xs = point(bound(row, attributes), shapes, random)
        row._link()
        program, at, node = program_of(bound(row, attributes), shapes, xs, random)
        result = evaluate(program, at)
        g, old = result.gradient[f"x{k}"], before.gradient[f"x{k}"]
        if np.max(np.abs(np.subtract(g, old)), initial=0.0) > 1e-9 * np.max(np.abs(old), initial=0.0):
            tried += 1
            found = judge(result, seconds)
            assert found.method == ("quotients" if seconds > 1 else "ladder")
            assert found.verdict == "disagree", (row.name, k, found)
            assert {c.node for c in found.components if c.verdict == "disagree"} == {ids(program.graph)[node]}
    monkeypatch.setattr(row, field, right)
    row._link()
    harmless = row.name in ("argmax", "one_hot") or fault == "reversed"  # twice nothing is nothing
    assert tried or harmless, row.name


def wrong(
    fault: Callable[[Any], Any], k: int, right: Callable[..., Any], variadic: bool, F: Any, *rest: Any, **more: Any
) -> Any:
    """The rule with a fault, towards one operand, in floats as in mpmath."""
    found = right(F, *rest, **more)
    if variadic and rest[0] != k:
        return found
    return fault(found)


def program_of(
    row: Operation, shapes: tuple[Shape, ...], xs: list[Any], random: Random
) -> tuple[Program, dict[str, Any], int]:
    """sum(weights * op(x0, x1, …)) by other operations than the one in question; places are constants."""
    graph = Graph()
    leaves = []
    for k, (shape, x) in enumerate(zip(shapes, xs, strict=True)):
        if is_place(row, k, shapes):
            leaves.append(graph.constant(x if isinstance(x, float) else x.tolist(), shape))
        else:
            leaves.append(graph.input(f"x{k}", shape))
    node = graph.append(row, *leaves)
    weights = normal(random, graph.shapes[node])
    weight = graph.constant(weights if isinstance(weights, float) else weights.tolist(), np.shape(weights))
    product = graph.append(OPERATIONS["mul"], node, weight)
    output = graph.append(OPERATIONS["mean" if row.name == "sum" else "sum"].bind(), product)
    at = {f"x{k}": x for k, x in enumerate(xs) if not is_place(row, k, shapes)}
    return Program("", graph, output, {}), at, node


def test_no_operation_lacks_a_case() -> None:
    assert {name for name, row in OPERATIONS.items() if row.tensor} == CASES.keys()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_small_determinants_are_right_to_the_last_digit(n: int) -> None:
    """Rounded once; inverses and solutions within 4 ulps. The judge adds up products of fractions."""
    random = np.random.default_rng(n)
    for k in range(200):
        a = random.normal(size=(n, n)) * 10.0 ** random.integers(-8, 9, size=(n, n))
        a = np.round(random.normal(size=(n, n)) * 4) if k % 3 == 0 else a
        exact = [[Fraction(x) for x in row] for row in a.tolist()]
        wanted = leibniz(exact)
        F = Arrays()
        assert F.kernels["det"](a) == float(wanted)
        if wanted:
            inverse, b = F.kernels["inv"](a), random.normal(size=n)
            solution = F.kernels["solve"](a, b)
            for i in range(n):
                replaced = [[*row[:i], Fraction(x), *row[i + 1 :]] for row, x in zip(exact, b.tolist(), strict=True)]
                np.testing.assert_allclose(solution[i], float(leibniz(replaced) / wanted), rtol=9e-16, atol=0)
                for j in range(n):
                    minor = [[x for q, x in enumerate(row) if q != i] for p, row in enumerate(exact) if p != j]
                    np.testing.assert_allclose(
                        inverse[i, j], float((-1) ** (i + j) * leibniz(minor) / wanted), rtol=9e-16, atol=0
                    )
        else:
            assert np.isnan(F.kernels["inv"](a)).all()


def leibniz(rows: list[list[Fraction]]) -> Fraction:
    """The determinant as a sum over permutations."""
    total = Fraction(0)
    for order in permutations(range(len(rows))):
        odd = sum(order[i] > order[j] for j in range(len(order)) for i in range(j)) % 2
        total += (-1) ** odd * prod((row[at] for row, at in zip(rows, order, strict=True)), start=Fraction(1))
    return total


def test_a_student_finds_whole_numbers() -> None:
    result = evaluate("det(A)", A=[[1, 2], [3, 4]])
    assert (result.value, result.gradient["A"].tolist()) == (-2.0, [[4.0, -3.0], [-2.0, 1.0]])
