"""What all pictures share: axes, colours, limits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastopt.core import checks
from fastopt.core.plain import Real

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Limits = tuple[float, float]

# Okabe and Ito, Color universal design, 2008: they differ for all kinds of colour vision.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = ("-", "--", ":", "-.")
STAR = "#F0E442"  # of the best point
LINE = "#8A99AD"  # thin lines behind what is shown
GRID = "#D8DEE6"
LONGEST = 24  # letters of a name
DECADES = 2.0  # from which a logarithmic scale shows more


def need_matplotlib() -> None:
    """Refuse to go on without it.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError("A plot needs matplotlib: pip install 'fastopt[plot]'.") from error


def new_axes(width: float, height: float) -> "Axes":
    """Return the axes of a new figure of this size in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def panels_for(
    names: Sequence[str],
    ax: "Axes | Sequence[Axes] | None",
    called: str,
    width: float,
    height: float,
    longest: int | None = None,
    sharey: bool = False,
) -> "list[Axes]":
    """Return the given axes, or those of a new figure, in rows of at most `longest`: one for each name.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: There are not as many axes as names, which messages call `called`.
    """
    given: Any = ax
    if ax is None:
        columns = min(len(names), longest or len(names))
        rows = -(-len(names) // columns)
        figure = new_axes(width * columns, height * rows).figure
        figure.clear()
        given = figure.subplots(rows, columns, squeeze=False, sharey=sharey).ravel()
        for panel in given[len(names) :]:
            panel.remove()
        given = given[: len(names)]
    panels: list[Any] = list(np.ravel(given))
    if len(panels) != len(names):
        raise ValueError(f"ax holds {len(panels)} axes for {len(names)} {called}: {', '.join(names)}.")
    return panels


def shortened(name: object) -> str:
    """Return a name that leaves room for the picture."""
    text = str(name)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"


def tidy(ax: "Axes") -> None:
    """Draw a grid, and no frame at the top and on the right."""
    ax.grid(color=GRID, linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def scale(ax: "Axes", values: Real) -> None:
    """Make the vertical scale logarithmic where these values cover so many powers of ten."""
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and np.log10(values.max() / values.min()) >= DECADES:
        ax.set_yscale("log")


def limits_of(name: str, given: Limits | None, seen: Real, margin: float = 0.15) -> Limits:
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
