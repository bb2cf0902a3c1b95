"""What every kind of row tells the rest of the suite, and what a peer hands back."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Job:
    """Work that a peer has prepared: ``run(count)`` does it and returns the seconds; ``result()`` is what came out."""

    run: Callable[[int], float]
    result: Callable[[], Any]


@dataclass(frozen=True)
class Point:
    """Where a row stands on a curve: of all rows with that curve, at this value along the axis (with its unit)."""

    curve: str
    axis: str
    value: float


class Kind:
    """A row. All peers do the same ``count`` units of work in a turn; a unit is ``operations`` steps or calls.

    ``group`` is the name of the module of a peer that prepares this kind of work, ``point`` a place on a curve.
    """

    name: str
    group: str
    count = 1
    operations = 1
    point: Point | None = None

    def data(self, dtype: str) -> Any:
        """The inputs, the same in every process."""

    def check(self, data: Any, result: Any) -> float:
        """One number that says how good a result is."""
        return float(result)

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Whether the number of a peer is as good as that of the reference peer."""
        return value == reference


def in_turn(work: int, turn: int, most: int) -> int:
    """How many units of so much work make a turn of so much, up to ``most``."""
    return min(most, max(1, turn // work))


def rounding(terms: int, dtype: str) -> float:
    """Of a sum of so many terms, in units of their size."""
    return math.sqrt(terms) * float(np.finfo(dtype).eps)


def stopwatch(action: Callable[[int], object]) -> Callable[[int], float]:
    """``action``, returning the seconds that it took."""

    def run(count: int) -> float:
        start = time.perf_counter()
        action(count)
        return time.perf_counter() - start

    return run


def repeated(call: Callable[[], object]) -> Callable[[int], float]:
    """Seconds of so many calls."""

    def repeat(count: int) -> None:
        for _ in range(count):
            call()

    return stopwatch(repeat)
