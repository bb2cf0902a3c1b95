"""The losses of values and of counts."""

from typing import Any

from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.losses.base import LOSSES, Loss, refuse

__all__ = ["Huber", "LogCosh", "MeanAbsoluteError", "MeanSquaredError", "Poisson"]


@LOSSES.add("mse")
class MeanSquaredError(Loss):
    """Mean squared error: L = mean over outputs of (y - t)^2.

    Targets are ``[n, outputs]``, or ``[n]`` for one output. The last layer may have any activation.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.losses.MeanSquaredError().targets("y", [1.5, 2.5], outputs=1, dtype="float64")
        array([[1.5],
               [2.5]])
    """


@LOSSES.add("mae")
class MeanAbsoluteError(Loss):
    """Mean absolute error: L = mean over outputs of |y - t|; where y = t its gradient is 0.

    Targets are ``[n, outputs]``, or ``[n]`` for one output. The last layer may have any activation.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.MeanAbsoluteError().targets("y", [1.5, 2.5], outputs=1, dtype="float64")
        array([[1.5],
               [2.5]])
    """


@LOSSES.add()
class Huber(Loss):
    """Huber's loss: L = mean over outputs of d^2 / 2 where d = |y - t| <= delta, else delta (d - delta / 2).

    Targets are ``[n, outputs]``, or ``[n]`` for one output. The last layer may have any activation.

    Args:
        delta: Where the parabola becomes a line, above 0, in units of the targets.

    Raises:
        TypeError, ValueError: `delta` is no positive number.

    Source: P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35(1), 1964.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.Huber(delta=2.0).hyper
        {'delta': 2.0}
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = checks.real("delta", delta, 0, above=True)


@LOSSES.add()
class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine of the error: L = mean over outputs of log(cosh(y - t)).

    It is about d^2 / 2 for small errors d and |d| - log 2 for large ones. Targets are ``[n, outputs]``, or ``[n]`` for
    one output. The last layer may have any activation.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.LogCosh().targets("y", [1.5, 2.5], outputs=1, dtype="float64")
        array([[1.5],
               [2.5]])
    """


@LOSSES.add()
class Poisson(Loss):
    """Negative log-likelihood of counts: L = mean over outputs of e^z - t z, z being the logarithm of the rate.

    As in PyTorch, and unlike in Keras, the network gives log rates, which may be any numbers, so that no rate has to be
    kept away from 0; the term log(t!), which does not depend on z, is left out. Targets are ``[n, outputs]``, or
    ``[n]`` for one output, at least 0. The last layer may have any activation, usually ``"linear"``; predicted rates
    are ``numpy.exp(model.predict(x))``.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.Poisson().targets("y", [3, 0], outputs=1, dtype="float64")
        array([[3.],
               [0.]])
    """

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse what is not a count."""
        refuse(name, y, y < 0, "at least 0; targets are counts")
