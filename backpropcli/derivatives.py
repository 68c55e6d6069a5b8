"""Derivatives as functions: a program is differentiated once, and evaluated at one point after another.

    f = value_and_gradient("sum((W@x)^2)")
    value, gradient = f(W=[[1.0, 2.0]], x=[3.0, 4.0])

The gradient is a graph (`transform.derivative`). On tensors it is simplified and put on a tape (`kernels.tape`), which
takes down to 0.4 of the time of `evaluate`. Scalars, and points where something is not finite, are left to the sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .api import evaluate
from .inputs import chosen, hold_scalar, opened, point_of
from .kernels.symbols import Arithmetic, Computed
from .language import Program
from .limits import LIMITS, Limits
from .shapes import size
from .sweeps import forward, reverse, tangent
from .transform.derivative import gradient, pushforward
from .values import Value, arrays, hold_sizes, shapes_of

if TYPE_CHECKING:
    from .graph import Graph
    from .kernels.system import NumberSystem
    from .kernels.tape import Tape
    from .shapes import Shape


def value_and_gradient(
    program: Program | str, *, output: str | None = None, wrt: Sequence[str] | None = None, limits: Limits = LIMITS
) -> Callable[..., tuple[Value, dict[str, Value]]]:
    """A function of the point that gives the program's value and its gradient by input name, in the inputs' shapes.

    It takes a mapping from names to numbers or whatever NumPy takes for an array, or keywords, and raises what
    `evaluate` raises. Several threads may call it.

    Args:
        program: what `parse` returned, or a text.
        output: the assigned name to differentiate, where it is not the last statement.
        wrt: the inputs to differentiate by; the others count as data. All by default.
    """
    return _at_points(lambda over: Gradient(over, output, wrt, limits), program, limits)


def hessian(
    program: Program | str, *, output: str | None = None, wrt: Sequence[str] | None = None, limits: Limits = LIMITS
) -> Callable[..., Any]:
    """A function of the point that gives the matrix of the second derivatives.

    Rows and columns are the inputs' entries, one input after the other in the order of the program, every tensor's row
    by row. It is called as the function of `value_and_gradient` is, and so are the arguments.
    """
    return _at_points(lambda over: Hessian(over, output, wrt, limits), program, limits)


def jacobian(
    program: Program | str, *, output: str | None = None, wrt: Sequence[str] | None = None, limits: Limits = LIMITS
) -> Callable[..., Any]:
    """A function of the point that gives the matrix of the derivatives of every entry of the output.

    Rows are the output's entries, columns the inputs', as in `hessian`.
    """
    return _at_points(lambda over: Jacobian(over, output, wrt, limits), program, limits)


def _at_points(
    make: Callable[[Program], Callable[..., Any]], program: Program | str, limits: Limits
) -> Callable[..., Any]:
    """What is made once for all points of the same shapes, and called at the point."""
    ready: dict[Any, Callable[..., Any]] = {}

    def at_point(at: Mapping[str, Any] | None = None, /, **values: Any) -> Any:
        point = point_of(at, values)
        shapes = tuple(shapes_of(point).items())
        made = ready.get(shapes)
        if made is None:
            made = ready[shapes] = make(opened(program, point, limits))
        return made(point)

    return at_point


class Gradient:
    """The value and the gradient of a program over inputs of known shapes."""

    def __init__(self, program: Program, output: str | None, wrt: Sequence[str] | None, limits: Limits) -> None:
        self.program = program
        self.output = output
        self.wrt = chosen(program.inputs, wrt)
        self.limits = limits
        self.node = program.output if output is None else program.node(output)
        hold_scalar(program, self.node)
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
        fixed: inputs that are the same at every point, and their values.
    """

    def __init__(
        self, derived: Callable[[], tuple[Graph, list[int]]], fixed: Mapping[str, Value] | None = None
    ) -> None:
        self.derived = derived
        self.fixed = fixed or {}
        self.idle: list[Tape] = []

    def values(self, point: Mapping[str, Value]) -> list[Value] | None:
        """The values at a point, or None where one on the way is not finite."""
        from .kernels.tape import NotFinite
        from .transform.compiled import compiled

        try:
            tape = self.idle.pop()
        except IndexError:
            tape = compiled(arrays(), *self.derived(), self.fixed)
        try:
            return tape(point)
        except NotFinite:
            return None
        finally:
            self.idle.append(tape)


class Sweep(NamedTuple):
    """One of the sweeps along a graph: ``along(F, values, direction)`` gives one line of a Jacobian, by outputs."""

    graph: Graph
    along: Callable[[NumberSystem, list[Value], Mapping[str, Value]], list[Value | None]]


class Lines:
    """A Jacobian line by line: many directions in one pass, those of lines that share no entry together.

    A line is a column, found by a tangent, or a row, found by an upstream gradient.

    Attributes:
        passes: how many directions there are.

    Args:
        graph: it takes one direction and gives one line.
        leaves: its inputs that hold the direction, with their shapes.
        outputs: its nodes that hold the line.
        pattern: for every line, entry by entry, whether it can differ from 0.
        sweep: gives one line as well, also where something is not finite.
        limits: the limits in force.
    """

    def __init__(
        self,
        graph: Graph,
        leaves: Mapping[str, Shape],
        outputs: Sequence[int],
        pattern: Any,
        sweep: Sweep,
        limits: Limits,
    ) -> None:
        import numpy as np

        from .transform.batch import batched
        from .transform.pattern import colored

        self.shape = pattern.shape
        colors = colored(pattern)
        self.passes = int(colors.max(initial=-1)) + 1
        if not self.passes:
            return  # all zeros
        limits.hold("memory", self.passes * graph.bytes, f"{self.passes} directions at once: ")
        self.shapes = [graph.shape(i) for i in outputs]
        self.sweep = sweep
        units = np.zeros((self.passes, len(colors)))
        units[colors[colors >= 0], np.nonzero(colors >= 0)[0]] = 1.0
        self.directions, start = {}, 0
        for name, shape in leaves.items():
            self.directions[name] = units[:, start : start + size(shape)].reshape(self.passes, *shape)
            start += size(shape)
        self.places = np.nonzero(pattern)
        self.sources = colors[self.places[0]], self.places[1]
        self.alone = self.passes == len(colors) and bool(pattern.all())  # a direction for every line, in order

        def derived() -> tuple[Graph, list[int]]:
            wide, place = batched(graph, list(leaves), self.passes, outputs)
            return wide, [place[i] for i in outputs]

        self.tapes = Tapes(derived, self.directions)

    def __call__(self, point: Mapping[str, Value]) -> Any:
        """The lines at a point, as the rows of a matrix."""
        import numpy as np

        if not self.passes:
            return np.zeros(self.shape)
        found = self.tapes.values(point)
        if found is None:
            found = self._one_by_one(point)
        flat = [part.reshape(self.passes, -1) for part in found]
        lines = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)
        if self.alone:
            return lines
        matrix = np.zeros(self.shape)
        matrix[self.places] = lines[self.sources]
        return matrix

    def _one_by_one(self, point: Mapping[str, Value]) -> list[Value]:
        import numpy as np

        F = arrays()
        found: list[list[Value]] = [[] for _ in self.shapes]
        with F.quiet():
            values = forward(F, self.sweep.graph, point)
            for n in range(self.passes):
                line = self.sweep.along(F, values, {name: d[n] for name, d in self.directions.items()})
                for parts, part, shape in zip(found, line, self.shapes, strict=True):
                    parts.append(np.broadcast_to(0.0 if part is None else part, shape))
        return [np.array(parts) for parts in found]


def columns_of(graph: Graph, outputs: Sequence[int], wrt: Sequence[str], pattern: Any, limits: Limits) -> Lines:
    """The columns of the Jacobian of some nodes by some inputs, by forward mode."""
    pushed = pushforward(graph, outputs, wrt)
    leaves = {pushed.direction[name]: graph.shape(graph.inputs[name]) for name in wrt}

    def sweep(F: NumberSystem, values: list[Value], direction: Mapping[str, Value]) -> list[Value | None]:
        moving = {graph.inputs[name]: direction[pushed.direction[name]] for name in wrt}
        found = tangent(F, graph, values, moving)
        return [found[i] for i in outputs]

    return Lines(pushed.graph, leaves, pushed.tangents, pattern.T, Sweep(graph, sweep), limits)


def rows_of(graph: Graph, output: int, wrt: Sequence[str], pattern: Any, limits: Limits) -> Lines:
    """The rows of the Jacobian of one node by some inputs, by reverse mode."""
    found = gradient(graph, output, wrt, system=Computed, seeded=True)
    leaves = [graph.inputs[name] for name in wrt]
    active = graph.dependents(leaves)

    def sweep(F: NumberSystem, values: list[Value], direction: Mapping[str, Value]) -> list[Value | None]:
        upstream = reverse(F, graph, values, output, direction[found.seed], active)
        return [upstream[i] for i in leaves]

    shape = graph.shape(output)
    nodes = list(found.gradient.values())
    return Lines(found.graph, {found.seed: shape}, nodes, pattern, Sweep(graph, sweep), limits)


def _hold_matrix(graph: Graph, rows: Sequence[int], columns: Sequence[int], limits: Limits) -> None:
    """Refuse a matrix that is larger than a tensor may be.

    Raises:
        LimitError: it is.
    """
    m, n = (sum(size(graph.shape(i)) for i in nodes) for nodes in (rows, columns))
    limits.hold("tensor", 8 * m * n, f"the matrix has the shape {m:,}×{n:,}: ")


class Hessian:
    """The second derivatives of a scalar, by forward mode over the gradient's graph.

    Attributes:
        program: the program, over inputs of known shapes.
        wrt: the inputs to differentiate by.
        derived: the program that also computes the gradient.
        nodes: the node of the gradient in it, by input name.
        pattern: for every entry whether it can differ from 0.
        columns: the Jacobian of the gradient.
    """

    def __init__(self, program: Program, output: str | None, wrt: Sequence[str] | None, limits: Limits) -> None:
        self.program = program
        self.wrt = chosen(program.inputs, wrt)
        node = program.output if output is None else program.node(output)
        from .transform.pattern import dependence

        hold_scalar(program, node)
        hold_sizes(program.graph, limits)
        leaves = [program.graph.inputs[name] for name in self.wrt]
        _hold_matrix(program.graph, leaves, leaves, limits)
        found = gradient(program.graph, node, self.wrt, system=Computed).simplified(verbatim=False, collect=False)
        self.nodes = found.gradient
        self.derived = Program(program.source, found.graph, found.value, {}, limits=limits)
        nodes = list(self.nodes.values())
        self.pattern = dependence(arrays(), found.graph, nodes, self.wrt)
        self.columns = columns_of(found.graph, nodes, self.wrt, self.pattern, limits)

    def __call__(self, point: Mapping[str, Value]) -> Any:
        """The matrix at a point: symmetric, each entry is the mean of the two that mathematics says are equal."""
        matrix = self.columns(point)
        matrix = matrix + matrix.T
        matrix *= 0.5
        return matrix


class Jacobian:
    """The derivatives of every entry of the output, by the mode that takes fewer passes.

    Attributes:
        program: the program, over inputs of known shapes.
        wrt: the inputs to differentiate by.
        output: the node that is differentiated.
        pattern: for every entry whether it can differ from 0; rows are the output's entries, columns the inputs'.
        mode: ``"forward"``, one tangent per column, or ``"reverse"``, one upstream gradient per row.
        passes: how many of them by mode; fewer than columns or rows where several are found together.
    """

    def __init__(self, program: Program, output: str | None, wrt: Sequence[str] | None, limits: Limits) -> None:
        from .transform.pattern import colored, dependence

        self.program = program
        self.wrt = chosen(program.inputs, wrt)
        self.output = program.output if output is None else program.node(output)
        hold_sizes(program.graph, limits)
        graph = program.graph
        _hold_matrix(graph, [self.output], [graph.inputs[name] for name in self.wrt], limits)
        self.pattern = dependence(arrays(), graph, [self.output], self.wrt)
        self.passes = {
            mode: int(colored(lines).max(initial=-1)) + 1
            for mode, lines in (("forward", self.pattern.T), ("reverse", self.pattern))
        }
        self.mode = min(self.passes, key=lambda mode: self.passes[mode])
        if self.mode == "forward":
            self.lines = columns_of(graph, [self.output], self.wrt, self.pattern, limits)
        else:
            self.lines = rows_of(graph, self.output, self.wrt, self.pattern, limits)

    def __call__(self, point: Mapping[str, Value]) -> Any:
        """The matrix at a point."""
        found = self.lines(point)
        return found.T if self.mode == "forward" else found
