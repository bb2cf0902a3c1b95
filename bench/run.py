"""A run: every row that was asked for, with every number of threads, and what had to be left out."""

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack, closing
from typing import Any

from .kind import Kind
from .machine import cpu_count, describe
from .measure import measure, ready
from .package import OURS, package
from .peers import ROOF, can_do
from .process import PeerError, PeerProcess, environment, restraints
from .progress import Progress
from .tables import threads_text

ALONE = {"product", "kernel"}  # groups that are measured on one thread as well


def plan(rows: list[Kind], threads: list[int]) -> dict[int, list[Kind]]:
    """The rows to measure with each number of threads."""
    if threads:
        return dict.fromkeys(threads, rows)
    alone = [row for row in rows if row.group in ALONE] if cpu_count() > 1 else []
    return {1: alone, cpu_count(): rows}


class Run:
    """Collects the report."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.report: dict[str, Any] = {
            "machine": describe(),
            "rounds": options.rounds,
            "unset": restraints(),
            "versions": {},
            "skipped": {},
            "roofs": [],
            "roofs_after": [],
            "results": [],
            "package": None,
        }

    def start(self, stack: ExitStack, threads: int, groups: set[str]) -> dict[str, PeerProcess]:
        """A process for each peer that is installed and can do some of the work."""
        processes = {}
        wanted = [peer for peer in self.options.peers if any(can_do(peer, group) for group in groups)]
        for peer in [*wanted, ROOF]:
            process = stack.enter_context(closing(PeerProcess(peer, threads)))
            try:
                self.report["versions"][peer] = process.ask("setup")
                processes[peer] = process
            except PeerError as error:
                self.report["skipped"][peer] = str(error)
        if OURS not in processes:
            raise SystemExit(f"{OURS} cannot be measured: {self.report['skipped'][OURS]}")
        self.report["versions"].pop(ROOF, None)
        return processes

    def roofs(self, threads: int) -> dict[str, Any]:
        command = [sys.executable, "-m", f"{__package__}.machine", str(threads), self.options.dtype]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment(threads))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def row(self, row: Kind, threads: int, processes: dict[str, PeerProcess], progress: Progress) -> None:
        able, left_out = ready(row, self.options.dtype, processes)
        try:
            if able:
                result = measure(row, self.options.dtype, able, self.options.rounds, progress.tick)
                self.report["results"].append({**result, "threads": threads})
        except PeerError as error:
            left_out["all"] = str(error)
        self.report["skipped"].update({f"{peer} at {row.name}": why for peer, why in left_out.items()})

    def all(self) -> None:
        planned = {threads: rows for threads, rows in plan(self.options.rows, self.options.threads).items() if rows}
        with Progress([row for rows in planned.values() for row in rows], 2 * self.options.rounds) as progress:
            for threads, rows in planned.items():
                with ExitStack() as stack:
                    processes = self.start(stack, threads, {row.group for row in rows})
                    self.report["roofs"].append(self.roofs(threads))
                    for row in rows:
                        progress.begin(f"{row.name}, {threads_text(threads)}")
                        self.row(row, threads, processes, progress)
                        progress.end()
                    self.report["roofs_after"].append(self.roofs(threads))
        self.report["package"] = package(self.options.wheel, self.report["versions"])
