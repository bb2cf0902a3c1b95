"""What `Sequential.fit` shows while it trains: a bar in a terminal or a notebook, one line an epoch in a pipe."""

from typing import Any

from fastopt.core import bars
from fastopt.core.registry import unknown_name
from fastopt.model.callbacks.base import Callback, Logs

BAR = "{desc} {percentage:3.0f}%|{bar:10}| {elapsed}<{remaining}{postfix}  {rate_fmt}"

# What the history has and a line has no room for.
NOT_SHOWN = ("learning_rate", "seconds", "samples_per_second")


class Progress(Callback):
    """Shows nothing; the base of what shows something."""

    def poll(self, batches: int) -> None:
        """Called about twenty times a second with the number of batches of this epoch that are done."""

    def close(self) -> None:
        """Called once at the end, however training ended."""

    def _name(self, epoch: int) -> str:
        epochs = str(self.params["epochs"])
        return f"epoch {epoch + 1:>{len(epochs)}}/{epochs}"


class Lines(Progress):
    """One line an epoch on standard output."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Print the line."""
        print("  ".join([self._name(epoch), f"{logs['seconds']:.3f} s", *_values(logs)]), flush=True)


class Bar(Progress):
    """One bar over all epochs on standard error, counting samples."""

    _bar: Any = None

    def on_train_begin(self) -> None:
        """Open the bar."""
        self._start = self.params["initial_epoch"]
        self._samples = self.params["samples"]
        self._bar = bars.bar(
            desc=self._name(self._start),
            total=(self.params["epochs"] - self._start) * self._samples,
            unit=" samples",
            unit_scale=True,
            bar_format=BAR,
        )

    def on_epoch_begin(self, epoch: int) -> None:
        """Say which epoch it is."""
        self._batch = -(-self._samples // self.params["batches"])
        self._done = (epoch - self._start) * self._samples
        self._bar.set_description_str(self._name(epoch), refresh=False)

    def poll(self, batches: int) -> None:
        """Move the bar inside the epoch."""
        self._move(self._done + min(batches * self._batch, self._samples))

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Move the bar to the end of the epoch and show the values."""
        self._bar.set_postfix_str("  ".join(_values(logs)), refresh=False)
        self._move(self._done + self._samples)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def _move(self, samples: int) -> None:
        self._bar.update(samples - self._bar.n)


def _values(logs: Logs) -> list[str]:
    return [f"{name} {value:.4g}" for name, value in logs.items() if name not in NOT_SHOWN]


def progress(verbose: object) -> Progress:
    """Return what ``verbose`` asks for.

    Args:
        verbose: 0 for nothing, 1 for a bar, 2 for one line an epoch, ``"auto"`` for a bar in a terminal or a notebook
            and lines elsewhere.

    Raises:
        ValueError: Anything else.
    """
    if verbose == "auto":
        return Bar() if bars.interactive() else Lines()
    for number, kind in enumerate((Progress, Bar, Lines)):
        if verbose == number:
            return kind()
    raise unknown_name("verbose", verbose, ("auto", "0", "1", "2"))
