"""Series over time: weighted averages of values, and curves of learning rates."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt import schedules as rates
from fastopt.core import checks
from fastopt.core.axes import COLORS, LINE, STYLES, new_axes, tidy
from fastopt.tools.diagnose import weighted_average

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["averages", "schedules"]


def averages(series: ArrayLike, betas: float | Sequence[float] = (0.9, 0.98), ax: "Axes | None" = None) -> "Axes":
    """Draw a series and its exponential averages; see `fastopt.weighted_average`.

    The lines are corrected for the start at zero, the dashed ones are not: they begin too low. The larger beta, the
    more values are averaged, about 1 / (1 - beta), and the later a change is seen.

    Args:
        series: The values ``[times]``.
        betas: How much of the average is kept each time, at least 0 and less than 1; one number or several.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `series` does not hold numbers, or a beta is not one.
        ValueError: There is no time or no beta, a value is NaN or infinite, or a beta is out of its range.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> t = np.arange(200)
        >>> series = 20 - 15 * np.cos(t / 30) + np.random.default_rng(0).normal(0, 4, 200)
        >>> ax = fo.plotting.averages(series, [0.5, 0.9, 0.98])  # doctest: +SKIP
        >>> ax.figure.savefig("averages.png")  # doctest: +SKIP
    """
    kept: list[Any] = checks.items("betas", betas) if np.ndim(betas) else [betas]
    values = checks.array("series", series)
    if values.ndim != 1:
        raise ValueError(f"series has shape {values.shape}; expected one value for each time, (times,).")
    if not kept:
        raise ValueError("betas is empty: there is no average to draw.")
    drawn = [[weighted_average(values, beta, correct) for correct in (True, False)] for beta in kept]
    times = np.arange(1, len(values) + 1)
    ax = new_axes(6.4, 3.8) if ax is None else ax
    ax.plot(times, values, "o", color=LINE, markersize=2.5, label="values")
    for i, (beta, (corrected, plain)) in enumerate(zip(kept, drawn, strict=True)):
        color = COLORS[i % len(COLORS)]
        ax.plot(times, corrected, color=color, linewidth=2, label=f"β = {beta:g}")
        ax.plot(times, plain, "--", color=color, linewidth=1.2, label="_not corrected")
    ax.plot([], [], "--", color="black", linewidth=1.2, label="not corrected")
    ax.set_xlabel("time")
    ax.set_ylabel("value")
    tidy(ax)
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def schedules(
    schedules: Mapping[str, rates.Rate] | Sequence[rates.Rate], stop: int | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw learning rates, or other hyperparameters, over the steps or the epochs, several in one picture.

    Args:
        schedules: Schedules, functions of the step or numbers, by what each is to be called; in a list schedules are
            called what they print.
        stop: The time up to which they are drawn, at least 1; by default about as far as they change.
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `schedules` holds something else.
        ValueError: There is none, some count steps and some epochs, or `stop` is less than 1.

    Example:
        >>> import fastopt as fo
        >>> cosine = fo.schedules.Cosine(0.1, steps=800)
        >>> several = {"cosine": cosine, "after a warm-up": fo.schedules.Warmup(cosine, steps=100)}
        >>> ax = fo.plotting.schedules(several)  # doctest: +SKIP
        >>> ax.figure.savefig("schedules.png")  # doctest: +SKIP
    """
    given = (
        schedules if isinstance(schedules, Mapping) else {str(one): one for one in checks.items("schedules", schedules)}
    )
    if not given:
        raise ValueError("There is no schedule to draw.")
    for label, rate in given.items():
        if not callable(rate):
            checks.real(f"schedules[{label!r}]", rate)
    units = {rates.unit(rate) for rate in given.values() if callable(rate)}
    if len(units) > 1:
        raise ValueError("Some schedules count steps and some epochs: draw them apart.")
    [unit] = units or {"step"}
    spans = [rate._span() for rate in given.values() if isinstance(rate, rates.Schedule)]
    t = np.arange(1 + checks.integer("stop", max(spans, default=100) if stop is None else stop, 1), dtype=np.float64)
    drawn = {label: rates.values(rate, t) for label, rate in given.items()}
    ax = new_axes(6.4, 3.4 + 0.2 * len(drawn)) if ax is None else ax
    for i, (label, values) in enumerate(drawn.items()):
        color, style = COLORS[i % len(COLORS)], STYLES[i % len(STYLES)]
        shape = "steps-post" if unit == "epoch" else "default"
        ax.plot(t, values, style, color=color, drawstyle=shape, linewidth=2, label=label)
    ax.set_xlabel(unit)
    ax.set_ylabel("learning rate")
    ax.set_xlim(0, t[-1])
    ax.set_ylim(0, 1.05 * max(values.max() for values in drawn.values()) or 1.0)
    tidy(ax)
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), handlelength=3)
    return ax
