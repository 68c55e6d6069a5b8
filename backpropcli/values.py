"""Values of inputs and nodes: floats where all are scalars, NumPy arrays of float64 where anything has a shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from .errors import PointError
from .graph import Graph
from .kernels.floats import Floats
from .kernels.system import NumberSystem
from .limits import Limits

if TYPE_CHECKING:
    from .kernels.arrays import Arrays
    from .shapes import Shape

Value = Any
"""A float, or an array of float64."""


def as_value(value: Any, name: str = "") -> Value:
    """A number, nested lists of numbers, or anything that NumPy takes for an array of real numbers.

    Raises:
        PointError: it is none of these.
    """
    if isinstance(value, float | int):
        try:
            return float(value)
        except OverflowError:
            raise PointError(f"the value of `{name}` is larger than any float64") from None
    import numpy as np

    try:
        array = np.asarray(value)
    except ValueError as error:
        if "maximum" in str(error):
            raise PointError(f"`{name}` has too many axes; 64 are the most") from None
        raise PointError(f"the rows of `{name}` are not equally long", hint="a tensor's rows have one length") from None
    if array.dtype.kind not in "biuf" and array.size:
        raise PointError(f"the value of `{name}` is no tensor of real numbers, but of {array.dtype}")
    array = array.astype(np.float64, copy=False)
    return array if array.ndim else float(array)


def shape_of(value: Value) -> Shape:
    """The shape of a value."""
    return () if isinstance(value, float) else tuple(value.shape)


def shapes_of(point: Mapping[str, Value]) -> dict[str, Shape]:
    """The shape of every value of a point."""
    return {name: shape_of(value) for name, value in point.items()}


def is_tensor(value: Value) -> bool:
    """Whether a value has entries: it is neither a float nor one of NumPy's scalars."""
    return bool(getattr(value, "shape", ()))


def finite(value: Value) -> bool:
    """Whether every entry is finite."""
    if is_tensor(value):
        import numpy as np

        return bool(np.isfinite(value).all())
    return isfinite(value)


def entries(value: Value) -> list[float]:
    """The entries in order, along the last axis first."""
    return value.ravel().tolist() if is_tensor(value) else [float(value)]


def nested(value: Value) -> Any:
    """A float, or nested lists of floats."""
    return value.tolist() if is_tensor(value) else float(value)


def zeros(shape: Shape) -> Value:
    """A gradient that nothing reached."""
    if not shape:
        return 0.0
    import numpy as np

    return np.zeros(shape)


def ones(shape: Shape) -> Value:
    """An upstream gradient that weighs every entry alike."""
    if not shape:
        return 1.0
    import numpy as np

    return np.ones(shape)


def system_for(graph: Graph, ties: str = "split") -> NumberSystem:
    """Floats, or arrays where any value of the graph has a shape; only these import NumPy."""
    return arrays(ties) if graph.tensors else Floats(ties)


@cache
def arrays(ties: str = "split") -> Arrays:
    """Made once: a hundred kernels, and one for every set of attributes that was asked for."""
    from .kernels.arrays import Arrays

    return Arrays(ties)


def hold_sizes(graph: Graph, limits: Limits, tangents: Iterable[str] = ()) -> None:
    """Raise LimitError where the values, as their shapes tell, would be too large; nothing is allocated yet.

    Args:
        graph: the graph, all shapes known.
        limits: the limits in force.
        tangents: inputs for each entry of which every node has a tangent.
    """
    if not graph.tensors:
        return
    from .shapes import size, written
    from .text import expression_of

    for i, shape in enumerate(graph.shapes):
        figure = 8 * size(tuple(max(n, 1) for n in shape or ()))  # an axis is walked along even where another is empty
        if figure > limits["tensor"]:
            limits.hold("tensor", figure, f"{expression_of(graph, i)} has the shape {written(shape or ())}: ")
    limits.hold("memory", 2 * graph.bytes, "values and gradients: ")
    count = sum([size(graph.shape(graph.inputs[name])) for name in tangents])
    limits.hold("memory", count * graph.bytes, "the tangents of forward mode: ")
