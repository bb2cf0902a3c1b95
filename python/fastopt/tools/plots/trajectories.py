"""Ways over the contours of functions of two variables."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.axes import COLORS, LINE, MARKERS, STYLES, Limits, limits_of, new_axes
from fastopt.optimizers.traces import Trace, evaluate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["trajectories"]

Floats = NDArray[np.float64]

SHOWN = 30  # points of a trace that get a mark, about

LOW, HIGH = np.array([1.0, 1.0, 1.0]), np.array([0.74, 0.79, 0.86])  # red, green, blue of the lowest and highest part
LINES = 14  # contour lines, at most
GRID = 201  # points a side on which the function is computed
LARGEST = 1e200  # of its values; 1e250 is matplotlib's infinity


def trajectories(
    f: Callable[[Floats], float],
    traces: Trace | Sequence[Trace],
    minimum: ArrayLike | None = None,
    xlim: Limits | None = None,
    ylim: Limits | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw where update rules went over the contours of a function of two variables.

    The lower, the lighter. Contour lines are chosen by area: the function is below the i-th of n lines on
    (i / (n + 1))^(3/2) of what is seen. So they are about evenly spaced round the minimum of a parabola, and on a
    logarithmic scale where the function covers powers of ten. A ring marks the start, the larger mark of each line its
    end; of a long trace only every so many points have a mark.

    Args:
        f: The function of a point, a float64 array ``[2]``; it is called on a grid.
        traces: What `fastopt.optimizers.trace` returned, once or for several rules.
        minimum: Where to mark the minimum, ``[2]``; None marks none.
        xlim: The least and the greatest x[0] to be seen; None shows all points.
        ylim: The same for x[1].
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `traces` holds something else, or a limit is not a number.
        ValueError: There is no trace, or one of another number of variables; limits are not two that rise; `minimum` is
            not a point; or `f` gave an array.

    Example:
        >>> import fastopt as fo
        >>> f, grad = lambda x: x[0] ** 2 / 10 + x[1] ** 2, lambda x: [x[0] / 5, 2 * x[1]]
        >>> rules = fo.optimizers.SGD(0.95), fo.optimizers.Adam(0.5)
        >>> traces = [fo.optimizers.trace(rule, f, grad, [-7, 2], steps=20) for rule in rules]
        >>> axes = fo.plotting.trajectories(f, traces, minimum=[0, 0])  # doctest: +SKIP
        >>> axes.figure.savefig("trajectories.png")  # doctest: +SKIP
    """
    traces = _checked([traces] if isinstance(traces, Trace) else list(traces))
    seen = np.concatenate([trace.points for trace in traces])
    x = np.linspace(*limits_of("xlim", xlim, seen[:, 0]), GRID)
    y = np.linspace(*limits_of("ylim", ylim, seen[:, 1]), GRID)
    goal = None if minimum is None else checks.array("minimum", minimum).astype(np.float64)
    if goal is not None and goal.shape != (2,):
        raise ValueError(f"minimum has shape {goal.shape}; expected a point of two variables, (2,).")
    z = np.array([[evaluate("f(x)", f, np.array([a, b]), ()) for a in x] for b in y], np.float64)

    if ax is None:
        ax = new_axes(7.6, 4.2)
    draw_contours(ax, x, y, np.ma.masked_array(z, ~(np.abs(z) <= LARGEST)))
    for i, trace in enumerate(traces):
        _draw_trace(ax, trace, i)
    starts = np.unique([trace.points[0] for trace in traces], axis=0)
    ax.plot(*starts.T, "o", color="black", fillstyle="none", markersize=9, markeredgewidth=1.5, label="start")
    if goal is not None:
        ax.plot(*goal, "*", color="#F0E442", markersize=14, markeredgecolor="black", label="minimum")
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    ax.set_xlabel("x[0]")
    ax.set_ylabel("x[1]")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return ax


def _checked(traces: Sequence[Trace]) -> Sequence[Trace]:
    if not traces:
        raise ValueError("There is no trace to draw.")
    for i, trace in enumerate(traces):
        if not isinstance(trace, Trace):
            raise TypeError(f"traces[{i}] must be what fastopt.optimizers.trace returns, not {type(trace).__name__}.")
        if trace.points.shape[1] != 2:
            raise ValueError(
                f"traces[{i}], {trace.name}, has points of shape {trace.points.shape}; only functions of two variables "
                "have contours, [points, 2]."
            )
    return traces


def draw_contours(ax: "Axes", x: Floats, y: Floats, z: "np.ma.MaskedArray[Any, np.dtype[np.float64]]") -> Any:
    """Fill the axes, the lower the lighter, and return the lines between; None where the function is flat."""
    values = z.compressed()
    below = (np.arange(1, LINES + 1) / (LINES + 1)) ** 1.5
    levels = np.unique(np.quantile(values, below)) if values.size else values
    levels = levels[(levels > z.min()) & (levels < z.max())]
    if len(levels) < 2:
        return None
    colors = LOW + (HIGH - LOW) * np.linspace(0.0, 1.0, len(levels) + 1)[:, None]
    ax.contourf(x, y, z, levels, colors=colors, extend="both")
    return ax.contour(x, y, z, levels, colors=LINE, linewidths=0.5, linestyles="solid")


def _draw_trace(ax: "Axes", trace: Trace, i: int) -> None:
    look: dict[str, Any] = {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)], "mec": "white"}
    points = trace.points
    dash, every = STYLES[i // len(COLORS) % len(STYLES)], -(-len(points) // SHOWN)
    ax.plot(*points.T, dash, label=trace.name, markersize=5, markevery=every, mew=0.5, **look)
    ax.plot(*points[-1], linestyle="none", markersize=9, **look)
