"""The output as a function of some inputs: only what depends on these is evaluated again.

What an operation holds constant stays as it was, and so do places and classes: they are data for every derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..graph import Graph
from ..kernels.system import NumberSystem
from ..values import is_tensor


def between(graph: Graph, sources: Sequence[int], reached: Sequence[bool]) -> list[int]:
    """The nodes that depend on the sources and that the output depends on, in order of evaluation.

    Args:
        graph: the graph.
        sources: input nodes.
        reached: for every node, whether the output depends on it.
    """
    moved = graph.dependents(sources, held=False)
    return [i for i, there in enumerate(reached) if there and moved[i] and graph.operands[i]]


def rerun(
    F: NumberSystem, graph: Graph, base: Sequence[Any], order: Sequence[int], output: int, seed: Any
) -> Callable[[Mapping[int, Any]], Any]:
    """A function from new values of some inputs, by node, to the output times its seed, one number.

    An input that a call does not mention stays where the last call put it.

    Args:
        F: the number system of the values.
        graph: the graph.
        base: the value of every node where nothing has moved.
        order: what `between` returned for the inputs that move.
        output: the node asked for.
        seed: its upstream gradient, in its shape.
    """
    values = list(base)
    steps = [(i, _kernel(F, graph, base, i), graph.operands[i]) for i in order]
    weighted = is_tensor(seed)

    def again(moved: Mapping[int, Any]) -> Any:
        for i, x in moved.items():
            values[i] = x
        for i, kernel, operands in steps:
            values[i] = kernel(*[values[j] for j in operands])
        return F.kernels["sum"](seed * values[output]) if weighted else seed * values[output]

    return again


def _kernel(F: NumberSystem, graph: Graph, base: Sequence[Any], i: int) -> Callable[..., Any]:
    """The kernel of a node, for which places and classes stay where they are."""
    operation, operands = graph.operations[i], graph.operands[i]
    kernel: Callable[..., Any] = F.kernels[operation.key]
    if operation.place is None:
        return kernel
    fixed = {k: base[j] for k, j in enumerate(operands) if j not in graph.moving(i)}
    return lambda *xs: kernel(*[fixed.get(k, x) for k, x in enumerate(xs)])
