"""Cosines and sines of features as kernels."""

import numpy as np
import pytest
import twins
from arrays import assert_close, blank, guarded, ulp_error, wide

from fastopt import kernels

# Rows, features, frequencies: every tail; more rows than a block of sums; more frequencies than a panel.
SIZES = [*((3, 2, k) for k in range(1, 34)), (0, 3, 4), (1, 1, 1), (150, 3, 5), (65, 2, 150)]


def turns(dtype) -> np.ndarray:
    """Ordinary numbers, multiples of 1/16, tiny, large and huge ones."""
    rng, half = np.random.default_rng(0), 2.0 ** np.finfo(dtype).nmant
    parts = [
        rng.uniform(-2, 2, 20_000),
        rng.uniform(-1, 1, 5000) * 10.0 ** rng.uniform(-30, 20, 5000),
        np.arange(-64, 65) / 16,
        half * np.array([0.125, 0.25, 0.5, 1.0, 2.0]) + np.arange(-4, 5)[:, None] / 4,
        [np.finfo(dtype).tiny / 8, np.finfo(dtype).max, np.inf, np.nan],
    ]
    t = np.concatenate([np.ravel(part) for part in parts]).astype(dtype)
    return np.concatenate([t, -t])


def test_error(isa, dtype):
    """Less than two units in the last place for every finite number of turns."""
    t = turns(dtype)
    y, derivative = kernels.periodic_forward(t[:, None], np.ones((1, 1), dtype))
    with np.errstate(invalid="ignore"):
        want, want_derivative = twins.periodic(wide(t)[:, None], np.ones((1, 1)))
    want[~np.isfinite(t)] = want_derivative[~np.isfinite(t)] = np.nan
    assert ulp_error(y, want) <= 2
    assert ulp_error(derivative, want_derivative) <= 2


@pytest.mark.parametrize("with_phases", [False, True])
def test_periodic(isa, dtype, with_phases, rng):
    eps = np.finfo(dtype).eps
    for rows, features, count in SIZES:
        shape = (rows, features, count if with_phases else 2 * count)
        x, c, b, dy = (
            guarded(rng.normal(size=size).astype(dtype), (i + count) % 4)[0]
            for i, size in enumerate(((rows, features), (features, count), (features, count), shape))
        )
        b = b if with_phases else None
        y, y_intact = blank(shape, dtype, 1)
        dx, dx_intact = blank(x.shape, dtype, 3)
        got, derivative = kernels.periodic_forward(x, c, b, y)
        assert got is y
        got, dc, db = kernels.periodic_backward(dy, x, c, derivative, with_phases, dx)
        assert got is dx
        assert y_intact()
        assert dx_intact()
        want = twins.periodic(wide(x), wide(c), None if b is None else wide(b))
        for result, exact in zip((y, derivative), want, strict=True):
            assert_close(result, exact, eps * (20 + 7 * np.abs(wide(x)).max(initial=0) * np.abs(wide(c)).max()))
        grads = (dx, dc, db) if with_phases else (dx, dc)
        exact = twins.periodic_backward(wide(dy), wide(x), wide(c), wide(derivative))
        sizes = twins.periodic_backward(*(np.abs(wide(a)) for a in (dy, x, c, derivative)))
        for grad, value, size in zip(grads, exact, sizes, strict=False):
            assert_close(grad, value, eps * (8 + np.sqrt(rows + count)) * size)
        assert with_phases or db is None


@pytest.mark.parametrize("with_phases", [False, True])
def test_threads(isa, dtype, with_phases, rng, for_all_threads):
    x, c, b = (rng.normal(size=size).astype(dtype) for size in ((501, 31), (31, 17), (31, 17)))
    dy = rng.normal(size=(501, 31, 17 if with_phases else 34)).astype(dtype)

    def results():
        y, derivative = kernels.periodic_forward(x, c, b if with_phases else None)
        dx, dc, db = kernels.periodic_backward(dy, x, c, derivative, with_phases)
        return y, derivative, dx, dc, *([db] if with_phases else [])

    for_all_threads(results)
