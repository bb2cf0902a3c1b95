"""Searches whose trials do not depend on each other: on a grid, and at random."""

import itertools
import os
from collections.abc import Callable, Mapping
from typing import Any

from fastopt.core import checks
from fastopt.search.points import drawn, values_at
from fastopt.search.run import Search
from fastopt.search.scales import Scale
from fastopt.search.trials import Trials

__all__ = ["grid", "random"]

MAX_TRIALS = 2**31


def random(
    function: Callable[..., Any],
    space: Mapping[str, Scale | list[Any] | range],
    x: Any = None,
    y: Any = None,
    *,
    trials: int = 25,
    metric: str | None = None,
    mode: str = "auto",
    seed: int = 0,
    workers: int | None = None,
    backend: Any = "fleet",
    file: str | os.PathLike[str] | None = None,
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> Trials:
    """Search at random: each trial draws its hyperparameters from their scales.

    The draws of trial k depend on the seed, k and the names of the hyperparameters alone. Models are trained side by
    side, each as its own ``fit`` would train it. So the table is the same for any number of workers. With a `file` a
    search that was ended in whatever way goes on, also with more `trials`; what it has done is not done again.

    Args:
        function: Called with the hyperparameters by name. It returns a compiled model; a model and a dict of arguments
            of its ``fit``, such as ``batch_size``; or the score itself, a number or a dict of numbers with `metric`.
        space: A scale for each hyperparameter; a list is a `Choice`.
        x: Inputs, for models.
        y: Targets, for models.
        trials: How many, at least 1.
        metric: The value to search by; of a model that of its best epoch. None is ``"val_loss"``, or the number that
            `function` returns.
        mode: ``"min"``, ``"max"`` or ``"auto"``: accuracies and the like of a model are to grow, the rest to fall.
        seed: Decides what is drawn, 0 <= seed < 2**64.
        workers: How many models are trained at a time; None is as many as `get_num_threads` allows.
        backend: What trains models, as `fastopt.fleet.fit` takes it: threads, joblib, a client of dask.
        file: JSON lines: each trial that has ended is one, on the disk before the next begins. A search that finds the
            file goes on from it.
        verbose: 0 silent, 1 a bar with the best score so far, 2 a line a trial, ``"auto"`` a bar in a terminal or a
            notebook and lines elsewhere.
        arguments: Those of the models' ``fit``: `epochs`, `validation_split`, `callbacks`, ...

    Returns:
        The table. Trials that raised or diverged are in it, and do not end the search.

    Raises:
        TypeError: `function` does not take the hyperparameters or returns something else, or another argument has the
            wrong type.
        ValueError: An argument is out of its range, `metric` is not among the values, or `file` is that of another
            search.
        OSError: The file cannot be written, or another process writes it.
        KeyboardInterrupt: Ctrl-C; its attribute ``trials`` is the table of those that have ended.

    Warns:
        UserWarning: Trials have failed; and what models warn of, once for all that warn of the same.

    Source:
        Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13, 2012.

    Example:
        >>> import fastopt as fo
        >>> def build(rate, units):
        ...     model = fo.Sequential([fo.layers.Dense(units, "relu"), fo.layers.Dense(10)], seed=0)
        ...     model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
        ...     return model
        >>> x, y = fo.datasets.load_digits()
        >>> space = {"rate": fo.search.Log(1e-4, 1.0), "units": fo.search.Integer(8, 64, log=True)}
        >>> trials = fo.search.random(build, space, x, y, trials=8, epochs=3, validation_split=0.2, verbose=0)
        >>> trials.best.params["rate"] < 0.1, trials.best.score == trials.best.metrics["val_loss"]
        (True, True)
    """
    checks.integer("trials", trials, 1, MAX_TRIALS)
    common = function, space, x, y, arguments, metric, mode, seed, workers, backend, file, verbose
    with Search({"by": "random"}, *common) as search:
        points = {k: values_at(search.trials.space, drawn(search.trials.space, search.seed, k)) for k in range(trials)}
        search.report.begin(sum(not search.trials.has(k) for k in points))
        search.run(points)
    return search.trials


def grid(
    function: Callable[..., Any],
    space: Mapping[str, Scale | list[Any] | range],
    x: Any = None,
    y: Any = None,
    *,
    levels: int | Mapping[str, int] = 5,
    metric: str | None = None,
    mode: str = "auto",
    workers: int | None = None,
    backend: Any = "fleet",
    file: str | os.PathLike[str] | None = None,
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> Trials:
    """Search on a grid: every combination of some values of each hyperparameter, evenly spread on its scale.

    With two hyperparameters, 25 trials try 5 values of each; as many by `random` try 25 of each.

    Args:
        function: Makes a model or gives a score, as that of `random`.
        space: A scale for each hyperparameter; a list is a `Choice`, of which all values are tried.
        x: Inputs, for models.
        y: Targets, for models.
        levels: How many values of each, both ends among them; or a dict, by name, of those that are not to have 5.
        metric: The value to search by, as `random` takes it.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
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
        >>> space = {"a": fo.search.Linear(0.0, 1.0), "b": fo.search.Log(0.01, 1.0)}
        >>> trials = fo.search.grid(lambda a, b: a + b, space, verbose=0)
        >>> len(trials), len(set(trials.table["param_a"])), trials.best.params
        (25, 5, {'a': 0.0, 'b': 0.01})
    """
    common = function, space, x, y, arguments, metric, mode, 0, workers, backend, file, verbose
    counts = dict(levels) if isinstance(levels, Mapping) else levels
    with Search({"by": "grid", "levels": counts}, *common) as search:
        scales = search.trials.space
        if isinstance(counts, dict) and (unknown := counts.keys() - scales.keys()):
            raise ValueError(f"levels has {sorted(map(str, unknown))}; the hyperparameters are {[*scales]}.")
        each = {name: counts.get(name, 5) if isinstance(counts, dict) else counts for name in scales}
        values = [scale.levels(checks.integer("levels", each[name], 1, MAX_TRIALS)) for name, scale in scales.items()]
        points = {k: dict(zip(scales, point, strict=True)) for k, point in enumerate(itertools.product(*values))}
        search.report.begin(sum(not search.trials.has(k) for k in points))
        search.run(points)
    return search.trials
