"""Steps of an optimizer on arrays whose gradients are there: a stream of memory if they are large, overhead if many."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Job, stopwatch

# The arrays that each optimizer keeps for one of parameters.
SLOTS = {"adam": 2}
# Of the gradients in the steps that are checked: only where they differ do the means of them matter.
FACTORS = (1.0, -0.5, 2.0)
TURN_ELEMENTS, MOST_STEPS = 200_000_000, 10_000

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class UpdateData:
    params: Arrays
    grads: Arrays


@dataclass(frozen=True)
class Update:
    optimizer: str
    tensors: int
    size: int
    group = "update"
    point = None
    operations = 1

    @property
    def name(self) -> str:
        return f"{self.optimizer} {self.tensors}x{self.size}"

    @property
    def elements(self) -> int:
        return self.tensors * self.size

    @property
    def count(self) -> int:
        return min(MOST_STEPS, max(1, TURN_ELEMENTS // self.elements))

    @property
    def streams(self) -> tuple[int, int]:
        """The arrays read and written: all but the gradients are both."""
        return 2 + SLOTS[self.optimizer], 1 + SLOTS[self.optimizer]

    def data(self, dtype: str) -> UpdateData:
        rng = np.random.default_rng(0)
        params, grads = (
            [rng.standard_normal(self.size, np.dtype(dtype)) for _ in range(self.tensors)] for _ in range(2)
        )
        return UpdateData(params, grads)

    def check(self, data: UpdateData, result: float) -> float:
        """How far the steps that are checked went down the gradients, in units of the parameters."""
        return result

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Equal but for rounding: optax has 1 - b2^t in float32, worth 5e-6; a b2 of 0.998 would be worth 7e-5."""
        return abs(value - reference) <= 2e-5 * abs(reference)


def job(
    data: UpdateData,
    take: Callable[[Arrays], object],
    steps: Callable[[int], object],
    params: Callable[[], Arrays],
) -> Job:
    """``take`` gradients for ``steps`` that change ``params``. The steps that are checked also make the slots."""
    for factor in FACTORS:
        take([np.multiply(g, factor, dtype=g.dtype) for g in data.grads])
        steps(1)
    reached = zip(data.params, params(), data.grads, strict=True)
    down = sum(np.sum((start - end) * g, dtype=np.float64) for start, end, g in reached)
    result = float(down / sum(np.sum(np.abs(g), dtype=np.float64) for g in data.grads))
    take(data.grads)
    return Job(stopwatch(steps), lambda: result)
