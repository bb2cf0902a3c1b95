"""Starting values of weights.

Every initializer is called with the shape, the seed of the model and the number of the tensor's random stream, and
gives the same numbers on every machine. Names in snake case (``"he_normal"``) stand for the objects with their
defaults.
"""

import math

import numpy as np

from fastopt import _core, checks
from fastopt.kernels import Real
from fastopt.registry import Described, Registry

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "RandomNormal",
    "Zeros",
]


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


def _normal(shape: tuple[int, ...], seed: int, stream: int, dtype: str, mean: float, stddev: float) -> Real:
    values = _core.kernels.normal(seed, stream, math.prod(shape), dtype).reshape(shape)
    values *= stddev
    values += mean
    return values


def _uniform(shape: tuple[int, ...], seed: int, stream: int, dtype: str, limit: float) -> Real:
    values = _core.kernels.uniform(seed, stream, math.prod(shape), dtype).reshape(shape)
    values *= 2.0 * limit
    values -= limit
    return values


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[0], shape[-1])


@INITIALIZERS.add("constant")
class Constant(Initializer):
    """The same value everywhere: w = value.

    Args:
        value: Any finite number.

    Raises:
        TypeError: `value` is not a number.
        ValueError: `value` is not finite.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Constant(0.1)((3,), seed=0, stream=0)
        array([0.1, 0.1, 0.1], dtype=float32)
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = checks.real("value", value)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        values: Real = np.full(shape, self.value, dtype)
        return values


@INITIALIZERS.add()
class Zeros(Initializer):
    """Zero everywhere: w = 0; the usual start of biases.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Zeros()((2,), seed=0, stream=0)
        array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        values: Real = np.zeros(shape, dtype)
        return values


@INITIALIZERS.add("normal")
class RandomNormal(Initializer):
    """Normally distributed: w ~ N(mean, stddev^2).

    Args:
        mean: The mean, any finite number.
        stddev: The standard deviation, at least 0.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `stddev` is negative.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.RandomNormal(stddev=0.01)((100, 100), seed=0, stream=0).std() - 0.01) < 1e-3)
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = checks.real("mean", mean)
        self.stddev = checks.real("stddev", stddev)
        if self.stddev < 0:
            raise ValueError(f"stddev must be at least 0, not {self.stddev}.")

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _normal(shape, seed, stream, dtype, self.mean, self.stddev)


@INITIALIZERS.add()
class GlorotUniform(Initializer):
    """Keeps the variance of signals and gradients through tanh layers: w ~ U(-a, a), a = sqrt(6 / (inputs + outputs)).

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.GlorotUniform()((50, 100), seed=0, stream=0)).max() <= 0.2)
        True
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _uniform(shape, seed, stream, dtype, math.sqrt(6.0 / sum(_fans(shape))))


@INITIALIZERS.add()
class GlorotNormal(Initializer):
    """Keeps the variance of signals and gradients through tanh layers: w ~ N(0, 2 / (inputs + outputs)), not truncated.

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.GlorotNormal()((100, 100), seed=0, stream=0).std() - 0.1) < 0.01)
        True
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _normal(shape, seed, stream, dtype, 0.0, math.sqrt(2.0 / sum(_fans(shape))))


@INITIALIZERS.add()
class HeUniform(Initializer):
    """Keeps the variance of signals through ReLU layers: w ~ U(-a, a), a = sqrt(6 / inputs).

    Source:
        He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.HeUniform()((6, 100), seed=0, stream=0)).max() <= 1.0)
        True
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _uniform(shape, seed, stream, dtype, math.sqrt(6.0 / _fans(shape)[0]))


@INITIALIZERS.add()
class HeNormal(Initializer):
    """Keeps the variance of signals through ReLU layers: w ~ N(0, 2 / inputs), not truncated.

    Source:
        He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.HeNormal()((200, 100), seed=0, stream=0).std() - 0.1) < 0.01)
        True
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _normal(shape, seed, stream, dtype, 0.0, math.sqrt(2.0 / _fans(shape)[0]))
