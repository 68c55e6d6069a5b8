"""The Python face: read a program, evaluate it, check it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .conventions import Edge, Note, conventions, edges
from .errors import OptionError
from .inputs import chosen, opened, point_of, seed_of
from .kernels.system import TIES
from .language import Program
from .limits import LIMITS, Limits
from .sweeps import forward, reverse, tangent
from .values import Value, as_value, finite, hold_sizes, is_tensor, shape_of, system_for, zeros

if TYPE_CHECKING:
    from .checks import Check

MODES = ("reverse", "forward")


class Result:
    """A program evaluated at a point: every value and every upstream gradient.

    Attributes:
        program: the program.
        at: the value of every name that was given.
        output: the node that was differentiated.
        wrt: the inputs that the gradient is taken with respect to, in order of first appearance.
        seed: the upstream gradient of the output, in its shape.
        ties: how operands of a maximum that tie share its gradient.
        mode: ``"reverse"`` or ``"forward"``: which sweep computed `gradient`.
        system: the number system of the sweeps.
        values: the value of every node.
        active: for every node, whether it depends on an input in `wrt`.
        upstream: d(output)/d(node) × seed for every node; None where the output does not depend on the node.
        tangents: in forward mode, for every input in `wrt`, d(node)/d(input) for every node, times the seed where that
            is a number; of a tensor one derivative per entry, along the last axes.
        gradient: d(output)/d(input) × seed by input name, each in the input's shape.
    """

    def __init__(
        self,
        program: Program,
        at: Mapping[str, Value],
        *,
        output: int,
        wrt: Sequence[str],
        seed: Value,
        ties: str,
        mode: str,
    ) -> None:
        graph = program.graph
        self.program = program
        self.at = dict(at)
        self.output = output
        self.wrt = tuple(wrt)
        self.seed = seed
        self.ties = ties
        self.mode = mode
        self.system = system_for(graph, ties)
        with self.system.quiet():
            self.values: list[Value] = forward(self.system, graph, at)
            self.active = graph.dependents([graph.inputs[name] for name in self.wrt])
            self.upstream: list[Any] = reverse(self.system, graph, self.values, output, seed, self.active)
            self.tangents: dict[str, list[Value | None]] = {}
            if mode == "forward":
                found = self._forward_gradient()
            else:
                found = {name: self.upstream[graph.inputs[name]] for name in self.wrt}
        self.gradient: dict[str, Value] = {}
        for name, g in found.items():
            self.gradient[name] = zeros(shape_of(self.at[name])) if g is None else g if is_tensor(g) else float(g)

    def _forward_gradient(self) -> dict[str, Value | None]:
        """The gradient by one tangent sweep per entry of every input."""
        graph = self.program.graph
        found: dict[str, Value | None] = {}
        for name in self.wrt:
            i = graph.inputs[name]
            if not graph.tensors:
                self.tangents[name] = tangent(self.system, graph, self.values, {i: self.seed})
                found[name] = self.tangents[name][self.output]
            else:
                found[name] = self._tensor_tangents(name, i)
        return found

    def _tensor_tangents(self, name: str, i: int) -> Value:
        import numpy as np

        from .shapes import size, unravel

        graph = self.program.graph
        shape = graph.shape(i)
        every: list[list[Any]] = []
        for k in range(size(shape)):
            unit = np.zeros(shape)
            unit[unravel(k, shape)] = 1.0
            every.append(tangent(self.system, graph, self.values, {i: unit if shape else 1.0}))
        reached = every[0] if every else [None] * len(graph)
        self.tangents[name] = [
            None if reached[n] is None else np.reshape(np.stack([t[n] for t in every], axis=-1), graph.shape(n) + shape)
            for n in range(len(graph))
        ]
        ends = [0.0 if t[self.output] is None else t[self.output] for t in every]
        none = np.equal(self.seed, 0)
        along = [np.sum(np.where(none | np.equal(t, 0), 0.0, np.multiply(self.seed, t))) for t in ends]
        return np.reshape(along, shape) if shape else float(along[0])

    @property
    def value(self) -> Value:
        """The value of the output."""
        return as_value(self.values[self.output])

    @cached_property
    def edges(self) -> list[list[Edge]]:
        """For every node its edges to operands that have a gradient: local, downstream."""
        with self.system.quiet():
            return edges(self.system, self.program.graph, self.values, self.upstream, self.active)

    @cached_property
    def notes(self) -> list[Note]:
        """What a reader should know: kinks, ties, jumps, values that are not finite, names that nothing uses."""
        graph = self.program.graph
        notes = [Note("reading", text) for text in self.program.notes]
        notes += [Note("unused", f"no name in the program is `{name}`") for name in self.at if name not in graph.inputs]
        with self.system.quiet():
            return notes + conventions(self)

    @property
    def finite(self) -> bool:
        """Whether the value and every entry of the gradient are finite."""
        return finite(self.value) and all(map(finite, self.gradient.values()))

    def __repr__(self) -> str:
        return f"<result {self.value!r}, gradient {self.gradient!r}>"

    def _repr_html_(self) -> str:
        from .renderers.notebook import render
        from .report import report

        return render(report(self))


def evaluate(
    program: Program | str,
    at: Mapping[str, Any] | None = None,
    *,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    upstream: Any = None,
    ties: str = "split",
    mode: str = "reverse",
    limits: Limits = LIMITS,
    **values: Any,
) -> Result:
    """Evaluate a program and differentiate its output.

    Args:
        program: what `parse` returned, or a text.
        at: a value for every input variable, a number or whatever NumPy takes for an array; more may be given as
            keywords.
        output: the assigned name to differentiate, where it is not the last statement.
        wrt: the inputs to differentiate by; the others count as data. All by default.
        upstream: the upstream gradient of the output, in its shape; 1 by default where that is a scalar.
        ties: ``"split"`` shares the gradient of a maximum among the operands that tie, ``"first"`` gives it to the
            first, ``"error"`` refuses.
        mode: ``"reverse"``, one sweep for all inputs, or ``"forward"``, one sweep per input; they agree.

    Returns:
        The result: value, gradient, and everything between.

    Raises:
        LanguageError: the text is not in the language.
        PointError: an input has no value.
        ShapeError: shapes do not fit, or the output is no scalar and has no upstream gradient.
        LimitError: the values would be larger than a limit allows.
        OptionError: an option has no such choice, or a tie where ties are refused.
    """
    for option, choice, choices in (("ties", ties, (*TIES, "error")), ("mode", mode, MODES)):
        if choice not in choices:
            raise OptionError(f"{option} is one of {', '.join(choices)}, not {choice!r}")
    point = point_of(at, values)
    opened_program = opened(program, point, limits)
    names = chosen(opened_program.inputs, wrt)
    hold_sizes(opened_program.graph, limits, names if mode == "forward" else ())
    node = opened_program.node(output) if output is not None else opened_program.output
    result = Result(
        opened_program,
        point,
        output=node,
        wrt=names,
        seed=seed_of(opened_program, node, upstream),
        ties=ties,
        mode=mode,
    )
    if ties == "error":
        for note in result.notes:
            if note.code == "tie":
                raise OptionError(note.message, hint="choose --ties split or --ties first")
    return result


def check(result: Result | str, at: Mapping[str, float] | None = None, **options: Any) -> Check:
    """Judge a gradient by quotients of the program's own values at high precision; no derivative rule takes part.

    Args:
        result: what `evaluate` returned; or a program text, with the arguments of `evaluate`.

    Returns:
        A verdict for every component, with the first wrong node where one is wrong.
    """
    from .checks import judge

    return judge(evaluate(result, at, **options) if isinstance(result, str) else result)
