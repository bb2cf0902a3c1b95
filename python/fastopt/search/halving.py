"""Successive halving: trials that do badly are not trained to the end."""

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from fastopt.core import checks
from fastopt.search.plain import MAX_TRIALS
from fastopt.search.points import drawn, values_at
from fastopt.search.run import Made, Search
from fastopt.search.scales import Scale
from fastopt.search.trials import Trial, Trials

__all__ = ["halving"]


def halving(
    function: Callable[..., Any],
    space: Mapping[str, Scale | list[Any] | range],
    x: Any,
    y: Any,
    *,
    trials: int = 27,
    epochs: int = 27,
    factor: int = 3,
    metric: str | None = None,
    mode: str = "auto",
    seed: int = 0,
    workers: int | None = None,
    backend: Any = "fleet",
    file: str | os.PathLike[str] | None = None,
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> Trials:
    """Search at random by successive halving: all are trained a little, the best of them further, few to the end.

    Rung j trains trials / factor^j models up to epochs / factor^(rungs - 1 - j) epochs, and the best 1 / factor go on,
    from where they are: 27 trials of 27 epochs are 27 of 1 epoch, 9 of 3, 3 of 9 and 1 of 27; that is 27 + 18 + 18 + 18
    epochs, not 729. Models that go on are kept in memory. They are not in the `file`: a search that goes on from it
    trains those that it needs again, to the same bits.

    Args:
        function: Returns a compiled model, or one with arguments of its ``fit``, as that of `random`.
        space: A scale for each hyperparameter; a list is a `Choice`.
        x: Inputs.
        y: Targets.
        trials: How many begin, at least 1.
        epochs: How long the last are trained, at least 1.
        factor: One of how many goes on, at least 2.
        metric: The value to search by, as `random` takes it; of a trial the best so far.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        seed: Decides what is drawn; trial k is that of `random`.
        workers: How many models are trained at a time.
        backend: What trains models, as `fastopt.fleet.fit` takes it: threads, joblib, a client of dask.
        file: JSON lines, from which a search goes on: one for each rung of each trial.
        verbose: What is shown, as `random` takes it.
        arguments: Those of the models' ``fit``.

    Returns:
        The table; those that did not go on are ``"dropped"``.

    Raises:
        TypeError, ValueError, OSError, KeyboardInterrupt: As `random`.

    Source:
        Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS 2016,
        arXiv:1502.07943; Li et al., Hyperband, JMLR 18, 2018, arXiv:1603.06560, on the lengths of the rungs.

    Example:
        >>> import fastopt as fo
        >>> def build(rate):
        ...     model = fo.Sequential([fo.layers.Dense(16, "relu"), fo.layers.Dense(10)], seed=0)
        ...     model.compile(fo.optimizers.SGD(rate), "sparse_categorical_crossentropy")
        ...     return model
        >>> x, y = fo.datasets.load_digits()
        >>> space = {"rate": fo.search.Log(1e-4, 10.0)}
        >>> trials = fo.search.halving(build, space, x, y, trials=9, epochs=9, validation_split=0.2, verbose=0)
        >>> sorted(trials.table["epochs"])
        [1, 1, 1, 1, 1, 1, 3, 3, 9]
    """
    trials = checks.integer("trials", trials, 1, MAX_TRIALS)
    epochs = checks.integer("epochs", epochs, 1, MAX_TRIALS)
    factor = checks.integer("factor", factor, 2, MAX_TRIALS)
    budgets = rungs(trials, epochs, factor)
    settings = {"by": "halving", "trials": trials, "epochs": epochs, "factor": factor}
    common = function, space, x, y, arguments, metric, mode, seed, workers, backend, file, verbose
    with Search(settings, *common) as search:
        done = {(trial.rung, trial.number): trial for trial in search.found}
        search.report.begin(sum(trials // factor**rung for rung in range(len(budgets))) - len(done))
        points = {k: values_at(search.trials.space, drawn(search.trials.space, search.seed, k)) for k in range(trials)}
        search.prepare(points)
        ladder = Ladder(search, points, budgets, done)
        numbers = list(points)
        for rung in range(len(budgets)):
            ladder.climb(rung, numbers)
            scored = [done[rung, k] for k in numbers if not math.isnan(done[rung, k].score)]
            best = sorted(scored, key=search.trials.rank)[: trials // factor ** (rung + 1)]
            numbers = [trial.number for trial in best]
    return search.trials


def rungs(trials: int, epochs: int, factor: int) -> list[int]:
    """Return up to which epoch each rung trains; the last rung has at least one trial, the first at least one epoch."""
    budgets = [epochs]
    while trials >= factor ** len(budgets) and budgets[0] > 1:
        budgets.insert(0, max(1, round(epochs / factor ** len(budgets))))
    return budgets


class Ladder:
    """The models of a search, and how far each has been trained.

    Args:
        search: The search.
        points: The hyperparameters of each trial.
        budgets: Up to which epoch each rung trains.
        done: What has become of each trial at each rung.
    """

    def __init__(
        self,
        search: Search,
        points: Mapping[int, dict[str, Any]],
        budgets: list[int],
        done: dict[tuple[int, int], Trial],
    ) -> None:
        self._search, self._points, self._budgets, self._done = search, points, budgets, done
        self._models: dict[int, Made] = {}
        self._trained: dict[int, int] = {}  # rungs of the models that there are

    def climb(self, rung: int, numbers: list[int]) -> None:
        """Do the rung of these trials, where it has not been done."""
        todo = [k for k in numbers if (rung, k) not in self._done]
        for k in self._models.keys() - {*todo}:
            del self._models[k]
        made = self._search.made({k: self._points[k] for k in todo if k not in self._models}, models_only=True)
        for own in made.values():
            if clash := own[1].keys() & {"epochs", "initial_epoch"}:
                raise ValueError(
                    f"function gives {sorted(clash)} of its own; halving says how long a model is trained."
                )
        self._models |= made
        self._trained |= dict.fromkeys(made, 0)
        for k in todo:
            if k not in self._models:  # it failed
                self._done[rung, k] = self._search.trials[k]
        for stage in range(rung + 1):  # a search that goes on begins with new models
            part = {k: self._models[k] for k in todo if k in self._models and self._trained[k] == stage}
            span = {"initial_epoch": self._budgets[stage - 1] if stage else 0, "epochs": self._budgets[stage]}
            for k, member in self._search.trained(part, **span):
                self._trained[k] = stage + 1
                if stage == rung:
                    self._end(rung, self._search.trial_of(k, self._points[k], member), member.model)

    def _end(self, rung: int, trial: Trial, model: Any) -> None:
        before = self._done.get((rung - 1, trial.number))
        trial.rung = rung
        if before is not None:
            trial.epochs += before.epochs
            trial.seconds += before.seconds
            sign = -1.0 if self._search.trials.larger_is_better else 1.0
            if sign * before.score < sign * trial.score:
                trial.score, trial.metrics = before.score, before.metrics
        if trial.state == "finished" and rung + 1 < len(self._budgets):
            trial.state = "dropped"  # until it goes on
        self._done[rung, trial.number] = trial
        self._search.end(trial, model)
