"""What all the rows come to: how far ahead of the best other peer, and where not."""

from typing import Any, NamedTuple

from .groups import GROUPS
from .interval import geometric_mean

Result = dict[str, Any]
Key = tuple[str, str, int]  # group, dtype, threads

PLAIN = "numpy"  # the peer that is always there


def others(result: Result) -> dict[str, dict[str, Any]]:
    """The ratios of all peers to the reference."""
    return {peer: own["ratio"] for peer, own in result["peers"].items() if "ratio" in own}


def best_other(result: Result) -> tuple[str, dict[str, Any]] | None:
    """The fastest of the others and its ratio, if there is any."""
    ratios = others(result)
    best = min(ratios, key=lambda peer: float(ratios[peer]["ratio"]), default=None)
    return None if best is None else (best, ratios[best])


def by_key(results: list[Result]) -> dict[Key, list[Result]]:
    """The results that stand in one table, in the order of the groups."""
    found: dict[Key, list[Result]] = {}
    for result in sorted(results, key=lambda result: (list(GROUPS).index(result["group"]), result["threads"])):
        found.setdefault((result["group"], result["dtype"], result["threads"]), []).append(result)
    return found


class Summary(NamedTuple):
    """Of the rows of a group: how many, means of best other / reference, NumPy / reference and roof / reference."""

    rows: int
    slower: int
    best: float | None
    plain: float | None
    of_peak: float | None


def summary(results: list[Result]) -> Summary:
    best = [found[1] for result in results if (found := best_other(result))]
    plain = [ratios[PLAIN] for result in results if PLAIN in (ratios := others(result))]
    peaks = [result["of_peak"] for result in results if "of_peak" in result]
    means = [geometric_mean([one["ratio"] for one in ratios]) if ratios else None for ratios in (best, plain, peaks)]
    return Summary(len(results), sum(ratio["verdict"] == "slower" for ratio in best), *means)


def worst(results: list[Result]) -> list[Result]:
    """The rows in which the reference is behind the best other, whether or not that is sure, the slowest first."""
    ratios = [(found[1]["ratio"], result) for result in results if (found := best_other(result))]
    return [result for ratio, result in sorted(ratios, key=lambda pair: pair[0]) if ratio < 1]
