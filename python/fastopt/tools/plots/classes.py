"""Pictures of what a classifier decides: its confusion matrix, and where one class ends and the next begins."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.axes import COLORS, MARKERS, Limits, limits_of, new_axes, shortened
from fastopt.core.registry import word
from fastopt.metrics import confusion_matrix as counted
from fastopt.model.weighted import checked_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix", "decision_boundary"]

WORDS = "OUST"  # kinds of dtypes
FILLED = 25  # classes, up to which the numbers are written
LISTED = 16  # classes in a column
LETTER = 0.05  # inches of a name, aslant
GRID = 300  # points a side at which the class is asked for
TINT = 0.25  # of a class's colour in its area; twice as much where colours come again


def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    normalize: str | None = None,
    labels: Sequence[object] | None = None,
    sample_weight: ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how often each class was taken for each: a row for each class, a column for each prediction.

    Args:
        y_true: Labels ``[n]``, numbers or words, or one-hot ``[n, classes]``.
        y_pred: Probabilities ``[n, classes]``, or of class 1, or classes ``[n]``: what `predict_proba` or
            `predict_classes` return.
        normalize: Shares in per cent instead of numbers: ``"true"`` of each class, ``"pred"`` of each prediction,
            ``"all"`` of all samples; None for numbers.
        labels: What the classes are called, in their order; None for their numbers, or words in alphabetical order.
        sample_weight: Weights ``[n]``, at least 0, to be summed instead of counting.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: Something does not hold numbers or words.
        ValueError: The shapes do not go together, a value is out of range, there are not as many labels as classes, or
            `normalize` is unknown.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> history = model.fit(x[:1200], y[:1200], epochs=10, verbose=0)
        >>> ax = fo.plotting.confusion_matrix(y[1200:], model.predict_classes(x[1200:]))  # doctest: +SKIP
        >>> ax.figure.savefig("confusion.png")  # doctest: +SKIP
    """
    if normalize is not None:
        word("normalize", normalize, ("true", "pred", "all"))
    sides = [np.asarray(y_true), np.asarray(y_pred)]
    names: list[object] = [] if labels is None else checks.items("labels", labels)
    if all(side.dtype.kind in WORDS for side in sides):
        words, numbers = np.unique(np.concatenate([side.ravel().astype(str) for side in sides]), return_inverse=True)
        order = {name: i for i, name in enumerate(map(str, names or words))}
        if missing := [text for text in words if text not in order]:
            raise ValueError(f"labels has no {str(missing[0])!r}; it has {', '.join(order)}.")
        places = np.array([order[text] for text in words])[numbers]
        y_true, y_pred = places[: sides[0].size], places[sides[0].size :]
        names = names or [*words]
    counts = np.asarray(counted(y_true, y_pred, sample_weight), np.float64)
    if names and len(names) > len(counts):  # the last of them do not occur
        counts = np.pad(counts, (0, len(names) - len(counts)))
    few = len(names)
    if 0 < few < len(counts) and counts[:few, :few].sum() == counts.sum():  # one class is counted as one of two
        counts = counts[:few, :few]
    names = names or [*range(len(counts))]
    if len(names) != len(counts):
        raise ValueError(f"labels holds {len(names)} names for {len(counts)} classes.")
    return _draw_matrix(counts, normalize, [shortened(name) for name in names], ax)


def _draw_matrix(counts: NDArray[np.float64], normalize: str | None, names: list[str], ax: "Axes | None") -> "Axes":
    total: Any = 1.0
    if normalize is not None:
        total = counts.sum({"true": 1, "pred": 0, "all": None}[normalize], keepdims=True)
    shares = counts / np.where(total == 0, 1.0, total)
    written = [_written(share, normalize) for share in shares.ravel()] if len(counts) <= FILLED else []
    if ax is None:
        cell = max(0.42, 0.09 * max(map(len, written), default=0))
        side = min(1.8 + LETTER * max(map(len, names)) + cell * len(counts), 9.0)
        ax = new_axes(side + (not written), side)
    picture = ax.imshow(shares, cmap="Blues", vmin=0, vmax=shares.max() or 1.0)
    if written:
        for (row, column), text in zip(np.ndindex(shares.shape), written, strict=True):
            color = "white" if shares[row, column] > 0.5 * shares.max() else "black"
            if shares[row, column]:
                ax.text(column, row, text, ha="center", va="center", fontsize="small", color=color)
    else:
        ax.figure.colorbar(picture, ax=ax, shrink=0.8, label="per cent" if normalize else "samples")
    every = -(-len(names) // FILLED)
    ticks = range(0, len(names), every)
    long = max(map(len, names)) > 3
    ax.set_xticks(ticks, names[::every], rotation=45 if long else 0, ha="right" if long else "center")
    ax.set_yticks(ticks, names[::every])
    ax.tick_params(length=0)
    ax.set_xlabel("prediction")
    ax.set_ylabel("class")
    unit = {None: "", "true": ", per cent of each class", "pred": ", per cent of each prediction", "all": ", per cent"}
    accuracy = np.trace(counts) / counts.sum()
    ax.set_title(f"accuracy {accuracy:.1%}{unit[normalize]}", fontsize="medium")
    return ax


def _written(share: float, normalize: str | None) -> str:
    """Return a share in per cent, or a number: a whole one as it is."""
    if normalize is not None:
        return f"{100 * share:.3g}"
    return f"{share:.0f}" if share == round(share) else f"{share:.3g}"


def decision_boundary(
    model: Any,
    x: ArrayLike,
    y: ArrayLike | None = None,
    xlim: Limits | None = None,
    ylim: Limits | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw which class a model predicts where, and samples.

    With more than two features it is the plane through the mean of the samples along their first two principal
    components: the model is asked at points of this plane, and samples are seen from above it. There a sample may lie
    in the area of another class though the model is right.

    Args:
        model: A model that classifies, with one input.
        x: Samples ``[n, features]``, of two features or more.
        y: Their classes ``[n]``, or one-hot ``[n, classes]``; None draws the areas alone.
        xlim: The least and the greatest value of the horizontal axis; None shows all samples.
        ylim: The same for the vertical axis.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        RuntimeError: The model has not been built.
        TypeError: `model` is not a model, `x` does not hold numbers, or a limit is not one.
        ValueError: `x` does not fit the model or has one feature; there are not as many classes as samples; limits are
            not two that rise; or the model does not classify, or samples have several classes.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.random.default_rng(0).normal(size=(300, 2))
        >>> y = (x[:, 0] ** 2 + x[:, 1] ** 2 > 1).astype(int)
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(1)], seed=0)
        >>> model.compile("adam", "binary_crossentropy")
        >>> history = model.fit(x, y, epochs=100, verbose=0)
        >>> ax = fo.plotting.decision_boundary(model, x, y)  # doctest: +SKIP
        >>> ax.figure.savefig("boundary.png")  # doctest: +SKIP
    """
    checked_model("model", model)
    samples = checks.matrix("x", x, None).astype(np.float64)
    checks.finite("x", samples, "float64")
    if samples.shape[1] < 2:
        raise ValueError(f"x has shape {samples.shape}; a plane needs two features or more.")
    mean, plane, names = _plane(samples)
    seen = (samples - mean) @ plane.T
    truth = None if y is None else _classes(y, len(samples), getattr(model, "classes", None))
    across = np.linspace(*limits_of("xlim", xlim, seen[:, 0], 0.08), GRID)
    up = np.linspace(*limits_of("ylim", ylim, seen[:, 1], 0.08), GRID)

    def row(v: float) -> NDArray[Any]:
        points = mean + np.column_stack([across, np.full(GRID, v)]) @ plane
        predicted = np.asarray(model.predict_classes(points, GRID))
        if predicted.ndim != 1:
            raise ValueError("The model does not give each sample one class.")
        return predicted

    area = np.array([row(v) for v in up])
    known = np.unique(np.concatenate([np.ravel(area), np.ravel(truth if truth is not None else area)]))
    ax = new_axes(5.6, 4.4) if ax is None else ax
    _draw_areas(ax, np.searchsorted(known, area), known, across, up)
    if truth is not None:
        for i, name in enumerate(known):
            chosen = seen[truth == name]
            marker = MARKERS[(i + i // len(COLORS)) % len(MARKERS)]
            look: dict[str, Any] = {"color": COLORS[i % len(COLORS)], "mec": "white", "mew": 0.3, "markersize": 5}
            ax.plot(*chosen.T, marker, linestyle="none", label=shortened(name), **look)
        beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "ncols": -(-len(known) // LISTED)}
        ax.legend(title="class", frameon=False, fontsize="small", **beside)
    ax.set_xlim(across[0], across[-1])
    ax.set_ylim(up[0], up[-1])
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    return ax


def _plane(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Return a point, two directions ``[2, features]`` from there, and what they are called."""
    if x.shape[1] == 2:
        return np.zeros(2), np.eye(2), ["x[0]", "x[1]"]
    mean = x.mean(axis=0)
    _, sizes, components = np.linalg.svd(x - mean, full_matrices=False)
    if len(components) < 2:
        raise ValueError("x holds one sample; a plane along principal components needs more.")
    shares = sizes[:2] ** 2 / ((sizes**2).sum() or 1.0)
    return mean, components[:2], [f"component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(shares)]


def _classes(y: ArrayLike, count: int, known: NDArray[Any] | None) -> NDArray[Any]:
    """Return the class of each sample."""
    given = np.asarray(y)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim == 2:
        given = given.argmax(axis=1) if known is None else np.asarray(known)[given.argmax(axis=1)]
    if given.shape != (count,):
        raise ValueError(f"y has shape {np.shape(y)}; expected the class of each sample, ({count},).")
    label, name = (next(iter(np.ravel([] if labels is None else labels).tolist()), 0) for labels in (given, known))
    if isinstance(label, str | bytes) != isinstance(name, str | bytes):
        raise ValueError(f"y[0] is {label!r}; the classes of the model are such as {name!r}: see model.classes.")
    return given


def _draw_areas(
    ax: "Axes", numbers: NDArray[Any], names: NDArray[Any], across: NDArray[np.float64], up: NDArray[np.float64]
) -> None:
    from matplotlib.colors import to_rgb

    colors = np.array([to_rgb(color) for color in COLORS])
    tints = np.concatenate([1 - share * TINT * (1 - colors) for share in (1.0, 2.0)])
    extent = (across[0], across[-1], up[0], up[-1])
    ax.imshow(tints[numbers % len(tints)], extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    if len(names) <= len(COLORS):
        return
    for i, name in enumerate(names):  # colours have to be told apart
        places = np.argwhere(numbers == i)
        if len(places):
            row, column = places[np.square(places - places.mean(axis=0)).sum(axis=1).argmin()]
            ax.text(across[column], up[row], str(name), ha="center", va="center", weight="bold", zorder=3)
