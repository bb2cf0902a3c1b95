"""A lock that goes round."""

import threading
import time
from collections import deque

__all__ = ["Baton"]

WHILE = 0.05  # seconds


class Baton:
    """What one member has at a time; after a while it goes to the one that has waited longest."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._holder: int | None = None
        self._since = 0.0
        self._stopped = False
        self._waiting: deque[tuple[int, threading.Event]] = deque()

    def keep(self, member: int) -> None:
        """Wait until the member has it; one that has had it for a while waits until the others had it."""
        with self._lock:
            if self._stopped:
                return
            if self._holder == member:
                if not self._waiting or time.perf_counter() - self._since < WHILE:
                    return
                self.give(member)
            if self._holder is None:
                self._pass_to(member)
                return
            event = threading.Event()
            self._waiting.append((member, event))
        event.wait()

    def give(self, member: int) -> None:
        """Pass it on, if the member has it."""
        with self._lock:
            if self._holder == member:
                self._holder = None
                if self._waiting:
                    following, event = self._waiting.popleft()
                    self._pass_to(following)
                    event.set()

    def stop(self) -> None:
        """Let all that wait go on, who are to end."""
        with self._lock:
            self._stopped = True
            while self._waiting:
                self._waiting.popleft()[1].set()

    def _pass_to(self, member: int) -> None:
        self._holder, self._since = member, time.perf_counter()
