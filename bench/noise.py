"""Whether the machine was quiet enough to conclude anything from a run."""

from typing import Any

from .summary import Result

LOAD, MOVED, NOISY = 0.25, 1.2, 0.25  # a processor, new to old roof or the inverse, of all rows


def is_noisy(result: Result) -> bool:
    return any(own["ratio"]["noisy"] for own in result["peers"].values() if "ratio" in own)


def moves(report: dict[str, Any]) -> dict[str, float]:
    """By how much each roof differs between the end and the start, as a factor of at least 1.

    A run that was interrupted did not measure all again.
    """
    found = {}
    for before, after in zip(report["roofs"], report["roofs_after"], strict=False):
        pairs = {"FMA": (before["flops"], after["flops"])}
        for level, streams in before["streams"].items():
            pairs |= {f"{name}, {level}": (speed, after["streams"][level][name]) for name, speed in streams.items()}
        threads = before["threads"]
        found |= {f"{name} ({threads} threads)": max(a / b, b / a) for name, (a, b) in pairs.items()}
    return found


def reasons(report: dict[str, Any]) -> list[str]:
    """What speaks against believing the numbers."""
    found = []
    machine, results = report["machine"], report["results"]
    if machine["load"] > LOAD * machine["processors"]:
        found.append(f"the load was {machine['load']:.1f} at the start")
    roofs = {name: factor for name, factor in moves(report).items() if factor > MOVED}
    if roofs:
        name = max(roofs, key=lambda name: roofs[name])
        found.append(f"roofs moved during the run, most of all {name} by a factor of {roofs[name]:.2f}")
    if sum(map(is_noisy, results)) > NOISY * len(results):
        found.append(f"{sum(map(is_noisy, results))} of {len(results)} rows are too noisy to say by how much")
    return found


def verdict(report: dict[str, Any]) -> str:
    """One sentence."""
    if against := reasons(report):
        return f"The machine was too noisy to conclude much: {'; '.join(against)}. Run it again on a quieter one."
    moved = max(moves(report).values(), default=None)
    roofs = "" if moved is None else f"roofs moved by at most {moved - 1:.0%}, "
    noisy, rows = sum(map(is_noisy, report["results"])), len(report["results"])
    return f"The machine was quiet: {roofs}{noisy} of {rows} rows are too noisy to say by how much."
