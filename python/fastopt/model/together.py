"""Short epochs, several of which the core trains in one call, where nothing else is done between them."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from fastopt import _core
from fastopt.core.interrupts import deferred
from fastopt.model.callbacks.base import Callback
from fastopt.model.compiled import SPEED
from fastopt.model.feed import Data, Feed, Ready, Whole, begin
from fastopt.model.progress import Progress
from fastopt.optimizers import Optimizer

__all__ = ["Counted", "Together"]

LONGEST = 0.02  # seconds of epochs that are trained in one call


class Counted(Protocol):
    """What is read and set of a model."""

    seed: int
    epochs_trained: int

    def _ready(self) -> Ready:
        """Return what the next step takes."""


class Together:
    """Trains epochs in one call, each as it would be by itself, to the bit.

    Args:
        feed: What the batches are taken from: all samples, in batches of one size.
        validation: What is evaluated: the parts of the data, or what gives them; None for nothing.
        every: After how many epochs each.
        callbacks: What is called after each epoch; then there is nothing to gain.
    """

    def __init__(self, feed: Feed, validation: object, every: int, callbacks: Sequence[Callback]) -> None:
        plain = not callbacks and (validation is None or isinstance(validation, list))
        self._feed = feed if plain and isinstance(feed, Whole) and feed.steady else None
        self._validation: Data | None = validation[0] if isinstance(validation, list) else None
        self._every = every
        self._judged: _core.Epoch | None = None
        self._compiled: Any = None
        self._asked, self._count = 0.0, 0  # when `count` was called last, and what it returned

    def count(self, ready: Ready, left: int) -> int:
        """Return how many epochs of those that are left, which follow those of the last call, to train in one call."""
        if self._feed is None:
            return 1
        now = time.perf_counter()
        lasted = (now - self._asked) / self._count if self._count else LONGEST
        limit = min(left, int(LONGEST / lasted))
        known = ready.compiled is self._compiled
        self._compiled = ready.compiled
        self._asked, self._count = now, limit if limit > 1 and known and self._needs_nothing(ready) else 1
        return self._count

    def _needs_nothing(self, ready: Ready) -> bool:
        """Return whether the optimizer reads and reports the same in all epochs, and all is judged by the core."""
        optimizer = ready.compiled.optimizer
        if (self._validation is not None and ready.compiled.needs_outputs) or not isinstance(optimizer, Optimizer):
            return False
        return optimizer.steady and all(isinstance(number, float) for number in optimizer.hyper_of(2).values())

    def train(self, model: Counted, ready: Ready, first: int, count: int, listeners: Sequence[Callback]) -> None:
        """Train for so many epochs, and tell the listeners of them afterwards, also of those before an error."""
        feed: Any = self._feed
        optimizer: Any = ready.compiled.optimizer
        trainer: Any = ready.trainer
        if self._validation is not None and self._judged is None:
            self._judged = begin(ready.compiled, ready.built, self._validation, 256)
        finished: list[dict[str, Any]] = []
        with deferred():  # else Ctrl-C leaves epochs out of the history
            try:
                feed.unordered(ready).train_epochs(
                    trainer,
                    optimizer.hyper_of(1),
                    finished,
                    number=first,
                    count=count,
                    shuffle=feed.shuffle,
                    seed=model.seed,
                    stream=model.epochs_trained,
                    validation=self._judged,
                    every=self._every,
                )
            finally:
                self._tell(model, optimizer, ready, finished, first, listeners)

    def _tell(
        self,
        model: Counted,
        optimizer: Any,
        ready: Ready,
        finished: Sequence[dict[str, Any]],
        first: int,
        listeners: Sequence[Callback],
    ) -> None:
        """Count the epochs that are finished, and tell the listeners of them."""
        feed: Any = self._feed
        if finished:
            model.epochs_trained += len(finished) - 1
            model._ready()  # tells the optimizer which epoch was the last
            model.epochs_trained += 1
        report = optimizer.report()
        logs = []
        for lap in finished:
            if lap["whole"]:
                means = ready.compiled.means(lap["sums"])
                if lap["validation"] is not None:
                    values = ready.compiled.means(lap["validation"])
                    means |= {f"val_{name}": values[name] for name in ready.compiled.reported}
                speed = zip(SPEED, (lap["seconds"], lap["sums"]["samples"] / lap["seconds"]), strict=True)
                logs.append(means | report | dict(speed))
        for listener in listeners:
            for epoch, values in enumerate(logs, first):
                if epoch > first:
                    listener.on_epoch_begin(epoch)
                if isinstance(listener, Progress):
                    listener.poll(feed.samples)
                listener.on_epoch_end(epoch, values)
