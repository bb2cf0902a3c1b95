"""What this installation runs on: versions, instruction set, threads and why that many."""

import os
import platform

import numpy as np

from fastopt import _core
from fastopt.core import checks
from fastopt.core.warn import warn

__all__ = ["config", "get_num_threads", "set_num_threads", "show_config"]

LIMITS = {"affinity": "CPU affinity", "cgroup": "cgroup CPU quota"}


def check_environment() -> None:
    """Look at the numbers of threads in the environment: one that means nothing would be left out in silence.

    Raises:
        ValueError: FASTOPT_NUM_THREADS has a value that means nothing.

    Warns:
        UserWarning: OMP_NUM_THREADS, which is not ours alone, has one.
    """
    for name in ("FASTOPT_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name)
        if value and _core.runtime.thread_limits()[name] is None:
            message = f"The environment variable {name} is {value!r}, which is no number of threads from 1 on"
            if name == "FASTOPT_NUM_THREADS":
                raise ValueError(f"{message}.")
            warn(f"{message}; it does not count.")


def get_num_threads() -> int:
    """Return how many threads a large computation uses.

    Example:
        >>> import fastopt as fo
        >>> fo.get_num_threads() >= 1
        True
    """
    return _core.runtime.num_threads()


def set_num_threads(count: int) -> None:
    """Set how many threads a large computation uses; results do not depend on it.

    Args:
        count: At least 1.

    Raises:
        TypeError: `count` is not an integer.
        ValueError: `count` is less than 1.

    Example:
        >>> import fastopt as fo
        >>> before = fo.get_num_threads()
        >>> fo.set_num_threads(1)
        >>> fo.get_num_threads()
        1
        >>> fo.set_num_threads(before)
    """
    _core.runtime.set_num_threads(checks.integer("count", count, 1, 2**31))


def config() -> dict[str, str]:
    """Return what `show_config` prints.

    Example:
        >>> import fastopt as fo
        >>> list(fo.config.config())
        ['fastopt', 'Python', 'NumPy', 'instruction set', 'threads', 'OpenMP', 'compiler']
    """
    build = _core.runtime.build_info()
    return {
        "fastopt": build["version"],
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "instruction set": f"{_core.runtime.isa()} (this machine has {', '.join(_core.runtime.isas())})",
        "threads": f"{get_num_threads()} ({_why()})",
        "OpenMP": build["openmp"],
        "compiler": build["compiler"],
    }


def _why() -> str:
    limits = {name: value for name, value in _core.runtime.thread_limits().items() if value is not None}
    chosen = limits.pop("set_num_threads", None)
    if chosen is not None:
        return "by set_num_threads"
    if "FASTOPT_NUM_THREADS" in limits:
        limits.pop("OMP_NUM_THREADS", None)
    listed = ", ".join(f"{LIMITS.get(name, name)} {value}" for name, value in limits.items())
    return f"the least of: {listed}" if len(limits) > 1 else listed


def show_config() -> None:
    """Print the versions, the instruction set in use and the available ones, the threads and why that many.

    Example:
        >>> import fastopt as fo
        >>> fo.show_config()  # doctest: +ELLIPSIS
        fastopt          ...
    """
    entries = config()
    width = max(map(len, entries))
    for name, value in entries.items():
        print(f"{name:<{width}}  {value}")
