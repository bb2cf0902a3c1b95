"""Warnings that name the caller's line, not one of the library."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["collected", "warn"]

PACKAGE = os.path.dirname(os.path.dirname(__file__))

Warned = list[tuple[str, type[Warning]]]


# Where the warnings of a thread go, if nobody's line called the library in it.
_collected: ContextVar[Warned | None] = ContextVar("collected", default=None)


@contextmanager
def collected() -> Iterator[Warned]:
    """Collect the warnings of this thread, for `warn` in the one whose line called the library."""
    warned: Warned = []
    before = _collected.set(warned)
    try:
        yield warned
    finally:
        _collected.reset(before)


def warn(message: str, category: type[Warning] = UserWarning, through: str = "") -> None:
    """Warn, as of the line that called the library.

    Args:
        message: What is wrong.
        category: The class of the warning.
        through: The folder of a library through whose functions it may have been called.
    """
    if (warned := _collected.get()) is not None:
        warned.append((message, category))
        return
    frame = sys._getframe(1)
    inside = (PACKAGE, "<frozen importlib", through or PACKAGE)
    while frame.f_back and frame.f_code.co_filename.startswith(inside):
        frame = frame.f_back
    names = frame.f_globals
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        names.get("__name__"),
        names.setdefault("__warningregistry__", {}),
    )
