"""Elementary functions: errors in units in the last place, special values, lengths and starts."""

import functools
import math

import cases
import numpy as np
import pytest
from arrays import blank, guarded, ulp_error, wide

from fastopt import kernels

# Where exp, tanh, sigmoid and log err most: the worst of a search through float32, and of a random one in float64.
HARD = [-5.87788439, -59.9218788, 70.4030991, -5.19717073, 0.628309548, -4.1572938, 1.41303062]
HARD += [3.815755988833192, 12.131616943828318, -17.6721987, 0.627098552, -1.95133807, 0.700415822]


@functools.cache
def arguments(dtype) -> np.ndarray:
    """Ordinary, tiny, huge and special numbers, every exponent, and the neighbourhoods where the methods change."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    integer = {4: np.uint32, 8: np.uint64}[info.dtype.itemsize]
    overflow = np.log(info.max)
    underflow = np.log(wide(info.smallest_subnormal)).astype(dtype)
    special = [0.0, 1.0, np.inf, np.nan, info.tiny, info.smallest_subnormal, info.max, info.eps, 0.625, 9.0, 20.0, 1e30]
    edges = np.array([1.0, np.sqrt(0.5), 0.625, np.log(2) / 2, overflow, underflow], dtype)
    numbers = [
        special,
        HARD,
        np.nextafter(overflow, dtype(0)) * np.linspace(-1, 1, 40_000, dtype=dtype),
        underflow * np.linspace(0.8, 1.1, 5000, dtype=dtype),
        rng.uniform(-20, 20, 40_000),
        rng.uniform(-1, 1, 20_000),
        rng.integers(0, np.iinfo(integer).max, 20_000, integer, endpoint=True).view(dtype),
        (edges[:, None] * (1 + np.arange(-200, 200) * info.eps / 2)).ravel(),
    ]
    x = np.concatenate([np.asarray(part, dtype) for part in numbers])
    return np.concatenate([x, -x])


@functools.cache
def exact(name: str, dtype) -> np.ndarray:
    with np.errstate(all="ignore"):
        return cases.FUNCTIONS[name].forward(wide(arguments(dtype)))


@pytest.mark.parametrize("name", cases.FUNCTIONS)
def test_error(isa, dtype, name):
    """Denormal arguments and results count like all others: nothing is flushed to zero."""
    twin = cases.FUNCTIONS[name]
    assert ulp_error(getattr(kernels, name)(arguments(dtype)), exact(name, dtype), twin.floor) <= twin.ulp


@pytest.mark.parametrize("name", cases.FUNCTIONS)
def test_lengths_and_starts(isa, dtype, name, rng):
    kernel, twin = getattr(kernels, name), cases.FUNCTIONS[name]
    for length in cases.lengths(dtype):
        values = rng.uniform(0.1, 4, length).astype(dtype)
        want = twin.forward(wide(values))
        for start in cases.STARTS:
            x, _ = guarded(values, start)
            out, intact = blank(length, dtype, (start + length) % 4)
            assert kernel(x, out=out) is out
            assert ulp_error(out, want, twin.floor) <= twin.ulp
            assert intact()
            x, intact = guarded(values, start, fill=-7.0)
            kernel(x, out=x)
            np.testing.assert_array_equal(x, out)
            assert intact()


@pytest.mark.parametrize(("name", "isa"), cases.by_isa(cases.FUNCTIONS, "exp", "relu", "gelu"), indirect=["isa"])
def test_threads(isa, dtype, name, rng, for_all_threads):
    x = rng.uniform(0.1, 4, math.prod(cases.SHARED_SHAPE)).astype(dtype)
    for_all_threads(lambda: [getattr(kernels, name)(x)])


RANGES = [
    *((name, 0, np.inf) for name in ("exp", "relu", "softplus")),
    *((name, 0, 1) for name in ("sigmoid", "hard_sigmoid")),
    *((name, -1, 1) for name in ("tanh", "softsign", "hard_tanh")),
    ("elu", -1, np.inf),
    ("gelu", -0.17, np.inf),
    ("gelu_tanh", -0.171, np.inf),
    ("silu", -0.2785, np.inf),
]


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_range(isa, dtype, name, low, high):
    y = getattr(kernels, name)(arguments(dtype)[~np.isnan(arguments(dtype))])
    assert low <= y.min()
    assert y.max() <= high


@pytest.mark.parametrize("name", ["tanh", "softsign", "hard_tanh"])
def test_odd_functions(isa, dtype, name):
    x, f = arguments(dtype), getattr(kernels, name)
    np.testing.assert_array_equal(f(-x), -f(x))


def test_shape_is_kept(dtype):
    x = np.zeros((2, 0, 3), dtype)
    assert kernels.exp(x).shape == x.shape
    assert kernels.exp(x).dtype == dtype
    x = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    np.testing.assert_array_equal(kernels.relu(x.transpose(2, 0, 1)), x.transpose(2, 0, 1))
