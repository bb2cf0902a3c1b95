"""Turns of all peers, interleaved A B B A, after a turn of each that is only checked."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interval import Interval, paired
from .kind import Kind
from .peers import ROOF, can_do
from .process import PeerError, PeerProcess

Processes = dict[str, PeerProcess]


def ready(row: Kind, dtype: str, processes: Processes) -> tuple[Processes, dict[str, str]]:
    """The processes that have the row open and did a turn of it right, the reference first; why others do not.

    The reference is the first peer that knows this kind of work. Without it there is nothing to compare with.
    """
    able: Processes = {}
    left_out: dict[str, str] = {}
    reference: float | None = None
    for peer, process in processes.items():
        if not can_do(peer, row.group):
            continue
        try:
            knows = process.ask("open", row.name, dtype) is not False
            if knows and peer != ROOF:
                process.ask("run", row.count)
                value = process.ask("check")
                reference = value if reference is None else reference
                if not row.agrees(value, reference, dtype):
                    raise PeerError(f"its result is wrong: {value:.4g}, that of the reference is {reference:.4g}")
            if knows:
                able[peer] = process
        except PeerError as error:
            left_out[peer] = str(error)
        if not able:
            break
    return able, left_out


def turns(row: Kind, processes: Processes, rounds: int, tick: Callable[[], object]) -> dict[str, NDArray[Any]]:
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


def as_json(interval: Interval) -> dict[str, Any]:
    return {**asdict(interval), "noisy": interval.noisy, "verdict": interval.verdict}


def measure(row: Kind, dtype: str, processes: Processes, rounds: int, tick: Callable[[], object]) -> dict[str, Any]:
    """One row with processes that are ready; what they reached is checked again, for a training the loss at its end."""
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
        result["peers"][peer]["ratio"] = as_json(paired(taken[peer], taken[reference]))
    if ROOF in taken:
        best = np.full_like(taken[ROOF], taken[ROOF].min())
        result["of_peak"] = {**as_json(paired(best, taken[reference])), "turns": taken[ROOF].tolist()}
    return result
