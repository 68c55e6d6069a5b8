"""The derivative as more graph: the sweeps, run over symbols, write down what they would otherwise compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..graph import Graph
from ..kernels.symbols import Computed, Symbol, Symbols
from ..sweeps import reverse, tangent
from .simplify import simplify


class Derived(NamedTuple):
    """A graph that also computes a gradient.

    Attributes:
        graph: its first nodes are those of the program; the backward pass follows.
        value: the node that was differentiated.
        upstream: for every node of the program the node of its upstream gradient; None where nothing reaches it.
        gradient: the node of the gradient by input name, in the input's shape.
        seed: the input that holds the output's upstream gradient, or "" where that is 1.
        places: where the nodes of the program stand, if all of them do.
    """

    graph: Graph
    value: int
    upstream: list[int | None]
    gradient: dict[str, int]
    seed: str
    places: Sequence[int]

    def simplified(self, verbatim: bool = True, settled: bool = False, collect: bool = True) -> Derived:
        """The same by fewer nodes.

        Args:
            verbatim: leave the nodes of the program as they were written.
            settled: let no factor move on from an upstream gradient that others are made of.
            collect: count like terms of long sums together, to be read; what is computed keeps the order of its sums.
        """
        wanted = (self.value, *self.upstream, *self.gradient.values(), *self.graph.inputs.values())
        kept = [i for i in wanted if i is not None]
        program = range(len(self.upstream))
        if verbatim:
            kept += program
        shared = self._shared() if settled else ()
        graph, place = simplify(self.graph, kept, program if verbatim else (), shared, collect)
        upstream = [None if i is None else place[i] for i in self.upstream]
        gradient = {name: place[i] for name, i in self.gradient.items()}
        places = [place[i] for i in program] if verbatim else []
        return Derived(graph, place[self.value], upstream, gradient, self.seed, places)

    def _shared(self) -> set[int]:
        """The upstream gradients that more than one other is made of."""
        graph = self.graph
        users = [0] * len(graph)
        for i, needed in enumerate(graph.needed(self.gradient.values())):
            if needed:
                for j in graph.operands[i]:
                    users[j] += 1
        for i in self.gradient.values():
            users[i] += 1
        return {i for i in self.upstream if i is not None and i >= len(self.upstream) and users[i] > 1}


def gradient(
    graph: Graph,
    output: int,
    wrt: Sequence[str],
    ties: str = "split",
    system: type[Symbols] = Symbols,
    seeded: bool = False,
) -> Derived:
    """The graph, followed by the backward pass of one of its nodes.

    Args:
        graph: a program's graph, all shapes known.
        output: the node that is differentiated; where it is no scalar, its upstream gradient becomes an input.
        wrt: the inputs to differentiate by.
        ties: how operands of a maximum that tie share its gradient.
        system: the symbols that the backward pass runs over.
        seeded: the upstream gradient is an input also where the node is a scalar.
    """
    new = graph.copy()
    F = system(new, ties)
    values = [Symbol(F, i) for i in range(len(graph))]
    active = graph.dependents([graph.inputs[name] for name in wrt])
    shape = graph.shape(output)
    seed, name = F.symbol(1.0), ""
    if shape or seeded:
        name = graph.free_name("upstream")
        seed = Symbol(F, new.input(name, shape))
    upstream = reverse(F, graph, values, output, seed, active)
    nodes = [None if g is None else F.symbol(g).index for g in upstream]
    found = {}
    for name_of in wrt:
        i = graph.inputs[name_of]
        node = nodes[i]
        of = graph.shape(i)
        if node is None or new.shapes[node] != of:
            node = F.write("full", 0.0 if node is None else Symbol(F, node), shape=of).index if of else node
        found[name_of] = F.symbol(0.0).index if node is None else node
    return Derived(new, output, nodes, found, name, range(len(graph)))


def on_line(graph: Graph, names: Sequence[str]) -> tuple[Graph, list[int], str, dict[str, str]]:
    """The graph as a function of one number t: its inputs are x + t·v.

    Args:
        graph: all its shapes known.
        names: the inputs that move.

    Returns:
        The new graph; where every node stands in it; the names of t, and of v by input.
    """
    new = Graph()
    F = Symbols(new)
    taken = graph.copy()
    t = taken.free_name("t")
    place: list[int] = []
    velocity = {name: taken.free_name(f"d{name}") for name in names}
    line = Symbol(F, new.input(t))
    for i in range(len(graph)):
        place.append(graph.copied(i, new, [place[j] for j in graph.operands[i]]))
        name = graph.names.get(i, "")
        if name in velocity and graph.inputs.get(name) == i:
            v = Symbol(F, new.input(velocity[name], graph.shapes[i]))
            place[i] = (Symbol(F, place[i]) + line * v).index
    return new, place, t, velocity


class Pushed(NamedTuple):
    """A graph that also computes the tangents of some of its nodes.

    Attributes:
        graph: its first nodes are those of the graph before.
        tangents: the node of every tangent that was asked for, in its value's shape.
        direction: for every input that moves the input that holds its tangent.
    """

    graph: Graph
    tangents: list[int]
    direction: dict[str, str]


def pushforward(graph: Graph, outputs: Sequence[int], wrt: Sequence[str], system: type[Symbols] = Computed) -> Pushed:
    """The graph, followed by the tangent pass along any direction.

    Args:
        graph: all its shapes known.
        outputs: the nodes whose tangents are wanted.
        wrt: the inputs that move.
        system: the symbols that the tangent pass runs over.
    """
    new = graph.copy()
    F = system(new)
    direction, leaves = {}, {}
    for name in wrt:
        i = graph.inputs[name]
        direction[name] = new.free_name(f"d{name}")
        leaves[i] = Symbol(F, new.input(direction[name], graph.shapes[i]))
    found = tangent(F, graph, [Symbol(F, i) for i in range(len(graph))], leaves)
    tangents = []
    for i in outputs:
        shape = graph.shape(i)
        t = F.symbol(0.0 if found[i] is None else found[i])
        tangents.append((t if new.shapes[t.index] == shape else F.write("full", t, shape=shape)).index)
    return Pushed(new, tangents, direction)
