"""``python -m bench``: measure, print, write."""

import argparse
import json
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .kind import Kind
from .machine import cpu_count, describe
from .measure import measure
from .package import package
from .peers import PEERS, ROOF, can_do
from .process import PeerError, PeerProcess, environment, restraints
from .report import as_markdown, as_text
from .rows import select

OURS = "fastopt"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description="fastopt against its peers.")
    parser.add_argument("--only", default="", help="groups (training, product, update) or parts of row names, by comma")
    parser.add_argument("--peers", default=",".join(PEERS), help="by comma; the others are compared with the first")
    parser.add_argument("--threads", help="counts, by comma; else all processors, and for products one as well")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=7, help="each is two passes over the peers, there and back")
    parser.add_argument("--quick", action="store_true", help="two rounds: a look, not a result")
    parser.add_argument("--out", type=Path, help="results.json; the Markdown goes beside it")
    parser.add_argument("--wheel", type=Path, help="a wheel to weigh")
    options = parser.parse_args()
    options.peers = options.peers.split(",")
    unknown = set(options.peers) - set(PEERS)
    if unknown:
        parser.error(f"no such peers: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    options.rows = select(options.only)
    if not options.rows:
        parser.error(f"no row matches {options.only!r}")
    options.rounds = 2 if options.quick else options.rounds
    return options


def plan(rows: list[Kind], threads: str | None) -> dict[int, list[Kind]]:
    """The rows to measure with each number of threads."""
    if threads:
        return {int(count): rows for count in threads.split(",")}
    alone = [row for row in rows if row.group == "product"] if cpu_count() > 1 else []
    return {1: alone, cpu_count(): rows}


class Run:
    """Collects the report, and what had to be left out."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.with_core = OURS in options.peers
        self.report: dict[str, Any] = {
            "machine": describe(),
            "rounds": options.rounds,
            "unset": restraints(),
            "versions": {},
            "skipped": {},
            "roofs": [],
            "results": [],
            "package": None,
        }

    def start(self, stack: ExitStack, threads: int, groups: set[str]) -> dict[str, PeerProcess]:
        """A process for each peer that is installed and can do some of the work."""
        processes = {}
        wanted = [peer for peer in self.options.peers if any(can_do(peer, group) for group in groups)]
        for peer in [*wanted, ROOF] if self.with_core else wanted:
            process = stack.enter_context(closing(PeerProcess(peer, threads)))
            try:
                self.report["versions"][peer] = process.ask("setup")
                processes[peer] = process
            except PeerError as error:
                self.report["skipped"][peer] = str(error)
        self.report["versions"].pop(ROOF, None)
        return processes

    def roofs(self, threads: int) -> None:
        command = [sys.executable, "-m", f"{__package__}.machine", str(threads), self.options.dtype]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment(threads))
        self.report["roofs"].append(json.loads(done.stdout))

    def row(self, row: Kind, threads: int, processes: dict[str, PeerProcess], bar: tqdm) -> None:
        able = {}
        for peer, process in processes.items():
            if can_do(peer, row.group):
                try:
                    if process.ask("open", row.name, self.options.dtype):
                        able[peer] = process
                except PeerError as error:
                    self.report["skipped"][f"{peer} at {row.name}"] = str(error)
        if set(able) - {ROOF}:
            result = measure(row, self.options.dtype, able, self.options.rounds, bar.update)
            self.report["results"].append({**result, "threads": threads})

    def all(self) -> dict[str, Any]:
        planned = {threads: rows for threads, rows in plan(self.options.rows, self.options.threads).items() if rows}
        total = 2 * self.options.rounds * sum(map(len, planned.values()))
        seconds = 0.1 if sys.stderr.isatty() else 10
        with tqdm(total=total, bar_format="{l_bar}{bar}| {elapsed} < {remaining}{postfix}", mininterval=seconds) as bar:
            for threads, rows in planned.items():
                with ExitStack() as stack:
                    processes = self.start(stack, threads, {row.group for row in rows})
                    if OURS in processes:
                        self.roofs(threads)
                    for row in rows:
                        bar.set_postfix_str(f"{row.name}, {threads} threads", refresh=False)
                        self.row(row, threads, processes, bar)
        if OURS in self.report["versions"]:
            self.report["package"] = package(self.options.wheel, self.report["versions"])
        return self.report


def main() -> None:
    options = arguments()
    # End by way of Python, so that no stopped process is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Run(options).all()
    print(as_text(report))
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
        options.out.with_suffix(".md").write_text(as_markdown(report))


if __name__ == "__main__":
    main()
