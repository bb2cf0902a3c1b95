"""What the kernels should give: the plain formulas, called with float64. Results are those of both sweeps, in order."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
GELU_CUBE = 0.044715
EPSILON = 1e-5  # of normalisations


def sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0, -x))


def normal_cdf(x: Array) -> Array:
    erf = np.fromiter(map(math.erf, (x / math.sqrt(2)).flat), np.float64, x.size)
    return (1 + erf.reshape(x.shape)) / 2


def normal_density(x: Array) -> Array:
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def gelu(x: Array) -> tuple[Array, Array]:
    phi = normal_cdf(x)
    return x * phi, phi + x * normal_density(x)


def gelu_tanh(x: Array) -> tuple[Array, Array]:
    scale = math.sqrt(2 / math.pi)
    t = np.tanh(scale * (x + GELU_CUBE * x**3))
    return x * (1 + t) / 2, (1 + t) / 2 + x / 2 * (1 - t**2) * scale * (1 + 3 * GELU_CUBE * x**2)


def silu(x: Array) -> tuple[Array, Array]:
    s = sigmoid(x)
    return x * s, s + x * s * (1 - s)


def selu(x: Array) -> tuple[Array, Array]:
    low = SELU_ALPHA * np.exp(np.minimum(x, 0))
    return SELU_SCALE * np.where(x > 0, x, low - SELU_ALPHA), SELU_SCALE * np.where(x > 0, 1, low)


# Value and slope at x.
ACTIVATIONS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "linear": lambda x: (x, np.ones_like(x)),
    "relu": lambda x: (np.maximum(x, 0), x > 0),
    "leaky_relu": lambda x: (np.where(x > 0, x, x / 100), np.where(x > 0, 1, 0.01)),
    "elu": lambda x: (np.where(x > 0, x, np.expm1(np.minimum(x, 0))), np.exp(np.minimum(x, 0))),
    "selu": selu,
    "softplus": lambda x: (np.logaddexp(x, 0), sigmoid(x)),
    "softsign": lambda x: (x / (1 + np.abs(x)), (1 + np.abs(x)) ** -2),
    "sigmoid": lambda x: (sigmoid(x), sigmoid(x) * sigmoid(-x)),
    "hard_sigmoid": lambda x: (np.clip(x / 6 + 1 / 2, 0, 1), (np.abs(x) < 3) / 6),
    "tanh": lambda x: (np.tanh(x), 1 - np.tanh(x) ** 2),
    "hard_tanh": lambda x: (np.clip(x, -1, 1), np.abs(x) < 1),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
}


def activation(row: Any, x: Array, dy: Array) -> tuple[Array, ...]:
    """y, dx."""
    if row.activation == "softmax":
        y = np.exp(x - x.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
        return y, y * (dy - (dy * y).sum(axis=1, keepdims=True))
    y, slope = ACTIVATIONS[row.activation](x)
    return y, dy * slope


def prelu(row: Any, x: Array, alpha: Array, dy: Array) -> tuple[Array, ...]:
    """y, dx, gradient of the slopes below 0, one for each column."""
    slope = np.where(x > 0, 1, alpha)
    return x * slope, dy * slope, (dy * np.minimum(x, 0)).sum(axis=0)


def dense(row: Any, x: Array, kernel: Array, bias: Array, z: Array, dy: Array) -> tuple[Array, ...]:
    """y = f(x kernel + bias), dx, gradients of kernel and bias; dy is that of x kernel + bias, dx that of z."""
    f = ACTIVATIONS[row.activation]
    return f(x @ kernel + bias)[0], (dy @ kernel.T) * f(z)[1], x.T @ dy, dy.sum(axis=0)


def norm(row: Any, x: Array, gamma: Array, beta: Array, dy: Array) -> tuple[Array, ...]:
    """y, dx, gradients of gamma and beta; RMS norm is neither centred nor shifted."""
    # As [samples, channels, space], and what has moments in common along the second of three axes.
    shape = (*x.shape, 1)[:3]
    grouped = (1, shape[0], shape[1]) if row.operation == "batch norm" else (len(x) * row.groups, -1, 1)
    centred = row.operation != "RMS norm"
    x = x.reshape(grouped)
    mean = x.mean(axis=1, keepdims=True) * centred
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + EPSILON)
    xhat = (x - mean) * rstd
    y = xhat.reshape(shape) * gamma[:, None] + beta[:, None] * centred
    dgamma, dbeta = ((dy.reshape(shape) * a).sum(axis=(0, 2)) for a in (xhat.reshape(shape), 1))
    d = (dy.reshape(shape) * gamma[:, None]).reshape(grouped)
    dx = rstd * (d - d.mean(axis=1, keepdims=True) * centred - xhat * (d * xhat).mean(axis=1, keepdims=True))
    return y.reshape(dy.shape), dx.reshape(dy.shape), dgamma, *([dbeta] if centred else [])


def softmax_cross_entropy(row: Any, logits: Array, labels: Array, dy: Array) -> tuple[Array, ...]:
    """The loss of each row, and the gradient of their sum weighted by dy."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    right = labels[:, None] == np.arange(logits.shape[1])
    return np.log(total[:, 0]) - shifted[right], (np.exp(shifted) / total - right) * dy[:, None]


# From the row, its inputs and dy.
TRUTHS: dict[str, Callable[..., tuple[Array, ...]]] = {
    "activation": activation,
    "PReLU": prelu,
    "dense": dense,
    "layer norm": norm,
    "RMS norm": norm,
    "batch norm": norm,
    "group norm": norm,
    "instance norm": norm,
    "softmax cross-entropy": softmax_cross_entropy,
}
