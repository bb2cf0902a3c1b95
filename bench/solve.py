"""What a solver takes itself: iterations of `minimize`, less the time in the function, which is NumPy's for all."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .kind import Job, Kind

LOW, HIGH = 1.0, 1e3  # of the curvatures
QUARTIC = 0.1
FAR = 1e-4  # as far as all come in these iterations, and more

Floats = NDArray[np.float64]


class Valley:
    """f(x) = (sum_i c_i u_i^2 + QUARTIC u_i^4) / 2, u = x - 1, and its gradient; ``seconds``: the time in it."""

    def __init__(self, size: int) -> None:
        self.curvatures = np.geomspace(LOW, HIGH, size)
        self.start = np.random.default_rng(0).standard_normal(size)
        self.seconds = 0.0

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        begin = time.perf_counter()
        u = x - 1
        cube = QUARTIC * u**3
        slope = self.curvatures * u
        value = float(u @ (slope + cube)) / 2
        gradient = slope + 2 * cube
        self.seconds += time.perf_counter() - begin
        return value, gradient


@dataclass(frozen=True)
class Solve(Kind):
    """In float64 whatever the dtype. L-BFGS keeps ten pairs."""

    solver: Literal["L-BFGS-B", "BFGS"]
    size: int
    iterations: int = 100
    group = "solve"
    count = 5

    @property
    def operations(self) -> int:
        return self.iterations

    @property
    def name(self) -> str:
        return f"{self.solver} of {self.size} variables"

    @property
    def options(self) -> dict[str, Any]:
        """Of `minimize`: all iterations are done."""
        own = {"maxcor": 10, "ftol": 0.0, "maxfun": 10**9} if self.solver == "L-BFGS-B" else {}
        return {"maxiter": self.iterations, "gtol": 0.0, **own}

    def data(self, dtype: str) -> Valley:
        return Valley(self.size)

    def check(self, data: Valley, result: Any) -> float:
        """How far the function has come, as a part of where it began."""
        return float(result.fun) / data(data.start)[0]

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        return value <= FAR


def job(valley: Valley, minimize: Callable[[], Any]) -> Job:
    result = minimize()

    def run(count: int) -> float:
        valley.seconds, begin = 0.0, time.perf_counter()
        for _ in range(count):
            minimize()
        return time.perf_counter() - begin - valley.seconds

    return Job(run, lambda: result)
