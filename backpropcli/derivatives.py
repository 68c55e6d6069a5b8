"""Derivatives as functions: a program is differentiated once, and evaluated at one point after another.

    f = value_and_gradient("sum((W@x)^2)")
    value, gradient = f(W=[[1.0, 2.0]], x=[3.0, 4.0])

The gradient is a graph (`transform.derivative`). On tensors it is simplified and put on a tape (`kernels.tape`), which
takes down to 0.4 of the time of `evaluate`. Scalars, and points where something is not finite, are left to the sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .api import evaluate
from .inputs import chosen, opened, seed_of
from .language import Program
from .limits import LIMITS, Limits
from .transform.derivative import gradient
from .values import Value, arrays, hold_sizes

if TYPE_CHECKING:
    from .graph import Graph
    from .kernels.tape import Tape
    from .shapes import Shape

ValueAndGradient = Callable[..., tuple[Value, dict[str, Value]]]


def value_and_gradient(
    program: Program | str, *, output: str | None = None, wrt: Sequence[str] | None = None, limits: Limits = LIMITS
) -> ValueAndGradient:
    """A function of the point that gives the program's value and its gradient by input name, in the inputs' shapes.

    It takes a mapping from names to numbers or whatever NumPy takes for an array, or keywords, and raises what
    `evaluate` raises. Several threads may call it.

    Args:
        program: what `parse` returned, or a text.
        output: the assigned name to differentiate, where it is not the last statement.
        wrt: the inputs to differentiate by; the others count as data. All by default.
    """
    tapes = Tapes(limits)

    def at_point(at: Mapping[str, Any] | None = None, /, **values: Any) -> tuple[Value, dict[str, Value]]:
        opened_program, point = opened(program, at, values, limits)
        names = chosen(opened_program.inputs, wrt)
        graph = opened_program.graph
        node = opened_program.node(output) if output is not None else opened_program.output
        if graph.tensors:
            seed_of(opened_program, node, None)

            def derived() -> tuple[Graph, list[int]]:
                found = gradient(graph, node, names)
                return found.graph, [found.value, *found.gradient.values()]

            found = tapes.values(graph, derived, point)
            if found is not None:
                return found[0], dict(zip(names, found[1:], strict=True))
        result = evaluate(opened_program, point, output=output, wrt=names, limits=limits)
        return result.value, result.gradient

    return at_point


class Tapes:
    """Tapes by the shapes of the inputs; each is used by one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.idle: dict[tuple[Shape | None, ...], list[Tape]] = {}

    def values(
        self, graph: Graph, derived: Callable[[], tuple[Graph, list[int]]], point: Mapping[str, Value]
    ) -> list[Value] | None:
        """The values of nodes of a derived graph, or None where one on the way is not finite.

        Args:
            graph: the program's, whose inputs have the shapes of the point.
            derived: makes the graph and names the nodes, when it is needed.
            point: the value of every input.
        """
        from .kernels.tape import NotFinite

        idle = self.idle.setdefault(tuple([graph.shapes[i] for i in graph.inputs.values()]), [])
        try:
            tape = idle.pop() if idle else self._made(graph, derived)
            found = tape(point)
        except NotFinite:
            return None
        idle.append(tape)
        return found

    def _made(self, graph: Graph, derived: Callable[[], tuple[Graph, list[int]]]) -> Tape:
        from .transform.compiled import compiled

        hold_sizes(graph, self.limits)
        return compiled(arrays(), *derived())
