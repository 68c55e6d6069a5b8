"""The flat code of a program, in no language yet: a line per value, then, backwards, a line per edge.

Every line is an expression over variables, made by the one rule of the row: the rule is traced over symbols and
simplified, and its leaves are the variables at hand. Edges of one kind, such as those of all sums, share one trace.

Lines stand in the order of the lectures: nodes in reverse; within a node first the operands that are inputs, then the
others. What is added to a gradient that is there already is the copy gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any, NamedTuple

from ..graph import CONSTANT, INPUT, Graph
from ..kernels.floats import FLOATS
from ..kernels.shaped import ShapedSystem
from ..kernels.symbols import Symbol, Symbols
from ..operations import Operation
from ..operations.maps import LinearMap, Reduced
from ..shapes import Shape
from ..shapes import broadcast as broadcast_shapes
from ..transform.simplify import simplify
from .kinds import Outlook

VALUE, GRADIENT = "value", "gradient"


class Variable(NamedTuple):
    """What a line computes: the value of a node, or its gradient."""

    kind: str
    node: int


class Pattern(NamedTuple):
    """An expression over roles.

    Attributes:
        graph: its inputs are roles: ``upstream``, ``z`` for the value and ``x0``, ``x1``, … for the operands.
        root: the node that the expression is.
    """

    graph: Graph
    root: int

    @property
    def plain(self) -> bool:
        """Whether it is of numbers and of operations on numbers alone."""
        return not any(self.graph.shapes) and not any(operation.tensor for operation in self.graph.operations)

    @property
    def nothing(self) -> bool:
        """Whether it is 0, whatever the leaves are."""
        i, graph = self.root, self.graph
        while graph.operations[i].multilinear and len(graph.operands[i]) == 1:
            (i,) = graph.operands[i]
        return graph.constants.get(i) == 0.0


class Line(NamedTuple):
    """One line of code.

    Attributes:
        target: the variable that is computed.
        pattern: how.
        roles: the variables that the pattern is over.
        adds: the pattern is added to what the variable is already.
        node, k: in the backward pass the edge that it is about.
    """

    target: Variable
    pattern: Pattern
    roles: dict[str, Variable]
    adds: bool = False
    node: int = -1
    k: int = -1


class Flat(NamedTuple):
    """A program's flat code.

    Attributes:
        graph: the program's graph.
        output: the node that is differentiated.
        wrt: the inputs to differentiate by, in order of first appearance.
        ties: how operands of a maximum that tie share its gradient.
        forward: the lines of the values.
        backward: the lines of the gradients, after that of the output, which is 1 or given.
        hides: the value may be NaN and a gradient a number all the same, unless the output's own is NaN there.
        maker: what made them, and tells the rules in words.
    """

    graph: Graph
    output: int
    wrt: tuple[str, ...]
    ties: str
    forward: list[Line]
    backward: list[Line]
    hides: bool
    maker: Maker

    @property
    def shape(self) -> Shape:
        """The output's shape; where it is no scalar, its upstream gradient is an argument."""
        return self.graph.shape(self.output)

    def seed(self, given: bool) -> Pattern:
        """The output's own gradient over ``upstream``: 1, or what is given; NaN where the value ``z`` is.

        From there NaN spreads to every gradient. Where what is given is 0, nobody asks for the value.
        """
        F = Symbols(Graph())
        upstream, z = (Symbol(F, F.graph.input(role, self.shape)) for role in ("upstream", "z"))
        if not self.hides:
            return Pattern(F.graph, upstream.index)
        usual = F.write("logical_or", z == z, upstream == 0.0) if given else z == z
        return Pattern(F.graph, F.write("where", usual, upstream, z).index)


def flat(graph: Graph, output: int, wrt: Sequence[str], ties: str = "split", shielded: bool = False) -> Flat:
    """The flat code of a graph, all shapes known.

    Args:
        graph: a program's graph.
        output: the node to differentiate.
        wrt: the inputs to differentiate by.
        ties: ``split`` or ``first``.
        shielded: a branch of `where` is computed at a harmless point where it is not taken, so that whoever
            differentiates the values once more gets no NaN from it.
    """
    maker = Maker(graph, output, ties)
    if shielded:
        maker.shields = shields_of(graph, output)
    forward = [maker.value(i) for i, needed in enumerate(graph.needed([output])) if needed and maker.has_line(i)]
    active = graph.dependents([graph.inputs[name] for name in wrt])
    reached = {output}
    backward: list[Line] = []
    for i in range(output, -1, -1):
        if i not in reached or not active[i]:
            continue
        operands = graph.operands[i]
        order = sorted(range(len(operands)), key=lambda k: graph.operations[operands[k]] is not INPUT)
        for k in order:
            j = operands[k]
            if active[j]:
                line = maker.edge(i, k, j in reached)
                if not line.pattern.nothing:
                    reached.add(j)
                    backward.append(line)
    wanted = {graph.inputs[name] for name in wrt}
    backward = _used(backward, wanted)
    hides = "NaN" in maker.outlook.kinds[output] and any(maker.outlook.hides(line.node, line.k) for line in backward)
    return Flat(graph, output, tuple(wrt), ties, forward, backward, hides, maker)


def _used(lines: list[Line], wanted: set[int]) -> list[Line]:
    """The lines whose gradient is asked for, or used by another of them."""
    used = {Variable(GRADIENT, i) for i in wanted}
    found = []
    for line in reversed(lines):
        if line.target in used:
            found.append(line)
            upstream = line.roles["upstream"]
            if "upstream" in line.pattern.graph.inputs:
                used.add(upstream)
    return found[::-1]


class Maker:
    """Makes the lines of one graph.

    Attributes:
        zeroed: for every node, whether its upstream gradient may be a structural zero, as in a branch not selected.
        outlook: what every node's value may be.
        shields: for every node, when its value is used, if that depends on a condition.
    """

    def __init__(self, graph: Graph, output: int, ties: str) -> None:
        self.graph = graph
        self.output = output
        self.ties = ties
        self.patterns: dict[Any, Pattern] = {}
        self.shields: list[Shield | None] = [None] * len(graph)
        self.outlook = Outlook(graph)
        self.zeroed = [False] * len(graph)
        for i in range(output, -1, -1):
            if graph.operations[i].structural or self.zeroed[i]:
                for j in graph.operands[i]:
                    self.zeroed[j] = True

    def has_line(self, i: int) -> bool:
        """Whether a node has a line: an input is there, and a plain number stands where it is used."""
        return self.graph.operations[i] is not INPUT and (i == self.output or self.number(i) is None)

    def number(self, i: int) -> float | None:
        """The number that a nameless constant is."""
        value = self.graph.constants.get(i)
        return value if isinstance(value, float) and i not in self.graph.names else None

    def numbers(self, i: int) -> tuple[float | None, ...]:
        """For every operand the number that it is, or None."""
        return tuple(self.number(j) for j in self.graph.operands[i])

    def value(self, i: int) -> Line:
        """The line of a node's value."""
        graph = self.graph
        operation = graph.operations[i]
        if operation is CONSTANT:
            alone = Graph()
            return Line(Variable(VALUE, i), Pattern(alone, alone.constant(graph.constants[i], graph.shape(i))), {})
        shield = self._shield(i)
        taken = shield and shield.taken
        key = (operation.key, self._kind(i), taken, shield and graph.shapes[shield.condition])
        pattern = self.patterns.get(key)
        if pattern is None:
            traced = Graph()
            F = Symbols(traced, self.ties)
            operands = self._operands(F, i)
            if shield is not None and shield.point is not None:
                live = Symbol(F, traced.input("condition", graph.shapes[shield.condition]))
                operands = [
                    x if c is not None else F.write("where", live, *((x, there) if taken else (there, x)))
                    for x, c, there in zip(operands, self.numbers(i), shield.point, strict=True)
                ]
            pattern = self.patterns[key] = Pattern(traced, traced.append(operation, *[x.index for x in operands]))
        roles = self._roles(i)
        if shield is not None:
            roles["condition"] = Variable(VALUE, shield.condition)
        return Line(Variable(VALUE, i), pattern, roles)

    def gate(self, i: int) -> Pattern:
        """A node's operation over its operands, without more ado."""
        key = ("gate", self.graph.operations[i].key, self._kind(i))
        if key not in self.patterns:
            traced = Graph()
            operands = self._operands(Symbols(traced, self.ties), i)
            self.patterns[key] = Pattern(traced, traced.append(self.graph.operations[i], *[x.index for x in operands]))
        return self.patterns[key]

    def _shield(self, i: int) -> Shield | None:
        """When the value of a node is used, if it may be infinite or NaN elsewhere; with a point for there."""
        shield = self.shields[i]
        if shield is None or not self.outlook.leaves_the_finite(i):
            return None
        shape = self.graph.shape(i)
        regular = self._regular_point(i, -1)
        fits = broadcast_shapes(shape, self.graph.shape(shield.condition)) == shape
        return shield._replace(point=regular[0]) if fits and regular is not None else None

    def edge(self, i: int, k: int, adds: bool) -> Line:
        """The line of what reaches operand k of node i."""
        graph = self.graph
        operation, operands = graph.operations[i], graph.operands[i]
        guarded = self.zeroed[i] and self.outlook.risks(i, k)
        passing = self.outlook.chooses_nan(i, k)
        key = (operation.key, self._kind(i), k, guarded, passing)
        pattern = self.patterns.get(key)
        if pattern is None:
            pattern = self.patterns[key] = self._traced(i, k, guarded, passing)
        roles = {"upstream": Variable(GRADIENT, i), "z": Variable(VALUE, i), **self._roles(i)}
        return Line(Variable(GRADIENT, operands[k]), pattern, roles, adds, i, k)

    def told(self, i: int, k: int) -> Pattern:
        """The local gradient in words of the operands; of what has none that is a number the downstream gradient."""
        operation = self.graph.operations[i]
        key = ("told", operation.key, self._kind(i), k)
        if key not in self.patterns:
            traced = Graph()
            F = Symbols(traced, self.ties)
            operands = self._operands(F, i)
            z, upstream = self._leaf(F, "z", i), self._leaf(F, "upstream", i)
            local = self._local(F, i, k, z, operands)
            if isinstance(local, Reduced):
                local = local.partials
            elif isinstance(local, LinearMap):
                local = F.downstream(local, upstream, z, operands[k], operation.structural)
            found = F.symbol(local).index
            simple, place = simplify(traced, [found])
            self.patterns[key] = Pattern(simple, place[found])
        return self.patterns[key]

    def _local(self, F: Any, i: int, k: int, z: Any, operands: list[Any]) -> Any:
        """The local gradient towards operand k, by the node's rule."""
        operation = self.graph.gate(i)
        if operation is self.graph.operations[i]:
            return operation.local(F, k, z, operands)
        return operation.local(F, 0, z, operands[1:])

    def _kind(self, i: int) -> Any:
        """What nodes of one operation must have in common to share a pattern."""
        operands = self.graph.operands[i]
        shapes = tuple(self.graph.shapes[j] for j in operands)
        return shapes, tuple(operands.index(j) for j in operands), tuple(map(repr, self.numbers(i)))

    def _leaf(self, F: Symbols, role: str, i: int) -> Symbol:
        return Symbol(F, F.graph.input(role, self.graph.shapes[i]))

    def _operands(self, F: Symbols, i: int) -> list[Symbol]:
        """The operands of a node as roles; numbers stand for themselves."""
        operands = self.graph.operands[i]
        return [
            self._leaf(F, f"x{operands.index(j)}", j) if number is None else F.constant(number)
            for j, number in zip(operands, self.numbers(i), strict=True)
        ]

    def _roles(self, i: int) -> dict[str, Variable]:
        return {f"x{k}": Variable(VALUE, j) for k, j in enumerate(self.graph.operands[i])}

    def _traced(self, i: int, k: int, guarded: bool, passing: bool) -> Pattern:
        operation = self.graph.operations[i]
        F = Rules(Graph(), self.ties)
        F.passes_nan = passing
        operands = self._operands(F, i)
        z, upstream = self._leaf(F, "z", i), self._leaf(F, "upstream", i)
        at, value = operands, z
        if guarded:
            there = self._regular_point(i, k)
            F.guards = there is None
            if there is not None:
                live = upstream != 0.0
                numbers = self.numbers(i)
                at = [
                    x if number is not None else F.write("where", live, x, c)
                    for x, number, c in zip(operands, numbers, there[0], strict=True)
                ]
                value = F.write("where", live, z, there[1])
        local = self._local(F, i, k, value, at)
        found = F.symbol(F.downstream(local, upstream, value, operands[k], operation.structural))
        if guarded and isinstance(local, LinearMap) and not operation.reduces:
            any_live = F.write("sum", F.write("abs", upstream), axis=None, keepdims=False) != 0.0
            found = F.write("where", any_live, found, 0.0)
        graph, place = simplify(F.graph, [found.index])
        return Pattern(graph, place[found.index])

    def _regular_point(self, i: int, k: int) -> tuple[list[float], float] | None:
        """Operands at which all is finite, to stand in where the upstream gradient is 0; and the value there."""
        operation, numbers = self.graph.operations[i], self.numbers(i)
        if operation.tensor:
            return None
        domain = operation.domain + operation.domain[-1:] * (len(numbers) - len(operation.domain))
        point = [inside(*interval) if c is None else c for c, interval in zip(numbers, domain, strict=True)]
        z = FLOATS.kernels[operation.key](*point)
        local = 0.0 if k < 0 else float(operation.local(FLOATS, k, z, point))
        return (point, z) if isfinite(z) and isfinite(local) else None


class Shield(NamedTuple):
    """A value that is used only where a condition holds, or only where it does not.

    Attributes:
        condition: its node.
        taken: whether it must hold.
        point: operands at which all is finite, to stand in elsewhere.
    """

    condition: int
    taken: bool
    point: list[float] | None = None


def shields_of(graph: Graph, output: int) -> list[Shield | None]:
    """For every node the condition under which its value is used, if that is computed before it."""
    users: list[list[int]] = [[] for _ in range(len(graph))]
    for i, operands in enumerate(graph.operands):
        for j in operands:
            users[j].append(i)
    found: list[Shield | None] = [None] * len(graph)
    for j in range(output - 1, -1, -1):
        uses: set[Shield | None] = set()
        for i in users[j]:
            operands = graph.operands[i]
            if graph.operations[i].name == "where" and operands.count(j) == 1 and operands[0] != j:
                uses.add(Shield(operands[0], operands[1] == j))
            else:
                uses.add(found[i])
        (shield,) = uses if len(uses) == 1 else (None,)
        found[j] = shield if shield is not None and shield.condition < j and graph.operations[j] is not INPUT else None
    return found


def inside(low: float, high: float) -> float:
    """A plain number of the interval."""
    return next((x for x in (1.0, 0.5, 2.0) if low < x < high), low)


# What rules ask of numbers besides operations, as operations that code can call by name.


def _share(F: Any, z: Any, x: Any, *others: Any) -> Any:
    hit = F.equal(x, z)
    total = hit
    for other in others:
        total = total + F.equal(other, z)
    return F.div(hit, total)


def _first(F: Any, z: Any, x: Any, *before: Any) -> Any:
    hit = F.equal(x, z)
    for other in before:
        hit = F.logical_and(hit, F.not_equal(other, z))
    return hit


def _power_slope(F: Any, x: Any, y: Any) -> Any:
    """As `kernels.arrays` has it: what the rounding of y - 1 takes away is given back."""
    h = y - 1.0
    slope = y * F.pow(x, h)
    slope = F.where(F.logical_and(x < 0.0, F.equal(h, y)), -slope, slope)
    rest = F.where(F.abs(y) < 1.0, y - (h + 1.0), (y - h) - 1.0)
    mends = F.logical_and(F.not_equal(rest, 0.0), F.logical_and(F.not_equal(x, 0.0), F.abs(slope) < float("inf")))
    mended = slope + slope * rest * F.log(F.abs(F.where(mends, x, 1.0)))
    return F.where(F.equal(y, 0.0), 0.0, F.where(mends, mended, slope))


def _power_log(F: Any, z: Any, x: Any, y: Any) -> Any:
    grows = x > 0.0
    flat = F.where(F.logical_and(F.equal(x, 0.0), y >= 0.0), 0.0, nan)
    return F.where(grows, z * F.log(F.where(grows, x, 1.0)), flat)


SHARE = Operation(
    "share", "The part of the gradient that x gets.", pattern="", operands=("z", "x"), variadic=True, value=_share
)
FIRST = Operation(
    "first", "1 where x is the first to be z.", pattern="", operands=("z", "x"), variadic=True, value=_first
)
POWER_SLOPE = Operation("power_slope", "d(x^y)/dx.", pattern="", operands=("x", "y"), value=_power_slope)
POWER_LOG = Operation("power_log", "d(x^y)/dy at z = x^y.", pattern="", operands=("z", "x", "y"), value=_power_log)
SHIFTED = Operation(
    "shifted", "t less its entry where `at` is 1.", pattern="", operands=("t", "at"), attributes={"axis": -1},
    shape=lambda t, at, axis: broadcast_shapes(t, at),
    value=lambda F, t, at, axis: ShapedSystem.shifted(F, t, at, axis),
)  # fmt: skip
SUM_OF_OTHERS = Operation(
    "sum_of_others", "For every entry the sum of the others.", pattern="", operands=("g", "at"),
    attributes={"axis": -1}, shape=lambda g, at, axis: broadcast_shapes(g, at),
    value=lambda F, g, at, axis: ShapedSystem.sum_of_others(F, g, at, axis),
)  # fmt: skip


class Rules(Symbols):
    """Symbols over which rules are traced for code; what they are in mathematics is no shorter, but rounds worse.

    Attributes:
        guards: products are 0 where the upstream gradient is, whatever the local gradient is.
        passes_nan: where a value is NaN none of its operands was chosen, and the upstream gradient, NaN too or 0,
            passes.
    """

    def __init__(self, graph: Graph, ties: str = "split") -> None:
        super().__init__(graph, ties)
        self.guards = False
        self.passes_nan = False

    def row(self, operation: Operation, *operands: Any) -> Symbol:
        return Symbol(self, self.graph.append(operation, *[self.symbol(x).index for x in operands]))

    def share(self, k: int, z: Any, operands: tuple[Any, ...], ahead: str) -> Any:
        if len(operands) == 2:
            return super().share(k, z, operands, ahead)
        if self.ties == "first":
            return self.row(FIRST, z, operands[k], *operands[:k])
        return self.row(SHARE, z, operands[k], *operands[:k], *operands[k + 1 :])

    def power_slope(self, x: Any, y: Any) -> Any:
        exponent = self.graph.constants.get(y.index)
        if exponent is not None and exponent - (exponent - 1.0) == 1.0 and exponent - 1.0 + 1.0 == exponent:
            return 2.0 * x if exponent == 2.0 else super().power_slope(x, y) if exponent else 0.0
        return self.row(POWER_SLOPE, x, y)

    def power_log(self, z: Any, x: Any, y: Any) -> Any:
        return self.row(POWER_LOG, z, x, y)

    def shifted(self, t: Any, at: Any, axis: int) -> Any:
        return self.row(SHIFTED.bind(axis=axis), t, at)

    def sum_of_others(self, g: Any, at: Any, axis: int) -> Any:
        return self.row(SUM_OF_OTHERS.bind(axis=axis), g, at)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        found = super().product(local, moved, z, x, structural)
        if not isinstance(found, Symbol) or found is moved:
            return found
        if self.name(local) in ("share", "first"):
            found = self.write("where", local != 0.0, found, 0.0)
        if self.passes_nan and self.name(found) == "where":
            return self.write("where", z == z, found, moved)
        return self.write("where", moved != 0.0, found, 0.0) if self.guards else found
