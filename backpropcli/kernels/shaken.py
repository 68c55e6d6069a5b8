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
        anyhow: whatever the algorithm, as others have other ones than ours: one by elimination may be off by what the
            largest entry of its matrix rounds by (its backward error is bounded by norms), every entry by itself.
    """

    def __init__(self, seed: int, ties: str, rounds: Callable[[str], bool], anyhow: bool = False) -> None:
        super().__init__(ties)
        self.anyhow = anyhow
        self.coins = np.random.default_rng(seed)
        for name, kernel in list(self.kernels.items()):
            if rounds(name):
                self.kernels[name] = self._shaken(kernel, OPERATIONS[name])
        self.__dict__.update(self.kernels)

    def _shaken(self, kernel: Kernel, row: Operation) -> Kernel:
        """The kernel, shaken; where it adds up terms their rounding is that of its operands, but for classes."""

        def inside(*xs: Any, **attributes: Any) -> Any:
            shapes = [np.shape(x) for x in xs]
            place = -1 if row.place is None else row.place(*shapes)
            if self.anyhow and callable(row.cost) and row.cost((), *shapes, **attributes).estimated:
                found, other = (kernel(*map(self.shake_by_largest, xs), **attributes) for _ in range(2))
                if not np.ndim(found):  # the terms of a determinant are as large as Hadamard's bound
                    return found + np.spacing(np.prod(np.linalg.norm(xs[0], axis=1))) * self.coins.choice((-1.0, 1.0))
                return np.where(self.coins.integers(0, 2, np.shape(found)), found, other)
            return self.shake(kernel(*(x if k == place else self.shake(x) for k, x in enumerate(xs)), **attributes))

        return inside if row.tensor else lambda *xs, **attributes: self.shake(kernel(*xs, **attributes))

    def shake(self, x: Any) -> Any:
        towards = np.where(self.coins.integers(0, 2, np.shape(x)), np.inf, -np.inf)
        return np.where(np.equal(x, 0), 0.0, np.nextafter(x, towards))

    def shake_by_largest(self, x: Any) -> Any:
        ulp = np.spacing(np.max(np.abs(x), initial=0.0))
        return x + ulp * (2.0 * self.coins.integers(0, 2, np.shape(x)) - 1.0)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Any:
        return self.shake(super().product(local, moved, z, x, structural))
