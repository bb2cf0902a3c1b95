"""Minimize any function."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.registry import unknown_name
from fastopt.methods.directions import (
    BFGS,
    LARGEST_HESSIAN,
    LBFGS,
    MESSAGES,
    SOLVERS,
    ConjugateGradients,
    Newton,
    NewtonCG,
    Solver,
)
from fastopt.methods.searches import Projected, TrustRegion, Wolfe
from fastopt.optimizers import OPTIMIZERS, Optimizer
from fastopt.solvers import problem
from fastopt.solvers.result import OptimizeResult

__all__ = ["OptimizeResult", "minimize"]

Floats = NDArray[np.float64]

# SciPy's names, of methods and of options.
METHODS: dict[str, Callable[[], Solver]] = {
    "cg": ConjugateGradients,
    "bfgs": BFGS,
    "l-bfgs": LBFGS,
    "l-bfgs-b": LBFGS,
    "newton-cg": lambda: NewtonCG(Wolfe(c2=0.5)),
    "trust-ncg": NewtonCG,
    "trust-exact": Newton,
}
ITERATIONS, EVALUATIONS, CALLBACK = (
    (1, "maxiter was reached"),
    (1, "maxfun was reached"),
    (99, "callback asked to stop"),
)
OPTIONS = {
    "maxiter": "iterations",
    "maxfun": "evaluations of the function",
    "gtol": "the gradient's tolerance",
    "ftol": "the decrease's tolerance",
    "xtol": "the step's tolerance, relative",
    "norm": "of the gradient: inf or 2",
    "eps": "the absolute step of differences",
    "maxcor": "steps that L-BFGS keeps",
    "maxls": "tries of a line search",
    "c1": "of Wolfe's conditions",
    "c2": "of Wolfe's conditions",
    "initial_trust_radius": "the first radius",
    "max_trust_radius": "the largest radius",
    "return_all": "whether `allvecs` holds each point",
    "disp": "whether to print why it stopped",
}


def minimize(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: tuple[Any, ...] = (),
    method: str | Solver | Optimizer = "L-BFGS",
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResult:
    r"""Find a minimum of a function of many variables: :math:`\min_x f(x)`.

    The arguments and the result are those of `scipy.optimize.minimize`. The method runs in the core, in float64.

    Args:
        fun: f(x, *args), of a float64 array [n], returns a number.
        x0: The start, [n]; a number is an array of one.
        args: More arguments of `fun`, `jac`, `hess` and `hessp`.
        method: An object of `fastopt.solvers`, one of `fastopt.optimizers` (then each step is one of that rule), or a
            name: that of a class (``"lbfgs"``), or SciPy's ``"CG"``, ``"BFGS"``, ``"L-BFGS-B"``, ``"Newton-CG"``,
            ``"trust-ncg"`` and ``"trust-exact"``.
        jac: The gradient, jac(x, *args), [n]; True if `fun` returns value and gradient; else differences,
            ``"2-point"`` (as for None) or ``"3-point"``.
        hess: The Hessian, hess(x, *args), [n, n]; without it, and without `hessp`, differences of gradients.
        hessp: Its product with a vector, hessp(x, p, *args), [n].
        bounds: For L-BFGS: pairs (low, high) for each variable, None being no bound; or an object with `lb` and `ub`.
        tol: Sets `gtol`.
        callback: Called after each iteration with x, or, if its argument is called ``intermediate_result``, with a
            result that holds `x` and `fun`. StopIteration ends the run.
        options: `maxiter`, `maxfun`, `gtol`, `ftol`, `xtol`, `norm`, `eps`, `maxcor`, `maxls`, `c1`, `c2`,
            `initial_trust_radius`, `max_trust_radius`, `return_all`, `disp`, as SciPy's.

    Returns:
        x, fun, jac, nfev, njev, nhev, nit, status, success and message.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: x0 or what a function returned has a wrong shape; the function is not finite at x0; a name or an
            option is unknown; the Hessian is not symmetric, or exact and for more than 2000 variables.

    Example:
        >>> import fastopt as fo
        >>> rosenbrock = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> slope = lambda x: [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]
        >>> done = fo.solvers.minimize(rosenbrock, [-1.2, 1.0], jac=slope, method="BFGS", tol=1e-8)
        >>> done.x.round(6), done.message
        (array([1., 1.]), 'the gradient is within gtol')
        >>> fo.solvers.minimize(lambda w: (w - 5) ** 2, 0.0, method=fo.optimizers.Adam(0.1), tol=1e-3).x.round(2)
        array([5.])
    """
    args = problem.checked(fun, args, jac, either=True, hess=hess, hessp=hessp, callback=callback)
    start = problem.start(x0)
    chosen, given = _method(method), _options(options)
    box = problem.box(bounds, start)
    if box is not None and not isinstance(chosen, LBFGS):
        raise ValueError(f"bounds need L-BFGS; {method!r} takes none.")
    function = problem.Function(fun, args, jac, hess, hessp, start, box, given.get("eps"))
    report = Report(callback, given)
    if isinstance(chosen, Optimizer):
        return _follow(chosen, function, start, report, given.get("gtol", 1e-5 if tol is None else tol))
    chosen = _configured(chosen, given, tol, box is not None)
    if chosen.needs == "residuals":
        raise ValueError(f"{type(chosen).__name__} is for sums of squares: use least_squares(fun, x0).")
    if chosen.needs == "hessian" and start.size > LARGEST_HESSIAN:
        raise ValueError(
            f"An exact Hessian is for up to {LARGEST_HESSIAN} variables, not {start.size}; use NewtonCG() or LBFGS()."
        )
    norm = given.get("norm", np.inf)
    minimizer = chosen.minimizer(euclidean=norm == 2, xtol=given.get("xtol", 0.0))
    core = function.core()
    return iterate(minimizer, core, start, report, lambda: function.nfev, lambda: _result(minimizer, function))


def not_finite(value: float) -> ValueError:
    """Return the error for a start from which no method can go."""
    return ValueError(f"The function is {value} at x0, or its gradient is not finite there; start elsewhere.")


class Report:
    """What the caller wants to know, and when to stop."""

    def __init__(self, callback: Callable[..., Any] | None, given: Mapping[str, Any]) -> None:
        self.callback = callback
        named = callback is not None and list(_parameters(callback)) == ["intermediate_result"]
        self.keyword = named
        self.iterations = given.get("maxiter")
        self.evaluations = given.get("maxfun")
        self.points: list[Floats] | None = [] if given.get("return_all") else None
        self.disp = given.get("disp", False)

    def passed(self, point: Callable[[], Floats], value: float) -> bool:
        """Tell of an iteration, whose point is copied where it is wanted; False where the run is to end."""
        if self.points is not None:
            self.points.append(point())
        if self.callback is None:
            return True
        try:
            if self.keyword:
                self.callback(intermediate_result=OptimizeResult(x=point(), fun=value))
            else:
                self.callback(point())
        except StopIteration:
            return False
        return True

    def finish(self, result: OptimizeResult) -> OptimizeResult:
        if self.points is not None:
            result["allvecs"] = self.points
        if self.disp:
            value = result.get("cost", result.fun)
            print(f"{result.message}: f = {value:.6g} after {result.nit} iterations, {result.nfev} evaluations")
        return result


def iterate(
    minimizer: Any,
    core: Any,
    start: Floats,
    report: Report,
    evaluated: Callable[[], int],
    result: Callable[[], OptimizeResult],
) -> OptimizeResult:
    """Run the core's method to its end."""
    ending = minimizer.start(core, start)
    if ending == "not_finite":
        raise not_finite(minimizer.value)
    if report.points is not None:
        report.points.append(start.copy())
    limit = 200 * start.size if report.iterations is None else report.iterations
    nit = 0
    why = MESSAGES.get(ending)
    while why is None:
        if nit >= limit:
            why = ITERATIONS
            break
        ending = minimizer.iterate(core)
        nit += ending not in ("search", "not_finite")
        why = MESSAGES.get(ending)
        if ending in ("search", "not_finite"):
            break
        if not report.passed(lambda: minimizer.x, minimizer.value):
            why = CALLBACK
        elif why is None and report.evaluations is not None and evaluated() >= report.evaluations:
            why = EVALUATIONS
    assert why is not None
    status, message = why
    done = result()
    done.update(nit=nit, status=status, success=status == 0, message=message)
    return report.finish(done)


def _result(minimizer: Any, function: problem.Function) -> OptimizeResult:
    result = OptimizeResult(
        x=minimizer.x,
        fun=minimizer.value,
        jac=minimizer.gradient,
        nfev=function.nfev,
        njev=function.njev,
        nhev=function.nhev,
    )
    inverse = minimizer.slots().get("direction/inverse")
    if inverse is not None:
        result["hess_inv"] = inverse.reshape(minimizer.x.size, -1)
    return result


def _follow(rule: Optimizer, function: problem.Function, start: Floats, report: Report, gtol: float) -> OptimizeResult:
    """Run an update rule: each step one of its updates."""
    optimizer, x = rule.fresh(), start.copy()
    limit = 10_000 if report.iterations is None else report.iterations
    why = ITERATIONS
    best, least = x.copy(), np.inf
    if report.points is not None:
        report.points.append(x.copy())
    nit = 0
    while True:
        value, gradient = function.differentiate(x.copy())
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            if nit == 0:
                raise not_finite(value)
            why = MESSAGES["not_finite"]
            break
        if value <= least:
            best, least, slope = x.copy(), value, gradient
        if np.abs(gradient).max() <= gtol:
            why = MESSAGES["gradient"]
            break
        if nit and not report.passed(x.copy, value):
            why = CALLBACK
            break
        if nit >= limit:
            break
        if report.evaluations is not None and function.nfev >= report.evaluations:
            why = EVALUATIONS
            break
        optimizer.epoch = nit
        optimizer.update(x, gradient)
        nit += 1
    status, message = why
    result = OptimizeResult(
        x=best,
        fun=least,
        jac=slope,
        nit=nit,
        nfev=function.nfev,
        njev=function.njev,
        nhev=0,
        status=status,
        success=status == 0,
        message=message,
    )
    return report.finish(result)


def _method(given: object) -> Solver | Optimizer:
    if isinstance(given, Solver | Optimizer):
        return given
    if isinstance(given, str):
        if given.lower() in METHODS:
            return METHODS[given.lower()]()
        try:
            return SOLVERS.resolve(given)
        except ValueError:
            if given in OPTIMIZERS.names:
                return OPTIMIZERS.resolve(given)
            raise unknown_name("method", given, [*METHODS, *SOLVERS.names, *OPTIMIZERS.names]) from None
    raise TypeError(f"method must be a name, or an object of fastopt.solvers or fastopt.optimizers, not {given!r}.")


def _options(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(given, Mapping | None):
        raise TypeError(f"options must be a dict, not {given!r}.")
    options = dict(given or {})
    for name in options:
        if name not in OPTIONS:
            raise unknown_name("option", name, OPTIONS)
    for name in ("maxiter", "maxfun", "maxcor", "maxls"):
        if options.get(name) is not None:
            options[name] = checks.integer(name, options[name], 0 if name == "maxiter" else 1)
    for name in ("gtol", "ftol", "xtol", "eps", "initial_trust_radius", "max_trust_radius"):
        if options.get(name) is not None:
            options[name] = checks.real(name, options[name], 0)
    if options.get("norm", np.inf) not in (np.inf, 2):
        raise ValueError(f"norm must be inf or 2, got {options['norm']!r}.")
    return {name: value for name, value in options.items() if value is not None}


def _configured(method: Solver, given: Mapping[str, Any], tol: float | None, bounded: bool) -> Solver:
    """Return the method with SciPy's options in place of its own arguments."""
    changed: dict[str, Any] = {}
    if tol is not None:
        changed["gtol"] = checks.real("tol", tol, 0)
        if method.ftol:
            changed["ftol"] = changed["gtol"]
    changed |= {name: given[name] for name in ("gtol", "ftol") if name in given}
    if "maxcor" in given:
        if not isinstance(method, LBFGS):
            raise ValueError(f"maxcor is an option of L-BFGS, not of {type(method).__name__}.")
        changed["memory"] = given["maxcor"]
    search = method.used_search()
    lines = {new: given[name] for name, new in [("c1", "c1"), ("c2", "c2"), ("maxls", "tries")] if name in given}
    regions = {
        new: given[name]
        for name, new in [("initial_trust_radius", "radius"), ("max_trust_radius", "longest")]
        if name in given
    }
    for wanted, kind in ((lines, Wolfe), (regions, TrustRegion)):
        if wanted:
            if not isinstance(search, kind):
                raise ValueError(f"{', '.join(wanted)}: options of {kind.__name__}, but the search is {search!r}.")
            changed["search"] = type(search)(**{**search.get_config(), **wanted})
    if bounded:
        changed["search"] = Projected()
    return method.replaced(**changed) if changed else method


def _parameters(function: Callable[..., Any]) -> Mapping[str, Any]:
    import inspect

    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
