"""By hand: nothing is allocated in a call, and what is worked on in several passes is a piece that stays in cache."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernel import RATE, Kernel, KernelData, job
from ...kind import Job
from ...truth import EPSILON, GELU_CUBE, SELU_ALPHA, SELU_SCALE
from .update import PIECE

Array = NDArray[Any]
Call = Callable[[], Sequence[Any]]


# --- Activations: x and y of a piece, and scratch; the backward sweep has y or, where it is costly, the slope ---------


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


def gelu(x: Array, y: Array, a: Array, slope: Array) -> None:
    """M. Abramowitz, I. Stegun, Handbook of mathematical functions, 7.1.26: erf within 1.5e-7, as for float32."""
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
        if name == "gelu" and x.dtype != np.float32:
            raise ValueError("NumPy has no erf, and the one here is good enough for float32 only")
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


def activation(row: Kernel, x: Array, dy: Array) -> Call:
    if row.activation == "softmax":
        return softmax(x, dy)
    y, dx = np.empty_like(x), np.empty_like(x)
    sweeps = Activation(row.activation, x, y, dy, dx)

    def call() -> Sequence[Array]:
        sweeps.forward()
        sweeps.backward()
        return y, dx

    return call


def dense(row: Kernel, x: Array, kernel: Array, bias: Array, z: Array, dy: Array) -> Call:
    before, y, after, dx, dkernel = (np.empty_like(array) for array in (dy, dy, x, x, kernel))
    own = Activation(row.activation, before, y, before, y)
    last = Activation(row.activation, z, x.copy(), after, dx)
    last.forward()  # a call of another layer, which keeps what its gradient needs
    ones = np.ones(len(x), x.dtype)

    def call() -> Sequence[Array]:
        np.matmul(x, kernel, out=before)
        np.add(before, bias, out=before)
        own.forward()
        np.matmul(dy, kernel.T, out=after)
        last.backward()
        return y, dx, np.matmul(x.T, dy, out=dkernel), ones @ dy

    def linear() -> Sequence[Array]:
        np.matmul(x, kernel, out=y)
        np.add(y, bias, out=y)
        return y, np.matmul(dy, kernel.T, out=dx), np.matmul(x.T, dy, out=dkernel), ones @ dy

    return linear if row.activation == "linear" else call


# --- What works on rows: a block of them stays in cache ---------------------------------------------------------------


def blocks(*arrays: Array) -> list[tuple[Array, ...]]:
    """Whole rows of [rows, columns], about a piece of each array."""
    rows = max(1, PIECE * len(arrays[0]) // arrays[0].size)
    return [tuple(a[start : start + rows] for a in arrays) for start in range(0, len(arrays[0]), rows)]


def prelu(row: Kernel, x: Array, alpha: Array, dy: Array) -> Call:
    result = y, dx = np.empty_like(x), np.empty_like(x)
    pieces = blocks(x, y, dy, dx)
    low, slope = (np.empty_like(pieces[0][0]) for _ in range(2))
    ones, dalpha, above = np.ones(len(low), x.dtype), np.empty_like(alpha), 1 - alpha

    def call() -> Sequence[Array]:
        for x, y, _, _ in pieces:
            np.minimum(x, 0, out=y)
            y *= alpha
            y += np.maximum(x, 0, out=low[: len(x)])
        dalpha.fill(0)
        for x, _, dy, dx in pieces:
            a, b, one = low[: len(x)], slope[: len(x)], ones[: len(x)]
            np.minimum(x, 0, out=a)
            a *= dy
            np.add(dalpha, one @ a, out=dalpha)
            np.greater(x, 0, out=b, casting="unsafe")
            b *= above
            b += alpha
            np.multiply(dy, b, out=dx)
        return *result, dalpha

    return call


def softmax(x: Array, dy: Array) -> Call:
    result = y, dx = np.empty_like(x), np.empty_like(x)
    pieces = blocks(x, dy, y, dx)

    def call() -> Sequence[Array]:
        for x, _, y, _ in pieces:
            np.subtract(x, x.max(axis=1, keepdims=True), out=y)
            np.exp(y, out=y)
            y /= y.sum(axis=1, keepdims=True)
        for _, dy, y, dx in pieces:
            np.subtract(dy, np.einsum("ij,ij->i", dy, y)[:, None], out=dx)
            dx *= y
        return result

    return call


def softmax_cross_entropy(row: Kernel, logits: Array, labels: Array, dy: Array) -> Call:
    gradient, losses, rows = np.empty_like(logits), np.empty_like(dy), np.arange(len(logits))
    picked = np.ravel_multi_index((rows, labels), logits.shape)
    pieces = blocks(logits, gradient, losses[:, None], dy[:, None])

    def call() -> Sequence[Array]:
        for x, g, loss, factor in pieces:
            top = x.max(axis=1, keepdims=True)
            np.subtract(x, top, out=g)
            np.exp(g, out=g)
            total = g.sum(axis=1, keepdims=True)
            np.log(total, out=loss)
            loss += top
            g *= factor / total
        np.subtract(losses, logits.reshape(-1)[picked], out=losses)
        gradient.reshape(-1)[picked] -= dy
        return losses, gradient

    return call


def norm(row: Kernel, x: Array, gamma: Array, beta: Array, dy: Array) -> Call:
    """Each sample is [groups, size] where it is normalised and [channels, space] where it is scaled."""
    centred, size, channels = row.operation != "RMS norm", x[0].size // row.groups, len(gamma)
    result = y, dx = np.empty_like(x), np.empty_like(x)
    xhat = np.empty_like(x)
    scale, shift = (np.repeat(p, x[0].size // channels) for p in (gamma, beta))
    flat = [array.reshape(len(x), -1) for array in (x, y, dy, dx, xhat)]
    rstds = np.empty((len(x), row.groups), x.dtype)
    pieces = [(*b, b[-1].reshape(-1, 1)) for b in blocks(*flat, rstds)]
    scratch, ones = np.empty_like(pieces[0][0]), np.ones(len(pieces[0][0]), x.dtype)

    def grouped(array: Array) -> Array:
        return array.reshape(-1, size)

    def call() -> Sequence[Array]:
        for x, y, _, _, xhat, _, rstd in pieces:
            centre = grouped(x)
            if centred:
                mean = centre.sum(axis=1, keepdims=True)
                mean /= size
                centre = np.subtract(centre, mean, out=grouped(xhat))
            np.sqrt(np.einsum("ij,ij->i", centre, centre)[:, None] / size + EPSILON, out=rstd)
            np.reciprocal(rstd, out=rstd)
            np.multiply(centre, rstd, out=grouped(xhat))
            np.multiply(xhat, scale, out=y)
            if centred:
                y += shift
        dscale, dshift = np.zeros_like(scale), np.zeros_like(scale)
        for _, _, dy, dx, xhat, _, rstd in pieces:
            a, one, d = scratch[: len(dy)], ones[: len(dy)], grouped(dx)
            np.multiply(dy, xhat, out=a)
            dscale += one @ a
            np.multiply(dy, scale, out=dx)
            along = np.einsum("ij,ij->i", d, grouped(xhat))[:, None] / size
            if centred:
                dshift += one @ dy
                d -= d.sum(axis=1, keepdims=True) / size
            np.multiply(grouped(xhat), along, out=grouped(a))
            dx -= a
            d *= rstd
        sums = (dscale, dshift)[: 1 + centred]
        return *result, *(s.reshape(channels, -1).sum(axis=1) for s in sums)

    return call


def batch_norm(row: Kernel, x: Array, gamma: Array, beta: Array, dy: Array) -> Call:
    """The moments are taken about the first row: in one sweep, without cancellation. Sums over blocks are float64."""
    result = y, dx = np.empty_like(x), np.empty_like(x)
    first, rows, dtype = x[0], len(x), x.dtype
    pieces = blocks(x, y, dy, dx)
    a, ones = np.empty_like(pieces[0][0]), np.ones(len(pieces[0][0]), dtype)

    def call() -> Sequence[Array]:
        sums = np.zeros((4, len(gamma)))
        for x, y, _, _ in pieces:
            one = ones[: len(x)]
            np.subtract(x, first, out=y)
            sums[0] += one @ y
            np.multiply(y, y, out=y)
            sums[1] += one @ y
        offset = sums[0] / rows
        mean = (first + offset).astype(dtype)
        rstd = (1 / np.sqrt(sums[1] / rows - offset**2 + EPSILON)).astype(dtype)
        scale = gamma * rstd
        shift = beta - mean * scale
        for x, y, _, _ in pieces:
            np.multiply(x, scale, out=y)
            y += shift
        for x, _, dy, dx in pieces:
            one = ones[: len(x)]
            np.subtract(x, mean, out=dx)
            dx *= dy
            sums[2] += one @ dx
            sums[3] += one @ dy
        dgamma, dbeta = (sums[2] * rstd).astype(dtype), sums[3].astype(dtype)
        slope = scale * rstd * dgamma / rows
        constant = slope * mean - scale * dbeta / rows
        for x, _, dy, dx in pieces:
            np.multiply(dy, scale, out=dx)
            dx -= np.multiply(x, slope, out=a[: len(x)])
            dx += constant
        return *result, dgamma, dbeta

    return call


# --- Dropout ----------------------------------------------------------------------------------------------------------


def dropout(row: Kernel, x: Array, dy: Array) -> Call:
    result = y, dx = np.empty_like(x), np.empty_like(x)
    factor = np.empty_like(x)
    rng = np.random.Generator(np.random.SFC64(1))
    flat = [array.reshape(-1) for array in (x, y, dy, dx, factor)]
    pieces = [tuple(a[start : start + PIECE] for a in flat) for start in range(0, x.size, PIECE)]

    def call() -> Sequence[Array]:
        for x, y, _, _, factor in pieces:
            rng.random(out=factor, dtype=factor.dtype)
            np.greater_equal(factor, RATE, out=factor, casting="unsafe")
            factor *= 1 / (1 - RATE)
            np.multiply(x, factor, out=y)
        for _, _, dy, dx, factor in pieces:
            np.multiply(dy, factor, out=dx)
        return result

    return call


OPERATIONS: dict[str, Callable[..., Call]] = {
    "activation": activation,
    "PReLU": prelu,
    "dense": dense,
    "layer norm": norm,
    "RMS norm": norm,
    "batch norm": batch_norm,
    "group norm": norm,
    "instance norm": norm,
    "softmax cross-entropy": softmax_cross_entropy,
    "dropout": dropout,
}


def prepare(row: Kernel, data: KernelData) -> Job:
    return job(OPERATIONS[row.operation](row, *data.inputs, data.dy))
