"""The losses of each row of predictions with their gradients, and the metrics.

A loss of the core that has no arguments of its own is a row of the table below: what it is called, what it computes,
its targets, who found it, and an example.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import read, read_optional, read_target, real
from fastopt.kernels.documentation import documented

__all__ = [
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_squared_error",
    "metric",
    "poisson",
    "quantile",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "squared_hinge",
]


class Loss(Protocol):
    """The losses of rows, and the gradient of their weighted sum."""

    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        weight: ArrayLike | None = None,
        scale: float = 1.0,
        out: Real | None = None,
    ) -> tuple[Real, Real]: ...


OUT = "[batch, columns] for the gradient, may not overlap the inputs."
_DOCUMENTATION = """{text}

Returns:
    The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

Raises:
    ValueError: a shape does not fit, or ``out`` cannot be written.

{source}{example}
"""


def _loss(name: str, text: str, example: str, target: str = "", source: str = "") -> Loss:
    """Return the loss of the core, documented."""

    def loss(
        prediction: ArrayLike,
        target: ArrayLike,
        weight: ArrayLike | None = None,
        scale: float = 1.0,
        out: Real | None = None,
    ) -> tuple[Real, Real]:
        return core.loss(name, read(prediction), read(target), read_optional(weight), real("scale", scale), out)

    loss.__name__ = loss.__qualname__ = name
    source = f"Source: {source}\n\n" if source else ""
    loss.__doc__ = _DOCUMENTATION.format(text=text, source=source, example=example)
    target = f"[batch, columns]{', ' if target else ''}{target}."
    return documented(prediction="[batch, columns].", target=target, out=OUT)(loss)


mean_squared_error = _loss(
    "mean_squared_error",
    "Mean squared error of each row, ``L_i = mean_j((prediction[i, j] - target[i, j])^2)``, and its gradient.",
    ">>> mean_squared_error([[3.0, 1.0]], [[1.0, 1.0]])\n(array([2.]), array([[2., 0.]]))",
)
mean_absolute_error = _loss(
    "mean_absolute_error",
    "Mean absolute error of each row, ``L_i = mean_j(|prediction[i, j] - target[i, j]|)``, and its gradient.",
    ">>> mean_absolute_error([[3.0, 1.0]], [[1.0, 1.0]])\n(array([1.]), array([[0.5, 0. ]]))",
)
log_cosh = _loss(
    "log_cosh",
    "Mean logarithm of the hyperbolic cosine of the errors of each row, and its gradient, without overflow.\n\n"
    "``L_i = mean_j(log(cosh(prediction[i, j] - target[i, j])))``.",
    ">>> loss, gradient = log_cosh([[3.0, 1e4]], [[3.0, 0.0]])\n"
    ">>> loss.round(4), gradient\n(array([4999.6534]), array([[0. , 0.5]]))",
)
hinge = _loss(
    "hinge",
    "Mean hinge loss of each row, ``L_i = mean_j(max(0, 1 - target[i, j] prediction[i, j]))``, and its gradient.",
    ">>> hinge([[0.5, 2.0]], [[1.0, 1.0]])\n(array([0.25]), array([[-0.5,  0. ]]))",
    "-1 or 1",
    'C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995.',
)
squared_hinge = _loss(
    "squared_hinge",
    "Mean square of the hinge loss of each row, and its gradient.\n\n"
    "``L_i = mean_j(max(0, 1 - target[i, j] prediction[i, j])^2)``.",
    ">>> squared_hinge([[0.5, 2.0]], [[1.0, 1.0]])\n(array([0.125]), array([[-0.5,  0. ]]))",
    "-1 or 1",
)
kl_divergence = _loss(
    "kl_divergence",
    "Divergence of the softmax of each row of logits from a distribution, and its gradient, without overflow.\n\n"
    "``L_i = sum_j target[i, j] (log(target[i, j]) - log(softmax(prediction[i])_j))``, ``0 log(0)`` being 0.",
    ">>> kl_divergence([[0.0, 0.0]], [[0.5, 0.5]])\n(array([0.]), array([[0., 0.]]))",
    "rows of probabilities",
    'S. Kullback, R. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22(1), 1951.',
)
poisson = _loss(
    "poisson",
    "Negative log-likelihood of counts for the logarithm z of a Poisson rate, and its gradient.\n\n"
    "``L_i = mean_j(exp(z) - t z)`` with ``z = prediction[i, j]`` and ``t = target[i, j]``; ``log(t!)`` is left out.",
    ">>> poisson([[0.0, 0.0]], [[1.0, 3.0]])\n(array([1.]), array([[ 0., -1.]]))",
    "counts",
)


def _label_smoothing(value: float) -> dict[str, float]:
    """Return the hyperparameter of the core."""
    value = real("label_smoothing", value, finite=False)
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, got {value}")
    return {"label_smoothing": value}


@documented(
    logits="[batch, classes].",
    target="integers [batch] in 0..classes-1, or probabilities [batch, classes] of the dtype of the logits.",
    out="[batch, classes] for the gradient, may not overlap the inputs.",
    label_smoothing="from 0 to 1; a target t stands for ``(1 - label_smoothing) t + label_smoothing / classes``.",
)
def softmax_cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Real, Real]:
    """Cross-entropy of the softmax of each row of logits, and its gradient, without overflow.

    ``L_i = log(sum_k exp(logits[i, k])) - logits[i, target[i]]`` for integer targets, and
    ``L_i = -sum_j target[i, j] log(softmax(logits[i])_j)`` for rows of probabilities ("one-hot").

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, classes].

    Raises:
        ValueError: a shape does not fit, a label or label_smoothing is out of range, or ``out`` cannot be written.

    Source: J. Bridle, "Training stochastic model recognition algorithms as networks can lead to maximum mutual
    information estimation of parameters", NIPS 1989.

    >>> loss, gradient = softmax_cross_entropy([[0.0, 0.0]], [1])
    >>> loss.round(4), gradient
    (array([0.6931]), array([[ 0.5, -0.5]]))
    """
    labels = read_target(target)
    name = "sparse_categorical_crossentropy" if labels.ndim == 1 else "categorical_crossentropy"
    hyper = _label_smoothing(label_smoothing)
    return core.loss(name, read(logits), labels, read_optional(weight), real("scale", scale), out, hyper)


@documented(
    logits="[batch, columns].",
    target="[batch, columns], probabilities.",
    out=OUT,
    label_smoothing="from 0 to 1; a target t stands for ``(1 - label_smoothing) t + label_smoothing / 2``.",
)
def sigmoid_cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Real, Real]:
    """Mean binary cross-entropy of the sigmoids of each row of logits, and its gradient, without overflow.

    ``L_i = mean_j(-t log(s) - (1 - t) log(1 - s))`` with ``s = sigmoid(logits[i, j])`` and ``t = target[i, j]``.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        ValueError: a shape does not fit, label_smoothing is out of range, or ``out`` cannot be written.

    >>> loss, gradient = sigmoid_cross_entropy([[0.0]], [[1.0]])
    >>> loss.round(4), gradient
    (array([0.6931]), array([[-0.5]]))
    """
    hyper = _label_smoothing(label_smoothing)
    return core.loss(
        "binary_crossentropy", read(logits), read(target), read_optional(weight), real("scale", scale), out, hyper
    )


@documented(
    prediction="[batch, columns].",
    target="[batch, columns].",
    out=OUT,
    delta="where the parabola becomes a line, above 0.",
)
def huber(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
    delta: float = 1.0,
) -> tuple[Real, Real]:
    """Huber's loss of each row and its gradient.

    ``L_i = mean_j(h(|prediction[i, j] - target[i, j]|))``, ``h(d) = d^2 / 2`` for ``d <= delta``, else
    ``delta (d - delta / 2)``.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        ValueError: a shape does not fit, delta is not above 0, or ``out`` cannot be written.

    Source: P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35(1), 1964.

    >>> huber([[3.0, 1.5]], [[1.0, 1.0]])
    (array([0.8125]), array([[0.5 , 0.25]]))
    """
    delta = real("delta", delta, finite=False)
    if not delta > 0:
        raise ValueError(f"delta must be above 0, got {delta}")
    hyper = {"delta": delta}
    return core.loss("huber", read(prediction), read(target), read_optional(weight), real("scale", scale), out, hyper)


@documented(
    prediction="[batch, columns].",
    target="[batch, columns].",
    out=OUT,
    quantiles="levels q, from 0 to 1, which the columns have in turn.",
)
def quantile(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
    quantiles: Sequence[float] = (0.5,),
) -> tuple[Real, Real]:
    """Pinball loss of each row and its gradient.

    ``L_i = mean_j(q d if d > 0 else (q - 1) d)`` with ``d = target[i, j] - prediction[i, j]`` and ``q =
    quantiles[j % len(quantiles)]``; where d is 0 the gradient is 0.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: quantiles is no sequence of numbers.
        ValueError: a shape does not fit, a level is not from 0 to 1 or there is none, or ``out`` cannot be written.

    Source: R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46(1), 1978.

    >>> quantile([[3.0, 1.0]], [[1.0, 2.0]], quantiles=[0.25, 0.75])
    (array([1.125]), array([[ 0.375, -0.375]]))
    """
    given: object = quantiles
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise TypeError(f"quantiles must be a sequence of numbers, not {given!r}")
    levels = {f"quantile_{i}": real(f"quantiles[{i}]", q, finite=False) for i, q in enumerate(quantiles)}
    if not levels or not all(0 <= q <= 1 for q in levels.values()):
        raise ValueError(f"quantiles must be from 0 to 1, and at least one, got {quantiles!r}")
    return core.loss(
        "quantile", read(prediction), read(target), read_optional(weight), real("scale", scale), out, levels
    )


def metric(name: str, prediction: ArrayLike, target: ArrayLike) -> Real:
    """Value of a metric for each row.

    "sparse_categorical_accuracy": ``argmax(prediction[i]) == target[i]``; "categorical_accuracy":
    ``argmax(prediction[i]) == argmax(target[i])``, the first of equal maxima; "sparse_top_k_accuracy(5)" and
    "top_k_accuracy(5)", or another number: whether ``prediction[i, target[i]]``, or that at the largest target, is
    among the 5 largest, of equal ones the first; "binary_accuracy": mean of ``(prediction > 0) == (target > 0.5)``, the
    prediction being logits; "mean_squared_error", "mean_absolute_error": mean over the columns. A NaN is never right.

    Args:
        name: one of the above.
        prediction: [batch, columns].
        target: integers [batch] for metrics of labels, else [batch, columns] of the prediction's dtype.

    Returns:
        [batch].

    Raises:
        TypeError: the dtypes do not fit.
        ValueError: the shapes do not fit, or the name is unknown.

    >>> metric("sparse_categorical_accuracy", [[0.1, 0.9], [0.8, 0.2]], [1, 1])
    array([1., 0.])
    >>> metric("sparse_top_k_accuracy(2)", [[0.1, 0.9, 0.2], [0.8, 0.2, 0.3]], [1, 1])
    array([1., 0.])
    """
    return core.metric(name, read(prediction), read_target(target))
