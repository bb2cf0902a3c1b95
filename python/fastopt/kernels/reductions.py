"""Sums of arrays."""

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import read

__all__ = [
    "column_sum",
    "first_nonfinite",
    "norm",
    "sum",
]


def column_sum(x: ArrayLike, out: Real | None = None) -> Real:
    """Sum of each column, ``out[j] = sum_i x[i, j]``: the gradient with respect to a bias.

    Args:
        x: [rows, columns].
        out: [columns], may not overlap x.

    Returns:
        [columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: x is not two-dimensional, or ``out`` cannot be written.

    >>> column_sum([[1.0, 2.0], [3.0, 4.0]])
    array([4., 6.])
    """
    return core.column_sum(read(x), out)


def sum(x: ArrayLike) -> float:
    """Sum of all elements, in float64 and in a fixed order.

    Args:
        x: any shape.

    Returns:
        The sum; 0.0 of nothing.

    Raises:
        TypeError: the dtype is not float32 or float64.

    >>> sum([[1.0, 2.0], [3.0, 4.0]])
    10.0
    """
    return core.sum(read(x))


def norm(x: ArrayLike) -> float:
    """Euclidean norm of all elements, ``sqrt(sum(x^2))``, in float64 and in a fixed order.

    Args:
        x: any shape.

    Returns:
        The norm; 0.0 of nothing, infinity where a square leaves the range of float64.

    Raises:
        TypeError: the dtype is not float32 or float64.

    >>> norm([3.0, 4.0])
    5.0
    """
    return core.norm(read(x))


def first_nonfinite(x: ArrayLike) -> int:
    """Flat index of the first NaN or infinity, or -1.

    Args:
        x: any shape, in C order.

    Returns:
        The index, or -1 when all elements are finite.

    Raises:
        TypeError: the dtype is not float32 or float64.

    >>> import numpy as np
    >>> first_nonfinite([1.0, np.nan, np.inf])
    1
    """
    return core.first_nonfinite(read(x))
