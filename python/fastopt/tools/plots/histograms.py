"""Histograms of what the layers of a model put out, and of their gradients."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core.axes import COLORS, LINE, Limits, limits_of, new_axes
from fastopt.data.sparse import is_sparse
from fastopt.model.predicting import Inputs
from fastopt.model.sequential import Sequential
from fastopt.model.trained import Trained
from fastopt.model.weighted import checked_model
from fastopt.tools.gradient_check import float64_twin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["activations", "gradients"]

Floats = NDArray[np.float64]

BINS = 80  # of a histogram
SHARE = 0.998  # of the values of each layer are to be seen
SHARE_OF_SIZES = 0.99  # the same on a logarithmic scale, where small ones reach far
LEAST_ZEROS = 0.005  # the share of zeros that is worth a note
HEIGHT = 0.85  # of the highest bar, where layers are 1 apart


def activations(model: Trained[Any], x: Inputs, limits: Limits | None = None, ax: "Axes | None" = None) -> "Axes":
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
    outputs = checked_model("model", model).layer_outputs(x)
    tails = (1 - SHARE) / 2
    seen = np.array([np.quantile(part, [tails, 1 - tails]) for part in outputs.values()])
    low, high = limits_of("limits", limits, seen, margin=0.02)
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
    if any(map(is_sparse, x if isinstance(x, list | tuple) else [x])):
        raise TypeError("x is sparse, and so would be the gradient: give some rows of it, x[:100].toarray().")
    twin = float64_twin(model, x)
    twin.train_on_batch(x, y)
    parts: dict[str, list[Floats]] = {}
    for name, gradient in twin.gradients.items():
        parts.setdefault(name.split("/")[0], []).append(np.abs(gradient.ravel(), dtype=np.float64))
    sizes: dict[str, Floats] = {name: np.concatenate(tensors) for name, tensors in parts.items()}
    ends = [np.quantile(part[part > 0], [1 - SHARE_OF_SIZES, 1.0]) for part in sizes.values() if part.any()]
    low, high = limits_of("limits", limits, np.log10(ends or [np.ones(1)]), margin=0.02)
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
    ax.hlines(places, 0, 1, transform=ax.get_yaxis_transform(), color=LINE, linewidth=0.5, zorder=0)
    ax.set_ylim(-0.1, len(values))
    ax.spines[["top", "left", "right"]].set_visible(False)
    return ax
