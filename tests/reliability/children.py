"""Work in forked processes, whose death is a fault and not the end."""

import mmap
import os
import pickle
import signal
import sys
from collections.abc import Callable

SECONDS = 60  # for what should take milliseconds
BLOCK = 20_000  # attempts of one process


def forked(work: Callable[[], object]) -> int:
    """Start a process that does this work, and is killed if it hangs; return its number."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.alarm(SECONDS)
        work()
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """Wait for a process; return its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def tried(
    attempt: Callable[[int], str | None], first: int, count: int, begin: Callable[[], object] = list
) -> list[str]:
    """Return what was wrong with so many attempts, from the number `first` on; that their process died is a fault.

    `begin` is called first in each process.
    """
    faults: list[str] = []
    at = mmap.mmap(-1, mmap.PAGESIZE)  # the number of the attempt that is on
    end = first + count
    while first < end:
        stop = min(first + BLOCK, end)
        reading, writing = os.pipe()

        def work(first: int = first, stop: int = stop, writing: int = writing) -> None:
            found = []
            begin()
            for number in range(first, stop):
                at[:8] = number.to_bytes(8, "little")
                signal.alarm(SECONDS)
                fault = attempt(number)
                if fault is not None:
                    found.append(f"{number}: {fault}")
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(found[:100], pipe)

        child = forked(work)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        status = ended(child)
        if status == 0:
            faults += pickle.loads(said)
            first = stop
        else:
            number = int.from_bytes(at[:8], "little")
            faults.append(f"{number}: the process ended with {status}")
            first = number + 1  # what was found before it in this block is lost, and that it died is not
    return faults
