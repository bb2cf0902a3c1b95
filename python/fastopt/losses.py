"""What training minimises: the weighted mean over samples of L(prediction, target).

Names in snake case, and Keras' short ones (``"mse"``), stand for the objects. Each cross-entropy is computed together
with the softmax or sigmoid that feeds it, from the logits z, so that it neither overflows nor loses digits. A loss that
is not here can be a function of one's own: `FunctionLoss`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described, Registry, arguments_of, snake_case

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


_TABLE = _core.kernels.losses()  # of each loss its link and what its targets are


class Loss(Described):
    """The base of all losses: which activation it is computed together with, and which targets it takes.

    Attributes:
        opaque: Whether it does not say what outputs and targets are, so that any metric may be asked of them.
    """

    opaque: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The core's name of the loss."""
        return snake_case(type(self).__name__)

    @property
    def link(self) -> str | None:
        """The activation that the core computes the loss together with, or None."""
        return None if self.opaque else _TABLE[self.name][0]

    @property
    def target_kind(self) -> str | None:
        """What the core takes the targets for: ``"labels"``, ``"probabilities"``, ``"bits"``, ``"signs"``..."""
        return None if self.opaque else _TABLE[self.name][1]

    @property
    def hyper(self) -> dict[str, float]:
        """The arguments of the loss, as the core reads them."""
        return {name: getattr(self, name) for name in arguments_of(type(self))}

    def check_activation(self, activation: str) -> None:
        """Refuse a last layer whose outputs the loss cannot read.

        Raises:
            ValueError: The loss reads logits, and the last activation is neither linear nor the one that makes
                probabilities of them.
        """
        if self.link is not None and activation not in ("linear", self.link):
            raise ValueError(
                f"{self.name} needs the last activation {self.link!r} or 'linear' (logits), not {activation!r}."
            )

    def targets(self, name: str, y: object, outputs: int, dtype: str) -> NDArray[Any]:
        """Return the targets as the core reads them; an array that fits is not copied.

        Args:
            name: What messages call them.
            y: The targets, one row for each sample.
            outputs: The number of outputs of the network.
            dtype: The dtype of the network.

        Raises:
            TypeError: `y` does not hold numbers.
            ValueError: Its shape or one of its values does not fit; the message names the place.
        """
        if _core.is_matrix(y, dtype, outputs):
            self.check_values(name, y)
            return y
        result = checks.array(name, y)
        if result.ndim == 1 and outputs == 1:
            result = result[:, np.newaxis]
        if result.ndim != 2 or result.shape[1] != outputs:
            raise ValueError(
                f"{name} has shape {result.shape}; {self.name} with {outputs} outputs expects "
                f"({'n' if result.ndim == 0 else len(result)}, {outputs}).{self.shape_hint(result)}"
            )
        checks.finite(name, result, dtype)
        self.check_values(name, result)
        return checks.in_form(result, dtype)

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return the class ``[n]`` of each checked target, from 0, and the number of classes.

        Raises:
            ValueError: The targets are no classes, or not one for each sample.
        """
        raise ValueError(f"class_weight needs one class for each sample; the targets of {self.name} are none.")

    def shape_hint(self, y: NDArray[Any]) -> str:
        """Return what to do about targets of the wrong shape."""
        return ""

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse targets that are numbers but not targets of this loss."""


LOSSES = Registry("loss", Loss)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def function_name(function: Callable[..., Any]) -> str:
    """Return the name of a function, or of the one that `functools.partial` calls."""
    named = getattr(function, "func", function)
    return str(getattr(named, "__name__", type(named).__name__))


def loss_of(given: object) -> Loss:
    """Return the loss for a name, an object, or a function that returns losses and their gradient."""
    if callable(given) and not isinstance(given, Loss | type):
        return FunctionLoss(given)
    return LOSSES.resolve(given)


def _refuse(name: str, y: NDArray[Any], bad: NDArray[np.bool_], expected: str) -> None:
    if np.count_nonzero(bad):  # for a few targets much faster than bad.any()
        index = np.unravel_index(int(np.argmax(bad)), bad.shape)
        place = ", ".join(str(int(i)) for i in index)
        raise ValueError(f"{name}[{place}] = {y[index]} is not {expected}.")


def sums_to_one(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each row whether its sum is 1, up to rounding."""
    return np.asarray(np.abs(y.sum(axis=1, dtype=np.float64) - 1.0) <= 1e-3)


def _check_distributions(name: str, y: NDArray[Any]) -> None:
    _refuse(name, y, y < 0, "at least 0; each row holds the probabilities of the classes")
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
        checks.finite(name, result, "float64")
        if result.dtype.kind == "f":
            _refuse(name, result, result != np.floor(result), "a whole number; labels are integers")
        outside = (result < 0) | (result >= outputs)
        _refuse(name, result, outside, f"a label from 0 to {outputs - 1} (the network has {outputs} outputs)")
        return checks.in_form(result, "int64")

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
        _refuse(name, y, (y < 0) | (y > 1), "from 0 to 1")

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return 1 where the target of the only output is more than 1/2."""
        return _of_one_output(y > 0.5) if outputs == 1 else super().classes(y, outputs)


@LOSSES.add("mse")
class MeanSquaredError(Loss):
    """Mean squared error: L = mean over outputs of (y - t)^2.

    Targets are ``[n, outputs]``, or ``[n]`` for one output. The last layer may have any activation.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.losses.MeanSquaredError().targets("y", [1.5, 2.5], outputs=1, dtype="float64")
        array([[1.5],
               [2.5]])
    """


@LOSSES.add("mae")
class MeanAbsoluteError(Loss):
    """Mean absolute error: L = mean over outputs of |y - t|; where y = t its gradient is 0.

    Targets are ``[n, outputs]``, or ``[n]`` for one output. The last layer may have any activation.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.MeanAbsoluteError().targets("y", [1.5, 2.5], outputs=1, dtype="float64")
        array([[1.5],
               [2.5]])
    """


@LOSSES.add()
class Huber(Loss):
    """Huber's loss: L = mean over outputs of d^2 / 2 where d = |y - t| <= delta, else delta (d - delta / 2).

    Targets are ``[n, outputs]``, or ``[n]`` for one output. The last layer may have any activation.

    Args:
        delta: Where the parabola becomes a line, above 0, in units of the targets.

    Raises:
        TypeError, ValueError: `delta` is no positive number.

    Source: P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35(1), 1964.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.Huber(delta=2.0).hyper
        {'delta': 2.0}
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = checks.real("delta", delta, 0, above=True)


@LOSSES.add()
class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine of the error: L = mean over outputs of log(cosh(y - t)).

    It is about d^2 / 2 for small errors d and |d| - log 2 for large ones. Targets are ``[n, outputs]``, or ``[n]`` for
    one output. The last layer may have any activation.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.LogCosh().targets("y", [1.5, 2.5], outputs=1, dtype="float64")
        array([[1.5],
               [2.5]])
    """


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
        _refuse(name, y, (y != low) & (y != 1), "a class: targets are -1 and 1, or 0 and 1")

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


@LOSSES.add()
class Poisson(Loss):
    """Negative log-likelihood of counts: L = mean over outputs of e^z - t z, z being the logarithm of the rate.

    As in PyTorch, and unlike in Keras, the network gives log rates, which may be any numbers, so that no rate has to be
    kept away from 0; the term log(t!), which does not depend on z, is left out. Targets are ``[n, outputs]``, or
    ``[n]`` for one output, at least 0. The last layer may have any activation, usually ``"linear"``; predicted rates
    are ``numpy.exp(model.predict(x))``.

    Example:
        >>> import fastopt as fo
        >>> fo.losses.Poisson().targets("y", [3, 0], outputs=1, dtype="float64")
        array([[3.],
               [0.]])
    """

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse what is not a count."""
        _refuse(name, y, y < 0, "at least 0; targets are counts")


class FunctionLoss(Loss):
    """A Python function as loss; in `compile` the function itself may stand for ``FunctionLoss(function)``.

    The function is called for each batch, between the forward and the backward pass, so that training is slower than
    with a loss of the core. Such a model cannot be saved. `check_gradients` tells whether the gradient is right.

    Args:
        function: ``f(y_true, y_pred)``, which returns the losses and their gradient with respect to `y_pred`. Targets
            are what `fit` was given for these samples, in their own dtype, but ``[n, 1]`` instead of ``[n]`` if the
            network has one output; predictions are the outputs of the last activation, each sample in a row,
            ``[n, outputs]``; neither can be written. Losses are ``[n]``, and row i of the gradient ``[n, outputs]`` is
            that of loss i; or, where samples do not have losses of their own, a number for the whole batch, which
            cannot be weighted, and its gradient.

    Metrics of classes take outputs for probabilities: they need the last activation ``"softmax"`` or ``"sigmoid"``.

    Raises:
        TypeError: `function` cannot be called.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> def upper_decile(y_true, y_pred):  # the pinball loss: what 9 of 10 targets are below
        ...     error = y_true - y_pred
        ...     slope = np.where(error > 0, 0.9, -0.1)
        ...     return (slope * error).sum(axis=1), -slope
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.Adam(0.5), upper_decile)
        >>> x, y = np.zeros((100, 1)), np.arange(100)
        >>> history = model.fit(x, y, epochs=200, verbose=0)
        >>> bool(85 < model.predict([[0.0]]).item() < 95)
        True
        >>> fo.check_gradients(model, x, y).verdict
        'great'
    """

    opaque = True

    def __init__(self, function: Callable[[NDArray[Any], NDArray[Any]], tuple[Any, Any]]) -> None:
        if not callable(function):
            raise TypeError(f"function must be a function of targets and predictions, not {function!r}.")
        self.function = function

    @property
    def name(self) -> str:
        """The name of the function."""
        return function_name(self.function)

    def targets(self, name: str, y: object, outputs: int, dtype: str) -> NDArray[Any]:
        """Return the targets in their own dtype; ``[n]`` as ``[n, 1]`` if there is one output."""
        result = checks.array(name, y)
        checks.finite(name, result, result.dtype.name)
        return result[:, np.newaxis] if result.ndim == 1 and outputs == 1 else result

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return labels ``[n]``, where the largest target of each row is, or 0 and 1 as they are."""
        count = max(2, outputs)
        if y.ndim == 2 and y.shape[1] == outputs > 1 and sums_to_one(y).all():
            return y.argmax(axis=1), count
        flat = y.reshape(-1)
        if flat.size == len(y) and ((flat >= 0) & (flat < count) & (flat == np.floor(flat))).all():
            return flat.astype(np.int64), count
        return super().classes(y, outputs)

    def judge(
        self, y: NDArray[Any], outputs: NDArray[Any], weight: NDArray[Any] | None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the losses L ``[n]`` of a batch, and the gradient ``[n, outputs]`` of sum_i w_i L_i / n.

        Raises:
            TypeError: The function did not return a pair of arrays of numbers.
            ValueError: Their shapes do not fit, or there are weights and one loss for all samples.
        """
        losses, gradient = self.values(y, outputs)
        n = len(outputs)
        if losses.ndim:
            share = np.ones(n) if weight is None else weight.astype(np.float64)
            return losses, gradient * (share / n)[:, np.newaxis]
        if weight is not None:
            raise ValueError(
                f"The loss {self.name!r} returned a number for the whole batch, which cannot be weighted; with sample "
                "or class weights it must return one for each sample."
            )
        return np.full(n, losses), gradient

    def values(self, y: NDArray[Any], outputs: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the losses ``[n]``, or one for all ``[]``, and the gradient ``[n, outputs]``.

        Raises:
            TypeError: The function did not return a pair of arrays of numbers.
            ValueError: Their shapes do not fit.
        """
        result: object = self.function(_read_only(y), _read_only(outputs))
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"The loss {self.name!r} must return (losses, gradient), not {type(result).__name__}.")
        losses = checks.array(f"The result of the loss {self.name!r}", result[0]).astype(np.float64)
        gradient = checks.array(f"The gradient of the loss {self.name!r}", result[1])
        if losses.shape not in ((), (len(outputs),)):
            raise ValueError(
                f"The loss {self.name!r} returned losses of shape {losses.shape}; expected one for each sample, "
                f"({len(outputs)},), or a number."
            )
        if gradient.shape != outputs.shape:
            raise ValueError(
                f"The loss {self.name!r} returned a gradient of shape {gradient.shape}; expected that of the "
                f"predictions, {outputs.shape}."
            )
        return losses, gradient
