"""Arrays at awkward addresses, and the distance of a result from the exact one."""

from collections.abc import Callable

import numpy as np

GUARD = 64  # elements before and after: at least the reach of one vector


def guarded(array: np.ndarray, start: int = 0, fill: float = np.nan) -> tuple[np.ndarray, Callable[[], bool]]:
    """Copy of an array that begins `start` elements after a 64-byte boundary, between guards filled with `fill`.

    Returns the copy and a function that tells whether the guards are untouched. What is only read gets NaN guards, so
    that a read beyond the end does not go unnoticed; what is written gets finite ones, so that a NaN there does not.
    """
    buffer = np.full(array.size + 3 * GUARD, fill, array.dtype)
    first = -buffer.ctypes.data % 64 // array.itemsize + GUARD + start
    before, inside, after = np.split(buffer, [first, first + array.size])
    view = inside.reshape(array.shape)
    view[...] = array
    return view, lambda: all(np.array_equal(g, np.full_like(g, fill), equal_nan=True) for g in (before, after))


def blank(shape: int | tuple[int, ...], dtype, start: int = 0) -> tuple[np.ndarray, Callable[[], bool]]:
    """Guarded array to write into, full of a value that is not the result."""
    return guarded(np.full(shape, 1234.5, dtype), start, fill=-7.0)


def wide(x: np.ndarray) -> np.ndarray:
    """In a precision that makes the twin exact for the purpose of a test."""
    return np.asarray(x, np.longdouble)


def ulp_error(got: np.ndarray, exact: np.ndarray, floor: float = 0.0) -> float:
    """Largest error in units in the last place of the exact result, of one as large as `floor` if it is smaller.

    Infinities and NaN must be where they belong.
    """
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    assert np.isfinite(got[finite]).all()
    got, exact, info = got[finite], exact[finite], np.finfo(got.dtype)
    size = np.maximum(np.abs(exact), floor)
    exponent = np.maximum(np.where(size == 0, info.minexp, np.frexp(size)[1] - 1), info.minexp)
    error = np.abs(wide(got) - exact) / np.ldexp(np.longdouble(1), exponent - info.nmant)
    return float(error.max(initial=0.0))


def assert_close(got: np.ndarray, exact: np.ndarray, bound: np.ndarray | float) -> None:
    """|got - exact| <= bound, element by element, and the same shape."""
    assert got.shape == exact.shape
    excess = np.abs(wide(got) - exact) / np.maximum(bound, np.finfo(got.dtype).smallest_subnormal)
    assert excess.size == 0 or excess.max() <= 1, f"{float(excess.max()):.3g} times the bound"
