"""By hand: nothing is allocated in a call, and what is worked on in several passes is a piece that stays in cache."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernel import EPSILON, RATE, Kernel, KernelData, job
from ...kind import Job
from .activations import Activation
from .update import PIECE

Array = NDArray[Any]
Call = Callable[[], Sequence[Any]]


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


def pooling(row: Kernel, x: Array, dy: Array) -> Call:
    """The windows of 2 x 2 are four images, a quarter of the size."""
    largest = row.operation == "max pooling"
    y, dx = np.empty_like(dy), np.empty_like(x)
    (a, b, c, d), parts = ([array[:, i::2, j::2] for i in (0, 1) for j in (0, 1)] for array in (x, dx))
    left, chosen = np.empty(dy.shape, bool), np.empty(dy.shape, bool)

    def call() -> Sequence[Array]:
        if largest:
            np.maximum(np.maximum(a, b, out=y), np.maximum(c, d), out=y)
            left.fill(True)
            for part, to in zip((a, b, c, d), parts, strict=True):  # the first of equals
                np.logical_and(np.equal(part, y, out=chosen), left, out=chosen)
                left[chosen] = False
                np.multiply(dy, chosen, out=to)
        else:
            np.add(np.add(a, b, out=y), c + d, out=y)
            np.multiply(y, 0.25, out=y)
            for to in parts:
                np.multiply(dy, 0.25, out=to)
        return y, dx

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
    "max pooling": pooling,
    "average pooling": pooling,
}


def call(row: Kernel, data: KernelData) -> Call:
    return OPERATIONS[row.operation](row, *data.inputs, data.dy)


def prepare(row: Kernel, data: KernelData) -> Job | None:
    """NumPy has no erf, and the one here is good enough for float32 only."""
    return None if row.activation == "gelu" and data.dy.dtype != np.float32 else job(call(row, data))
