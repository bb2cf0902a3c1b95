"""Constants, and random numbers of a given size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.initializers.base import INITIALIZERS, Initializer, normal, uniform

__all__ = ["Constant", "Ones", "RandomNormal", "RandomUniform", "Zeros"]


@INITIALIZERS.add()
class Constant(Initializer):
    """The same value everywhere, or one for each output: w = value.

    A bias of 0.01 to 0.1 lets all units of a ReLU layer pass gradients at the start.

    Args:
        value: Any finite number, or one for each output; see also `output_prior`.

    Raises:
        TypeError: `value` is neither a number nor a list of numbers.
        ValueError: `value` is not finite, or, at the call, does not have one number for each output.

    Source:
        For ReLU: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.3.1.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Constant(0.1)((3,), seed=0, stream=0)
        array([0.1, 0.1, 0.1], dtype=float32)
        >>> fo.layers.Dense(2, bias_initializer=fo.initializers.Constant([-1.0, 1.0])).bias_initializer
        Constant(value=[-1.0, 1.0])
    """

    def __init__(self, value: float | Sequence[float] = 0.0) -> None:
        self.value: float | list[float]
        given: Any = value
        if isinstance(given, np.ndarray):
            given = checks.array("value", given).tolist()
        if isinstance(given, Sequence) and not isinstance(given, str):
            self.value = [checks.real(f"value[{i}]", number) for i, number in enumerate(given)]
        else:
            self.value = checks.real("value", given)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        if isinstance(self.value, list) and len(self.value) != shape[-1]:
            raise ValueError(f"Constant has {len(self.value)} numbers; a tensor of shape {shape} needs {shape[-1]}.")
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


@INITIALIZERS.add()
class Ones(Initializer):
    """One everywhere: w = 1.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Ones()((2,), seed=0, stream=0)
        array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        values: Real = np.ones(shape, dtype)
        return values


@INITIALIZERS.add("normal")
class RandomNormal(Initializer):
    """Normally distributed: w ~ N(mean, stddev^2); 0.01 N(0, 1) is ``RandomNormal(stddev=0.01)``.

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
        self.stddev = checks.real("stddev", stddev, 0.0)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return normal(shape, seed, stream, dtype, self.mean, self.stddev)


@INITIALIZERS.add("uniform")
class RandomUniform(Initializer):
    """Uniformly distributed: w ~ U(minval, maxval).

    Args:
        minval: The lower bound, any finite number.
        maxval: The upper bound, at least `minval`.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `maxval` is less than `minval`.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.RandomUniform(0.0, 0.2)((100, 100), seed=0, stream=0).mean() - 0.1) < 0.01)
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = checks.real("minval", minval)
        self.maxval = checks.real("maxval", maxval, self.minval)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return uniform(shape, seed, stream, dtype, self.minval, self.maxval)


# Scaled by the numbers of inputs and outputs
