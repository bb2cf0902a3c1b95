"""Functions of Python as the core's methods want them: checked, counted, with derivatives by differences if need be."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.solvers import differences

Floats = NDArray[np.float64]
Bounds = tuple[Floats, Floats]


class Function:
    """A function with what is known of its derivatives, as SciPy's `minimize` takes them."""

    def __init__(
        self,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        jac: Any,
        hess: Any,
        hessp: Any,
        x0: Floats,
        bounds: Bounds | None = None,
        eps: float | None = None,
    ) -> None:
        self.fun, self.args, self.jac, self.hess, self.hessp = fun, args, jac, hess, hessp
        self.size, self.bounds, self.eps = x0.size, bounds, eps
        self.nfev = self.njev = self.nhev = 0
        self.last: tuple[Floats, float, Floats] = (np.empty(0), 0.0, np.empty(0))  # what fun returned last
        self.scheme = jac if isinstance(jac, str) else "2-point"
        self.curved: tuple[Floats, Floats] = (np.empty(0), np.empty((0, 0)))  # the last Hessian of products

    def value(self, x: Floats) -> float:
        """Return f(x)."""
        if self.jac is True:
            return self.differentiate(x)[0]
        self.nfev += 1
        return self._number(self.fun(x, *self.args))

    def differentiate(self, x: Floats) -> tuple[float, Floats]:
        """Return f(x) and its gradient."""
        if self.jac is not True:
            value = self.value(x.copy())
            return value, self.gradient(x, value)
        self.nfev += 1
        self.njev += 1
        both = self.fun(x.copy(), *self.args)
        if not isinstance(both, tuple | list) or len(both) != 2:
            raise ValueError(f"jac=True: fun must return its value and its gradient, not {both!r}.")
        value, gradient = self._number(both[0]), self._array("the gradient that fun returned", both[1], x.shape)
        self.last = x, value, gradient
        return value, gradient

    def gradient(self, x: Floats, value: float | None = None) -> Floats:
        """Return the gradient; `value` is f(x) where it is known."""
        if self.jac is True:
            at, _, known = self.last
            return known if np.array_equal(at, x) else self.differentiate(x)[1]
        self.njev += 1
        if callable(self.jac):
            return self._array("jac(x)", self.jac(x, *self.args), x.shape)
        f0 = np.array(self.value(x.copy()) if value is None and self.scheme == "2-point" else value)
        h = differences.steps(x, self.scheme, self.eps, *(self.bounds or (None, None)))
        slopes: Floats = differences.jacobian(lambda at: np.array(self.value(at)), x, f0, h, self.scheme)[0]
        return slopes

    def hessian(self, x: Floats) -> Floats:
        """Return the Hessian."""
        self.nhev += 1
        if callable(self.hess):
            given = self._array("hess(x)", self.hess(x, *self.args), (x.size, x.size))
            gap = float(np.abs(given - given.T).max(initial=0))
            if gap > 1e-8 * max(1.0, float(np.abs(given).max(initial=0))):
                raise ValueError(f"hess(x) is not symmetric: it differs from its transpose by up to {gap:.3g}.")
            return given
        if self.hessp is not None:
            return np.stack([self.product(x, e) for e in np.eye(x.size)])
        h = differences.steps(x, "3-point", None, None, None)
        given = differences.jacobian(self.gradient, x, np.empty(0), h, "3-point")
        return (given + given.T) / 2

    def product(self, x: Floats, v: Floats) -> Floats:
        """Return the Hessian's product with v."""
        if callable(self.hess) and not callable(self.hessp):
            if not np.array_equal(self.curved[0], x):
                self.curved = x, self.hessian(x)
            return np.asarray(self.curved[1] @ v)
        self.nhev += 1
        if callable(self.hessp):
            return self._array("hessp(x, p)", self.hessp(x, v, *self.args), x.shape)
        size = float(np.linalg.norm(v))
        if size == 0:
            return np.zeros_like(x)
        h = differences.STEP["3-point"] * max(1.0, float(np.linalg.norm(x))) / size
        return (self.gradient(x + h * v) - self.gradient(x - h * v)) / (2 * h)

    def core(self) -> Any:
        """Return it as the core takes it."""
        bounds = None if self.bounds is None else (self.bounds[0].tolist(), self.bounds[1].tolist())
        return _core.solvers.Problem(
            size=self.size,
            value=self.value,
            differentiate=self.differentiate,
            gradient=self.gradient,
            hessian=self.hessian,
            multiply_hessian=self.product,
            residuals=None,
            bounds=bounds,
        )

    @staticmethod
    def _number(value: Any) -> float:
        if isinstance(value, float):
            return value
        given = checks.array("what fun returned", value)
        if given.size != 1:
            raise ValueError(f"fun must return one number; it returned an array of shape {given.shape}.")
        return float(given.reshape(()))

    @staticmethod
    def _array(name: str, value: Any, shape: tuple[int, ...]) -> Floats:
        given = checks.array(name, value)
        if given.shape != shape and given.size == math.prod(shape) and len(shape) == 1:
            given = given.reshape(shape)
        if given.shape != shape:
            raise ValueError(f"{name} has shape {given.shape}; expected {shape}.")
        return np.ascontiguousarray(given, np.float64)


def checked(fun: Any, args: Any, jac: Any, *, either: bool = False, **functions: Any) -> tuple[Any, ...]:
    """Return `args` if they and what is to be called are of the right types.

    Args:
        fun: The function.
        args: More arguments of it.
        jac: Its derivative, or how differences are taken.
        either: Whether `jac` may also be True, where `fun` returns both, or False.
        functions: Others by name, each of which may be None.
    """
    checks.function("fun", fun)
    for name, given in functions.items():
        if given is not None:
            checks.function(name, given)
    if jac is not None and not callable(jac) and not (either and isinstance(jac, bool)):
        word("jac", jac, differences.STEP)
    return tuple(checks.items("args", args))


def start(x0: Any) -> Floats:
    """Return x0 as a vector of its own."""
    given = checks.array("x0", x0)
    if given.ndim > 1 or not given.size:
        raise ValueError(f"x0 has shape {given.shape}; expected [n], one number for each variable.")
    given = np.atleast_1d(given)
    checks.finite("x0", given, "float64")
    return given.astype(np.float64)


def box(given: Any, start: Floats) -> Bounds | None:
    """Return the bounds as two arrays; None where nothing is bounded."""
    if given is None:
        return None
    if hasattr(given, "lb") and hasattr(given, "ub"):
        sides = [np.broadcast_to(np.asarray(side, np.float64), start.shape) for side in (given.lb, given.ub)]
    else:
        pairs = list(given)
        if len(pairs) != start.size or any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"bounds must be {start.size} pairs (low, high), one for each variable.")
        sides = [
            np.array([none if pair[side] is None else pair[side] for pair in pairs], np.float64)
            for side, none in enumerate((-np.inf, np.inf))
        ]
    low, high = sides
    wrong = np.flatnonzero(~(low <= high))
    if wrong.size:
        i = wrong[0]
        raise ValueError(f"bounds of variable {i}: {low[i]} is not below {high[i]}.")
    if not np.isfinite(low).any() and not np.isfinite(high).any():
        return None
    return low, high
