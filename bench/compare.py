"""``python -m bench compare old.json new.json``: what got slower.

Machines differ, and one machine from hour to hour. So the reference is compared by up to three measures: its time, on
the same kind of machine only; its time relative to NumPy's in the same turns; and relative to the roof of the row.
It got slower where all say so that say anything.
"""

import argparse
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .interval import Floats, Interval, unpaired
from .noise import verdict
from .report import load
from .summary import PLAIN, Result
from .tables import Part, microseconds, threads_text
from .text import GAP, WIDTH, drawn

LEAST = 1.05  # the change that is worth a word
ORDER = ("slower", "unclear", "faster", "level")

Report = dict[str, Any]


def machine_of(report: Report) -> tuple[str, ...]:
    """What must be equal for times to mean the same: also which instructions libraries may use, and which we do."""
    machine, isas = report["machine"], [roof["isa"] for roof in report["roofs"][:1]]
    return machine["processor"], str(machine["processors"]), *isas, report["isa"]


def turns(result: Result, peer: str) -> Floats:
    return np.array(result["peers"][peer]["turns"])


def measures(result: Result) -> dict[str, Floats]:
    """Each measure of the reference in each turn; less is better."""
    own = turns(result, result["reference"])
    found = {"time": own}
    if PLAIN in result["peers"] and result["reference"] != PLAIN:
        found[f"to {PLAIN}"] = own / turns(result, PLAIN)
    if "of_peak" in result:
        found["to the roof"] = own / min(result["of_peak"]["turns"])
    return found


def direction(change: Interval) -> str:
    """Where the whole interval lies."""
    if change.low > LEAST:
        return "slower"
    if change.high < 1 / LEAST:
        return "faster"
    return "level" if change.low > 1 / LEAST**2 and change.high < LEAST**2 else "unclear"


@dataclass(frozen=True)
class Change:
    """A row in both files: new / old by each measure that counts."""

    old: Result
    new: Result
    by: dict[str, Interval]

    @property
    def verdict(self) -> str:
        """What all measures say that are clear; "unclear" if there is none, or they do not say the same."""
        said = {direction(change) for change in self.by.values()} - {"unclear"}
        return said.pop() if len(said) == 1 else "unclear"

    @property
    def size(self) -> float:
        """How far it is from level, by the middle measure."""
        return float(np.median([abs(np.log(change.ratio)) for change in self.by.values()] or [0.0]))


def key(result: Result) -> tuple[str, str, str, int]:
    return result["row"], result["reference"], result["dtype"], result["threads"]


def compare(old: Report, new: Report) -> list[Change]:
    """The rows of both, those that got slower first, the largest changes first."""
    before = {key(result): result for result in old["results"]}
    same = machine_of(old) == machine_of(new)
    changes = []
    for result in new["results"]:
        if earlier := before.get(key(result)):
            was, now = measures(earlier), measures(result)
            names = [name for name in now if name in was and (same or name != "time")]
            changes.append(Change(earlier, result, {name: unpaired(now[name], was[name]) for name in names}))
    return sorted(changes, key=lambda change: (ORDER.index(change.verdict), -change.size))


def table_of(changes: Sequence[Change]) -> Part:
    names = list(dict.fromkeys(name for change in changes for name in change.by))
    table = [["", "threads", "old us", "new us", *names, ""]]
    for change in changes:
        times = [microseconds(result, result["reference"]) for result in (change.old, change.new)]
        found = [change.by.get(name) for name in names]
        cells = [f"{one.low:.2f}-{one.high:.2f}" if one else "-" for one in found]
        table.append([change.new["row"], f"{change.new['threads']}", *times, *cells, change.verdict])
    return Part("new / old, 95 % intervals", table)


def as_text(old: Report, new: Report, changes: Sequence[Change]) -> str:
    """The rows that are not level, and how many there are of each kind."""
    reports = {"old": old, "new": new}
    lines = [
        f"{name}: {report['machine']['date']}, {', '.join(machine_of(report))}" for name, report in reports.items()
    ]
    lines += [f"{name}: {verdict(report)}" for name, report in reports.items()]
    if machine_of(old) != machine_of(new):
        lines.append("These are different machines: times are not compared, only ratios within a run.")
    for name, only, other in (("old", old, new), ("new", new, old)):
        known = set(map(key, other["results"]))
        missing = [f"{r['row']} ({threads_text(r['threads'])})" for r in only["results"] if key(r) not in known]
        if missing:
            lines.append(f"Only in {name}: {', '.join(missing)}.")
    counts = Counter(change.verdict for change in changes)
    shown = [change for change in changes if change.verdict != "level"]
    return "\n\n".join(
        [
            *(textwrap.fill(line, WIDTH, subsequent_indent=GAP) for line in lines),
            *([drawn(table_of(shown))] if shown else []),
            ", ".join(f"{counts[name]} {name}" for name in ORDER) + ".",
        ]
    )


def main(prog: str, given: Sequence[str]) -> int:
    """0, or 1 if a row got slower."""
    parser = argparse.ArgumentParser(
        prog,
        description="What got slower: 95 % bootstrap intervals of new / old, by time, to NumPy and to the roof.",
        epilog="The exit code is 1 if a row got slower by all measures.",
    )
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args(given)
    old, new = load(options.old), load(options.new)
    changes = compare(old, new)
    print(as_text(old, new, changes))
    return int(any(change.verdict == "slower" for change in changes))
