"""The losses of values and of counts."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.losses.base import LOSSES, Loss, refuse

__all__ = ["Huber", "LogCosh", "MeanAbsoluteError", "MeanSquaredError", "Poisson", "Quantile"]


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


@LOSSES.add("pinball")
class Quantile(Loss):
    """Pinball loss, least at quantiles: L = mean over outputs of q d where d = t - y > 0, else (q - 1) d.

    The network has an output for each quantile of each target, those of one target side by side. Where y = t the
    gradient is 0. Targets are ``[n, targets]``, or ``[n]`` for one. The last layer may have any activation, usually
    ``"linear"``.

    Predicted quantiles may cross. `sort` puts them in order, which never makes the loss larger.

    Args:
        quantiles: The levels q, each more than 0 and less than 1, in rising order.

    Raises:
        TypeError: `quantiles` are no numbers.
        ValueError: There is none, they do not rise, or one is out of its range.

    Source:
        Koenker and Bassett, Regression quantiles, Econometrica 46(1), 1978; Chernozhukov, Fernández-Val and Galichon,
        Quantile and probability curves without crossing, Econometrica 78(3), 2010, for `sort`.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> rng = np.random.default_rng(0)
        >>> x, y = np.zeros((2000, 1)), rng.uniform(size=2000)
        >>> model = fo.Sequential([fo.layers.Dense(3)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.05), fo.losses.Quantile((0.1, 0.5, 0.9)))
        >>> history = model.fit(x, y, epochs=20, verbose=0)
        >>> bool(np.abs(model.predict(x[:1]) - [0.1, 0.5, 0.9]).max() < 0.05)
        True
    """

    def __init__(self, quantiles: Sequence[float] = (0.5,)) -> None:
        given = checks.items("quantiles", quantiles)
        self.quantiles = [checks.real(f"quantiles[{i}]", q, 0, 1, above=True) for i, q in enumerate(given)]
        if not self.quantiles or any(a >= b for a, b in pairwise(self.quantiles)):
            raise ValueError(f"quantiles must be numbers in rising order, at least one, not {quantiles!r}.")

    @property
    def hyper(self) -> dict[str, float]:
        """The levels, as the core reads them."""
        return {f"quantile_{i}": q for i, q in enumerate(self.quantiles)}

    def targets(self, name: str, y: object, outputs: int, dtype: str) -> NDArray[Any]:
        """Return the targets with a column for each output; see `Loss.targets`."""
        several = len(self.quantiles)
        if outputs % several:
            raise ValueError(
                f"{self.name} with {several} quantiles needs {several} outputs for each target; the network has "
                f"{outputs}."
            )
        given = super().targets(name, y, outputs // several, dtype)
        return given if several == 1 else np.repeat(given, several, axis=1)

    def sort(self, y_pred: ArrayLike) -> NDArray[Any]:
        """Return predictions ``[n, outputs]`` with the quantiles of each target in rising order.

        Raises:
            TypeError: They are no numbers.
            ValueError: They have another shape.

        Example:
            >>> import fastopt as fo
            >>> fo.losses.Quantile((0.25, 0.75)).sort([[2.0, 1.0, 3.0, 4.0]])
            array([[1., 2., 3., 4.]])
        """
        given = checks.matrix("y_pred", y_pred, None)
        if given.shape[1] % len(self.quantiles):
            raise ValueError(f"y_pred has shape {given.shape}; expected {len(self.quantiles)} columns for each target.")
        return np.sort(given.reshape(len(given), -1, len(self.quantiles)), axis=2).reshape(given.shape)


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
