"""Arrays whose every rounded entry is one ulp off, up or down by chance: how much rounding can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..operations import OPERATIONS, Operation
from .arrays import Arrays
from .system import Kernel


class ShakenArrays(Arrays):
    """Arrays, shaken.

    Args:
        seed: of the coins.
        ties: as for every system.
        rounds: whether an operation rounds, by its name.
    """

    def __init__(self, seed: int, ties: str, rounds: Callable[[str], bool]) -> None:
        super().__init__(ties)
        self.coins = np.random.default_rng(seed)
        for name, kernel in list(self.kernels.items()):
            if rounds(name):
                self.kernels[name] = self._shaken(kernel, OPERATIONS[name])
        self.__dict__.update(self.kernels)

    def _shaken(self, kernel: Kernel, row: Operation) -> Kernel:
        """The kernel, shaken; where it adds up terms their rounding is that of its operands, but for classes."""

        def inside(*xs: Any, **attributes: Any) -> Any:
            place = -1 if row.place is None else row.place(*map(np.shape, xs))
            return self.shake(kernel(*(x if k == place else self.shake(x) for k, x in enumerate(xs)), **attributes))

        return inside if row.tensor else lambda *xs, **attributes: self.shake(kernel(*xs, **attributes))

    def shake(self, x: Any) -> Any:
        towards = np.where(self.coins.integers(0, 2, np.shape(x)), np.inf, -np.inf)
        return np.where(np.equal(x, 0), 0.0, np.nextafter(x, towards))

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        return self.shake(super().product(local, moved, z, x, structural))
