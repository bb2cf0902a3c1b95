"""Turns of all peers, interleaved A B B A, and what can be concluded from them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Kind
from .peers import ROOF
from .process import PeerProcess

RESAMPLES, CONFIDENCE, WIDEST, APART = 2000, 0.95, 1.25, 1.1


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


def ratio(peer: NDArray[Any], reference: NDArray[Any]) -> Interval:
    """The median of the ratios of neighbouring turns, with its bootstrap interval."""
    ratios = peer / reference
    picks = np.random.default_rng(0).integers(len(ratios), size=(RESAMPLES, len(ratios)))
    medians = np.median(ratios[picks], axis=1)
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    of_medians = np.median(peer) / np.median(reference)
    return Interval(float(np.median(ratios)), float(low), float(high), float(of_medians))


def turns(
    row: Kind, processes: dict[str, PeerProcess], rounds: int, tick: Callable[[], object]
) -> dict[str, NDArray[Any]]:
    """Seconds an operation of each peer, for each pass. A round is two passes, the second in the opposite order."""
    taken: dict[str, list[float]] = {peer: [] for peer in processes}
    order = list(processes)
    for number in range(2 * rounds):
        for peer in reversed(order) if number % 2 else order:
            processes[peer].ask("run", max(1, row.count // 5))
            seconds = processes[peer].ask("run", row.count)
            taken[peer].append(seconds / (row.count * row.operations))
        tick()
    return {peer: np.array(seconds) for peer, seconds in taken.items()}


def measure(
    row: Kind, dtype: str, processes: dict[str, PeerProcess], rounds: int, tick: Callable[[], object]
) -> dict[str, Any]:
    """One row with processes that have it open; the first peer is the reference that the others are compared with."""
    taken = turns(row, processes, rounds, tick)
    reference = next(iter(processes))
    peers = [peer for peer in processes if peer != ROOF]
    checks = {peer: processes[peer].ask("check") for peer in peers}
    result: dict[str, Any] = {
        "row": row.name,
        "group": row.group,
        "dtype": dtype,
        "point": row.point and asdict(row.point),
        "reference": reference,
        "peers": {
            peer: {
                "seconds": float(np.median(taken[peer])),
                "check": checks[peer],
                "agrees": row.agrees(checks[peer], checks[reference], dtype),
                "turns": taken[peer].tolist(),
            }
            for peer in peers
        },
    }
    for peer in peers[1:]:
        interval = ratio(taken[peer], taken[reference])
        result["peers"][peer]["ratio"] = {**asdict(interval), "noisy": interval.noisy, "verdict": interval.verdict}
    if ROOF in taken:
        best = np.full_like(taken[ROOF], taken[ROOF].min())
        interval = ratio(best, taken[reference])
        result["of_peak"] = {**asdict(interval), "noisy": interval.noisy, "turns": taken[ROOF].tolist()}
    return result
