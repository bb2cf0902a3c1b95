"""``python -m bench readme results.json ...``: README.md takes its numbers from results files."""

import argparse
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .groups import GROUPS
from .markdown import drawn
from .noise import verdict
from .report import load
from .summary import best_other, by_key
from .tables import (
    machine_text,
    microseconds,
    package_part,
    peak_text,
    peers_of,
    significant,
    summary_part,
    threads_text,
)

BEGIN, END = "<!-- speed table -->\n", "<!-- end of speed table -->"
GROUP = "training"
WIDTH = 120


def training_table(results: Sequence[dict[str, Any]]) -> list[list[str]]:
    peers = peers_of(results)
    table = [["network / batch", *peers, "times as fast as the best other", GROUPS[GROUP].peak]]
    for result in results:
        cells = [microseconds(result, peer) for peer in peers]
        best = best_other(result)
        times = f"{significant(best[1]['low'])} to {significant(best[1]['high'])}" if best else "-"
        table.append([result["row"], *cells, times, peak_text(result)])
    return table


def of_one_isa(report: dict[str, Any], name: str) -> list[str]:
    """The trainings of the largest team, and a line for each group of rows."""
    tables = {key: rows for key, rows in by_key(report["results"]).items() if key[0] == GROUP}
    if not tables:
        raise ValueError(f"{name} has no rows of the group {GROUP}.")
    (_, dtype, threads), results = max(tables.items(), key=lambda item: item[0][2])
    results_file = f"[{name}](bench/results/{name})"
    return [
        f"### {report['roofs'][0]['isa']}",
        f"{dtype}, {threads_text(threads)}; see {results_file}: {machine_text(report)} {verdict(report)}",
        drawn(training_table(results)),
        "All rows by group: geometric means of the times as fast, and how many are *slower* than another peer.",
        drawn(summary_part(report).table),
    ]


def cost_of_having(report: dict[str, Any]) -> list[str]:
    return [
        "What it takes to have each, with what it requires: milliseconds to import beyond NumPy, megabytes on disk.",
        drawn(package_part(report["package"]).table),
    ]


def speed_table(reports: dict[str, dict[str, Any]]) -> str:
    """What stands between the marks: a part for each results file, and what libraries cost as the first tells it."""
    parts = [
        "Microseconds a training step: Adam, ReLU and cross-entropy unless named, shuffled batches, each library in a "
        "process of its own, turns interleaved (A B B A), medians; how many times as fast is an interval of 95 % "
        "confidence; multiply-adds of a step are also told as a fraction of the processor's peak. jax_host_shuffle is "
        "JAX with an order of the samples that NumPy drew. Measured by `nox -s bench`.",
        *(part for name, report in reports.items() for part in of_one_isa(report, name)),
        *(part for report in list(reports.values())[:1] if report["package"] for part in cost_of_having(report)),
        "`nox -s bench` measures it again on your machine, `fastopt bench --quick` some of it in a minute, against "
        "NumPy; compare ratios, not times.",
    ]
    wrapped = [
        part if part.startswith(("|", "#")) else textwrap.fill(part, WIDTH, break_long_words=False) for part in parts
    ]
    return "\n" + "\n\n".join(wrapped) + "\n\n"


def rewritten(text: str, reports: dict[str, dict[str, Any]]) -> str:
    """The text with another block."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"The text does not have the lines {BEGIN.strip()} and {END} once each.")
    block = BEGIN + speed_table(reports) + END
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, text, flags=re.DOTALL)


def main(prog: str, given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog, description="Write the speed tables of README.md from results files.")
    parser.add_argument("results", type=Path, nargs="+", help="bench/results/DATE.json, one for each instruction set")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    options = parser.parse_args(given)
    text = options.readme.read_text()
    options.readme.write_text(rewritten(text, {path.name: load(path) for path in options.results}))
    return 0
