"""What methods must compute: values worked out apart, and theorems."""

import itertools

import numpy as np
import pytest

from fastopt import solvers

Q, B = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])


def quadratic(x):
    return x @ Q @ x / 2 - B @ x


def quadratic_slope(x):
    return Q @ x - B


def bowl(x):
    return x[0] ** 2 / 10 + x[1] ** 2


def bowl_slope(x):
    return np.array([x[0] / 5, 2 * x[1]])


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def rosenbrock_slope(x):
    return np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])


def rosenbrock_hessian(x):
    return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200]])


def points(f, x0, method, steps=None, **given):
    """The points of a run, the start among them, and its result."""
    options = {"return_all": True} | ({} if steps is None else {"maxiter": steps})
    result = solvers.minimize(f, x0, method=method, options=options, **given)
    return np.array(result.allvecs), result


def test_steepest_descent_on_the_bowl():
    way, _ = points(bowl, [-7.0, 2.0], solvers.SteepestDescent("exact", gtol=0), 47, jac=bowl_slope)
    assert (way[0] - way[1])[0] / bowl_slope(way[0])[0] == pytest.approx(0.5544578908, abs=1e-9)
    np.testing.assert_allclose(way[1], [-6.2237589528, -0.2178315633], atol=1e-9)
    assert bowl(way[20]) == pytest.approx(6.752e-7, rel=1e-3)
    slopes = [bowl_slope(x) for x in way]
    lengths = [np.linalg.norm(slope) for slope in slopes]
    assert next(i for i, length in enumerate(lengths) if length < 1e-8) == 47
    for one, other in itertools.pairwise(slopes[:20]):
        assert abs(one @ other) < 1e-8 * np.linalg.norm(one) * np.linalg.norm(other)


def test_steepest_descent_at_its_slowest():
    way, _ = points(bowl, [10.0, 1.0], solvers.SteepestDescent("exact", gtol=0), 12, jac=bowl_slope)
    values = np.array([bowl(x) for x in way])
    np.testing.assert_allclose(values[1:] / values[:-1], (9 / 11) ** 2, rtol=1e-8)


@pytest.mark.parametrize("beta", solvers.ConjugateGradients.FORMULAS)
def test_conjugate_gradients_end_on_quadratics(beta, rng):
    method = solvers.ConjugateGradients(beta, search="exact", gtol=1e-9)
    way, result = points(quadratic, [2.0, 1.0], method, jac=quadratic_slope)
    d = np.diff(way, axis=0)
    steps = [d[0] @ d[0] / (d[0] @ -quadratic_slope(way[0]))]
    np.testing.assert_allclose(steps[0], 0.2205438066, atol=1e-9)
    assert result.nit == 2
    np.testing.assert_allclose(result.x, [1 / 11, 7 / 11], atol=1e-9)
    assert abs(d[0] @ Q @ d[1]) < 1e-9
    # beta by the direction that the second step has.
    slope, first = quadratic_slope(way[1]), -quadratic_slope(way[0])
    ratio = (d[1][0] * -slope[1] - d[1][1] * -slope[0]) / (d[1][1] * first[0] - d[1][0] * first[1])
    assert ratio == pytest.approx(0.00877136937, abs=1e-9)
    second = -slope + ratio * first
    assert d[1][0] / second[0] == pytest.approx(0.4122042341, abs=1e-8)

    a = rng.standard_normal((12, 12))
    a = a @ a.T + np.eye(12)
    b = rng.standard_normal(12)
    method = solvers.ConjugateGradients(beta, search="exact", gtol=1e-7)
    result = solvers.minimize(lambda x: x @ a @ x / 2 - b @ x, np.zeros(12), jac=lambda x: a @ x - b, method=method)
    assert result.nit <= 13
    np.testing.assert_allclose(result.x, np.linalg.solve(a, b), atol=1e-6)


# Fletcher and Reeves's takes 23 where every fifth step begins anew. It takes the 32 that are told of it where a restart
# counts as the first of the next five: cycles of 5, 4, 4, ... steps, which is not every fifth.
@pytest.mark.parametrize(
    ("beta", "restart", "steps"),
    [("polak_ribiere", None, 22), ("fletcher_reeves", None, 68), ("fletcher_reeves", 5, 23)],
)
def test_conjugate_gradients_on_rosenbrock(beta, restart, steps):
    method = solvers.ConjugateGradients(beta, restart, "exact", gtol=1e-8)
    result = solvers.minimize(rosenbrock, [-1.2, 1.0], jac=rosenbrock_slope, method=method)
    assert result.nit == steps
    np.testing.assert_allclose(result.x, 1, atol=1e-6)


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


def saddle_slope(x):
    return np.array([2 * x[0], -2 * x[1]])


def saddle_hessian(_):
    return np.diag([2.0, -2.0])


@pytest.mark.parametrize(("alpha", "point"), [(0.0, (0, 0)), (1.0, (1 / 3, -2)), (3.0, (0.6, 6))])
def test_newton_at_a_saddle(alpha, point):
    given = {"jac": saddle_slope, "hess": saddle_hessian}
    way, _ = points(saddle, [1.0, 2.0], solvers.Newton(alpha), 1, **given)
    np.testing.assert_allclose(way[1], point, atol=1e-12)


def test_newton_with_a_large_alpha_goes_along_the_gradient():
    way, _ = points(rosenbrock, [-1.2, 1.0], solvers.Newton(1e9), 1, jac=rosenbrock_slope, hess=rosenbrock_hessian)
    np.testing.assert_allclose(way[1] - way[0], -rosenbrock_slope(way[0]) / 1e9, rtol=1e-5)


def test_newton_on_rosenbrock():
    method = solvers.Newton(0.0, gtol=1e-8)
    way, result = points(rosenbrock, [-1.2, 1.0], method, jac=rosenbrock_slope, hess=rosenbrock_hessian)
    np.testing.assert_allclose(way[1:3], [[-1.1752808989, 1.3806741573], [0.7631148712, -3.1750338547]], atol=1e-9)
    assert result.nit == 6
    np.testing.assert_allclose(result.x, 1, atol=1e-9)


@pytest.mark.parametrize("method", [solvers.Newton(), solvers.NewtonCG(), solvers.NewtonCG("wolfe")], ids=repr)
def test_newton_leaves_saddles(method):
    def f(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4

    def slope(x):
        return np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3])

    result = solvers.minimize(
        f, [1.0, 1e-3], jac=slope, hess=lambda x: np.diag([2, -2 + 12 * x[1] ** 2]), method=method, tol=1e-8
    )
    assert result.success
    np.testing.assert_allclose(np.abs(result.x), [0, np.sqrt(0.5)], atol=1e-6)


def test_bfgs_knows_the_inverse_after_n_steps():
    """With M it would end in one more step from anywhere: the step from a point far away."""
    method = solvers.BFGS(scale=False, search="exact", gtol=1e-10)
    _, result = points(quadratic, [2.0, 1.0], method, jac=quadratic_slope)
    assert result.nit == 2
    np.testing.assert_allclose(result.x, [1 / 11, 7 / 11], atol=1e-10)
    np.testing.assert_allclose(result.hess_inv, np.array([[3, -1], [-1, 4]]) / 11, atol=1e-8)


def test_lbfgs_with_all_steps_is_bfgs():
    given = {"jac": rosenbrock_slope, "x0": [-1.2, 1.0], "f": rosenbrock, "steps": 25}
    methods = solvers.BFGS(False, "exact", 0.0), solvers.LBFGS(100, False, "exact", 0.0, 0.0)
    ways = [points(method=method, **given)[0] for method in methods]
    np.testing.assert_allclose(ways[0], ways[1], atol=1e-8)
