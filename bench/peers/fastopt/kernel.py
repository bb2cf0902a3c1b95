from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import fastopt as fo
from fastopt import _core

from ...kernel import EPSILON, RATE, Kernel, KernelData, job
from ...kind import Job

Call = Callable[[], Sequence[Any]]
core = _core.kernels
FROM_INPUT = core.activations()


def activation(row: Kernel, x: Any, dy: Any) -> Call:
    f, y, dx = row.activation, np.empty_like(x), np.empty_like(x)
    at = x if FROM_INPUT[f] else y
    return lambda: (core.activation_forward(f, x, y), core.activation_backward(f, at, dy, dx))


def prelu(row: Kernel, x: Any, alpha: Any, dy: Any) -> Call:
    y, dx = np.empty_like(x), np.empty_like(x)
    return lambda: (core.prelu_forward(x, alpha, out=y), *core.prelu_backward(dy, x, alpha, out=dx))


def dense(row: Kernel, x: Any, kernel: Any, bias: Any, z: Any, dy: Any) -> Call:
    """Activations that are differentiated from their input, which training therefore keeps, are not fused."""
    f, y, dx, dkernel, dbias = row.activation, *map(np.empty_like, (dy, x, kernel, bias))
    before, dafter = np.empty_like(y), np.empty_like(x)

    def fused() -> Sequence[Any]:
        core.dense_forward(x, kernel, bias, f, y)
        core.dense_backward_input(dy, kernel, x, f, dx)
        return y, dx, core.dense_backward_kernel(x, dy, dkernel), core.column_sum(dy, dbias)

    def apart() -> Sequence[Any]:
        core.activation_forward(f, core.dense_forward(x, kernel, bias, out=before), y)
        core.activation_backward(f, z, core.dense_backward_input(dy, kernel, out=dafter), dx)
        return y, dx, core.dense_backward_kernel(x, dy, dkernel), core.column_sum(dy, dbias)

    return apart if FROM_INPUT[f] else fused


def norm(row: Kernel, x: Any, gamma: Any, beta: Any, dy: Any) -> Call:
    y, dx, groups, centred = np.empty_like(x), np.empty_like(x), row.groups, row.operation != "RMS norm"
    shift = beta if centred else None

    def call() -> Sequence[Any]:
        _, moments = core.group_norm_forward(x, gamma, shift, groups, EPSILON, centred, out=y)
        return y, *core.group_norm_backward(dy, x, moments, gamma, groups, centred, out=dx)[: 2 + centred]

    return call


def batch_norm(row: Kernel, x: Any, gamma: Any, beta: Any, dy: Any) -> Call:
    y, dx = np.empty_like(x), np.empty_like(x)

    def call() -> Sequence[Any]:
        _, mean, variance = core.batch_norm_forward(x, gamma, beta, EPSILON, out=y)
        return y, *core.batch_norm_backward(dy, x, mean, variance, gamma, EPSILON, out=dx)

    return call


def softmax_cross_entropy(row: Kernel, logits: Any, labels: Any, dy: Any) -> Call:
    gradient, scale = np.empty_like(logits), float(dy[0])
    return lambda: core.loss("sparse_categorical_crossentropy", logits, labels, None, scale, gradient)


def dropout(row: Kernel, x: Any, dy: Any) -> Call:
    y, dx = np.empty_like(x), np.empty_like(x)

    def call() -> Sequence[Any]:
        _, mask = core.dropout_forward(x, RATE, 1, 0, y)
        return y, core.dropout_backward(dy, mask, dx)

    return call


def pooling(row: Kernel, x: Any, dy: Any) -> Call:
    """By a model of one layer, which copies the results for its caller."""
    layer = fo.layers.MaxPooling2D() if row.operation == "max pooling" else fo.layers.AveragePooling2D()
    model = fo.Sequential([layer], dtype=str(x.dtype))
    return lambda: (model(x), model.backward(dy))


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


def prepare(row: Kernel, data: KernelData) -> Job:
    return job(OPERATIONS[row.operation](row, *data.inputs, data.dy))
