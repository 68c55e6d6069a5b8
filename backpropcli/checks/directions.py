"""Seeded random directions."""

from __future__ import annotations

from random import Random

from ..values import Value, entries, is_tensor


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
