"""Probabilities that mean what they say: temperature scaling of classifiers, and how far a classifier is from that.

Example:
    >>> import numpy as np, fastopt as fo
    >>> x, y = fo.datasets.load_digits()
    >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
    >>> model.compile(fo.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    >>> history = model.fit(x[:1000], y[:1000], epochs=30, verbose=0)
    >>> temperature = fo.calibrate.temperature(model.predict(x[1000:1400]), y[1000:1400], logits=True)
    >>> calibrated = fo.calibrate.with_temperature(model, temperature)  # the same classes, other probabilities
    >>> temperature > 1  # it was too sure
    True
"""

import copy
import math
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.layers import Activation, Dense
from fastopt.model.sequential import Sequential

__all__ = ["expected_calibration_error", "temperature", "with_temperature"]

M = TypeVar("M", bound=Sequential)
Floats = NDArray[np.float64]


def _probabilities(y_pred: ArrayLike) -> Floats:
    """Return ``[n, classes]``; one column is that of class 1."""
    p = checks.array("y_pred", y_pred)
    p = checks.matrix("y_pred", p[:, np.newaxis] if p.ndim == 1 else p, None).astype(np.float64)
    checks.finite("y_pred", p, "float64")
    if (p < 0).any() or (p > 1 + 1e-6).any():
        raise ValueError("y_pred must hold probabilities, from 0 to 1; give logits as logits=True.")
    p = np.concatenate([1 - p, p], 1) if p.shape[1] == 1 else p
    return np.asarray(p)


def _labels(y_true: ArrayLike, samples: int, classes: int) -> NDArray[np.int64]:
    y = checks.array("y_true", y_true)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.shape != (samples,):
        raise ValueError(f"y_true has shape {y.shape}; expected one label for each of {samples} predictions.")
    bad = ~((y >= 0) & (y < classes) & (y == np.floor(y)))
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"y_true[{i}] = {y[i]} is not a label from 0 to {classes - 1}.")
    return y.astype(np.int64)


def temperature(
    y_pred: ArrayLike, y_true: ArrayLike, sample_weight: ArrayLike | None = None, *, logits: bool = False
) -> float:
    """Return the temperature T for which softmax(z / T) has the least cross-entropy on data that were held out.

    The cross-entropy is convex in 1 / T, which Newton's method finds, kept within a bracket. T > 1 says that the
    classifier was too sure. Predicted classes stay what they are.

    Args:
        y_pred: Probabilities ``[n, classes]``, as `predict` returns them, or of class 1, ``[n]`` or ``[n, 1]``; those
            that are 0 count as the least number above it.
        y_true: Labels ``[n]`` from 0 to classes - 1.
        sample_weight: Weights ``[n]``, at least 0; None for 1.
        logits: Whether `y_pred` are logits z, of which the probabilities are the softmax or, for one column, the
            sigmoid.

    Returns:
        T, more than 0.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The shapes do not go together, or a value is out of its range; or there is no best T: all classes
            are right, so that the least is best, or the logits are no better than chance, so that none is large enough.

    Source:
        Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017.

    Example:
        >>> import math, numpy as np, fastopt as fo
        >>> sure = np.array([[0.99, 0.01], [0.99, 0.01], [0.99, 0.01], [0.01, 0.99]])  # right in 3 of 4
        >>> t = fo.calibrate.temperature(sure, [0, 0, 1, 1])
        >>> round(t, 3), round(1 / (1 + math.exp(-math.log(99) / t)), 3)
        (4.183, 0.75)
    """
    if checks.flag("logits", logits):
        z = checks.array("y_pred", y_pred)
        z = checks.matrix("y_pred", z[:, np.newaxis] if z.ndim == 1 else z, None).astype(np.float64)
        checks.finite("y_pred", z, "float64")
        z = np.concatenate([np.zeros_like(z), z], 1) if z.shape[1] == 1 else z
    else:
        z = np.log(np.maximum(_probabilities(y_pred), np.finfo(np.float64).tiny))
    n, classes = z.shape
    rows, y = np.arange(n), _labels(y_true, n, classes)
    w = np.ones(n) if sample_weight is None else checks.array("sample_weight", sample_weight).astype(np.float64)
    if w.shape != (n,) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ValueError(f"sample_weight must be {n} finite numbers that are at least 0, and not all 0.")
    z = z - z.max(axis=1, keepdims=True)
    spread = float(-z.min()) or 1.0
    z, w = z / spread, w / w.sum()

    def slopes(b: float) -> tuple[float, float]:
        """The first two derivatives of the cross-entropy by b = spread / T."""
        p = np.exp(b * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = (p * z).sum(axis=1)
        return float(w @ (mean - z[rows, y])), float(w @ (p * (z - mean[:, np.newaxis]) ** 2).sum(axis=1))

    if (z[rows, y] == 0)[w > 0].all():
        raise ValueError("No temperature is small enough: all classes are right; take data with mistakes.")
    low, high = 0.0, 1.0
    if slopes(0.0)[0] >= 0:
        raise ValueError("No temperature is large enough: the predictions are no better than equal probabilities.")
    while slopes(high)[0] < 0:
        low, high = high, 2 * high
    b = (low + high) / 2
    while high - low > 4 * np.spacing(high):
        slope, curvature = slopes(b)
        low, high = (b, high) if slope < 0 else (low, b)
        step = b - slope / curvature if curvature > 0 else low
        if abs(step - b) <= 4 * np.spacing(b):
            break
        b = step if low < step < high else (low + high) / 2
    return spread / b


def with_temperature(model: M, temperature: float) -> M:
    """Return a copy of a classifier whose logits are divided by the temperature: W / T and b / T of its last layer.

    Args:
        model: A `Sequential` that ends with `Dense`, with softmax, sigmoid or no activation, or with one of these as
            `Activation` behind it.
        temperature: T, more than 0.

    Raises:
        RuntimeError: It has no weights yet.
        TypeError: `model` is no `Sequential`, or `temperature` not a number.
        ValueError: The model ends with other layers, or T is not more than 0.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(2, "softmax", kernel_initializer="ones")])
        >>> model.build(1)
        >>> model.parameters["dense/bias"][:] = [2.0, 0.0]
        >>> fo.calibrate.with_temperature(model, 2.0).parameters["dense/bias"]
        array([1., 0.], dtype=float32)
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a Sequential, not {model!r}.")
    t = checks.real("temperature", temperature, 0.0, above=True)
    names, layers = list(model.layer_names), list(model.layers)
    ends = [layers[-1].activation]
    if isinstance(layers[-1], Activation) and len(layers) > 1:
        names.pop(), layers.pop()
        ends.append(layers[-1].activation)
    name, last = names[-1], layers[-1]
    if (
        not isinstance(last, Dense)
        or ends[0] not in ("softmax", "sigmoid", "linear")
        or ends[1:] not in ([], ["linear"])
    ):
        raise ValueError(f"{model!r} must end with Dense, and softmax, sigmoid or no activation.")
    result = copy.deepcopy(model)
    for tensor in ("kernel", "bias") if last.use_bias else ("kernel",):
        result.parameters[f"{name}/{tensor}"][...] /= t
    return result


def expected_calibration_error(y_true: ArrayLike, y_pred: ArrayLike, bins: int = 15) -> float:
    """Return the mean distance of confidence and accuracy: sum over bins of (n_b / n) |accuracy_b - confidence_b|.

    The confidence of a sample is its largest probability; bins have equal widths from 0 to 1, each with its upper end.

    Args:
        y_true: Labels ``[n]`` from 0 to classes - 1.
        y_pred: Probabilities ``[n, classes]``, or of class 1, ``[n]`` or ``[n, 1]``.
        bins: Their number, at least 1.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The shapes do not go together, or a value is out of its range.

    Source:
        Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017, section 2.

    Example:
        >>> import fastopt as fo
        >>> round(fo.calibrate.expected_calibration_error([0, 1, 1], [0.1, 0.9, 0.1]), 3)
        0.233
    """
    p = _probabilities(y_pred)
    y = _labels(y_true, *p.shape)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.ceil(confidence * checks.integer("bins", bins, 1, 2**31)).astype(np.int64)
    size, sums = np.unique(place, return_inverse=True)
    gaps = np.bincount(sums, right - confidence, len(size))
    return math.fsum(np.abs(gaps)) / len(p)
