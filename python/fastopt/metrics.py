"""What is reported beside the loss: weighted means over samples.

Names in snake case, and Keras' short ones (``"acc"``, ``"mse"``, ``"mae"``), stand for the objects.
"""

from typing import ClassVar

from fastopt.losses import Loss
from fastopt.registry import Described, Registry, snake_case

__all__ = ["Accuracy", "CategoricalAccuracy", "MeanAbsoluteError", "MeanSquaredError", "Metric"]


class Metric(Described):
    """The base of all metrics: with which losses a metric goes, and which function of the core computes it."""

    functions: ClassVar[dict[str, str]] = {}
    larger_is_better: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The metric's name in snake case."""
        return snake_case(type(self).__name__)

    def function(self, loss: Loss) -> str:
        """Return the core's name of the metric for a model that is trained with `loss`.

        Raises:
            ValueError: The metric means nothing for the outputs and targets of that loss.
        """
        try:
            return self.functions[loss.name]
        except KeyError:
            raise ValueError(
                f"The metric {self.name!r} does not go with the loss {loss.name!r}; "
                f"it goes with {', '.join(self.functions)}."
            ) from None


METRICS = Registry("metric", Metric)

_REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


@METRICS.add("acc")
class Accuracy(Metric):
    """The fraction of right answers: argmax_j z_j = label, or, with binary cross-entropy, (z > 0) = (t > 1/2).

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.Accuracy().function(fo.losses.BinaryCrossentropy())
        'binary_accuracy'
    """

    functions: ClassVar[dict[str, str]] = {
        "sparse_categorical_crossentropy": "sparse_categorical_accuracy",
        "categorical_crossentropy": "categorical_accuracy",
        "kl_divergence": "categorical_accuracy",
        "binary_crossentropy": "binary_accuracy",
    }
    larger_is_better = True


@METRICS.add()
class CategoricalAccuracy(Metric):
    """The fraction of rows whose largest output is where the largest target is: argmax_j y_j = argmax_j t_j.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.CategoricalAccuracy().function(fo.losses.MeanSquaredError())
        'categorical_accuracy'
    """

    functions: ClassVar[dict[str, str]] = {
        "categorical_crossentropy": "categorical_accuracy",
        "kl_divergence": "categorical_accuracy",
        "mean_squared_error": "categorical_accuracy",
    }
    larger_is_better = True


@METRICS.add("mse")
class MeanSquaredError(Metric):
    """Mean squared error: mean over outputs of (y - t)^2.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.MeanSquaredError().function(fo.losses.MeanSquaredError())
        'mean_squared_error'
    """

    functions: ClassVar[dict[str, str]] = dict.fromkeys(_REGRESSION, "mean_squared_error")


@METRICS.add("mae")
class MeanAbsoluteError(Metric):
    """Mean absolute error: mean over outputs of |y - t|.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.MeanAbsoluteError().function(fo.losses.MeanSquaredError())
        'mean_absolute_error'
    """

    functions: ClassVar[dict[str, str]] = dict.fromkeys(_REGRESSION, "mean_absolute_error")
