"""The loss between solutions: on the line through two of them, on the plane through three."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.axes import COLORS, MARKERS, new_axes, scale, tidy
from fastopt.model.weighted import checked_model
from fastopt.tools.plots.trajectories import draw_contours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["surface"]

Weights = Sequence[ArrayLike]

MARGIN = 0.5  # around the solutions, of the largest distance between them
POINTS = (81, 31)  # on a line; a side of a plane


def surface(
    model: Any,
    weights_a: Weights,
    weights_b: Weights,
    weights_c: Weights | None = None,
    *,
    x: Any,
    y: Any,
    sample_weight: ArrayLike | None = None,
    points: int | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the loss on the line through two solutions, or over the plane through three.

    The line is a + t (b - a), and t = 0 and 1 are the solutions: a barrier between them tells that they lie in two
    valleys. The plane has the axes u along b - a and v along what of c - a is at right angles to u, both measured as
    the length of the change of all weights, so that distances in the picture are those of the weights. Lines of equal
    loss are chosen as `trajectories` chooses them. Running statistics are between those of the solutions as well.

    Args:
        model: A model that is compiled with a loss; it is not changed.
        weights_a: What `get_weights` returned after one training.
        weights_b: The same after another.
        weights_c: The same after a third, for a plane; None for the line.
        x: Inputs, as the model takes them; some hundred samples are enough.
        y: Targets, as the loss wants them.
        sample_weight: Weights ``[n]``, at least 0.
        points: On the line, or on each side of the plane, at least 2; None is 81 or 31. Each takes an `evaluate`.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        RuntimeError: The model has no loss, or has not been built.
        TypeError, ValueError: `model` is not a model, weights or data do not fit it, solutions are equal or the three
            lie on a line, or `points` is less than 2.

    Source:
        Goodfellow, Vinyals and Saxe, Qualitatively characterizing neural network optimization problems, ICLR 2015,
        arXiv:1412.6544; the plane: Garipov, Izmailov, Podoprikhin, Vetrov and Wilson, Loss surfaces, mode connectivity
        and fast ensembling of DNNs, NeurIPS 2018, arXiv:1802.10026.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> solutions = []
        >>> for optimizer in "sgd", "adam":
        ...     model = fo.Sequential([fo.layers.Dense(16, "relu"), fo.layers.Dense(10)], seed=0)
        ...     model.compile(optimizer, "sparse_categorical_crossentropy")
        ...     history = model.fit(x, y, epochs=10, verbose=0)
        ...     solutions.append(model.get_weights())
        >>> ax = fo.plotting.surface(model, *solutions, x=x[:500], y=y[:500])  # doctest: +SKIP
        >>> ax.figure.savefig("surface.png")  # doctest: +SKIP
    """
    twin = copy.deepcopy(checked_model("model", model))
    given = {"weights_a": weights_a, "weights_b": weights_b} | ({} if weights_c is None else {"weights_c": weights_c})
    flat = [_flat(twin, name, weights) for name, weights in given.items()]
    count = checks.integer("points", POINTS[len(flat) - 2] if points is None else points, 2)
    shapes = [view.shape for view in twin.get_weights()]
    judged = {name: value for name, value in twin.judged_by.items() if name != "metrics"}
    if judged.get("loss") is not None:
        twin.compile("sgd", **judged)

    def loss(w: NDArray[np.float64]) -> float:
        parts = np.split(w, np.cumsum([np.prod(shape, dtype=int) for shape in shapes])[:-1])
        twin.set_weights([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
        return float(twin.evaluate(x, y, 256, sample_weight, verbose=0)["loss"])

    u = flat[1] - flat[0]
    if not u.any():
        raise ValueError("weights_a and weights_b are equal: no line goes through one point.")
    if len(flat) == 2:
        t = np.linspace(-MARGIN, 1 + MARGIN, count)
        values = np.array([loss(flat[0] + one * u) for one in t])
        return _draw_line(t, values, [loss(w) for w in flat], ax)
    along = u / np.linalg.norm(u)
    v = flat[2] - flat[0]
    v -= (v @ along) * along
    if np.linalg.norm(v) <= 1e-6 * np.linalg.norm(flat[2] - flat[0]):
        raise ValueError("weights_c lies on the line through weights_a and weights_b: no plane is determined.")
    axes = np.stack([along, v / np.linalg.norm(v)])
    places = np.array([axes @ (w - flat[0]) for w in flat])
    margin = MARGIN * np.ptp(places, axis=0).max()
    across, up = np.linspace(places.min(axis=0) - margin, places.max(axis=0) + margin, count).T
    values = np.array([[loss(flat[0] + np.array([a, b]) @ axes) for a in across] for b in up])
    return _draw_plane(across, up, values, places, [loss(w) for w in flat], ax)


def _flat(model: Any, name: str, weights: Weights) -> NDArray[np.float64]:
    """Return weights that fit the model as one vector."""
    try:
        model.set_weights(weights)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    return np.concatenate([view.ravel() for view in model.get_weights()]).astype(np.float64)


def _draw_line(t: NDArray[Any], values: NDArray[Any], ends: list[float], ax: "Axes | None") -> "Axes":
    ax = new_axes(5.2, 3.6) if ax is None else ax
    ax.plot(t, values, color="black", linewidth=1.5)
    for i, (name, value) in enumerate(zip("ab", ends, strict=True)):
        ax.plot(i, value, MARKERS[i], color=COLORS[i], markersize=9, label=f"{name}: {value:.4g}")
    scale(ax, values)
    ax.set_xlabel("t of a + t (b - a)")
    ax.set_ylabel("loss")
    tidy(ax)
    ax.legend(frameon=False)
    return ax


def _draw_plane(
    across: NDArray[Any],
    up: NDArray[Any],
    values: NDArray[Any],
    places: NDArray[Any],
    ends: list[float],
    ax: "Axes | None",
) -> "Axes":
    ax = new_axes(6.0, 4.4) if ax is None else ax
    lines = draw_contours(ax, across, up, np.ma.masked_invalid(values))
    if lines is not None:
        size = np.array([np.ptp(across), np.ptp(up)])
        crowded = np.array([across[0], up[0]]), np.array([across[-1], up[-1]]), *places
        for text in ax.clabel(lines, lines.levels[::2], fontsize=7, fmt="%.3g", colors="#47566B"):
            away = np.abs((np.array(text.get_position()) - crowded) / size)
            text.set_visible(bool(away[:2].min() > 0.05 and away[2:].max(axis=1).min() > 0.06))
    for i, (name, value) in enumerate(zip("abc", ends, strict=True)):
        ax.plot(*places[i], MARKERS[i], color=COLORS[i], markersize=10, mec="white", label=f"{name}: {value:.4g}")
    ax.set_aspect("equal")
    ax.set_xlabel("distance along b - a")
    ax.set_ylabel("distance towards c")
    ax.legend(title="loss", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax
