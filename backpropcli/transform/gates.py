"""Graph to graph: big gates taken apart into elementary ones, and elementary ones put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import OptionError, ShapeError, nearest
from ..graph import CONSTANT, INPUT, Graph
from ..kernels.symbols import Symbol, Symbols
from ..language import Program
from ..operations import FUNCTIONS, OPERATIONS, Operation
from ..shapes import Shape, axes_of

ELEMENTARY = frozenset(("square", "reciprocal", "stop_gradient", "relu", "mean", "dot", "outer"))
"""Gates that lectures draw as one, though they have a formula."""

COMMUTATIVE = frozenset(("add", "mul"))


def expand(program: Program, names: Iterable[str]) -> Program:
    """The program with big gates taken apart into the elementary ones of their formulas.

    Args:
        program: the program; its shapes must be known.
        names: operations such as ``sigmoid`` or ``softmax``, or ``all``, until only elementary gates are left.

    Raises:
        OptionError: there is no such operation, or it has no formula.
    """
    wanted = _composites(names)
    while any(operation.name in wanted and _formula(operation) for operation in program.graph.operations):
        formulas = written_out(program.graph, lambda row: _formula(row) if row.name in wanted else None)
        program = _moved(program, *formulas)
    return program


def _composites(names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        if name == "all":
            return {row.name for row in OPERATIONS.values() if _formula(row) and row.name not in ELEMENTARY}
        row = FUNCTIONS.get(name) or OPERATIONS.get(name)
        if row is None:
            close = nearest(name, FUNCTIONS)
            hint = f"did you mean `{close}`?" if close else "`backprop gates` lists them"
            raise OptionError(f"there is no operation `{name}` to expand", hint=hint)
        if _formula(row) is None:
            raise OptionError(f"`{name}` is elementary: it has no formula to expand into")
        found.add(row.name)
    return found


def _formula(operation: Operation) -> Any:
    """How a lecture would write the operation, or how it is reckoned; None for an elementary one."""
    return operation.expand or operation.value


def written_out(old: Graph, formula_of: Callable[[Operation], Any]) -> tuple[Graph, list[int]]:
    """The graph with formulas in place of operations, one level of them; and where every node stands.

    Args:
        old: the graph.
        formula_of: what an operation is by others, ``formula(F, *operands)``, or None.
    """
    new = Graph()
    F = Symbols(new)
    place: list[int] = []
    for i, operation in enumerate(old.operations):
        operands = [place[j] for j in old.operands[i]]
        formula = formula_of(operation)
        if formula is not None:
            place.append(F.symbol(formula(F, *[Symbol(F, j) for j in operands])).index)
        else:
            place.append(old.copied(i, new, operands))
        if i in old.names:
            new.names.setdefault(place[i], old.names[i])
    return new, place


def _moved(program: Program, graph: Graph, place: list[int]) -> Program:
    """The program over another graph, in which node i stands at place[i]."""
    assigned = {name: place[i] for name, i in program.assigned.items()}
    return Program(program.source, graph, place[program.output], assigned, program.notes, program.limits)


def fuse(program: Program) -> Program:
    """The program with every formula of a big gate, such as 1/(1 + exp(-x)), put together as that gate.

    A node that has a name of its own stays as it is. Written differently is still the same: ``exp(-x) + 1`` and
    ``1 + exp(-x)``, ``1/y`` and ``reciprocal(y)``, ``-1*x`` and ``-x``.
    """
    while True:
        fused = _fused(program)
        if fused is None:
            return program
        program = fused


def _patterns() -> list[Operation]:
    """The rows to look for, the largest formula first."""
    rows = [row for row in OPERATIONS.values() if row.expand is not None and len(row.operands) == 1]
    sizes = {row.name: len(found[0]) for row in rows if (found := _formula_over(_bindings(row)[0], (3,)))}
    return sorted(rows, key=lambda row: -sizes[row.name])


def _formula_over(gate: Operation, shape: Shape) -> tuple[Graph, int] | None:
    """The gate's formula over an input of the shape, and its last node; None where the shape does not fit."""
    graph = Graph()
    F = Symbols(graph)
    try:
        gate.shape_of(shape)
        return graph, F.symbol(_formula(gate)(F, Symbol(F, graph.input("x", shape)))).index
    except ShapeError:
        return None


def _fused(program: Program) -> Program | None:
    """The program with every gate found put together, or None where there is none; larger gates may then be found."""
    graph = program.graph
    numbers: dict[Any, int] = {}  # equal expressions have one number
    own: list[int] = []
    seen: list[int] = []  # the number that users see: a named node is nothing but itself

    def number(key: Any) -> int:
        return numbers.setdefault(key, len(numbers))

    for i, operation in enumerate(graph.operations):
        leaf = operation is INPUT or operation is CONSTANT
        if operation is INPUT:
            key: Any = ("input", i)
        elif operation is CONSTANT:
            key = ("constant", graph.constants[i])
        else:
            key = _key(graph, i, [seen[j] for j in graph.operands[i]], numbers)
        own.append(number(key))
        seen.append(own[i] if leaf or i not in graph.names else number(("named", i)))
    nodes: dict[int, list[int]] = {}
    for i, n in enumerate(own):
        nodes.setdefault(n, []).append(i)
    gates = [(i, gate) for row in _patterns() for gate in _bindings(row) for i in range(len(graph))]
    formulas: dict[Any, tuple[Graph, int] | None] = {}
    found: dict[int, tuple[Operation, int]] = {}
    for i, gate in gates:
        shape = graph.shape(i)
        if graph.operations[i] is CONSTANT:
            continue
        if (gate.key, shape) not in formulas:
            formulas[gate.key, shape] = _formula_over(gate, shape)
        formula = formulas[gate.key, shape]
        value = None if formula is None else _value_number(*formula, seen[i], numbers)
        for root in nodes.get(-1 if value is None else value, ()):
            if root > i and graph.shapes[root] == gate.shape_of(shape):
                found.setdefault(root, (gate, i))
    return _replaced(program, found) if found else None


def _bindings(row: Operation) -> list[Operation]:
    """The row with the attributes that a formula may have."""
    if not row.attributes:
        return [row]
    if "keepdims" in row.attributes:
        return [row.bind(axis=axis, keepdims=kept) for axis in (None, -1, 0, 1) for kept in (False, True)]
    return [row.bind(axis=axis) for axis in (-1, 0, 1)]


def _key(graph: Graph, i: int, operands: list[int], numbers: dict[Any, int]) -> Any:
    """What the expression of a node is, however it was written."""
    operation = graph.operations[i]
    one, minus, two = (numbers.get(("constant", c)) for c in (1.0, -1.0, 2.0))
    name = operation.name
    if name == "div" and operands[0] == one and one is not None:
        return ("reciprocal", (operands[1],))
    if name == "mul" and minus is not None and minus in operands:
        return ("neg", (operands[1] if operands[0] == minus else operands[0],))
    if name == "pow" and operands[1] == two and two is not None:
        return ("square", (operands[0],))
    if operation.reduces and operation.attributes:
        shape = graph.shape(graph.operands[i][0])
        axes = axes_of(shape, operation.attributes["axis"])
        whole = len(axes) == len(shape)  # then a kept axis broadcasts like none
        return (name, axes, whole or operation.attributes["keepdims"], *operands)
    return (operation.key, tuple(sorted(operands) if name in COMMUTATIVE else operands))


def _value_number(pattern: Graph, root: int, x: int, numbers: dict[Any, int]) -> int | None:
    """The number of a formula applied to what has the number x, if the program has that expression."""
    found: list[int] = []
    for i, operation in enumerate(pattern.operations):
        if operation is INPUT:
            number: int | None = x
        elif operation is CONSTANT:
            number = numbers.get(("constant", pattern.constants[i]))
        else:
            number = numbers.get(_key(pattern, i, [found[j] for j in pattern.operands[i]], numbers))
        if number is None:
            return None
        found.append(number)
    return found[root]


def _replaced(program: Program, gates: dict[int, tuple[Operation, int]]) -> Program:
    """The program with each gate at its node, applied to another, and without what nothing uses any more."""
    old = program.graph
    operands = [(gates[i][1],) if i in gates else j for i, j in enumerate(old.operands)]
    used = [False] * len(old)
    keep = {program.output, *program.assigned.values(), *old.names, *_unused(old)}
    for i in range(len(old) - 1, -1, -1):
        used[i] = used[i] or i in keep
        if used[i]:
            for j in operands[i]:
                used[j] = True
    new, place = Graph(), [-1] * len(old)
    for i in range(len(old)):
        if used[i]:
            mapped = [place[j] for j in operands[i]]
            place[i] = new.append(gates[i][0], *mapped) if i in gates else old.copied(i, new, mapped)
            if i in old.names:
                new.names.setdefault(place[i], old.names[i])
    return _moved(program, new, place)


def _unused(graph: Graph) -> set[int]:
    """Nodes that nothing uses: results of statements without a name."""
    used = {j for operands in graph.operands for j in operands}
    return {i for i in range(len(graph)) if i not in used and graph.operations[i] is not CONSTANT}
