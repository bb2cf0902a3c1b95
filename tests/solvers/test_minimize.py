"""`minimize` and `least_squares`: what they take, give and refuse."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo
from fastopt import solvers
from fastopt.solvers import problem

METHODS = {
    "steepest descent": solvers.SteepestDescent(),
    **{beta: solvers.ConjugateGradients(beta) for beta in solvers.ConjugateGradients.FORMULAS},
    "cg restarted": solvers.ConjugateGradients(restart=5, search="backtracking"),
    "bfgs": solvers.BFGS(),
    "lbfgs": solvers.LBFGS(3),
    "newton": solvers.Newton(),
    "newton alpha": solvers.Newton(0.1),
    "newton cg": solvers.NewtonCG(),
    "newton cg along lines": solvers.NewtonCG("wolfe"),
}
ALL = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
SCALES = np.linspace(1, 20, 7)


def f(x):
    return float(SCALES @ (x - 1) ** 2 / 2 + ((x - 1) ** 4).sum())


def slope(x):
    return SCALES * (x - 1) + 4 * (x - 1) ** 3


def hessian(x):
    return np.diag(SCALES + 12 * (x - 1) ** 2)


@ALL
@pytest.mark.parametrize(
    "given",
    [
        {"jac": slope, "hess": hessian},
        {"jac": slope, "hessp": lambda x, v: hessian(x) @ v},
        {"jac": slope},
        {"jac": "3-point"},
        {},
    ],
    ids=["hess", "hessp", "jac", "differences of second order", "differences"],
)
def test_finds_the_minimum(method, given):
    done = solvers.minimize(f, np.zeros(7), method=method, options={"gtol": 1e-4, "ftol": 0.0}, **given)
    assert done.success, done.message
    np.testing.assert_allclose(done.x, 1, atol=1e-4)
    assert done.fun == f(done.x)
    np.testing.assert_allclose(done.jac, slope(done.x), atol=1e-4)


@ALL
def test_counts(method):
    asked = {"f": 0, "jac": 0}

    def counted(x):
        asked["f"] += 1
        return f(x)

    def counted_slope(x):
        asked["jac"] += 1
        return slope(x)

    done = solvers.minimize(counted, np.zeros(7), method=method, jac=counted_slope, hess=hessian)
    assert (done.nfev, done.njev) == (asked["f"], asked["jac"])
    both = solvers.minimize(lambda x: (f(x), slope(x)), np.zeros(7), method=method, jac=True, hess=hessian)
    np.testing.assert_array_equal(both.x, done.x)


@ALL
def test_same_bits_for_every_number_of_threads(method, for_all_threads, rng):
    scales = rng.uniform(1, 5, 300)
    fun = lambda x: (float(scales @ x**2), 2 * scales * x)  # noqa: E731
    given = {"jac": True, "hess": lambda x: np.diag(2 * scales), "method": method, "options": {"maxiter": 4}}
    for_all_threads(lambda: solvers.minimize(fun, np.ones(300), **given).values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_vectors_have_the_same_bits_for_every_number_of_threads(for_all_threads, rng, dtype):
    scales, start = rng.uniform(1, 5, 300_000), np.ones(300_000)
    fun = lambda x: (float(np.sum(scales * x**2)), 2 * scales * x)  # noqa: E731
    core = problem.Function(fun, (), True, None, None, start).core()

    def run():
        minimizer = solvers.LBFGS(ftol=0.0).minimizer(dtype=dtype)
        minimizer.start(core, start)
        endings = [minimizer.iterate(core) for _ in range(4)]
        assert endings == ["none"] * 4
        return [minimizer.x]

    for_all_threads(run)


@ALL
def test_a_run_goes_on_from_its_slots(method):
    core = problem.Function(f, (), slope, hessian, None, np.zeros(7)).core()
    first, second = (method.replaced(gtol=0.0, ftol=0.0).minimizer() for _ in range(2))

    def iterated(minimizer):
        for _ in range(5):
            minimizer.iterate(core)
        return {name: slot.tobytes() for name, slot in minimizer.slots().items()}

    for minimizer, start in ((first, np.zeros(7)), (second, np.ones(7) / 2)):
        minimizer.start(core, start)
        iterated(minimizer)
    second.restore(first.slots())
    assert iterated(second) == iterated(first)


@ALL
def test_values(method):
    for other in (eval(repr(method), vars(solvers)), copy.deepcopy(method), pickle.loads(pickle.dumps(method))):
        assert other == method
    assert type(method).from_config(method.get_config()) == method


@pytest.mark.parametrize("rule", ["adam", fo.optimizers.SGD(0.02), fo.optimizers.RMSprop(0.01)], ids=str)
def test_update_rules(rule):
    done = solvers.minimize(lambda w: (w - 5) ** 2, 4.0, method=rule, options={"maxiter": 3000, "gtol": 1e-2})
    np.testing.assert_allclose(done.x, [5], atol=1e-2)


def test_callbacks():
    seen = []
    done = solvers.minimize(f, np.zeros(7), jac=slope, callback=seen.append)
    assert len(seen) == done.nit
    np.testing.assert_array_equal(seen[-1], done.x)

    def stop(intermediate_result):
        if intermediate_result.fun < 1:
            raise StopIteration

    done = solvers.minimize(f, np.zeros(7), jac=slope, callback=stop)
    assert not done.success
    assert done.message == "callback asked to stop"
    assert done.fun < 1
    everything = solvers.minimize(f, np.zeros(7), jac=slope, options={"return_all": True}).allvecs
    np.testing.assert_array_equal(everything[0], 0)


@pytest.mark.parametrize("bounds", [[(2, None), (None, 0.5), *[(None, None)] * 5], [(0, 3)] * 7, [(-5, -1)] * 7])
def test_bounds(bounds):
    done = solvers.minimize(f, np.zeros(7), jac=slope, bounds=bounds, options={"gtol": 1e-8, "ftol": 0})
    low = np.array([-np.inf if a is None else a for a, _ in bounds])
    high = np.array([np.inf if b is None else b for _, b in bounds])
    assert done.success
    np.testing.assert_allclose(done.x, np.clip(1, low, high), atol=1e-6)


def test_bounds_that_pull_variables_together():
    """The minimum at a bound is not the unbounded one, cut off."""
    q = np.array([[2.0, 1.8], [1.8, 2.0]])
    done = solvers.minimize(
        lambda x: x @ q @ x / 2 - x.sum(), [0.0, 0.0], jac=lambda x: q @ x - 1, bounds=[(1, None), (None, None)]
    )
    np.testing.assert_allclose(done.x, [1, -0.4], atol=1e-5)


def test_weighted_distances_of_least_squares(rng):
    a, b = rng.standard_normal((20, 4)), rng.standard_normal(20)
    for jac in (lambda x: a, None, "3-point"):
        done = solvers.least_squares(lambda x: a @ x - b, np.zeros(4), jac)
        assert done.success
        np.testing.assert_allclose(done.x, np.linalg.lstsq(a, b, rcond=None)[0], atol=1e-6)
        np.testing.assert_allclose(done.fun, a @ done.x - b)


@pytest.mark.parametrize("wrong", [0, 7, 8, 30, 36])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_ends_it(wrong, value):
    """Wherever it is not: in each lane of a vector, and in what vectors leave."""

    def fun(x):
        gradient = 2 * x
        if x[0] < 1:
            gradient[wrong] = value
        return float(x @ x), gradient

    method = solvers.SteepestDescent("backtracking")
    done = solvers.minimize(fun, np.ones(37), jac=True, method=method)
    assert (done.status, done.nit) == (3, 0)
    with pytest.raises(ValueError, match="not finite"):
        solvers.minimize(fun, np.ones(37) / 2, jac=True, method=method)


IN_THREADS = """
import threading, time
import numpy as np
from fastopt import solvers

def forever():
    slopes = np.linspace(1, 100, 2000)
    while True:
        solvers.minimize(lambda x: (float(x @ x), 2 * x * slopes), np.ones(2000), jac=True, options={"gtol": 0.0})

for _ in range(2):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
"""


def test_threads_that_minimize_when_python_ends():
    """They begin at once with what has never been called before, and have the lock when Python wants to end."""
    subprocess.run([sys.executable, "-c", IN_THREADS], check=True, timeout=60)


def large(rng, n):
    a = rng.standard_normal((n, n))
    return a + a.T


@pytest.mark.parametrize("method", [solvers.Newton(), solvers.Newton(0.1)], ids=repr)
def test_interrupt_between_evaluations(method, rng):
    h = large(rng, 1500)
    assert (
        interrupt(
            lambda: solvers.minimize(lambda x: (0.0, x), np.ones(1500), jac=True, hess=lambda x: h, method=method), 0.5
        )
        < 0.2
    )


def test_interrupt_of_least_squares(rng):
    a = rng.standard_normal((700, 700))
    assert interrupt(lambda: solvers.least_squares(lambda x: a @ x - 1, np.zeros(700), lambda x: a), 0.5) < 0.2


REFUSED = {
    "NaN at the start": (lambda: solvers.minimize(lambda x: np.nan, [1.0]), "The function is nan at x0"),
    "a start that is not finite": (lambda: solvers.minimize(f, [np.inf] * 7), "x0"),
    "no variables": (lambda: solvers.minimize(f, []), "x0 has shape"),
    "a matrix as start": (lambda: solvers.minimize(f, np.zeros((7, 1))), "x0 has shape"),
    "an unknown method": (lambda: solvers.minimize(f, np.zeros(7), method="bgfs"), "Did you mean 'bfgs'"),
    "all methods, once": (lambda: solvers.minimize(f, np.zeros(7), method="bgf"), "average, bfgs, cautious, cg, clip"),
    "an unknown option": (lambda: solvers.minimize(f, np.zeros(7), options={"maxit": 3}), "Did you mean 'maxiter'"),
    "a gradient of another shape": (
        lambda: solvers.minimize(f, np.zeros(7), jac=lambda x: x[:3]),
        r"jac\(x\) has shape \(3,\); expected \(7,\)",
    ),
    "several values": (lambda: solvers.minimize(lambda x: x, np.zeros(7)), "fun must return one number"),
    "one thing for jac=True": (lambda: solvers.minimize(f, np.zeros(7), jac=True), "its value and its gradient"),
    "a Hessian that is not square": (
        lambda: solvers.minimize(f, np.zeros(7), jac=slope, hess=lambda x: np.ones((7, 3)), method="trust-exact"),
        r"hess\(x\) has shape \(7, 3\); expected \(7, 7\)",
    ),
    "a Hessian that is not symmetric": (
        lambda: solvers.minimize(
            f, np.zeros(7), jac=slope, hess=lambda x: np.triu(np.ones((7, 7))), method="trust-exact"
        ),
        "not symmetric",
    ),
    "too many variables for a Hessian": (
        lambda: solvers.minimize(lambda x: (x @ x, 2 * x), np.zeros(2001) + 1, jac=True, method="newton"),
        "up to 2000 variables",
    ),
    "bounds elsewhere": (
        lambda: solvers.minimize(f, np.zeros(7), jac=slope, bounds=[(0, 1)] * 7, method="BFGS"),
        "bounds need L-BFGS",
    ),
    "bounds that cross": (lambda: solvers.minimize(f, np.zeros(7), jac=slope, bounds=[(1, 0)] * 7), "variable 0"),
    "too few bounds": (lambda: solvers.minimize(f, np.zeros(7), jac=slope, bounds=[(0, 1)]), "must be 7 pairs"),
    "fewer residuals than variables": (lambda: solvers.least_squares(lambda x: x[:1], np.zeros(3)), "fewer than"),
    "a sum of squares to minimize": (lambda: solvers.minimize(f, np.zeros(7), method="lm"), "use least_squares"),
    "a search without a model": (lambda: solvers.BFGS("trust_region"), "scale|trust region"),
    "lines for a sum of squares": (lambda: solvers.LevenbergMarquardt(search="wolfe"), "goes by a trust region"),
    "an unknown formula": (lambda: solvers.ConjugateGradients("polak"), "Unknown beta"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_an_exception_of_the_function_comes_out():
    def raises(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        solvers.minimize(raises, [1.0])


def test_beyond_what_a_function_can_do():
    """A barrier: the search turns back where the value is not finite."""

    def barrier(x):
        with np.errstate(invalid="ignore"):
            return float(x[0] - np.log(x[0])), np.array([1 - 1 / x[0]])

    for method in ("L-BFGS", "BFGS", "CG", "newton"):
        done = solvers.minimize(barrier, [0.01], jac=True, method=method)
        np.testing.assert_allclose(done.x, 1, atol=1e-4, err_msg=method)
