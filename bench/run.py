"""A run: every row that was asked for, with every number of threads, and what had to be left out."""

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

from .kind import Kind
from .machine import cpu_count, describe
from .measure import measure, ready
from .package import OURS, package
from .peers import BEFORE, ROOF, can_do
from .process import ALL, PeerError, PeerProcess, environment, restraints
from .progress import Progress
from .tables import threads_text
from .threads import AUTO, Threads

ALONE = {"product", "kernel", "estimators", "sparse"}  # groups that are measured on one thread as well


class Part(NamedTuple):
    """Rows that the same entrants do: what each is called, its peer and its number of threads; the reference first."""

    threads: int
    entrants: dict[str, tuple[str, int]]
    rows: list[Kind]


def powers_of_two(limit: int) -> list[int]:
    """Up to ``limit``, which is one of them."""
    return sorted({1 << power for power in range(limit.bit_length())} | {limit})


def plan(rows: list[Kind], peers: list[str], threads: list[int]) -> list[Part]:
    """All peers with each number of threads; fastopt alone with all numbers side by side."""
    limit = max(threads or [cpu_count()])
    side_by_side = [row for row in rows if row.group == Threads.group]
    others = [row for row in rows if row.group != Threads.group]
    alone = [row for row in others if row.group in ALONE]
    by_threads = dict.fromkeys(threads, others) if threads else {1: alone, limit: others}
    parts = [Part(count, {peer: (peer, count) for peer in [*peers, ROOF]}, own) for count, own in by_threads.items()]
    numbers = {threads_text(count): (OURS, count) for count in threads or powers_of_two(limit)}
    parts.append(Part(limit, {AUTO: (OURS, ALL), **numbers, ROOF: (ROOF, limit)}, side_by_side))
    return [part for part in parts if part.rows]


class Run:
    """Collects the report."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.report: dict[str, Any] = {
            "machine": describe(),
            "isa": options.isa,
            "rounds": options.rounds,
            "unset": restraints(),
            "versions": {},
            "isas": {},
            "skipped": {},
            "roofs": [],
            "roofs_after": [],
            "results": [],
            "threads": [],
            "package": None,
        }

    def start(self, stack: ExitStack, part: Part) -> dict[str, PeerProcess]:
        """A process for each entrant whose peer is installed and can do some of the work."""
        processes = {}
        for name, (peer, threads) in part.entrants.items():
            if not any(can_do(peer, row.group) for row in part.rows):
                continue
            path = self.options.against if peer == BEFORE else None
            process = stack.enter_context(closing(PeerProcess(peer, threads, self.options.isa, path)))
            try:
                version, isa = process.ask("setup")
                processes[name] = process
                if peer != ROOF:
                    self.report["versions"][peer] = f"{version} of {path}" if path else version
                    self.report["isas"][peer] = isa
            except PeerError as error:
                self.report["skipped"][peer] = str(error)
        if OURS not in self.report["versions"]:
            raise SystemExit(f"{OURS} cannot be measured: {self.report['skipped'][OURS]}")
        return processes

    def roofs(self, threads: int) -> dict[str, Any]:
        given = str(threads), self.options.dtype, str(self.options.turn)
        command = [sys.executable, "-m", f"{__package__}.machine", *given]
        own = environment(threads, self.options.isa)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=own)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def row(self, row: Kind, threads: int, processes: dict[str, PeerProcess], progress: Progress) -> None:
        able, left_out = ready(row, self.options.dtype, processes, self.options.turn)
        try:
            if able:
                result = measure(row, self.options.dtype, able, self.options.rounds, progress.tick)
                where = "threads" if row.group == Threads.group else "results"
                self.report[where].append({**result, "threads": threads})
        except PeerError as error:
            left_out["all"] = str(error)
        self.report["skipped"].update({f"{peer} at {row.name}": why for peer, why in left_out.items()})

    def all(self) -> None:
        parts = plan(self.options.rows, self.options.peers, self.options.threads)
        with Progress([row for part in parts for row in part.rows], 2 * self.options.rounds) as progress:
            for part in parts:
                with ExitStack() as stack:
                    processes = self.start(stack, part)
                    fresh = all(roof["threads"] != part.threads for roof in self.report["roofs"])
                    if fresh:
                        self.report["roofs"].append(self.roofs(part.threads))
                    for row in part.rows:
                        progress.begin(f"{row.name}, {threads_text(part.threads)}")
                        self.row(row, part.threads, processes, progress)
                        progress.end()
                    if fresh:
                        self.report["roofs_after"].append(self.roofs(part.threads))
        self.report["package"] = package(self.options.wheel, self.report["versions"], min(5, self.options.rounds))
