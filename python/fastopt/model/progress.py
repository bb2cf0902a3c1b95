"""What models show while they work: a bar in a terminal or a notebook, one line an epoch of `fit` in a pipe."""

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from fastopt.core import bars
from fastopt.core.registry import unknown_name
from fastopt.model.callbacks.base import Callback, Logs

# The first that fits into the terminal is shown.
FORMS = (
    "{desc} {percentage:3.0f}%|{bar:10}| {elapsed}<{remaining}{postfix}  {rate_fmt}",
    "{desc} {percentage:3.0f}%|{bar:10}| {elapsed}<{remaining}{postfix}",
    "{desc} {percentage:3.0f}%|{bar:5}| {elapsed}<{remaining}{postfix}",
)
# A notebook draws the bar itself.
NOTEBOOK = (FORMS[0].replace("{bar:10}", "{bar}"),)
INTERVAL = 0.05  # seconds after which values are shown anew: tqdm draws half as often
PATIENCE = 1.0  # seconds after which `predict` and `evaluate` show a bar

# What the history has and a line leaves out.
NOT_SHOWN = ("learning_rate", "seconds", "samples_per_second")


class Progress(Callback):
    """Shows nothing; the base of what shows something."""

    def poll(self, samples: int) -> None:
        """Called about twenty times a second with the number of samples of this epoch that are done."""

    def validate(self, name: str, samples: int, batch_size: int, run: Callable[..., Any], *given: Any) -> Any:
        """Return ``run(*given)``, which goes through samples of the validation."""
        return run(*given)

    def close(self) -> None:
        """Called once at the end, however training ended."""

    def _name(self, epoch: int) -> str:
        epochs = str(self.params["epochs"])
        return f"epoch {epoch + 1:>{len(epochs)}}/{epochs}"


class Lines(Progress):
    """One line an epoch on standard output."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Print the line."""
        import shutil  # which takes milliseconds to import

        head = f"{self._name(epoch)}  {logs['seconds']:.3f} s  "
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf
        texts = [*_texts(logs)]
        print(head + next((text for text in texts if len(head + text) <= columns), texts[-1]), flush=True)


class Bar(Progress):
    """One bar over all epochs on standard error, counting samples."""

    _bar: Any = None
    _done = 0  # samples of epochs that have ended

    def on_train_begin(self) -> None:
        """Open the bar."""
        self._logs, self._shown_at, self._told_at = Logs(), -math.inf, -math.inf
        self._validated = Counter[str]()  # samples of the validation of this epoch that each pass has done
        self._start = self.params["initial_epoch"]
        self._bar = bars.bar(
            desc=self._name(self._start),
            total=self._total(self._start),
            unit=" samples",
            unit_scale=True,
            bar_format=_forms()[0],
        )

    def on_epoch_begin(self, epoch: int) -> None:
        """Say which epoch it is, and how many samples there are, of which an iterable tells as it goes."""
        self._done = self._bar.n
        self._bar.total = self._total(epoch)
        self._bar.set_description_str(self._name(epoch), refresh=False)

    def poll(self, samples: int) -> None:
        """Move the bar inside the epoch."""
        self._move(self._done + samples)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Show the values."""
        self._logs = logs
        self._validated.clear()
        if self._told_at > self._shown_at or time.perf_counter() - self._shown_at >= INTERVAL:
            self._show()

    def validate(self, name: str, samples: int, batch_size: int, run: Callable[..., Any], *given: Any) -> Any:
        """Show how many samples are done beside the bar, which counts those of the training."""
        before = self._validated[name]

        def poll(batches: int) -> None:
            self._validated[name] = before + min(batches * batch_size, samples)
            if (now := time.perf_counter()) - max(self._shown_at, self._told_at) >= INTERVAL:
                self._say(f"validation {self._validated[name]:,} samples")
                self._told_at = now

        result = run(*given, poll)
        poll(samples)
        return result

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._show()
            self._bar.close()

    def _move(self, samples: int) -> None:
        self._bar.update(samples - self._bar.n)

    def _total(self, epoch: int) -> int | None:
        samples = self.params["samples"]
        return None if samples is None else self._done + (self.params["epochs"] - epoch) * samples

    def _show(self) -> None:
        """Show the last values."""
        if self._logs:
            self._bar.bar_format, text = self._fitting(self._logs)
            self._say(text)
            self._shown_at = time.perf_counter()

    def _say(self, text: str) -> None:
        self._bar.set_postfix_str(text)

    def _fitting(self, logs: Logs) -> tuple[str, str]:
        """Return the form of the bar and the text of the values that show most in the columns of the terminal."""
        state = self._bar.format_dict
        shown = [(form, text) for text in _texts(logs) for form in _forms()]
        if bars.in_notebook() or state["ncols"] is None:
            return shown[0]
        for form, text in shown:
            whole = self._bar.format_meter(**state | {"ncols": None, "bar_format": form, "postfix": text})
            if len(whole) <= state["ncols"]:
                return form, text
        return shown[-1]


def shown(verbose: object, name: str, samples: int, batch_size: int, run: Callable[..., Any], *given: Any) -> Any:
    """Return ``run(*given, poll)`` of a pass through samples, with a bar if it lasts; one of one batch has none.

    Args:
        verbose: 0 or 2 for no bar, 1 for a bar, ``"auto"`` for a bar in a terminal or a notebook, removed at the end;
            or the `Progress` of a training, which validates.
        name: What the pass is called.
        samples: The number of samples.
        batch_size: How many of them are a batch.
        run: The function; it calls `poll` with the number of batches done.
        given: Its other arguments.

    Raises:
        ValueError: `verbose` is something else.
    """
    if verbose not in ("auto", 0, 1, 2):  # for these no object is made: a call takes microseconds
        progress(verbose)
    if isinstance(verbose, Progress):
        return verbose.validate(name, samples, batch_size, run, *given)
    if samples <= batch_size or not (verbose == "auto" or verbose == 1):
        return run(*given)
    with Pass(verbose == "auto", name, samples, batch_size) as poll:
        return run(*given, poll)


class Pass:
    """A bar for a pass that lasts longer than a second."""

    def __init__(self, auto: bool, name: str, samples: int, batch_size: int) -> None:
        self._auto, self._name = auto, name
        self._samples, self._batch_size = samples, batch_size
        self._began = time.perf_counter()
        self._bar: Any = None

    def __enter__(self) -> Callable[[int], None]:
        return self._poll

    def __exit__(self, error: object, *_: object) -> None:
        if self._bar is not None:
            if error is None:
                self._move(self._samples)
            self._bar.close()

    def _poll(self, batches: int) -> None:
        if self._bar is None:
            waited = time.perf_counter() - self._began
            if waited < PATIENCE or (self._auto and not bars.interactive()):
                return
            self._bar = bars.bar(
                desc=self._name,
                total=self._samples,
                unit=" samples",
                unit_scale=True,
                bar_format=_forms()[0],
                leave=not self._auto,
            )
            self._bar.start_t -= waited
            self._bar.last_print_t -= waited
        self._move(min(batches * self._batch_size, self._samples))

    def _move(self, samples: int) -> None:
        self._bar.update(samples - self._bar.n)


def _forms() -> tuple[str, ...]:
    return NOTEBOOK if bars.in_notebook() else FORMS


def _texts(logs: Logs) -> Iterator[str]:
    """Yield what can be shown of the values: all of it, then ever less."""
    shown = {name: value for name, value in logs.items() if name not in NOT_SHOWN}
    yield "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
    names = [*dict.fromkeys(name.removeprefix("val_") for name in shown)]
    short = ["_".join(word if len(word) <= 4 else word[:3] for word in name.split("_")) for name in names]
    if len({*short}) < len(short):
        short = names
    pairs: list[str] = []
    for labels, digits in ((names, 4), (short, 4), (short, 3)):
        pairs = []
        for label, name in zip(labels, names, strict=True):
            values = (("", shown.get(name)), (" val", shown.get(f"val_{name}")))
            pairs.append(label + "".join(f"{side} {value:.{digits}g}" for side, value in values if value is not None))
        yield "  ".join(pairs)
    for count in range(len(pairs) - 1, 0, -1):
        yield "  ".join(pairs[:count]) + " ..."


def progress(verbose: object) -> Progress:
    """Return what ``verbose`` asks for.

    Args:
        verbose: 0 for nothing, 1 for a bar, 2 for one line an epoch, ``"auto"`` for a bar in a terminal or a notebook
            and lines elsewhere; or what is to show it.

    Raises:
        ValueError: Anything else.
    """
    if isinstance(verbose, Progress):
        return verbose
    if verbose == "auto":
        return Bar() if bars.interactive() else Lines()
    for number, kind in enumerate((Progress, Bar, Lines)):
        if verbose == number:
            return kind()
    raise unknown_name("verbose", verbose, ("auto", "0", "1", "2"))
