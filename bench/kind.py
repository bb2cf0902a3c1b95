"""What every kind of row tells the rest of the suite, and what a peer hands back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


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


class Kind(Protocol):
    """A row. All peers do the same ``count`` units of work in a turn; a unit is ``operations`` steps or calls."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str:
        """The name of the module of a peer that prepares this kind of work."""

    @property
    def count(self) -> int: ...

    @property
    def operations(self) -> int: ...

    @property
    def point(self) -> Point | None:
        """If the row is one of a curve."""

    def data(self, dtype: str) -> Any:
        """The inputs, the same in every process."""

    def check(self, data: Any, result: Any) -> float:
        """One number that says how good a result is."""

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Whether the number of a peer is as good as that of the reference peer."""


def stopwatch(action: Callable[[int], object]) -> Callable[[int], float]:
    """``action``, returning the seconds that it took."""

    def run(count: int) -> float:
        start = time.perf_counter()
        action(count)
        return time.perf_counter() - start

    return run
