"""The filters of convolutions, and what they make of an image."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.core.axes import GRID, new_axes
from fastopt.core.plain import Real
from fastopt.core.registry import unknown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["feature_maps", "filters"]

MOST = 1024  # tiles of a picture
CELL, LEAST, MOST_INCHES = 0.55, 2.6, 12.0  # inches of a tile, and of a side of all
LABELS = 40  # tiles beside each other, up to which each has its number


def filters(model: Any, layer: str | None = None, cmap: str = "RdBu_r", ax: "Axes | None" = None) -> "Axes":
    """Draw the filters of a convolution, all on one scale that is white at 0.

    Filters of one channel stand in a square. Else each filter is a column, and each channel of the input a row.

    Args:
        model: A built model; or a kernel ``[height, width, channels, filters]`` or ``[steps, channels, filters]``.
        layer: The name of the layer; None is the first one with filters.
        cmap: The name of matplotlib's colours, from less than 0 to more.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: The kernel does not hold numbers, or `layer` is no string.
        ValueError: There are no filters, or no layer of this name has some, or they are more than 1024 tiles.
        RuntimeError: The model has no weights yet.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> kernel = np.random.default_rng(0).normal(size=(5, 5, 1, 6))
        >>> ax = fo.plotting.filters(kernel)  # doctest: +SKIP
        >>> ax.figure.savefig("filters.png")  # doctest: +SKIP
    """
    kernel, title = _kernel(model, layer)
    tiles = np.moveaxis(kernel if kernel.ndim == 4 else kernel[None], (2, 3), (0, 1))
    limit = float(np.abs(tiles).max()) or 1.0
    if len(tiles) > 1:
        ax = _draw(tiles, -limit, limit, cmap, ax)
        ax.set(xlabel="filter", ylabel="channel")
        _number(ax.xaxis, tiles.shape[1], tiles.shape[3])
        _number(ax.yaxis, tiles.shape[0], tiles.shape[2])
    else:
        ax = _draw(_squared(tiles[0]), -limit, limit, cmap, ax)
    ax.set_title(title)
    return ax


def feature_maps(
    model: Any, x: ArrayLike, layer: str | None = None, cmap: str = "viridis", ax: "Axes | None" = None
) -> "Axes":
    """Draw what a layer makes of images in `predict`, channel by channel, all on one scale.

    The channels of one image stand in a square. Of several images each is a row, and each channel a column.

    Args:
        model: A built model.
        x: Samples ``[n, ...]``, a few.
        layer: The name of the layer; None is the first whose outputs are images.
        cmap: The name of matplotlib's colours, from the least value to the greatest.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `x` does not hold numbers, or `layer` is no string.
        ValueError: `x` has another shape, no layer of this name has outputs that are images, or the maps are more than
            1024.
        RuntimeError: The model has no weights yet.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.MaxPooling2D(), fo.layers.Flatten(), fo.layers.Dense(2)])
        >>> model.build((8, 8, 3))
        >>> ax = fo.plotting.feature_maps(model, np.random.rand(1, 8, 8, 3))  # doctest: +SKIP
        >>> ax.figure.savefig("maps.png")  # doctest: +SKIP
    """
    outputs = {name: maps for name, maps in model.layer_outputs(x).items() if maps.ndim == 4}
    name = _chosen(outputs, layer, "outputs that are images (n, height, width, channels)")
    maps = outputs[name]
    checks.finite("the feature maps", maps, maps.dtype.name)
    tiles = maps if _format(model, name) == "channels_first" else np.moveaxis(maps, 3, 1)
    low, high = float(tiles.min()), float(tiles.max())
    if len(tiles) > 1:
        ax = _draw(tiles, low, high, cmap, ax)
        ax.set(xlabel="channel", ylabel="sample")
        _number(ax.xaxis, tiles.shape[1], tiles.shape[3])
        _number(ax.yaxis, tiles.shape[0], tiles.shape[2])
    else:
        ax = _draw(_squared(tiles[0]), low, high, cmap, ax)
    ax.set_title(name)
    return ax


def _kernel(model: Any, layer: str | None) -> tuple[Real, str]:
    """Return a kernel, and the name of its layer."""
    parameters = getattr(model, "parameters", None)
    if parameters is None:
        kernel = checks.array("the kernel", model)
        checks.finite("the kernel", kernel, kernel.dtype.name)
        if kernel.ndim not in (3, 4) or not kernel.size:
            raise ValueError(
                f"The kernel has shape {kernel.shape}; expected (height, width, channels, filters) or (steps, "
                "channels, filters)."
            )
        return kernel, ""
    wide = [name for name, tensor in parameters.items() if name.endswith("kernel") and tensor.ndim in (3, 4)]
    kernels = {name.rpartition("/")[0]: parameters[name] for name in sorted(wide, key=lambda n: -parameters[n].ndim)}
    name = _chosen(kernels, layer, "filters")
    return kernels[name], name


def _chosen(found: dict[str, Real], layer: str | None, what: str) -> str:
    """Return the name of a layer among those that have what is drawn."""
    if layer is not None and not isinstance(layer, str):
        raise TypeError(f"layer must be the name of a layer, not {layer!r}.")
    if not found:
        raise ValueError(f"No layer of the model has {what}.")
    if layer is not None and layer not in found:
        raise unknown_name(f"layer with {what}", layer, found)
    return next(iter(found)) if layer is None else layer


def _format(model: Any, name: str) -> str:
    """Return where the channels of a layer's output are: what it says itself, or the last one before it that does."""
    last = "channels_last"
    for one, layer in zip(model.layer_names, model.layers, strict=True):
        last = vars(layer).get("data_format", last)
        if one == name:
            break
    return last


def _squared(tiles: Real) -> Real:
    """Return tiles ``[n, ...]`` as ``[rows, columns, ...]`` in about a square, with NaN where there are no more."""
    columns = math.ceil(math.sqrt(1.6 * len(tiles)))
    rows = -(-len(tiles) // columns)
    result = np.full((rows * columns, *tiles.shape[1:]), np.nan)
    result[: len(tiles)] = tiles
    return result.reshape(rows, columns, *tiles.shape[1:])


def _draw(tiles: Real, low: float, high: float, cmap: str, ax: "Axes | None") -> "Axes":
    """Draw tiles ``[rows, columns, height, width]`` with lines between them, and the scale."""
    rows, columns, height, width = tiles.shape
    if rows * columns > MOST:
        raise ValueError(f"{rows} x {columns} tiles were given; a picture shows up to {MOST}: give a part of them.")
    whole = np.full((rows, height + 1, columns, width + 1), np.nan)
    whole[:, :-1, :, :-1] = tiles.transpose(0, 2, 1, 3)
    whole = whole.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]
    if ax is None:
        cell = min(max(CELL, LEAST / max(rows, columns)), MOST_INCHES / max(rows, columns))
        ax = new_axes(cell * columns + 0.9, cell * rows * height / width + 0.6)
    picture = ax.imshow(whole, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    ax.figure.colorbar(picture, ax=ax, shrink=0.8)
    ax.set(xticks=[], yticks=[])
    ax.set_facecolor(GRID)
    ax.spines[:].set_visible(False)
    return ax


def _number(axis: Any, count: int, size: int) -> None:
    """Write the numbers of the tiles along an axis."""
    step = -(-count // LABELS)
    axis.set_ticks(np.arange(0, count, step) * (size + 1) + (size - 1) / 2, range(0, count, step))
    axis.set_tick_params(length=0)
