"""The bias of the last layer from the targets."""

import numpy as np
from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.initializers.base import sum_rows
from fastopt.initializers.plain import Constant
from fastopt.losses import LOSSES, Loss

__all__ = ["output_prior"]


def output_prior(
    y: ArrayLike, loss: str | Loss = "sparse_categorical_crossentropy", outputs: int | None = None
) -> Constant:
    """Return the bias of the last layer that predicts the mean of the targets, before anything is learned.

    With n samples, of which n_k are of class k, and Laplace smoothing, which keeps classes that do not occur finite:
    log((n_k + 1) / (n + classes)) before a softmax; the log-odds log((n_k + 1) / (n - n_k + 1)) before a sigmoid. For
    other losses, of a linear last layer: the mean of the targets. The first epochs need not learn it then, and the loss
    starts low even where classes are rare.

    Args:
        y: The training targets, as the loss wants them.
        loss: The name or the object of the loss.
        outputs: The number of outputs; None takes as many as `y` shows.

    Returns:
        An initializer for `bias_initializer` of the last layer.

    Raises:
        TypeError: `y` does not hold numbers, or an argument has the wrong type.
        ValueError: `y` is empty or does not fit the loss, or the loss is unknown.

    Source:
        Lin, Goyal, Girshick, He and Dollár, Focal loss for dense object detection, ICCV 2017, section 3.3.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> y = np.array([0] * 89 + [1] * 9)
        >>> bias = fo.initializers.output_prior(y)
        >>> np.exp(bias.value).round(2)
        array([0.9, 0.1])
        >>> layer = fo.layers.Dense(2, "softmax", bias_initializer=bias)
        >>> [round(value, 2) for value in fo.initializers.output_prior(y, "binary_crossentropy").value]
        [-2.2]
    """
    chosen = LOSSES.resolve(loss, "loss")
    targets = checks.array("y", y)
    if not targets.size:
        raise ValueError(f"y is empty: its shape is {targets.shape}.")
    labels = chosen.target_kind == "labels"
    if outputs is None:
        checks.finite("y", np.atleast_1d(targets), "float64")
        outputs = max(1, int(targets.max()) + 1) if labels else 1 if targets.ndim < 2 else targets.shape[1]
    targets = chosen.targets("y", targets, checks.integer("outputs", outputs, 1), "float64")
    n = len(targets)
    counts: list[float] = (np.bincount(targets, minlength=outputs) if labels else sum_rows(targets)).tolist()
    if chosen.link == "softmax":
        return Constant([_log(count + 1, n + outputs) for count in counts])
    if chosen.link == "sigmoid":
        return Constant([_log(count + 1, n - count + 1) for count in counts])
    return Constant([count / n for count in counts])


def _log(above: float, below: float) -> float:
    """Return log(above / below), correctly rounded: that of the C library differs between machines."""
    from decimal import Context

    decimal = Context(prec=30)
    ratio = decimal.divide(decimal.create_decimal(above), decimal.create_decimal(below))
    return float(decimal.ln(ratio))
