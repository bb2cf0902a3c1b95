"""What the kernels refuse: arrays that cannot be written, or that do not fit. Nothing changes when they do."""

from collections.abc import Callable
from typing import NamedTuple

import cases
import numpy as np
import pytest

from fastopt import kernels


class Call(NamedTuple):
    """Kernel, its inputs by shape, and the shape of its result; whether the result may replace its last input."""

    function: Callable
    shapes: list[tuple[int, ...]]
    out: tuple[int, ...]
    in_place: bool = False


def backward(name: str) -> Callable:
    return lambda y, dy, out=None: kernels.activation_backward(name, y, dy, out)


LABELS = np.array([0, 1, 2])
PIECE = np.zeros((3, 5), np.int64)
CALLS = {
    "matmul": Call(kernels.matmul, [(3, 4), (4, 5)], (3, 5)),
    "dense_forward": Call(kernels.dense_forward, [(3, 4), (4, 5), (5,)], (3, 5)),
    "dense_backward_input": Call(
        lambda dy, kernel, y, out=None: kernels.dense_backward_input(dy, kernel, y, "relu", out),
        [(3, 5), (4, 5), (3, 4)],
        (3, 4),
    ),
    "dense_backward_kernel": Call(kernels.dense_backward_kernel, [(3, 4), (3, 5)], (4, 5)),
    "column_sum": Call(kernels.column_sum, [(3, 5)], (5,)),
    **{name: Call(getattr(kernels, name), [(3, 5)], (3, 5), True) for name in cases.FUNCTIONS},
    "softmax": Call(kernels.softmax, [(3, 5)], (3, 5), True),
    **{f"{name} backward": Call(backward(name), [(3, 5), (3, 5)], (3, 5), True) for name in cases.ACTIVATIONS},
    "softmax_cross_entropy": Call(
        lambda logits, out=None: kernels.softmax_cross_entropy(logits, LABELS, out=out), [(3, 5)], (3, 5)
    ),
    "softmax_cross_entropy one-hot": Call(
        lambda target, logits, out=None: kernels.softmax_cross_entropy(logits, target, out=out),
        [(3, 5), (3, 5)],
        (3, 5),
    ),
    "sigmoid_cross_entropy": Call(
        lambda weight, target, logits, out=None: kernels.sigmoid_cross_entropy(logits, target, weight, out=out),
        [(3,), (3, 5), (3, 5)],
        (3, 5),
    ),
    "mean_squared_error": Call(
        lambda weight, target, prediction, out=None: kernels.mean_squared_error(prediction, target, weight, out=out),
        [(3,), (3, 5), (3, 5)],
        (3, 5),
    ),
    "layer_norm_forward": Call(
        lambda gamma, beta, x, out=None: kernels.layer_norm_forward(x, gamma, beta, out=out),
        [(5,), (5,), (3, 5)],
        (3, 5),
        True,
    ),
    "group_norm_backward": Call(
        lambda gamma, moments, x, dy, out=None: kernels.group_norm_backward(dy, x, moments, 2, gamma, out=out),
        [(6,), (3, 2, 2), (3, 6), (3, 6)],
        (3, 6),
        True,
    ),
    "prelu_forward": Call(
        lambda alpha, x, out=None: kernels.prelu_forward(x, alpha, out=out), [(5,), (3, 5)], (3, 5), True
    ),
    "prelu_backward": Call(
        lambda alpha, x, dy, out=None: kernels.prelu_backward(dy, x, alpha, out=out),
        [(5,), (3, 5), (3, 5)],
        (3, 5),
        True,
    ),
    "maxout_forward": Call(lambda x, out=None: kernels.maxout_forward(x, 2, out), [(3, 6)], (3, 3)),
    "maxout_backward": Call(lambda dy, out=None: kernels.maxout_backward(dy, PIECE, 2, out), [(3, 5)], (3, 10)),
    "periodic_forward": Call(
        lambda c, b, x, out=None: kernels.periodic_forward(x, c, b, out), [(5, 4), (5, 4), (3, 5)], (3, 5, 4)
    ),
    "periodic_backward": Call(
        lambda x, c, d, dy, out=None: kernels.periodic_backward(dy, x, c, d, out=out),
        [(3, 5), (5, 2), (3, 5, 4), (3, 5, 4)],
        (3, 5),
    ),
    "gaussian_noise": Call(lambda x, out=None: kernels.gaussian_noise(x, 0.5, 0, out=out), [(3, 5)], (3, 5), True),
    "batch_norm_forward": Call(
        lambda gamma, beta, x, out=None: kernels.batch_norm_forward(x, gamma, beta, out=out),
        [(5,), (5,), (3, 5)],
        (3, 5),
        True,
    ),
    "batch_norm_inference": Call(
        lambda mean, variance, x, out=None: kernels.batch_norm_inference(x, mean, variance, out=out),
        [(5,), (5,), (3, 5)],
        (3, 5),
        True,
    ),
    "batch_norm_backward": Call(
        lambda mean, variance, x, dy, out=None: kernels.batch_norm_backward(dy, x, mean, variance, out=out),
        [(5,), (5,), (3, 5), (3, 5)],
        (3, 5),
        True,
    ),
}
NAMES = pytest.mark.parametrize("name", CALLS)
REFUSED = (TypeError, ValueError)


def inputs(call: Call) -> list[np.ndarray]:
    return [np.full(shape, 0.5, np.float32) for shape in call.shapes]


def read_only(shape) -> np.ndarray:
    array = np.ones(shape, np.float32)
    array.flags.writeable = False
    return array


def misaligned(shape) -> np.ndarray:
    size = 4 * int(np.prod(shape))
    return np.frombuffer(bytearray(size + 1), np.uint8)[1:].view(np.float32).reshape(shape)


OUTS = {
    "dtype": (lambda shape: np.ones(shape, np.float64), TypeError),
    "integers": (lambda shape: np.ones(shape, np.int32), TypeError),
    "list": (lambda shape: np.ones(shape, np.float32).tolist(), TypeError),
    "byte order": (lambda shape: np.ones(shape, np.dtype(np.float32).newbyteorder("S")), REFUSED),
    "read-only": (read_only, ValueError),
    "misaligned": (misaligned, ValueError),
    "strided": (lambda shape: np.ones((*shape, 2), np.float32)[..., 0], ValueError),
    "backwards": (lambda shape: np.ones(shape, np.float32)[::-1], ValueError),
    "too small": (lambda shape: np.ones((*shape[:-1], shape[-1] - 1), np.float32), ValueError),
    "too large": (lambda shape: np.ones((*shape[:-1], shape[-1] + 1), np.float32), ValueError),
    "dimension more": (lambda shape: np.ones((1, *shape), np.float32), ValueError),
    "flat": (lambda shape: np.ones(2 * int(np.prod(shape)), np.float32)[::2], ValueError),
    "no dimension": (lambda shape: np.ones((), np.float32), ValueError),
}


@NAMES
@pytest.mark.parametrize(("make", "error"), OUTS.values(), ids=OUTS)
def test_out(name, make, error):
    call = CALLS[name]
    out = make(call.out)
    before = np.array(out)
    with pytest.raises(error):
        call.function(*inputs(call), out=out)
    np.testing.assert_array_equal(out, before)


@NAMES
def test_out_that_overlaps_an_input(name):
    """By a part; entirely too, unless the kernel works in place on its last input."""
    call = CALLS[name]
    for i, shape in enumerate(call.shapes):
        size = int(np.prod(shape))
        out_size = int(np.prod(call.out))
        for offset in (-1, 0, 1):
            if offset == 0 and call.in_place and i == len(call.shapes) - 1:
                continue
            buffer = np.full(size + out_size + 2, 0.5, np.float32)
            arguments = inputs(call)
            arguments[i] = buffer[1 : 1 + size].reshape(shape)
            with pytest.raises(ValueError, match="shares memory"):
                call.function(*arguments, out=buffer[1 + offset : 1 + offset + out_size].reshape(call.out))
            np.testing.assert_array_equal(buffer, 0.5)


@NAMES
def test_inputs(name):
    """Each input in turn: of another dtype, without dimensions, with one too many, with a row or column too many."""
    call = CALLS[name]
    for i, shape in enumerate(call.shapes):
        for wrong, error in [
            (np.ones(shape, np.float16), TypeError),
            (np.ones(shape, np.int64), TypeError),
            (np.ones(shape, np.complex64), TypeError),
            (np.full(shape, None), TypeError),
            (np.ones(shape, np.dtype(np.float32).newbyteorder("S")), REFUSED),
            *([(np.ones(shape, np.float64), TypeError)] if len(call.shapes) > 1 else []),
            (np.ones((*shape[:-1], shape[-1] + 1), np.float32), ValueError),
            *([(np.ones((shape[0] + 1, *shape[1:]), np.float32), ValueError)] if name != "column_sum" else []),
            (np.ones((1, *shape), np.float32), ValueError),
            (np.ones((), np.float32), ValueError),
        ]:
            arguments, out = inputs(call), np.zeros(call.out, np.float32)
            arguments[i] = wrong
            with pytest.raises(error):
                call.function(*arguments, out=out)
            assert not out.any()


ONES = np.ones
MISFITS = {
    "inner sizes": lambda: kernels.matmul(ONES((3, 4)), ONES((3, 4))),
    "three dimensions": lambda: kernels.matmul(ONES((2, 3, 4)), ONES((4, 4))),
    "bias": lambda: kernels.dense_forward(ONES((3, 4)), ONES((4, 5)), ONES(4)),
    "unknown activation": lambda: kernels.dense_forward(ONES((3, 4)), ONES((4, 5)), None, "swish?"),
    "output of relu missing": lambda: kernels.dense_backward_input(ONES((3, 5)), ONES((4, 5)), None, "relu"),
    "softmax before": lambda: kernels.dense_backward_input(ONES((3, 5)), ONES((4, 5)), ONES((3, 4)), "softmax"),
    "batch sizes": lambda: kernels.dense_backward_kernel(ONES((3, 4)), ONES((2, 5))),
    "softmax of a vector": lambda: kernels.softmax(ONES(4)),
    "unknown gradient": lambda: kernels.activation_backward("swish?", ONES(4), ONES(4)),
    "number of labels": lambda: kernels.softmax_cross_entropy(ONES((3, 4)), [0, 1]),
    "number of weights": lambda: kernels.softmax_cross_entropy(ONES((3, 4)), [0, 1, 2], ONES(2)),
    "columns of target": lambda: kernels.mean_squared_error(ONES((3, 4)), ONES((3, 3))),
    "unknown metric": lambda: kernels.metric("auc?", ONES((3, 4)), ONES((3, 4))),
    "columns of pieces": lambda: kernels.maxout_forward(ONES((3, 4)), 3),
    "no pieces": lambda: kernels.maxout_forward(ONES((3, 4)), 0),
    "shape of piece": lambda: kernels.maxout_backward(ONES((3, 4)), PIECE, 2),
    "frequencies": lambda: kernels.periodic_forward(ONES((3, 4)), ONES((3, 4))),
    "phases": lambda: kernels.periodic_forward(ONES((3, 4)), ONES((4, 2)), ONES((4, 3))),
    "derivatives without phases": lambda: kernels.periodic_backward(
        ONES((3, 4, 2)), ONES((3, 4)), ONES((4, 2)), ONES((3, 4, 2))
    ),
    "slopes": lambda: kernels.prelu_forward(ONES((3, 4, 5)), ONES(5)),
    "axis of slopes": lambda: kernels.prelu_forward(ONES((3, 4, 5)), ONES(4), 2),
    "shape of gradient": lambda: kernels.sgd_update(ONES(3), ONES(4)),
}


@pytest.mark.parametrize("call", MISFITS.values(), ids=MISFITS)
def test_misfits_are_named(call):
    """The message holds the sizes or the name that do not fit."""
    with pytest.raises(ValueError, match=r"\d|\?|relu|softmax"):
        call()


def test_both_dtypes_are_named():
    with pytest.raises(TypeError, match=r"float32.*float64|float64.*float32"):
        kernels.matmul(np.ones((3, 4), np.float32), np.ones((4, 5)))
