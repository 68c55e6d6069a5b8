"""How many digits of a gradient survive rounding: the sweeps again, with every result one ulp up or down by chance."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite, log10, nextafter
from random import Random
from typing import TYPE_CHECKING, Any

from ..kernels.floats import Floats
from ..operations import OPERATIONS
from ..sweeps import forward, reverse

if TYPE_CHECKING:
    from ..api import Result

SWEEPS = 16
EXACT = frozenset(("neg", "abs"))


class Shaken(Floats):
    """Floats whose every rounded result is one ulp off, up or down by chance; choices and negations are exact."""

    def __init__(self, random: Random, ties: str) -> None:
        super().__init__(ties)
        self.coin = random.getrandbits
        for name, kernel in self.kernels.items():
            if not OPERATIONS[name].structural and name not in EXACT:
                self.kernels[name] = self._shaken(kernel)

    def _shaken(self, kernel: Callable[..., float]) -> Callable[..., float]:
        return lambda *operands: self.shake(kernel(*operands))

    def shake(self, x: float) -> float:
        return nextafter(x, inf if self.coin(1) else -inf) if x else x

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        return self.shake(super().downstream(local, upstream, z, x, structural))


def shaken_gradients(result: Result, sweeps: int = SWEEPS) -> list[dict[str, float]]:
    """The gradient in so many shaken sweeps, seeded, so the same every time."""
    graph = result.program.graph
    found = []
    for k in range(sweeps):
        F = Shaken(Random(k), result.ties)
        values = forward(F, graph, result.at)
        upstream = reverse(F, graph, values, result.output, result.seed, result.active)
        found.append({name: upstream[graph.inputs[name]] or 0.0 for name in result.wrt})
    return found


def digits_trusted(result: Result) -> dict[str, float]:
    """For every component of the gradient, how many of its decimal digits rounding leaves alone, from 0 to 16."""
    shaken = shaken_gradients(result)
    digits = {}
    for name in result.wrt:
        found = [sweep[name] for sweep in shaken]
        spread, size = max(found) - min(found), max(map(abs, found))
        if not isfinite(spread):
            digits[name] = 0.0
        else:
            digits[name] = max(0.0, min(16.0, -log10(spread / size))) if spread else 16.0
    return digits
