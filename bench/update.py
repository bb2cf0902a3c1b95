"""Steps of an optimizer on arrays whose gradients are there: a stream of memory if they are large, overhead if many."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Job, Kind, Point, in_turn, stopwatch
from .training import LEARNING_RATE

# The arrays that each optimizer keeps for one of parameters.
SLOTS = {
    "sgd": 0,
    "momentum": 1,
    "nesterov": 1,
    "adagrad": 1,
    "adadelta": 2,
    "rmsprop": 1,
    "adam": 2,
    "amsgrad": 3,
    "adamw": 2,
    "adamax": 2,
    "nadam": 2,
    "radam": 2,
    "lion": 1,
    "lamb": 2,
    "delta_bar_delta": 2,
    "adabelief": 2,
    "yogi": 2,
    "ademamix": 3,
    "adan": 4,
    "rprop": 2,
    "asgd": 1,
    "schedule_free_sgd": 1,
    "schedule_free_adamw": 2,
    "schedule_free_radam": 2,
}
# All but Adam's own, which are those of training. With the fast beta_2 six steps are enough for RAdam to be rectified
# and for the mean square of AMSGrad to want to fall.
MOMENTUM, RHO, START, LION_BETA_2, FAST_BETA_2 = 0.9, 0.9, 0.1, 0.99, 0.9
DECAY = 168 * 2**-24 / LEARNING_RATE  # 0.01, but such that 1 - LEARNING_RATE DECAY is a float32
ADADELTA_RATE, ADADELTA_EPSILON, LAMB_EPSILON = 1.0, 1e-6, 1e-6
KAPPA, PHI, THETA = 1e-3, 0.1, 0.7
BELIEF_EPSILON, YOGI_EPSILON, MIX, SLOW_BETA, ADAN_BETAS = 1e-8, 1e-3, 5.0, 0.9999, (0.98, 0.5, 0.99)
# Of the gradients in the steps that are checked: only where they differ do the means of them matter.
FACTORS = (1.0, -0.5, 2.0, 0.3, -1.5, 0.7)
TURN_ELEMENTS, MOST_STEPS = 200_000_000, 10_000
SPLIT = 1_024_000  # elements of the curve over the number of tensors

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class UpdateData:
    params: Arrays
    grads: Arrays


@dataclass(frozen=True)
class Update(Kind):
    optimizer: str
    tensors: int
    size: int
    group = "update"

    @property
    def name(self) -> str:
        return f"{self.optimizer} {self.tensors}x{self.size}"

    @property
    def elements(self) -> int:
        return self.tensors * self.size

    @property
    def count(self) -> int:
        return in_turn(self.elements, TURN_ELEMENTS, MOST_STEPS)

    @property
    def point(self) -> Point | None:
        if self.elements == SPLIT:
            return Point(f"{self.optimizer} of {SPLIT} elements", "tensors", self.tensors)
        return Point(f"{self.optimizer} of one tensor", "elements", self.size) if self.tensors == 1 else None

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

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Equal but for rounding: optax has 1 - b2^t in float32, worth 5e-6; a b2 of 0.998 would be worth 7e-5."""
        return abs(value - reference) <= 2e-5 * abs(reference)


def job(
    data: UpdateData,
    take: Callable[[Arrays], object],
    steps: Callable[[int], object],
    params: Callable[[], Arrays],
) -> Job:
    """``take`` gradients for ``steps`` that change ``params``. The steps that are checked also make the slots.

    The result is how far they went down the gradients and towards zero, in units of the parameters.
    """
    for factor in FACTORS:
        take([np.multiply(g, factor, dtype=g.dtype) for g in data.grads])
        steps(1)
    reached = zip(data.params, params(), data.grads, strict=True)
    down = sum(np.sum((start - end) * (g + start), dtype=np.float64) for start, end, g in reached)
    result = float(down / sum(np.sum(np.abs(g), dtype=np.float64) for g in data.grads))
    take(data.grads)
    return Job(stopwatch(steps), lambda: result)
