"""What all metrics have in common, and the means over samples among them."""

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described, Registry, snake_case
from fastopt.losses import Loss
from fastopt.metrics.sides import Floats, checked_pair, checked_weights

__all__ = ["METRICS", "MeanMetric", "Metric", "check_target_kind"]

TARGET_KINDS = _core.kernels.metrics()


class Metric(Described):
    """The base of all metrics: with which losses a metric goes, and its value for arrays.

    Metrics of classes take, n being the number of samples and k that of classes:

    - `y_pred`: probabilities ``[n, k]``; or of class 1, ``[n]`` or ``[n, 1]``. Where only the predicted class counts,
      integers ``[n]`` are classes.
    - `y_true`: labels ``[n]`` from 0 to k - 1, or ``[n, k]`` from 0 to 1, one-hot or soft. If the rows do not all have
      the sum 1, or if `exclusive` is False, several classes may be right at a time, and each output is a question of
      its own, as after a sigmoid.

    Attributes:
        larger_is_better: Whether callbacks wait for larger values.
    """

    larger_is_better: bool = False

    @property
    def name(self) -> str:
        """The metric's name in snake case."""
        return snake_case(type(self).__name__)

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        exclusive: bool | None = None,
    ) -> float:
        """Return the value for these arrays.

        Args:
            y_true: Targets.
            y_pred: Predictions, one for each target.
            sample_weight: Weights ``[n]``, at least 0; None for 1.
            exclusive: Of targets ``[n, k]``, whether one class excludes the others; None to see it from them.

        Raises:
            TypeError: Something does not hold numbers.
            ValueError: The shapes do not go together, or a value is out of range, NaN or infinite.
        """
        target, prediction = checked_pair(y_true, y_pred)
        if exclusive is not None:
            exclusive = checks.flag("exclusive", exclusive)
        return self.value(target, prediction, checked_weights(sample_weight, len(target)), exclusive)

    @abstractmethod
    def value(self, y_true: NDArray[Any], y_pred: NDArray[Any], weight: Floats, exclusive: bool | None) -> float:
        """Return the value for arrays of equal length, and weights that are not all 0."""

    def check(self, loss: Loss) -> None:
        """Refuse a loss whose outputs and targets mean nothing to the metric.

        Raises:
            ValueError: It is such a loss.
        """

    def check_data(self, loss: Loss, outputs: int, weighted: bool) -> None:
        """Refuse so many outputs, or sample weights, before predictions are made.

        Raises:
            ValueError: They do not go with the metric.
        """


def check_target_kind(metric: Metric, loss: Loss, kinds: Collection[str]) -> None:
    """Refuse a loss of the core whose targets are of another kind.

    Raises:
        ValueError: They are.
    """
    if loss.target_kind not in kinds:
        losses = (name for name, (_, kind) in _core.kernels.losses().items() if kind in kinds)
        raise ValueError(
            f"The metric {metric.name!r} does not go with the loss {loss.name!r}; it goes with {', '.join(losses)}."
        )


METRICS: Registry[Metric] = Registry("metric", Metric)  # type: ignore[type-abstract]


class MeanMetric(Metric):
    """The base of metrics that are means over samples: which function of the core computes them."""

    functions: ClassVar[tuple[str, ...]]  # the core's names, one for each kind of targets

    def function(self, loss: Loss) -> str:
        """Return the core's name of the metric for a model that is trained with `loss`.

        Raises:
            ValueError: The metric means nothing for the outputs and targets of that loss.
        """
        of_kind = {TARGET_KINDS[function]: function for function in self.functions}
        check_target_kind(self, loss, of_kind)
        return of_kind[str(loss.target_kind)]

    def check(self, loss: Loss) -> None:
        """Refuse a loss for which the core has no such function."""
        if not loss.opaque:
            self.function(loss)

    def value(self, y_true: NDArray[Any], y_pred: NDArray[Any], weight: Floats, exclusive: bool | None) -> float:
        """Return the weighted mean over samples."""
        return float(np.average(self.rows(y_true, y_pred, exclusive), weights=weight))

    def by_sample(self, y_true: NDArray[Any], y_pred: NDArray[Any]) -> NDArray[Any]:
        """Return the value of each sample, ``[n]``; NaN if a prediction is NaN or infinite."""
        if not np.isfinite(y_pred).all():
            return np.full(len(y_pred), np.nan)
        return self.rows(*checked_pair(y_true, y_pred), None)

    @abstractmethod
    def rows(self, y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> NDArray[Any]:
        """Return the value of each sample, ``[n]``."""
