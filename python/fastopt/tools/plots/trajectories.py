"""Pictures, drawn with matplotlib where it is installed: ``pip install 'fastopt[plot]'``."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.axes import new_axes
from fastopt.kernels import Real
from fastopt.model.sequential import Sequential
from fastopt.optimizers.traces import Trace, evaluate
from fastopt.tools.gradient_check import float64_twin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["activations", "gradients", "trajectories"]

Floats = NDArray[np.float64]
Limits = tuple[float, float]

# Okabe and Ito, Color universal design, 2008: they differ for all kinds of colour vision.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = ("-", "--", ":", "-.")
SHOWN = 30  # points of a trace that get a mark, about

LOW, HIGH = np.array([1.0, 1.0, 1.0]), np.array([0.74, 0.79, 0.86])  # red, green, blue of the lowest and highest part
LINES = 14  # contour lines, at most
GRID = 201  # points a side on which the function is computed
LARGEST = 1e200  # of its values; 1e250 is matplotlib's infinity

BINS = 80  # of a histogram
SHARE = 0.998  # of the values of each layer are to be seen
SHARE_OF_SIZES = 0.99  # the same on a logarithmic scale, where small ones reach far
LEAST_ZEROS = 0.005  # the share of zeros that is worth a note
HEIGHT = 0.85  # of the highest bar, where layers are 1 apart


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
    x = np.linspace(*_limits("xlim", xlim, seen[:, 0]), GRID)
    y = np.linspace(*_limits("ylim", ylim, seen[:, 1]), GRID)
    goal = None if minimum is None else checks.array("minimum", minimum).astype(np.float64)
    if goal is not None and goal.shape != (2,):
        raise ValueError(f"minimum has shape {goal.shape}; expected a point of two variables, (2,).")
    z = np.array([[evaluate("f(x)", f, np.array([a, b]), ()) for a in x] for b in y], np.float64)

    if ax is None:
        ax = new_axes(7.6, 4.2)
    _draw_contours(ax, x, y, np.ma.masked_array(z, ~(np.abs(z) <= LARGEST)))
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


def _limits(name: str, given: Limits | None, seen: Real, margin: float = 0.15) -> Limits:
    """Return the given limits, or those that show all and a margin."""
    if given is None:
        low, high = float(seen.min()), float(seen.max())
        margin = margin * (high - low) or 0.5
        return low - margin, high + margin
    if np.shape(given) != (2,):
        raise ValueError(f"{name} must be two numbers, (least, greatest), not {given!r}.")
    low, high = checks.real(f"{name}[0]", given[0]), checks.real(f"{name}[1]", given[1])
    if low >= high:
        raise ValueError(f"{name} must rise: {low:g} is not less than {high:g}.")
    return low, high


def _draw_contours(ax: "Axes", x: Floats, y: Floats, z: "np.ma.MaskedArray[Any, np.dtype[np.float64]]") -> None:
    values = z.compressed()
    below = (np.arange(1, LINES + 1) / (LINES + 1)) ** 1.5
    levels = np.unique(np.quantile(values, below)) if values.size else values
    levels = levels[(levels > z.min()) & (levels < z.max())]
    if len(levels) < 2:
        return  # the function is flat
    colors = LOW + (HIGH - LOW) * np.linspace(0.0, 1.0, len(levels) + 1)[:, None]
    ax.contourf(x, y, z, levels, colors=colors, extend="both")
    ax.contour(x, y, z, levels, colors="#8A99AD", linewidths=0.5, linestyles="solid")


def _draw_trace(ax: "Axes", trace: Trace, i: int) -> None:
    look: dict[str, Any] = {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)], "mec": "white"}
    points = trace.points
    dash, every = STYLES[i // len(COLORS) % len(STYLES)], -(-len(points) // SHOWN)
    ax.plot(*points.T, dash, label=trace.name, markersize=5, markevery=every, mew=0.5, **look)
    ax.plot(*points[-1], linestyle="none", markersize=9, **look)


def activations(model: Sequential, x: ArrayLike, limits: Limits | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw the histogram of each layer's outputs in `predict`, the first layer at the top.

    All have one scale of values and each its own height, for which exact zeros, as ReLU makes them, do not count.
    Beside it stand the mean, the standard deviation and, if there are any, the share of zeros. In a deep network that
    starts well they are about the same in all layers: outputs that crowd at the ends of a sigmoid are saturated and let
    no gradient through, outputs that shrink from layer to layer carry no signal.

    Args:
        model: A model that is built.
        x: Inputs ``[n, features]``; a few hundred are enough.
        limits: The least and the greatest value to be seen; None shows 99.8 % of each layer.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        RuntimeError: The model has not been built.
        TypeError: `model` is not a model, `x` does not hold numbers, or a limit is not a number.
        ValueError: `x` does not fit the model; or limits are not two that rise.

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(100, "tanh") for _ in range(6)])
        >>> model.build(100)
        >>> x = np.random.default_rng(0).normal(size=(200, 100))
        >>> axes = fo.plotting.activations(model, x)  # doctest: +SKIP
        >>> axes.figure.savefig("activations.png")  # doctest: +SKIP
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a fastopt.Sequential, not {model!r}.")
    outputs = model.layer_outputs(x)
    tails = (1 - SHARE) / 2
    seen = np.array([np.quantile(part, [tails, 1 - tails]) for part in outputs.values()])
    low, high = _limits("limits", limits, seen, margin=0.02)
    step = (high - low) / BINS
    edges = step * np.arange(np.floor(low / step), np.ceil(high / step) + 1)  # one of them is 0
    notes = [f"mean {part.mean():.2g}, std {part.std():.2g}" for part in outputs.values()]
    ax = _draw_histograms(outputs, edges, notes, ax)
    ax.set_xlim(low, high)
    ax.set_xlabel("output")
    return ax


def gradients(
    model: Sequential, x: ArrayLike, y: ArrayLike, limits: Limits | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw how large the gradients of each layer's weights are, the first layer at the top; see `activations`.

    It is the histogram of their absolute values on a logarithmic scale, on which gradients that vanish or explode on
    their way down are seen to wander, and beside it stands the root of their mean square. They are the gradients of the
    mean loss of all samples as one batch, computed by a copy of the model in float64.

    Args:
        model: A model that is compiled with a loss; one that is not built is drawn at its starting weights.
        x: Inputs ``[n, features]``; a few hundred are enough.
        y: Targets, as the loss wants them.
        limits: The least and the greatest absolute value to be seen, more than 0; None shows 99 % of each layer.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        RuntimeError: The model has no loss.
        TypeError: `model` is not a model, or something in the data or the limits has the wrong type.
        ValueError: The data do not fit the model; or limits are not two that rise, or not positive.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([*[fo.layers.Dense(50, "tanh") for _ in range(5)], fo.layers.Dense(10)])
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> axes = fo.plotting.gradients(model, x[:200], y[:200])  # doctest: +SKIP
    """
    twin = float64_twin(model, x)
    twin.train_on_batch(x, y)
    parts: dict[str, list[Floats]] = {}
    for name, gradient in twin.gradients.items():
        parts.setdefault(name.split("/")[0], []).append(np.abs(gradient.ravel(), dtype=np.float64))
    sizes: dict[str, Floats] = {name: np.concatenate(tensors) for name, tensors in parts.items()}
    ends = [np.quantile(part[part > 0], [1 - SHARE_OF_SIZES, 1.0]) for part in sizes.values() if part.any()]
    low, high = _limits("limits", limits, np.log10(ends or [np.ones(1)]), margin=0.02)
    if limits is None:
        low, high = 10.0**low, 10.0**high
    if low <= 0:
        raise ValueError(f"limits must be more than 0 on a logarithmic scale, not {limits!r}.")
    edges = np.geomspace(low, high, BINS + 1)
    notes = [f"rms {np.sqrt((part**2).mean()):.2g}" for part in sizes.values()]
    ax = _draw_histograms(sizes, edges, notes, ax)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel("|gradient|")
    return ax


def _draw_histograms(
    values: Mapping[str, NDArray[Any]], edges: Floats, notes: Sequence[str], ax: "Axes | None"
) -> "Axes":
    """Draw the histograms of what is not 0, one above the other, each as high as the others."""
    if ax is None:
        ax = new_axes(7.6, 1.2 + 0.5 * len(values))
    places = range(len(values) - 1, -1, -1)
    for place, part, note in zip(places, values.values(), notes, strict=True):
        counts, _ = np.histogram(part[part != 0], edges)
        ax.stairs(place + HEIGHT * counts / max(1, counts.max()), edges, baseline=place, fill=True, color=COLORS[0])
        zeros = np.count_nonzero(part == 0) / part.size
        text = f"{note}, {zeros:.0%} zero" if zeros >= LEAST_ZEROS else note
        ax.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize="small")
    ax.set_yticks(places, [*values])
    ax.tick_params(axis="y", length=0)
    ax.hlines(places, 0, 1, transform=ax.get_yaxis_transform(), color="#8A99AD", linewidth=0.5, zorder=0)
    ax.set_ylim(-0.1, len(values))
    ax.spines[["top", "left", "right"]].set_visible(False)
    return ax
