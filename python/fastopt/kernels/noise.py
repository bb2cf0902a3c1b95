"""Noise in training."""

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import counter, read, real

__all__ = [
    "dropout_backward",
    "dropout_forward",
    "gaussian_noise",
]


def dropout_forward(
    x: ArrayLike, rate: float, seed: int, stream: int = 0, out: Real | None = None
) -> tuple[Real, Real]:
    """Dropout in training: ``y = x mask`` with ``mask = 1 / (1 - rate)``, or 0 with probability ``rate``.

    Element j of row i is dropped where ``word[j] < rate 2^32`` with the words of ``philox(seed, stream + i)``.

    Args:
        x: [n, features].
        rate: 0 <= rate < 1.
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64 - n.
        out: [n, features], where y is written; it may be x.

    Returns:
        y and mask, [n, features].

    Raises:
        TypeError: x is not float32 or float64, or `out` is of another dtype.
        ValueError: a number is out of range, or a shape does not fit.

    >>> import numpy as np
    >>> y, mask = dropout_forward(np.ones((1, 6), np.float32), 0.5, seed=0)
    >>> y
    array([[0., 2., 2., 2., 2., 0.]], dtype=float32)
    """
    counter(seed, stream, 0)
    return core.dropout_forward(read(x), real("rate", rate, finite=False), seed, stream, out)


def dropout_backward(dy: ArrayLike, mask: ArrayLike, out: Real | None = None) -> Real:
    """Gradient of dropout: ``dx = dy mask``.

    Args:
        dy: [n, features].
        mask: [n, features], as `dropout_forward` returned it.
        out: [n, features], where dx is written; it may be dy.

    Returns:
        dx, [n, features].

    Raises:
        TypeError: an array is not float32 or float64, or their dtypes differ.
        ValueError: shapes differ, or `out` cannot be written.

    >>> import numpy as np
    >>> dropout_backward(np.ones((1, 2)), np.array([[2.0, 0.0]]))
    array([[2., 0.]])
    """
    return core.dropout_backward(read(dy), read(mask), out)


def gaussian_noise(x: ArrayLike, stddev: float, seed: int, stream: int = 0, out: Real | None = None) -> Real:
    """Gaussian noise in training: ``y = x + stddev n`` with n from N(0, 1); its gradient is ``dx = dy``.

    The noise of row i is that of ``normal(seed, stream + i, features)``.

    Args:
        x: [n, features].
        stddev: standard deviation, at least 0.
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64 - n.
        out: [n, features], where y is written; it may be x.

    Returns:
        y, [n, features].

    Raises:
        TypeError: x is not float32 or float64, or `out` is of another dtype.
        ValueError: a number is out of range, or a shape does not fit.

    Source: C. Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7(1), 1995.

    >>> import numpy as np
    >>> from fastopt.kernels import normal
    >>> x = np.array([[1.0, 2.0]])
    >>> bool((gaussian_noise(x, 0.5, seed=0) == x + 0.5 * normal(0, 0, 2, "float64")).all())
    True
    """
    counter(seed, stream, 0)
    return core.gaussian_noise(read(x), real("stddev", stddev, finite=False), seed, stream, out)
