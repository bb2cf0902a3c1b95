"""Activations: x and y of a piece, and scratch; the backward sweep has y or, where it is costly, the slope."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .update import PIECE

Array = NDArray[Any]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
GELU_CUBE = 0.044715


def linear(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.copyto(y, x)


def linear_slope(y: Array, a: Array, slope: Array) -> None:
    slope.fill(1)


def relu(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.maximum(x, 0, out=y)


def relu_slope(y: Array, a: Array, slope: Array) -> None:
    np.greater(y, 0, out=slope, casting="unsafe")


def leaky_relu(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.multiply(x, 0.01, out=y)
    np.maximum(x, y, out=y)


def leaky_relu_slope(y: Array, a: Array, slope: Array) -> None:
    np.greater(y, 0, out=slope, casting="unsafe")
    np.maximum(slope, 0.01, out=slope)


def elu(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.minimum(x, 0, out=y)
    np.expm1(y, out=y)
    np.maximum(x, y, out=y)


def elu_slope(y: Array, a: Array, slope: Array) -> None:
    np.minimum(y, 0, out=slope)
    slope += 1


def selu(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.minimum(x, 0, out=y)
    np.expm1(y, out=y)
    y *= SELU_SCALE * SELU_ALPHA
    np.maximum(x, 0, out=a)
    a *= SELU_SCALE
    y += a


def selu_slope(y: Array, a: Array, slope: Array) -> None:
    """From S A, as y + S A below 0, to S."""
    np.greater(y, 0, out=slope, casting="unsafe")
    slope *= SELU_SCALE - SELU_SCALE * SELU_ALPHA
    slope += SELU_SCALE * SELU_ALPHA
    slope += np.minimum(y, 0, out=a)


def softplus(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.abs(x, out=a)
    np.negative(a, out=a)
    np.exp(a, out=a)
    np.log1p(a, out=a)
    np.maximum(x, 0, out=y)
    y += a


def softplus_slope(y: Array, a: Array, slope: Array) -> None:
    np.negative(y, out=slope)
    np.exp(slope, out=slope)
    np.subtract(1, slope, out=slope)


def softsign(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.abs(x, out=a)
    a += 1
    np.divide(x, a, out=y)


def softsign_slope(y: Array, a: Array, slope: Array) -> None:
    np.abs(y, out=slope)
    np.subtract(1, slope, out=slope)
    slope *= slope


def sigmoid(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.negative(x, out=y)
    np.exp(y, out=y)
    y += 1
    np.reciprocal(y, out=y)


def sigmoid_slope(y: Array, a: Array, slope: Array) -> None:
    np.subtract(1, y, out=slope)
    slope *= y


def hard_sigmoid(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.multiply(x, 1 / 6, out=y)
    y += 0.5
    np.maximum(y, 0, out=y)
    np.minimum(y, 1, out=y)


def hard_sigmoid_slope(y: Array, a: Array, slope: Array) -> None:
    """y (1 - y) is 0 where the slope is."""
    np.subtract(1, y, out=slope)
    slope *= y
    np.greater(slope, 0, out=slope, casting="unsafe")
    slope *= 1 / 6


def tanh(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.tanh(x, out=y)


def tanh_slope(y: Array, a: Array, slope: Array) -> None:
    np.multiply(y, y, out=slope)
    np.subtract(1, slope, out=slope)


def hard_tanh(x: Array, y: Array, a: Array, slope: Array) -> None:
    np.maximum(x, -1, out=y)
    np.minimum(y, 1, out=y)


def hard_tanh_slope(y: Array, a: Array, slope: Array) -> None:
    np.abs(y, out=slope)
    np.less(slope, 1, out=slope, casting="unsafe")


def normal_cdf(x: Array, y: Array, a: Array) -> None:
    """And exp(-x^2 / 2) in a. M. Abramowitz, I. Stegun, Handbook of mathematical functions, 7.1.26: within 1e-7."""
    np.abs(x, out=a)
    a *= 0.3275911 / math.sqrt(2)
    a += 1
    np.reciprocal(a, out=a)
    np.multiply(a, 1.061405429 / 2, out=y)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        y += coefficient / 2
        y *= a
    np.multiply(x, x, out=a)
    a *= -0.5
    np.exp(a, out=a)
    y *= a  # the tail beyond |x|
    np.subtract(0.5, y, out=y)
    np.copysign(y, x, out=y)
    y += 0.5


def exact_normal_cdf(x: Array, y: Array, a: Array) -> None:
    """The same by the erf of Python: to check by, for it is slow."""
    np.multiply(x, x, out=a)
    a *= -0.5
    np.exp(a, out=a)
    y[:] = [math.erfc(z) for z in x / -math.sqrt(2)]
    y *= 0.5


def gelu(x: Array, y: Array, a: Array, slope: Array) -> None:
    (normal_cdf if x.dtype == np.float32 else exact_normal_cdf)(x, y, a)
    a *= 1 / math.sqrt(2 * math.pi)
    a *= x
    np.add(a, y, out=slope)
    y *= x


def gelu_tanh(x: Array, y: Array, a: Array, slope: Array) -> None:
    scale = math.sqrt(2 / math.pi)
    np.multiply(x, x, out=slope)
    np.multiply(slope, scale * GELU_CUBE, out=a)
    a += scale
    a *= x
    np.tanh(a, out=a)
    slope *= 3 * scale * GELU_CUBE
    slope += scale
    slope *= x
    np.multiply(a, a, out=y)
    np.subtract(1, y, out=y)
    slope *= y
    a += 1
    slope += a
    slope *= 0.5
    a *= 0.5
    np.multiply(a, x, out=y)


def silu(x: Array, y: Array, a: Array, slope: Array) -> None:
    sigmoid(x, a, y, slope)
    np.multiply(x, a, out=y)
    np.subtract(1, a, out=slope)
    slope *= y
    slope += a


# The forward sweep of a piece; the slope from y, where it is not kept.
ACTIVATIONS: dict[str, tuple[Callable[..., None], Callable[..., None] | None]] = {
    "linear": (linear, linear_slope),
    "relu": (relu, relu_slope),
    "leaky_relu": (leaky_relu, leaky_relu_slope),
    "elu": (elu, elu_slope),
    "selu": (selu, selu_slope),
    "softplus": (softplus, softplus_slope),
    "softsign": (softsign, softsign_slope),
    "sigmoid": (sigmoid, sigmoid_slope),
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_slope),
    "tanh": (tanh, tanh_slope),
    "hard_tanh": (hard_tanh, hard_tanh_slope),
    "gelu": (gelu, None),
    "gelu_tanh": (gelu_tanh, None),
    "silu": (silu, None),
}


class Activation:
    """Forward y from x and backward dx from dy."""

    def __init__(self, name: str, x: Array, y: Array, dy: Array, dx: Array) -> None:
        self.sweep, self.slope = ACTIVATIONS[name]
        a = np.empty(min(PIECE, x.size), x.dtype)
        slope = np.empty_like(a) if self.slope else np.empty(x.size, x.dtype)
        flat = [array.reshape(-1) for array in (x, y, dy, dx)]
        self.pieces = []
        for start in range(0, x.size, PIECE):
            x, y, dy, dx = (array[start : start + PIECE] for array in flat)
            own = slope[: x.size] if self.slope else slope[start : start + PIECE]
            self.pieces.append((x, y, dy, dx, a[: x.size], own))

    def forward(self) -> None:
        for x, y, _, _, a, slope in self.pieces:
            self.sweep(x, y, a, slope)

    def backward(self) -> None:
        for _, y, dy, dx, a, slope in self.pieces:
            if self.slope:
                self.slope(y, a, slope)
            np.multiply(dy, slope, out=dx)
