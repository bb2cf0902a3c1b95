"""Learning curves, drawn with matplotlib where it is installed: ``pip install 'fastopt[plot]'``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastopt.core.axes import new_axes
from fastopt.core.registry import word
from fastopt.model.callbacks.history import History
from fastopt.tools.plotting import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["history"]

WIDTH, HEIGHT = 4.6, 3.4  # of a panel, in inches
DECADES = 2.0  # from which a logarithmic scale shows more
FEW = 12  # epochs, up to which each is marked
REST = ("seconds", "samples_per_second")


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
    if not isinstance(history, History):
        raise TypeError(f"history must be what fit returns, not {history!r}.")
    if not history.epoch:
        raise ValueError("The history is empty: there is no finished epoch to draw.")
    known = [name for name in history.history if not name.startswith("val_") and name not in REST]
    if names is None:
        chosen = [name for name in known if name == "loss" or name in history.growing]
    else:
        chosen = [word("names", name, known) for name in ([names] if isinstance(names, str) else names)]
    panels: list[Any] = list(np.ravel(ax)) if ax is not None else _panels(len(chosen))  # type: ignore[arg-type]
    if len(panels) != len(chosen):
        raise ValueError(f"ax holds {len(panels)} axes for {len(chosen)} values: {', '.join(chosen)}.")
    for panel, name in zip(panels, chosen, strict=True):
        _draw(panel, history, name)
    return panels


def _panels(count: int) -> "list[Axes]":
    figure = new_axes(WIDTH * count, HEIGHT).figure
    figure.clear()
    return list(figure.subplots(1, count, squeeze=False)[0])


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
        ax.plot(epochs[best], values[best], "*", color="#F0E442", markersize=13, markeredgecolor="black", label=text)
    drawn = np.concatenate([history.history[key] for _, key in curves])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size and drawn.min() > 0 and np.log10(drawn.max() / drawn.min()) >= DECADES:
        ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.set_title(name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(color="#D8DEE6", linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False, fontsize="small")
