"""The problems of Moré, Garbow and Hillstrom: at least as many are solved as by SciPy, with no more evaluations."""

import numpy as np
import pytest
from cases.mgh import PROBLEMS, gradient, hessian, jacobian, values

from fastopt import solvers

optimize = pytest.importorskip("scipy.optimize")

METHODS = ["CG", "BFGS", "L-BFGS-B", "Newton-CG", "trust-ncg", "trust-exact", "lm"]
# What the tests of the gradient are in SciPy's trust regions.
EUCLIDEAN = {"gtol": 1e-5, "norm": 2}
STARTS = 3


def starts(name):
    """The start, and others close by: a single way hangs on the last bit."""
    start, rng = PROBLEMS[name].start, np.random.default_rng([*name.encode()])
    away = 1e-3 * np.where(start == 0, 1, np.abs(start))
    return [start, *(start + away * rng.standard_normal(start.size) for _ in range(STARTS - 1))]


class Functions:
    """The sum of squares of a problem, with its derivatives."""

    def __init__(self, name):
        self.problem = PROBLEMS[name]

    def residuals(self, x):
        return values(self.problem, x)

    def jacobian(self, x):
        return jacobian(self.problem, x)

    def value(self, x):
        return float((self.residuals(x) ** 2).sum())

    def gradient(self, x):
        return gradient(self.problem, x)

    def hessian(self, x):
        return hessian(self.problem, x)

    def solved(self, value):
        """Whether a value is that of a minimum that is known, or lower."""
        minima = self.problem.minima
        return value <= min(minima) or any(abs(value - least) <= 1e-5 * max(least, 1e-3) for least in minima)


def run(name, start, method, ours):
    """Whether a method solves a problem, and its evaluations of the function."""
    f = Functions(name)
    with np.errstate(all="ignore"):
        if method == "lm":
            if ours:
                done = solvers.least_squares(f.residuals, start, f.jacobian)
            else:
                done = optimize.least_squares(f.residuals, start, f.jacobian, method="lm", x_scale="jac")
            return f.solved(2 * done.cost), done.nfev
        given = {"hess": f.hessian} if method.startswith(("Newton", "trust")) else {}
        options = {"maxiter": 50 if given else 300}
        if method.startswith("trust"):
            options |= EUCLIDEAN if ours else {"gtol": 1e-5}
        minimize = solvers.minimize if ours else optimize.minimize
        try:
            done = minimize(f.value, start, jac=f.gradient, method=method, options=options, **given)
        except (ValueError, np.linalg.LinAlgError):
            return False, 0
    return f.solved(done.fun), done.nfev


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore")
def test_as_scipy(method):
    ours, theirs = (
        [run(name, start, method, ours) for name in PROBLEMS for start in starts(name)] for ours in (True, False)
    )
    assert sum(solved for solved, _ in ours) >= sum(solved for solved, _ in theirs)
    ratios = [ours[i][1] / theirs[i][1] for i in range(len(ours)) if ours[i][0] and theirs[i][0]]
    assert np.median(ratios) <= 1.0


@pytest.mark.parametrize("name", ["rosenbrock", "helical_valley", "osborne_2", "watson_9", "penalty_2"])
def test_least_squares_ends_in_the_minimum(name):
    f = Functions(name)
    done = solvers.least_squares(f.residuals, f.problem.start, f.jacobian)
    assert done.success
    assert 2 * done.cost == pytest.approx(min(f.problem.minima), rel=1e-4, abs=1e-10)
    np.testing.assert_allclose(done.grad, f.jacobian(done.x).T @ f.residuals(done.x), atol=1e-12)
