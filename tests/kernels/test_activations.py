"""Softmax, and the gradients of all activations."""

import cases
import numpy as np
import pytest
from arrays import assert_close, blank, guarded, wide

from fastopt import _core, kernels


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
            x = rng.normal(0, 2, length)
            at, _ = guarded(np.asarray(x if twin.from_input else twin.forward(x), dtype), start)
            dy, dy_intact = guarded(rng.normal(size=length).astype(dtype), (start + length) % 4, fill=-7.0)
            out, intact = blank(length, dtype, 3 - start)
            assert kernels.activation_backward(name, at, dy, out=out) is out
            # 1 - y^2 loses what y^2 is rounded by.
            want = twin.backward(wide(at), wide(dy))
            assert_close(out, want, np.finfo(dtype).eps * (4 * np.abs(want) + 2 * np.abs(dy)))
            kernels.activation_backward(name, at, dy, out=dy)
            np.testing.assert_array_equal(dy, out)
            assert intact()
            assert dy_intact()


def test_every_activation_is_tested():
    of_core = _core.kernels.activations()
    assert of_core == {name: activation.from_input for name, activation in cases.ACTIVATIONS.items()}


@pytest.mark.parametrize("name", cases.ELEMENTWISE_ACTIVATIONS)
def test_twins_agree(name):
    """The twins' gradients are those of the twins, by central differences."""
    twin, step = cases.ACTIVATIONS[name], np.longdouble(1e-6)
    x = wide(np.linspace(-5.03, 5.01, 200))
    slope = (twin.forward(x + step) - twin.forward(x - step)) / (2 * step)
    got = twin.backward(x if twin.from_input else twin.forward(x), wide(np.ones_like(x)))
    np.testing.assert_allclose(got.astype(float), slope.astype(float), atol=1e-9)


@pytest.mark.parametrize("name", cases.ELEMENTWISE_ACTIVATIONS)
def test_backward_at_extremes(isa, dtype, name):
    """Far out, and in the limit, the gradient is that of a straight line; NaN stays NaN."""
    twin = cases.ACTIVATIONS[name]
    x = np.array([-np.inf, np.finfo(dtype).min, -1e4, 1e4, np.finfo(dtype).max, np.inf, np.nan], dtype)
    at = x if twin.from_input else getattr(kernels, name)(x)
    got = kernels.activation_backward(name, at, np.full_like(x, 2))
    low, high = {
        "linear": (2, 2),
        "leaky_relu": (0.02, 2),
        "selu": (0, 2 * 1.0507009873554805),
        **dict.fromkeys(["softsign", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh"], (0, 0)),
    }.get(name, (0, 2))
    atol = 3e-8 if name == "softsign" else np.finfo(dtype).eps  # (1 + 1e4)^-2 is not 0 yet
    np.testing.assert_allclose(got[:6], [low] * 3 + [high] * 3, rtol=np.finfo(dtype).eps, atol=atol)


@pytest.mark.parametrize("name", cases.ELEMENTWISE_ACTIVATIONS)
def test_nan(isa, dtype, name):
    assert np.isnan(getattr(kernels, name)(np.full(3, np.nan, dtype))).all()


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


@pytest.mark.parametrize(("name", "isa"), cases.by_isa(cases.ACTIVATIONS, "relu", "gelu", "softmax"), indirect=["isa"])
def test_threads(isa, dtype, name, rng, for_all_threads):
    x, dy = rng.standard_normal((2, *cases.SHARED_SHAPE), np.float32).astype(dtype)
    for_all_threads(lambda: [getattr(kernels, name)(x), kernels.activation_backward(name, x, dy)])


def test_relu_backward_keeps_nan(isa, dtype):
    np.testing.assert_array_equal(
        kernels.activation_backward("relu", np.array([1, 0, 1], dtype), np.array([np.nan, 5, 2], dtype)), [np.nan, 0, 2]
    )
