"""Continuation: a function is smoothed, minimized, and smoothed less and less."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.methods.directions import Solver
from fastopt.optimizers import Optimizer
from fastopt.solvers.minimize import minimize
from fastopt.solvers.result import OptimizeResult

__all__ = ["continuation"]

Floats = NDArray[np.float64]
SIGMAS = (1.0, 0.5, 0.25, 0.1, 0.0)


def continuation(
    fun: Callable[..., Any],
    x0: ArrayLike,
    sigmas: Sequence[float] = SIGMAS,
    jac: Any = None,
    closed_form: bool = False,
    samples: int = 64,
    fixed: bool = True,
    antithetic: bool = True,
    seed: int = 0,
    method: str | Solver | Optimizer = "L-BFGS",
    options: Any = None,
) -> list[OptimizeResult]:
    r"""Minimize a function of many minima by way of smoother ones: each solution is the start of the next.

    .. math:: f_\sigma(x) = \mathrm E\, f(x + \sigma z), \quad z \sim N(0, I)

    is convex for a large :math:`\sigma`, if the function grows far out, and the function itself for 0. The expectation
    is the mean over samples of z or, if it is known, a closed form.

    Args:
        fun: f(x) of a float64 array [n]; with a closed form :math:`f_\sigma`, f(x, sigma).
        x0: The start, [n].
        sigmas: The standard deviations, falling; the last is 0 for the function itself.
        jac: The gradient, jac(x) or jac(x, sigma); True if `fun` returns value and gradient; None for differences.
        closed_form: Whether `fun` and `jac` are the smooth functions themselves.
        samples: How many z there are, at least 1.
        fixed: Whether all evaluations have the same z, as methods with a line search need; else each has new ones,
            which only an optimizer as method bears.
        antithetic: Whether -z goes with each z, so that odd terms vanish; then `samples` is even.
        seed: Decides z.
        method: As of `minimize`.
        options: As of `minimize`.

    Returns:
        The result of `minimize` for each of the deviations; the last is the solution. Evaluations are those of the
        smooth function.

    Raises:
        TypeError, ValueError: An argument has the wrong type or is out of range; or as `minimize`.

    Source:
        Mobahi and Fisher, A theoretical analysis of optimization by Gaussian continuation, AAAI 2015.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> wavy = lambda x: x[0] ** 2 + 10 - 10 * np.cos(2 * np.pi * x[0])
        >>> fo.solvers.minimize(wavy, 4.6).x.round(4)
        array([4.9747])
        >>> abs(fo.solvers.continuation(wavy, 4.6)[-1].x).round(4)
        array([0.])
    """
    start = checks.array("x0", x0).astype(np.float64)
    widths = [checks.real("sigmas", sigma, 0.0) for sigma in checks.items("sigmas", sigmas)]
    if not widths or any(after >= before for before, after in pairwise(widths)):
        raise ValueError(f"sigmas must fall from one to the next, such as {SIGMAS}, not {sigmas!r}.")
    closed_form, fixed = checks.flag("closed_form", closed_form), checks.flag("fixed", fixed)
    antithetic = checks.flag("antithetic", antithetic)
    samples = checks.integer("samples", samples, 1)
    if antithetic and samples % 2:
        raise ValueError(f"samples must be even where each z has a -z, not {samples}.")
    if not (fixed or closed_form or isinstance(method, Optimizer)):
        raise ValueError(
            "fixed=False, new samples at each evaluation, needs an optimizer as method, such as Adam(0.01)."
        )
    checks.function("fun", fun)
    generator = np.random.default_rng(checks.integer("seed", seed, 0))

    def draw() -> Floats:
        z = generator.standard_normal((samples // 2 if antithetic else samples, start.size))
        return (np.concatenate([z, -z]) if antithetic else z).reshape(-1, *start.shape)

    kept = draw()

    def mean(function: Callable[..., Any], sigma: float) -> Callable[[Floats], Any]:
        if closed_form:
            return lambda x: function(x, sigma)
        if sigma == 0:
            return function

        def of(x: Floats) -> Any:
            values = [function(x + sigma * z) for z in (kept if fixed else draw())]
            if jac is True:
                return tuple(np.mean(part, axis=0) for part in zip(*values, strict=True))
            return np.mean(values, axis=0)

        return of

    results = []
    for sigma in widths:
        gradient = mean(jac, sigma) if callable(jac) else jac
        results.append(minimize(mean(fun, sigma), start, jac=gradient, method=method, options=options))
        start = results[-1].x.reshape(start.shape)
    return results
