"""Minimize a sum of squares."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.methods.directions import SOLVERS, Solver
from fastopt.solvers import differences, problem
from fastopt.solvers.minimize import Report, iterate
from fastopt.solvers.result import OptimizeResult

__all__ = ["least_squares"]

Floats = NDArray[np.float64]


class Residuals:
    """Residuals and their Jacobian, counted."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], jac: Any, x0: Floats) -> None:
        self.fun, self.args, self.jac = fun, args, jac
        self.scheme = jac if isinstance(jac, str) else "2-point"
        self.nfev = self.njev = 0
        self.r = self._array("what fun returned", fun(x0.copy(), *args), None)
        self.at, self.nfev = x0.copy(), 1
        if self.r.size < x0.size:
            raise ValueError(f"fun returns {self.r.size} residuals, fewer than the {x0.size} variables.")
        self.jacobian = np.empty((0, 0))

    def residuals(self, x: Floats) -> Floats:
        """Return r(x)."""
        if not np.array_equal(x, self.at):
            self.nfev += 1
            self.r = self._array("what fun returned", self.fun(x.copy(), *self.args), self.r.shape)
            self.at = x
        return self.r

    def value(self, x: Floats) -> float:
        """Return half the sum of squares."""
        r = self.residuals(x)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(r @ r) / 2

    def both(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the residuals and the Jacobian, which is kept for the same point."""
        r = self.residuals(x)
        if callable(self.jac):
            jacobian = self._array("jac(x)", self.jac(x.copy(), *self.args), (r.size, x.size))
        else:
            h = differences.steps(x, self.scheme, None, None, None)
            at = x.copy()
            jacobian = differences.jacobian(self.residuals, x, r, h, self.scheme)
            self.at, self.r = at, r
        self.njev += 1
        self.jacobian = jacobian
        self.jacobian_at = x
        return r, jacobian

    def gradient(self, x: Floats) -> Floats:
        """Return J'r."""
        r, jacobian = self.both(x)
        return np.asarray(jacobian.T @ r)

    def kept(self, x: Floats) -> tuple[Floats, Floats]:
        """Return residuals and Jacobian, computed once for a point."""
        return (self.residuals(x), self.jacobian) if np.array_equal(self.jacobian_at, x) else self.both(x)

    def core(self, size: int) -> Any:
        """Return it as the core takes it."""
        return _core.solvers.Problem(
            size=size,
            value=self.value,
            differentiate=lambda x: (self.value(x), self.gradient(x)),
            gradient=self.gradient,
            hessian=None,
            multiply_hessian=None,
            residuals=self.kept,
            bounds=None,
        )

    @staticmethod
    def _array(name: str, value: Any, shape: tuple[int, ...] | None) -> Floats:
        given = checks.array(name, value)
        if shape is None:
            given = np.atleast_1d(given)
            if given.ndim != 1 or not given.size:
                raise ValueError(f"{name} has shape {given.shape}; expected [m], one number for each residual.")
        elif given.shape != shape:
            given = np.atleast_1d(given)
            if given.shape != shape:
                raise ValueError(f"{name} has shape {given.shape}; expected {shape}.")
        return np.ascontiguousarray(given, np.float64)


def least_squares(
    fun: Callable[..., Any],
    x0: ArrayLike,
    jac: Any = None,
    *,
    args: tuple[Any, ...] = (),
    method: str | Solver = "lm",
    ftol: float | None = None,
    xtol: float = 1e-8,
    gtol: float | None = None,
    max_nfev: int | None = None,
    callback: Callable[..., Any] | None = None,
) -> OptimizeResult:
    r"""Find a minimum of half a sum of squares: :math:`\min_x ½ \sum_i r_i(x)^2`.

    The arguments and the result are those of `scipy.optimize.least_squares` with ``method="lm"``; scales are found from
    the Jacobian (SciPy's ``x_scale="jac"``).

    Args:
        fun: The residuals r(x, *args), [m], at least as many as there are variables.
        x0: The start, [n].
        jac: Their Jacobian, [m, n]; None or ``"2-point"``, or ``"3-point"``: by differences.
        args: More arguments of `fun` and `jac`.
        method: `LevenbergMarquardt`, with options of its own.
        ftol: It ends where the sum falls in a step by no more than this part; None, the method's.
        xtol: Or where x changes by no more than this part.
        gtol: Or where no partial derivative is larger; None, the method's.
        max_nfev: The most evaluations of `fun`; None, 100 n, and as many for each difference.
        callback: As in `minimize`.

    Returns:
        x, cost (half the sum), fun (the residuals), jac, grad, optimality (its largest part), nfev, njev, nit, status,
        success and message.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A shape is wrong, a residual is not finite at x0, or there are fewer residuals than variables.

    Example:
        >>> import fastopt as fo, numpy as np
        >>> t = np.array([0.0, 1.0, 2.0, 3.0])
        >>> y = 3 * np.exp(-0.5 * t)
        >>> done = fo.solvers.least_squares(lambda p: p[0] * np.exp(-p[1] * t) - y, [1.0, 1.0])
        >>> done.x.round(6), done.success
        (array([3. , 0.5]), True)
    """
    args = problem.checked(fun, args, jac, callback=callback)
    start = problem.start(x0)
    chosen = SOLVERS.resolve(method, "method")
    if chosen.needs != "residuals":
        raise ValueError(f"{type(chosen).__name__} is not for sums of squares; use LevenbergMarquardt(), or minimize.")
    changed = {name: value for name, value in (("gtol", gtol), ("ftol", ftol)) if value is not None}
    chosen = chosen.replaced(**changed)
    function = Residuals(fun, args, jac, start)
    each = 1 if callable(jac) else 1 + start.size
    limit = 100 * start.size * each if max_nfev is None else checks.integer("max_nfev", max_nfev, 1)
    minimizer = chosen.minimizer(xtol=checks.real("xtol", xtol, 0))

    def result() -> OptimizeResult:
        x = minimizer.x
        r, jacobian = function.kept(x)
        grad = minimizer.gradient
        return OptimizeResult(
            x=x,
            cost=minimizer.value,
            fun=r,
            jac=jacobian,
            grad=grad,
            optimality=float(np.abs(grad).max()),
            nfev=function.nfev,
            njev=function.njev,
        )

    return iterate(
        minimizer, function.core(start.size), start, Report(callback, {"maxfun": limit}), lambda: function.nfev, result
    )
