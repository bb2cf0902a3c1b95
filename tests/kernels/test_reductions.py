"""Sums, norms and the search for NaN."""

import math

import cases
import numpy as np
import pytest
from arrays import guarded

from fastopt import kernels
from fastopt._core import runtime

LONG = (1000, 4097, 65_536 + 3, 300_007)


def many_lengths(dtype) -> list[int]:
    return [*cases.lengths(dtype), *LONG]


def test_sum_and_norm(isa, dtype, rng):
    """In float64 whatever the dtype: n roundings at most, far fewer in practice."""
    for length in many_lengths(dtype):
        for start in cases.STARTS if length < 100 else (1,):
            x, _ = guarded(rng.normal(size=length).astype(dtype), start)
            values = x.tolist()
            bound = (1 + length) * np.finfo(np.float64).eps
            assert abs(kernels.sum(x) - math.fsum(values)) <= bound * math.fsum(map(abs, values))
            assert kernels.norm(x) == pytest.approx(math.sqrt(math.fsum(v * v for v in values)), rel=bound, abs=0)


def test_integers_are_summed_exactly(isa, dtype, rng):
    x = rng.integers(-(2**20), 2**20, (1003, 301)).astype(dtype)
    assert kernels.sum(x) == int(x.astype(np.int64).sum())
    assert kernels.sum(x[::-2, ::3].T) == int(x[::-2, ::3].astype(np.int64).sum())


def test_large_numbers_of_float32(isa):
    x = np.full(1000, 1e30, np.float32)
    assert kernels.norm(x) == pytest.approx(float(x[0]) * math.sqrt(1000))
    assert kernels.sum(np.full(1000, 3e38, np.float32)) == pytest.approx(3e41)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nonfinite_numbers_show(isa, dtype, value):
    x = np.ones(1001, dtype)
    x[777] = value
    np.testing.assert_equal(kernels.sum(x), value)
    np.testing.assert_equal(kernels.norm(x), abs(value))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_first_nonfinite(isa, dtype, value):
    for length in many_lengths(dtype):
        x, _ = guarded(np.full(length, np.finfo(dtype).max, dtype), length % 4)
        assert kernels.first_nonfinite(x) == -1
        for position in range(length) if length < 100 else (0, 31, length // 2, length - 1):
            x[position] = value
            assert kernels.first_nonfinite(x) == position
            x[-1] = np.nan
            assert kernels.first_nonfinite(x) == position
            x[[position, -1]] = 0


def test_threads(isa, dtype, rng, for_all_threads):
    x = rng.standard_normal(cases.SHARED_SHAPE, np.float32).astype(dtype)
    x[[700, 900], [1, 0]] = np.nan
    finite = np.nan_to_num(x)
    for_all_threads(lambda: [kernels.sum(finite), kernels.norm(finite), kernels.first_nonfinite(x)])


def test_same_bits_on_every_isa(dtype, rng):
    before, rows = runtime.isa(), rng.normal(size=(300, 1001)).astype(dtype)
    results = set()
    for isa in cases.ISAS:
        runtime.set_isa(isa)
        results.add(tuple(f(x) for x in rows for f in (kernels.sum, kernels.norm)))
    runtime.set_isa(before)
    assert len(results) == 1
