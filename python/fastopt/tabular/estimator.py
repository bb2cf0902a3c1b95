"""What all estimators for tables have in common: the table, the targets, the split, the ensemble."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from fastopt import fleet
from fastopt.calibrate import temperature
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.data.frames import is_frame
from fastopt.data.splits import held_out
from fastopt.kernels import softmax
from fastopt.model.callbacks.base import Callback
from fastopt.sklearn.base import weighted_by_class
from fastopt.tools.best import Best
from fastopt.tools.realmlp import CLASSES, NUMBERS, Task

__all__ = [
    "Floats",
    "Inputs",
    "Rows",
    "TabularClassifier",
    "TabularEstimator",
    "TabularRegressor",
    "given",
    "held_out_of",
    "probabilities_of",
]

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Inputs = list[Real]  # of a network: an array, or several
Judged = tuple[Inputs, NDArray[Any], Floats | None]  # what a model is judged by: inputs, targets and weights
MOST = 10  # times as many rows, which whole weights may make of them


class TabularEstimator(BaseEstimator, ABC):
    """The base of the estimators: a subclass makes the models."""

    epochs: int
    batch_size: int
    categorical_features: Any
    validation_fraction: float
    n_ensembles: int
    random_state: Any
    verbose: Any
    calibrate: bool = False

    # Of a subclass

    _task: Task

    @abstractmethod
    def _model(self, x: Inputs, rows: Rows, outputs: int, steps: int, seed: int) -> Any:
        """Return a compiled model, which is to do so many steps with these rows of the inputs."""

    @abstractmethod
    def _fit_encoders(self, table: Any) -> None:
        """Learn to make numbers of a table."""

    @abstractmethod
    def _encoded(self, table: Any) -> Inputs:
        """Return the inputs ``[rows, features]`` for a checked table."""

    def _callbacks(self, epochs: int) -> list[Callback]:
        """Return what a training of so many epochs calls."""
        return []

    def _calibrate(self, judged: list[Judged]) -> None:
        """Learn how sure the models may be, from what each of them was not trained with, or from nothing."""

    @abstractmethod
    def _read(self, y: Any, name: str = "y") -> NDArray[Any]:
        """Return checked targets."""

    @abstractmethod
    def _learn(self, y: NDArray[Any], rows: Rows) -> int:
        """Learn what there is to know of the targets of the rows that are trained with, and return how many outputs."""

    @abstractmethod
    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets as the loss wants them."""

    def _weighted(self, weight: Floats, y: NDArray[Any]) -> Floats:
        """Return the weights of the samples with those of their classes."""
        return weight

    def _strata(self, target: NDArray[Any]) -> NDArray[Any] | None:
        """Return what each part of a split is to have its share of."""
        return None

    # Of all

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train on a table.

        The result does not depend on the order of the rows. A row whose weight is a whole number counts as so many
        rows, if all weights are whole and there are no more than ten times as many rows then.

        Args:
            X: The table ``[rows, columns]``: an array, or a frame of pandas, polars or Arrow, with columns of numbers,
                which may be missing, of dates, and of words or categories.
            y: The targets ``[rows]``.
            sample_weight: Weights ``[rows]``, at least 0.
            eval_set: ``(X, y)`` to tell the best epoch by, instead of a part of the rows.

        Returns:
            The estimator.

        Raises:
            TypeError, ValueError: Data or an argument does not fit.
        """
        table = self._table(X, reset=True, y=y)
        y = self._read(y)
        check_consistent_length(table, y)
        weight = np.asarray(_check_sample_weight(sample_weight, table, dtype=np.float64, ensure_non_negative=True))
        rows, weight = _counted(self._weighted(weight, y))
        if not len(rows):
            raise ValueError("All weights are 0: class_weight leaves no rows to train on.")
        self._fit_encoders(_taken(table, rows))
        x = self._encoded(table)
        columns = [column[rows] for array in x for column in array.T]
        rows = rows[np.lexsort((weight[rows], *np.atleast_2d(y.T)[:, rows], *columns))]
        outputs = self._learn(y, rows)
        target = self._targets(y)
        shared = {"x": given(x), "y": target}
        if (weight[rows] != weight[rows[0]]).any():
            shared["sample_weight"] = weight / weight[rows].mean()
        validation = None if eval_set is None else self._evaluated(eval_set)
        members = checks.integer("n_ensembles", self.n_ensembles, 1)
        seeds = [int(seed) for seed in check_random_state(self.random_state).randint(2**31, size=members)]
        each = [self._split(rows, target, seed, validation) for seed in seeds]
        if checks.flag("calibrate", self.calibrate) and len(each[0]) == 1:
            raise ValueError("calibrate needs rows that are held out: a validation_fraction or an eval_set.")
        self._train(x, shared, each, seeds, outputs)
        judged = [held_out_of(x, shared, member) for member in each] if self.calibrate else []
        self._calibrate([part for part in judged if part is not None])
        for model in self.models_:
            model.compile(model.optimizer.fresh(), **model.judged_by)  # without what it remembers of the steps
        return self

    def _split(self, rows: Rows, target: NDArray[Any], seed: int, validation: Any) -> dict[str, Any]:
        """Return which rows a member trains with, and what it is judged by."""
        if validation is not None:
            return {"rows": rows, "validation_data": validation}
        fraction = checks.real("validation_fraction", self.validation_fraction, 0.0, 1.0)
        count = min(round(fraction * len(rows)), len(rows) - 1)
        if count == 0:
            return {"rows": rows}
        held = held_out(len(rows), count, seed, self._strata(target[rows]))
        return {"rows": np.delete(rows, held), "validation_rows": rows[held]}

    def _train(
        self, x: Inputs, shared: dict[str, Any], each: list[dict[str, Any]], seeds: list[int], outputs: int
    ) -> None:
        epochs = checks.integer("epochs", self.epochs, 1)
        batch_size = checks.integer("batch_size", self.batch_size, 1)
        models, bests = [], []
        for member, seed in zip(each, seeds, strict=True):
            batches = max(1, len(member["rows"]) // batch_size)
            bests += [Best(*self._task.watched)] if len(member) > 1 else []
            member |= {"callbacks": [*self._callbacks(epochs), *bests[-1:]]}
            models.append(self._model(x, member["rows"], outputs, epochs * batches, seed))
        shared |= {"epochs": epochs, "batch_size": batch_size, "drop_remainder": True, "verbose": self.verbose}
        if len(models) == 1:
            models[0].fit(**shared, **each[0])
        else:
            for trained in fleet.fit(models, each=each, **shared):
                if trained.error is not None:
                    raise trained.error
        self.models_ = models
        self.best_epochs_ = [best.epoch for best in bests] or [epochs - 1] * len(each)

    def _evaluated(self, eval_set: Any) -> tuple[Any, NDArray[Any]]:
        if not isinstance(eval_set, tuple | list) or len(eval_set) != 2:
            raise TypeError("eval_set must be a pair (X, y).")
        table = self._table(eval_set[0])
        y = self._read(eval_set[1], "the y of eval_set")
        check_consistent_length(table, y)
        return given(self._encoded(table)), self._targets(y)

    def _table(self, x: Any, reset: bool = False, y: Any = "no_validation") -> Any:
        """Return a table, checked: a frame as it is, anything else as an array."""
        if is_frame(x):
            validate_data(self, x, y, reset=reset, skip_check_array=True)
            return x
        numeric = getattr(getattr(x, "dtype", None), "kind", "O") in "fiub"
        finite = "allow-nan" if numeric else False
        table = check_array(x, dtype=None, ensure_all_finite=finite, estimator=self)
        validate_data(self, table, y, reset=reset, skip_check_array=True)
        return table

    def _inputs(self, x: Any) -> Inputs:
        """Return the inputs of the models for a table."""
        check_is_fitted(self)
        return self._encoded(self._table(x))

    def _outputs(self, x: Inputs) -> Floats:
        """Return the outputs of all models ``[models, rows, outputs]``."""
        return np.stack([model.predict(given(x), verbose=0) for model in self.models_]).astype(np.float64)


class TabularClassifier(ClassifierMixin, TabularEstimator):
    """The base of classifiers: outputs are logits of the classes."""

    class_weight: Any

    _task = CLASSES

    def _read(self, y: Any, name: str = "y") -> NDArray[Any]:
        check_classification_targets(y)
        return np.asarray(column_or_1d(y, warn=True))

    def _learn(self, y: NDArray[Any], rows: Rows) -> int:
        self.classes_ = np.unique(y)
        if len(np.unique(y[rows])) < 2:
            raise ValueError(f"{type(self).__name__} needs samples of at least 2 classes; there is 1 class.")
        return len(self.classes_)

    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = np.unique(y[self.classes_[places] != y])
        if len(unknown):
            raise ValueError(f"eval_set has classes that y has not: {', '.join(map(str, unknown))}.")
        return places.astype(np.int64)

    def _weighted(self, weight: Floats, y: NDArray[Any]) -> Floats:
        return np.asarray(weighted_by_class(self.class_weight, y, weight))

    def _strata(self, target: NDArray[Any]) -> NDArray[Any]:
        return target

    def _calibrate(self, judged: list[Judged]) -> None:
        self.temperatures_ = [1.0] * len(self.models_)
        for i, (x, target, weight) in enumerate(judged):
            with suppress(ValueError):  # there is no best temperature
                self.temperatures_[i] = temperature(self._probabilities(x)[i], target, weight)

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Return the probabilities of the classes ``[rows, classes]``, the means over the ensemble."""
        probabilities = self._probabilities(self._inputs(X))
        temperatures = np.array(self.temperatures_)
        if (temperatures != 1.0).any():
            logits = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
            probabilities = probabilities_of(logits / temperatures[:, np.newaxis, np.newaxis])
        mean: Floats = probabilities.mean(axis=0)
        return mean

    def _probabilities(self, x: Inputs) -> Floats:
        """Return the probabilities of all models ``[models, rows, classes]``, before their temperatures."""
        return probabilities_of(self._outputs(x))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each row ``[rows]``."""
        best = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best]
        return chosen


class TabularRegressor(RegressorMixin, TabularEstimator):
    """The base of regressors: outputs are standardized targets."""

    _task = NUMBERS

    def _read(self, y: Any, name: str = "y") -> NDArray[Any]:
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name=name, estimator=self)
        return np.asarray(y if y.ndim == 2 and y.shape[1] > 1 else column_or_1d(y, warn=True))

    def _learn(self, y: NDArray[Any], rows: Rows) -> int:
        used = y[rows]
        self._center, spread = used.mean(axis=0), used.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._range = used.min(axis=0), used.max(axis=0)
        return int(self._center.size)

    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        return np.asarray((y - self._center) / self._spread)

    def predict(self, X: Any) -> Floats:  # noqa: N803
        """Return the targets ``[rows]``, the means over the ensemble, none of which leaves the range of `fit`."""
        outputs = self._outputs(self._inputs(X))
        outputs = outputs if self._center.ndim else outputs[..., 0]
        mean: Floats = np.clip(outputs * self._spread + self._center, *self._range).mean(axis=0)
        return mean


def given(x: Inputs) -> Any:
    """Return inputs as `fit` and `predict` of models take them."""
    return x if len(x) > 1 else x[0]


def held_out_of(x: Inputs, shared: dict[str, Any], member: dict[str, Any]) -> Judged | None:
    """Return what a member is judged by, of the rows of all or of its own; None where there is nothing."""
    if "validation_data" in member:
        inputs, target = member["validation_data"]
        return inputs if isinstance(inputs, list) else [inputs], target, None
    if "validation_rows" not in member:
        return None
    rows, weight = member["validation_rows"], shared.get("sample_weight")
    return [array[rows] for array in x], shared["y"][rows], None if weight is None else weight[rows]


def probabilities_of(outputs: Floats) -> Floats:
    """Return the probabilities that logits ``[..., rows, classes]`` stand for."""
    return np.asarray(softmax(outputs.reshape(-1, outputs.shape[-1])).reshape(outputs.shape), dtype=np.float64)


def _taken(table: Any, rows: Rows) -> Any:
    """Return these rows of a table, or all where that is what they are."""
    if np.array_equal(rows, np.arange(len(table))):
        return table
    if not is_frame(table):
        return table[rows]
    import narwhals.stable.v2 as nw

    return nw.from_native(table, eager_only=True)[rows].to_native()


def _counted(weight: Floats) -> tuple[Rows, Floats]:
    """Return the rows to train with, which repeat where weights are whole numbers, and their weights."""
    if (weight == np.rint(weight)).all() and weight.sum() <= MOST * len(weight):
        return np.repeat(np.arange(len(weight)), weight.astype(np.int64)), np.ones_like(weight)
    return np.flatnonzero(weight), weight
