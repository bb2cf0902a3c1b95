"""What all callbacks are: functions that training calls as it goes."""

import reprlib
from typing import Any

from fastopt.core import checks
from fastopt.core.habits import explain
from fastopt.core.registry import arguments_of, equal

__all__ = ["Callback"]

Logs = dict[str, float]


class Callback:
    """The base of all callbacks; override what is needed.

    A callback may set ``self.model.stop_training = True`` or change ``self.model.optimizer.learning_rate``. Only one
    that overrides a method of batches makes the trainer return to Python inside an epoch, after every `every` batches.
    The loss and the metrics may be changed by `compile` between epochs, the optimizer at any time.

    Keras's names ``on_train_batch_begin`` and ``on_train_batch_end`` serve as well. There are no methods for evaluation
    and prediction: a class with one, or with another ``on_...`` that would never be called, is a TypeError.

    Where training ends by an exception or by Ctrl-C, `on_train_end` is called as well before it goes on, once for each
    callback whose `on_train_begin` has been called; the epoch that was not finished has no `on_epoch_end`.

    Attributes:
        model: The `fastopt.Sequential` being trained.
        params: What is known before training: ``epochs``, ``initial_epoch``, ``batches`` and ``samples`` an epoch, and
            ``logs``, the names that `on_epoch_end` will be given. With a schedule of the batch size, ``batches`` is
            that of the epoch; where `fit` was given an iterable, ``samples`` is what the last epoch had, or before that
            an estimate, and each of the two is None where it is not known.
        every: After how many batches the methods of batches are called.
        saves: Whether it writes files, or shows something: of the processes of `fastopt.distributed.fit` the first
            alone calls it.

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

    model: Any
    params: dict[str, Any]
    every: int = 1
    saves = False

    def on_train_begin(self) -> None:
        """Called before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Called before each epoch; epochs are counted from 0."""

    def on_batch_begin(self, batch: int) -> None:
        """Called before the next `every` batches of an epoch with the number of the first, counted from 0."""
        self.on_train_batch_begin(batch)

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Called after `every` batches with the number of the last, and the means over the epoch so far."""
        self.on_train_batch_end(batch, logs)

    def on_train_batch_begin(self, batch: int) -> None:
        """Keras's name of `on_batch_begin`."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Keras's name of `on_batch_end`."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Called after each epoch with what `History` records."""

    def on_train_end(self) -> None:
        """Called once at the end, however training ends: also by an exception or Ctrl-C, which goes on afterwards."""

    def __repr__(self) -> str:
        own, default = vars(self), arguments_of(type(self))
        changed = (name for name in default if name in own and not equal(own[name], default[name]))
        return f"{type(self).__name__}({', '.join(f'{name}={reprlib.repr(own[name])}' for name in changed)})"

    def checked_every(self) -> int:
        """Return `every`, which a subclass or the caller sets.

        Raises:
            TypeError, ValueError: It is not an integer that is at least 1.
        """
        return checks.integer(f"every of {type(self).__name__}", self.every, 1)

    @property
    def wants_batches(self) -> bool:
        """Whether the methods of batches are to be called."""
        return any(getattr(type(self), name) is not getattr(Callback, name) for name in HOOKS if "batch" in name)

    def get_state(self) -> dict[str, Any]:
        """Return what it goes on from after `BackupAndRestore`, beside its arguments, as JSON has it; nothing."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned; called after `on_train_begin`."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__module__.startswith(__package__):
            explain(cls)
        for name in vars(cls):
            if name.startswith("on_") and name not in HOOKS:
                raise TypeError(f"{cls.__name__}.{name} would never be called; called are {', '.join(HOOKS)}.")


HOOKS = [name for name in vars(Callback) if name.startswith("on_")]
