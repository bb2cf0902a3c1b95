"""Ctrl-C that waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["deferred"]


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C wait for the end of what is done within, which must be short."""
    import signal  # these two take a millisecond to import
    import threading

    before: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[Any] = []
    signal.signal(signal.SIGINT, lambda *signal_and_frame: came.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])
