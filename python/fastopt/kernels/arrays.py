"""What every kernel does with its arguments."""

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt.core.plain import plain


def read(x: ArrayLike) -> Any:
    """Return an array that the core can read."""
    return np.require(plain("an argument", x), requirements=["C", "A"])


def read_optional(x: ArrayLike | None) -> Any:
    """Return an array that the core can read, or None."""
    return None if x is None else read(x)


def read_target(target: ArrayLike) -> Any:
    """Return targets that the core can read; labels may be of any integer type."""
    array = read(target)
    return array.astype(np.int64) if array.ndim == 1 and array.dtype.kind in "iu" else array


def integer(name: str, value: int) -> int:
    """Return the value if it is an integer."""
    if type(value) is int:
        return value
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    return value.__index__()


def real(name: str, value: float, *, finite: bool = True) -> float:
    """Return the value if it is a number, and finite unless the core looks at that."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if finite and not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {value!r}")
    return number


def flag(name: str, value: bool) -> bool:
    """Return the value if it is a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def channels_last(axis: int) -> bool:
    """Return whether the axis of the channels is the last."""
    if integer("axis", axis) not in (1, -1):
        raise ValueError(f"axis must be 1 or -1, got {axis}")
    return axis == -1


def counter(seed: int, stream: int, count: int) -> tuple[int, int, int]:
    """Return the arguments of a random function, checked."""
    for name, number, end in (("seed", seed, 2**64), ("stream", stream, 2**64), ("count", count, 2**63)):
        if not 0 <= integer(name, number) < end:
            raise ValueError(f"{name} must be at least 0 and less than {end}, got {number}")
    return seed, stream, count
