"""Learning curves, of one training and of several beside each other."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.axes import COLORS, STAR, STYLES, new_axes, panels_for, scale, shortened, tidy
from fastopt.core.registry import word
from fastopt.model.callbacks.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["compare", "history", "learning_rates"]

WIDTH, HEIGHT = 4.6, 3.4  # of a panel, in inches
FEW = 12  # epochs, up to which each is marked
REST = ("seconds", "samples_per_second")
MANY, ROWS = 10, 18  # curves that are many, and rows of their legend
LIMIT = 10.0  # times the median first value: what is above it has diverged


def history(
    history: History, names: str | Sequence[str] | None = None, ax: "Axes | Sequence[Axes] | None" = None
) -> "list[Axes]":
    """Draw learning curves: a panel for each value, over the epochs, the training beside the validation.

    A star marks the best epoch, by validation where there is one: the lowest value, or the highest of a metric that is
    to grow. What falls by two powers of ten has a logarithmic scale. ``history.plot()`` is the same.

    Args:
        history: What `fit` returned.
        names: Which values, without ``val_``; None for the loss and all metrics.
        ax: The axes to draw on, as many as there are names; None makes a new figure.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `history` is something else.
        ValueError: It is empty, a name is not in it, or there are not as many axes as names.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)])
        >>> model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        >>> history = model.fit(x, y, epochs=20, validation_split=0.2, verbose=0)
        >>> axes = history.plot()  # doctest: +SKIP
        >>> axes[0].figure.savefig("curves.png")  # doctest: +SKIP
    """
    chosen = chosen_names(history, names)
    panels = panels_for(chosen, ax, "values", WIDTH, HEIGHT)
    for panel, name in zip(panels, chosen, strict=True):
        _draw(panel, history, name)
    return panels


def checked_history(history: object, name: str = "history") -> History:
    """Return it, if it is one."""
    if not isinstance(history, History):
        raise TypeError(f"{name} must be what fit returns, not {history!r}.")
    return history


def chosen_names(history: object, names: str | Sequence[str] | None) -> list[str]:
    """Return the names of the values to be drawn."""
    history = checked_history(history)
    if not history.epoch:
        raise ValueError("The history is empty: there is no finished epoch to draw.")
    known = [name for name in history.history if not name.startswith("val_") and name not in REST]
    if names is None:
        return [name for name in known if name == "loss" or name in history.growing]
    return [word("names", name, known) for name in ([names] if isinstance(names, str) else names)]


def _draw(ax: "Axes", history: History, name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.array(history.epoch)
    curves = [("training", name), ("validation", f"val_{name}")]
    curves = [(label, key) for label, key in curves if key in history.history]
    if len(curves) == 1:
        curves = [("", curves[0][1])]
    for i, (label, key) in enumerate(curves):
        marker = "o" if len(epochs) <= FEW else None
        ax.plot(epochs, history.history[key], color=COLORS[i], marker=marker, markersize=4, label=label)
    label, key = curves[-1]
    values = np.array(history.history[key])
    sign = -1.0 if history.growing.get(name) else 1.0
    if (name == "loss" or name in history.growing) and np.isfinite(values).any():
        best = int(np.nanargmin(np.where(np.isfinite(values), sign * values, np.nan)))
        text = f"best: {values[best]:.4g}, epoch {epochs[best]}"
        ax.plot(epochs[best], values[best], "*", color=STAR, markersize=13, markeredgecolor="black", label=text)
    scale(ax, np.concatenate([history.history[key] for _, key in curves]))
    ax.set_xlabel("epoch")
    ax.set_title(name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(ax)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False, fontsize="small")


def compare(
    histories: Mapping[str, History] | Sequence[History],
    names: str | Sequence[str] = "loss",
    x: str = "epoch",
    ax: "Axes | Sequence[Axes] | None" = None,
) -> "list[Axes]":
    """Draw the learning curves of several trainings in one picture, a panel for each value.

    Each training has a colour; its validation, where there is some, is dashed. What falls by two powers of ten has a
    logarithmic scale, and what rises above ten times the median first value is cut off: a training that diverges
    leaves the others to be seen.

    Args:
        histories: What `fit` returned, by what each is to be called; in a list they are numbered.
        names: Which values, without ``val_``.
        x: Against what: ``"epoch"``, ``"seconds"`` of training since the start, or the name of another value in the
            history, as ``"learning_rate"`` after a test of growing rates.
        ax: The axes to draw on, as many as there are names; None makes a new figure.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `histories` holds something else.
        ValueError: There is none, none has a finished epoch, a name is in none of them, or there are not as many axes
            as names.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> histories = {}
        >>> for batch_size in 16, 128, None:
        ...     model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        ...     model.compile(fo.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
        ...     histories[f"batch {batch_size}"] = model.fit(x, y, batch_size=batch_size, epochs=20, verbose=0)
        >>> axes = fo.plotting.compare(histories, x="seconds")  # doctest: +SKIP
        >>> axes[0].figure.savefig("compare.png")  # doctest: +SKIP
    """
    labelled = _labelled(histories)
    known = {name: None for history in labelled.values() for name in history.history}
    chosen = [word("names", name, known) for name in ([names] if isinstance(names, str) else names)]
    word("x", x, ["epoch", *known])
    panels = panels_for(chosen, ax, "values", WIDTH, HEIGHT)
    for panel, name in zip(panels, chosen, strict=True):
        for i, (label, history) in enumerate(labelled.items()):
            color, shown = COLORS[i % len(COLORS)], label
            for key, style in ((name, STYLES[2 * (i // len(COLORS) % 2)]), (f"val_{name}", "--")):
                if key in history.history and x in history.table:
                    panel.plot(_places(history, x), history.history[key], style, color=color, label=shown)
                    shown = "_validation"
        _finish(panel, name, x, [history.history.get(name, []) for history in labelled.values()])
    return panels


def _labelled(histories: Any) -> dict[str, History]:
    """Return the histories by what they are called."""
    if isinstance(histories, Mapping):
        labelled = {f"{label:g}" if isinstance(label, float) else str(label): one for label, one in histories.items()}
    else:
        labelled = {str(i): history for i, history in enumerate(checks.items("histories", histories))}
    for label, history in labelled.items():
        checked_history(history, f"histories[{label!r}]")
    if not any(history.epoch for history in labelled.values()):
        raise ValueError("There is no history with a finished epoch to draw.")
    return labelled


def _places(history: History, x: str) -> NDArray[Any]:
    """Return where on the horizontal axis the epochs of a history stand."""
    values = np.array(history.table[x])
    return values.cumsum() if x == "seconds" else values


def _finish(ax: "Axes", name: str, x: str, curves: Sequence[Sequence[float]]) -> None:
    """Cut off what diverges, and write what is shown."""
    from matplotlib.ticker import MaxNLocator

    top = _limit(curves)
    drawn = np.concatenate([np.ravel(line.get_ydata()) for line in ax.lines])
    kept = drawn[drawn <= top]
    scale(ax, kept)
    if (drawn > top).any():
        low = float(kept.min())
        ax.set_ylim(low / 1.5 if ax.get_yscale() == "log" else low - 0.05 * (top - low), top)
    if x == "learning_rate":
        ax.set_xscale("log")
    elif x == "epoch":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel({"seconds": "seconds of training", "learning_rate": "learning rate"}.get(x, x))
    ax.set_title(f"{name}, validation dashed" if any(line.get_label() == "_validation" for line in ax.lines) else name)
    tidy(ax)
    _legend(ax)


def _legend(ax: "Axes") -> None:
    """Say what the curves are; of many in columns and small letters."""
    handles, labels = ax.get_legend_handles_labels()
    many = len(labels) > MANY
    size, columns = "xx-small" if many else "small", math.ceil(len(labels) / ROWS)
    ax.legend(handles, [*map(shortened, labels)], frameon=False, fontsize=size, ncols=columns)


def _limit(curves: Sequence[Sequence[float]]) -> float:
    """Return above what a training has diverged, whose curves these are."""
    firsts = [values[0] for values in curves if values and math.isfinite(values[0])]
    return LIMIT * float(np.median(firsts)) if firsts and np.median(firsts) > 0 else math.inf


def learning_rates(histories: Mapping[float, History], name: str = "loss", ax: "Axes | None" = None) -> "Axes":
    """Draw what trainings with several learning rates came to, against the rate: too small, right, too large.

    The last value of each is marked, the best with a star. A cross at the top is a training that diverged: its last
    value is not finite or above ten times the median first one, or it has no finished epoch.

    Args:
        histories: What `fit` returned, or left in ``model.history``, by the learning rate, more than 0.
        name: Which value: ``"loss"``, ``"val_loss"``, ``"accuracy"`` ...
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `histories` is not a dict of histories by numbers.
        ValueError: None has a finished epoch, or the name; or a rate is not more than 0.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> histories = {}
        >>> for rate in 0.001, 0.01, 0.1, 1.0:
        ...     model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        ...     model.compile(fo.optimizers.SGD(rate), "sparse_categorical_crossentropy")
        ...     histories[rate] = model.fit(x, y, epochs=5, verbose=0)
        >>> ax = fo.plotting.learning_rates(histories)  # doctest: +SKIP
        >>> ax.figure.savefig("learning_rates.png")  # doctest: +SKIP
    """
    if not isinstance(histories, Mapping):
        raise TypeError(f"histories must be a dict of histories by learning rate, not {checks.described(histories)}.")
    rates = np.array([checks.real("A learning rate", rate, 0.0, above=True) for rate in histories])
    series = list(_labelled(histories).values())
    word("name", name, {key: None for history in series for key in history.history})
    curves = [history.history.get(name) or [math.nan] for history in series]
    ends = np.array([values[-1] for values in curves])
    lost = ~np.isfinite(ends) | (ends > _limit(curves))
    ends, order = np.where(lost, math.nan, ends), np.argsort(rates)

    ax = new_axes(WIDTH, HEIGHT) if ax is None else ax
    ax.plot(rates[order], ends[order], color=COLORS[0], marker="o", markersize=5)
    if not lost.all():
        growing = any(history.growing.get(name.removeprefix("val_")) for history in series)
        best = int(np.nanargmax(ends) if growing else np.nanargmin(ends))
        text = f"best: {ends[best]:.4g} at {rates[best]:g}"
        ax.plot(rates[best], ends[best], "*", color=STAR, markersize=13, markeredgecolor="black", label=text)
    if lost.any():
        ax.plot(
            rates[lost],
            np.full(lost.sum(), 0.95),
            "X",
            color=COLORS[1],
            markersize=8,
            transform=ax.get_xaxis_transform(),
            label="diverged",
        )
    ax.set_xscale("log")
    scale(ax, ends)
    ax.set_xlabel("learning rate")
    ax.set_ylabel(f"{name} after the last epoch")
    tidy(ax)
    ax.legend(frameon=False, fontsize="small")
    return ax
