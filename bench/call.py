"""Calls for a few rows, from NumPy to NumPy, in which what comes around the arithmetic counts: `predict`, and one step.

The arithmetic itself is timed as many times inside one call of the core.
"""

from dataclasses import dataclass
from typing import Literal

from .training import Training

INSIDE = 1_000  # times the arithmetic is done inside one call


@dataclass(frozen=True)
class Call(Training):
    """Steps on one batch: by a call for all of it that returns the loss, or in a loop with a gradient of one's own."""

    way: Literal["train_on_batch", "own loop"] = "train_on_batch"
    group = "call"

    @property
    def name(self) -> str:
        return f"{self.way} {self.batch} of {self.network}"
