"""The process of one peer: ``python -m bench.worker PEER THREADS [PATH]``, which imports from PATH before all else.

A line is a JSON list, its answer a JSON object.

``["setup"]`` -> version and instruction set; ``["open", row, dtype]`` -> whether the peer can do that row;
``["run", count]`` -> seconds; ``["check"]`` -> what ``Kind.check`` says. All as ``{"value": ...}``; what went wrong as
``{"error": message}``.
"""

import importlib
import json
import os
import signal
import sys
from importlib.machinery import PathFinder
from typing import Any

from .kind import Job
from .peers import can_do, package_of
from .process import ALL
from .rows import ROWS


class Worker:
    def __init__(self, peer: str, threads: int) -> None:
        self.peer, self.threads = peer, threads
        self.job: Job | None = None

    def setup(self) -> list[str]:
        """Processors first: libraries count them when they are imported."""
        if hasattr(os, "sched_setaffinity") and self.threads != ALL:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: self.threads])
        module = self.module()
        return [str(module.setup(self.threads)), module.isa() if hasattr(module, "isa") else ""]

    def module(self, group: str = "") -> Any:
        return importlib.import_module(f".peers.{package_of(self.peer)}.{group}".rstrip("."), __package__)

    def open(self, name: str, dtype: str) -> bool:
        self.job = None
        if not can_do(self.peer, ROWS[name].group):
            return False
        self.row, self.data = ROWS[name], ROWS[name].data(dtype)
        self.job = self.module(self.row.group).prepare(self.row, self.data)
        return self.job is not None

    def run(self, count: int) -> float:
        assert self.job is not None
        return self.job.run(count)

    def check(self) -> float:
        assert self.job is not None
        return self.row.check(self.data, self.job.result())


def main() -> None:
    # Ctrl-C is for the run, which then ends its peers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if path := sys.argv[3:]:
        sys.path[:0] = path
        sys.meta_path.insert(0, PathFinder)  # a package that is installed to be edited has a finder of its own
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"value": getattr(worker, command)(*arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
