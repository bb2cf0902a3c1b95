"""Functions of one's own that `Sequential.fit` calls as it goes."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastopt import checks
from fastopt.registry import unknown_name

if TYPE_CHECKING:
    from fastopt.sequential import Sequential

__all__ = ["Callback", "EarlyStopping", "History", "LambdaCallback"]

Logs = dict[str, float]


class Callback:
    """The base of all callbacks; override what is needed.

    A callback may set ``self.model.stop_training = True`` or change ``self.model.optimizer.learning_rate``. Only one
    that overrides `on_batch_end` makes the trainer return to Python inside an epoch, after every `every` batches.

    Attributes:
        model: The model being trained.
        params: What is known before training: ``epochs``, ``initial_epoch``, ``batches`` and ``samples`` an epoch, and
            ``logs``, the names that `on_epoch_end` will be given.
        every: After how many batches `on_batch_end` is called.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> class Halve(fo.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         self.model.optimizer.learning_rate /= 2
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.5), "mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[Halve()], verbose=0)
        >>> model.optimizer.learning_rate
        0.0625
    """

    model: "Sequential"
    params: dict[str, Any]
    every: int = 1

    def on_train_begin(self) -> None:
        """Called before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Called before each epoch; epochs are counted from 0."""

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Called after batches of an epoch, counted from 0, with the means over the epoch so far."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Called after each epoch with what `History` records."""

    def on_train_end(self) -> None:
        """Called after the last epoch, unless training ended by an exception."""

    @property
    def wants_batches(self) -> bool:
        """Whether `on_batch_end` is to be called."""
        return type(self).on_batch_end is not Callback.on_batch_end


class History(Callback):
    """The record of a training: each epoch's loss, metrics, validation, seconds and samples per second.

    The seconds are those of the training pass, without validation and callbacks.

    Attributes:
        epoch: The numbers of the finished epochs.
        history: A list for each name, with one value for each finished epoch.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0)
        >>> history.epoch, sorted(history.history)
        ([0, 1], ['loss', 'samples_per_second', 'seconds'])
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Append the values of the epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class EarlyStopping(Callback):
    """Stops when a value has not improved by more than `min_delta` for `patience` epochs.

    Args:
        monitor: The name of the value: ``"loss"``, the name of a metric, or either after ``"val_"``.
        patience: How many epochs without improvement are waited for, at least 0.
        min_delta: How much better counts as better, at least 0.
        restore_best_weights: Whether the model ends with the weights of its best epoch.
        mode: ``"min"``, ``"max"`` or ``"auto"``: accuracies are to grow, everything else is to fall.

    Attributes:
        best: The best value.
        best_epoch: Its epoch.

    Raises:
        ValueError: An argument is out of range or unknown; or, when training begins, `monitor` is not among its values.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.0), "mse")
        >>> stop = fo.callbacks.EarlyStopping("loss", patience=2)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=100, callbacks=[stop], verbose=0)
        >>> len(history.epoch)
        3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        min_delta: float = 0.0,
        restore_best_weights: bool = False,
        mode: str = "auto",
    ) -> None:
        self.monitor = monitor
        self.patience = checks.integer("patience", patience, 0)
        self.min_delta = checks.real("min_delta", min_delta)
        if self.min_delta < 0:
            raise ValueError(f"min_delta must be at least 0, not {min_delta!r}.")
        self.restore_best_weights = bool(restore_best_weights)
        if mode not in ("auto", "min", "max"):
            raise unknown_name("mode", mode, ("auto", "min", "max"))
        self.mode = mode

    def on_train_begin(self) -> None:
        """Check the name and forget earlier trainings."""
        if self.monitor not in self.params["logs"]:
            raise unknown_name("value to monitor", self.monitor, self.params["logs"])
        metric = self.model.metrics.get(self.monitor.removeprefix("val_"))
        grow = self.mode == "max" or (self.mode == "auto" and metric is not None and metric.larger_is_better)
        self._sign = -1.0 if grow else 1.0
        self._lowest = math.inf
        self.best = math.nan
        self.best_epoch = -1
        self._best_weights: list[NDArray[np.floating[Any]]] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare, remember, and stop when patience is at its end."""
        value = self._sign * logs[self.monitor]
        if value < self._lowest - self.min_delta or self.best_epoch < 0:
            self._lowest, self.best, self.best_epoch = value, logs[self.monitor], epoch
            if self.restore_best_weights:
                self._best_weights = self.model.get_weights()
        elif epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self) -> None:
        """Put the best weights back."""
        if self.restore_best_weights and self._best_weights:
            self.model.set_weights(self._best_weights)


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_train_begin: Called without arguments.
        on_epoch_begin: Called with the epoch.
        on_batch_end: Called with the batch and the logs.
        on_epoch_end: Called with the epoch and the logs.
        on_train_end: Called without arguments.
        every: After how many batches `on_batch_end` is called, at least 1.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> show = fo.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("epoch", epoch))
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, callbacks=[show], verbose=0)
        epoch 0
        epoch 1
    """

    def __init__(
        self,
        *,
        on_train_begin: Callable[[], object] | None = None,
        on_epoch_begin: Callable[[int], object] | None = None,
        on_batch_end: Callable[[int, Logs], object] | None = None,
        on_epoch_end: Callable[[int, Logs], object] | None = None,
        on_train_end: Callable[[], object] | None = None,
        every: int = 1,
    ) -> None:
        self._train_begin = on_train_begin
        self._epoch_begin = on_epoch_begin
        self._batch_end = on_batch_end
        self._epoch_end = on_epoch_end
        self._train_end = on_train_end
        self.every = checks.integer("every", every, 1)

    @property
    def wants_batches(self) -> bool:
        """Whether a function for batches was given."""
        return self._batch_end is not None

    def on_train_begin(self) -> None:
        """Call the function."""
        if self._train_begin is not None:
            self._train_begin()

    def on_epoch_begin(self, epoch: int) -> None:
        """Call the function."""
        if self._epoch_begin is not None:
            self._epoch_begin(epoch)

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Call the function."""
        if self._batch_end is not None:
            self._batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Call the function."""
        if self._epoch_end is not None:
            self._epoch_end(epoch, logs)

    def on_train_end(self) -> None:
        """Call the function."""
        if self._train_end is not None:
            self._train_end()
