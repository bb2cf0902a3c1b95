"""How far predicted values are from those that are right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core.checks import constant, units
from fastopt.losses import Loss
from fastopt.metrics.base import METRICS, MeanMetric, Metric, check_target_kind
from fastopt.metrics.sides import Floats, divide, target_and_prediction, warn_undefined

__all__ = ["R2", "MeanAbsoluteError", "MeanSquaredError"]


@METRICS.add("mse")
class MeanSquaredError(MeanMetric):
    """Mean squared error: mean over outputs of (y - t)^2.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.MeanSquaredError().function(fo.losses.MeanSquaredError())
        'mean_squared_error'
        >>> fo.metrics.MeanSquaredError()([1.0, 2.0], [1.0, 4.0])
        2.0
    """

    functions = ("mean_squared_error",)

    def rows(self, y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> NDArray[Any]:
        """Return the mean squared error of each sample."""
        target, prediction = target_and_prediction(y_true, y_pred)
        return np.asarray(((prediction - target) ** 2).mean(axis=1))


@METRICS.add("mae")
class MeanAbsoluteError(MeanMetric):
    """Mean absolute error: mean over outputs of |y - t|.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.MeanAbsoluteError().function(fo.losses.MeanSquaredError())
        'mean_absolute_error'
        >>> fo.metrics.MeanAbsoluteError()([1.0, 2.0], [1.0, 4.0], sample_weight=[3, 1])
        0.5
    """

    functions = ("mean_absolute_error",)

    def rows(self, y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> NDArray[Any]:
        """Return the mean absolute error of each sample."""
        target, prediction = target_and_prediction(y_true, y_pred)
        return np.asarray(np.abs(prediction - target).mean(axis=1))


@METRICS.add("r2_score")
class R2(Metric):
    """Coefficient of determination: the mean over outputs of 1 - sum (y - t)^2 / sum (t - mean(t))^2.

    1 is perfect, 0 is what the mean of the targets would have; for targets that are constant, but for rounding, it is 1
    if all predictions are perfect and else 0, as in scikit-learn. Of less than two samples it is NaN, with a warning.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.R2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
        0.5
    """

    larger_is_better = True

    def check(self, loss: Loss) -> None:
        """Refuse a loss whose outputs are not the predicted values."""
        if not loss.opaque:
            check_target_kind(self, loss, ("values",))

    def value(self, y_true: NDArray[Any], y_pred: NDArray[Any], weight: Floats, exclusive: bool | None) -> float:
        """Return the mean over outputs."""
        counted = weight > 0
        if np.count_nonzero(counted) < 2:
            warn_undefined(self.name, "there are less than two samples")
            return float("nan")
        target, prediction = (side[counted] for side in target_and_prediction(y_true, y_pred))
        weight = weight[counted] / weight.max()
        size = np.maximum(units(target), units(prediction))
        target, prediction = target / size, prediction / size
        error, deviation = prediction - target, target - np.average(target, axis=0, weights=weight)
        left, spread = (weight @ (part / units(part)) ** 2 for part in (error, deviation))
        varies = (spread > 0) & ~constant(target.min(axis=0), target.max(axis=0))
        with np.errstate(over="ignore", invalid="ignore"):
            ratio = divide(left, spread) * (units(error) / units(deviation)) ** 2
        return float(np.where(varies, 1 - ratio, left == 0).mean())
