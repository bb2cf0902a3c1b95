"""Dropout and Gaussian noise as kernels: the numbers are those of the counters, whoever computes them."""

import numpy as np
import pytest
import twins
from arrays import blank, guarded

import fastopt as fo
from fastopt import kernels

SHAPES = pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 64), (2, 1003)], ids=str)


@SHAPES
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.999])
def test_mask_is_that_of_the_words(isa, dtype, shape, rate, rng):
    x = rng.normal(size=shape).astype(dtype)
    y, mask = kernels.dropout_forward(x, rate, seed=7, stream=2**40)
    words = np.stack([twins.philox(7, 2**40 + i, shape[1]) for i in range(shape[0])])
    np.testing.assert_array_equal(mask, np.where(words < np.uint32(rate * 2**32), 0, 1 / (1 - rate)).astype(dtype))
    np.testing.assert_array_equal(y, x * mask)
    np.testing.assert_array_equal(kernels.dropout_backward(x, mask), x * mask)


def test_threads(isa, dtype, rng, for_all_threads):
    x = rng.normal(size=(1003, 1049)).astype(dtype)
    for_all_threads(lambda: [*kernels.dropout_forward(x, 0.3, 1), kernels.gaussian_noise(x[:, :99], 0.3, 1)])


@SHAPES
@pytest.mark.parametrize("stddev", [0.0, 0.1, 3.0])
def test_noise(isa, dtype, shape, stddev, rng):
    x, _ = guarded(rng.normal(size=shape).astype(dtype), 1)
    y, intact = blank(shape, dtype, 3)
    assert kernels.gaussian_noise(x, stddev, 7, 2**40, y) is y
    assert intact()
    want = twins.gaussian_noise(x.astype(np.float64), stddev, 7, 2**40)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, want, rtol=4 * eps, atol=8 * eps * (stddev + 1))
    kernels.gaussian_noise(x, stddev, 7, 2**40, out=x)
    np.testing.assert_array_equal(x, y)


def test_noise_of_a_layer_is_that_of_the_kernel(isa, dtype, rng):
    """The first batch of the first layer, whose stream the network chooses."""
    x = rng.normal(size=(5, 9)).astype(dtype)
    model = fo.Sequential([fo.layers.GaussianNoise(0.5), fo.layers.Activation("silu")], 3, np.dtype(dtype).name)
    want = kernels.silu(kernels.gaussian_noise(x, 0.5, 3 ^ 0x9E3779B97F4A7C15, 1 << 62))
    np.testing.assert_array_equal(model(x), want)


def test_mean_and_rate(rng):
    y, mask = kernels.dropout_forward(np.ones((1000, 1000), np.float32), 0.2, 3)
    assert abs((mask == 0).mean() - 0.2) < 0.002
    assert abs(y.mean() - 1) < 0.002


@pytest.mark.parametrize("rate", [-0.1, 1.0, np.nan])
def test_bad_rate(rate):
    with pytest.raises(ValueError, match="rate must be at least 0 and less than 1"):
        kernels.dropout_forward(np.ones((1, 2)), rate, 0)


@pytest.mark.parametrize("stddev", [-0.1, np.inf, np.nan])
def test_bad_stddev(stddev):
    x = np.ones((1, 2))
    with pytest.raises(ValueError, match=r"stddev must be at least 0 and finite, got .*(0.1|inf|nan)"):
        kernels.gaussian_noise(x, stddev, 0, out=x)
    np.testing.assert_array_equal(x, 1)


@pytest.mark.parametrize("kernel", [kernels.dropout_forward, kernels.gaussian_noise])
@pytest.mark.parametrize(("seed", "stream"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**64)])
def test_bad_counters(kernel, seed, stream):
    with pytest.raises(ValueError, match=r"(seed|stream) must be at least 0 and less than"):
        kernel(np.ones((1, 2)), 0.5, seed, stream)


def test_in_place():
    x = np.ones((2, 3))
    y, mask = kernels.dropout_forward(x, 0.5, 0, out=x)
    assert y is x
    with pytest.raises(ValueError, match="mask"):
        kernels.dropout_backward(x, mask, out=mask)
