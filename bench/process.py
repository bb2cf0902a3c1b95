"""A peer in a process of its own, which is stopped whenever it is not its turn."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from .isa import RESTRAINTS, restriction

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "FASTOPT_NUM_THREADS",
)
ALL = 0  # threads: as many as a library takes by itself


def restraints() -> dict[str, str]:
    """The variables of this environment that are not passed on."""
    return {name: os.environ[name] for name in sorted(RESTRAINTS) if name in os.environ}


def environment(threads: int, isa: str) -> dict[str, str]:
    """That of this process, but with this number of threads and this instruction set for every library."""
    free = {name: value for name, value in os.environ.items() if name not in {*RESTRAINTS, *THREAD_VARIABLES}}
    return {**free, **(dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads != ALL else {}), **restriction(isa)}


class PeerError(RuntimeError):
    """A peer could not do what it was asked."""


class PeerProcess:
    def __init__(self, peer: str, threads: int, isa: str, path: Path | None = None) -> None:
        self.peer = peer
        self.child = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", peer, str(threads), *([str(path)] if path else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads, isa),
        )

    def ask(self, *command: object) -> Any:
        """Let the process run until it has answered; its threads cannot spin in the turn of another."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.send_signal(signal.SIGCONT)
        try:
            self.child.stdin.write(json.dumps(command) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise PeerError(f"{self.peer} had ended before {command}") from None
        line = self.child.stdout.readline()
        if not line:
            raise PeerError(f"{self.peer} ended with code {self.child.wait()} at {command}")
        self.child.send_signal(signal.SIGSTOP)
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
