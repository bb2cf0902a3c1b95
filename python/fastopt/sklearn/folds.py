"""Cross-validation whose folds are trained side by side."""

import queue
import time
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, indexable

from fastopt import _core
from fastopt.core import checks
from fastopt.core.warn import collected, warn
from fastopt.fleet.turns import Turns

__all__ = ["cross_validate"]


def cross_validate(
    estimator: Any,
    X: Any,  # noqa: N803
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    sample_weight: Any = None,
    return_estimator: bool = False,
    workers: int | None = None,
    threads_per_member: int = 1,
) -> dict[str, Any]:
    """Return what `sklearn.model_selection.cross_validate` does, the folds being trained in threads side by side.

    No process is started and no data are sent to one. Estimators of fastopt use one core each, or those that others
    leave idle at the end; small networks, for which several cores are of little use, gain most. Any other estimator,
    such as a pipeline with one of them, goes as well. Each fold is to the bit what it is alone.

    Args:
        estimator: The estimator, of which each fold trains a clone.
        X: Samples ``[n, features]``.
        y: Targets.
        groups: Of the samples, for `cv`.
        scoring: A name, a function ``score(estimator, X, y)``, or several: a list or tuple of names, or a dict of
            functions; None for the ``score`` of the estimator.
        cv: The number of folds, what makes them, or pairs of rows; None for 5.
        sample_weight: Weights ``[n]`` for training; None for 1.
        return_estimator: Whether the trained estimators are wanted.
        workers: How many folds are trained at a time; None is as many as `get_num_threads` allows.
        threads_per_member: How many threads each uses.

    Returns:
        Arrays ``[folds]``: ``"fit_time"`` and ``"score_time"`` in seconds and ``"test_score"``, or ``"test_"`` and the
        name of each of several; and the list ``"estimator"``.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        TypeError, ValueError: An argument does not fit.
        Exception: What a fold has raised.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> import fastopt.sklearn
        >>> x, y = load_digits(return_X_y=True)
        >>> mlp = fastopt.sklearn.MLPClassifier(early_stopping=True, random_state=0)
        >>> bool(fastopt.sklearn.cross_validate(mlp, x, y, cv=3)["test_score"].mean() > 0.85)
        True
    """
    X, y, groups, sample_weight = indexable(X, y, groups, sample_weight)  # noqa: N806
    pairs = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y, groups))
    score: Callable[..., Any] = check_scoring(estimator, scoring=scoring)
    threads = checks.integer("threads_per_member", threads_per_member, 1, 2**31)
    cores = _core.runtime.num_threads()
    count = max(1, cores // threads) if workers is None else checks.integer("workers", workers, 1, 2**31)
    ended: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def run(fold: int) -> None:
        train, held = pairs[fold]
        try:
            one, began = clone(estimator), time.perf_counter()
            weight = {} if sample_weight is None else {"sample_weight": _safe_indexing(sample_weight, train)}
            with collected() as warned:
                one.fit(*_some(train, X, y), **weight)
                fitted = time.perf_counter()
                scores = score(one, *_some(held, X, y))
            ended.put((fold, (one, fitted - began, time.perf_counter() - fitted, scores, warned)))
        except BaseException as error:
            error.add_note(f"This was fold {fold}.")
            ended.put((fold, error))

    turns = Turns([float(len(train)) for train, _ in pairs], count, threads, run)
    found: dict[int, Any] = {}
    try:
        turns.start()
        for _ in pairs:
            fold, what = ended.get()
            if isinstance(what, BaseException):
                raise what
            found[fold] = what
    finally:
        turns.stop()
    estimators, fits, judged, scores, warned = zip(*(found[fold] for fold in range(len(pairs))), strict=True)
    for text, category in dict.fromkeys(chain(*warned)):  # which no line called in the threads
        warn(text, category)
    result: dict[str, Any] = {"fit_time": np.array(fits), "score_time": np.array(judged)}
    if return_estimator:
        result["estimator"] = list(estimators)
    named: list[dict[str, float]] = [one if isinstance(one, dict) else {"score": one} for one in scores]
    return result | {f"test_{name}": np.array([one[name] for one in named]) for name in named[0]}


def _some(rows: NDArray[np.int64], *arrays: Any) -> list[Any]:
    return [None if array is None else _safe_indexing(array, rows) for array in arrays]
