"""Pictures of a search, drawn with matplotlib where it is installed: ``pip install 'fastopt[plot]'``."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core.axes import COLORS, GRID, LINE, STAR, new_axes, panels_for, scale, tidy
from fastopt.core.registry import word
from fastopt.search.scales import Choice, Integer, Interval, Log, OneMinusLog, Scale
from fastopt.search.trials import Trials

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["parallel_coordinates", "trials"]

ROW = 4  # panels beside each other, at most
WIDTH, HEIGHT = 3.2, 2.9  # of a panel, in inches
MARGIN = 0.04  # of an axis, beyond the ends of its scale
COLORMAP = "viridis_r"


def trials(
    trials: Trials, names: str | Sequence[str] | None = None, ax: "Axes | Sequence[Axes] | None" = None
) -> "list[Axes]":
    """Draw the scores over each hyperparameter, in a panel with its scale.

    A star marks the best trial, hollow points are those that were not trained to the end, and crosses at the edge those
    without a score. A hyperparameter that matters shows a valley, or a ridge where the score is to grow; where the best
    lies at an end of its scale, a wider one may have better values.

    Args:
        trials: What a search returned.
        names: Which hyperparameters; None for all.
        ax: The axes to draw on, as many as there are names; None makes a new figure.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `trials` is something else.
        ValueError: No trial has a score, a name is unknown, or there are not as many axes as names.

    Example:
        >>> import fastopt as fo
        >>> space = {"rate": fo.search.Log(1e-4, 1.0), "beta": fo.search.OneMinusLog(0.9, 0.999)}
        >>> found = fo.search.random(lambda rate, beta: (rate - 0.01) ** 2, space, verbose=0)
        >>> axes = fo.plotting.trials(found)  # doctest: +SKIP
        >>> axes[0].figure.savefig("search.png")  # doctest: +SKIP
    """
    _checked(trials)
    chosen = [word("names", n, trials.space) for n in ([names] if isinstance(names, str) else names or trials.space)]
    panels = panels_for(chosen, ax, "hyperparameters", WIDTH, HEIGHT, ROW, sharey=True)
    for i, (panel, name) in enumerate(zip(panels, chosen, strict=True)):
        _draw(panel, trials, name)
        if ax is not None or i % ROW == 0:
            panel.set_ylabel(trials.metric)
    if panels[0].get_legend_handles_labels()[1]:
        panels[0].legend(frameon=False, fontsize="small")
    return panels


def parallel_coordinates(trials: Trials, ax: "Axes | None" = None) -> "Axes":
    """Draw each trial as a line through its hyperparameters, each on an axis with its scale, to its score.

    The darker a line, the better its rank; the best is thick and orange. Trials without a score are left out.

    Args:
        trials: What a search returned.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `trials` is something else.
        ValueError: No trial has a score.

    Source:
        Inselberg, The plane with parallel coordinates, The Visual Computer 1, 1985.

    Example:
        >>> import fastopt as fo
        >>> space = {"rate": fo.search.Log(1e-4, 1.0), "kind": ["a", "b"]}
        >>> found = fo.search.random(lambda rate, kind: abs(rate - 0.01) + (kind == "b"), space, verbose=0)
        >>> ax = fo.plotting.parallel_coordinates(found)  # doctest: +SKIP
        >>> ax.figure.savefig("search.png")  # doctest: +SKIP
    """
    _checked(trials)
    names = [*trials.space]
    ax = new_axes(1.8 * len(names) + 2.2, 3.8) if ax is None else ax
    from matplotlib import colormaps

    ranked = [trial for trial in trials.ranked() if not math.isnan(trial.score)]
    scores = np.array([trial.score for trial in ranked])
    logarithmic = bool(scores.min() > 0 and scores.max() / scores.min() >= 100)
    heights = np.log10(scores) if logarithmic else scores
    low, height = float(heights.min()), float(np.ptp(heights)) or 1.0
    shades = colormaps[COLORMAP](np.linspace(1.0, 0.15, len(ranked)))
    for rank, trial in reversed(list(enumerate(ranked))):
        places = [s.position(trial.params[name]) for name, s in trials.space.items()]
        look = {"color": COLORS[1], "linewidth": 2.5} if rank == 0 else {"color": shades[rank], "linewidth": 1.0}
        ax.plot([*places, (heights[rank] - low) / height], **look)
    ticks = _round(low, low + height, 5, logarithmic)  # powers of ten are whole
    labels = [f"{10.0**tick if logarithmic else tick:.3g}" for tick in ticks]
    columns: list[tuple[Any, list[str]]] = [
        *(_ticks(s) for s in trials.space.values()),
        ((ticks - low) / height, labels),
    ]
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    for i, (heights_of, texts) in enumerate(columns):
        ax.axvline(i, color=LINE, linewidth=1.0, zorder=0.5)
        for place, text in zip(heights_of, texts, strict=True):
            ax.text(i - 0.03, place, text, ha="right", va="center", fontsize="small", bbox=box, zorder=4)
    ax.set_xticks(range(len(columns)), [*names, trials.metric])
    ax.set_yticks([])
    ax.set_xlim(-0.45, len(columns) - 0.9)
    ax.set_ylim(-MARGIN, 1 + MARGIN)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _checked(trials: object) -> None:
    if not isinstance(trials, Trials):
        raise TypeError(f"trials must be what a search returns, not {trials!r}.")
    _ = trials.best  # which says that there is no score


def _draw(ax: "Axes", trials: Trials, name: str) -> None:
    places = np.array([trials.space[name].position(trial.params[name]) for trial in trials])
    scores = np.array([trial.score for trial in trials])
    states = np.array([trial.state for trial in trials])
    scale(ax, scores)
    dropped = states == "dropped"
    for which, fill in ((dropped, "none"), (~dropped & np.isfinite(scores), COLORS[0])):
        ax.scatter(places[which], scores[which], s=18, facecolor=fill, edgecolor=COLORS[0], linewidth=0.8, alpha=0.8)
    missing = np.isnan(scores)
    if missing.any():
        edge = 0.03 if trials.larger_is_better else 0.97  # the worse one
        across = ax.get_xaxis_transform()
        ax.plot(
            places[missing],
            np.full(missing.sum(), edge),
            "x",
            color=COLORS[1],
            markersize=5,
            transform=across,
            label="no score",
        )
    best = trials.best
    place, label = trials.space[name].position(best.params[name]), f"best: {best.score:.4g}"
    ax.plot(place, best.score, "*", color=STAR, markersize=13, markeredgecolor="black", label=label)
    ax.set_xticks(*_ticks(trials.space[name]))
    ax.set_xlim(-MARGIN, 1 + MARGIN)
    ax.set_xlabel(name)
    tidy(ax)
    ax.grid(axis="x", color=GRID, linewidth=0.5)


def _ticks(of: Scale) -> tuple[list[float], list[str]]:
    """Return the positions of round values of a scale, and their texts."""
    values: list[Any] = of.levels(5)
    if isinstance(of, Interval):
        if isinstance(of, Log | OneMinusLog):
            powers = 10.0 ** np.arange(-320, 309)
            all_round = 1 - powers[powers <= 1] if isinstance(of, OneMinusLog) else powers
        elif isinstance(of, Integer) and of.log:
            all_round = 2.0 ** np.arange(54)
        else:
            all_round = _round(of.low, of.high, 4, isinstance(of, Integer))
        inside = all_round[(all_round >= of.low) & (all_round <= of.high)].tolist()
        if len(inside) > 1:
            values = [int(v) if isinstance(of, Integer) else v for v in inside[:: -(-len(inside) // 6)]]
    texts = values if isinstance(of, Choice) else [f"{value:.4g}" for value in values]
    return [of.position(value) for value in values], list(map(str, texts))


def _round(low: float, high: float, count: int, whole: bool) -> NDArray[np.float64]:
    """Return round numbers between two others, about so many."""
    from matplotlib.ticker import MaxNLocator

    ticks = np.asarray(MaxNLocator(count, integer=whole).tick_values(low, high))
    inside: NDArray[np.float64] = ticks[(ticks >= low) & (ticks <= high)]
    return inside
