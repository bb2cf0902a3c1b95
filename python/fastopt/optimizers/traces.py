"""The way of an update rule over a function of a few variables, to look at or to draw."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import Described, arguments_of
from fastopt.optimizers.base import OPTIMIZERS, Optimizer

__all__ = ["Trace", "trace"]

Floats = NDArray[np.float64]


class Trace(NamedTuple):
    """Where an update rule went, from the start on.

    Attributes:
        points: The start and the point after each step, ``[1 + steps, n]``, of the start's dtype.
        values: The function there, ``[1 + steps]``.
        name: The rule as it is written, such as ``"SGD(0.1, momentum=0.9)"``; pictures show it. Another one is set by
            ``trace._replace(name="heavy ball")``.
    """

    points: Real
    values: Floats
    name: str


def trace(
    rule: str | Optimizer,
    f: Callable[[Floats], float],
    grad: Callable[[Floats], ArrayLike],
    x0: ArrayLike,
    steps: int,
) -> Trace:
    """Follow an update rule over a function: x_0 is the start, and x_(t+1) is the rule's step from x_t along grad(x_t).

    The trace ends early, before the first point that is not finite or where `f` is not (or has raised OverflowError);
    or at the first one where `grad` is not. So all that is returned is finite.

    Args:
        rule: An optimizer or its name. It is left as it is; the trace begins without the state that it may have.
        f: The function of a point, a float64 array ``[n]`` of its own.
        grad: Its gradient there, ``[n]``.
        x0: The start, ``[n]``. The rule computes in its dtype: float32 or else float64.
        steps: The number of steps, at least 0. Each also counts as an epoch, for schedules of those.

    Returns:
        The points, the values there and the rule's name.

    Raises:
        TypeError: `f` or `grad` is no function; `x0`, or what they returned, is not of real numbers; or `rule` is no
            optimizer.
        ValueError: `x0` or `f(x0)` is not finite; `x0`, or what `f` or `grad` returned, has another shape; `steps` is
            negative; or the optimizer needs gradients elsewhere than at its weights.

    Example:
        >>> import fastopt as fo
        >>> sgd = fo.optimizers.SGD(0.25)
        >>> points, values, name = fo.optimizers.trace(sgd, lambda x: x @ x, lambda x: 2 * x, [4.0, -8.0], steps=2)
        >>> points
        array([[ 4., -8.],
               [ 2., -4.],
               [ 1., -2.]])
        >>> values, name
        (array([80., 20.,  5.]), 'SGD(0.25)')
    """
    optimizer = OPTIMIZERS.resolve(rule, "rule")
    name, optimizer = as_written(optimizer), optimizer.fresh()
    checks.function("f", f), checks.function("grad", grad)
    x, count = _start(x0), checks.integer("steps", steps, 0)
    points: list[NDArray[Any]] = []
    values: list[float] = []
    while np.isfinite(x).all() and np.isfinite(value := evaluate("f(x)", f, x, ())):
        points.append(x.copy())
        values.append(float(value))
        if len(points) > count:
            break
        with np.errstate(over="ignore"):
            gradient = evaluate("grad(x)", grad, x, x.shape).astype(x.dtype)
        if not np.isfinite(gradient).all():
            break
        optimizer.epoch = len(points) - 1
        optimizer.update(x, gradient)
    if not points:
        raise ValueError(f"f is {value} at the start {x}; give an x0 where it is finite.")
    return Trace(np.array(points), np.array(values), name)


def evaluate(name: str, function: Callable[[Floats], object], x: Real, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return what `function` gives at x, of this shape; infinity where it raises OverflowError."""
    try:
        with np.errstate(all="ignore"):
            given = function(x.astype(np.float64))
    except OverflowError:
        return np.full(shape, np.inf)
    result = checks.array(name, given)
    if result.shape != shape:
        wanted = f"{shape}, that of x" if shape else "one number"
        raise ValueError(f"{name} has shape {result.shape}; expected {wanted}.")
    return result


def _start(x0: ArrayLike) -> NDArray[Any]:
    given = checks.array("x0", x0)
    if given.ndim != 1 or not given.size:
        raise ValueError(f"x0 has shape {given.shape}; expected [n], one number for each variable.")
    dtype = "float32" if given.dtype == np.float32 else "float64"
    checks.finite("x0", given, dtype)
    return given.astype(dtype)


def as_written(value: object) -> str:
    """Return the shortest code for an optimizer: its first argument, and the others that are not the defaults."""
    if not isinstance(value, Described):
        return getattr(value, "__name__", repr(value))
    arguments = []
    for i, (name, default) in enumerate(arguments_of(type(value)).items()):
        argument = getattr(value, name)
        if i == 0 or argument != default:
            arguments.append(("" if i == 0 else f"{name}=") + as_written(argument))
    return f"{type(value).__name__}({', '.join(arguments)})"
