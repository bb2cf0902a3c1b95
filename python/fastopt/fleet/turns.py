"""Which members of a fleet run, and on how many threads."""

import heapq
import threading
from collections.abc import Callable, Sequence

from fastopt import _core
from fastopt.fleet.baton import Baton

__all__ = ["Turns"]


class Turns:
    """Lets as many members run as there are workers, first those that have the most left to do.

    A member that has finished an epoch gives its worker to one that waits if that one has to begin now, or else would
    be the last to end: three equal members take two workers one and a half times as long as one member, not twice.

    Members whose epochs are so short that Python is much of them go one at a time, in turn: each would wait longer for
    the interpreter's lock than its epochs last.

    Args:
        work: What each member has to do, in any unit.
        workers: How many run at a time.
        threads: How many threads each may use. Those that workers leave idle at the end go to the others.
        run: Called in a thread with each member.
    """

    def __init__(self, work: Sequence[float], workers: int, threads: int, run: Callable[[int], None]) -> None:
        self.interruption = _core.runtime.Interruption()
        self._left = list(work)
        self._total = sum(work)  # left to do by those that run and those that wait
        self._waiting = [(-left, member) for member, left in enumerate(work)]
        heapq.heapify(self._waiting)
        self._gates: dict[int, threading.Event] = {}  # of those that wait in the middle of their work
        self._workers, self._cores = workers, workers * threads
        self._least = threads
        self._run = run
        self._running = 0
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()  # a generator that is thrown away may stop all in any thread
        self._python = Baton()  # of members with short epochs

    def start(self) -> None:
        """Let the first members run."""
        with self._lock:
            while self._waiting and self._running < self._workers and self._begin_next():
                pass
            if self._waiting and not self._running:
                raise RuntimeError("the system lets no thread be started")

    def stop(self) -> None:
        """End all, those that run after their last whole step, and wait for them."""
        with self._lock:
            self._waiting = []
            self.interruption.set()
            for gate in self._gates.values():
                gate.set()
            self._python.stop()
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join()

    def after_epoch(self, member: int, left: float, short: bool) -> None:
        """Called by a member with what it has left to do, and whether its epochs are short; returns when it may go on.

        Raises:
            KeyboardInterrupt: It is to end.
        """
        with self._lock:
            self._total -= self._left[member] - left
            self._left[member] = left
            gate = self._give_way(member) if left > 0 and self._waiting else None
        if gate is not None:
            self.release(member)
            gate.wait()
        if short:
            self._python.keep(member)
        else:
            self.release(member)
        if self.interruption:
            raise KeyboardInterrupt
        self._share_cores()

    def release(self, member: int) -> None:
        """Called by a member that has ended, or waits."""
        self._python.give(member)

    def _give_way(self, member: int) -> threading.Event | None:
        left, most = self._left[member], -self._waiting[0][0]
        if most <= left or most * self._workers < self._total:
            return None
        if not self._begin_next():
            return None
        gate = self._gates[member] = threading.Event()
        heapq.heappush(self._waiting, (-left, member))
        self._running -= 1
        return gate

    def _begin_next(self) -> bool:
        """Let the one with the most left run; return False if the system lets no thread be started."""
        entry = heapq.heappop(self._waiting)
        member = entry[1]
        if member in self._gates:
            self._gates.pop(member).set()
        else:
            thread = threading.Thread(target=self._work, args=(member,), name=f"fleet-{member}", daemon=True)
            self._threads.append(thread)
            try:
                thread.start()
            except RuntimeError:
                heapq.heappush(self._waiting, entry)
                return False
        self._running += 1
        return True

    def _work(self, member: int) -> None:
        self.interruption.heed()
        while True:
            self._share_cores()
            self._run(member)
            with self._lock:
                self._running -= 1
                self._total -= self._left[member]
                if not self._waiting:
                    return
                if self._waiting[0][1] in self._gates:
                    self._begin_next()
                    return
                member = heapq.heappop(self._waiting)[1]
                self._running += 1

    def _share_cores(self) -> None:
        """Set how many threads the calling one may use: results do not depend on it."""
        threads = self._least if self._waiting else max(self._least, self._cores // max(1, self._running))
        _core.runtime.limit_threads(threads)
