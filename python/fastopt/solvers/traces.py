"""The way of a solver over a function of a few variables, to look at or to draw."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.methods.directions import SOLVERS, Solver
from fastopt.optimizers.traces import Trace, as_written
from fastopt.solvers.minimize import minimize

__all__ = ["trace"]

Floats = NDArray[np.float64]


def trace(
    solver: str | Solver,
    f: Callable[[Floats], float],
    grad: Callable[[Floats], ArrayLike],
    x0: ArrayLike,
    steps: int,
    hess: Callable[[Floats], ArrayLike] | None = None,
) -> Trace:
    """Follow a solver over a function, as `fastopt.optimizers.trace` follows a rule.

    `fastopt.plotting.trajectories` draws traces of both. It ends early where the solver does.

    Args:
        solver: A solver or its name.
        f: The function of a point, a float64 array ``[n]``.
        grad: Its gradient there, ``[n]``.
        x0: The start, ``[n]``.
        steps: The number of iterations, at least 1.
        hess: Its Hessian, ``[n, n]``, for the solvers that need it; None for differences.

    Returns:
        The points, ``[1 + iterations, n]``, the values there and the solver's name.

    Raises:
        TypeError, ValueError: As `minimize`.

    Example:
        >>> import fastopt as fo
        >>> f, grad = lambda x: x[0] ** 2 / 10 + x[1] ** 2, lambda x: [x[0] / 5, 2 * x[1]]
        >>> zigzag = fo.solvers.trace(fo.solvers.SteepestDescent("exact"), f, grad, [-7, 2], steps=2)
        >>> zigzag.points.round(4)
        array([[-7.    ,  2.    ],
               [-6.2238, -0.2178],
               [-3.0839,  0.8811]])
    """
    chosen = SOLVERS.resolve(solver, "solver")
    start = checks.array("x0", x0).astype(np.float64)
    checks.function("f", f), checks.function("grad", grad)
    points, values = [start], [float(f(start))]

    def record(intermediate_result: Any) -> None:
        points.append(intermediate_result.x.copy())
        values.append(float(intermediate_result.fun))

    steps = checks.integer("steps", steps, 1)
    minimize(f, start, jac=grad, hess=hess, method=chosen, callback=record, options={"maxiter": steps})
    return Trace(np.array(points), np.array(values), as_written(chosen))
