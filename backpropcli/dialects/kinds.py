"""What the values of a program may be where its inputs are finite: signs, infinities, NaN.

What an operation makes of its operands is found out by computing it, and its local gradients, at some operands of
every kind: no operation is known by its name. An overflow beyond the samples is not foreseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import product
from math import inf, isfinite, nan
from typing import Any

from ..graph import CONSTANT, INPUT, Graph
from ..kernels.floats import FLOATS
from ..operations import Operation

SAMPLES: dict[str, tuple[float, ...]] = {
    "-∞": (-inf,), "-": (-1000.0, -4.0, -2.0, -1.5, -1.0, -0.5), "0": (0.0, -0.0),
    "+": (0.5, 1.0, 1.5, 2.0, 4.0, 1000.0), "∞": (inf,), "NaN": (nan,),
}  # fmt: skip
"""The kinds of numbers, and what stands for them."""

Kinds = frozenset[str]

FINITE: Kinds = frozenset("-0+")
NAN: Kinds = frozenset(["NaN"])
NOT_NEGATIVE: Kinds = frozenset("0+")
ANY: Kinds = frozenset(SAMPLES)


def kind(x: float) -> str:
    """The kind of a number."""
    if isfinite(x):
        return "+" if x > 0.0 else "-" if x < 0.0 else "0"
    return "NaN" if x != x else "∞" if x > 0.0 else "-∞"


class Outlook:
    """What every node of a graph may be.

    Attributes:
        kinds: for every node the kinds that its value, or an entry of it, may be of.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.kinds: list[Kinds] = []
        for i, operation in enumerate(graph.operations):
            if operation is INPUT or operation is CONSTANT:
                value = graph.constants.get(i)
                self.kinds.append(frozenset([kind(value)]) if isinstance(value, float) else FINITE)
            else:
                self.kinds.append(self._moved(i) if operation.tensor else _values(self._outcomes(i)))

    def leaves_the_finite(self, i: int) -> bool:
        """Whether the value of a node may be infinite or NaN where its operands are finite."""
        operation = self.graph.operations[i]
        return operation.singular if operation.tensor else not _values(self._outcomes(i, of=FINITE)) <= FINITE

    def risks(self, i: int, k: int) -> bool:
        """Whether the local gradient towards operand k may be infinite or NaN."""
        operation = self.graph.operations[i]
        if not operation.tensor:
            return any(local not in FINITE for _, local in self._outcomes(i, k))
        moves = operation.pattern == "gradient distributor"
        return not moves and (operation.singular or not self._union(self.graph.operands[i]) <= FINITE)

    def hides(self, i: int, k: int) -> bool:
        """Whether the value may be NaN where the local gradient towards operand k is a number, or nobody's choice."""
        if self.graph.operations[i].tensor or self.chooses_nan(i, k):
            return "NaN" in self.kinds[i]
        return any(z == "NaN" != local for z, local in self._outcomes(i, k))

    def chooses_nan(self, i: int, k: int) -> bool:
        """Whether the value, chosen from operands, may be NaN, and is wherever operand k is: none can leave it out."""
        operation = self.graph.operations[i]
        if not operation.structural or "NaN" not in self.kinds[i]:
            return False
        n = 2 if operation.variadic else len(self.graph.operands[i])
        choices = [NAN if place == min(k, n - 1) else FINITE for place in range(n)]
        return operation.tensor or _values(outcomes(operation, -1, choices, tuple(range(n)))) == NAN

    def _union(self, nodes: Iterable[int]) -> Kinds:
        return frozenset[str]().union(*[self.kinds[j] for j in nodes])

    def _moved(self, i: int) -> Kinds:
        """What an operation on tensors makes: one that is linear moves entries, and sums them up."""
        operation, found = self.graph.operations[i], self._union(self.graph.operands[i])
        if operation.singular or not found <= FINITE:
            return ANY
        return NOT_NEGATIVE if found <= NOT_NEGATIVE and (operation.multilinear or operation.joint) else FINITE

    def _outcomes(self, i: int, k: int = -1, of: Kinds = ANY) -> Outcomes:
        """What the value, and the local gradient towards operand k, may be at operands of some kinds."""
        operation, operands = self.graph.operations[i], self.graph.operands[i]
        nodes = tuple(dict.fromkeys(operands))
        choices = [self._choice(j, of) for j in nodes]
        if not operation.variadic or len(nodes) == 1:
            return outcomes(operation, k, choices, tuple([nodes.index(j) for j in operands]))
        # Of many operands it looks at one, and at what it makes of the others.
        choices.insert(0, choices.pop(nodes.index(operands[max(k, 0)])))
        rest = reduce(lambda x, y: _values(outcomes(operation, -1, (x, y))), choices[1:])
        return outcomes(operation, min(k, 0), (choices[0], rest))

    def _choice(self, j: int, of: Kinds) -> Choice:
        value = self.graph.constants.get(j)
        return value if isinstance(value, float) else self.kinds[j] & of


Choice = float | Kinds
"""What an operand may be: a constant, or a number of some kinds."""

Outcomes = frozenset[tuple[str, str]]
"""The kinds of a value together with those of a local gradient."""

_FOUND: dict[Any, Outcomes] = {}


def outcomes(operation: Operation, k: int, choices: Sequence[Choice], places: tuple[int, ...] = (0, 1)) -> Outcomes:
    """What the value and the local gradient towards operand k may be.

    Args:
        operation: one on single numbers.
        k: the operand's number, or -1.
        choices: what there is for operands.
        places: for every operand which of these it is.
    """
    key = (operation.key, k, tuple([repr(c) if isinstance(c, float) else c for c in choices]), places)
    if key not in _FOUND:
        _FOUND[key] = frozenset(_computed(operation, k, [x[p] for p in places]) for x in product(*_samples(choices)))
    return _FOUND[key]


def _computed(operation: Operation, k: int, operands: list[float]) -> tuple[str, str]:
    z = FLOATS.kernels[operation.key](*operands)
    return kind(z), kind(float(operation.local(FLOATS, k, z, operands))) if k >= 0 else ""


def _samples(choices: Sequence[Choice]) -> list[list[float]]:
    """Numbers to compute with: those of every kind, and some beside the constants."""
    near = [x for c in choices if isinstance(c, float) for x in (-2.0 * c, -c, c, 2.0 * c)]
    return [
        [c] if isinstance(c, float) else [x for x in (*sum(SAMPLES.values(), ()), *near) if kind(x) in c]
        for c in choices
    ]


def _values(found: Outcomes) -> Kinds:
    return frozenset([z for z, _ in found])
