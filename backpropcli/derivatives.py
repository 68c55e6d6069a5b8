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
from .language import Program
from .limits import LIMITS, Limits
from .shapes import size
from .sweeps import forward
from .transform.derivative import gradient, pushforward
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
        found = gradient(self.program.graph, self.node, self.wrt)
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


class Columns:
    """The Jacobian of some nodes by some inputs, by forward mode: many tangents in one pass.

    Columns that share no row are found together, by one tangent.

    Attributes:
        pattern: for every entry whether it can differ from 0: rows are the nodes' entries, one node after the other,
            columns the inputs'.
        passes: how many tangents there are.
    """

    def __init__(self, graph: Graph, outputs: Sequence[int], wrt: Sequence[str], limits: Limits) -> None:
        import numpy as np

        from .transform.batch import batched
        from .transform.pattern import coloured, dependence

        self.rows = sum(size(graph.shapes[i] or ()) for i in outputs)
        self.pattern = dependence(arrays(), graph, outputs, wrt)
        colors = coloured(self.pattern)
        self.passes = int(colors.max(initial=-1)) + 1
        limits.hold("memory", 2 * self.passes * graph.bytes, f"{self.passes} tangents at once: ")
        pushed = pushforward(graph, outputs, wrt)
        self.graph, place = batched(pushed.graph, list(pushed.direction.values()), self.passes, pushed.tangents)
        self.outputs = [place[i] for i in pushed.tangents]
        units = np.zeros((self.passes, len(colors)))
        units[colors, np.arange(len(colors))] = 1.0
        self.directions, start = {}, 0
        for name in wrt:
            shape = graph.shapes[graph.inputs[name]] or ()
            self.directions[pushed.direction[name]] = units[:, start : start + size(shape)].reshape(-1, *shape)
            start += size(shape)
        at = np.nonzero(self.pattern)
        self.full = bool(self.pattern.all()) and self.passes == len(colors)
        self.places = at, (colors[at[1]], at[0])
        self.tapes = Tapes(lambda: (self.graph, self.outputs))

    def __call__(self, point: Mapping[str, Value]) -> Any:
        """The matrix at a point."""
        import numpy as np

        if not self.passes:
            return np.zeros(self.pattern.shape)
        found = self.tapes.values({**point, **self.directions})
        if found is None:
            F = arrays()
            with F.quiet():
                values = forward(F, self.graph, {**point, **self.directions})
            found = [values[i] for i in self.outputs]
        tangents = np.concatenate([t.reshape(self.passes, -1) for t in found], axis=1) if len(found) > 1 else found[0]
        if self.full:
            return tangents.reshape(self.passes, -1).T
        matrix = np.zeros(self.pattern.shape)
        matrix[self.places[0]] = tangents.reshape(self.passes, -1)[self.places[1]]
        return matrix


class Hessian:
    """The second derivatives of a scalar, by forward mode over the gradient's graph.

    Attributes:
        program: the program, over inputs of known shapes.
        wrt: the inputs to differentiate by.
        columns: the Jacobian of the gradient.
    """

    def __init__(self, program: Program, output: str | None, wrt: Sequence[str] | None, limits: Limits) -> None:
        self.program = program
        self.wrt = chosen(program.inputs, wrt)
        node = program.output if output is None else program.node(output)
        seed_of(program, node, None)
        hold_sizes(program.graph, limits)
        found = gradient(program.graph, node, self.wrt).simplified(verbatim=False)
        self.columns = Columns(found.graph, list(found.gradient.values()), self.wrt, limits)

    def __call__(self, point: Mapping[str, Value]) -> Any:
        """The matrix at a point, rows and columns in the order of `wrt`, every tensor's entries row by row.

        It is symmetric: each entry is the mean of the two that mathematics says are equal.
        """
        matrix = self.columns(point)
        matrix = matrix + matrix.T
        matrix *= 0.5
        return matrix
