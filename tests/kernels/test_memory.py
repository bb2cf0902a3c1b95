"""Nothing is read past the end of a caller's array: each array ends where an inaccessible page begins."""

import ctypes
import mmap

import cases
import numpy as np
import pytest

from fastopt import _core
from fastopt._core import kernels as core

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)


def before_a_wall(array: np.ndarray) -> np.ndarray:
    """A copy of `array` whose last byte is the last one of its pages."""
    array = np.ascontiguousarray(array)
    room = -(-max(array.nbytes, 1) // PAGE) * PAGE
    memory = mmap.mmap(-1, room + PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if LIBC.mprotect(ctypes.c_void_p(start + room), ctypes.c_size_t(PAGE), 0) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")
    copy = np.frombuffer(memory, array.dtype, array.size, room - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize(
    "shape", [(5, 3, 2), (9, 70, 1), (33, 65, 67), (300, 20, 10), (64, 300, 2), (2, 5, 130), (14, 5, 520)], ids=str
)
def test_products(isa, dtype, rng, shape):
    rows, inner, columns = shape
    x, w, dy = (
        before_a_wall(rng.normal(size=s).astype(dtype)) for s in ((rows, inner), (inner, columns), (rows, columns))
    )
    bias, y = before_a_wall(np.ones(columns, dtype)), before_a_wall(np.ones((rows, inner), dtype))
    core.dense_forward(x, w, bias, "tanh", out=before_a_wall(dy))
    core.dense_backward_input(dy, w, y, "sigmoid", out=before_a_wall(x))
    core.dense_backward_kernel(x, dy, out=before_a_wall(w))
    core.column_sum(dy, out=before_a_wall(bias))


@pytest.mark.parametrize("length", [1, 7, 33])
def test_elementwise(isa, dtype, rng, length):
    x, out = (before_a_wall(rng.uniform(0.1, 1, length).astype(dtype)) for _ in range(2))
    for name in ("linear", "relu", "sigmoid", "tanh"):
        core.activation_forward(name, x, out)
        core.activation_backward(name, x, x, out)
    core.exp(x, out)
    core.log(x, out)
    core.sum(x), core.norm(x), core.first_nonfinite(x)
    for rule in cases.RULES:
        w, g, *slots = (before_a_wall(x) for _ in range(2 + len(rule.slots)))
        named = dict(zip(rule.slots, slots, strict=True))
        core.update(rule.name, [w], [g], [named], rule.hyper, 1, rule.state_array())


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (17, 33), (40, 65)], ids=str)
def test_losses_and_softmax(isa, dtype, rng, shape):
    rows, columns = shape
    prediction = before_a_wall(rng.normal(size=shape).astype(dtype))
    dense, labels = before_a_wall(np.full(shape, 1 / columns, dtype)), before_a_wall(np.full(rows, columns - 1))
    weight, out = before_a_wall(np.ones(rows, dtype)), before_a_wall(prediction)
    core.activation_forward("softmax", prediction, out)
    core.activation_backward("softmax", prediction, prediction, out)
    for name in ("categorical_crossentropy", "binary_crossentropy", "mean_squared_error"):
        core.loss(name, prediction, dense, weight, 1.0, out)
    core.loss("sparse_categorical_crossentropy", prediction, labels, weight, 1.0, out)
    for name in ("categorical_accuracy", "binary_accuracy", "mean_squared_error", "mean_absolute_error"):
        core.metric(name, prediction, dense)
    core.metric("sparse_categorical_accuracy", prediction, labels)


@pytest.mark.parametrize("layout", [*cases.FLAT[::3], *cases.IMAGES[::4], *cases.GROUPED[::3]], ids=str)
def test_normalization(isa, dtype, rng, layout):
    x, dy, out = (before_a_wall(rng.normal(size=layout.shape).astype(dtype)) for _ in range(3))
    gamma, beta, variance = (before_a_wall(rng.uniform(0.1, 1.0, layout.channels).astype(dtype)) for _ in range(3))
    last = layout.axis == -1
    _, moments = core.group_norm_forward(x, gamma, beta, layout.groups, 1e-3, True, last, out)
    core.group_norm_backward(dy, x, before_a_wall(moments), gamma, layout.groups, True, last, out)
    core.batch_norm_forward(x, gamma, beta, 1e-3, last, out)
    core.batch_norm_inference(x, beta, variance, gamma, beta, 1e-3, last, out)
    core.batch_norm_backward(dy, x, beta, variance, gamma, 1e-3, False, last, out)


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
def test_training(isa, kind):
    n, features = 37, 19
    x, y = before_a_wall(np.ones((n, features), kind)), before_a_wall(np.arange(n) % 3)
    layers = [{"kind": "dense", "units": units, "activation": "relu", "use_bias": True} for units in (33, 7)]
    network = _core.Network("float32", features, [*layers, layers[0] | {"units": 3, "activation": "linear"}])
    order = before_a_wall(core.permutation(0, 0, n))
    loss = "sparse_categorical_crossentropy"
    goals = [_core.Goal(loss, ["sparse_categorical_accuracy"])]
    epoch = _core.Epoch(network, goals, x, y, order=order, batch_size=8)
    epoch.train(_core.Optimizer("sgd", network), {"learning_rate": 0.1})
    _core.Epoch(network, goals, x, y).evaluate()
    network.predict(x)
    network.backward(before_a_wall(network.forward(x)))
