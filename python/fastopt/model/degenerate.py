"""Warnings of data that training cannot learn from, although each number in them is good."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.warn import warn
from fastopt.losses import Loss
from fastopt.model.data import Samples, taken

__all__ = ["warn_of_classes", "warn_of_rounding", "warn_of_targets"]

FEW = 256  # samples that are looked at first
SHOWN = 5  # classes in a message
LEAST = 64  # float32 numbers that there should be in the range of a feature


def warn_of_targets(data: Samples, loss: Loss, outputs: int) -> None:
    """Warn where the loss of a classifier can only be 0, or all samples are of one class."""
    if loss.link == "softmax" and outputs == 1:
        warn(f"{loss.name} of one output is always 0: use 'binary_crossentropy', or an output for each class.")
    elif loss.link is not None and data.rows > 1:
        targets = taken(data, data.y)
        if all((y == y[:1]).all() for y in (targets[:FEW], targets)):
            warn(f"All {data.rows} targets are alike, {targets[0]}: there is nothing to tell apart.")


def warn_of_classes(
    data: Samples, validation: Samples, loss: Loss, outputs: int, known: NDArray[Any] | None = None
) -> None:
    """Warn where a class is validated that is not trained."""
    try:
        classes = [loss.classes(part.y, outputs) for part in (data, validation)]
    except ValueError:  # targets that are no classes
        return
    trained, validated = (
        np.bincount(taken(part, labels), minlength=count) > 0
        for part, (labels, count) in zip((data, validation), classes, strict=True)
    )
    missing = np.flatnonzero(validated & ~trained)
    if len(missing):
        shown = missing[:SHOWN] if known is None else known[missing[:SHOWN]]
        names = ", ".join(map(str, shown)) + (", ..." if len(missing) > SHOWN else "")
        warn(
            f"Of the {len(trained)} classes, {len(missing)} in the validation data ({names}) are not in the training "
            "data: if samples are sorted by class, split_by='stratified' keeps some of each."
        )


def warn_of_rounding(name: str, values: NDArray[np.generic], dtype: str | np.dtype[Any]) -> None:
    """Warn where a column of these, read as `dtype`, varies less than float32 resolves at its size."""
    if dtype != "float32" or values.dtype.kind not in "fiu" or values.dtype.itemsize < 4 or values.dtype == dtype:
        return
    table = values.reshape(len(values), -1)
    for part in (table[:FEW], table):
        low, high = part.min(axis=0).astype(np.float64), part.max(axis=0).astype(np.float64)
        spacing = np.spacing(np.maximum(np.abs(low), np.abs(high)).astype(np.float32)).astype(np.float64)
        lost = (high - low < LEAST * spacing) & ~checks.constant(low, high)
        if not lost.any():
            return
    column = int(np.argmax(lost))
    place = name if values.ndim == 1 or table.shape[1] == 1 else f"{name}[:, {column}]"
    warn(
        f"{place} lies between {float(low[column])!r} and {float(high[column])!r}, where numbers of float32 are "
        f"{spacing[column]:g} apart, so that most of what it says is rounded away: subtract its mean, as "
        "fastopt.preprocessing.Standardizer does, before the model gets it, or give the model dtype='float64'."
    )
