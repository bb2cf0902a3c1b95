"""What is reported beside the loss: how well predictions answer targets.

A `MeanMetric` is a weighted mean over samples of a function of the core: it is reported in training and evaluation. Any
other metric is computed from all predictions at once, which exist only where the weights stand still: `evaluate`
reports it, and `fit` for validation data (``"val_auc"``), but not for training data. All can be called on arrays.

Names in snake case, and short ones (``"acc"``, ``"mse"``, ``"mae"``, ``"roc_auc"``), stand for the objects.
"""

import inspect
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import losses
from fastopt.core import checks
from fastopt.core.registry import Described, Registry, snake_case, unknown_name
from fastopt.losses import FunctionLoss, Loss

__all__ = [
    "AUC",
    "F1",
    "R2",
    "Accuracy",
    "CategoricalAccuracy",
    "FunctionMetric",
    "MeanAbsoluteError",
    "MeanMetric",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Recall",
    "TopKAccuracy",
    "confusion_matrix",
]

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]


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
        target, prediction = _pair(y_true, y_pred)
        return self.value(target, prediction, _weights(sample_weight, len(target)), exclusive)

    @abstractmethod
    def value(self, y_true: Array, y_pred: Array, weight: Floats, exclusive: bool | None) -> float:
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


METRICS: Registry[Metric] = Registry("metric", Metric)  # type: ignore[type-abstract]


def metric_of(given: object) -> Metric:
    """Return the metric for a name, an object, or a function of targets and predictions."""
    if callable(given) and not isinstance(given, Metric | type):
        return FunctionMetric(given)
    return METRICS.resolve(given)


# --- Means over samples -----------------------------------------------------------------------------------------------


class MeanMetric(Metric):
    """The base of metrics that are means over samples: which function of the core computes them."""

    functions: ClassVar[dict[str, str]] = {}

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

    def check(self, loss: Loss) -> None:
        """Refuse a loss for which the core has no such function."""
        if not isinstance(loss, FunctionLoss):
            self.function(loss)

    def value(self, y_true: Array, y_pred: Array, weight: Floats, exclusive: bool | None) -> float:
        """Return the weighted mean over samples."""
        return float(np.average(self.rows(y_true, y_pred, exclusive), weights=weight))

    @abstractmethod
    def rows(self, y_true: Array, y_pred: Array, exclusive: bool | None) -> Array:
        """Return the value of each sample, ``[n]``."""


_REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")


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

    functions: ClassVar[dict[str, str]] = {
        "sparse_categorical_crossentropy": "sparse_categorical_accuracy",
        "categorical_crossentropy": "categorical_accuracy",
        "kl_divergence": "categorical_accuracy",
        "binary_crossentropy": "binary_accuracy",
    }
    larger_is_better = True

    def rows(self, y_true: Array, y_pred: Array, exclusive: bool | None) -> Array:
        """Return whether each sample was answered rightly; of several questions, the fraction."""
        truth, answer, _ = _answers(y_true, y_pred, exclusive)
        return np.asarray((truth == answer).reshape(len(truth), -1).mean(axis=1))


@METRICS.add()
class CategoricalAccuracy(MeanMetric):
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

    def rows(self, y_true: Array, y_pred: Array, exclusive: bool | None) -> Array:
        """Return whether the largest output of each sample is where the largest target is."""
        target, prediction = _values(y_true, y_pred)
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

    functions: ClassVar[dict[str, str]] = {
        "sparse_categorical_crossentropy": "sparse_top_k_accuracy",
        "categorical_crossentropy": "top_k_accuracy",
        "kl_divergence": "top_k_accuracy",
    }
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

    def rows(self, y_true: Array, y_pred: Array, exclusive: bool | None) -> Array:
        """Return whether the class of each sample is among the first."""
        truth, scores = _sides(y_true, y_pred, exclusive)
        if truth.ndim > 1:
            raise ValueError(f"{self.name} needs outputs [n, k] for k classes that exclude each other.")
        own = scores[np.arange(len(truth)), truth][:, np.newaxis]
        before = np.arange(scores.shape[1]) < truth[:, np.newaxis]
        rank = np.count_nonzero((scores > own) | ((scores == own) & before), axis=1)
        return np.asarray(rank < self.k)


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

    functions: ClassVar[dict[str, str]] = dict.fromkeys(_REGRESSION, "mean_squared_error")

    def rows(self, y_true: Array, y_pred: Array, exclusive: bool | None) -> Array:
        """Return the mean squared error of each sample."""
        target, prediction = _values(y_true, y_pred)
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

    functions: ClassVar[dict[str, str]] = dict.fromkeys(_REGRESSION, "mean_absolute_error")

    def rows(self, y_true: Array, y_pred: Array, exclusive: bool | None) -> Array:
        """Return the mean absolute error of each sample."""
        target, prediction = _values(y_true, y_pred)
        return np.asarray(np.abs(prediction - target).mean(axis=1))


# --- From all predictions ---------------------------------------------------------------------------------------------


class _ClassMetric(Metric):
    """The base of metrics of classes that are computed from all predictions."""

    larger_is_better = True

    def check(self, loss: Loss) -> None:
        """Refuse a loss that knows no probabilities."""
        if loss.link is None and not isinstance(loss, FunctionLoss):
            raise ValueError(
                f"The metric {self.name!r} does not go with the loss {loss.name!r}; it goes with those of classes."
            )


class _Ratio(_ClassMetric):
    """The base of precision, recall and F1: how they are averaged over classes."""

    AVERAGES: ClassVar[tuple[str, ...]] = ("auto", "binary", "macro", "micro", "weighted")

    def __init__(self, average: str = "auto", threshold: float = 0.5) -> None:
        if average not in self.AVERAGES:
            raise unknown_name("average", average, self.AVERAGES)
        self.average = average
        self.threshold = checks.real("threshold", threshold, 0)

    @abstractmethod
    def ratio(self, hits: Floats, answers: Floats, cases: Floats) -> Floats:
        """Return the value of each class: from the weights of its right answers, of its answers and of its cases."""

    def check_data(self, loss: Loss, outputs: int, weighted: bool) -> None:
        """Refuse what is asked of two classes where there are more, and the other way round."""
        if outputs == 1 or isinstance(loss, FunctionLoss):
            return
        if self.average == "binary" and (outputs > 2 or loss.link == "sigmoid"):
            raise self._not_binary(outputs)
        if self.threshold != 0.5 and loss.link != "sigmoid":
            raise _no_threshold()

    def value(self, y_true: Array, y_pred: Array, weight: Floats, exclusive: bool | None) -> float:
        """Return the value, averaged over classes."""
        truth, answer, classes = _answers(y_true, y_pred, exclusive, self.threshold)
        one_question = truth.ndim == 1
        parts: list[Array]  # hits, answers and cases of each class
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
            return float(values @ _divide(cases, cases.sum()))
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
        return _divide(hits, answers)


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
        return _divide(hits, cases)


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
        return _divide(2 * hits, answers + cases)


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

    def value(self, y_true: Array, y_pred: Array, weight: Floats, exclusive: bool | None) -> float:
        """Return the mean area."""
        truth, scores = _sides(y_true, y_pred, exclusive)
        cases = ((truth == j) if truth.ndim == 1 else truth[:, j] for j in range(scores.shape[1]))
        areas = [_area(case, score, weight) for case, score in zip(cases, scores.T, strict=True)]
        known = [area for area in areas if area is not None]
        return float(np.mean(known)) if known else float("nan")


def _area(case: NDArray[np.bool_], score: Floats, weight: Floats) -> float | None:
    values, place = np.unique(score, return_inverse=True)
    yes, no = (np.bincount(place, weight * side, len(values)) for side in (case, ~case))
    pairs = yes.sum() * no.sum()
    return float(yes @ (no.cumsum() - no / 2) / pairs) if pairs > 0 else None


@METRICS.add("r2_score")
class R2(Metric):
    """Coefficient of determination: the mean over outputs of 1 - sum (y - t)^2 / sum (t - mean(t))^2.

    1 is perfect, 0 is what the mean of the targets would have; for constant targets it is 1 if all predictions are
    perfect and else 0, as in scikit-learn.

    Example:
        >>> import fastopt as fo
        >>> fo.metrics.R2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
        0.5
    """

    larger_is_better = True

    def check(self, loss: Loss) -> None:
        """Refuse a loss whose outputs are not the predicted values."""
        if loss.name not in _REGRESSION and not isinstance(loss, FunctionLoss):
            raise ValueError(
                f"The metric {self.name!r} does not go with the loss {loss.name!r}; it goes with "
                f"{', '.join(_REGRESSION)}."
            )

    def value(self, y_true: Array, y_pred: Array, weight: Floats, exclusive: bool | None) -> float:
        """Return the mean over outputs."""
        target, prediction = _values(y_true, y_pred)
        left = weight @ (prediction - target) ** 2
        spread = weight @ (target - np.average(target, axis=0, weights=weight)) ** 2
        return float(np.where(spread > 0, 1 - _divide(left, spread), left == 0).mean())


class FunctionMetric(Metric):
    """Any function of targets and predictions, such as those of scikit-learn; it cannot be saved with a model.

    In `compile` the function itself may stand for ``FunctionMetric(function)``, and is reported under its name.

    Args:
        function: ``f(y_true, y_pred)``, or ``f(y_true, y_pred, sample_weight=...)`` if there are weights; it returns a
            number. Targets are ``[n]`` or ``[n, outputs]``, as the loss takes them; predictions are probabilities, or
            outputs where there are none, ``[n, outputs]``, or ``[n]`` for one output.
        classes: Whether the function is given predicted classes instead of probabilities, and true classes as labels:
            both ``[n]``, or bool ``[n, outputs]`` where each output is a question of its own.
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
        {'loss': 5.0, 'largest_error': 3.0}
    """

    def __init__(
        self, function: Callable[..., Any], classes: bool = False, larger_is_better: bool | None = None
    ) -> None:
        if not callable(function):
            raise TypeError(f"function must be a function of targets and predictions, not {function!r}.")
        self.function = function
        self.classes = bool(classes)
        self.larger_is_better = self.name.endswith("_score") if larger_is_better is None else bool(larger_is_better)

    @property
    def name(self) -> str:
        """The name of the function."""
        return losses.function_name(self.function)

    def check(self, loss: Loss) -> None:
        """Refuse to predict classes where there are none."""
        if self.classes and loss.link is None and not isinstance(loss, FunctionLoss):
            raise ValueError(f"{self!r} does not go with the loss {loss.name!r}, which has no classes.")

    def check_data(self, loss: Loss, outputs: int, weighted: bool) -> None:
        """Refuse weights that the function would not be told."""
        if weighted and not self._takes_weights():
            raise ValueError(f"The metric {self.name!r} takes no sample_weight, and there are sample weights.")

    def value(self, y_true: Array, y_pred: Array, weight: Floats, exclusive: bool | None) -> float:
        """Return the value of the function, which is told the weights unless all are 1."""
        if self.classes:
            target, prediction, _ = _answers(y_true, y_pred, exclusive)
        else:
            target, prediction = _flat(y_true), _flat(y_pred)
        weights = {} if (weight == 1).all() else {"sample_weight": weight}
        value = np.asarray(self.function(target, prediction, **weights))
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise TypeError(f"The metric {self.name!r} must return a number, not {value!r}.")
        return float(value.item())

    def _takes_weights(self) -> bool:
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except ValueError:
            return False
        return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


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
    truth, answer, classes = _answers(*_pair(y_true, y_pred), None)
    if truth.ndim > 1:
        raise ValueError(
            "y_true has rows whose sum is not 1: a confusion matrix needs classes that exclude each other."
        )
    weight = None if sample_weight is None else _weights(sample_weight, len(truth))
    counts: NDArray[Any] = np.bincount(truth * classes + answer, weight, classes * classes)
    return counts.reshape(classes, classes)


# --- Both sides of a comparison ---------------------------------------------------------------------------------------


def _divide(a: Floats, b: Floats | np.float64) -> Floats:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.shape(a)), where=b > 0)


def _weights(given: ArrayLike | None, n: int) -> Floats:
    return np.ones(n) if given is None else checks.weights("sample_weight", given, n, "float64")


def _pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
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


def _flat(array: Array) -> Array:
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _columns(array: Array) -> Floats:
    return (array[:, np.newaxis] if array.ndim == 1 else array).astype(np.float64, copy=False)


def _values(y_true: Array, y_pred: Array) -> tuple[Floats, Floats]:
    """Return targets and predictions, both ``[n, outputs]``."""
    target, prediction = _columns(y_true), _columns(y_pred)
    if target.shape != prediction.shape:
        raise ValueError(f"y_true has shape {y_true.shape}, y_pred has shape {y_pred.shape}; expected the same.")
    return target, prediction


def _sides(y_true: Array, y_pred: Array, exclusive: bool | None) -> tuple[Array, Floats]:
    """Return what is true and the scores ``[n, k]``: labels ``[n]``, or bool ``[n, k]`` for questions of their own."""
    scores = _columns(y_pred)
    outputs = scores.shape[1]
    if outputs > 1 and _flat(y_true).ndim == 1:
        return losses.SparseCategoricalCrossentropy().targets("y_true", y_true, outputs, "float64"), scores
    share = losses.BinaryCrossentropy().targets("y_true", y_true, outputs, "float64")
    if exclusive is None:
        exclusive = bool(losses.sums_to_one(share).all())
    return (share.argmax(axis=1) if exclusive and outputs > 1 else share > 0.5), scores


def _answers(y_true: Array, y_pred: Array, exclusive: bool | None, threshold: float = 0.5) -> tuple[Array, Array, int]:
    """Return what is true, what was answered, and the number of classes.

    Both are labels ``[n]``, or bool ``[n, k]`` for questions of their own.
    """
    if y_pred.ndim == 1 and y_pred.dtype.kind in "iu":
        truth = _flat(y_true)
        if truth.ndim > 1:
            classes, truth = truth.shape[1], truth.argmax(axis=1)
        else:
            classes = max(2, int(truth.max()) + 1, int(y_pred.max()) + 1)
        labels = losses.SparseCategoricalCrossentropy()
        truth = labels.targets("y_true", truth, classes, "float64")
        return truth, labels.targets("y_pred", y_pred, classes, "float64"), classes
    truth, scores = _sides(y_true, y_pred, exclusive)
    if truth.ndim == 1:
        if threshold != 0.5:
            raise _no_threshold()
        return truth, scores.argmax(axis=1), scores.shape[1]
    answer = scores > threshold
    if scores.shape[1] == 1:
        return truth[:, 0].astype(np.int64), answer[:, 0].astype(np.int64), 2
    return truth, answer, scores.shape[1]


def _no_threshold() -> ValueError:
    return ValueError(
        "threshold is for outputs that answer yes or no; of several classes the largest output is answered."
    )
