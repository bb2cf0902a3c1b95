"""What a model is given: samples, targets and weights, checked once, in the form that the core reads."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.data.sparse import SparseRows, is_sparse, sparse_rows, stacked
from fastopt.data.splits import held_out
from fastopt.layers import Shape
from fastopt.losses import Loss
from fastopt.model.labels import Classes, class_number, numbered
from fastopt.model.plan import Plan
from fastopt.schedules import Schedule

__all__ = [
    "Checked",
    "Reading",
    "Samples",
    "Several",
    "arrays_of",
    "batch_size_at",
    "check_one_validation",
    "checked_inputs",
    "checked_samples",
    "concatenated",
    "in_shape",
    "in_shapes",
    "joined",
    "ordered",
    "shape_of_sample",
    "split",
    "taken",
    "taking",
    "triple",
    "with_class_weight",
    "without_inputs",
]


class Samples(NamedTuple):
    """Checked data: inputs ``[n, features]``, targets as the loss wants them, weights ``[n]``; targets as given.

    Of all rows those are meant whose numbers `chosen` has, in its order; None is all.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    weight: Real | None
    given: NDArray[Any]
    chosen: NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.x if self.chosen is None else self.chosen)


class Several(NamedTuple):
    """Checked data of several inputs or outputs: a list of each, weights ``[n]``."""

    x: list[NDArray[Any]]
    y: list[NDArray[Any]]
    weight: Real | None
    given: list[NDArray[Any]]
    chosen: NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.x[0] if self.chosen is None else self.chosen)

    def of(self, output: int) -> Samples:
        """Return the data with the targets of one output alone."""
        return Samples(self.x[0], self.y[output], self.weight, self.given[output], self.chosen)


D = TypeVar("D", Samples, Several)


def taken(data: Samples | Several, array: NDArray[Any]) -> NDArray[Any]:
    """Return what the samples have of an array with an entry for each row."""
    return array if data.chosen is None else array[data.chosen]


def ordered(data: Samples | Several, order: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """Return the rows of the samples in an order of these; None is their own."""
    if data.chosen is None or order is None:
        return data.chosen if order is None else order
    return data.chosen[order]


def check_weight(kind: str, data: Samples | Several) -> None:
    """Raise ValueError where no sample weighs anything."""
    if data.weight is not None and not taken(data, data.weight).any():
        raise ValueError(f"sample_weight is 0 for every {kind} sample; at least one must be positive.")


def taking(data: D, name: str, rows: ArrayLike | None, kind: str = "training") -> D:
    """Return of checked data the samples of these rows, as the argument of this name has them; None is all."""
    if rows is None:
        return data
    some = data._replace(chosen=checks.row_numbers(name, rows, data.rows))
    check_weight(kind, some)
    return some


def split(data: D, fraction: float, seed: int | None = None, classes: NDArray[Any] | None = None) -> tuple[D, D]:
    """Return the first samples and the last ``fraction`` of them; with a seed, others, at random; no copies.

    Args:
        data: The samples.
        fraction: The part that is held out.
        seed: Decides which; None for the last.
        classes: Those of the samples, each of which is to give its share.

    Raises:
        ValueError: A part is empty, or has no weight.
    """
    rows = data.rows
    count = held_rows(rows, fraction)
    if seed is None and data.chosen is None:
        parts = part(data, slice(rows - count)), part(data, slice(rows - count, None))
    else:
        last = np.zeros(rows, bool)
        last[slice(-count, None) if seed is None else held_out(rows, count, seed, classes)] = True
        every = np.arange(rows) if data.chosen is None else data.chosen
        parts = data._replace(chosen=every[~last]), data._replace(chosen=every[last])
    for kind, some in zip(("training", "validation"), parts, strict=True):
        check_weight(kind, some)
    return parts


def part(data: D, rows: slice) -> D:
    """Return some of the samples; no copies."""

    def cut(given: Any) -> Any:
        return [one[rows] for one in given] if isinstance(given, list) else given[rows]

    weight = None if data.weight is None else data.weight[rows]
    return data._replace(x=cut(data.x), y=cut(data.y), weight=weight, given=cut(data.given))


class Checked:
    """Inputs that have been checked once for several models.

    Args:
        x: The inputs.
        shape: That of a sample; None for any.
        dtype: That of the models.

    Raises:
        TypeError, ValueError: As `checked_inputs`.
    """

    def __init__(self, x: ArrayLike, shape: Shape | None, dtype: str) -> None:
        self.rows, self.shape = checked_inputs("x", x, shape, dtype)
        self.dtype = dtype
        self.given = x

    def __len__(self) -> int:
        return len(self.rows)


def checked_split(validation_split: object) -> float:
    """Return the fraction of the samples that is kept for validation."""
    fraction = checks.real("validation_split", validation_split)
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f"validation_split must be at least 0 and less than 1, not {fraction:g}.")
    return fraction


def held_rows(rows: int, fraction: float) -> int:
    """Return how many of so many samples are kept for validation.

    Raises:
        ValueError: A part is empty.
    """
    count = int(checks.times(rows, fraction))
    if not 0 < count < rows:
        raise ValueError(f"validation_split={fraction:g} of {rows} samples leaves one part empty.")
    return count


def check_one_validation(data: object, split: object, rows: object) -> None:
    """Raise ValueError where more than one of these arguments says what to validate with; None says nothing."""
    given = {"validation_data": data, "validation_split": split, "validation_rows": rows}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ValueError(f"Give {names[0]} or {names[1]}, not both.")


class Reading(NamedTuple):
    """How data are read.

    Attributes:
        prefix: What messages put before the names of arrays.
        classes: The known classes of each output, of which labels are.
        find: Whether those that are not known yet are found in the labels, and added.
        part: Whether the data are a part of others, so that all weights may be 0.
        features: The known names of the columns of each input, to which those of the first data that are trained with
            are added; None where they are those of the model.
    """

    prefix: str
    classes: Classes
    find: bool = False
    part: bool = False
    features: dict[str, list[str]] | None = None


def triple(name: str, given: object) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights of a pair or a triple; the weights of a pair are None."""
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        raise ValueError(f"{name} must be (x, y) or (x, y, sample_weight). It is {checks.described(given)}.")
    x, y, sample_weight = (*given, None)[:3]
    return x, y, sample_weight


def checked_inputs(name: str, x: Any, shape: Shape | None, dtype: str) -> tuple[Any, Shape]:
    """Return samples, each in a row, perhaps sparse, and their shape: the given one, or, if it is None, their own."""
    if isinstance(x, Checked):
        if x.dtype == dtype and shape in (None, x.shape):
            return x.rows, x.shape
        x = x.given
    if shape is not None and len(shape) == 1 and _core.is_matrix(x, dtype, shape[0]):
        return x, shape  # the most frequent case; the checks below take ten times as long
    if is_sparse(x):
        if shape is not None and len(shape) > 1:
            raise ValueError(f"{name} is sparse, which only flat samples can be; the model takes (n, {str(shape)[1:]}.")
        rows = sparse_rows(name, x, None if shape is None else shape[0], dtype)
        return rows, (rows.width,)
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
    how: Reading,
) -> Samples:
    """Return checked inputs with their targets and weights."""
    prefix = how.prefix
    if len(plan.output_shape) > 1 and loss.link == "softmax":
        raise ValueError(
            f"{loss.name} has one class for each output, (n, classes); the outputs of a sample have the shape "
            f"{plan.output_shape}: put Flatten() before the last layer."
        )
    targets = checks.array(f"{prefix}y", numbered(f"{prefix}y", y, loss, plan.outputs, how.classes, find=how.find))
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
    weight = checks.weights(f"{prefix}sample_weight", sample_weight, len(x), dtype, how.part)
    return Samples(x, read, weight, targets)


def balanced(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the factor of each class that makes all of them count the same, by how many samples there are of each."""
    factors: NDArray[np.float64] = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return factors


def with_class_weight(
    data: Samples,
    class_weight: str | Mapping[Any, float],
    loss: Loss,
    outputs: int,
    dtype: str,
    known: NDArray[Any] | None,
    part: bool,
) -> Samples:
    """Return the samples with weights that are multiplied by factors of their classes."""
    every, classes = loss.classes(data.y, outputs)
    labels = taken(data, every)
    factors = np.ones(classes)
    if isinstance(class_weight, Mapping):
        for label, factor in class_weight.items():
            factors[class_number(label, known, classes)] = checks.real(f"class_weight[{label}]", factor, 0)
    elif str(class_weight) == "balanced":
        factors = balanced(np.bincount(labels, minlength=classes))
    else:
        raise TypeError(f"class_weight must be a dict of classes and factors, or 'balanced', not {class_weight!r}.")
    weight = factors[every] if data.weight is None else factors[every] * data.weight.astype(np.float64)
    if not part and not taken(data, weight).any():
        raise ValueError("The weights are all 0: at least one sample must have a positive class weight and weight.")
    return data._replace(weight=checks.weights("class_weight times sample_weight", weight, len(weight), dtype, part))


def without_inputs(data: Samples | Several) -> Samples | Several:
    """Return copies of the targets and weights: whoever gave them may use their memory for the next ones."""
    none: Any = np.empty((data.rows, 0))
    y, given = concatenated([data.y]), concatenated([data.given])
    x: Any = [none] if isinstance(data.x, list) else none
    return data._replace(x=x, y=y, given=given, weight=copy(data.weight))


def joined(parts: Sequence[tuple[Samples | Several, Any]]) -> tuple[Samples | Several, Any]:
    """Return parts of data as one, with the inputs of the first alone; and the outputs of all."""
    if len(parts) == 1:
        return parts[0]
    weight: Any = None
    if any(data.weight is not None for data, _ in parts):
        weights = [np.ones(data.rows) if data.weight is None else data.weight for data, _ in parts]
        weight = np.concatenate(weights)
    y = concatenated([data.y for data, _ in parts])
    given = concatenated([data.given for data, _ in parts])
    return parts[0][0]._replace(y=y, weight=weight, given=given), concatenated([outputs for _, outputs in parts])


def concatenated(parts: Sequence[Any]) -> Any:
    """Return arrays, also sparse ones, or lists of them, one after the other."""
    if isinstance(parts[0], list):
        return [concatenated(arrays) for arrays in zip(*parts, strict=True)]
    return stacked(parts) if isinstance(parts[0], SparseRows) else np.concatenate(parts)


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


def in_shapes(found: Real | list[Real], shapes: Sequence[Shape]) -> Any:
    """Return an array, or a list of them, of samples, each in a row, in their own shapes."""
    if isinstance(found, list):
        return [in_shape(rows, shape) for rows, shape in zip(found, shapes, strict=True)]
    return in_shape(found, shapes[0])


def arrays_of(
    name: str, given: Any, names: Sequence[str], shapes: Sequence[Shape], columns: bool = False
) -> list[tuple[str, Any]]:
    """Return an array for each of these names, and what messages call it.

    They are the items of a dict or of a list; where there is one, it may be given by itself.

    Args:
        name: What messages call them all.
        given: The arrays.
        names: Those that a dict has them by.
        shapes: Those of a sample.
        columns: Whether a dict is one array, by the names of its columns.
    """
    several = len(names) > 1
    if isinstance(given, Mapping) and not columns and (several or given.keys() == {*names}):
        if given.keys() != {*names}:
            raise ValueError(f"{name} has the keys {[*given]}; expected {', '.join(names)}.")
        given = [given[one] for one in names]
    elif not several:
        alone = isinstance(given, list | tuple) and len(given) == 1 and np.ndim(given[0]) > len(shapes[0])
        given = list(given) if alone else [given]
    elif not isinstance(given, list | tuple) or len(given) != len(names):
        raise ValueError(
            f"{name} must be a list of {len(names)} arrays, or a dict by {', '.join(names)}, not "
            f"{checks.described(given)}."
        )
    return [(f"{name}[{i}]" if several else name, one) for i, one in enumerate(given)]


def shape_of_sample(name: str, given: Any) -> Shape:
    """Return the shape of one sample: ``784``, ``(28, 28)`` or, with the batch, ``(None, 784)``."""
    sizes = list(given) if isinstance(given, Sequence) else [given]
    if len(sizes) > 1 and sizes[0] is None:
        del sizes[0]
    if not sizes:
        raise ValueError(f"{name} must be the shape of one sample, such as 784 or (28, 28), not ().")
    return tuple(checks.integer(name, size, 1, checks.SIZE) for size in sizes)
