"""What all initializers have in common, and the numbers that they draw."""

import math
from typing import Any

from numpy.typing import NDArray

from fastopt import _core
from fastopt.core.registry import Described, Registry
from fastopt.kernels import Real

__all__ = ["INITIALIZERS", "Initializer", "sum_rows"]


class Initializer(Described):
    """The base of all initializers: a function from shape, seed and stream to an array."""

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the starting values.

        Args:
            shape: The shape of the tensor; a kernel is ``[inputs, outputs]``.
            seed: The seed of the model, 0 <= seed < 2**64.
            stream: The number of the random stream, one for each tensor, 0 <= stream < 2**64.
            dtype: ``"float32"`` or ``"float64"``.

        Returns:
            A new array of that shape and dtype.
        """
        raise NotImplementedError


INITIALIZERS = Registry("initializer", Initializer)


def normal(shape: tuple[int, ...], seed: int, stream: int, dtype: str, mean: float, stddev: float) -> Real:
    """Return normal random numbers."""
    values = _core.kernels.normal(seed, stream, math.prod(shape), dtype).reshape(shape)
    values *= stddev
    values += mean
    return values


def uniform(shape: tuple[int, ...], seed: int, stream: int, dtype: str, low: float, high: float) -> Real:
    """Return uniform random numbers."""
    values = _core.kernels.uniform(seed, stream, math.prod(shape), dtype).reshape(shape)
    values *= high - low
    values += low
    return values


def matrix(initializer: Initializer, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the numbers of inputs and outputs; ValueError where the shape is not theirs."""
    if len(shape) != 2:
        raise ValueError(f"{initializer!r} makes kernels [inputs, outputs], not arrays of shape {shape}.")
    return (shape[0], shape[1])


def sum_rows(a: NDArray[Any]) -> Any:
    """Return ``a.sum(axis=0)`` by additions whose order NumPy does not choose: the same on every machine."""
    while len(a) > 1:
        half = len(a) // 2
        halves = a[:half] + a[half : 2 * half]
        if len(a) % 2:
            halves[0] += a[-1]
        a = halves
    return a[0]
