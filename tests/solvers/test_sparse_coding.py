"""`sparse_encode` and `sparse_coding`: values, peers, and what they take, give and refuse."""

import os
import signal
import threading

import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo
from fastopt.solvers import sparse_coding, sparse_encode


@pytest.fixture(scope="module")
def digits():
    x, _ = fo.datasets.load_digits()
    return (x - x.mean(axis=0)).astype(np.float64)


def cost(x, dictionary, codes, penalty):
    return ((x - codes @ dictionary) ** 2).sum() + penalty * np.abs(codes).sum()


def test_atoms_that_are_axes():
    x = np.array([[3, 0.2], [-1, 0.4]]).T
    codes = sparse_encode(x, np.eye(2), 1.0)
    np.testing.assert_array_equal(codes, np.array([[2.5, 0], [-0.5, 0]]).T)
    assert sparse_coding(x, np.eye(2), codes=codes, max_iter=0).fun == pytest.approx(3.7, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 0.1])
def test_like_scikit_learn(digits, alpha):
    peer = pytest.importorskip("sklearn.decomposition").sparse_encode
    x = digits[:200]
    dictionary = sparse_coding(digits, 64, 2 * alpha, max_iter=3).dictionary
    codes = sparse_encode(x, dictionary, 2 * alpha)
    theirs = peer(x, dictionary, algorithm="lasso_cd", alpha=alpha)
    want = cost(x, dictionary, theirs, 2 * alpha)
    assert cost(x, dictionary, codes, 2 * alpha) == pytest.approx(want, rel=1e-6)
    exact = sparse_encode(x, dictionary, 2 * alpha, tol=1e-10, max_iter=10_000)
    np.testing.assert_allclose(exact, theirs, atol=1e-3)


@pytest.mark.parametrize(("penalty", "sweeps"), [(1.0, 20), (0.2, 8)])
def test_the_cost_never_rises(digits, dtype, penalty, sweeps):
    done = sparse_coding(digits.astype(dtype), 64, penalty, max_iter=sweeps)
    assert done.codes.dtype == done.dictionary.dtype == dtype
    assert np.all(np.diff(done.costs) < 0)
    assert done.costs[0] == pytest.approx((digits.astype(dtype).astype(float) ** 2).sum())
    assert done.fun == done.costs[-1] == pytest.approx(cost(digits, done.dictionary, done.codes, penalty), rel=1e-6)
    assert np.linalg.norm(done.dictionary, axis=1).max() <= 1 + 1e-6
    assert done.nit == len(done.costs) - 1


def test_goes_on_as_if_it_had_not_stopped(digits):
    whole = sparse_coding(digits, 32, max_iter=6, tol=0)
    half = sparse_coding(digits, 32, max_iter=3, tol=0)
    rest = sparse_coding(digits, half.dictionary, codes=half.codes, max_iter=3, tol=0)
    np.testing.assert_array_equal(rest.codes, whole.codes)
    np.testing.assert_array_equal(rest.dictionary, whole.dictionary)
    np.testing.assert_array_equal([*half.costs, *rest.costs[1:]], whole.costs)


def test_same_bits_for_every_number_of_threads(digits, dtype, for_all_threads):
    x = digits.astype(dtype)
    for_all_threads(lambda: [v for k, v in sparse_coding(x, 64, 0.5, max_iter=3).items() if k != "message"])


def test_finds_the_atoms_that_made_the_samples(rng):
    atoms = rng.normal(size=(12, 20))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    x = (rng.normal(size=(3000, 12)) * (rng.random((3000, 12)) < 0.15)) @ atoms
    done = sparse_coding(x, 12, 0.05, max_iter=200, tol=1e-6, seed=3)
    assert np.abs(atoms @ done.dictionary.T).max(axis=1).min() > 0.99


def test_atoms_that_no_sample_uses_are_replaced(digits):
    dead = np.zeros((8, 64))
    dead[:4] = sparse_coding(digits, 4, max_iter=0).dictionary
    done = sparse_coding(digits, dead, max_iter=10)
    assert np.all(np.abs(done.codes).sum(axis=0) > 0)
    assert np.all(np.diff(done.costs) < 0)


def test_more_atoms_than_samples(rng):
    done = sparse_coding(rng.normal(size=(3, 5)), 8, 0.1, max_iter=5)
    assert done.codes.shape == (3, 8)
    assert done.dictionary.shape == (8, 5)


def test_nothing_to_code():
    done = sparse_coding(np.zeros((4, 3)), 2)
    assert done.success
    assert done.fun == 0
    assert not done.codes.any()


def test_callbacks_and_limits(digits):
    seen = []

    def stop(result):
        seen.append(result.fun)
        if result.nit == 2:
            raise StopIteration

    done = sparse_coding(digits, 8, callback=stop)
    assert (done.status, done.nit, done.message) == (99, 2, "callback asked to stop")
    np.testing.assert_array_equal(seen, done.costs[1:])
    done = sparse_coding(digits, 8, max_iter=1)
    assert (done.status, done.success, done.message) == (1, False, "max_iter was reached")


def test_interrupted(digits):
    """Ctrl-C returns what the last whole sweep left."""
    x = np.tile(digits, (20, 1))
    seen = []

    def interrupted(result):
        seen.append(result)
        if result.nit == 2:
            raise KeyboardInterrupt

    done = sparse_coding(x[:4000], 64, 0.2, callback=interrupted)
    assert (done.status, done.nit, done.success) == (130, 2, False)
    np.testing.assert_array_equal(done.codes, seen[-1].codes)
    np.testing.assert_array_equal(done.dictionary, seen[-1].dictionary)


def test_ctrl_c(digits):
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    done = sparse_coding(digits, 64, 0.2, tol=0, max_iter=10**6)
    assert done.status == 130
    assert done.fun == done.costs[-1] == pytest.approx(cost(digits, done.dictionary, done.codes, 0.2))


def test_interrupts_reach_the_core(digits):
    x = np.tile(digits, (40, 1))
    dictionary = sparse_coding(digits, 64, 0.05, max_iter=2).dictionary
    assert interrupt(lambda: sparse_encode(x, dictionary, 0.001, tol=0, max_iter=10**6), 0.3) < 1


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_progress(digits, capsys, verbose):
    sparse_coding(digits, 4, max_iter=2, verbose=verbose, tol=0)
    said = capsys.readouterr()
    assert ("sweep 2/2  cost" in said.out) == (verbose in (2, "auto"))
    assert ("cost" in said.err) == (verbose == 1)


def test_sweeps_that_do_not_suffice(digits):
    with pytest.warns(UserWarning, match=r"of 1797 samples are not within tol = 1e-05 after max_iter = 1"):
        sparse_encode(digits, sparse_coding(digits, 64, max_iter=0).dictionary, 0.1, max_iter=1)


X = np.ones((4, 3))
REFUSED = {
    "samples of one dimension": (lambda: sparse_encode(np.ones(3), np.eye(3)), "x has shape"),
    "no samples": (lambda: sparse_encode(np.ones((0, 3)), np.eye(3)), "x is empty"),
    "samples that are not finite": (lambda: sparse_encode([[np.nan]], np.eye(1)), r"x\[0, 0\] = nan"),
    "large samples": (lambda: sparse_encode([[1e200]], np.eye(1)), "too large"),
    "atoms of another length": (lambda: sparse_encode(X, np.eye(2)), r"dictionary has shape \(2, 2\)"),
    "codes of another shape": (lambda: sparse_encode(X, np.eye(3), codes=X[:2]), "codes has shape"),
    "no penalty": (lambda: sparse_encode(X, np.eye(3), 0.0), "penalty must be more than 0"),
    "no atoms": (lambda: sparse_coding(X, 0), "atoms must be at least 1"),
    "long atoms": (lambda: sparse_coding(X, 2 * np.eye(3)), r"atoms\[0\] has length 2"),
    "a strange verbose": (lambda: sparse_coding(X, 2, verbose=3), "Unknown verbose"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
