"""A result as instructions that repeat it at other points: every value, local gradient and downstream gradient.

Nothing is derived a second time. The sweeps run over the instructions of `kernels.script`, so the rows' own rules
write them down; whoever carries them out needs a few elementary kernels and no derivative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .conventions import edges
from .graph import CONSTANT, Graph
from .kernels.script import Script
from .kernels.symbols import Symbol
from .operations.maps import LinearMap, Reduced
from .sweeps import forward, reverse
from .values import nested

if TYPE_CHECKING:
    from .api import Result
    from .shapes import Shape


class Edge(NamedTuple):
    """The instructions of an edge.

    Attributes:
        local: the numbers to multiply with, as `structure.Local` has them; None where there are none.
        downstream: what reaches the operand.
    """

    local: int | None
    downstream: int


class Replay(NamedTuple):
    """Instructions, and which of them make which number of a result.

    Attributes:
        graph: the instructions: constants, inputs and operations, `kernels.script.METHODS` among them.
        missing: operations that no kernel is there for; then nothing can be repeated.
        inputs: the instruction of every input, by name.
        values: of every node of the program.
        upstream: of every node; None where no gradient is asked for.
        edges: of every node, as `Result.edges`.
        kinks: for nodes that may have none: the instruction that is not 0 where there is no derivative.
    """

    graph: Graph
    missing: list[str]
    inputs: dict[str, int]
    values: list[int]
    upstream: list[int | None]
    edges: list[list[Edge]]
    kinks: dict[int, int]


def replay(result: Result) -> Replay:
    """The instructions of a result."""
    program = result.program.graph
    F = Script(Graph(), result.ties)
    at = {name: Symbol(F, F.graph.input(name, program.shapes[i])) for name, i in program.inputs.items()}  # type: ignore[arg-type]
    values = forward(F, program, at)
    seed = F.constant(nested(result.seed))
    upstream = reverse(F, program, values, result.output, seed, result.active)
    rows = edges(F, program, values, upstream, result.active)
    made = [
        [Edge(_local(F, program, i, e.k, e.local), F.symbol(e.downstream).index) for e in row]
        for i, row in enumerate(rows)
    ]
    arrived = []
    for i, g in enumerate(upstream):
        shape = program.shape(i)
        if g is None and result.active[i]:
            g = F.write("full", 0.0, shape=shape) if shape else 0.0
        arrived.append(None if g is None else F.symbol(g).index)
    kinks = {}
    for i, operation in enumerate(program.operations):
        if operation.kink is not None and result.edges[i]:
            kinks[i] = F.symbol(operation.kink(F, values[i], *[values[j] for j in program.operands[i]])).index
    return _pruned(F, [value.index for value in values], arrived, made, kinks)


def _local(F: Script, program: Graph, i: int, k: int, local: Any) -> int | None:
    """The numbers of a local gradient, in the shape in which they are shown."""
    shape: Shape = program.shape(i)
    if isinstance(local, Reduced):
        factor, shape = local.partials if shape else local.pullback(1.0), program.shape(program.operands[i][k])
    elif isinstance(local, LinearMap):
        return None
    else:
        factor = local
    return (F.symbol(factor) if F.shape(factor) == shape else F.write("full", factor, shape=shape)).index


def _pruned(
    F: Script, values: list[int], upstream: list[int | None], made: list[list[Edge]], kinks: dict[int, int]
) -> Replay:
    """The instructions that the numbers need."""
    own = [n for row in made for edge in row for n in edge]
    wanted = [*values, *upstream, *own, *kinks.values(), *F.graph.inputs.values()]
    graph, place = F.graph.pruned([n for n in wanted if n is not None])
    return Replay(
        graph,
        list(F.missing),
        {name: place[n] for name, n in F.graph.inputs.items()},
        [place[n] for n in values],
        [None if n is None else place[n] for n in upstream],
        [[Edge(None if e.local is None else place[e.local], place[e.downstream]) for e in row] for row in made],
        {i: place[n] for i, n in kinks.items()},
    )


def instructions(graph: Graph) -> list[Any]:
    """The instructions as plain data.

    A constant is a number, or ``["tensor", shape, entries]``; an input is None; anything else is its word, its
    operands' numbers and, where it has attributes, these by name.
    """
    found: list[Any] = []
    for i, (operation, operands) in enumerate(zip(graph.operations, graph.operands, strict=True)):
        if operation is CONSTANT:
            value, shape = graph.constants[i], graph.shape(i)
            found.append(value if isinstance(value, float) else ["tensor", list(shape), _entries(value, len(shape))])
        elif not operands:
            found.append(None)
        else:
            attributes = dict(operation.attributes)
            if operation.lengths == "shape":
                attributes["shape"] = graph.shapes[i]
            found.append([operation.name, *operands, *([attributes] if attributes else [])])
    return found


def _entries(value: Any, rank: int) -> list[float]:
    for _ in range(rank - 1):
        value = [inner for outer in value for inner in outer]
    return list(value)
