"""Quantiles of numbers that come in pieces, in memory that does not grow with them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["CAPACITY", "Quantiles"]

Vector: TypeAlias = NDArray[np.float64]

CAPACITY = 1 << 16


class Quantiles:
    """Quantiles: exact of up to 65,536 numbers, or until `compress`; after that with a bounded error of the rank.

    Level h holds numbers that stand for 2^h ones each. Where there are more than 65,536 on a level, they are sorted,
    and every other goes to the next level, which changes the rank of no number by more than 2^h. So with n numbers in
    all ranks are wrong by at most (1 + log2(n / 65536)) / 65536 of n: 0.023 % of a billion.

    Attributes:
        count: How many numbers there were.
        error: By how many places a rank can be wrong.

    Source:
        Manku, Rajagopalan and Lindsay, Approximate medians and other quantiles in one pass and with limited memory,
        SIGMOD 1998.
    """

    def __init__(self) -> None:
        self.count, self.error = 0, 0
        self._levels: list[list[Vector]] = [[]]
        self._ends = np.inf, -np.inf
        self._odd = False

    def __copy__(self) -> "Quantiles":
        other = Quantiles()
        vars(other).update(vars(self) | {"_levels": [list(parts) for parts in self._levels]})
        return other

    def add(self, numbers: Vector) -> None:
        """Take more numbers, finite ones."""
        if len(numbers):
            self.count += len(numbers)
            self._levels[0].append(numbers)
            low, high = self._ends
            self._ends = min(low, float(numbers.min())), max(high, float(numbers.max()))

    def compress(self) -> None:
        """Keep no more than 65,536 numbers a level."""
        for level, parts in enumerate(self._levels):
            if sum(map(len, parts)) <= CAPACITY:
                continue
            if level + 1 == len(self._levels):
                self._levels.append([])
            numbers = np.sort(np.concatenate(parts))
            even = len(numbers) // 2 * 2
            self._levels[level + 1].append(numbers[:even][int(self._odd) :: 2].copy())
            self._levels[level] = [numbers[even:].copy()]
            self._odd = not self._odd
            self.error += 1 << level

    def at(self, shares: Vector) -> Vector:
        """Return the quantiles of these shares, 0 to 1, linear between ranks; of none NaN."""
        if not self.count:
            return np.full(len(shares), np.nan)
        numbers = np.concatenate([part for parts in self._levels for part in parts])
        weights = np.repeat(
            [float(1 << level) for level in range(len(self._levels))],
            [sum(map(len, parts)) for parts in self._levels],
        )
        order = np.argsort(numbers, kind="stable") if len(self._levels) > 1 else None
        numbers = np.sort(numbers) if order is None else numbers[order]
        weights = weights if order is None else weights[order]
        # A number that stands for w has the ranks of all of them; it is put in their middle.
        ranks = np.cumsum(weights) - (weights + 1.0) / 2.0
        low, high = self._ends
        result: Vector = np.interp(shares * (self.count - 1), ranks, numbers)
        result[shares <= 0.0], result[shares >= 1.0] = low, high
        return result
