"""The ways of solvers."""

from itertools import pairwise

import numpy as np
import pytest

from fastopt import solvers
from fastopt.optimizers import Trace


def bowl(x):
    return x[0] ** 2 / 10 + x[1] ** 2


def slope(x):
    return np.array([x[0] / 5, 2 * x[1]])


def test_zigzag():
    """Each gradient is at a right angle to the one before."""
    way = solvers.trace(solvers.SteepestDescent("exact"), bowl, slope, [-7, 2], steps=20)
    assert isinstance(way, Trace)
    assert way.name == "SteepestDescent(Exact(1e-10))"
    assert way.points.shape == (21, 2)
    np.testing.assert_allclose(way.points[1], [-6.2237589528, -0.2178315633], rtol=1e-9)
    np.testing.assert_allclose(way.values, [bowl(x) for x in way.points], rtol=1e-14)
    assert way.values[20] == pytest.approx(6.752e-7, rel=1e-3)
    gradients = [slope(x) for x in way.points]
    for before, after in pairwise(gradients[:11]):
        assert abs(before @ after) < 1e-6 * np.linalg.norm(before) * np.linalg.norm(after)


def test_it_ends_where_the_solver_does():
    way = solvers.trace("newton", bowl, slope, [-7, 2], 50, hess=lambda x: np.diag([0.2, 2.0]))
    assert len(way.points) < 10
    np.testing.assert_allclose(way.points[-1], 0, atol=1e-5)


def test_errors():
    with pytest.raises(ValueError, match="Unknown solver 'banana'"):
        solvers.trace("banana", bowl, slope, [1, 1], 3)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        solvers.trace("bfgs", bowl, slope, [1, 1], 0)
