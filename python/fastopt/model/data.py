"""What a model is given: samples, targets and weights, checked once, in the form that the core reads."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.data.splits import held_out
from fastopt.kernels import Real
from fastopt.layers import Shape
from fastopt.losses import Loss
from fastopt.model.labels import Classes, class_number, numbered
from fastopt.model.plan import Plan
from fastopt.schedules import Schedule

__all__ = [
    "Samples",
    "Several",
    "batch_size_at",
    "checked_inputs",
    "checked_samples",
    "in_shape",
    "triple",
    "with_class_weight",
]


class Samples(NamedTuple):
    """Checked data: inputs ``[n, features]``, targets as the loss wants them, weights ``[n]``; targets as given."""

    x: NDArray[Any]
    y: NDArray[Any]
    weight: Real | None
    given: NDArray[Any]

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.x)

    def split(
        self, fraction: float, seed: int | None = None, classes: NDArray[Any] | None = None
    ) -> tuple["Samples", "Samples"]:
        """Return the first samples and the last ``fraction`` of them, as views; with a seed, copies of others."""
        held = int(checks.times(self.rows, fraction))
        if not 0 < held < self.rows:
            raise ValueError(f"validation_split={fraction:g} of {self.rows} samples leaves one part empty.")
        if seed is None:
            parts = self._rows(slice(self.rows - held)), self._rows(slice(self.rows - held, None))
        else:
            kept = np.ones(self.rows, bool)
            kept[held_out(self.rows, held, seed, classes)] = False
            parts = self._rows(kept), self._rows(~kept)
        for kind, part in zip(("training", "validation"), parts, strict=True):
            if part.weight is not None and not part.weight.any():
                raise ValueError(f"sample_weight is 0 for every {kind} sample; at least one must be positive.")
        return parts

    def _rows(self, rows: slice | NDArray[np.bool_]) -> "Samples":
        return Samples(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows], self.given[rows])


class Several(NamedTuple):
    """Checked data of several inputs or outputs: a list of each, weights ``[n]``."""

    x: list[NDArray[Any]]
    y: list[NDArray[Any]]
    weight: Real | None
    given: list[NDArray[Any]]

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.x[0])

    def of(self, output: int) -> Samples:
        """Return the data with the targets of one output alone."""
        return Samples(self.x[0], self.y[output], self.weight, self.given[output])


def triple(name: str, given: object) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights of a pair or a triple; the weights of a pair are None."""
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        raise ValueError(f"{name} must be (x, y) or (x, y, sample_weight).")
    x, y, sample_weight = (*given, None)[:3]
    return x, y, sample_weight


def checked_inputs(name: str, x: ArrayLike, shape: Shape | None, dtype: str) -> tuple[NDArray[Any], Shape]:
    """Return samples, each in a row, and their shape: the given one, or, if that is None, their own."""
    if shape is not None and len(shape) == 1 and _core.is_matrix(x, dtype, shape[0]):
        return x, shape  # the usual case; the checks below take ten times as long
    result = checks.samples(name, x, shape)
    checks.finite(name, result, dtype, x)
    return (result if result.ndim == 2 else result.reshape(len(result), -1)), result.shape[1:]


def checked_samples(
    x: NDArray[Any],
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    loss: Loss,
    plan: Plan,
    dtype: str,
    prefix: str,
    classes: Classes,
    find: bool,
) -> Samples:
    """Return checked inputs with their targets and weights, whose names in messages have this prefix.

    Labels are those of `classes`; whether classes are added that are not known yet is what `find` says.
    """
    if len(plan.output_shape) > 1 and loss.link == "softmax":
        raise ValueError(
            f"{loss.name} has one class for each output, (n, classes); the outputs of a sample have the shape "
            f"{plan.output_shape}: put Flatten() before the last layer."
        )
    targets = checks.array(f"{prefix}y", numbered(f"{prefix}y", y, loss, plan.outputs, classes, find=find))
    if targets.ndim == 0 or len(targets) != len(x):
        raise ValueError(
            f"{prefix}x has {len(x)} samples (shape {(len(x), *plan.input_shape)}), {prefix}y has shape "
            f"{targets.shape}; expected one target for each sample."
        )
    if len(plan.output_shape) > 1 and targets.shape[1:] == plan.output_shape:
        targets = targets.reshape(len(targets), -1)
    read = loss.targets(f"{prefix}y", targets, plan.outputs, dtype)
    if sample_weight is None:
        return Samples(x, read, None, targets)
    return Samples(x, read, checks.weights(f"{prefix}sample_weight", sample_weight, len(x), dtype), targets)


def with_class_weight(
    data: Samples, class_weight: str | Mapping[Any, float] | None, loss: Loss, outputs: int, dtype: str, known: Classes
) -> Samples:
    """Return the samples with weights that are multiplied by factors of their classes."""
    if class_weight is None:
        return data
    labels, classes = loss.classes(data.y, outputs)
    factors = np.ones(classes)
    if isinstance(class_weight, Mapping):
        for label, factor in class_weight.items():
            factors[class_number(label, known, classes)] = checks.real(f"class_weight[{label}]", factor, 0)
    elif str(class_weight) == "balanced":
        counts = np.bincount(labels, minlength=classes)
        factors = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        raise TypeError(f"class_weight must be a dict of classes and factors, or 'balanced', not {class_weight!r}.")
    weight = factors[labels] if data.weight is None else factors[labels] * data.weight.astype(np.float64)
    if not weight.any():
        raise ValueError("The weights are all 0: at least one sample must have a positive class weight and weight.")
    return data._replace(weight=checks.weights("class_weight times sample_weight", weight, len(weight), dtype))


def batch_size_at(given: int | Callable[[int], float], epoch: int) -> int:
    """Return the batch size, checked, or that of a schedule or a function after this many epochs."""
    size: object = given
    if callable(given):
        if isinstance(given, Schedule) and given.per != "epoch":
            raise ValueError(f"batch_size changes between epochs only: give {given!r} per='epoch'.")
        size = round(checks.real("batch_size", given(epoch)))
    return checks.integer("batch_size", size, 1, checks.SIZE)


def in_shape(rows: Real, shape: Shape) -> Real:
    """Return samples, each in a row, in their own shape."""
    return rows if len(shape) == 1 else rows.reshape(len(rows), *shape)
