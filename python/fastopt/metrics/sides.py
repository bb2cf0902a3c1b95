"""The two sides of a comparison, targets and predictions, in one form for all metrics."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import losses
from fastopt.core import checks
from fastopt.core.warn import warn

__all__ = [
    "Floats",
    "checked_pair",
    "checked_weights",
    "divide",
    "flat",
    "target_and_prediction",
    "threshold_error",
    "truth_and_answers",
    "truth_and_scores",
    "warn_undefined",
]

Floats: TypeAlias = NDArray[np.float64]


def divide(a: Floats, b: Floats | np.float64) -> Floats:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.shape(a)), where=b > 0)


def warn_undefined(metric: str, why: str) -> None:
    """Warn that a metric is NaN."""
    warn(f"The metric {metric!r} is undefined, NaN: {why}.")


def checked_weights(given: ArrayLike | None, n: int) -> Floats:
    """Return weights ``[n]``: 1 for each sample if none are given."""
    return np.ones(n) if given is None else checks.weights("sample_weight", given, n, "float64")


def checked_pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return targets and predictions as finite arrays of equal length, one or two dimensions each."""
    target, prediction = checks.array("y_true", y_true), checks.array("y_pred", y_pred)
    for name, array in (("y_true", target), ("y_pred", prediction)):
        checks.matrix(name, array[:, np.newaxis] if array.ndim == 1 else array, None)
        checks.finite(name, array, "float64")
    if len(target) != len(prediction):
        raise ValueError(
            f"y_true has shape {target.shape}, y_pred has shape {prediction.shape}; expected one target for each "
            "prediction."
        )
    return target, prediction


def flat(array: NDArray[Any]) -> NDArray[Any]:
    """Return ``[n]`` for ``[n, 1]``."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _columns(array: NDArray[Any]) -> Floats:
    return (array[:, np.newaxis] if array.ndim == 1 else array).astype(np.float64, copy=False)


def target_and_prediction(y_true: NDArray[Any], y_pred: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return targets and predictions, both ``[n, outputs]``."""
    target, prediction = _columns(y_true), _columns(y_pred)
    if target.shape != prediction.shape:
        raise ValueError(f"y_true has shape {y_true.shape}, y_pred has shape {y_pred.shape}; expected the same.")
    return target, prediction


def truth_and_scores(y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None) -> tuple[NDArray[Any], Floats]:
    """Return what is true and the scores ``[n, k]``: labels ``[n]``, or bool ``[n, k]`` for questions of their own."""
    scores = _columns(y_pred)
    outputs = scores.shape[1]
    if outputs > 1 and flat(y_true).ndim == 1:
        return losses.SparseCategoricalCrossentropy().targets("y_true", y_true, outputs, "float64"), scores
    share = losses.BinaryCrossentropy().targets("y_true", y_true, outputs, "float64")
    if exclusive is None:
        exclusive = bool(losses.sums_to_one(share).all())
    return (share.argmax(axis=1) if exclusive and outputs > 1 else share > 0.5), scores


def truth_and_answers(
    y_true: NDArray[Any], y_pred: NDArray[Any], exclusive: bool | None, threshold: float = 0.5
) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Return what is true, what was answered, and the number of classes.

    Both are labels ``[n]``, or bool ``[n, k]`` for questions of their own.
    """
    if y_pred.ndim == 1 and y_pred.dtype.kind in "iu":
        truth = flat(y_true)
        if truth.ndim > 1:
            classes, truth = truth.shape[1], truth.argmax(axis=1)
        else:
            classes = max(2, int(truth.max()) + 1, int(y_pred.max()) + 1)
        labels = losses.SparseCategoricalCrossentropy()
        truth = labels.targets("y_true", truth, classes, "float64")
        return truth, labels.targets("y_pred", y_pred, classes, "float64"), classes
    truth, scores = truth_and_scores(y_true, y_pred, exclusive)
    if truth.ndim == 1:
        if threshold != 0.5:
            raise threshold_error()
        return truth, scores.argmax(axis=1), scores.shape[1]
    answer = scores > threshold
    if scores.shape[1] == 1:
        return truth[:, 0].astype(np.int64), answer[:, 0].astype(np.int64), 2
    return truth, answer, scores.shape[1]


def threshold_error() -> ValueError:
    """Return the error for a threshold where classes exclude each other."""
    return ValueError(
        "threshold is for outputs that answer yes or no; of several classes the largest output is answered."
    )
