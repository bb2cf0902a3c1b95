"""Samples as images."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.axes import COLORS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["images"]

MOST = 400  # samples of a picture
CELL, LEAST = 0.75, 2.4  # inches of a sample and of all that are beside each other, at least
GAP = 0.08  # between samples, of their size
LETTER, LINE = 0.085, 0.19  # inches of a letter and a line of a title
LONG = 8  # letters, from which a title has two lines


def images(
    x: ArrayLike,
    labels: Sequence[object] | NDArray[Any] | None = None,
    predictions: Sequence[object] | NDArray[Any] | None = None,
    shape: tuple[int, ...] | None = None,
    columns: int | None = None,
    cmap: str = "gray",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw samples as images, side by side, all on one scale from the least to the greatest value.

    Above each stands its label. With predictions, those that are wrong are told in another colour: ``4 not 9`` is a 9
    that was taken for a 4.

    Args:
        x: Images ``[n, height, width]``, in colour ``[n, height, width, 3]``, or rows ``[n, features]``; up to 400.
        labels: What each is ``[n]``, or None.
        predictions: What each was taken for ``[n]``, as of `predict_classes`; None for none.
        shape: That of an image where `x` holds rows, ``(height, width)`` or with 3 colours; None for a square.
        columns: Images beside each other; None for about as many as fit.
        cmap: The name of matplotlib's colours for one channel: ``"gray"``, ``"gray_r"`` for dark ink on white ...
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `x` does not hold numbers.
        ValueError: `x` has another shape or more samples, a value is NaN or infinite, or there are not as many labels
            or predictions as samples.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> ax = fo.plotting.images(x[:30], y[:30], cmap="gray_r")  # doctest: +SKIP
        >>> ax.figure.savefig("digits.png")  # doctest: +SKIP
    """
    samples = _shaped(checks.array("x", x), shape)
    checks.finite("x", samples, samples.dtype.name)
    count, height, width = samples.shape[:3]
    titles, wrong = _titles(count, labels, predictions)
    across = min(count, math.ceil(math.sqrt(1.6 * count)) if columns is None else checks.integer("columns", columns, 1))
    down = -(-count // across)
    low, high = samples.min(), samples.max()
    shown = (samples - low.astype(np.float64)) / (float(high) - float(low) or 1.0)

    rows = [title.split("\n") for title in titles]
    cell = max(CELL, LEAST / across, LETTER * max((len(text) for lines in rows for text in lines), default=0))
    above = LINE * max(map(len, rows), default=0) / cell * width  # for titles
    step_x, step_y = width * (1 + GAP), height + GAP * width + above
    if ax is None:
        ax = new_axes(cell * across, cell * down * step_y / step_x)
    for i, image in enumerate(shown):
        left, top = i % across * step_x, i // across * step_y
        ax.imshow(image, cmap=cmap, vmin=0, vmax=1, extent=(left, left + width, top + height, top))
        if titles:
            look: dict[str, Any] = {"color": COLORS[1], "weight": "bold"} if wrong[i] else {}
            ax.text(left + width / 2, top, titles[i], ha="center", va="bottom", fontsize="small", **look)
    ax.set_xlim(0, across * step_x - GAP * width)
    ax.set_ylim(down * step_y - GAP * width - above, -above)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _shaped(x: NDArray[Any], shape: tuple[int, ...] | None) -> NDArray[Any]:
    """Return the samples as images, ``[n, height, width]`` or with three colours."""
    if x.ndim == 2:
        side = math.isqrt(x.shape[1])
        wanted = (side, side) if shape is None else tuple(checks.items("shape", shape))
        if math.prod(wanted) != x.shape[1]:
            which = "not a square; give their shape" if shape is None else f"not of the shape {wanted}"
            raise ValueError(f"x has {x.shape[1]} features (shape {x.shape}), which are {which}.")
        x = x.reshape(len(x), *wanted)
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    if 0 in x.shape or not (x.ndim == 3 or (x.ndim == 4 and x.shape[3] == 3)):
        raise ValueError(
            f"x has shape {x.shape}; expected images (n, height, width), in colour (n, height, width, 3), or rows "
            "(n, features) and their shape."
        )
    if len(x) > MOST:
        raise ValueError(f"x holds {len(x)} samples; a picture shows up to {MOST}: x[:100], say.")
    return x


def _titles(count: int, labels: Any, predictions: Any) -> tuple[list[str], NDArray[np.bool_]]:
    """Return what stands above each image, and where the prediction is wrong."""
    given = {"labels": labels, "predictions": predictions}
    columns = {name: np.asarray(value) for name, value in given.items() if value is not None}
    for name, column in columns.items():
        if column.shape != (count,):
            raise ValueError(f"{name} has shape {column.shape}; expected one for each sample, ({count},).")
    if len(columns) < 2:
        return [str(text) for column in columns.values() for text in column], np.zeros(count, bool)
    wrong = columns["labels"] != columns["predictions"]
    pairs = zip(columns["labels"], columns["predictions"], wrong, strict=True)
    titles = [f"{guess} not {label}" if error else str(label) for label, guess, error in pairs]
    if max(map(len, titles)) > LONG:
        titles = [title.replace(" not ", "\nnot ") for title in titles]
    return titles, np.asarray(wrong)
