"""The losses of classes: cross-entropies, which are computed together with the softmax or sigmoid, and hinge losses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.losses.base import LOSSES, Loss, refuse

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Hinge",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "sums_to_one",
]


def sums_to_one(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each row whether its sum is 1, up to rounding."""
    return np.asarray(np.abs(y.sum(axis=1, dtype=np.float64) - 1.0) <= 1e-3)


def _check_distributions(name: str, y: NDArray[Any]) -> None:
    refuse(name, y, y < 0, "at least 0; each row holds the probabilities of the classes")
    good = sums_to_one(y)
    if not good.all():
        row = int(np.argmin(good))
        total = y[row].sum(dtype=np.float64)
        raise ValueError(f"{name}[{row}] has the sum {total:g}; each row holds probabilities with the sum 1.")


def _of_one_output(one: NDArray[np.bool_]) -> tuple[NDArray[Any], int]:
    return one[:, 0].astype(np.int64), 2


@LOSSES.add()
class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy of the softmax for integer labels: L = log(sum_j e^z_j) - z_y.

    Targets are labels ``[n]`` (or ``[n, 1]``) from 0 to outputs - 1: integers, or floats that are whole numbers. The
    last layer has one output for each class and activation ``"linear"`` or ``"softmax"``.

    Args:
        label_smoothing: s, at least 0 and less than 1; the label then counts as the target
            (1 - s) one_hot(y) + s / outputs of `CategoricalCrossentropy` (C. Szegedy et al., "Rethinking the inception
            architecture", CVPR 2016).

    Raises:
        TypeError, ValueError: `label_smoothing` is no such number.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.losses.SparseCategoricalCrossentropy().targets("y", [2.0, 0.0], outputs=3, dtype="float32")
        array([2, 0])
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = checks.real("label_smoothing", label_smoothing, 0, 1)

    def targets(self, name: str, y: object, outputs: int, dtype: str) -> NDArray[Any]:
        """Return the labels as int64 ``[n]``."""
        if _core.is_labels(y, outputs):
            return y
        result = checks.array(name, y)
        if result.ndim == 2 and result.shape[1] == 1:
            result = result[:, 0]
        if result.ndim != 1:
            hint = (
                f" One-hot rows are for 'categorical_crossentropy'; their labels are {name}.argmax(axis=1)."
                if result.ndim == 2 and result.shape[1] == outputs
                else ""
            )
            raise ValueError(f"{name} has shape {result.shape}; {self.name} expects one label a sample, (n,).{hint}")
        checks.finite(name, result, "float64", y)
        if result.dtype.kind == "f":
            refuse(name, result, result != np.floor(result), "a whole number; labels are integers")
        advice = "others need model.classes" if outputs > 1 else "two classes of one output: 'binary_crossentropy'"
        known = f"a label from 0 to {outputs - 1} (the network has {outputs} output{'s' * (outputs > 1)}); {advice}"
        refuse(name, result, (result < 0) | (result >= outputs), known)
        return checks.in_form(result, "int64")

    def label_count(self, outputs: int) -> int:
        """Return one class for each output."""
        return outputs

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return the labels."""
        return y, outputs


@LOSSES.add()
class CategoricalCrossentropy(Loss):
    """Cross-entropy of the softmax for one-hot or soft targets: L = sum_j t_j (log(sum_k e^z_k) - z_j).

    Targets are ``[n, outputs]``, each row at least 0 with the sum 1. The last layer has one output for each class and
    activation ``"linear"`` or ``"softmax"``.

    Args:
        label_smoothing: s, at least 0 and less than 1; t then stands for (1 - s) t + s / outputs (C. Szegedy et al.,
            "Rethinking the inception architecture", CVPR 2016).

    Raises:
        TypeError, ValueError: `label_smoothing` is no such number.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.losses.CategoricalCrossentropy().targets("y", [[0, 1], [1, 0]], outputs=2, dtype="float32")
        array([[0., 1.],
               [1., 0.]], dtype=float32)
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = checks.real("label_smoothing", label_smoothing, 0, 1)

    def shape_hint(self, y: NDArray[Any]) -> str:
        """Point from labels to the loss that takes them."""
        return " Integer labels are for 'sparse_categorical_crossentropy'." if y.ndim == 1 or y.shape[1] == 1 else ""

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse rows that are not probabilities."""
        _check_distributions(name, y)

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return where the largest target of each row is."""
        return y.argmax(axis=1), outputs


@LOSSES.add("kld")
class KLDivergence(Loss):
    """Divergence of the softmax from the targets: L = sum_j t_j (log t_j - log softmax(z)_j).

    It is the cross-entropy less the entropy of the targets, so that a perfect answer has the loss 0; the gradient is
    the same. Targets are ``[n, outputs]``, each row at least 0 with the sum 1. The last layer has one output for each
    class and activation ``"linear"`` or ``"softmax"``.

    Source: S. Kullback, R. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22(1), 1951.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.KLDivergence().targets("y", [[0.25, 0.75]], outputs=2, dtype="float32")
        array([[0.25, 0.75]], dtype=float32)
    """

    @property
    def name(self) -> str:
        """The core's name of the loss."""
        return "kl_divergence"

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse rows that are not probabilities."""
        _check_distributions(name, y)

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return where the largest target of each row is."""
        return y.argmax(axis=1), outputs


@LOSSES.add()
class BinaryCrossentropy(Loss):
    """Cross-entropy of the sigmoid: L = mean over outputs of log(1 + e^z) - t z.

    Targets are ``[n, outputs]``, or ``[n]`` for one output, from 0 to 1. The last layer has activation ``"linear"`` or
    ``"sigmoid"``.

    Args:
        label_smoothing: s, at least 0 and less than 1; t then stands for (1 - s) t + s / 2.

    Raises:
        TypeError, ValueError: `label_smoothing` is no such number.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.losses.BinaryCrossentropy().targets("y", [True, False], outputs=1, dtype="float32")
        array([[1.],
               [0.]], dtype=float32)
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = checks.real("label_smoothing", label_smoothing, 0, 1)

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse what is not a probability."""
        refuse(name, y, (y < 0) | (y > 1), "from 0 to 1")

    def label_count(self, outputs: int) -> int:
        """Return two classes of one output."""
        return 2 if outputs == 1 else 0

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return 1 where the target of the only output is more than 1/2."""
        return _of_one_output(y > 0.5) if outputs == 1 else super().classes(y, outputs)


@LOSSES.add()
class Hinge(Loss):
    """Hinge loss: L = mean over outputs of max(0, 1 - t y).

    Targets are ``[n, outputs]``, or ``[n]`` for one output: -1 and 1, or 0 and 1, which stand for them, as in Keras.
    The last layer may have any activation, usually ``"linear"`` or ``"tanh"``.

    Source: C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.Hinge().targets("y", [0, 1], outputs=1, dtype="float64")
        array([[-1.],
               [ 1.]])
    """

    def targets(self, name: str, y: object, outputs: int, dtype: str) -> NDArray[Any]:
        """Return the targets as -1 and 1."""
        result = super().targets(name, y, outputs, dtype)
        return result if (result == -1).any() else 2 * result - 1

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse what is not one of two classes."""
        low = -1 if (y == -1).any() else 0
        refuse(name, y, (y != low) & (y != 1), "a class: targets are -1 and 1, or 0 and 1")

    def label_count(self, outputs: int) -> int:
        """Return two classes of one output."""
        return 2 if outputs == 1 else 0

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return 1 where the target of the only output is 1, and 0 where it is -1."""
        return _of_one_output(y > 0) if outputs == 1 else super().classes(y, outputs)


@LOSSES.add()
class SquaredHinge(Hinge):
    """Square of the hinge loss: L = mean over outputs of max(0, 1 - t y)^2.

    Targets and activations are those of `Hinge`.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.SquaredHinge().targets("y", [-1, 1], outputs=1, dtype="float64")
        array([[-1.],
               [ 1.]])
    """
