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
from .inputs import chosen, opened, point_of, seed_of
from .kernels.symbols import Arithmetic
from .language import Program
from .limits import LIMITS, Limits
from .transform.derivative import gradient
from .values import Value, arrays, hold_sizes, shapes_of

if TYPE_CHECKING:
    from .graph import Graph
    from .kernels.tape import Tape

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
    ready: dict[Any, Gradient] = {}

    def at_point(at: Mapping[str, Any] | None = None, /, **values: Any) -> tuple[Value, dict[str, Value]]:
        point = point_of(at, values)
        shapes = tuple(shapes_of(point).items())
        found = ready.get(shapes)
        if found is None:
            found = ready[shapes] = Gradient(opened(program, point, limits), output, wrt, limits)
        return found(point)

    return at_point


class Gradient:
    """The value and the gradient of a program over inputs of known shapes."""

    def __init__(self, program: Program, output: str | None, wrt: Sequence[str] | None, limits: Limits) -> None:
        self.program = program
        self.output = output
        self.wrt = chosen(program.inputs, wrt)
        self.limits = limits
        self.node = program.output if output is None else program.node(output)
        seed_of(program, self.node, None)
        hold_sizes(program.graph, limits)
        self.tapes = Tapes(self._derived) if program.graph.tensors else None

    def __call__(self, point: Mapping[str, Value]) -> tuple[Value, dict[str, Value]]:
        found = self.tapes.values(point) if self.tapes is not None else None
        if found is not None:
            return found[0], dict(zip(self.wrt, found[1:], strict=True))
        result = evaluate(self.program, point, output=self.output, wrt=self.wrt, limits=self.limits)
        return result.value, result.gradient

    def _derived(self) -> tuple[Graph, list[int]]:
        found = gradient(self.program.graph, self.node, self.wrt, system=Arithmetic)
        return found.graph, [found.value, *found.gradient.values()]


class Tapes:
    """Tapes of one graph, each used by one thread at a time.

    Args:
        derived: makes the graph, all its shapes known, and names the nodes whose values are wanted.
    """

    def __init__(self, derived: Callable[[], tuple[Graph, list[int]]]) -> None:
        self.derived = derived
        self.idle: list[Tape] = []

    def values(self, point: Mapping[str, Value]) -> list[Value] | None:
        """The values at a point, or None where one on the way is not finite."""
        from .kernels.tape import NotFinite
        from .transform.compiled import compiled

        try:
            tape = self.idle.pop()
        except IndexError:
            tape = compiled(arrays(), *self.derived())
        try:
            return tape(point)
        except NotFinite:
            return None
        finally:
            self.idle.append(tape)
