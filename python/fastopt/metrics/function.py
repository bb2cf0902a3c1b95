"""Metrics that are Python functions."""

import inspect
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.plain import plain
from fastopt.losses import Loss, function_name
from fastopt.metrics.base import METRICS, Metric
from fastopt.metrics.sides import Floats, flat, truth_and_answers

__all__ = ["FunctionMetric", "metric_of"]


class FunctionMetric(Metric):
    """Any function of targets and predictions, such as those of scikit-learn; it cannot be saved with a model.

    In `compile` the function itself may stand for ``FunctionMetric(function)``, and is reported under its name.

    Args:
        function: ``f(y_true, y_pred)``, or ``f(y_true, y_pred, sample_weight=...)`` if there are weights; it returns a
            number. Targets are ``[n]`` or ``[n, outputs]``, as the loss takes them; predictions are probabilities, or
            outputs where there are none, ``[n, outputs]``, or ``[n]`` for one output.
        classes: Whether the function is given predicted classes instead of probabilities, and true classes as labels:
            both ``[n]``, or bool ``[n, outputs]`` where each output is a question of its own. None gives it
            probabilities and, if it raises ValueError for these, as `sklearn.metrics.f1_score` does, classes.
        larger_is_better: Whether callbacks wait for larger values; None for yes if the function's name ends with
            ``_score``, as is the custom of scikit-learn.

    Raises:
        TypeError: `function` cannot be called.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> def largest_error(y_true, y_pred):
        ...     return np.abs(y_true - y_pred).max()
        >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.build(1)
        >>> model.compile("adam", "mse", [largest_error])
        >>> model.evaluate([[1.0], [2.0]], [1.0, 3.0])
        Results(loss=5.0, largest_error=3.0)
    """

    def __init__(
        self, function: Callable[..., Any], classes: bool | None = None, larger_is_better: bool | None = None
    ) -> None:
        self.function = checks.function("function", function, " of targets and predictions")
        self.classes = None if classes is None else checks.flag("classes", classes)
        self.larger_is_better = (
            self.name.endswith("_score")
            if larger_is_better is None
            else checks.flag("larger_is_better", larger_is_better)
        )

    @property
    def name(self) -> str:
        """The name of the function."""
        return function_name(self.function)

    def check(self, loss: Loss) -> None:
        """Refuse to predict classes where there are none."""
        if self.classes and loss.link is None and not loss.opaque:
            raise ValueError(f"{self!r} does not go with the loss {loss.name!r}, which has no classes.")

    def check_data(self, loss: Loss, outputs: int, weighted: bool) -> None:
        """Refuse weights that the function would not be told."""
        if weighted and not self._takes_weights():
            raise ValueError(f"The metric {self.name!r} takes no sample_weight, and there are sample weights.")

    def value(self, y_true: NDArray[Any], y_pred: NDArray[Any], weight: Floats, exclusive: bool | None) -> float:
        """Return the value of the function, which is told the weights unless all are 1."""
        weights = {} if (weight == 1).all() else {"sample_weight": weight}

        def of_classes() -> object:
            target, prediction, _ = truth_and_answers(y_true, y_pred, exclusive)
            return self.function(target, prediction, **weights)

        try:
            found = of_classes() if self.classes else self.function(flat(y_true), flat(y_pred), **weights)
        except ValueError:
            if self.classes is not None or exclusive is None:
                raise
            found = of_classes()
        value = plain(f"The value of the metric {self.name!r}", found)
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise TypeError(f"The metric {self.name!r} must return a number, not {value!r}.")
        return float(value.item())

    def _takes_weights(self) -> bool:
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except ValueError:
            return False
        return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def metric_of(given: object) -> Metric:
    """Return the metric for a name, an object, or a function of targets and predictions."""
    if callable(given) and not isinstance(given, Metric | type):
        return FunctionMetric(given)
    return METRICS.resolve(given, "metrics")
