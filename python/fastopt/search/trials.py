"""What a search has found: a table with a row for each trial."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastopt.core import checks
from fastopt.core.files import replaced
from fastopt.core.table import Table
from fastopt.search.journal import HEAD, plain, read
from fastopt.search.scales import SCALES, Scale, described

__all__ = ["Trial", "Trials", "load"]

SHOWN = 10  # rows of a printed table


@dataclass
class Trial:
    """A trial of a search.

    Attributes:
        number: Its number, from 0; with the seed it decides the hyperparameters that are drawn.
        params: The hyperparameters.
        state: ``"finished"``; ``"stopped"``: before the last epoch, by a callback or a solver that has converged;
            ``"dropped"``: not trained further by `halving`; ``"diverged"``; or ``"failed"``: by `error`.
        score: The value that was searched by, of a model that of its best epoch; NaN if there is none.
        rung: How often `halving` has trained it further.
        epochs: How many epochs the model was trained.
        seconds: How long they took, or the call of a function that gave the score itself.
        metrics: All values of the epoch of the score, or all that the function gave.
        error: What was raised, as a text, or empty.
    """

    number: int
    params: dict[str, Any]
    state: str = "finished"
    score: float = math.nan
    rung: int = 0
    epochs: int = 0
    seconds: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    error: str = ""

    def row(self) -> dict[str, Any]:
        """Return the trial as values that JSON can hold."""
        return {"trial" if name == "number" else name: plain(value) for name, value in vars(self).items()}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Trial":
        """Return the trial of what `row` returned."""
        values = dict(row)
        values["number"] = values.pop("trial")
        values["metrics"] = {name: _number(value) for name, value in row["metrics"].items()}
        return cls(**values | {"score": _number(row["score"])})


class Trials(Table):
    """The trials of a search, in the order of their numbers: a list, and a table.

    Attributes:
        space: The scale of each hyperparameter.
        metric: What the score is called.
        larger_is_better: Whether it is to grow.
        first: The first by rank; None while there are no trials.
        model: The model of the best trial as its training left it; None where an earlier process trained it.

    Example:
        >>> import fastopt as fo
        >>> space = {"x": fo.search.Linear(-1.0, 3.0), "y": ["a", "b"]}
        >>> trials = fo.search.grid(lambda x, y: (x - 1) ** 2 + (y == "b"), space, levels=5, verbose=0)
        >>> len(trials), trials.best.params, trials.best.score
        (10, {'x': 1.0, 'y': 'a'}, 0.0)
    """

    def __init__(self, space: Mapping[str, Scale], metric: str = "score", larger_is_better: bool = False) -> None:
        self.space = dict(space)
        self.metric = metric
        self.larger_is_better = larger_is_better
        self.model: Any = None
        self.first: Trial | None = None
        self._trials: dict[int, Trial] = {}

    def put(self, trial: Trial) -> None:
        """Take a trial into the table, in the place of an earlier row of its number."""
        self._trials[trial.number] = trial
        if self.first is None or self.first.number == trial.number:
            self.first = min(self._trials.values(), key=self.rank)
        else:
            self.first = min(self.first, trial, key=self.rank)

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter([self._trials[number] for number in sorted(self._trials)])

    def has(self, number: int) -> bool:
        """Return whether there is a trial of this number."""
        return number in self._trials

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def ranked(self) -> list[Trial]:
        """Return the trials by `rank`."""
        return sorted(self, key=self.rank)

    def rank(self, trial: Trial) -> tuple[bool, float, int]:
        """Return what sorts trials: the best first, equal ones by number, and those without a score at the end."""
        missing = math.isnan(trial.score)
        return missing, 0.0 if missing else trial.score * (-1.0 if self.larger_is_better else 1.0), trial.number

    @property
    def best(self) -> Trial:
        """The best trial.

        Raises:
            ValueError: None has a score.
        """
        if self.first is None or math.isnan(self.first.score):
            errors = "; ".join(dict.fromkeys(trial.error for trial in self if trial.error))
            raise ValueError(f"No trial of {len(self)} has a score{': ' + errors if errors else ''}.")
        return self.first

    @property
    def table(self) -> dict[str, list[Any]]:
        """The columns of a table with a row for each trial; those of hyperparameters begin with ``param_``."""
        trials = list(self)
        names = ("number", "state", "score", "rung", "epochs", "seconds", "error")
        columns = {"trial" if name == "number" else name: [getattr(t, name) for t in trials] for name in names}
        error = columns.pop("error")
        for name in self.space:
            columns[f"param_{name}"] = [trial.params[name] for trial in trials]
        for name in dict.fromkeys(name for trial in trials for name in trial.metrics):
            columns[f"metric_{name}"] = [trial.metrics.get(name, math.nan) for trial in trials]
        return columns | {"error": error}

    def to_jsonl(self, path: str | os.PathLike[str]) -> None:
        """Write the table as JSON lines, which `load` reads: the space and the metric, then a line for each trial.

        Args:
            path: The file; one that exists is replaced.

        Raises:
            OSError: The file cannot be written.
        """
        lines = [self.head() | self.judged(), *(trial.row() for trial in self)]
        with replaced(path) as file:
            file.write("".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode())

    def head(self) -> dict[str, Any]:
        """Return the space as values that JSON can hold."""
        return HEAD | {"space": {name: described(scale, plain) for name, scale in self.space.items()}}

    def judged(self) -> dict[str, Any]:
        """Return the metric as values that JSON can hold."""
        return {"metric": self.metric, "larger_is_better": self.larger_is_better}

    def take(self, row: Mapping[str, Any]) -> None:
        """Take a line of a file, of a trial or of the metric."""
        if "trial" in row:
            self.put(Trial.of_row(row))
        elif "metric" in row:
            self.metric, self.larger_is_better = row["metric"], row["larger_is_better"]

    def __repr__(self) -> str:
        """The best trials, as a table."""
        names = [*self.space]
        rows = [["trial", self.metric, *names, "state"]]
        for trial in self.ranked()[:SHOWN]:
            values = [trial.score, *(trial.params[name] for name in names)]
            rows.append([str(trial.number), *map(_text, values), trial.state])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        more = len(self) - SHOWN
        return "\n".join(lines + ([f"and {more} more"] if more > 0 else []))


def load(path: str | os.PathLike[str]) -> Trials:
    """Return the trials of a file that a search or `Trials.to_jsonl` has written.

    Args:
        path: The file; a search may still be writing it.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not the file of a search.

    Example:
        >>> import fastopt as fo, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "search.jsonl")
        >>> space = {"x": fo.search.Linear(-1.0, 3.0)}
        >>> trials = fo.search.random(lambda x: (x - 1) ** 2, space, trials=4, file=path, verbose=0)
        >>> fo.search.load(path).best == trials.best
        True
    """
    rows, _ = read(checks.path("path", path))
    if not rows:
        raise ValueError(f"{os.fsdecode(path)} is empty: its search has not finished a trial.")
    trials = Trials({name: SCALES.resolve(scale) for name, scale in rows[0]["space"].items()})
    for row in rows:
        trials.take(row)
    return trials


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
