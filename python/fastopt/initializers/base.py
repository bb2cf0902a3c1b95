"""What all initializers have in common, and the numbers that they draw."""

import functools
import math
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import Described, Registry, word

__all__ = ["INITIALIZERS", "Initializer", "sum_rows"]


def _checked(call: Callable[..., Real]) -> Callable[..., Real]:
    """Return the call of an initializer with its arguments checked."""

    @functools.wraps(call)
    def checked(self: Any, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        if not isinstance(shape, list | tuple):
            raise TypeError(f"shape must be a tuple of integers, not {shape!r}.")
        if not shape:
            raise ValueError("shape must have at least one size, not ().")
        sizes = tuple(checks.integer(f"shape[{i}]", size, 1, checks.SIZE) for i, size in enumerate(shape))
        seed, stream = checks.integer("seed", seed, 0, 2**64), checks.integer("stream", stream, 0, 2**64)
        return call(self, sizes, seed, stream, word("dtype", dtype, ("float32", "float64")))

    return checked


class Initializer(Described):
    """The base of all initializers: a function from shape, seed and stream to an array."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__call__" in vars(cls):
            setattr(cls, "__call__", _checked(vars(cls)["__call__"]))  # noqa: B010

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the starting values.

        Args:
            shape: The shape of the tensor; a kernel is ``[inputs, outputs]``, that of a convolution ``[..., inputs,
                outputs]`` with the sizes of its window in front.
            seed: The seed of the model, 0 <= seed < 2**64.
            stream: The number of the random stream, one for each tensor, 0 <= stream < 2**64.
            dtype: ``"float32"`` or ``"float64"``.

        Returns:
            A new array of that shape and dtype.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: One is out of its range.
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
    """Return how many numbers a kernel takes and gives at a place, all of its window; ValueError for a vector."""
    if len(shape) < 2:
        raise ValueError(f"{initializer!r} makes kernels [inputs, outputs], not arrays of shape {shape}.")
    return (math.prod(shape[:-1]), shape[-1])


def sum_rows(a: NDArray[Any]) -> Any:
    """Return ``a.sum(axis=0)`` by additions whose order NumPy does not choose: the same on every machine."""
    while len(a) > 1:
        half = len(a) // 2
        halves = a[:half] + a[half : 2 * half]
        if len(a) % 2:
            halves[0] += a[-1]
        a = halves
    return a[0]
