"""`coordinate_descent`: values, and what it takes, gives and refuses."""

import numpy as np
import pytest

from fastopt.solvers import coordinate_descent, minimize

CENTRE = np.array([0.3, -0.7, 2.0, -1.0, 0.0, 5.0])
Q = np.diag(np.arange(1.0, 7)) + 0.3


def bowl(alpha):
    return lambda x: (x[0] - x[1]) ** 2 + alpha * (x[0] ** 2 + x[1] ** 2)


def f(x):
    return float((x - CENTRE) @ Q @ (x - CENTRE)) + 3


WAYS = pytest.mark.parametrize("exact", [True, False], ids=["given", "searched"])


@WAYS
@pytest.mark.parametrize(("alpha", "sweeps"), [(1.0, 11), (0.1, 73), (0.01, 695)])
def test_sweeps(exact, alpha, sweeps):
    def stop(x):
        if np.abs(x).max() < 1e-6:
            raise StopIteration

    update = (lambda i, x: x[1 - i] / (1 + alpha)) if exact else None
    done = coordinate_descent(bowl(alpha), [1.0, 1.0], update=update, callback=stop)
    assert (done.nit, done.status) == (sweeps, 99)
    if exact:
        assert done.nfev == sweeps + 1


@WAYS
def test_first_sweep(exact):
    update = (lambda i, x: x[1 - i] / 1.1) if exact else None
    done = coordinate_descent(bowl(0.1), [1.0, 1.0], update=update, options={"maxiter": 1})
    np.testing.assert_allclose(done.x, [0.9090909091, 0.8264462810], atol=1e-10)
    assert (done.status, done.message) == (1, "maxiter was reached")


BLOCKS = {
    "coordinates": None,
    "slices": [slice(0, 3), slice(3, None)],
    "indices": [[0, 5], np.array([1]), (2, 3, 4)],
    "all": [slice(None)],
}


@pytest.mark.parametrize("order", ["cyclic", "random"])
@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_finds_the_minimum(blocks, order):
    done = coordinate_descent(f, np.zeros(6), blocks=blocks, order=order)
    assert done.success, done.message
    np.testing.assert_allclose(done.x, CENTRE, atol=1e-6)
    assert done.fun == f(done.x)


def test_exact_updates_of_blocks():
    parts = [[0, 1, 2], [3, 4, 5]]

    def update(i, x):
        mine, other = parts[i], parts[1 - i]
        return CENTRE[mine] - np.linalg.solve(Q[np.ix_(mine, mine)], Q[np.ix_(mine, other)] @ (x - CENTRE)[other])

    done = coordinate_descent(f, np.zeros(6), blocks=parts, update=update)
    np.testing.assert_allclose(done.x, CENTRE, atol=1e-7)


def test_what_is_in_no_block_stays():
    done = coordinate_descent(f, np.zeros(6), blocks=[[1], [4]])
    assert done.success
    np.testing.assert_array_equal(done.x[[0, 2, 3, 5]], 0)


SHAPES = {
    "kinks": (lambda x: float(np.abs(x - [0.3, -0.7]).sum()) + 5, [1.0, 1.0], [0.3, -0.7], 1e-7),
    "a quartic valley": (lambda x: float(np.exp(x[0]) - 2 * x[0] + (x[1] - x[0]) ** 2), [0, 0], [np.log(2)] * 2, 1e-6),
    "a barrier": (lambda x: float(x[0] - np.log(x[0])) if x[0] > 0 else np.nan, [0.01], [1.0], 1e-6),
    "far away": (lambda x: float((x[0] - 1e6) ** 2), [0.0], [1e6], 1e-3),
    "large": (lambda x: float(np.cosh((x[0] - 1e6) / 1e5)), [3e6], [1e6], 0.1),
    "flat": (lambda x: 2.0, [0.9], [0.9], 0),
}


@pytest.mark.parametrize(("fun", "start", "want", "tolerance"), SHAPES.values(), ids=SHAPES)
def test_shapes(fun, start, want, tolerance):
    done = coordinate_descent(fun, start)
    assert done.success, done.message
    np.testing.assert_allclose(done.x, want, rtol=0, atol=tolerance)


def test_rosenbrock():
    """Slow, as the way turns; but it comes down."""
    fun = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2  # noqa: E731
    values = [fun(np.array([-1.2, 1.0]))]
    done = coordinate_descent(fun, [-1.2, 1.0], callback=lambda x: values.append(fun(x)))
    np.testing.assert_allclose(done.x, 1, atol=1e-4)
    assert np.all(np.diff(values) <= 0)


@pytest.mark.parametrize("blocks", [None, [[0, 1], [2]]])
@pytest.mark.parametrize("exact", [False, True])
def test_bounds(exact, blocks):
    centre, bounds = CENTRE[:3], [(0.5, None), (None, -1), (0, 1.5)]
    update = (lambda i, x: centre[i] if blocks is None else centre[blocks[i]]) if exact else None
    fun = lambda x: float(((x - centre) ** 2).sum())  # noqa: E731
    done = coordinate_descent(fun, [1.0, 1, 1], blocks=blocks, update=update, bounds=bounds)
    np.testing.assert_allclose(done.x, [0.5, -1, 1.5], atol=1e-8)
    assert done.success


def test_bounds_that_the_minimum_is_close_to():
    done = coordinate_descent(lambda x: (x[0] - 0.503) ** 2, [0.9], bounds=[(0.5, 1)])
    np.testing.assert_allclose(done.x, 0.503, atol=1e-8)
    done = coordinate_descent(lambda x: x[0] * 3, [0.9], bounds=[(0.5, 1)])
    np.testing.assert_array_equal(done.x, 0.5)
    assert done.nfev < 15
    done = coordinate_descent(lambda x: x[0] * 3, [0.9], bounds=[(0.9, 0.9)])
    assert done.success


def test_the_lasso_as_scikit_learn_has_it(rng):
    """Its updates are known: soft thresholds."""
    linear = pytest.importorskip("sklearn.linear_model")
    a, y = rng.normal(size=(40, 8)), rng.normal(size=40)
    squares = (a**2).sum(axis=0)

    def update(i, x):
        z = a[:, i] @ (y - a @ x) + squares[i] * x[i]
        return np.sign(z) * max(abs(z) - 4, 0) / squares[i]

    fun = lambda x: float(((y - a @ x) ** 2).sum() / 2 + 4 * np.abs(x).sum())  # noqa: E731
    want = linear.Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(a, y).coef_
    for given in (update, None):
        done = coordinate_descent(fun, np.zeros(8), update=given)
        np.testing.assert_allclose(done.x, want, atol=1e-6)


def test_random_orders_are_seeded():
    ways = []
    for seed in (0, 0, 1):
        done = coordinate_descent(f, np.zeros(6), order="random", seed=seed, options={"maxiter": 2})
        ways.append(done.x)
    np.testing.assert_array_equal(ways[0], ways[1])
    assert not np.array_equal(ways[0], ways[2])


def test_endings():
    done = coordinate_descent(lambda x: x[0], [0.0])
    assert (done.status, done.fun) == (3, 0)
    done = coordinate_descent(f, np.zeros(6), update=lambda i, x: x[i] - 5)
    assert done.status == 2
    np.testing.assert_array_equal(done.x, 0)
    done = coordinate_descent(f, np.zeros(6), options={"maxfun": 10})
    assert (done.status, done.message) == (1, "maxfun was reached")
    loose, tight = (coordinate_descent(f, np.zeros(6), tol=tol) for tol in (1e-2, 1e-10))
    assert loose.nit < tight.nit
    done = coordinate_descent(f, np.zeros(6), options={"return_all": True})
    assert len(done.allvecs) == done.nit + 1
    np.testing.assert_array_equal(done.allvecs[-1], done.x)


def test_arguments_of_the_function():
    done = coordinate_descent(lambda x, a, b: float((x[0] - a) ** 2 + b), 0.0, (2.0, 7.0))
    assert (done.x[0], done.fun) == (pytest.approx(2), pytest.approx(7))


def test_as_minimize():
    done, other = coordinate_descent(f, np.zeros(6)), minimize(f, np.zeros(6))
    assert set(done) <= set(other)


Z = np.zeros(6)
REFUSED = {
    "NaN at the start": (lambda: coordinate_descent(lambda x: np.nan, [1.0]), "The function is nan at x0"),
    "an unknown order": (lambda: coordinate_descent(f, Z, order="cycle"), "Did you mean 'cyclic'"),
    "an unknown option": (lambda: coordinate_descent(f, Z, options={"gtol": 1}), "Unknown option 'gtol'"),
    "a block out of range": (lambda: coordinate_descent(f, Z, blocks=[[0, 6]]), r"blocks\[0\] holds 6"),
    "an empty block": (lambda: coordinate_descent(f, Z, blocks=[[0], slice(3, 3)]), r"blocks\[1\] is empty"),
    "a coordinate twice": (lambda: coordinate_descent(f, Z, blocks=[[1, 1]]), "twice"),
    "a mask": (lambda: coordinate_descent(f, Z, blocks=[Z == 0]), r"blocks\[0\] must be indices"),
    "no blocks": (lambda: coordinate_descent(f, Z, blocks=[]), "blocks is empty"),
    "too few bounds": (lambda: coordinate_descent(f, Z, bounds=[(0, 1)]), "must be 6 pairs"),
    "an update of another shape": (
        lambda: coordinate_descent(f, Z, update=lambda i, x: x),
        r"update\(0, x\) has shape \(6,\); expected \(1,\)",
    ),
    "an update that is not finite": (lambda: coordinate_descent(f, Z, update=lambda i, x: np.inf), "not finite"),
    "an update that writes": (lambda: coordinate_descent(f, Z, update=lambda i, x: x.fill(0)), "read-only"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
