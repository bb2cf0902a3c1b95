"""The processes that train one model: what they tell each other, and what becomes of the others when one fails."""

import atexit
import os
import pickle
import signal
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.distributed.watch import Watch

__all__ = ["ElsewhereError", "Group", "mpi"]

FINE, STOPS, INTERRUPTED, FAILED = range(4)  # what a process says of itself
SPINS = 2000  # looks at a message, before a process sleeps between two
PAUSE = 5e-5  # seconds of such a sleep
PIECE = 1 << 30  # bytes of a message


class ElsewhereError(Exception):
    """Raised where another process stops in the middle of a batch, until it has said why."""


def mpi() -> Any:
    """Return `mpi4py.MPI`.

    Raises:
        ImportError: There is none.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        message = f"fastopt.distributed needs mpi4py and an MPI library: pip install fastopt[mpi] ({error})."
        raise ImportError(message) from error
    return MPI


class Group:
    """The processes of a communicator, in ``with``: they go in and come out together, or fail together.

    What happens in one process happens in all. Before each message every process says how it is and what it is about
    to do: one that has raised an error says so, and the others raise it too; processes that are about to do different
    things raise an error as well. One that ends without a word is noticed by `Watch`.

    Args:
        comm: The communicator of mpi4py; None for all processes.

    Raises:
        TypeError: It is none.
    """

    def __init__(self, comm: Any = None) -> None:
        self._mpi = mpi()
        if comm is None:
            comm = self._mpi.COMM_WORLD
        if not isinstance(comm, self._mpi.Intracomm):
            raise TypeError(f"comm must be a communicator of mpi4py, such as MPI.COMM_WORLD, not {comm!r}.")
        self._comm = comm.Dup()
        self.rank: int = comm.rank
        self.size: int = comm.size
        self._crowded = len(os.sched_getaffinity(0)) < self.size
        self._interrupted = False
        self._known = False  # all processes know that one has failed
        self._before: Any = None
        self._watch: Watch | None = None

    def __enter__(self) -> "Group":
        if self.size > 1:
            self._watch = Watch(self.rank, self.size, self.objects)
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            if callable(self._before):
                signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, kind: object, error: BaseException | None, where: TracebackType | None) -> None:
        try:
            if error is None:
                self.meet("end")
            elif not self._known:
                self._fail(error)
        finally:
            if callable(self._before):
                signal.signal(signal.SIGINT, self._before)
            if self._watch is not None:
                self._watch.close()
            if self._watch is not None and self._watch.lost:  # messages to it will never arrive
                atexit.register(self._mpi.COMM_WORLD.Abort, 1)
            else:
                self._comm.Free()

    def _interrupt(self, *given: Any) -> None:
        if self._interrupted:  # for the second time
            self._before(*given)
        self._interrupted = True

    def _fail(self, error: BaseException) -> None:
        """Tell the others, or learn from them."""
        if self._watch is not None and self._watch.lost:
            return
        own = not isinstance(error, ElsewhereError)
        self._tell(np.array([FAILED, 0]))
        self._raise_failure(f"{type(error).__name__}: {error}" if own else "", own)

    def _raise_failure(self, text: str = "", own: bool = False) -> None:
        self._known = True
        texts = self._objects(text)
        if own:
            return
        number = next((i for i, said in enumerate(texts) if said), 0)
        if all(said in ("", "KeyboardInterrupt: ") for said in texts):
            raise KeyboardInterrupt
        raise RuntimeError(f"Rank {number} of {self.size} has failed, and training ends: {texts[number]}")

    @property
    def failed(self) -> bool:
        """Whether one has failed, as all of them know."""
        return self._known

    # Messages

    def _wait(self, *requests: Any) -> None:
        looks = 0
        while not self._mpi.Request.Testall(list(requests)):
            looks += 1
            if self._watch is not None and self._watch.lost:
                raise ConnectionError(self._watch.lost)
            if looks > SPINS:
                time.sleep(PAUSE)
            elif self._crowded:
                os.sched_yield()

    def _tell(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array of each process, all of one shape and dtype."""
        every = np.empty((self.size, *values.shape), values.dtype)
        self._wait(self._comm.Iallgather(values, every))
        return every

    def meet(self, what: str, stops: bool = False, interruptible: bool = True) -> bool:
        """Wait for the others, who must be about to do the same; return whether one of them stops.

        Args:
            what: What they are about to do.
            stops: Whether this one stops.
            interruptible: Whether Ctrl-C ends it; else the next meeting.

        Raises:
            KeyboardInterrupt: One was interrupted.
            RuntimeError: One has failed, or does something else.
            ConnectionError: One has ended.
        """
        state = INTERRUPTED if self._interrupted and interruptible else STOPS if stops else FINE
        said = self._tell(np.array([state, zlib.crc32(what.encode())]))
        if (said[:, 0] == FAILED).any():
            self._raise_failure()
        if (said[:, 1] != said[0, 1]).any():
            self._known = True
            doing = self._objects(what)
            raise RuntimeError(
                "The ranks do different things: " + "; ".join(f"rank {i}: {one}" for i, one in enumerate(doing)) + "."
            )
        if (said[:, 0] == INTERRUPTED).any():
            raise KeyboardInterrupt
        return bool((said[:, 0] == STOPS).any())

    def objects(self, given: Any) -> list[Any]:
        """Return what each process gives."""
        self.meet("tell")
        return self._objects(given)

    def _objects(self, given: Any) -> list[Any]:
        if self.size == 1:
            return [given]
        return self._exchanged([given] * self.size)

    def exchanged(self, given: Sequence[Any]) -> list[Any]:
        """Return what each process gives this one, of what each gives each."""
        self.meet("exchange")
        return self._exchanged(given)

    def _exchanged(self, given: Sequence[Any]) -> list[Any]:
        data: list[NDArray[np.uint8]] = []
        for i, one in enumerate(given):
            same = i > 0 and one is given[0]
            data.append(data[0] if same else np.frombuffer(pickle.dumps(one, pickle.HIGHEST_PROTOCOL), np.uint8))
        sizes = self._tell(np.array([len(one) for one in data]))[:, self.rank]
        got = [np.empty(size, np.uint8) for size in sizes]
        requests = []
        for other in range(self.size):
            if other != self.rank:
                requests += [self._comm.Irecv(piece, other) for piece in _pieces(got[other])]
                requests += [self._comm.Isend(piece, other) for piece in _pieces(data[other])]
        got[self.rank] = data[self.rank]
        self._wait(*requests)
        return [pickle.loads(one.data) for one in got]

    def shares(self, values: NDArray[Any]) -> None:
        """Fill in the rows of the others, of whom each has as many."""
        if self.size > 1:
            self._wait(self._comm.Iallgather(self._mpi.IN_PLACE, values))

    def tell(self, values: NDArray[Any], every: NDArray[Any]) -> Any:
        """Begin to fill in the values of each process, without a meeting before; return what is to wait."""
        return self._comm.Iallgather(values, every)

    def sum_fast(self, values: NDArray[Any]) -> Any:
        """Begin to replace the values by their sum over all processes, in MPI's own order; return what is to wait."""
        return self._comm.Iallreduce(self._mpi.IN_PLACE, values)

    def sum_parts(self, values: NDArray[Any], to: NDArray[Any], sizes: Sequence[int]) -> Any:
        """Begin to find the sum of a part of the values, as `sum_fast`; each process has one, of so many values."""
        return self._comm.Ireduce_scatter(values, to, sizes)

    def sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the sum of the values over all processes."""
        self.meet("sum")
        self._wait(self.sum_fast(values))
        return values

    def wait(self, *requests: Any) -> None:
        """Wait for messages."""
        self._wait(*requests)

    def send(self, values: NDArray[Any], to: int) -> Any:
        """Begin to send values, in one piece of memory; return what is to wait."""
        return self._comm.Isend(values, to)

    def receive(self, values: NDArray[Any], source: int) -> Any:
        """Begin to receive values; return what is to wait."""
        return self._comm.Irecv(values, source)

    def first(self, given: Any) -> Any:
        """Return what the first process gives."""
        return self.objects(given if self.rank == 0 else None)[0]


def _pieces(data: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for begin in range(0, len(data), PIECE):
        yield data[begin : begin + PIECE]
