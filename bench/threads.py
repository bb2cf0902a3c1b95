"""Trainings by fastopt alone, with each number of threads and with its own: more should never be slower than fewer."""

from dataclasses import dataclass
from typing import Any

from .interval import Interval, paired
from .training import Training

AUTO = "auto"  # the entrant that chooses its number of threads
MORE = 1.05  # times as slow: what counts


@dataclass(frozen=True)
class Threads(Training):
    group = "threads"

    @property
    def name(self) -> str:
        return f"threads: {super().name}"


def numbers(result: dict[str, Any]) -> list[str]:
    """The entrants with a number that is given, fewer threads first."""
    return [name for name in result["peers"] if name != AUTO]


def slower_with_more(result: dict[str, Any]) -> dict[str, Interval]:
    """The entrants that take surely more time than the best with fewer threads, and how many times as much.

    What chooses by itself is compared with the best of all.
    """
    turns = {name: result["peers"][name]["turns"] for name in (*numbers(result), AUTO)}
    best, found = next(iter(turns)), {}
    for name, own in turns.items():
        change = paired(own, turns[best])
        if change.low > MORE:
            found[name] = change
        if change.ratio < 1:
            best = name
    return found
