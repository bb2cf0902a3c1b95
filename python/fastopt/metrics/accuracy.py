"""The fractions of right answers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.losses import Loss
from fastopt.metrics.base import METRICS, MeanMetric, check_target_kind
from fastopt.metrics.sides import target_and_prediction, truth_and_answers, truth_and_scores

__all__ = ["Accuracy", "CategoricalAccuracy", "TopKAccuracy"]


@METRICS.add("acc")
class Accuracy(MeanMetric):
    """The fraction of right answers: argmax_j z_j = label, or, with binary cross-entropy, (z > 0) = (t > 1/2).

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.Accuracy().function(fo.losses.BinaryCrossentropy())
        'binary_accuracy'
        >>> fo.metrics.Accuracy()([0, 1, 1, 1], [0.2, 0.9, 0.4, 0.6])
        0.75
    """

    functions = ("sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")
    larger_is_better = True

    def rows(self, y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> NDArray[Any]:
        """Return whether each sample was answered rightly; of several questions, the fraction."""
        truth, answer, _ = truth_and_answers(y_true, y_pred, exclusive)
        return np.asarray((truth == answer).reshape(len(truth), -1).mean(axis=1))


@METRICS.add()
class CategoricalAccuracy(MeanMetric):
    """The fraction of rows whose largest output is where the largest target is: argmax_j y_j = argmax_j t_j.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.CategoricalAccuracy().function(fo.losses.MeanSquaredError())
        'categorical_accuracy'
    """

    functions = ("categorical_accuracy",)
    larger_is_better = True

    def function(self, loss: Loss) -> str:
        """Return the core's name of the metric; targets of a regression may be one-hot rows as well."""
        check_target_kind(self, loss, ("probabilities", "values"))
        return self.functions[0]

    def rows(self, y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> NDArray[Any]:
        """Return whether the largest output of each sample is where the largest target is."""
        target, prediction = target_and_prediction(y_true, y_pred)
        return np.asarray(target.argmax(axis=1) == prediction.argmax(axis=1))


@METRICS.add()
class TopKAccuracy(MeanMetric):
    """The fraction of samples whose class is among the k with the largest outputs; of equal ones, the first count.

    A model compares outputs before the softmax, which may make unequal ones equal by rounding.

    Args:
        k: How many, at least 1; with as many classes or fewer it is always 1.

    Raises:
        TypeError, ValueError: `k` is no such number.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.TopKAccuracy(k=2)([0, 1, 2], [[0.3, 0.6, 0.1], [0.3, 0.6, 0.1], [0.3, 0.6, 0.1]])
        0.6666666666666666
        >>> fo.metrics.TopKAccuracy(k=2).function(fo.losses.CategoricalCrossentropy())
        'top_k_accuracy(2)'
    """

    functions = ("sparse_top_k_accuracy", "top_k_accuracy")
    larger_is_better = True

    def __init__(self, k: int = 5) -> None:
        self.k = checks.integer("k", k, 1, checks.SIZE)

    @property
    def name(self) -> str:
        """``"top_k_accuracy"``."""
        return "top_k_accuracy"

    def function(self, loss: Loss) -> str:
        """Return the core's name of the metric, with the number."""
        return f"{super().function(loss)}({self.k})"

    def rows(self, y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> NDArray[Any]:
        """Return whether the class of each sample is among the first."""
        truth, scores = truth_and_scores(y_true, y_pred, exclusive)
        if truth.ndim > 1:
            raise ValueError(
                f"{self.name} needs outputs [n, k] for k classes that exclude each other, and y_true of labels [n] or "
                f"rows of the sum 1; y_true has shape {np.shape(y_true)}, y_pred {np.shape(y_pred)}."
            )
        own = scores[np.arange(len(truth)), truth][:, np.newaxis]
        before = np.arange(scores.shape[1]) < truth[:, np.newaxis]
        rank = np.count_nonzero((scores > own) | ((scores == own) & before), axis=1)
        return np.asarray(rank < self.k)
