"""Softmax, and the gradients of all activations."""

import cases
import numpy as np
import pytest
from arrays import assert_close, blank, guarded, wide

from fastopt import kernels


def softmax_bound(x: np.ndarray) -> np.ndarray:
    """Relative error of softmax: the argument of exp is rounded, and so is each partial sum."""
    gap = x.max(axis=1, keepdims=True) - x
    return np.finfo(x.dtype).eps * (8 + x.shape[1] + np.where(np.isfinite(gap), gap, 0))


def columns(dtype) -> list[int]:
    return [n for n in cases.lengths(dtype) if n > 0] + [65, 1000]


def test_softmax(isa, dtype, rng):
    for n in columns(dtype):
        for rows in (0, 1, 3):
            x, _ = guarded(rng.normal(0, 5, (rows, n)).astype(dtype), n % 4)
            out, intact = blank((rows, n), dtype, rows)
            kernels.softmax(x, out=out)
            want = cases.ACTIVATIONS["softmax"].forward(wide(x)) if rows else wide(x)
            assert_close(out, want, softmax_bound(x) * want if rows else 0)
            assert intact()
            kernels.softmax(x, out=x)
            np.testing.assert_array_equal(x, out)


def test_softmax_without_columns():
    assert kernels.softmax(np.zeros((3, 0))).shape == (3, 0)


INF = np.inf
ROWS = {
    "large": ([1e4, 1e4 - 1, 0.0, -1e4], [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0.0, 0.0]),
    "huge": ([3e38, 3e38, -3e38], [0.5, 0.5, 0.0]),
    "equal": ([-1e4] * 7, [1 / 7] * 7),
    "masked": ([2.0, -INF, 2.0, -INF], [0.5, 0.0, 0.5, 0.0]),
    "one left": ([-INF] * 20 + [-5.0], [0.0] * 20 + [1.0]),
    "single": ([-3.0], [1.0]),
    "nan": ([1.0, np.nan, 2.0], [np.nan] * 3),
}


@pytest.mark.parametrize(("row", "want"), ROWS.values(), ids=ROWS)
def test_softmax_rows(isa, dtype, row, want):
    """Each in the middle of ordinary rows, which it must not touch."""
    x = np.array([np.zeros(len(row)), row, np.zeros(len(row))], dtype)
    y = kernels.softmax(x)
    np.testing.assert_allclose(y[1], want, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(y[[0, 2]], 1 / len(row), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", cases.ELEMENTWISE_ACTIVATIONS)
def test_backward(isa, dtype, name, rng):
    twin = cases.ACTIVATIONS[name]
    for length in cases.lengths(dtype):
        for start in cases.STARTS:
            y, _ = guarded(np.asarray(twin.forward(rng.normal(0, 2, length)), dtype), start)
            dy, dy_intact = guarded(rng.normal(size=length).astype(dtype), (start + length) % 4, fill=-7.0)
            out, intact = blank(length, dtype, 3 - start)
            assert kernels.activation_backward(name, y, dy, out=out) is out
            # 1 - y^2 loses what y^2 is rounded by.
            want = twin.backward(wide(y), wide(dy))
            assert_close(out, want, np.finfo(dtype).eps * (4 * np.abs(want) + np.abs(dy)))
            kernels.activation_backward(name, y, dy, out=dy)
            np.testing.assert_array_equal(dy, out)
            assert intact()
            assert dy_intact()


def test_softmax_backward(isa, dtype, rng):
    twin = cases.ACTIVATIONS["softmax"]
    for n in columns(dtype):
        for rows in (0, 1, 3):
            y, _ = guarded(rng.dirichlet(np.ones(n), rows).astype(dtype), n % 4)
            dy, dy_intact = guarded(rng.normal(size=(rows, n)).astype(dtype), rows, fill=-7.0)
            out, intact = blank((rows, n), dtype, 3 - n % 4)
            kernels.activation_backward("softmax", y, dy, out=out)
            size = wide(y) * (np.abs(dy) + (np.abs(dy) * y).sum(axis=1, keepdims=True))
            assert_close(out, twin.backward(wide(y), wide(dy)), np.finfo(dtype).eps * (4 + n) * size)
            kernels.activation_backward("softmax", y, dy, out=dy)
            np.testing.assert_array_equal(dy, out)
            assert intact()
            assert dy_intact()


@pytest.mark.parametrize("name", cases.ACTIVATIONS)
def test_threads(isa, dtype, name, rng, for_all_threads):
    x, dy = rng.standard_normal((2, *cases.SHARED_SHAPE), np.float32).astype(dtype)
    for_all_threads(lambda: [getattr(kernels, name)(x), kernels.activation_backward(name, x, dy)])


def test_relu_backward_keeps_nan(isa, dtype):
    np.testing.assert_array_equal(
        kernels.activation_backward("relu", np.array([1, 0, 1], dtype), np.array([np.nan, 5, 2], dtype)), [np.nan, 0, 2]
    )
