"""Activations: the function, its gradient from its output y or its input x and the gradient dy of the output, a row."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from arrays import wide

PI = wide("3.14159265358979323846264338327950288")


def linear(x):
    return x


def linear_backward(y, dy):
    return dy


def relu(x):
    return np.maximum(x, 0)


def relu_backward(y, dy):
    return dy * (y > 0)


def leaky_relu(x):
    return np.where(x < 0, x / 100, x)


def leaky_relu_backward(y, dy):
    return dy * np.where(y > 0, 1, wide(0.01))


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def elu_backward(y, dy):
    return dy * np.where(y > 0, 1, y + 1)


SELU_SCALE, SELU_ALPHA = wide("1.0507009873554804934193349852946"), wide("1.6732632423543772848170429916717")


def selu(x):
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def selu_backward(y, dy):
    return dy * np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_backward(y, dy):
    return -dy * np.expm1(-y)


def softsign(x):
    return np.where(np.isinf(x), np.sign(x), x / (1 + np.where(np.isinf(x), 0, np.abs(x))))


def softsign_backward(y, dy):
    return dy * (1 - np.abs(y)) ** 2


def sigmoid(x):
    z = np.exp(-np.abs(x))
    return np.where(x < 0, z, 1) / (1 + z)


def sigmoid_backward(y, dy):
    return dy * y * (1 - y)


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def hard_sigmoid_backward(y, dy):
    return dy * ((y > 0) & (y < 1)) / 6


tanh = np.tanh


def tanh_backward(y, dy):
    return dy * (1 - y) * (1 + y)


def hard_tanh(x):
    return np.clip(x, -1, 1)


def hard_tanh_backward(y, dy):
    return dy * (np.abs(y) < 1)


def normal_density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * PI)


def normal_tail(x):
    """1 - Phi(x) for x >= 0: the series of Phi near 0, Laplace's continued fraction elsewhere."""
    near = np.minimum(x, 3)
    term = total = near
    for k in range(1, 60):
        term = term * near**2 / (2 * k + 1)
        total = total + term
    fraction = far = np.clip(x, 3, 200)
    for k in range(60, 0, -1):
        fraction = far + k / fraction
    return np.where(x < 3, wide(0.5) - normal_density(near) * total, normal_density(far) / fraction)


def at_finite(f):
    """With the limits at the infinities, where the formula says 0 * inf; all is settled long before 1e4."""
    return lambda x, *dy: f(np.clip(x, -wide(1e4), None if not dy else 1e4), *dy)


@at_finite
def gelu(x):
    tail = normal_tail(np.abs(x))
    return np.where(x < 0, x * tail, x - np.where(np.isinf(x), 0, x) * tail)


@at_finite
def gelu_backward(x, dy):
    tail = normal_tail(np.abs(x))
    return dy * (np.where(x < 0, tail, 1 - tail) + x * normal_density(x))


def gelu_tanh_argument(x):
    return 2 * np.sqrt(2 / PI) * (x + wide("0.044715") * x**3)


@at_finite
def gelu_tanh(x):
    return x * sigmoid(gelu_tanh_argument(x))


@at_finite
def gelu_tanh_backward(x, dy):
    u = gelu_tanh_argument(x)
    slope = 2 * np.sqrt(2 / PI) * (1 + 3 * wide("0.044715") * x**2)
    return dy * (sigmoid(u) + x * sigmoid(u) * sigmoid(-u) * slope)


@at_finite
def silu(x):
    return x * sigmoid(x)


@at_finite
def silu_backward(x, dy):
    return dy * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x))


def mish_gate(x):
    """tanh(softplus(x)), and 1 - its square."""
    e = np.exp(-np.abs(x))
    top = np.where(x < 0, e * (2 + e), 1 + 2 * e)
    bottom = top + np.where(x < 0, 2, 2 * e * e)
    return top / bottom, 4 * np.where(x < 0, 1, e * e) * (1 + e) ** 2 / bottom**2


@at_finite
def mish(x):
    return x * mish_gate(x)[0]


@at_finite
def mish_backward(x, dy):
    gate, rest = mish_gate(x)
    return dy * (gate + x * rest * sigmoid(x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(y, dy):
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


class Activation(NamedTuple):
    """An activation of the core.

    Its twin and the twin's gradient; its largest error in units in the last place of the result, those smaller than
    `floor` being measured as if they were as large; whether its gradient is computed from its input; and whether it
    works on whole rows.
    """

    forward: Callable
    backward: Callable
    ulp: float = 0.0
    floor: float = 0.0
    from_input: bool = False
    rows: bool = False


ACTIVATIONS = {
    "linear": Activation(linear, linear_backward),
    "relu": Activation(relu, relu_backward),
    "leaky_relu": Activation(leaky_relu, leaky_relu_backward, 1),
    "elu": Activation(elu, elu_backward, 2),
    "selu": Activation(selu, selu_backward, 3),
    "softplus": Activation(softplus, softplus_backward, 3),
    "softsign": Activation(softsign, softsign_backward, 2),
    "sigmoid": Activation(sigmoid, sigmoid_backward, 4),
    "hard_sigmoid": Activation(hard_sigmoid, hard_sigmoid_backward, 2),
    "tanh": Activation(tanh, tanh_backward, 3),
    "hard_tanh": Activation(hard_tanh, hard_tanh_backward),
    "gelu": Activation(gelu, gelu_backward, 10, from_input=True),
    # The argument of its exponential is rounded.
    "gelu_tanh": Activation(gelu_tanh, gelu_tanh_backward, 16, floor=1e-3, from_input=True),
    "silu": Activation(silu, silu_backward, 4, floor=1e-30, from_input=True),
    "mish": Activation(mish, mish_backward, 8, floor=1e-30, from_input=True),
    "softmax": Activation(softmax, softmax_backward, rows=True),
}
