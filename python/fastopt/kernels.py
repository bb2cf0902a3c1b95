"""Every kernel of the core as a function: NumPy in, NumPy out.

Arrays are float32 or float64, all of one dtype in a call; nothing is converted silently. What is only read may have
any strides. What is written (``out``, weights, slots) must be an aligned, native-endian, writable, C-contiguous array
of the stated shape and dtype that shares no memory with what is read, unless the text allows the same array; otherwise
ValueError or TypeError is raised and nothing has changed. Without ``out`` a new array is returned. All results are
bit-identical for every number of threads.

>>> import numpy as np
>>> from fastopt import kernels
>>> kernels.matmul(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
array([[1., 2.],
       [3., 4.]])
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import kernels as _core

__all__ = [
    "activation_backward",
    "adam_update",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_inference",
    "column_sum",
    "dense_backward_input",
    "dense_backward_kernel",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "elu",
    "exp",
    "first_nonfinite",
    "gaussian_noise",
    "gelu",
    "gelu_tanh",
    "group_norm_backward",
    "group_norm_forward",
    "hard_sigmoid",
    "hard_tanh",
    "hinge",
    "huber",
    "kl_divergence",
    "layer_norm_backward",
    "layer_norm_forward",
    "leaky_relu",
    "linear",
    "log",
    "log_cosh",
    "matmul",
    "maxout_backward",
    "maxout_forward",
    "mean_absolute_error",
    "mean_squared_error",
    "metric",
    "momentum_update",
    "norm",
    "normal",
    "permutation",
    "philox",
    "poisson",
    "prelu_backward",
    "prelu_forward",
    "relu",
    "rms_norm_backward",
    "rms_norm_forward",
    "selu",
    "sgd_update",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "softsign",
    "squared_hinge",
    "sum",
    "tanh",
    "uniform",
]

Real: TypeAlias = NDArray[np.float32] | NDArray[np.float64]


def _read(x: ArrayLike) -> Any:
    return np.require(x, requirements=["C", "A", "E"])


def _read_optional(x: ArrayLike | None) -> Any:
    return None if x is None else _read(x)


def _read_target(target: ArrayLike) -> Any:
    """Labels of any integer type become those that the core reads."""
    array = _read(target)
    return array.astype(np.int64) if array.ndim == 1 and array.dtype.kind in "iu" else array


def _counter(seed: int, stream: int, count: int) -> tuple[int, int, int]:
    for name, number, end in (("seed", seed, 2**64), ("stream", stream, 2**64), ("count", count, 2**63)):
        if not 0 <= number < end:
            raise ValueError(f"{name} must be at least 0 and less than {end}, got {number}")
    return seed, stream, count


def _number(name: str, value: float, good: bool, expected: str) -> float:
    if not good:
        raise ValueError(f"{name} must be {expected}, got {value}")
    return value


# --- Dense layers -----------------------------------------------------------------------------------------------------


def matmul(a: ArrayLike, b: ArrayLike, out: Real | None = None) -> Real:
    """Matrix product ``out[i, j] = sum_k a[i, k] b[k, j]``.

    Args:
        a: [rows, inner].
        b: [inner, columns].
        out: [rows, columns], may not overlap the inputs.

    Returns:
        [rows, columns]; zeros if ``inner`` is 0.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]])
    array([[11.]])
    """
    return _core.dense_forward(_read(a), _read(b), out=out)


def dense_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    activation: str = "linear",
    out: Real | None = None,
) -> Real:
    """Output of a dense layer, ``y = f(x @ kernel + bias)``, in one pass.

    Args:
        x: [batch, in].
        kernel: [in, out].
        bias: [out], or None for zero.
        activation: the name of f, one of the activations of this module; "softmax" acts on each row.
        out: [batch, out], may not overlap the inputs.

    Returns:
        [batch, out].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, the activation is unknown, or ``out`` cannot be written.

    >>> dense_forward([[1.0, 2.0]], [[1.0, -1.0], [1.0, -1.0]], [0.5, 0.5], "relu")
    array([[3.5, 0. ]])
    """
    return _core.dense_forward(_read(x), _read(kernel), _read_optional(bias), activation, out)


def dense_backward_input(
    dy: ArrayLike,
    kernel: ArrayLike,
    y: ArrayLike | None = None,
    activation: str = "linear",
    out: Real | None = None,
) -> Real:
    """Gradient of a dense layer with respect to its input, carried on through the activation that made that input.

    ``out = (dy @ kernel.T) * f'``, where f' is written in terms of the output y of the activation f, as in
    `activation_backward`.

    Args:
        dy: [batch, out], gradient with respect to ``x @ kernel + bias``.
        kernel: [in, out].
        y: [batch, in], the input of the layer; only needed when the activation is not linear.
        activation: the name of f, the activation of the layer before; not "softmax", nor one that is differentiated
            from its input.
        out: [batch, in], may not overlap the inputs.

    Returns:
        [batch, in].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape or the activation does not fit, y is missing, or ``out`` cannot be written.

    Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", Nature 323,
    1986.

    >>> dense_backward_input([[1.0]], [[2.0], [3.0]], y=[[0.5, 0.0]], activation="relu")
    array([[2., 0.]])
    """
    return _core.dense_backward_input(_read(dy), _read(kernel), _read_optional(y), activation, out)


def dense_backward_kernel(x: ArrayLike, dy: ArrayLike, out: Real | None = None) -> Real:
    """Gradient of a dense layer with respect to its kernel, ``x.T @ dy``.

    Args:
        x: [batch, in], the input of the layer.
        dy: [batch, out], gradient with respect to ``x @ kernel + bias``.
        out: [in, out], may not overlap the inputs.

    Returns:
        [in, out].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> dense_backward_kernel([[1.0, 2.0]], [[10.0]])
    array([[10.],
           [20.]])
    """
    return _core.dense_backward_kernel(_read(x), _read(dy), out)


def column_sum(x: ArrayLike, out: Real | None = None) -> Real:
    """Sum of each column, ``out[j] = sum_i x[i, j]``: the gradient with respect to a bias.

    Args:
        x: [rows, columns].
        out: [columns], may not overlap x.

    Returns:
        [columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: x is not two-dimensional, or ``out`` cannot be written.

    >>> column_sum([[1.0, 2.0], [3.0, 4.0]])
    array([4., 6.])
    """
    return _core.column_sum(_read(x), out)


# --- Elementwise functions and activations ----------------------------------------------------------------------------


def exp(x: ArrayLike, out: Real | None = None) -> Real:
    """Exponential of each element, within 1 unit in the last place; denormal results are kept.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> exp([0.0, 1.0]).round(4)
    array([1.    , 2.7183])
    """
    return _core.exp(_read(x), out)


def log(x: ArrayLike, out: Real | None = None) -> Real:
    """Natural logarithm of each element, within 2 units in the last place; -inf at 0, NaN below.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> log([1.0, 10.0]).round(4)
    array([0.    , 2.3026])
    """
    return _core.log(_read(x), out)


def linear(x: ArrayLike, out: Real | None = None) -> Real:
    """Identity, ``f(x) = x``: a copy of x.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> linear([-1.0, 2.0])
    array([-1.,  2.])
    """
    return _core.activation_forward("linear", _read(x), out)


def relu(x: ArrayLike, out: Real | None = None) -> Real:
    """Rectified linear unit, ``f(x) = max(x, 0)``; NaN stays NaN.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return _core.activation_forward("relu", _read(x), out)


def leaky_relu(x: ArrayLike, out: Real | None = None) -> Real:
    """Rectified linear unit with a slope below 0, ``f(x) = x`` for ``x > 0``, else ``x / 100``.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    >>> leaky_relu([-1.0, 2.0])
    array([-0.01,  2.  ])
    """
    return _core.activation_forward("leaky_relu", _read(x), out)


def elu(x: ArrayLike, out: Real | None = None) -> Real:
    """Exponential linear unit, ``f(x) = x`` for ``x > 0``, else ``exp(x) - 1``, within 2 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: D. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear
    units", ICLR 2016.

    >>> elu([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ])
    """
    return _core.activation_forward("elu", _read(x), out)


def selu(x: ArrayLike, out: Real | None = None) -> Real:
    """Scaled exponential linear unit, ``f(x) = s x`` for ``x > 0``, else ``s a (exp(x) - 1)``.

    ``s = 1.0507...`` and ``a = 1.6732...`` keep mean 0 and variance 1 from layer to layer; within 3 units in the last
    place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks", NIPS 2017.

    >>> selu([-1.0, 2.0]).round(4)
    array([-1.1113,  2.1014])
    """
    return _core.activation_forward("selu", _read(x), out)


def softplus(x: ArrayLike, out: Real | None = None) -> Real:
    """Smooth rectifier, ``f(x) = log(1 + exp(x))``, without overflow, within 3 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: C. Dugas et al., "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.

    >>> softplus([0.0, 100.0]).round(4)
    array([  0.6931, 100.    ])
    """
    return _core.activation_forward("softplus", _read(x), out)


def softsign(x: ArrayLike, out: Real | None = None) -> Real:
    """Softsign, ``f(x) = x / (1 + |x|)``, within 2 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> softsign([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """
    return _core.activation_forward("softsign", _read(x), out)


def sigmoid(x: ArrayLike, out: Real | None = None) -> Real:
    """Logistic function, ``f(x) = 1 / (1 + exp(-x))``, within 4 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> sigmoid([0.0, 2.0]).round(4)
    array([0.5   , 0.8808])
    """
    return _core.activation_forward("sigmoid", _read(x), out)


def tanh(x: ArrayLike, out: Real | None = None) -> Real:
    """Hyperbolic tangent of each element, within 4 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> tanh([0.0, 1.0]).round(4)
    array([0.    , 0.7616])
    """
    return _core.activation_forward("tanh", _read(x), out)


def hard_sigmoid(x: ArrayLike, out: Real | None = None) -> Real:
    """Sigmoid in three straight pieces, ``f(x) = min(max(x + 3, 0), 6) / 6``, as in Keras 3 and PyTorch.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> hard_sigmoid([-4.0, 0.0, 4.0])
    array([0. , 0.5, 1. ])
    """
    return _core.activation_forward("hard_sigmoid", _read(x), out)


def hard_tanh(x: ArrayLike, out: Real | None = None) -> Real:
    """Hyperbolic tangent in three straight pieces, ``f(x) = min(max(x, -1), 1)``.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> hard_tanh([-4.0, 0.5, 4.0])
    array([-1. ,  0.5,  1. ])
    """
    return _core.activation_forward("hard_tanh", _read(x), out)


def gelu(x: ArrayLike, out: Real | None = None) -> Real:
    """Gaussian error linear unit, ``f(x) = x Phi(x)``, Phi being the normal distribution function.

    ``Phi(x) = (1 + erf(x / sqrt(2))) / 2``, but small results keep their digits too: within 10 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    >>> gelu([-1.0, 2.0]).round(4)
    array([-0.1587,  1.9545])
    """
    return _core.activation_forward("gelu", _read(x), out)


def gelu_tanh(x: ArrayLike, out: Real | None = None) -> Real:
    """Approximate GELU, ``f(x) = x (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) (x + 0.044715 x^3)``.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    >>> gelu_tanh([-1.0, 2.0]).round(4)
    array([-0.1588,  1.9546])
    """
    return _core.activation_forward("gelu_tanh", _read(x), out)


def silu(x: ArrayLike, out: Real | None = None) -> Real:
    """Sigmoid linear unit or swish, ``f(x) = x / (1 + exp(-x))``, within 4 units in the last place.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    >>> silu([-1.0, 2.0]).round(4)
    array([-0.2689,  1.7616])
    """
    return _core.activation_forward("silu", _read(x), out)


def softmax(x: ArrayLike, out: Real | None = None) -> Real:
    """Softmax of each row, ``f(x)_j = exp(x_j) / sum_k exp(x_k)``, without overflow.

    Args:
        x: [rows, columns].
        out: [rows, columns]; may be x itself.

    Returns:
        [rows, columns]; each row sums to 1.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: x is not two-dimensional, or ``out`` cannot be written.

    Source: J. Bridle, "Probabilistic interpretation of feedforward classification network outputs", Neurocomputing,
    1990.

    >>> softmax([[1e4, 1e4], [0.0, -np.inf]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return _core.activation_forward("softmax", _read(x), out)


def activation_backward(name: str, at: ArrayLike, dy: ArrayLike, out: Real | None = None) -> Real:
    """Gradient with respect to the input of an activation, from the gradient dy with respect to its output.

    What else it is computed from depends on the activation. For most it is the output y, which a network keeps anyway:
    ``dy`` times 1 for linear, ``y > 0`` for relu (0.01 instead of 0 for leaky_relu), ``y + 1`` below 0 for elu (and
    accordingly for selu), ``1 - exp(-y)`` for softplus, ``(1 - |y|)^2`` for softsign, ``y (1 - y)`` for sigmoid,
    ``1 / 6`` where ``0 < y < 1`` for hard_sigmoid, ``1 - y^2`` for tanh, 1 where ``|y| < 1`` for hard_tanh;
    ``y_j (dy_j - sum_k dy_k y_k)`` in each row for softmax. For gelu, gelu_tanh and silu, whose output does not tell
    the input, it is the input x: ``dy`` times ``Phi(x) + x phi(x)`` for gelu, with phi = Phi', and
    ``s (1 + x (1 - s))`` with ``s = sigmoid(x)`` for silu.

    Args:
        name: the activation; each is a function of this module.
        at: the output y of the activation, for "gelu", "gelu_tanh" and "silu" its input x; any shape, [rows, columns]
            for softmax.
        dy: shape of at.
        out: shape of at; may be dy itself.

    Returns:
        Shape of at.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, the name is unknown, or ``out`` cannot be written.

    >>> activation_backward("tanh", [0.0, 0.5], [1.0, 1.0])
    array([1.  , 0.75])
    """
    return _core.activation_backward(name, _read(at), _read(dy), out)


# --- Losses and metrics -----------------------------------------------------------------------------------------------


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

    Args:
        logits: [batch, classes].
        target: integers [batch] in 0..classes-1, or probabilities [batch, classes] of the dtype of the logits.
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, classes] for the gradient, may not overlap the inputs.
        label_smoothing: from 0 to 1; a target t stands for ``(1 - label_smoothing) t + label_smoothing / classes``.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, classes].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, a label or label_smoothing is out of range, or ``out`` cannot be written.

    Source: J. Bridle, "Training stochastic model recognition algorithms as networks can lead to maximum mutual
    information estimation of parameters", NIPS 1989.

    >>> loss, gradient = softmax_cross_entropy([[0.0, 0.0]], [1])
    >>> loss.round(4), gradient
    (array([0.6931]), array([[ 0.5, -0.5]]))
    """
    labels = _read_target(target)
    name = "sparse_categorical_crossentropy" if labels.ndim == 1 else "categorical_crossentropy"
    hyper = {"label_smoothing": _number("label_smoothing", label_smoothing, 0 <= label_smoothing <= 1, "from 0 to 1")}
    return _core.loss(name, _read(logits), labels, _read_optional(weight), scale, out, hyper)


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

    Args:
        logits: [batch, columns].
        target: [batch, columns], probabilities.
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.
        label_smoothing: from 0 to 1; a target t stands for ``(1 - label_smoothing) t + label_smoothing / 2``.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, label_smoothing is out of range, or ``out`` cannot be written.

    >>> loss, gradient = sigmoid_cross_entropy([[0.0]], [[1.0]])
    >>> loss.round(4), gradient
    (array([0.6931]), array([[-0.5]]))
    """
    hyper = {"label_smoothing": _number("label_smoothing", label_smoothing, 0 <= label_smoothing <= 1, "from 0 to 1")}
    return _core.loss("binary_crossentropy", _read(logits), _read(target), _read_optional(weight), scale, out, hyper)


def mean_squared_error(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Mean squared error of each row, ``L_i = mean_j((prediction[i, j] - target[i, j])^2)``, and its gradient.

    Args:
        prediction: [batch, columns].
        target: [batch, columns].
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> mean_squared_error([[3.0, 1.0]], [[1.0, 1.0]])
    (array([2.]), array([[2., 0.]]))
    """
    return _core.loss("mean_squared_error", _read(prediction), _read(target), _read_optional(weight), scale, out)


def mean_absolute_error(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Mean absolute error of each row, ``L_i = mean_j(|prediction[i, j] - target[i, j]|)``, and its gradient.

    Args:
        prediction: [batch, columns].
        target: [batch, columns].
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> mean_absolute_error([[3.0, 1.0]], [[1.0, 1.0]])
    (array([1.]), array([[0.5, 0. ]]))
    """
    return _core.loss("mean_absolute_error", _read(prediction), _read(target), _read_optional(weight), scale, out)


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

    Args:
        prediction: [batch, columns].
        target: [batch, columns].
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.
        delta: where the parabola becomes a line, above 0.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, delta is not above 0, or ``out`` cannot be written.

    Source: P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35(1), 1964.

    >>> huber([[3.0, 1.5]], [[1.0, 1.0]])
    (array([0.8125]), array([[0.5 , 0.25]]))
    """
    hyper = {"delta": _number("delta", delta, delta > 0, "above 0")}
    return _core.loss("huber", _read(prediction), _read(target), _read_optional(weight), scale, out, hyper)


def log_cosh(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Mean logarithm of the hyperbolic cosine of the errors of each row, and its gradient, without overflow.

    ``L_i = mean_j(log(cosh(prediction[i, j] - target[i, j])))``.

    Args:
        prediction: [batch, columns].
        target: [batch, columns].
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> loss, gradient = log_cosh([[3.0, 1e4]], [[3.0, 0.0]])
    >>> loss.round(4), gradient
    (array([4999.6534]), array([[0. , 0.5]]))
    """
    return _core.loss("log_cosh", _read(prediction), _read(target), _read_optional(weight), scale, out)


def hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Mean hinge loss of each row, ``L_i = mean_j(max(0, 1 - target[i, j] prediction[i, j]))``, and its gradient.

    Args:
        prediction: [batch, columns].
        target: [batch, columns], -1 or 1.
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995.

    >>> hinge([[0.5, 2.0]], [[1.0, 1.0]])
    (array([0.25]), array([[-0.5,  0. ]]))
    """
    return _core.loss("hinge", _read(prediction), _read(target), _read_optional(weight), scale, out)


def squared_hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Mean square of the hinge loss of each row, and its gradient.

    ``L_i = mean_j(max(0, 1 - target[i, j] prediction[i, j])^2)``.

    Args:
        prediction: [batch, columns].
        target: [batch, columns], -1 or 1.
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> squared_hinge([[0.5, 2.0]], [[1.0, 1.0]])
    (array([0.125]), array([[-0.5,  0. ]]))
    """
    return _core.loss("squared_hinge", _read(prediction), _read(target), _read_optional(weight), scale, out)


def kl_divergence(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Divergence of the softmax of each row of logits from a distribution, and its gradient, without overflow.

    ``L_i = sum_j target[i, j] (log(target[i, j]) - log(softmax(prediction[i])_j))``, ``0 log(0)`` being 0.

    Args:
        prediction: [batch, columns].
        target: [batch, columns], rows of probabilities.
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: S. Kullback, R. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22(1), 1951.

    >>> kl_divergence([[0.0, 0.0]], [[0.5, 0.5]])
    (array([0.]), array([[0., 0.]]))
    """
    return _core.loss("kl_divergence", _read(prediction), _read(target), _read_optional(weight), scale, out)


def poisson(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    scale: float = 1.0,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Negative log-likelihood of counts for the logarithm z of a Poisson rate, and its gradient.

    ``L_i = mean_j(exp(z) - t z)`` with ``z = prediction[i, j]`` and ``t = target[i, j]``; ``log(t!)`` is left out.

    Args:
        prediction: [batch, columns].
        target: [batch, columns], counts.
        weight: [batch], or None for ones; weights the gradient, not the losses.
        scale: factor of the gradient, often 1 / batch.
        out: [batch, columns] for the gradient, may not overlap the inputs.

    Returns:
        The losses L [batch] and the gradient of ``scale * sum_i weight[i] L_i`` [batch, columns].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> poisson([[0.0, 0.0]], [[1.0, 3.0]])
    (array([1.]), array([[ 0., -1.]]))
    """
    return _core.loss("poisson", _read(prediction), _read(target), _read_optional(weight), scale, out)


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
        target: integers [batch] for "sparse_..." metrics, else [batch, columns] of the prediction's dtype.

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
    return _core.metric(name, _read(prediction), _read_target(target))


# --- Normalisation ----------------------------------------------------------------------------------------------------


def _channels_last(axis: int) -> bool:
    if axis not in (1, -1):
        raise ValueError(f"axis must be 1 or -1, got {axis}")
    return axis == -1


def layer_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Each sample with mean 0 and variance 1, scaled and shifted: ``y = gamma * (x - mean) * rstd + beta``.

    ``mean`` is that of all elements of the sample, and ``rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)``.

    Args:
        x: [n, features], [n, channels, ...] or, with axis -1, [n, ..., channels].
        gamma: scale, [channels], or ``x.shape[1:]`` for one of each element; None for 1.
        beta: shift, of the shape of gamma; None for 0.
        epsilon: added to the variance, at least 0; 1e-5.
        axis: where the channels are: 1 or -1.
        out: shape of x; may be x itself.

    Returns:
        y of the shape of x, and the moments [n, 2], mean and rstd of each sample, which the gradient needs.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    Source: J. Ba, J. Kiros, G. Hinton, "Layer normalization", arXiv:1607.06450, 2016.

    >>> y, moments = layer_norm_forward([[1.0, 3.0, 5.0, 7.0]], epsilon=0.0)
    >>> y.round(4), moments.round(4)
    (array([[-1.3416, -0.4472,  0.4472,  1.3416]]), array([[4.    , 0.4472]]))
    """
    y, moments = _core.group_norm_forward(
        _read(x), _read_optional(gamma), _read_optional(beta), 1, epsilon, True, _channels_last(axis), out
    )
    return y, moments[..., 0]


def layer_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    moments: ArrayLike,
    gamma: ArrayLike | None = None,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Gradients of `layer_norm_forward`.

    With ``xhat = (x - mean) * rstd`` and means over the sample,
    ``dx = rstd * (gamma dy - mean(gamma dy) - xhat * mean(gamma dy xhat))``; ``dgamma`` is the sum of ``dy * xhat`` and
    ``dbeta`` that of ``dy``, over all that shares the parameter.

    Args:
        dy: gradient with respect to y, shape of x.
        x: as given to `layer_norm_forward`.
        moments: [n, 2], as returned by it.
        gamma: as given to it.
        axis: as given to it.
        out: for dx, shape of x; may be dy itself.

    Returns:
        dx of the shape of x, dgamma and dbeta of the shape of gamma, [channels] where it is None.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> x = np.array([[1.0, 3.0, 5.0, 7.0]])
    >>> _, moments = layer_norm_forward(x, epsilon=0.0)
    >>> dx, dgamma, dbeta = layer_norm_backward([[1.0, 0.0, 0.0, 0.0]], x, moments)
    >>> dx.round(4), dgamma.round(4)
    (array([[ 0.1342, -0.1789, -0.0447,  0.0894]]), array([-1.3416,  0.    ,  0.    ,  0.    ]))
    """
    return _core.group_norm_backward(
        _read(dy), _read(x), _read(moments)[..., None], _read_optional(gamma), 1, True, _channels_last(axis), out
    )


def rms_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Each sample divided by its root mean square, and scaled: ``y = gamma * x / sqrt(mean(x^2) + epsilon)``.

    Args:
        x: [n, features], [n, channels, ...] or, with axis -1, [n, ..., channels].
        gamma: scale, [channels], or ``x.shape[1:]`` for one of each element; None for 1.
        epsilon: added to the mean square, at least 0; 1e-5.
        axis: where the channels are: 1 or -1.
        out: shape of x; may be x itself.

    Returns:
        y of the shape of x, and the moments [n, 2] that the gradient needs: 0 and ``1 / sqrt(mean(x^2) + epsilon)``.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    Source: B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    >>> y, moments = rms_norm_forward([[1.0, 7.0]], epsilon=0.0)
    >>> y, moments
    (array([[0.2, 1.4]]), array([[0. , 0.2]]))
    """
    y, moments = _core.group_norm_forward(
        _read(x), _read_optional(gamma), None, 1, epsilon, False, _channels_last(axis), out
    )
    return y, moments[..., 0]


def rms_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    moments: ArrayLike,
    gamma: ArrayLike | None = None,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Gradients of `rms_norm_forward`.

    With ``xhat = x * rstd`` and the mean over the sample, ``dx = rstd * (gamma dy - xhat * mean(gamma dy xhat))``;
    ``dgamma`` is the sum of ``dy * xhat`` over all that shares the parameter.

    Args:
        dy: gradient with respect to y, shape of x.
        x: as given to `rms_norm_forward`.
        moments: [n, 2], as returned by it.
        gamma: as given to it.
        axis: as given to it.
        out: for dx, shape of x; may be dy itself.

    Returns:
        dx of the shape of x, and dgamma of the shape of gamma, [channels] where it is None.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> x = np.array([[1.0, 7.0]])
    >>> _, moments = rms_norm_forward(x, epsilon=0.0)
    >>> dx, dgamma = rms_norm_backward([[1.0, 0.0]], x, moments)
    >>> dx.round(4), dgamma.round(4)
    (array([[ 0.196, -0.028]]), array([0.2, 0. ]))
    """
    dx, dgamma, _ = _core.group_norm_backward(
        _read(dy), _read(x), _read(moments)[..., None], _read_optional(gamma), 1, False, _channels_last(axis), out
    )
    return dx, dgamma


def group_norm_forward(
    x: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Each group of adjacent channels of each sample with mean 0 and variance 1, scaled and shifted.

    ``y = gamma * (x - mean) * rstd + beta`` with ``mean`` that of the group of the sample, over its channels and all
    positions, and ``rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)``. With one group it is layer normalisation, with as
    many as channels instance normalisation.

    Args:
        x: [n, channels, ...] or, with axis -1, [n, ..., channels].
        groups: their number, which divides that of the channels.
        gamma: scale, [channels], or None for 1.
        beta: shift, [channels], or None for 0.
        epsilon: added to the variance, at least 0; 1e-5.
        axis: where the channels are: 1 or -1.
        out: shape of x; may be x itself.

    Returns:
        y of the shape of x, and the moments [n, 2, groups], the means and the rstd of each sample, which the gradient
        needs.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, the groups do not divide the channels, epsilon is negative, or ``out`` cannot
            be written.

    Source: Y. Wu, K. He, "Group normalization", ECCV 2018; D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance
    normalization: the missing ingredient for fast stylization", arXiv:1607.08022, 2016.

    >>> y, moments = group_norm_forward([[1.0, 3.0, 10.0, 50.0]], 2, epsilon=0.0)
    >>> y, moments
    (array([[-1.,  1., -1.,  1.]]), array([[[ 2.  , 30.  ],
            [ 1.  ,  0.05]]]))
    """
    return _core.group_norm_forward(
        _read(x), _read_optional(gamma), _read_optional(beta), groups, epsilon, True, _channels_last(axis), out
    )


def group_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    moments: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Gradients of `group_norm_forward`.

    With ``xhat = (x - mean) * rstd`` and means over the group of the sample,
    ``dx = rstd * (gamma dy - mean(gamma dy) - xhat * mean(gamma dy xhat))``; ``dgamma`` is the sum of ``dy * xhat`` and
    ``dbeta`` that of ``dy``, over all samples and positions.

    Args:
        dy: gradient with respect to y, shape of x.
        x: as given to `group_norm_forward`.
        moments: [n, 2, groups], as returned by it.
        groups: as given to it.
        gamma: as given to it.
        axis: as given to it.
        out: for dx, shape of x; may be dy itself.

    Returns:
        dx of the shape of x, dgamma and dbeta [channels].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, the groups do not divide the channels, or ``out`` cannot be written.

    >>> x = np.array([[1.0, 3.0, 10.0, 50.0]])
    >>> _, moments = group_norm_forward(x, 2, epsilon=0.0)
    >>> _, dgamma, dbeta = group_norm_backward([[1.0, 2.0, 3.0, 4.0]], x, moments, 2)
    >>> dgamma, dbeta
    (array([-1.,  2., -3.,  4.]), array([1., 2., 3., 4.]))
    """
    return _core.group_norm_backward(
        _read(dy), _read(x), _read(moments), _read_optional(gamma), groups, True, _channels_last(axis), out
    )


def batch_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Each channel of the batch with mean 0 and variance 1, scaled and shifted, as in training.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`` with the moments of the channel over all samples and
    positions.

    Args:
        x: [n, features], [n, channels, ...] or, with axis -1, [n, ..., channels].
        gamma: scale, [channels], or None for 1.
        beta: shift, [channels], or None for 0.
        epsilon: added to the variance, at least 0; 1e-5.
        axis: where the channels are: 1 or -1.
        out: shape of x; may be x itself.

    Returns:
        y of the shape of x, and mean and variance [channels]. The variance is that of the batch, divided by the number
        of elements, not by one less.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, x is empty, epsilon is negative, or ``out`` cannot be written.

    Source: S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015. Moments: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", Stanford STAN-CS-79-773, 1979.

    >>> batch_norm_forward([[1.0, 10.0], [3.0, 50.0]], epsilon=0.0)
    (array([[-1., -1.],
           [ 1.,  1.]]), array([ 2., 30.]), array([  1., 400.]))
    """
    return _core.batch_norm_forward(
        _read(x), _read_optional(gamma), _read_optional(beta), epsilon, _channels_last(axis), out
    )


def batch_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    fixed: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Gradients of `batch_norm_forward` or, with fixed moments, of `batch_norm_inference`.

    With ``rstd = 1 / sqrt(variance + epsilon)``, ``xhat = (x - mean) * rstd`` and sums over the N elements of a channel
    ``dgamma = sum(dy * xhat)``, ``dbeta = sum(dy)`` and ``dx = gamma * rstd * (dy - (dbeta + xhat * dgamma) / N)``;
    ``dx = gamma * rstd * dy`` where mean and variance are fixed.

    Args:
        dy: gradient with respect to y, shape of x.
        x: as given to `batch_norm_forward`.
        mean: [channels], as returned by it.
        variance: [channels], as returned by it.
        gamma: as given to it.
        epsilon: as given to it.
        axis: as given to it.
        fixed: mean and variance do not depend on x.
        out: for dx, shape of x; may be dy itself.

    Returns:
        dx of the shape of x, dgamma and dbeta [channels].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    >>> x = np.array([[1.0], [3.0], [5.0]])
    >>> _, mean, variance = batch_norm_forward(x, epsilon=0.0)
    >>> dx, dgamma, dbeta = batch_norm_backward([[1.0], [0.0], [0.0]], x, mean, variance, epsilon=0.0)
    >>> dx.round(4), dgamma.round(4), dbeta
    (array([[ 0.1021],
           [-0.2041],
           [ 0.1021]]), array([-1.2247]), array([1.]))
    """
    return _core.batch_norm_backward(
        *(_read(dy), _read(x), _read(mean), _read(variance), _read_optional(gamma)),
        *(epsilon, fixed, _channels_last(axis), out),
    )


def batch_norm_inference(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> Real:
    """Batch normalisation with given moments: ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``.

    Args:
        x: [n, features], [n, channels, ...] or, with axis -1, [n, ..., channels].
        mean: [channels], often a moving average of those of the batches.
        variance: [channels], likewise.
        gamma: scale, [channels], or None for 1.
        beta: shift, [channels], or None for 0.
        epsilon: added to the variance, at least 0; 1e-5.
        axis: where the channels are: 1 or -1.
        out: shape of x; may be x itself.

    Returns:
        y of the shape of x.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    Source: as of `batch_norm_forward`.

    >>> batch_norm_inference([[1.0, 10.0]], mean=[0.0, 30.0], variance=[1.0, 400.0], epsilon=0.0)
    array([[ 1., -1.]])
    """
    return _core.batch_norm_inference(
        *(_read(x), _read(mean), _read(variance), _read_optional(gamma), _read_optional(beta)),
        *(epsilon, _channels_last(axis), out),
    )


# --- PReLU and Maxout -------------------------------------------------------------------------------------------------


def prelu_forward(x: ArrayLike, alpha: ArrayLike, axis: int = 1, out: Real | None = None) -> Real:
    """Rectifier with a slope for each channel, ``y = x`` for ``x > 0``, else ``alpha * x``.

    Args:
        x: [n, features], [n, channels, ...] or, with axis -1, [n, ..., channels].
        alpha: slopes, [channels].
        axis: where the channels are: 1 or -1.
        out: shape of x; may be x itself.

    Returns:
        y of the shape of x.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level performance on
    ImageNet classification", ICCV 2015.

    >>> prelu_forward([[-2.0, -2.0], [2.0, 2.0]], [0.5, -1.0])
    array([[-1.,  2.],
           [ 2.,  2.]])
    """
    return _core.prelu_forward(_read(x), _read(alpha), _channels_last(axis), out)


def prelu_backward(
    dy: ArrayLike, x: ArrayLike, alpha: ArrayLike, axis: int = 1, out: Real | None = None
) -> tuple[Real, Real]:
    """Gradients of `prelu_forward`.

    ``dx = dy`` for ``x > 0``, else ``alpha * dy``; ``dalpha`` is the sum of ``dy * x`` where not ``x > 0``, over all
    samples and positions.

    Args:
        dy: gradient with respect to y, shape of x.
        x: as given to `prelu_forward`.
        alpha: as given to it.
        axis: as given to it.
        out: for dx, shape of x; may be dy itself.

    Returns:
        dx of the shape of x, and dalpha [channels].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> prelu_backward([[1.0, 1.0], [3.0, 3.0]], [[-2.0, -2.0], [2.0, 2.0]], [0.5, -1.0])
    (array([[ 0.5, -1. ],
           [ 3. ,  3. ]]), array([-2., -2.]))
    """
    return _core.prelu_backward(_read(dy), _read(x), _read(alpha), _channels_last(axis), out)


def maxout_forward(x: ArrayLike, pieces: int, out: Real | None = None) -> tuple[Real, NDArray[np.int64]]:
    """Largest of the pieces of each unit, ``y[i, j] = max_k x[i, j pieces + k]``, and which one it is.

    The first of equal pieces counts; a NaN counts as larger than numbers.

    Args:
        x: [n, units pieces], the pieces of a unit side by side.
        pieces: of each unit, at least 1.
        out: [n, units], where y is written; may not overlap x.

    Returns:
        y [n, units], and the k from 0 to ``pieces - 1``, int64 [n, units].

    Raises:
        TypeError: x is not float32 or float64, or ``out`` is of another dtype.
        ValueError: the columns of x are not a multiple of the pieces, or ``out`` cannot be written.

    Source: I. Goodfellow, D. Warde-Farley, M. Mirza, A. Courville, Y. Bengio, "Maxout networks", ICML 2013.

    >>> maxout_forward([[1.0, 3.0, 2.0, 2.0]], 2)
    (array([[3., 2.]]), array([[1, 0]]))
    """
    return _core.maxout_forward(_read(x), pieces, out)


def maxout_backward(dy: ArrayLike, piece: ArrayLike, pieces: int, out: Real | None = None) -> Real:
    """Gradient of `maxout_forward`: ``dx[i, j pieces + k] = dy[i, j]`` for ``k = piece[i, j]``, else 0.

    Args:
        dy: gradient with respect to y, [n, units].
        piece: int64 [n, units], as returned by `maxout_forward`.
        pieces: as given to it.
        out: for dx, [n, units pieces]; may not overlap the inputs.

    Returns:
        dx, [n, units pieces].

    Raises:
        TypeError: dy is not float32 or float64, piece is not int64, or ``out`` is of another dtype than dy.
        ValueError: a shape does not fit, an element of piece is not from 0 to ``pieces - 1``, or ``out`` cannot be
            written.

    >>> maxout_backward([[5.0, 7.0]], [[1, 0]], 2)
    array([[0., 5., 7., 0.]])
    """
    return _core.maxout_backward(_read(dy), _read(piece), pieces, out)


# --- Update rules -----------------------------------------------------------------------------------------------------


def sgd_update(w: Real, g: ArrayLike, learning_rate: float = 0.01) -> None:
    """Gradient descent in place, ``w -= learning_rate * g``.

    Args:
        w: weights, any shape; changed.
        g: gradient, shape of w.
        learning_rate: step size, 0.01.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, or w cannot be written.

    Source: H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951.

    >>> w = np.array([1.0, 2.0])
    >>> sgd_update(w, [2.0, -2.0], learning_rate=0.5)
    >>> w
    array([0., 3.])
    """
    _core.update("sgd", [w], [_read(g)], [{}], {"learning_rate": learning_rate}, 1)


def momentum_update(
    w: Real, g: ArrayLike, v: Real, learning_rate: float = 0.01, momentum: float = 0.9, nesterov: bool = False
) -> None:
    """Gradient descent with momentum in place, ``v = momentum * v - learning_rate * g; w += v``.

    With ``nesterov`` the weights move to where the velocity will carry them:
    ``w += momentum * v - learning_rate * g`` with the new v.

    Args:
        w: weights, any shape; changed.
        g: gradient, shape of w.
        v: velocity, shape of w, zeros at the start; changed.
        learning_rate: step size, 0.01.
        momentum: decay of the velocity, 0.9.
        nesterov: use Nesterov's form.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, or w or v cannot be written.

    Source: B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comp. Math. 4(5), 1964;
    Y. Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k^2)", Soviet Math. Dokl.
    27, 1983; in this form I. Sutskever et al., "On the importance of initialization and momentum in deep learning",
    ICML 2013.

    >>> w, v = np.array([1.0]), np.array([4.0])
    >>> momentum_update(w, [2.0], v, learning_rate=0.5, momentum=0.5)
    >>> w, v
    (array([2.]), array([1.]))
    """
    hyper = {"learning_rate": learning_rate, "momentum": momentum}
    _core.update("nesterov" if nesterov else "momentum", [w], [_read(g)], [{"v": v}], hyper, 1)


def adam_update(
    w: Real,
    g: ArrayLike,
    m: Real,
    v: Real,
    step: int,
    learning_rate: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> None:
    """Adam update in place.

    ``m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;``
    ``w -= learning_rate * (m / (1 - beta_1^step)) / (sqrt(v / (1 - beta_2^step)) + epsilon)``.

    Args:
        w: weights, any shape; changed.
        g: gradient, shape of w.
        m: mean of the gradient, shape of w, zeros at the start; changed.
        v: mean of its square, shape of w, zeros at the start; changed.
        step: number of this step, from 1.
        learning_rate: step size, 0.001.
        beta_1: decay of m, 0.9.
        beta_2: decay of v, 0.999.
        epsilon: keeps the quotient finite, 1e-7.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, step is below 1, or w, m or v cannot be written.

    Source: D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    >>> w, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    >>> adam_update(w, [3.0], m, v, step=1, learning_rate=0.1)
    >>> w.round(4), m.round(4), v.round(4)
    (array([0.9]), array([0.3]), array([0.009]))
    """
    hyper = {"learning_rate": learning_rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}
    _core.update("adam", [w], [_read(g)], [{"m": m, "v": v}], hyper, step)


# --- Random numbers ---------------------------------------------------------------------------------------------------


def philox(seed: int, stream: int, count: int) -> NDArray[np.uint32]:
    """Words of the counter-based generator Philox4x32-10.

    Words 4i..4i+3 are the cipher of the counter (i, stream), two 64-bit numbers, under the 64-bit key ``seed``.

    Args:
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64; streams are independent of each other.
        count: number of words.

    Returns:
        uint32 [count].

    Raises:
        ValueError: a number is out of range.

    Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011.

    >>> [hex(word) for word in philox(0, 0, 4)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    return _core.philox(*_counter(seed, stream, count))


def dropout_forward(
    x: ArrayLike, rate: float, seed: int, stream: int = 0, out: Real | None = None
) -> tuple[Real, Real]:
    """Dropout in training: ``y = x mask`` with ``mask = 1 / (1 - rate)``, or 0 with probability ``rate``.

    Element j of row i is dropped where ``word[j] < rate 2^32`` with the words of ``philox(seed, stream + i)``.

    Args:
        x: [n, features].
        rate: 0 <= rate < 1.
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64 - n.
        out: [n, features], where y is written; it may be x.

    Returns:
        y and mask, [n, features].

    Raises:
        TypeError: x is not float32 or float64, or `out` is of another dtype.
        ValueError: a number is out of range, or a shape does not fit.

    >>> y, mask = dropout_forward(np.ones((1, 6), np.float32), 0.5, seed=0)
    >>> y
    array([[0., 2., 2., 2., 2., 0.]], dtype=float32)
    """
    _counter(seed, stream, 0)
    return _core.dropout_forward(_read(x), rate, seed, stream, out)


def dropout_backward(dy: ArrayLike, mask: ArrayLike, out: Real | None = None) -> Real:
    """Gradient of dropout: ``dx = dy mask``.

    Args:
        dy: [n, features].
        mask: [n, features], as `dropout_forward` returned it.
        out: [n, features], where dx is written; it may be dy.

    Returns:
        dx, [n, features].

    Raises:
        TypeError: an array is not float32 or float64, or their dtypes differ.
        ValueError: shapes differ, or `out` cannot be written.

    >>> dropout_backward(np.ones((1, 2)), np.array([[2.0, 0.0]]))
    array([[2., 0.]])
    """
    return _core.dropout_backward(_read(dy), _read(mask), out)


def gaussian_noise(x: ArrayLike, stddev: float, seed: int, stream: int = 0, out: Real | None = None) -> Real:
    """Gaussian noise in training: ``y = x + stddev n`` with n from N(0, 1); its gradient is ``dx = dy``.

    The noise of row i is that of ``normal(seed, stream + i, features)``.

    Args:
        x: [n, features].
        stddev: standard deviation, at least 0.
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64 - n.
        out: [n, features], where y is written; it may be x.

    Returns:
        y, [n, features].

    Raises:
        TypeError: x is not float32 or float64, or `out` is of another dtype.
        ValueError: a number is out of range, or a shape does not fit.

    Source: C. Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7(1), 1995.

    >>> x = np.array([[1.0, 2.0]])
    >>> bool((gaussian_noise(x, 0.5, seed=0) == x + 0.5 * normal(0, 0, 2, "float64")).all())
    True
    """
    _counter(seed, stream, 0)
    return _core.gaussian_noise(_read(x), stddev, seed, stream, out)


def uniform(seed: int, stream: int, count: int, dtype: str = "float32") -> Real:
    """Uniform random numbers in [0, 1), the same on every machine.

    Number i is ``(word[i] >> 8) / 2^24`` in float32 and ``((word[2i] + word[2i+1] 2^32) >> 11) / 2^53`` in float64,
    from the words of `philox`.

    Args:
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64.
        count: how many numbers.
        dtype: "float32" or "float64".

    Returns:
        [count].

    Raises:
        ValueError: a number is out of range, or the dtype is unknown.

    >>> uniform(0, 0, 2, "float64").round(4)
    array([0.8805, 0.6055])
    """
    return _core.uniform(*_counter(seed, stream, count), dtype)


def normal(seed: int, stream: int, count: int, dtype: str = "float32") -> Real:
    """Normal random numbers of mean 0 and variance 1, the same on every machine.

    Number i is the inverse of the normal distribution function at ``(n + 1/2) / 2^52``, n being the upper 52 bits of
    ``word[2i] + word[2i+1] 2^32`` from `philox`.

    Args:
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64.
        count: how many numbers.
        dtype: "float32" or "float64".

    Returns:
        [count].

    Raises:
        ValueError: a number is out of range, or the dtype is unknown.

    Source: M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37(3),
    1988.

    >>> abs(float(normal(0, 0, 10_000).mean())) < 0.05
    True
    """
    return _core.normal(*_counter(seed, stream, count), dtype)


def permutation(seed: int, stream: int, count: int) -> NDArray[np.int64]:
    """Random order of ``range(count)``, each equally likely, the same on every machine.

    Args:
        seed: 0 <= seed < 2**64.
        stream: 0 <= stream < 2**64, for example the number of the epoch.
        count: how many numbers.

    Returns:
        int64 [count].

    Raises:
        ValueError: a number is out of range.

    Source: R. Durstenfeld, "Algorithm 235: random permutation", Communications of the ACM 7(7), 1964.

    >>> sorted(permutation(0, 0, 4).tolist())
    [0, 1, 2, 3]
    """
    return _core.permutation(*_counter(seed, stream, count))


# --- Reductions -------------------------------------------------------------------------------------------------------


def sum(x: ArrayLike) -> float:
    """Sum of all elements, in float64 and in a fixed order.

    Args:
        x: any shape.

    Returns:
        The sum; 0.0 of nothing.

    Raises:
        TypeError: the dtype is not float32 or float64.

    >>> sum([[1.0, 2.0], [3.0, 4.0]])
    10.0
    """
    return _core.sum(_read(x))


def norm(x: ArrayLike) -> float:
    """Euclidean norm of all elements, ``sqrt(sum(x^2))``, in float64 and in a fixed order.

    Args:
        x: any shape.

    Returns:
        The norm; 0.0 of nothing, infinity where a square leaves the range of float64.

    Raises:
        TypeError: the dtype is not float32 or float64.

    >>> norm([3.0, 4.0])
    5.0
    """
    return _core.norm(_read(x))


def first_nonfinite(x: ArrayLike) -> int:
    """Flat index of the first NaN or infinity, or -1.

    Args:
        x: any shape, in C order.

    Returns:
        The index, or -1 when all elements are finite.

    Raises:
        TypeError: the dtype is not float32 or float64.

    >>> first_nonfinite([1.0, np.nan, np.inf])
    1
    """
    return _core.first_nonfinite(_read(x))
