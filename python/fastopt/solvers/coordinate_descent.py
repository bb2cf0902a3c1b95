"""Minimize a function one coordinate, or one block of them, at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.registry import unknown_name, word
from fastopt.solvers import problem
from fastopt.solvers.line import minimize_along
from fastopt.solvers.minimize import Report, minimize, not_finite
from fastopt.solvers.result import OptimizeResult

__all__ = ["coordinate_descent"]

Floats = NDArray[np.float64]
Block = NDArray[np.intp]

OPTIONS = ("maxiter", "maxfun", "xtol", "ftol", "return_all", "disp")
ORDERS = ("cyclic", "random")
FIRST_STEP, SHORTEST_STEP = 0.1, 1e-4  # of a coordinate, in units of its start or 1; and as a part of the first
ROUNDING = 1e-10  # by which an update may raise the function

CONVERGED, ITERATIONS, EVALUATIONS, ROSE, NOT_FINITE, CALLBACK = (
    (0, "the last changes of x and of the function are within xtol and ftol"),
    (1, "maxiter was reached"),
    (1, "maxfun was reached"),
    (2, "the function rose: update does not return a minimum"),
    (3, "the function is not finite, or falls for ever"),
    (99, "callback asked to stop"),
)


def coordinate_descent(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: tuple[Any, ...] = (),
    *,
    blocks: Sequence[Any] | None = None,
    update: Callable[[int, Floats], Any] | None = None,
    order: str = "cyclic",
    seed: int = 0,
    bounds: Any = None,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResult:
    r"""Find a minimum of a function by one coordinate after the other: :math:`x_i ← \arg\min_{x_i} f(x)`.

    Also by blocks of coordinates, each with the others as they are. It pays where a coordinate's minimum is known, as
    that of sums of squares with absolute values is, and where variables have little to do with each other; where they
    pull together it zigzags, and `minimize` is better. A function with kinks that are not in single coordinates or
    blocks may end short of its minimum.

    Args:
        fun: f(x, *args), of a float64 array [n], returns a number.
        x0: The start, [n]; a number is an array of one.
        args: More arguments of `fun`.
        blocks: Of which coordinates each block consists: arrays of indices, or slices. What is in none stays as it is.
            None: each coordinate is one.
        update: update(i, x), the minimum over block i with the other coordinates as x, which it may read and not keep:
            a number, or an array where the block is one. None: a search by brackets and parabolas for a coordinate
            (Brent), `minimize` by L-BFGS and differences for a block.
        order: ``"cyclic"``, or ``"random"``: in each sweep another order.
        seed: Of the random orders.
        bounds: Pairs (low, high) for each variable, None being no bound; or an object with `lb` and `ub`. x0 and
            updates beyond them are set to them.
        tol: Sets `xtol` and `ftol`.
        callback: Called after each sweep with x, or, if its argument is called ``intermediate_result``, with a result
            that holds `x` and `fun`. StopIteration ends the run.
        options: `maxiter` (sweeps; 10000), `maxfun`, `xtol` and `ftol` (1e-8; it ends where a sweep changes neither x
            nor f by more, relative to 1 or to their size where that is more), `return_all`, `disp`.

    Returns:
        x, fun, nfev, nit (sweeps), status, success and message. x is the best there was.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: x0, a block, or what a function returned is wrong; the function is not finite at x0; a name or an
            option is unknown.

    Source:
        Wright, Coordinate descent algorithms, Mathematical Programming 151, 2015.

    Example:
        >>> import fastopt as fo
        >>> bowl = lambda x: (x[0] - x[1]) ** 2 + 0.1 * (x[0] ** 2 + x[1] ** 2)
        >>> done = fo.solvers.coordinate_descent(bowl, [1.0, 1.0], options={"maxiter": 1})
        >>> done.x.round(10), done.message
        (array([0.90909091, 0.82644628]), 'maxiter was reached')
        >>> done = fo.solvers.coordinate_descent(bowl, [1.0, 1.0], update=lambda i, x: x[1 - i] / 1.1)
        >>> done.success, done.nfev == done.nit + 1
        (True, True)
    """
    args = problem.checked(fun, args, None, update=update, callback=callback)
    start = problem.start(x0)
    word("order", order, ORDERS)
    random = np.random.default_rng(checks.integer("seed", seed, 0))
    given = _options(options, tol)
    report = Report(callback, given)
    box = problem.box(bounds, start)
    low, high = box or (np.full_like(start, -np.inf), np.full_like(start, np.inf))
    parts = _blocks(blocks, start.size)
    function = problem.Function(fun, args, None, None, None, start)
    sweep = Sweep(function, parts, update, np.clip(start, low, high), low, high)
    value = function.value(sweep.x.copy())
    if not np.isfinite(value):
        raise not_finite(value)
    if report.points is not None:
        report.points.append(sweep.x.copy())
    limit = given.get("maxiter", 10_000)
    nit, why = 0, None if limit else ITERATIONS
    while why is None:
        before, last = sweep.x.copy(), value
        value = sweep.run(value, range(len(parts)) if order == "cyclic" else random.permutation(len(parts)).tolist())
        finite = np.isfinite(value) and np.isfinite(sweep.x).all()
        if not finite or value > last + ROUNDING * max(abs(last), abs(value)):
            why = ROSE if finite else NOT_FINITE
            sweep.x[...], value = before, last
            break
        nit += 1
        if not report.passed(sweep.x.copy, value):
            why = CALLBACK
        elif np.abs(sweep.x - before).max() <= given["xtol"] * max(
            1.0, np.abs(sweep.x).max()
        ) and last - value <= given["ftol"] * max(1.0, abs(value)):
            why = CONVERGED
        elif nit >= limit:
            why = ITERATIONS
        elif function.nfev >= given.get("maxfun", np.inf):
            why = EVALUATIONS
    status, message = why
    return report.finish(
        OptimizeResult(
            x=sweep.x.copy(),
            fun=float(value),
            nfev=function.nfev,
            nit=nit,
            status=status,
            success=status == 0,
            message=message,
        )
    )


class Sweep:
    """The point, and how each of its blocks is put where the function is least."""

    def __init__(
        self,
        function: problem.Function,
        blocks: list[Block],
        update: Callable[[int, Floats], Any] | None,
        x: Floats,
        low: Floats,
        high: Floats,
    ) -> None:
        self.function, self.blocks, self.update = function, blocks, update
        self.x, self.low, self.high = x, low, high
        self.seen = x.view()
        self.seen.flags.writeable = False
        self.first = FIRST_STEP * np.where(x != 0, np.abs(x), 1.0)
        self.steps = self.first.copy()

    def run(self, value: float, order: Sequence[int]) -> float:
        """Go through all blocks; return the function."""
        for i in order:
            block = self.blocks[i]
            if self.update is not None:
                self.x[block] = np.clip(self._updated(i, block), self.low[block], self.high[block])
            elif block.size == 1:
                value = self._coordinate(int(block[0]), value)
            else:
                value = self._block(block, value)
        return value if self.update is None else self.function.value(self.x.copy())

    def _updated(self, i: int, block: Block) -> Floats:
        assert self.update is not None
        name = f"update({i}, x)"
        given = checks.array(name, self.update(i, self.seen))
        if given.size != block.size or given.ndim > 1:
            raise ValueError(f"{name} has shape {given.shape}; expected ({block.size},), the coordinates of the block.")
        checks.finite(name, np.atleast_1d(given), "float64")
        return given.reshape(-1)

    def _value(self, block: Block | int, part: Floats | float) -> float:
        x = self.x.copy()
        x[block] = part
        return self.function.value(x)

    def _coordinate(self, i: int, value: float) -> float:
        before = float(self.x[i])

        def f(t: float) -> float:
            found = self._value(i, t)
            return np.inf if np.isnan(found) else found

        step = float(self.steps[i])
        self.x[i], value = minimize_along(f, before, value, step, float(self.low[i]), float(self.high[i]))
        self.steps[i] = max(abs(self.x[i] - before), step / 10, SHORTEST_STEP * self.first[i])
        return value

    def _block(self, block: Block, value: float) -> float:
        found = minimize(
            lambda part: self._value(block, part),
            self.x[block],
            jac="3-point",
            bounds=list(zip(self.low[block].tolist(), self.high[block].tolist(), strict=True)),
            options={"gtol": 1e-9, "ftol": 0.0},
        )
        if found.fun < value:
            self.x[block], value = found.x, found.fun
        return value


def _blocks(blocks: Any, n: int) -> list[Block]:
    """Return the indices of each block."""
    if blocks is None:
        return list(np.arange(n)[:, np.newaxis])
    parts = []
    for place, block in enumerate(checks.items("blocks", blocks)):
        name = f"blocks[{place}]"
        if isinstance(block, slice):
            indices = np.arange(n)[block]
        else:
            given = np.atleast_1d(checks.array(name, block))
            if given.dtype.kind not in "iu" or given.ndim != 1:
                raise TypeError(f"{name} must be indices of coordinates, or a slice, not {block!r}.")
            wrong = given[(given < 0) | (given >= n)]
            if wrong.size:
                raise ValueError(f"{name} holds {wrong[0]}; the {n} coordinates are 0 to {n - 1}.")
            indices = given.astype(np.intp)
        if not indices.size:
            raise ValueError(f"{name} is empty.")
        if np.unique(indices).size < indices.size:
            raise ValueError(f"{name} holds a coordinate twice.")
        parts.append(indices)
    if not parts:
        raise ValueError("blocks is empty; None makes a block of each coordinate.")
    return parts


def _options(given: Mapping[str, Any] | None, tol: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping | None):
        raise TypeError(f"options must be a dict, not {given!r}.")
    options = {name: value for name, value in (given or {}).items() if value is not None}
    for name in options:
        if name not in OPTIONS:
            raise unknown_name("option", name, OPTIONS)
    for name in ("maxiter", "maxfun"):
        if name in options:
            options[name] = checks.integer(name, options[name], 0 if name == "maxiter" else 1)
    wide = 1e-8 if tol is None else checks.real("tol", tol, 0)
    return options | {name: checks.real(name, options.get(name, wide), 0) for name in ("xtol", "ftol")}
