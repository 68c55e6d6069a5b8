"""How many digits of a gradient survive rounding: the sweeps again, with every result one ulp up or down by chance."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite, log10, nextafter
from random import Random
from typing import TYPE_CHECKING, Any

from ..graph import Graph
from ..kernels.floats import Floats
from ..kernels.system import NumberSystem
from ..operations import OPERATIONS
from ..operations.counts import COMPARE, FREE
from ..sweeps import forward, reverse
from ..values import Value, is_tensor, zeros

if TYPE_CHECKING:
    from ..api import Result

SWEEPS = 16


def rounds(name: str) -> bool:
    """Whether an operation's result is rounded; choices, changes of sign and moves are exact."""
    row = OPERATIONS[name]
    return not (row.structural or row.cost in (FREE, COMPARE))


class Shaken(Floats):
    """Floats whose every rounded result is one ulp off, up or down by chance; choices and negations are exact."""

    def __init__(self, random: Random, ties: str) -> None:
        super().__init__(ties)
        self.coin = random.getrandbits
        for name, kernel in self.kernels.items():
            if rounds(name):
                self.kernels[name] = self._shaken(kernel)

    def _shaken(self, kernel: Callable[..., float]) -> Callable[..., float]:
        return lambda *operands: self.shake(kernel(*operands))

    def shake(self, x: float) -> float:
        return nextafter(x, inf if self.coin(1) else -inf) if x else x

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        return self.shake(super().downstream(local, upstream, z, x, structural))


def shaken_system(graph: Graph, seed: int, ties: str, anyhow: bool = False) -> NumberSystem:
    """A shaken system for the graph's numbers; `anyhow`, whatever algorithm others use for what we do."""
    if not graph.tensors:
        return Shaken(Random(seed), ties)
    from ..kernels.shaken import ShakenArrays

    return ShakenArrays(seed, ties, rounds, anyhow)


def shaken_gradients(result: Result, sweeps: int = SWEEPS) -> list[dict[str, Value]]:
    """The gradient in so many shaken sweeps, seeded, so the same every time."""
    graph = result.program.graph
    found = []
    for k in range(sweeps):
        F = shaken_system(graph, k, result.ties)
        with F.quiet():
            values = forward(F, graph, result.at)
            upstream = reverse(F, graph, values, result.output, result.seed, result.active)
        gradient = {name: upstream[graph.inputs[name]] for name in result.wrt}
        found.append({n: zeros(graph.shape(graph.inputs[n])) if g is None else g for n, g in gradient.items()})
    return found


def digits_trusted(result: Result) -> dict[str, float]:
    """For every input, how many digits of its gradient rounding leaves alone, from 0 to 16: of the worst entry."""
    shaken = shaken_gradients(result)
    digits = {}
    for name in result.wrt:
        found = [sweep[name] for sweep in shaken]
        if is_tensor(found[0]):
            digits[name] = _worst(found)
            continue
        spread, size = max(found) - min(found), max(map(abs, found))
        if not isfinite(spread):
            digits[name] = 0.0
        else:
            digits[name] = max(0.0, min(16.0, -log10(spread / size))) if spread else 16.0
    return digits


def _worst(found: list[Value]) -> float:
    """The digits of the entry of which the fewest survive."""
    import numpy as np

    with np.errstate(all="ignore"):
        spread, size = np.ptp(found, axis=0), np.max(np.abs(found), axis=0)
        digits = np.where(spread == 0, 16.0, np.clip(-np.log10(spread / size), 0.0, 16.0))
    return float(np.min(np.nan_to_num(digits, nan=0.0), initial=16.0))
