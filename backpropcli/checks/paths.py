"""Ways through the inputs along which a gradient is judged: an entry alone, or all of them in a random direction."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from ..shapes import place_text, size, unravel
from ..values import Value, entries, is_tensor

if TYPE_CHECKING:
    from ..api import Result

DIRECTIONS = 3


class Path(NamedTuple):
    """A way through the inputs.

    Attributes:
        name: the input or one entry of it, or ``direction 1`` and so on.
        velocity: how fast each input moves, by node, in its shape; an entry alone as fast as it is large.
        scale: by what the derivative along the path is divided: an entry's velocity, 1 for a direction.
    """

    name: str
    velocity: dict[int, Value]
    scale: float


def path_of(result: Result, name: str, place: tuple[int, ...] = ()) -> Path:
    """The path of one entry of an input."""
    i = result.program.graph.inputs[name]
    x = result.values[i]
    speed = abs(float(x[place] if place else x)) or 1.0
    if not place:
        return Path(name, {i: speed}, speed)
    import numpy as np

    velocity = np.zeros(x.shape)
    velocity[place] = speed
    return Path(place_text(name, place), {i: velocity}, speed)


def paths_of(result: Result, name: str) -> Iterator[Path]:
    """The paths of an input: one per entry."""
    shape = result.program.graph.shape(result.program.graph.inputs[name])
    return (path_of(result, name, unravel(k, shape)) for k in range(size(shape)))


def random_paths(result: Result) -> list[Path]:
    """Seeded random directions along all inputs at once."""
    graph, random = result.program.graph, Random(0)
    inputs = [graph.inputs[name] for name in result.wrt]
    if graph.tensors:  # what is only a place or class is data
        inputs = [i for i in inputs if graph.dependents([i], held=False)[result.output]]
    return [
        Path(f"direction {k}", {i: random_velocity(result.values[i], random) for i in inputs}, 1.0)
        for k in range(1, DIRECTIONS + 1)
    ]


def pairs(gradient: Any, velocity: Value) -> Iterator[tuple[Any, float]]:
    """The entries of a gradient beside those of a velocity, where that is not 0."""
    if not is_tensor(velocity):
        yield gradient.item() if hasattr(gradient, "item") else gradient, velocity
        return
    import numpy as np

    flat = np.broadcast_to(gradient, velocity.shape).ravel()
    speeds = velocity.ravel()
    for at in np.flatnonzero(speeds):
        yield flat[at], float(speeds[at])


def random_velocity(value: Value, random: Random, scale: float | None = None) -> Value:
    """A random number for every entry, as large as it by default."""

    def one(x: float) -> float:
        return random.choice((-1, 1)) * random.uniform(0.5, 1.5) * (scale or abs(x) or 1.0)

    if not is_tensor(value):
        return one(float(value))
    import numpy as np

    if value.size > 10_000:
        rng = np.random.default_rng(random.getrandbits(32))
        signs = rng.choice((-1.0, 1.0), value.shape) * rng.uniform(0.5, 1.5, value.shape)
        return signs * (scale or np.where(value == 0, 1.0, np.abs(value)))
    return np.reshape([one(x) for x in entries(value)], value.shape)
