"""From coarse to fine: rounds of a random search, each in a smaller box around the best."""

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from fastopt.core import checks
from fastopt.search.plain import MAX_TRIALS
from fastopt.search.points import Point, drawn, values_at
from fastopt.search.run import Search
from fastopt.search.scales import Choice, Scale
from fastopt.search.trials import Trials

__all__ = ["zoom"]


def zoom(
    function: Callable[..., Any],
    space: Mapping[str, Scale | list[Any] | range],
    x: Any = None,
    y: Any = None,
    *,
    trials: int = 25,
    rounds: int = 4,
    shrink: float = 0.5,
    metric: str | None = None,
    mode: str = "auto",
    seed: int = 0,
    workers: int | None = None,
    backend: Any = "fleet",
    file: str | os.PathLike[str] | None = None,
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> Trials:
    """Search from coarse to fine: at random, then again and again in a smaller box around the best trial so far.

    A box has `shrink` times the width of the one before it on each scale, and lies within the space; a `Choice` is not
    narrowed. Each round waits for all trials of the one before it.

    Args:
        function: Makes a model or gives a score, as that of `random`.
        space: A scale for each hyperparameter; a list is a `Choice`.
        x: Inputs, for models.
        y: Targets, for models.
        trials: How many in all, at least `rounds`, among which they are divided as equally as can be.
        rounds: How many rounds, at least 1.
        shrink: The width of each box, more than 0 and less than 1.
        metric: The value to search by, as `random` takes it.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        seed: Decides what is drawn.
        workers: How many models are trained at a time.
        backend: What trains models, as `fastopt.fleet.fit` takes it: threads, joblib, a client of dask.
        file: JSON lines, from which a search goes on.
        verbose: What is shown, as `random` takes it.
        arguments: Those of the models' ``fit``.

    Returns:
        The table.

    Raises:
        TypeError, ValueError, OSError, KeyboardInterrupt: As `random`.

    Example:
        >>> import fastopt as fo
        >>> space = {"rate": fo.search.Log(1e-6, 1.0)}
        >>> trials = fo.search.zoom(lambda rate: abs(rate - 0.01), space, trials=30, rounds=5, verbose=0)
        >>> 0.009 < trials.best.params["rate"] < 0.011
        True
    """
    rounds = checks.integer("rounds", rounds, 1, MAX_TRIALS)
    trials = checks.integer("trials", trials, rounds, MAX_TRIALS)
    shrink = checks.real("shrink", shrink, 0.0, 1.0, above=True)
    settings = {"by": "zoom", "trials": trials, "rounds": rounds, "shrink": shrink}
    common = function, space, x, y, arguments, metric, mode, seed, workers, backend, file, verbose
    with Search(settings, *common) as search:
        search.report.begin(trials - len(search.trials))
        scales = search.trials.space
        box = dict.fromkeys(scales, (0.0, 1.0))  # where it begins, and its width
        points: dict[int, Point] = {}
        for i in range(rounds):
            numbers = range(len(points), len(points) + trials // rounds + (i < trials % rounds))
            for k in numbers:
                inside = drawn(scales, search.seed, k)
                points[k] = {name: low + width * inside[name] for name, (low, width) in box.items()}
            search.run({k: values_at(scales, points[k]) for k in numbers})
            best = next(trial for trial in search.trials.ranked() if trial.number in points)
            if not math.isnan(best.score):
                box = {name: _around(scales[name], points[best.number][name], shrink * box[name][1]) for name in box}
    return search.trials


def _around(scale: Scale, place: float, width: float) -> tuple[float, float]:
    """Return the box of this width that has a place in its middle, or as near to it as the space lets it."""
    return (0.0, 1.0) if isinstance(scale, Choice) else (min(max(place - width / 2, 0.0), 1.0 - width), width)
