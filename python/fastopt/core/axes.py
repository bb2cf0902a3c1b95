"""Where a plot is drawn, if no axes are given."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def new_axes(width: float, height: float) -> "Axes":
    """Return the axes of a new figure of this size in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("A plot needs matplotlib: pip install 'fastopt[plot]'.") from error
    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]
