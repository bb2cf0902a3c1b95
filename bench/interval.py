"""Ratios of times, how sure they are, and what sums many of them up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES, CONFIDENCE = 2000, 0.95
WIDEST, APART = 1.25, 1.1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A ratio, where it lies with 95 % confidence, and a plainer estimate of it: the ratio of the medians."""

    ratio: float
    low: float
    high: float
    of_medians: float

    @property
    def verdict(self) -> str:
        """How the reference compares with the peer, as far as the interval tells."""
        if self.low > 1 and self.of_medians > 1:
            return "faster"
        if self.high < 1 and self.of_medians < 1:
            return "slower"
        return "unclear" if self.noisy else "level"

    @property
    def noisy(self) -> bool:
        """Too wide to say how much faster or slower, or the two estimates are far apart."""
        apart = not self.low / APART <= self.of_medians <= self.high * APART
        return apart or self.high > WIDEST * self.low


def _medians(values: Floats, rng: np.random.Generator) -> Floats:
    """Those of bootstrap samples."""
    picks = rng.integers(len(values), size=(RESAMPLES, len(values)))
    return np.asarray(np.median(values[picks], axis=1))


def _interval(ratio: Any, resampled: Floats, of_medians: Any) -> Interval:
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(ratio), float(low), float(high), float(of_medians))


def paired(peer: ArrayLike, reference: ArrayLike) -> Interval:
    """The median of the ratios of neighbouring turns."""
    a, b = np.asarray(peer, np.float64), np.asarray(reference, np.float64)
    ratios = a / b
    return _interval(np.median(ratios), _medians(ratios, np.random.default_rng(0)), np.median(a) / np.median(b))


def unpaired(new: ArrayLike, old: ArrayLike) -> Interval:
    """The ratio of the medians of turns that were not taken side by side."""
    a, b, rng = np.asarray(new, np.float64), np.asarray(old, np.float64), np.random.default_rng(0)
    ratio = np.median(a) / np.median(b)
    return _interval(ratio, _medians(a, rng) / _medians(b, rng), ratio)


def geometric_mean(values: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """The exponent p of the power law y = c x^p that fits best, by least squares of the logarithms."""
    return float(np.polyfit(np.log(np.asarray(x, np.float64)), np.log(np.asarray(y, np.float64)), 1)[0])
