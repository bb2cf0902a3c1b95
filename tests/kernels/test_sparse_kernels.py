"""The kernels of sparse coding against their twins."""

import functools

import numpy as np
import pytest
import twins

from fastopt._core import kernels

SIZES = [(1, 1, 1), (5, 3, 2), (40, 7, 16), (33, 16, 17), (20, 11, 22), (9, 65, 33)]


def problem(rng, samples, features, atoms, dtype):
    x, d = rng.normal(size=(samples, features)), rng.normal(size=(atoms, features))
    d /= np.linalg.norm(d, axis=1, keepdims=True) * rng.uniform(1, 2, (atoms, 1))
    return x.astype(dtype), d.astype(dtype)


@functools.cache
def solved(samples, features, atoms, dtype):
    """A problem and its codes, for every instruction set. Where they are not the only ones, their cost counts."""
    x, d = problem(np.random.default_rng(0), samples, features, atoms, dtype)
    d[0] = 0
    sweeps = 3000 if atoms <= features else 1200
    return x, d, twins.sparse_encode(x.astype(float), d.astype(float), 0.5, sweeps)


@pytest.mark.parametrize(("samples", "features", "atoms"), SIZES)
def test_encode(isa, dtype, samples, features, atoms):
    """The cost is the least there is; where there is one least point, the codes are its."""
    x, d, want = solved(samples, features, atoms, dtype)
    codes = np.zeros((samples, atoms), dtype)
    assert kernels.sparse_encode(x, d, codes, 0.5, 0.0, 5000) == 0
    eps = np.finfo(dtype).eps
    cost, least = (twins.sparse_cost(x.astype(float), d.astype(float), c.astype(float), 0.5) for c in (codes, want))
    np.testing.assert_allclose(cost, least, rtol=100 * eps, atol=0)
    if atoms <= features:
        np.testing.assert_allclose(codes, want, rtol=0, atol=1e4 * eps)


@pytest.mark.parametrize(("samples", "features", "atoms"), SIZES)
def test_cost(isa, dtype, rng, samples, features, atoms):
    x, d = problem(rng, samples, features, atoms, dtype)
    codes = (rng.normal(size=(samples, atoms)) * (rng.random((samples, atoms)) < 0.3)).astype(dtype)
    want = twins.sparse_cost(x.astype(float), d.astype(float), codes.astype(float), 0.5)
    np.testing.assert_allclose(kernels.sparse_cost(x, d, codes, 0.5), want, rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("samples", "features", "atoms"), SIZES)
def test_update_dictionary(isa, dtype, rng, samples, features, atoms):
    x, d = problem(rng, samples, features, atoms, dtype)
    codes = rng.normal(size=(samples, atoms)).astype(dtype)
    codes[:, atoms // 2] = 0  # which no sample uses
    want = twins.update_dictionary(x.astype(float), d.astype(float), codes.astype(float))
    moments, products = (np.ascontiguousarray(codes.T @ right) for right in (codes, x))
    changed = kernels.update_dictionary(moments, products, got := d.copy())
    np.testing.assert_allclose(got, want, rtol=0, atol=500 * np.finfo(dtype).eps)
    assert changed == pytest.approx(((want - d) ** 2).sum(), rel=1e-4, abs=1e-9)
    np.testing.assert_array_equal(got[atoms // 2], d[atoms // 2])
    assert np.linalg.norm(got, axis=1).max() <= 1 + np.finfo(dtype).eps


def test_goes_on_from_codes_and_says_what_is_left(isa, dtype, rng):
    x, d = problem(rng, 50, 20, 40, dtype)
    codes = np.zeros((50, 40), dtype)
    assert kernels.sparse_encode(x, d, codes, 0.1, 1e-6, 1) > 0
    early = kernels.sparse_cost(x, d, codes, 0.1)
    assert kernels.sparse_encode(x, d, codes, 0.1, 1e-4, 5000) == 0
    assert np.all(kernels.sparse_cost(x, d, codes, 0.1) < early)
    before = codes.copy()
    kernels.sparse_encode(x, d, codes, 0.1, 1e-4, 5000)
    np.testing.assert_array_equal(codes, before)


def test_a_gap_is_what_it_says(isa, rng):
    """The cost is within tolerance |x|^2 of the least."""
    x, d = problem(rng, 50, 20, 40, np.float64)
    least = np.zeros((50, 40))
    kernels.sparse_encode(x, d, least, 0.1, 0.0, 10_000)
    least = twins.sparse_cost(x, d, least, 0.1)
    for tolerance in (1e-1, 1e-2, 1e-4, 1e-6):
        codes = np.zeros((50, 40))
        kernels.sparse_encode(x, d, codes, 0.1, tolerance, 10_000)
        excess = twins.sparse_cost(x, d, codes, 0.1) - least
        assert np.all(excess <= tolerance * (x**2).sum(axis=1) + 1e-12)


def test_same_bits_for_every_number_of_threads(dtype, rng, for_all_threads):
    x, d = problem(rng, 1003, 64, 70, dtype)

    def call():
        codes = np.zeros((1003, 70), dtype)
        kernels.sparse_encode(x, d, codes, 0.5, 1e-5, 300)
        return codes, kernels.sparse_cost(x, d, codes, 0.5)

    for_all_threads(call)


def test_refused(rng):
    x, d = problem(rng, 5, 3, 2, np.float64)
    with pytest.raises(ValueError, match="dictionary"):
        kernels.sparse_encode(x, d[:, :2].copy(), np.zeros((5, 2)), 1.0, 0.0, 1)
    with pytest.raises(ValueError, match="codes"):
        kernels.sparse_cost(x, d, np.zeros((5, 3)), 1.0)
    with pytest.raises(ValueError, match="moments"):
        kernels.update_dictionary(np.zeros((2, 3)), np.zeros((2, 3)), d)
    with pytest.raises(ValueError, match="codes"):
        kernels.sparse_encode(x[:2, :2].copy(), np.zeros((2, 2)), d[:, :2], 1.0, 0.0, 1)
