"""The gradient of the cost of all samples, and the product of its Hessian with a vector."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .training import Training, TrainingData, Weights

AGREES = 1e-3
Way = Literal["gradient", "Hessian product"]


@dataclass(frozen=True)
class CurvatureData(TrainingData):
    direction: Weights


@dataclass(frozen=True)
class Curvature(Training):
    way: Way = "gradient"
    group = "curvature"
    operations = 1

    @property
    def name(self) -> str:
        return f"{self.way} of {self.network} / {self.samples}"

    @property
    def flops(self) -> int:
        """The product takes values and derivatives forward, and both back, but not the gradient itself."""
        if self.way == "gradient":
            return super().flops
        products = [inputs * outputs for inputs, outputs in pairwise(self.sizes)]
        return 2 * self.samples * (8 * sum(products) - 5 * products[0])

    def data(self, dtype: str) -> CurvatureData:
        own = super().data(dtype)
        return CurvatureData(own.x, own.y, own.weights, self.weights(dtype, np.random.default_rng(1)))

    def check(self, data: TrainingData, result: Any) -> float:
        """The length of the vector, whatever the order of its elements."""
        parts: list[NDArray[Any]] = [np.ravel(part).astype(np.float64) for part in result]
        return float(np.linalg.norm(np.concatenate(parts)))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        return abs(value - reference) <= AGREES * reference


def curvature(sizes: tuple[int, ...], samples: int, calls: int, way: Way) -> Curvature:
    return Curvature(sizes, samples, samples, calls, way=way)
