"""Callbacks made of functions."""

from collections.abc import Callable

from fastopt.core import checks
from fastopt.model.callbacks.base import Callback, Logs

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_train_begin: Called without arguments.
        on_epoch_begin: Called with the epoch.
        on_batch_end: Called with the batch and the logs.
        on_epoch_end: Called with the epoch and the logs.
        on_train_end: Called without arguments.
        every: After how many batches `on_batch_end` is called, at least 1.

    Raises:
        TypeError: What is given cannot be called, or `every` is not an integer.
        ValueError: `every` is less than 1.

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
        for name, function in (
            ("on_train_begin", on_train_begin),
            ("on_epoch_begin", on_epoch_begin),
            ("on_batch_end", on_batch_end),
            ("on_epoch_end", on_epoch_end),
            ("on_train_end", on_train_end),
        ):
            if function is not None:
                checks.function(name, function)
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
