"""Derivatives along a direction, as plain data: the Jacobian times it, the Hessian times it, and higher orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .api import evaluate
from .conventions import of_derivative
from .errors import OptionError
from .inputs import chosen, hold_scalar
from .limits import LIMITS, Limits
from .shapes import written
from .sweeps import tangent
from .text import ids, labels
from .transform.derivative import on_line, pushforward
from .values import Value, as_value, finite, ones, shape_of, zeros

if TYPE_CHECKING:
    from .checks import Check
    from .conventions import Note
    from .language import Program


class Product(NamedTuple):
    """The derivatives along a direction v, and of a scalar the last of them by every input.

    Attributes:
        expression: the program's text.
        at: the point.
        output: the id of the node that is differentiated.
        output_name: its name.
        value: its value.
        direction: v by input name; inputs that are not named stay.
        order: 1 for the Jacobian times v, 2 for the Hessian times v, and on.
        along: ∇f·v, ∇²f·v·v and so on, up to the order; the first in the output's shape.
        products: by input, the derivative of the last but one of these: ∇²f·v for order 2, ∇³f·v·v for order 3.
        check: the verdict on the products, or of order 1 on what is along v; where one was asked for.
        notes: what a reader should know.
        note_ids: the node of each note.
    """

    expression: str
    at: dict[str, Value]
    output: str
    output_name: str
    value: Value
    direction: dict[str, Value]
    order: int
    along: list[Value]
    products: dict[str, Value]
    check: Check | None
    notes: list[Note]
    note_ids: list[str]

    @property
    def finite(self) -> bool:
        """Whether every number is finite."""
        return all(map(finite, (*self.along, *self.products.values())))


MOST_ORDERS = 6
"""The graph grows by a factor with every order."""


def directional(
    program: Program,
    point: Mapping[str, Value],
    direction: Mapping[str, Value],
    *,
    order: int = 2,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    limits: Limits = LIMITS,
    seconds: float | None = None,
) -> Product:
    """The Hessian times a direction, without the Hessian; or the same of higher order.

    The derivative along v is written down as a graph, as often as the order asks, and what comes out is differentiated
    by one reverse sweep.

    Args:
        program: over the shapes of the point.
        direction: v by input name, each in its input's shape.
        order: 2 for ∇²f·v, 3 for ∇³f·v·v.
        seconds: the budget of a check; None for no check.

    Raises:
        OptionError: the direction names no input, or has another shape; or there is no such order.
        ShapeError: the output is no scalar.
    """
    if not 2 <= order <= MOST_ORDERS:
        raise OptionError(f"--order is a whole number from 2 to {MOST_ORDERS}, not {order}")
    graph = program.graph
    _hold_direction(program, direction)
    hold_scalar(program, program.output if output is None else program.node(output))
    result = evaluate(program, point, output=output, wrt=wrt, limits=limits)
    node, steps = result.output, []
    extended = dict(result.at)
    for _ in range(order - 1):
        pushed = pushforward(graph, [node], list(direction))
        graph, node = pushed.graph, pushed.tangents[0]
        extended |= {pushed.direction[name]: v for name, v in direction.items()}
        steps.append(node)
    names = chosen(program.inputs, wrt)
    derived = type(program)(program.source, graph, node, {}, limits=limits)
    last = evaluate(derived, extended, wrt=[*names, *(name for name in direction if name not in names)], limits=limits)
    along = [as_value(last.values[i]) for i in steps]
    along.append(float(sum([_inner(last.gradient[name], v) for name, v in direction.items()])))
    check = None
    if seconds is not None:
        from .checks import judge

        check = judge(evaluate(derived, extended, wrt=names, limits=limits), seconds)
    identifiers = ids(program.graph)
    notes = result.notes + of_derivative(last.notes)
    return Product(
        program.source, result.at, identifiers[result.output], labels(program.graph, result.output)[result.output],
        result.value, dict(direction), order, along, {name: last.gradient[name] for name in names}, check,
        notes, ["" if note.node is None else identifiers[note.node] for note in notes],
    )  # fmt: skip


def pushed_forward(
    program: Program,
    point: Mapping[str, Value],
    direction: Mapping[str, Value],
    *,
    output: str | None = None,
    limits: Limits = LIMITS,
    seconds: float | None = None,
) -> Product:
    """The Jacobian times a direction, without the Jacobian, by one tangent sweep; the output may be a tensor.

    The arguments are those of `directional`.
    """
    _hold_direction(program, direction)
    graph = program.graph
    node = program.output if output is None else program.node(output)
    result = evaluate(program, point, output=output, upstream=ones(graph.shape(node)), limits=limits)
    with result.system.quiet():
        found = tangent(result.system, graph, result.values, {graph.inputs[name]: v for name, v in direction.items()})[
            node
        ]
    slope = zeros(graph.shape(node)) if found is None else as_value(found)
    check = None
    if seconds is not None:
        import numpy as np

        from .checks.rows import judge_rows

        line, place, t, velocity = on_line(graph, list(direction))
        derived = type(program)(program.source, line, place[node], {}, limits=limits)
        extended = {**result.at, t: 0.0} | {velocity[name]: v for name, v in direction.items()}
        name = labels(graph, node)[node]
        check = judge_rows(derived, {name: place[node]}, [t], extended, np.reshape(slope, (-1, 1)), seconds)
    identifiers = ids(graph)
    return Product(
        program.source, result.at, identifiers[node], labels(graph, node)[node], result.value, dict(direction), 1,
        [slope], {}, check, result.notes,
        ["" if note.node is None else identifiers[note.node] for note in result.notes],
    )  # fmt: skip


def _hold_direction(program: Program, direction: Mapping[str, Value]) -> None:
    """Raise OptionError where a direction names no input, or has not its shape."""
    graph = program.graph
    chosen(program.inputs, list(direction))
    for name, v in direction.items():
        shape = graph.shape(graph.inputs[name])
        if shape_of(v) != shape:
            raise OptionError(
                f"the direction of `{name}` has the shape {written(shape_of(v))}, and `{name}` {written(shape)}"
            )


def _inner(x: Value, y: Value) -> float:
    """The sum of the products of their entries; where one is 0, so is the product."""
    import numpy as np

    with np.errstate(all="ignore"):
        return float(np.sum(np.where(np.equal(x, 0) | np.equal(y, 0), 0.0, np.multiply(x, y))))
