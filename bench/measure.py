"""Turns of all peers, interleaved A B B A, after all of the work was done once and checked."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interval import Interval, paired
from .kind import Kind
from .peers import ROOF
from .process import PeerError, PeerProcess

Processes = dict[str, PeerProcess]

LONGEST = 0.5  # seconds of a turn, by default; a peer that needs more for all of the work does only a part of it


@dataclass(frozen=True)
class Entrant:
    """A peer that did all of the work of a row right: what its check said, and how much it does in a turn."""

    process: PeerProcess
    check: float
    count: int


def ready(
    row: Kind, dtype: str, processes: Processes, longest: float = LONGEST
) -> tuple[dict[str, Entrant], dict[str, str]]:
    """The peers that have the row open and did all of its work right, the reference first; why others do not.

    The reference is the first peer that knows this kind of work. Without it there is nothing to compare with.
    """
    able: dict[str, Entrant] = {}
    left_out: dict[str, str] = {}
    reference: float | None = None
    for peer, process in processes.items():
        try:
            if process.ask("open", row.name, dtype) is False:
                continue
            if peer == ROOF:
                able[peer] = Entrant(process, 0.0, row.count)
                continue
            seconds, value = process.ask("run", row.count), process.ask("check")
            reference = value if reference is None else reference
            if not row.agrees(value, reference, dtype):
                raise PeerError(f"its result is wrong: {value:.4g}, that of the reference is {reference:.4g}")
            able[peer] = Entrant(process, value, max(1, int(row.count * min(1.0, longest / seconds))))
        except PeerError as error:
            left_out[peer] = str(error)
        if not able:
            break
    return able, left_out


def turns(row: Kind, entrants: dict[str, Entrant], rounds: int, tick: Callable[[], object]) -> dict[str, NDArray[Any]]:
    """Seconds an operation of each peer, for each pass. A round is two passes, the second in the opposite order."""
    taken: dict[str, list[float]] = {peer: [] for peer in entrants}
    order = list(entrants.items())
    for number in range(2 * rounds):
        for peer, entrant in reversed(order) if number % 2 else order:
            if entrant.count >= 5:
                entrant.process.ask("run", entrant.count // 5)  # what the turns of others threw out of caches
            seconds = entrant.process.ask("run", entrant.count)
            taken[peer].append(float(f"{seconds / (entrant.count * row.operations):.5g}"))
        tick()
    return {peer: np.array(seconds) for peer, seconds in taken.items()}


def as_json(interval: Interval) -> dict[str, Any]:
    return {**asdict(interval), "noisy": interval.noisy, "verdict": interval.verdict}


def measure(
    row: Kind, dtype: str, entrants: dict[str, Entrant], rounds: int, tick: Callable[[], object]
) -> dict[str, Any]:
    """One row with peers that are ready."""
    taken = turns(row, entrants, rounds, tick)
    reference = next(iter(entrants))
    result: dict[str, Any] = {
        "row": row.name,
        "group": row.group,
        "dtype": dtype,
        "point": row.point and asdict(row.point),
        "reference": reference,
        "peers": {
            peer: {"seconds": float(np.median(taken[peer])), "check": entrant.check, "turns": taken[peer].tolist()}
            for peer, entrant in entrants.items()
            if peer != ROOF
        },
    }
    for peer, own in result["peers"].items():
        if peer != reference:
            own["ratio"] = as_json(paired(taken[peer], taken[reference]))
    if ROOF in taken:
        best = np.full_like(taken[ROOF], taken[ROOF].min())
        result["of_peak"] = {**as_json(paired(best, taken[reference])), "turns": taken[ROOF].tolist()}
    return result
