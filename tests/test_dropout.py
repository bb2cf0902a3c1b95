"""Dropout as a kernel: the mask is that of the counters, whoever computes it."""

import numpy as np
import pytest
import reference

from fastopt import kernels


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 64), (2, 1003)], ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.999])
def test_mask_is_that_of_the_words(isa, dtype, shape, rate, rng):
    x = rng.normal(size=shape).astype(dtype)
    y, mask = kernels.dropout_forward(x, rate, seed=7, stream=2**40)
    words = np.stack([reference.philox(7, 2**40 + i, shape[1]) for i in range(shape[0])])
    np.testing.assert_array_equal(mask, np.where(words < np.uint32(rate * 2**32), 0, 1 / (1 - rate)).astype(dtype))
    np.testing.assert_array_equal(y, x * mask)
    np.testing.assert_array_equal(kernels.dropout_backward(x, mask), x * mask)


def test_threads(isa, dtype, rng, for_all_threads):
    x = rng.normal(size=(1003, 1049)).astype(dtype)
    for_all_threads(lambda: list(kernels.dropout_forward(x, 0.3, 1)))


def test_mean_and_rate(rng):
    y, mask = kernels.dropout_forward(np.ones((1000, 1000), np.float32), 0.2, 3)
    assert abs((mask == 0).mean() - 0.2) < 0.002
    assert abs(y.mean() - 1) < 0.002


@pytest.mark.parametrize("rate", [-0.1, 1.0, np.nan])
def test_bad_rate(rate):
    with pytest.raises(ValueError, match="rate must be at least 0 and less than 1"):
        kernels.dropout_forward(np.ones((1, 2)), rate, 0)


def test_in_place():
    x = np.ones((2, 3))
    y, mask = kernels.dropout_forward(x, 0.5, 0, out=x)
    assert y is x
    with pytest.raises(ValueError, match="mask"):
        kernels.dropout_backward(x, mask, out=mask)
