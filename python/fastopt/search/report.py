"""What a search shows while it runs."""

from typing import Any

from fastopt.core import bars
from fastopt.core.registry import unknown_name
from fastopt.search.trials import Trial, Trials

__all__ = ["Report", "report"]


class Report:
    """Shows nothing; the base of what shows something."""

    def begin(self, total: int) -> None:
        """Called at the start with the number of trials to do."""

    def told(self, trial: Trial, trials: Trials) -> None:
        """Called when a trial has ended, with the table that has it."""

    def close(self) -> None:
        """Called once, at the end."""


class Bar(Report):
    """A bar over the trials, with the best score so far, on standard error."""

    _bar: Any = None

    def begin(self, total: int) -> None:
        """Show the bar."""
        self._bar = bars.bar(
            desc="trials", total=total, bar_format="{desc} {n}/{total} |{bar:10}| {elapsed}<{remaining}{postfix}"
        )

    def told(self, trial: Trial, trials: Trials) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(_best(trials), refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


class Lines(Report):
    """A line for each trial, on standard output."""

    def begin(self, total: int) -> None:
        """Note the number."""
        self._total, self._done = total, 0

    def told(self, trial: Trial, trials: Trials) -> None:
        """Write the line."""
        self._done += 1
        params = ", ".join(f"{n}={v:.4g}" if isinstance(v, float) else f"{n}={v}" for n, v in trial.params.items())
        how = f"{trials.metric} {trial.score:.4g}" if trial.score == trial.score else trial.state
        texts = (f"trial {trial.number}: {how}", params, f"{self._done}/{self._total}", _best(trials))
        print("  ".join(filter(None, texts)), flush=True)


def _best(trials: Trials) -> str:
    best = trials.first
    if best is None or best.score != best.score:
        return ""
    return f"best {trials.metric} {best.score:.4g} (trial {best.number})"


def report(verbose: object) -> Report:
    """Return what ``verbose`` asks for: 0 nothing, 1 a bar, 2 a line a trial, ``"auto"`` a bar where somebody sees it.

    Raises:
        ValueError: Anything else.
    """
    if verbose == "auto":
        return Bar() if bars.interactive() else Lines()
    for number, kind in enumerate((Report, Bar, Lines)):
        if verbose == number:
            return kind()
    raise unknown_name("verbose", verbose, ("auto", "0", "1", "2"))
