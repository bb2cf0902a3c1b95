"""PReLU and Maxout as kernels."""

import cases
import numpy as np
import pytest
import twins
from arrays import assert_close, blank, guarded, wide
from cases import Layout

from fastopt import kernels

LAYOUTS = [*cases.FLAT, *cases.IMAGES]


def draw(rng, layout: Layout, dtype) -> tuple[np.ndarray, ...]:
    """x, with zeros in it, dy and alpha, at odd addresses."""
    x = rng.normal(size=layout.shape) * rng.integers(0, 5, layout.shape).clip(0, 1)
    arrays = x, rng.normal(size=layout.shape), rng.normal(size=layout.channels)
    return tuple(guarded(a.astype(dtype), (i + layout.channels) % 4)[0] for i, a in enumerate(arrays))


def test_prelu(isa, dtype, rng):
    eps = np.finfo(dtype).eps
    for layout in LAYOUTS:
        x, dy, alpha = draw(rng, layout, dtype)
        y, y_intact = blank(layout.shape, dtype, 1)
        dx, dx_intact = blank(layout.shape, dtype, 3)
        assert kernels.prelu_forward(x, alpha, layout.axis, y) is y
        got, dalpha = kernels.prelu_backward(dy, x, alpha, layout.axis, dx)
        assert got is dx
        assert y_intact()
        assert dx_intact()
        want = twins.prelu(wide(x), wide(alpha), layout.axis)
        assert_close(y, want, eps * np.abs(want))
        want, want_sum = twins.prelu_backward(wide(dy), wide(x), wide(alpha), layout.axis)
        assert_close(dx, want, eps * np.abs(want))
        _, size = twins.prelu_backward(np.abs(wide(dy)), wide(x), wide(alpha), layout.axis)
        terms = x.size / layout.channels
        assert_close(dalpha, want_sum, eps * (4 + np.sqrt(terms)) * np.abs(size))


@pytest.mark.parametrize("layout", cases.SHARED_LAYOUTS, ids=str)
def test_prelu_threads(isa, dtype, layout, rng, for_all_threads):
    x, dy, alpha = draw(rng, layout, dtype)
    for_all_threads(
        lambda: [
            kernels.prelu_forward(x, alpha, layout.axis),
            *kernels.prelu_backward(dy, x, alpha, layout.axis),
        ]
    )


@pytest.mark.parametrize("layout", [Layout((1003, 1049)), Layout((5, 6, 11)), Layout((5, 11, 6), 1, -1)], ids=str)
def test_prelu_in_place(isa, dtype, layout, rng):
    x, dy, alpha = draw(rng, layout, dtype)
    y, (dx, dalpha) = kernels.prelu_forward(x, alpha, layout.axis), kernels.prelu_backward(dy, x, alpha, layout.axis)
    _, again = kernels.prelu_backward(dy, x, alpha, layout.axis, out=dy)
    kernels.prelu_forward(x, alpha, layout.axis, out=x)
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(dy, dx)
    np.testing.assert_array_equal(again, dalpha)


@pytest.mark.parametrize("axis", [1, -1])
def test_prelu_of_nan_and_infinity(isa, dtype, axis):
    x = np.array([[[np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0]]], dtype).repeat(6, 1)
    alpha = np.full(6, 0.5, dtype)
    y = kernels.prelu_forward(x, alpha, axis)
    np.testing.assert_array_equal(y[0], np.array([[np.nan, np.inf, -np.inf, 0.0, 0.0, -0.5]] * 6, dtype))
    dx, dalpha = kernels.prelu_backward(np.ones_like(x), x, alpha, axis)
    np.testing.assert_array_equal(dx[0], [[0.5, 1.0, 0.5, 0.5, 0.5, 0.5]] * 6)
    want = [np.nan] * 6 if axis == 1 else [np.nan, 0, -np.inf, 0, 0, -6]
    np.testing.assert_array_equal(dalpha, np.array(want, dtype))


def test_prelu_without_samples():
    x = np.empty((0, 4))
    dx, dalpha = kernels.prelu_backward(x, x, np.ones(4))
    assert dx.shape == (0, 4)
    np.testing.assert_array_equal(dalpha, np.zeros(4))


# Units of every tail, none, and more than fit into a cache line of pieces; no samples.
UNITS = [*((3, units, pieces) for pieces in (1, 2, 3, 5, 16) for units in range(20)), (0, 4, 3), (2, 600, 2)]


def test_maxout(isa, dtype, rng):
    """Few values, so that there are ties: the first of equals counts."""
    for rows, units, pieces in UNITS:
        x, _ = guarded(rng.integers(-2, 3, (rows, units * pieces)).astype(dtype), units % 4)
        dy, _ = guarded(rng.normal(size=(rows, units)).astype(dtype), 1)
        y, y_intact = blank((rows, units), dtype, 3)
        dx, dx_intact = blank(x.shape, dtype, 2)
        got, piece = kernels.maxout_forward(x, pieces, y)
        assert got is y
        assert kernels.maxout_backward(dy, piece, pieces, dx) is dx
        assert y_intact()
        assert dx_intact()
        want, want_piece = twins.maxout(x, pieces)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(piece, want_piece)
        np.testing.assert_array_equal(dx, twins.maxout_backward(dy, want_piece, pieces))


def test_maxout_threads(isa, dtype, rng, for_all_threads):
    x, dy = rng.normal(size=(1003, 1047)).astype(dtype), rng.normal(size=(1003, 349)).astype(dtype)

    def results():
        y, piece = kernels.maxout_forward(x, 3)
        return y, piece, kernels.maxout_backward(dy, piece, 3)

    for_all_threads(results)


def test_maxout_of_nan_and_infinity(isa, dtype):
    """A NaN is larger than numbers, and the first of them counts, as in NumPy."""
    nan, inf = np.nan, np.inf
    x = np.array([[1, nan, nan, nan, 2, 3, -inf, -inf, -inf, -inf, inf, inf]], dtype)
    y, piece = kernels.maxout_forward(x, 3)
    np.testing.assert_array_equal(y, np.array([[nan, nan, -inf, inf]], dtype))
    np.testing.assert_array_equal(piece, [[1, 0, 0, 1]])


@pytest.mark.parametrize("bad", [-1, 2, 2**62])
def test_piece_that_is_not_there(bad):
    piece, out = np.zeros((2, 3), np.int64), np.ones((2, 6))
    piece[1, 2] = bad
    with pytest.raises(ValueError, match=rf"piece\[1, 2\] = {bad} is not in 0..1"):
        kernels.maxout_backward(np.ones((2, 3)), piece, 2, out)
    np.testing.assert_array_equal(out, 1)


def test_piece_of_another_type():
    with pytest.raises(TypeError, match="piece must be int64, got float64"):
        kernels.maxout_backward(np.ones((2, 3)), np.zeros((2, 3)), 2)
