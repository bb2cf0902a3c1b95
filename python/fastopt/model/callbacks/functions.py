"""Callbacks made of functions, and what ends training at a loss that is not finite."""

import inspect
from collections.abc import Callable

from fastopt.core import checks
from fastopt.model.callbacks.base import Callback, Logs

__all__ = ["LambdaCallback", "LearningRateScheduler", "TerminateOnNaN"]


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_train_begin: Called without arguments.
        on_epoch_begin: Called with the epoch.
        on_batch_begin: Called with the batch.
        on_batch_end: Called with the batch and the logs.
        on_epoch_end: Called with the epoch and the logs.
        on_train_end: Called without arguments.
        on_train_batch_begin: Keras's name of `on_batch_begin`.
        on_train_batch_end: Keras's name of `on_batch_end`.
        every: After how many batches the functions of batches are called, at least 1.

    Raises:
        TypeError: What is given cannot be called, or `every` is not an integer.
        ValueError: `every` is less than 1, or a function is given by both of its names.

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
        on_batch_begin: Callable[[int], object] | None = None,
        on_batch_end: Callable[[int, Logs], object] | None = None,
        on_epoch_end: Callable[[int, Logs], object] | None = None,
        on_train_end: Callable[[], object] | None = None,
        on_train_batch_begin: Callable[[int], object] | None = None,
        on_train_batch_end: Callable[[int, Logs], object] | None = None,
        every: int = 1,
    ) -> None:
        given = {name: value for name, value in locals().items() if name.startswith("on_") and value is not None}
        for name, other in (("on_batch_begin", "on_train_batch_begin"), ("on_batch_end", "on_train_batch_end")):
            if {name, other} <= given.keys():
                raise ValueError(f"{name} and {other} are one; give one of them.")
        for name, function in given.items():
            setattr(self, name, checks.function(name, function))
        self._of_batches = any("batch" in name for name in given)
        self.every = checks.integer("every", every, 1)

    @property
    def wants_batches(self) -> bool:
        """Whether a function for batches was given."""
        return self._of_batches


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to what a function says.

    A schedule of `fastopt.schedules` as learning rate does the same without a callback, and by the step.

    Args:
        schedule: A function of the epoch, counted from 0, or of the epoch and the rate that there is.

    Raises:
        TypeError: It cannot be called, or returns something else than a number.
        ValueError: It returns a number that is negative, NaN or infinite.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.5), "mse")
        >>> halve = fo.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[halve], verbose=0)
        >>> model.optimizer.learning_rate
        0.0625
    """

    def __init__(self, schedule: Callable[..., float]) -> None:
        self.schedule = checks.function("schedule", schedule)

    def on_epoch_begin(self, epoch: int) -> None:
        """Set the rate."""
        try:
            inspect.signature(self.schedule).bind(epoch, 0.0)
        except (TypeError, ValueError):
            rate = self.schedule(epoch)
        else:
            rate = self.schedule(epoch, self.model.optimizer.learning_rate)
        self.model.optimizer.learning_rate = checks.real(f"the learning rate of epoch {epoch}", rate, 0.0)


class TerminateOnNaN(Callback):
    """Ends training in order at a loss, or weights, that are NaN or infinite.

    `fit` never goes on after that. Without this callback it raises FloatingPointError; with it, it warns with the same
    text and returns the history of the epochs before. Either way the weights are those before the step that failed.

    Example:
        >>> import warnings
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.SGD(1e30), "mse")
        >>> with warnings.catch_warnings(action="ignore"):
        ...     history = model.fit(
        ...         np.ones((4, 2)), np.ones(4), epochs=9, callbacks=[fo.callbacks.TerminateOnNaN()], verbose=0
        ...     )
        >>> len(history.epoch) < 9
        True
    """
