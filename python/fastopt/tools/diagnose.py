"""What a network lacks, by its errors on the data that it was trained on and on others."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.losses import Loss
from fastopt.model.data import triple
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.model.weighted import checked_model

__all__ = ["Diagnosis", "diagnose", "diagnose_errors", "weighted_average"]

Data = Sequence[Any]

ADVICE = {
    "bias": "a bigger network, longer training, another architecture",
    "variance": "more data, regularisation, another architecture",
    "mismatch": "training data that are more like the development data",
}


@dataclass(frozen=True)
class Diagnosis:
    """The errors of a model, what lies between them, and what to do; printed as a table.

    Attributes:
        train_error: The share of training samples that is wrong.
        dev_error: The share of development samples, which come from where the model is to be used.
        human_error: The least error that can be reached.
        train_dev_error: The share of samples of the training distribution that the model has not seen, or None.
        threshold: What counts as large.
    """

    train_error: float
    dev_error: float
    human_error: float = 0.0
    train_dev_error: float | None = None
    threshold: float = 0.05

    @property
    def gaps(self) -> dict[str, float]:
        """What lies between the errors: ``bias``, ``variance`` and, where it can be told apart, ``mismatch``."""
        unseen = self.dev_error if self.train_dev_error is None else self.train_dev_error
        gaps = {"bias": self.train_error - self.human_error, "variance": unseen - self.train_error}
        return gaps if self.train_dev_error is None else gaps | {"mismatch": self.dev_error - unseen}

    @property
    def problems(self) -> list[str]:
        """The names of the gaps that are larger than the threshold."""
        return [name for name, gap in self.gaps.items() if gap > self.threshold]

    @property
    def advice(self) -> dict[str, str]:
        """What helps against each of the problems."""
        return {name: ADVICE[name] for name in self.problems}

    def __str__(self) -> str:
        errors = {"human": self.human_error, "training": self.train_error}
        if self.train_dev_error is not None:
            errors["training-dev"] = self.train_dev_error
        errors["dev"] = self.dev_error
        gaps = ["", *self.gaps.items()]
        lines = [f"{'':<14}{'error':>8}{'gap':>10}"]
        for (name, error), gap in zip(errors.items(), gaps, strict=True):
            large = "  <-" if gap and gap[0] in self.problems else ""
            text = f"{gap[1]:>10.2%}  {'avoidable bias' if gap[0] == 'bias' else gap[0]}{large}" if gap else ""
            lines.append(f"{name:<14}{error:>8.2%}{text}")
        lines += [f"{name}: {advice}" for name, advice in self.advice.items()]
        return "\n".join(lines if self.problems else [*lines, f"no gap is larger than {self.threshold:.2%}"])


def diagnose_errors(
    train_error: float,
    dev_error: float,
    human_error: float = 0.0,
    train_dev_error: float | None = None,
    threshold: float = 0.05,
) -> Diagnosis:
    """Tell bias, variance and mismatch of the data by errors that are known.

    The avoidable bias is E_train - E_human, the variance E_dev - E_train. Where the training data come from elsewhere
    than the development data, an error E_train_dev on samples of the training distribution that were held back tells
    the variance, E_train_dev - E_train, from the mismatch, E_dev - E_train_dev.

    Args:
        train_error: E_train, from 0 to 1.
        dev_error: E_dev.
        human_error: E_human, the least that can be reached.
        train_dev_error: E_train_dev, or None.
        threshold: How large a gap is a problem, at least 0.

    Raises:
        TypeError, ValueError: An argument is not a number, or out of its range.

    Example:
        >>> import fastopt as fo
        >>> print(fo.diagnose_errors(0.15, 0.30))
                         error       gap
        human            0.00%
        training        15.00%    15.00%  avoidable bias  <-
        dev             30.00%    15.00%  variance  <-
        bias: a bigger network, longer training, another architecture
        variance: more data, regularisation, another architecture
    """
    given = {"train_error": train_error, "dev_error": dev_error, "human_error": human_error}
    if train_dev_error is not None:
        given["train_dev_error"] = train_dev_error
    errors = {name: checks.real(name, value, 0.0) for name, value in given.items()}
    return Diagnosis(**errors, threshold=checks.real("threshold", threshold, 0.0))


def diagnose(
    model: Sequential | Model,
    train: Data,
    dev: Data,
    human_error: float = 0.0,
    train_dev: Data | None = None,
    threshold: float = 0.05,
) -> Diagnosis:
    """Tell bias, variance and mismatch of the data by what a model predicts; see `diagnose_errors`.

    The error is the share of samples whose class is wrong or, for a loss of values, the share of the variance of the
    targets that is not explained, 1 - R2.

    Args:
        model: A model that is trained, with one output.
        train: The training data, ``(x, y)`` or ``(x, y, sample_weight)``.
        dev: Data from where the model is to be used.
        human_error: The least error that can be reached.
        train_dev: Data from where the training data come, which the model has not seen; None if that is the same.
        threshold: How large a gap is a problem, at least 0.

    Raises:
        RuntimeError: The model has no loss, or has not been built.
        TypeError, ValueError: The data do not fit the model, or an argument is out of its range.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(64, "relu"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> history = model.fit(x[:500], y[:500], epochs=30, verbose=0)
        >>> fo.diagnose(model, (x[:500], y[:500]), (x[500:], y[500:])).problems
        ['variance']
    """
    judge = _judge(model)
    errors = [_error(*judge, data, name) for name, data in (("train", train), ("dev", dev))]
    between = None if train_dev is None else _error(*judge, train_dev, "train_dev")
    return diagnose_errors(errors[0], errors[1], human_error, between, threshold)


def _error(judge: Sequential | Model, metric: str, data: Data, name: str) -> float:
    x, y, sample_weight = triple(name, data)
    return float(1 - judge.evaluate(x, y, sample_weight=sample_weight)[metric])


def _judge(model: Sequential | Model) -> tuple[Sequential | Model, str]:
    """Return a copy of the model that reports one metric, and the metric's name."""
    loss = checked_model("model", model).loss
    if not isinstance(loss, Loss):
        what = "several outputs" if isinstance(loss, dict) else "no loss"
        raise RuntimeError(f"The model has {what}; a diagnosis needs one output with a loss, given by compile.")
    metric = "r2" if loss.link is None else "accuracy"
    judge = copy.copy(model)
    judge.compile(model.optimizer, loss, [metric])
    return judge, metric


def weighted_average(series: ArrayLike, beta: float, correct: bool = True) -> NDArray[np.float64]:
    """Return the exponential average of a series at each of its times.

    v_t = beta v_{t-1} + (1 - beta) x_t from v_0 = 0, about the mean of the last 1 / (1 - beta) values; corrected,
    v_t / (1 - beta^t), also at the start.

    Args:
        series: x, ``[times, ...]``.
        beta: How much of the average is kept each time, at least 0 and less than 1.
        correct: Whether it is corrected for its start at zero.

    Raises:
        TypeError: `series` does not hold numbers, or an argument has the wrong type.
        ValueError: There is no time, a value is NaN or infinite, or `beta` is out of its range.

    Example:
        >>> import fastopt as fo
        >>> fo.weighted_average([40, 49, 45], 0.9).round(4)
        array([40.    , 44.7368, 44.8339])
        >>> fo.weighted_average([40, 49, 45], 0.9, correct=False)
        array([ 4.  ,  8.5 , 12.15])
    """
    x = checks.array("series", series).astype(np.float64)
    if x.ndim == 0 or not len(x):
        raise ValueError(f"series has shape {x.shape}; expected at least one time, [times, ...].")
    checks.finite("series", x, "float64")
    beta, correct = checks.real("beta", beta, 0.0, 1.0), checks.flag("correct", correct)
    v, result = np.zeros(x.shape[1:]), np.empty(x.shape)
    for t, value in enumerate(x, 1):
        v = beta * v + (1 - beta) * value
        result[t - 1] = v / (1 - beta**t) if correct else v
    return result
