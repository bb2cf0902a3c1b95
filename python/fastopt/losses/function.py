"""Losses of one's own, which are Python functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.losses.base import LOSSES, Loss
from fastopt.losses.classes import sums_to_one

__all__ = ["FunctionLoss", "function_name", "loss_of"]


class WholeBatchError(Exception):
    """A loss is one for a whole batch, of which it was given a part."""


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
            cannot be weighted, and its gradient. With `cost_and_gradient` the batch is all samples: in chunks where
            each has a loss of its own, else at once, in memory that grows with their number.

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
        self.function = checks.function("function", function, " of targets and predictions")

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
        self, y: NDArray[Any], outputs: NDArray[Any], weight: NDArray[Any] | None, number: int | None = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the losses L ``[n]`` of a batch, and the gradient ``[n, outputs]`` of sum_i w_i L_i / number.

        Args:
            y: The targets.
            outputs: The predictions ``[n, outputs]``.
            weight: The weights ``[n]``, or None.
            number: The number of samples of the batch of which these are a part; None if they are all.

        Raises:
            TypeError: The function did not return a pair of arrays of numbers.
            ValueError: Their shapes do not fit, or there are weights and one loss for all samples.
            WholeBatchError: There is one loss for all samples, and these are only a part.
        """
        losses, gradient = self.values(y, outputs)
        n = len(outputs)
        if losses.ndim:
            share = np.ones(n) if weight is None else weight.astype(np.float64)
            return losses, gradient * (share / (number or n))[:, np.newaxis]
        if weight is not None:
            raise ValueError(
                f"The loss {self.name!r} returned a number for the whole batch, which cannot be weighted; with sample "
                "or class weights it must return one for each sample."
            )
        if number not in (None, n):
            raise WholeBatchError
        return np.full(n, losses), gradient

    def values(self, y: NDArray[Any], outputs: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the losses ``[n]``, or one for all ``[]``, and the gradient ``[n, outputs]``.

        Raises:
            TypeError: The function did not return a pair of arrays of numbers.
            ValueError: Their shapes do not fit.
        """
        result: object = self.function(_read_only(y), _read_only(outputs))
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"The loss {self.name!r} must return (losses, gradient), not {checks.described(result)}: functions are "
                "not differentiated here, so that they return their gradient with respect to the predictions too."
            )
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


def loss_of(given: object) -> Loss:
    """Return the loss for a name, an object, or a function that returns losses and their gradient."""
    if callable(given) and not isinstance(given, Loss | type):
        return FunctionLoss(given)
    return LOSSES.resolve(given, "loss")


def function_name(function: Callable[..., Any]) -> str:
    """Return the name of a function, or of the one that `functools.partial` calls."""
    named = getattr(function, "func", function)
    return str(getattr(named, "__name__", type(named).__name__))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
