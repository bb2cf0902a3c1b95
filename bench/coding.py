"""Sparse codes of the 1,797 digits of 8x8 pixels, less their mean, for 64 atoms that were learned of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Kind

ATOMS, SWEEPS = 64, 20  # of learning


@dataclass(frozen=True)
class Samples:
    x: NDArray[Any]
    dictionary: NDArray[Any]
    least: float  # cost that there is


@dataclass(frozen=True)
class Coding(Kind):
    """The cost is sum (x - c D)^2 + ``penalty`` sum |c|."""

    penalty: float
    group = "coding"

    @property
    def name(self) -> str:
        return f"sparse codes of digits, penalty {self.penalty:g}"

    def data(self, dtype: str) -> Samples:
        from fastopt.datasets import load_digits
        from fastopt.solvers import sparse_coding, sparse_encode

        x, _ = load_digits()
        x = (x - x.mean(axis=0)).astype(dtype)
        dictionary = sparse_coding(x, ATOMS, self.penalty, max_iter=SWEEPS).dictionary
        exact = Samples(x.astype(np.float64), dictionary.astype(np.float64), 0)
        codes = sparse_encode(exact.x, exact.dictionary, self.penalty, tol=1e-9, max_iter=100_000)
        return Samples(x, dictionary, self.cost(exact, codes))

    def cost(self, data: Samples, codes: NDArray[Any]) -> float:
        rest = data.x.astype(np.float64) - codes.astype(np.float64) @ data.dictionary.astype(np.float64)
        return float((rest**2).sum() + self.penalty * np.abs(codes, dtype=np.float64).sum())

    def check(self, data: Samples, result: NDArray[Any]) -> float:
        """How far the cost is above the least, as a part of it."""
        return self.cost(data, result) / data.least - 1

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Whatever the reference got."""
        return value <= 1e-6
