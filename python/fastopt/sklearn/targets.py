"""What estimators are to predict: classes of labels, or numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

__all__ = ["Labels", "Values"]


class Labels:
    """The classes of labels, and what the core reads and makes of them.

    Args:
        y: The labels ``[n]``, or, where each sample has several, 0 and 1 ``[n, classes]``; dense or sparse.
        classes: All classes, where `y` need not have them all.

    Raises:
        ValueError: They are no labels.

    Attributes:
        kind: ``"binary"``: one output tells the second class from the first; ``"multiclass"``: an output for each
            class, of which a sample has one; ``"multilabel"``: an output for each, of which it may have any.
        classes: The labels, in order.
        outputs: The number of outputs of a network.
    """

    def __init__(self, y: Any, classes: Any = None) -> None:
        if _several(y):
            self.kind = "multilabel"
            self.classes: NDArray[Any] = np.arange(y.shape[1])
        else:
            self.classes = _classes_of(y) if classes is None else unique_labels(classes)
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"
        self.outputs = 1 if self.kind == "binary" else len(self.classes)

    def encoded(self, y: Any, dtype: Any) -> NDArray[Any]:
        """Return the targets as the loss of this kind reads them: ``[n, outputs]`` of 0 and 1, or numbers ``[n]``.

        Raises:
            ValueError: There are labels of no class.
        """
        if self.kind == "multilabel":
            dense = y.toarray() if hasattr(y, "toarray") else y
            if np.shape(dense)[1:] != self.classes.shape:
                raise ValueError(f"y has the shape {np.shape(dense)}; it had {len(self.classes)} labels at first.")
            bits: NDArray[Any] = np.ascontiguousarray(dense, dtype)
            return bits
        numbers: NDArray[Any] = np.searchsorted(self.classes, y)
        if len(self.classes) and (self.classes[np.minimum(numbers, len(self.classes) - 1)] != y).any():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. 'y' has {np.unique(y)}."
            )
        return numbers if self.kind == "multiclass" else numbers.astype(dtype)[:, np.newaxis]

    def decoded(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable labels, of the outputs ``[n, outputs]``."""
        if self.kind == "multilabel":
            return (probabilities > 0.5).astype(int)
        if self.kind == "multiclass":
            numbers = probabilities.argmax(axis=1)
        else:
            numbers = np.minimum(probabilities[:, 0] > 0.5, len(self.classes) - 1).astype(int)
        labels: NDArray[Any] = self.classes[numbers]
        return labels

    def score(self, targets: NDArray[Any], outputs: NDArray[Any], weight: NDArray[Any] | None) -> float:
        """Return the part of the samples, weighted, whose outputs tell the targets, both as the core has them."""
        if self.kind == "multiclass":
            right = outputs.argmax(axis=1) == targets
        else:
            right = ((outputs > 0.5) == (targets > 0.5)).all(axis=1)
        return float(np.average(right, weights=weight))


class Values:
    """Numbers to predict, and what the core reads and makes of them.

    Args:
        y: The numbers ``[n]`` or ``[n, outputs]``.

    Attributes:
        outputs: The number of outputs of a network.
    """

    kind = "values"

    def __init__(self, y: NDArray[Any]) -> None:
        self.outputs = 1 if y.ndim == 1 else y.shape[1]

    def encoded(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Return the targets ``[n, outputs]``.

        Raises:
            ValueError: They have another number of outputs.
        """
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.outputs:
            raise ValueError(f"y has {columns.shape[1]} outputs; it had {self.outputs} at first.")
        return np.ascontiguousarray(columns, dtype)

    def decoded(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the outputs ``[n, outputs]``, or ``[n]`` where there is one."""
        return outputs[:, 0] if self.outputs == 1 else outputs

    def score(self, targets: NDArray[Any], outputs: NDArray[Any], weight: NDArray[Any] | None) -> float:
        """Return the coefficient of determination R2, the mean over the outputs."""
        spread = np.average((targets - np.average(targets, 0, weight)) ** 2, 0, weight)
        error = np.average((targets - outputs) ** 2, 0, weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(spread > 0, 1 - error / spread, np.where(error > 0, 0.0, 1.0))
        return float(scores.mean())


def _several(y: Any) -> bool:
    """Return whether each sample has several labels; where it has one, `y` is checked."""
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biuU":
        return False  # the usual case, for which the checks below sort the labels once more
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multiclass-multioutput":
        raise ValueError("Multioutput target data is not supported with label binarization")
    return bool(kind == "multilabel-indicator")


def _classes_of(y: Any) -> NDArray[Any]:
    """Return the labels that there are, in order."""
    return np.unique(y) if y.dtype.kind in "biuU" else unique_labels(y)
