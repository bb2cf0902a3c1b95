"""What all searches have in common: trials are done, side by side where they are models, and written down."""

import inspect
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Self

import numpy as np

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import unknown_name, word
from fastopt.core.warn import collected, warn
from fastopt.fleet import Member, iterate
from fastopt.model.weighted import Weighted
from fastopt.search.journal import Journal, plain
from fastopt.search.report import report
from fastopt.search.scales import checked_space
from fastopt.search.trials import Trial, Trials

__all__ = ["Search"]

Params = dict[str, Any]
Made = tuple[Any, dict[str, Any]]  # a model, and arguments of its `fit`
AT_ONCE = 16  # models made before they are trained, for each worker
VALIDATION = ("validation_data", "validation_split", "validation_rows")
SPEED = ("seconds", "samples_per_second")


class Search:
    """The trials of a search that are done, and what does the others; a block within which they are.

    Args:
        settings: What must be the same for a file to go on with, beside the space.
        function: Makes a model, or gives a score.
        space: The scales.
        x: Inputs.
        y: Targets.
        fit: Arguments of ``fit``.
        metric: What is searched by, or None.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        seed: Decides what is drawn.
        workers: How many models are trained at a time.
        backend: What trains them.
        file: The file, or None.
        verbose: What is shown.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        function: Callable[..., Any],
        space: Mapping[str, Any],
        x: Any,
        y: Any,
        fit: Mapping[str, Any],
        metric: str | None,
        mode: str,
        seed: int,
        workers: int | None,
        backend: Any,
        file: str | os.PathLike[str] | None,
        verbose: int | bool | str,
    ) -> None:
        self.function = checks.function("function", function, ", of hyperparameters")
        self.seed = checks.integer("seed", seed, 0, 2**64)
        if not isinstance(metric, str | None):
            raise TypeError(f"metric must be the name of a value, such as 'val_loss', not {metric!r}.")
        self._metric, self._mode = metric, word("mode", mode, ("auto", "min", "max"))
        self._workers = None if workers is None else checks.integer("workers", workers, 1, 2**31)
        self._backend = backend
        self._file = None if file is None else checks.path("file", file)
        self.report = report(verbose)
        self._data, self._fit = {"x": x, "y": y}, dict(fit)
        self.trials = Trials(checked_space(space))
        self.found: list[Trial] = []  # that the file has, in its order
        self._settings = dict(settings) | {"seed": self.seed, "metric": metric, "mode": mode}
        self._judged = False
        self._journal: Journal | None = None
        self._said: set[str] = set()
        self._failed: list[Trial] = []

    # The file

    def __enter__(self) -> Self:
        if self._file is not None:
            self._journal = Journal(self._file)
            try:
                self._read(self._journal.rows)
            except BaseException:
                self._journal.close()
                raise
        return self

    def _read(self, rows: list[dict[str, Any]]) -> None:
        head = self.trials.head() | {"search": plain(self._settings)}
        if not rows:
            return self._write(head)
        if rows[0] != head:
            names = [name for name in ("space", "search") if rows[0].get(name) != head[name]]
            there, here = ({name: line.get(name) for name in names} for line in (rows[0], head))
            raise ValueError(f"{self._file} is the file of another search: it has {there}, and this one {here}.")
        for row in rows[1:]:
            self.trials.take(row)
            if "trial" in row:
                self.found.append(Trial.of_row(row))
            self._judged |= "metric" in row

    def _write(self, row: Mapping[str, Any]) -> None:
        if self._journal is not None:
            self._journal.append(dict(row))

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.report.close()
        if self._journal is not None:
            self._journal.close()
        if isinstance(error, KeyboardInterrupt):
            error.trials = self.trials  # type: ignore[attr-defined]
        if error is None and self._failed:
            first = self._failed[0]
            warn(
                f"{len(self._failed)} of {len(self.trials)} trials failed, the first of them trial {first.number} with "
                f"{first.params}: {first.error or 'its score is not finite'}"
            )

    # Trials

    def run(self, points: Mapping[int, Params]) -> None:
        """Do those of these trials that are not in the table, side by side where they are models."""
        self.prepare(points)
        todo = [number for number in points if not self.trials.has(number)]
        size = AT_ONCE * (_core.runtime.num_threads() if self._workers is None else self._workers)
        for first in range(0, len(todo), size):
            part = {number: points[number] for number in todo[first : first + size]}
            made = self.made(part)
            for number, member in self.trained(made):
                self.end(self.trial_of(number, part[number], member), member.model)

    def prepare(self, points: Mapping[int, Params]) -> None:
        """Give the trials of the file their hyperparameters, and refuse a function that does not take such."""
        for number, params in points.items():
            if self.trials.has(number):
                self.trials[number].params = params  # which JSON may have changed
        try:
            signature = inspect.signature(self.function)
        except ValueError:  # of a function that is not Python
            return
        try:
            signature.bind(**self.trials.space)
        except TypeError as error:
            names = ", ".join(self.trials.space)
            raise TypeError(f"function{signature} does not take the hyperparameters {names}: {error}.") from None

    def made(self, points: Mapping[int, Params], models_only: bool = False) -> dict[int, Made]:
        """Return the models of these trials, by number; those that gave a score or failed have ended."""
        models = {}
        for number, params in points.items():
            began = time.perf_counter()
            try:
                result = self.function(**params)
            except Exception as error:
                self.end(Trial(number, params, "failed", error=_text(error)))
                continue
            seconds = time.perf_counter() - began
            model, own = result if isinstance(result, tuple) and len(result) == 2 else (result, {})
            if isinstance(model, Weighted) and isinstance(own, Mapping):
                models[number] = model, dict(own)
            elif models_only:
                raise TypeError(f"function must return a compiled model, which is trained further, not {result!r}.")
            else:
                self.end(self._scored(Trial(number, params, seconds=seconds), result))
        return models

    def trained(self, models: Mapping[int, Made], **given: Any) -> Iterator[tuple[int, Member]]:
        """Train models side by side, and give the number and what has become of each as it ends."""
        if not models:
            return
        numbers = list(models)
        self._check_models(next(iter(models.values())))
        each = [own | given for _, own in models.values()]
        shared: dict[str, Any] = self._data | self._fit
        how: dict[str, Any] = {"workers": self._workers, "backend": self._backend}
        members = iterate([m for m, _ in models.values()], each=each, verbose=0, **how, **shared)
        with closing(members):  # type: ignore[type-var]
            while True:
                # What models warn of is said of their trials, not of their places in the fleet.
                with collected() as warnings:
                    member = next(members, None)
                number = -1 if member is None else numbers[member.index]
                for text, category in warnings:
                    text = re.sub(r"^models\[\d+\]", f"trial {number}", text)
                    kind = re.sub(r"^trial \d+", "", text)
                    if kind not in self._said:
                        self._said.add(kind)
                        warn(text, category)
                if member is None:
                    return
                if member.error is not None and not isinstance(member.error, Exception):
                    raise member.error
                yield number, member

    def end(self, trial: Trial, model: Any = None) -> None:
        """Take a trial into the table and the file."""
        self.trials.put(trial)
        self._write(trial.row())
        if trial.state in ("failed", "diverged"):
            self._failed.append(trial)
        if self.trials.first is trial:
            self.trials.model = model
        self.report.told(trial, self.trials)

    # Scores

    def trial_of(self, number: int, params: Params, member: Member) -> Trial:
        """Return the trial of a model that has been trained."""
        history = member.history.history
        trial = Trial(number, params, member.ending, epochs=len(member.history.epoch))
        trial.seconds = math.fsum(history.get("seconds", ()))
        if member.error is not None:
            trial.error = _text(member.error)
            trial.state = "diverged" if isinstance(member.error, FloatingPointError) else "failed"
            return trial
        if not member.history.epoch:
            return trial
        metric = self._metric or "val_loss"
        names = [name for name in history if name not in SPEED]
        if metric not in names:
            raise unknown_name("metric", metric, names)
        self._judge(metric, member.history.growing.get(metric.removeprefix("val_"), False))
        values = np.array(history[metric]) * (-1.0 if self.trials.larger_is_better else 1.0)
        if not np.isfinite(values).any():
            trial.state = "diverged"
            return trial
        best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        trial.metrics = {name: float(history[name][best]) for name in names}
        trial.score = trial.metrics[metric]
        return trial

    def _scored(self, trial: Trial, result: Any) -> Trial:
        metric = self._metric or ("val_loss" if isinstance(result, Mapping) else "score")
        values = dict(result) if isinstance(result, Mapping) else {metric: result}
        if metric not in values:
            raise unknown_name("metric", metric, map(str, values))
        try:
            trial.metrics = {str(name): float(value) for name, value in values.items()}
        except (TypeError, ValueError):
            raise TypeError(
                "function must return a compiled model, a model with a dict of arguments of fit, a score, or a dict of "
                f"numbers, not {result!r}."
            ) from None
        self._judge(metric, False)
        trial.score = trial.metrics[metric]
        if not math.isfinite(trial.score):
            trial.state, trial.score = "diverged", math.nan
        return trial

    def _judge(self, metric: str, growing: bool) -> None:
        """Note what is searched by, which the first trial tells that has a score."""
        if not self._judged:
            self._judged = True
            self.trials.metric = metric
            self.trials.larger_is_better = self._mode == "max" or (self._mode == "auto" and growing)
            self._write(self.trials.judged())

    def _check_models(self, made: Made) -> None:
        """Refuse what would fail for every model alike."""
        given = {name: value for name, value in (self._data | self._fit | made[1]).items() if value is not None}
        if "x" not in given:
            raise TypeError("x is missing: function returns models, which are trained with x and y.")
        metric = self._metric or "val_loss"
        if metric.startswith("val_") and not any(name in given for name in VALIDATION):
            raise ValueError(
                f"metric is {metric!r}, and there is nothing to validate with: give validation_split or "
                f"validation_data, or search by {metric.removeprefix('val_')!r}."
            )


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
