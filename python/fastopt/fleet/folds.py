"""Cross-validation: a model for each fold, trained side by side."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.data.sparse import is_sparse
from fastopt.data.splits import folds_of
from fastopt.fleet.member import Member
from fastopt.fleet.run import train
from fastopt.model.source import are_batches
from fastopt.model.weighted import Weighted

__all__ = ["CrossValidation", "cross_validate"]

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(eq=False, repr=False)
class CrossValidation:
    """What `cross_validate` has found.

    Attributes:
        members: A `Member` for each fold, whose ``model`` has been trained without it.
        folds: The rows to train with and those to validate with, of each.
        scores: The loss and the metrics of each model on its fold, by name: ``[folds]``.
    """

    members: list[Member]
    folds: list[Fold]
    scores: dict[str, NDArray[np.float64]]

    @property
    def mean(self) -> dict[str, float]:
        """The means over the folds, each weighing the same."""
        return {name: float(values.mean()) for name, values in self.scores.items()}

    @property
    def std(self) -> dict[str, float]:
        """The standard deviations over the folds, with their number less 1 in the denominator; 0 for one."""
        return {name: float(values.std(ddof=min(1, len(values) - 1))) for name, values in self.scores.items()}

    def __repr__(self) -> str:
        std = self.std
        values = ", ".join(f"{name} {mean:.4g} ± {std[name]:.2g}" for name, mean in self.mean.items())
        return f"CrossValidation({len(self.folds)} folds: {values})"


def cross_validate(
    build: Callable[[], Any],
    x: Any,
    y: Any,
    folds: int | Iterable[tuple[ArrayLike, ArrayLike]] = 5,
    *,
    stratify: bool | None = None,
    seed: int = 0,
    workers: int | None = None,
    threads_per_member: int = 1,
    backend: Any = "fleet",
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> CrossValidation:
    """Train a model for each fold with the samples of the others, side by side, and evaluate it on the fold.

    Folds are lists of rows: the data are not copied. Each model is as ``fit`` with ``rows`` and ``validation_rows``
    makes it, so that callbacks see the values of its fold as ``val_loss`` and so on.

    Args:
        build: Returns a new compiled model, called once for each fold.
        x: Inputs.
        y: Targets.
        folds: Their number, at least 2; or pairs of the rows to train with and to validate with, such as
            ``sklearn.model_selection.GroupKFold().split(x, y, groups)`` gives.
        stratify: Whether each fold has its share of each class; None does so if `y` is ``[n]`` integers,
            bool or words.
        seed: Decides which sample is in which fold.
        workers: How many models are trained at a time, as `fit` takes it.
        threads_per_member: How many threads each uses, as `fit` takes it.
        backend: What trains them, as `fit` takes it.
        verbose: What is shown, as `fit` takes it.
        arguments: Those of the models' ``fit``.

    Raises:
        TypeError, ValueError: An argument does not fit.
        Exception: What a model has raised.

    Source:
        Stone, Cross-validatory choice and assessment of statistical predictions, JRSS B 36, 1974.

    Example:
        >>> import fastopt as fo
        >>> def build():
        ...     model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        ...     model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> x, y = fo.datasets.load_digits()
        >>> found = fo.fleet.cross_validate(build, x, y, folds=4, epochs=20, verbose=0)
        >>> found.mean["accuracy"] > 0.9, found.scores["accuracy"].shape
        (True, (4,))
    """
    if isinstance(build, Weighted):
        raise TypeError("build must be a function that returns a new compiled model, not a model.")
    checks.function("build", build)
    if given := [name for name in ("rows", "validation_rows") if name in arguments]:
        raise TypeError(f"{given[0]} cannot be given: the folds are the rows; give folds of the rows that are meant.")
    pairs = _checked(folds, x, y, stratify, seed)
    each = [{"rows": rows, "validation_rows": held} for rows, held in pairs]
    models = [build() for _ in pairs]
    ended = train(models, {"x": x, "y": y} | arguments, each, workers, threads_per_member, verbose, backend, _score)
    members = sorted(ended, key=lambda member: member.index)
    for member in members:
        if member.error is not None:
            member.error.add_note(f"This was the model of fold {member.index}.")
            raise member.error
    scores = {name: np.array([member.value[name] for member in members]) for name in members[0].value}
    return CrossValidation(members, pairs, scores)


def _score(member: Member, arguments: Mapping[str, Any]) -> Any:
    given = {name: arguments.get(name) for name in ("x", "y", "sample_weight")}
    return member.model.evaluate(**given, verbose=0, return_dict=True, rows=arguments["validation_rows"])


def _checked(folds: Any, x: Any, y: Any, stratify: bool | None, seed: int) -> list[Fold]:
    if are_batches(x):
        raise TypeError("x gives batches; cross_validate takes arrays x and y.")
    first = x[0] if isinstance(x, list | tuple) and np.ndim(x[0]) > 1 else x
    rows = first.shape[0] if is_sparse(first) else len(first)
    if isinstance(folds, Iterable):
        pairs = [_pair(f"folds[{i}]", pair, rows) for i, pair in enumerate(folds)]
        if not pairs:
            raise ValueError("folds is empty: there must be at least one pair of rows.")
        return pairs
    count = checks.integer("folds", folds, 2, rows + 1)
    labels = None if isinstance(y, dict) else np.asarray(y)
    if labels is not None and labels.shape == (rows,) and labels.dtype.kind in "iubUSO":
        try:
            labels = np.unique(labels, return_inverse=True)[1]
        except TypeError as error:
            raise TypeError(f"y holds labels that have no order, or are missing: {error}.") from None
    else:
        labels = None
    if stratify is None:
        stratify = labels is not None
    elif checks.flag("stratify", stratify) and labels is None:
        raise ValueError("stratify needs labels: y must be integers, bool or words of shape (n,).")
    held = folds_of(rows, count, checks.integer("seed", seed, 0, 2**64), labels if stratify else None)
    everything = np.arange(rows)
    return [(np.setdiff1d(everything, fold, assume_unique=True), fold) for fold in held]


def _pair(name: str, given: Any, rows: int) -> Fold:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise ValueError(f"{name} must be (rows to train with, rows to validate with), not {checks.described(given)}.")
    return checks.row_numbers(f"{name}[0]", given[0], rows), checks.row_numbers(f"{name}[1]", given[1], rows)
