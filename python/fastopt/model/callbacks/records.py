"""Records of training in files: tables, TensorBoard's events, and the models themselves."""

import csv
import math
import os
from typing import IO, Any

from fastopt.core import checks
from fastopt.core.files import naming
from fastopt.core.registry import word
from fastopt.core.warn import warn
from fastopt.model.callbacks.base import Callback, Logs
from fastopt.model.callbacks.monitor import Monitor

__all__ = ["CSVLogger", "ModelCheckpoint", "TensorBoard"]


class CSVLogger(Callback):
    """Writes what `History` records to a table in a text file, a line after each epoch.

    The columns are known when training begins. Where a callback compiles the model with other metrics, their values are
    left out, with a warning, and those that are no more stay empty.

    Args:
        filename: The file.
        separator: What stands between two values: a comma, a semicolon, a tab, a bar or a space.
        append: Whether lines are added to a file that exists, as a training that goes on does; else it is replaced.

    Raises:
        TypeError, ValueError: An argument has the wrong type, or `separator` is another character; or, when training
            begins, the columns of the file are others.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np, fastopt as fo
        >>> path = Path(tempfile.mkdtemp()) / "log.csv"
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> log = fo.callbacks.CSVLogger(path)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, callbacks=[log], verbose=0)
        >>> path.read_text().splitlines()[0]
        'epoch,loss,learning_rate,seconds,samples_per_second'
    """

    saves = True

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = checks.path("filename", filename)
        self.separator = word("separator", separator, (",", ";", "\t", "|", " "))
        self.append = checks.flag("append", append)
        self._file: IO[str] | None = None

    def on_train_begin(self) -> None:
        """Open the file, and write the names of the columns."""
        columns = ["epoch", *self.params["logs"]]
        header = self._header() if self.append else []
        if header and header != columns:
            raise ValueError(f"{self.filename} has the columns {header}; this training has {columns}.")
        self._file = open(self.filename, "a" if self.append else "w", encoding="utf-8", newline="")  # noqa: SIM115
        self._table = csv.DictWriter(self._file, columns, extrasaction="ignore", delimiter=self.separator)
        self._warned = False
        if not header:
            self._table.writeheader()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write a line, so that it is there if training is killed."""
        assert self._file is not None
        new = [name for name in logs if name not in self._table.fieldnames]
        if new and not self._warned:
            warn(f"{self.filename} has no column for {', '.join(new)}, which came after training had begun.")
            self._warned = True
        with naming(self.filename):
            self._table.writerow({"epoch": epoch} | logs)
            self._file.flush()

    def on_train_end(self) -> None:
        """Close the file."""
        if self._file is not None:
            with naming(self.filename):
                self._file.close()

    def _header(self) -> list[str]:
        try:
            with open(self.filename, encoding="utf-8", newline="") as file:
                return next(csv.reader(file, delimiter=self.separator), [])
        except FileNotFoundError:
            return []


class TensorBoard(Callback):
    """Writes what `History` records to event files that TensorBoard shows: ``tensorboard --logdir logs``.

    Training and validation are two runs of one chart, as Keras has them: ``epoch_loss`` in the folders ``train`` and
    ``validation``. It needs the package tensorboardX: ``pip install 'fastopt[tensorboard]'``.

    Args:
        log_dir: The folder; one for each training.

    Raises:
        ImportError: tensorboardX is not installed.
        OSError: A file cannot be written.
    """

    saves = True

    def __init__(self, log_dir: str | os.PathLike[str] = "logs") -> None:
        self.log_dir = checks.path("log_dir", log_dir)
        self._writers: dict[str, Any] = {}

    def on_train_begin(self) -> None:
        """Check that the package is there."""
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ImportError("TensorBoard needs tensorboardX: pip install 'fastopt[tensorboard]'.") from error
        validated = any(name.startswith("val_") for name in self.params["logs"])
        runs = ["train", *(["validation"] if validated else [])]
        self._writers = {run: SummaryWriter(os.path.join(self.log_dir, run)) for run in runs}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write the values."""
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            self._writers[run].add_scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


class ModelCheckpoint(Monitor):
    """Saves the model as training goes: after each epoch, every so many batches, or when it is the best so far.

    Each file is what `save` writes: `load_model` reads it and trains on. It is a whole file at any moment.

    Args:
        filepath: The file. Names in braces are filled in, ``"{epoch:02d}-{val_loss:.3f}.safetensors"``: ``epoch``,
            counted from 1 as Keras does, and whatever `History` records. Without any the file is replaced each time.
        monitor: The value by which a model is better, where only the best is saved.
        verbose: 0 for silence, 1 to print what is saved.
        save_best_only: Whether to save only what is better than all before.
        mode: ``"min"``, ``"max"`` or ``"auto"``: accuracies and the like are to grow, the rest to fall.
        save_freq: ``"epoch"``, or after how many batches of an epoch.
        initial_value_threshold: The value that the first one must be better than; None for none.

    Attributes:
        best: The best value.
        best_epoch: Its epoch, counted from 0.
        saved: The file that was written last, or None.

    Raises:
        TypeError, ValueError: An argument has the wrong type, is out of range or unknown; or, when training begins,
            `monitor` or a name in braces is not among its values.
        OSError: The file cannot be written.

    Example:
        >>> import os, tempfile
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("adam", "mse")
        >>> path = os.path.join(tempfile.mkdtemp(), "{epoch:02d}.safetensors")
        >>> save = fo.callbacks.ModelCheckpoint(path, monitor="loss", save_best_only=True)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[save], verbose=0)
        >>> os.path.basename(save.saved), fo.load_model(save.saved).epochs_trained
        ('03.safetensors', 3)
    """

    saves = True

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = checks.path("filepath", filepath)
        self.verbose = checks.integer("verbose", verbose, 0, 2)
        self.save_best_only = checks.flag("save_best_only", save_best_only)
        self.save_freq = save_freq if save_freq == "epoch" else checks.integer("save_freq", save_freq, 1)
        if self.save_best_only and save_freq != "epoch":
            raise ValueError(f"save_best_only compares epochs; save_freq must be 'epoch' with it, not {save_freq!r}.")
        if isinstance(self.save_freq, int):
            self.every = self.save_freq
        self.initial_value_threshold = (
            None if initial_value_threshold is None else checks.real("initial_value_threshold", initial_value_threshold)
        )
        self.saved: str | None = None

    @property
    def wants_batches(self) -> bool:
        """Whether models are saved inside epochs."""
        return isinstance(self.save_freq, int)

    def on_train_begin(self) -> None:
        """Check the names, and forget earlier trainings."""
        if self.save_best_only:
            super().on_train_begin()
            if self.initial_value_threshold is not None:
                self._lowest, self.best_epoch = self._sign * self.initial_value_threshold, 0
        names = ["loss", *self.model.metrics] if self.wants_batches else self.params["logs"]
        self._path(0, dict.fromkeys(names, 0.0))

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Save, if it is asked for inside epochs."""
        self._save(self._epoch, logs)

    def on_epoch_begin(self, epoch: int) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Save, if it is asked for after epochs."""
        best = not self.save_best_only or (self.monitor in logs and self._improved(epoch, logs))
        if self.save_freq == "epoch" and best:
            self._save(epoch, logs)

    def get_state(self) -> dict[str, Any]:
        """Return the best value so far."""
        return super().get_state() if self.save_best_only else {}

    def _save(self, epoch: int, logs: Logs) -> None:
        self.saved = self._path(epoch, dict.fromkeys(self.params["logs"], math.nan) | logs)
        self.model.save(self.saved)
        if self.verbose:
            print(f"epoch {epoch + 1}: saved {self.saved}", flush=True)

    def _path(self, epoch: int, logs: Logs) -> str:
        try:
            return self.filepath.format_map({"epoch": epoch + 1} | logs)
        except KeyError as error:
            known = ", ".join(["epoch", *logs])
            raise ValueError(f"filepath {self.filepath!r} names {error}; there are {known}.") from None
        except (ValueError, IndexError, AttributeError) as error:
            raise ValueError(f"filepath {self.filepath!r} cannot be filled in: {error}.") from None
