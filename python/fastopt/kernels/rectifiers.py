"""PReLU and Maxout: activations that are trained, or choose."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import channels_last, integer, read
from fastopt.kernels.documentation import documented

__all__ = [
    "maxout_backward",
    "maxout_forward",
    "prelu_backward",
    "prelu_forward",
]


@documented(alpha="slopes, [channels].")
def prelu_forward(x: ArrayLike, alpha: ArrayLike, axis: int = 1, out: Real | None = None) -> Real:
    """Rectifier with a slope for each channel, ``y = x`` for ``x > 0``, else ``alpha * x``.

    Returns:
        y of the shape of x.

    Raises:
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level performance on
    ImageNet classification", ICCV 2015.

    >>> prelu_forward([[-2.0, -2.0], [2.0, 2.0]], [0.5, -1.0])
    array([[-1.,  2.],
           [ 2.,  2.]])
    """
    return core.prelu_forward(read(x), read(alpha), channels_last(axis), out)


@documented(of="prelu_forward")
def prelu_backward(
    dy: ArrayLike, x: ArrayLike, alpha: ArrayLike, axis: int = 1, out: Real | None = None
) -> tuple[Real, Real]:
    """Gradients of `prelu_forward`.

    ``dx = dy`` for ``x > 0``, else ``alpha * dy``; ``dalpha`` is the sum of ``dy * x`` where not ``x > 0``, over all
    samples and positions.

    Returns:
        dx of the shape of x, and dalpha [channels].

    Raises:
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> prelu_backward([[1.0, 1.0], [3.0, 3.0]], [[-2.0, -2.0], [2.0, 2.0]], [0.5, -1.0])
    (array([[ 0.5, -1. ],
           [ 3. ,  3. ]]), array([-2., -2.]))
    """
    return core.prelu_backward(read(dy), read(x), read(alpha), channels_last(axis), out)


def maxout_forward(x: ArrayLike, pieces: int, out: Real | None = None) -> tuple[Real, NDArray[np.int64]]:
    """Largest of the pieces of each unit, ``y[i, j] = max_k x[i, j pieces + k]``, and which one it is.

    The first of equal pieces counts; a NaN counts as larger than numbers.

    Args:
        x: [n, units pieces], the pieces of a unit side by side.
        pieces: of each unit, at least 1.
        out: [n, units], where y is written; may not overlap x.

    Returns:
        y [n, units], and the k from 0 to ``pieces - 1``, int64 [n, units].

    Raises:
        TypeError: x is not float32 or float64, or ``out`` is of another dtype.
        ValueError: the columns of x are not a multiple of the pieces, or ``out`` cannot be written.

    Source: I. Goodfellow, D. Warde-Farley, M. Mirza, A. Courville, Y. Bengio, "Maxout networks", ICML 2013.

    >>> maxout_forward([[1.0, 3.0, 2.0, 2.0]], 2)
    (array([[3., 2.]]), array([[1, 0]]))
    """
    return core.maxout_forward(read(x), integer("pieces", pieces), out)


def maxout_backward(dy: ArrayLike, piece: ArrayLike, pieces: int, out: Real | None = None) -> Real:
    """Gradient of `maxout_forward`: ``dx[i, j pieces + k] = dy[i, j]`` for ``k = piece[i, j]``, else 0.

    Args:
        dy: gradient with respect to y, [n, units].
        piece: int64 [n, units], as returned by `maxout_forward`.
        pieces: as given to it.
        out: for dx, [n, units pieces]; may not overlap the inputs.

    Returns:
        dx, [n, units pieces].

    Raises:
        TypeError: dy is not float32 or float64, piece is not int64, or ``out`` is of another dtype than dy.
        ValueError: a shape does not fit, an element of piece is not from 0 to ``pieces - 1``, or ``out`` cannot be
            written.

    >>> maxout_backward([[5.0, 7.0]], [[1, 0]], 2)
    array([[0., 5., 7., 0.]])
    """
    return core.maxout_backward(read(dy), read(piece), integer("pieces", pieces), out)
