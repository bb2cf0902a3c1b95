"""What is computed of classes from all predictions: precision, recall, F1, the area under the ROC, confusions."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.losses import Loss
from fastopt.metrics.base import METRICS, Metric
from fastopt.metrics.sides import (
    Floats,
    checked_pair,
    checked_weights,
    divide,
    threshold_error,
    truth_and_answers,
    truth_and_scores,
    warn_undefined,
)

__all__ = ["AUC", "F1", "Precision", "Recall", "confusion_matrix"]


class _ClassMetric(Metric):
    """The base of metrics of classes that are computed from all predictions."""

    larger_is_better = True

    def check(self, loss: Loss) -> None:
        """Refuse a loss that knows no probabilities."""
        if loss.link is None and not loss.opaque:
            raise ValueError(
                f"The metric {self.name!r} does not go with the loss {loss.name!r}; it goes with those of classes."
            )


class _Ratio(_ClassMetric):
    """The base of precision, recall and F1: how they are averaged over classes."""

    AVERAGES: ClassVar[tuple[str, ...]] = ("auto", "binary", "macro", "micro", "weighted")

    def __init__(self, average: str = "auto", threshold: float = 0.5) -> None:
        self.average = word("average", average, self.AVERAGES)
        self.threshold = checks.real("threshold", threshold, 0)

    @abstractmethod
    def ratio(self, hits: Floats, answers: Floats, cases: Floats) -> Floats:
        """Return the value of each class: from the weights of its right answers, of its answers and of its cases."""

    def check_data(self, loss: Loss, outputs: int, weighted: bool) -> None:
        """Refuse what is asked of two classes where there are more, and the other way round."""
        if outputs == 1 or loss.opaque:
            return
        if self.average == "binary" and (outputs > 2 or loss.link == "sigmoid"):
            raise self._not_binary(outputs)
        if self.threshold != 0.5 and loss.link != "sigmoid":
            raise threshold_error()

    def value(self, y_true: NDArray[Any], y_pred: NDArray[Any], weight: Floats, exclusive: bool | None) -> float:
        """Return the value, averaged over classes."""
        truth, answer, classes = truth_and_answers(y_true, y_pred, exclusive, self.threshold)
        one_question = truth.ndim == 1
        parts: list[NDArray[Any]]  # hits, answers and cases of each class
        if one_question:
            right = truth == answer
            counted = ((truth[right], weight[right]), (answer, weight), (truth, weight))
            parts = [np.bincount(labels, share, classes) for labels, share in counted]
        else:
            parts = [weight @ bits for bits in (truth & answer, answer, truth)]
        average = self.average
        if average == "auto":
            average = "binary" if one_question and classes == 2 else "macro"
        if average == "micro":
            return float(self.ratio(*(part.sum(keepdims=True) for part in parts))[0])
        values, (_, answers, cases) = self.ratio(*parts), parts
        if average == "binary":
            if not one_question or classes > 2:
                raise self._not_binary(classes)
            return float(values[1])
        if average == "weighted":
            return float(values @ divide(cases, cases.sum()))
        return float(values[answers + cases > 0].mean() if one_question else values.mean())

    def _not_binary(self, outputs: int) -> ValueError:
        others = ", ".join(repr(average) for average in self.AVERAGES if average != "binary")
        return ValueError(f"average='binary' is for one answer of two, not for {outputs} outputs; use one of {others}.")


@METRICS.add()
class Precision(_Ratio):
    """How much of what was taken for a class belongs to it: hits / answers.

    Of a class, counting samples by their weights: hits are its samples that were answered rightly, answers all that
    were taken for it, cases all that belong to it. 0/0 counts as 0.

    Args:
        average: ``"binary"`` the value of class 1, of two; ``"macro"`` the mean over the classes that occur, or over
            all outputs where each is a question of its own; ``"weighted"`` the same weighted by cases; ``"micro"`` the
            value of the sums over classes; ``"auto"`` binary for two classes and macro for more.
        threshold: From which probability on a single output, or each output where it is a question of its own, answers
            yes: p > threshold, at least 0. Of several classes, the one with the largest output is answered.

    Raises:
        TypeError, ValueError: `threshold` is no such number, or `average` is unknown.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.Precision()([0, 1, 1, 0], [0.1, 0.8, 0.3, 0.6])
        0.5
        >>> fo.metrics.Precision("macro")([0, 1, 2, 2], [0, 1, 1, 2])
        0.8333333333333334
    """

    def ratio(self, hits: Floats, answers: Floats, cases: Floats) -> Floats:
        """Return hits / answers."""
        return divide(hits, answers)


@METRICS.add()
class Recall(_Ratio):
    """How much of what belongs to a class was taken for it: hits / cases; see `Precision`, also for the arguments.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.Recall(threshold=0.2)([0, 1, 1, 0], [0.1, 0.8, 0.3, 0.6])
        1.0
    """

    def ratio(self, hits: Floats, answers: Floats, cases: Floats) -> Floats:
        """Return hits / cases."""
        return divide(hits, cases)


@METRICS.add("f1_score")
class F1(_Ratio):
    """Harmonic mean of precision and recall: 2 hits / (answers + cases); see `Precision`, also for the arguments.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.F1("micro")([0, 1, 2, 2], [0, 1, 1, 2])
        0.75
    """

    def ratio(self, hits: Floats, answers: Floats, cases: Floats) -> Floats:
        """Return 2 hits / (answers + cases)."""
        return divide(2 * hits, answers + cases)


@METRICS.add("roc_auc")
class AUC(_ClassMetric):
    """Area under the receiver operating characteristic: the chance that a case scores higher than another sample.

    It is P(s > s') + P(s = s') / 2 over pairs, s being the output for a sample of the class and s' for one of another;
    the pairs are counted exactly, by the product of their weights. Of several classes it is the mean over those that
    have both cases and others (one versus rest, macro); NaN if none has.

    Source: J. Hanley, B. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143(1), 1982.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.AUC()([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
        0.875
    """

    def value(self, y_true: NDArray[Any], y_pred: NDArray[Any], weight: Floats, exclusive: bool | None) -> float:
        """Return the mean area."""
        truth, scores = truth_and_scores(y_true, y_pred, exclusive)
        cases = ((truth == j) if truth.ndim == 1 else truth[:, j] for j in range(scores.shape[1]))
        areas = [_area(case, score, weight) for case, score in zip(cases, scores.T, strict=True)]
        known = [area for area in areas if area is not None]
        if not known:
            warn_undefined(self.name, "no class has both samples that belong to it and others")
        return float(np.mean(known)) if known else float("nan")


def _area(case: NDArray[np.bool_], score: Floats, weight: Floats) -> float | None:
    values, place = np.unique(score, return_inverse=True)
    weight = weight / weight.max()  # products of small ones would be 0
    yes, no = (np.bincount(place, weight * side, len(values)) for side in (case, ~case))
    pairs = yes.sum() * no.sum()
    return float(yes @ (no.cumsum() - no / 2) / pairs) if pairs > 0 else None


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> NDArray[np.int64] | Floats:
    """Count how often each class was taken for each.

    Args:
        y_true: Labels ``[n]``, or one-hot or soft ``[n, classes]``.
        y_pred: Probabilities ``[n, classes]``, or of class 1, ``[n]`` or ``[n, 1]``; or classes, integers ``[n]``.
        sample_weight: Weights ``[n]``, at least 0, to be summed instead of counting.

    Returns:
        ``[classes, classes]``: entry (i, j) counts samples of class i that were taken for j.

    Raises:
        TypeError: Something does not hold numbers.
        ValueError: The shapes do not go together, a value is out of range, NaN or infinite, or the classes do not
            exclude each other.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.confusion_matrix([0, 1, 2, 2], [[0.9, 0.1, 0], [0, 1, 0], [0, 0.6, 0.4], [0, 0, 1]])
        array([[1, 0, 0],
               [0, 1, 0],
               [0, 1, 1]])
    """
    truth, answer, classes = truth_and_answers(*checked_pair(y_true, y_pred), None)
    if truth.ndim > 1:
        raise ValueError(
            "y_true has rows whose sum is not 1: a confusion matrix needs classes that exclude each other."
        )
    weight = None if sample_weight is None else checked_weights(sample_weight, len(truth))
    counts: NDArray[Any] = np.bincount(truth * classes + answer, weight, classes * classes)
    return counts.reshape(classes, classes)
