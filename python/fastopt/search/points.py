"""Points of a space, as positions from 0 to 1 on each scale, and the values that they stand for."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt.search.scales import Scale

__all__ = ["Point", "drawn", "values_at"]

Point = dict[str, float]
Space = Mapping[str, Scale]


def drawn(space: Space, seed: int, trial: int) -> Point:
    """Return the point of a trial.

    Each position depends on the seed, the trial and the name of the hyperparameter alone: not on what was drawn before,
    nor on the other hyperparameters.
    """
    return {name: _uniform(seed, trial, name) for name in space}


def values_at(space: Space, point: Point) -> dict[str, Any]:
    """Return the hyperparameters at a point."""
    return {name: scale.value(point[name]) for name, scale in space.items()}


def _uniform(seed: int, trial: int, name: str) -> float:
    stream = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    counter = np.array([0, 0, stream, trial], np.uint64)
    return float(np.random.Generator(np.random.Philox(key=seed, counter=counter)).random())
