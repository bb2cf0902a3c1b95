"""What gives the batches of training to the core: arrays, or an iterable of batches."""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.model.built import Built
from fastopt.model.compiled import Compiled
from fastopt.model.data import Samples, Several, batch_size_at, ordered
from fastopt.model.heads import Heads
from fastopt.model.solving import Solving
from fastopt.model.source import END, ONCE, Source

__all__ = ["Data", "Feed", "Ready", "Stream", "Whole", "begin"]

Data = Samples | Several
D = TypeVar("D", bound=Samples | Several)


class Ready(NamedTuple):
    """What a step takes: an optimizer with losses and metrics, the weights, and what does the steps."""

    compiled: Compiled | Heads
    built: Built
    trainer: _core.Optimizer | Solving


def begin(
    compiled: Compiled | Heads,
    built: Built,
    data: Data,
    batch_size: int,
    order: NDArray[np.int64] | None = None,
    after: _core.Epoch | None = None,
) -> _core.Epoch:
    """Return the samples in batches, ready to be passed through in an order of theirs, or in their own.

    The sums go on from those of another pass, which was `after`.
    """
    rows = ordered(data, order)
    return _core.Epoch(built.network, compiled.goals(data), data.x, data.y, data.weight, rows, batch_size, after)


class Feed(Protocol):
    """What `fit` takes its batches from.

    Attributes:
        size: The samples of the present batches; the last one may have fewer.
        seen: The samples of the epoch up to and with the present batches.
        ending: Why there is no further epoch; else empty.
    """

    size: int
    seen: int
    ending: str

    @property
    def first(self) -> int:
        """The number in the epoch of the first sample that `passed` holds."""

    @property
    def batches(self) -> int | None:
        """Those of an epoch; None where that is not known."""

    @property
    def samples(self) -> int | None:
        """Those of an epoch, or about how many; None where that is not known."""

    def resize(self, trained: int) -> None:
        """Take the sizes of the epoch that comes after so many."""

    def start(self, ready: Ready, seed: int, trained: int) -> None:
        """Begin the epoch that comes after so many."""

    def next(self, limit: int) -> int:
        """Make the next batches the present ones, at most `limit`, and return their number; 0 at the end."""

    def passed(self, ready: Ready) -> _core.Epoch:
        """Return what the core is to pass through."""

    def end(self) -> None:
        """End an epoch."""

    def skip(self, epochs: int) -> None:
        """Go on as if so many epochs had been taken."""


class Whole:
    """All samples, in batches of some size.

    Args:
        data: The samples.
        batch_size: Samples a batch, or a function of the number of epochs trained.
        shuffle: Whether each epoch takes them in another order.
        drop: Whether an epoch leaves out the samples that do not fill a batch, if it has others.
    """

    ending = ""
    first = 0

    def __init__(self, data: Data, batch_size: int | Callable[[int], float], shuffle: bool, drop: bool = False) -> None:
        self._data, self._batch_size, self.shuffle, self._drop = data, batch_size, shuffle, drop
        self._passed: _core.Epoch | None = None
        self._compiled: Any = None
        self.samples: int = data.rows
        self.size, self.batches, self.seen = 0, 0, 0

    @property
    def steady(self) -> bool:
        """Whether all epochs take all samples, in batches of the same size."""
        return not (callable(self._batch_size) or self._drop)

    def resize(self, trained: int) -> None:
        """Take the batch size."""
        self.size = batch_size_at(self._batch_size, trained)
        self.samples = self._data.rows
        if self._drop and self.samples > self.size:
            self.samples -= self.samples % self.size
        self.batches = -(-self.samples // self.size)

    def start(self, ready: Ready, seed: int, trained: int) -> None:
        """Put the samples in order."""
        rows, order = self._data.rows, None
        if self.shuffle and (self.size < rows or isinstance(ready.trainer, _core.Optimizer)):
            order = _core.kernels.permutation(seed, trained, rows)[: self.samples]
        elif self.samples < rows:
            order = np.arange(self.samples)
        self._start(ready, order)

    def unordered(self, ready: Ready) -> _core.Epoch:
        """Return the samples in their own order."""
        self._start(ready, None)
        return self.passed(ready)

    def _start(self, ready: Ready, order: NDArray[np.int64] | None) -> None:
        ready.built.plan.check_batches(self.samples, self.size)
        if self._passed is None or ready.compiled is not self._compiled:
            self._compiled = ready.compiled
            self._passed = begin(ready.compiled, ready.built, self._data, self.size, order)
        else:
            self._passed.start(self.size, ordered(self._data, order))
        self.seen = 0

    def next(self, limit: int) -> int:
        """Count the samples of the next batches."""
        self.seen = min(self.seen + limit * self.size, self.samples)
        return limit

    def passed(self, ready: Ready) -> _core.Epoch:
        """Return all samples."""
        assert self._passed is not None
        return self._passed

    def end(self) -> None:
        """Nothing."""

    def skip(self, epochs: int) -> None:
        """Nothing: an epoch depends on its number alone."""


class Stream(Generic[D]):
    """The batches of an iterable, one by one, or, of a `fastopt.data.Stream`, as many as are in memory.

    Args:
        source: The iterable; its `steps` are those of an epoch.
        read: Makes checked samples of a batch, whose names in messages have a prefix.

    Raises:
        ValueError: There is no batch.

    Attributes:
        data: The present batches, from the start the first one.
    """

    def __init__(self, source: Source, read: Callable[[Any, str], D]) -> None:
        self._source, self._read = source, read
        self._passed: _core.Epoch | None = None
        self.batches = source.steps or source.length
        self.seen, self.ending = 0, ""
        self._weighs = False  # whether a sample of the epoch has a weight
        self._batch = 0
        if source.steps is None:
            source.begin()
        batch = source.draw()
        if batch is END:
            raise ValueError(f"{source.name} is empty: it holds no batch.")
        self.data = self._checked(batch)
        self._first: D | None = self.data
        self.size = source.size or self.data.rows
        self.samples: int | None = None if self.batches is None else self.batches * self.size

    @property
    def first(self) -> int:
        """Those of the batches before."""
        return self.seen - self.data.rows

    def resize(self, trained: int) -> None:
        """Nothing: batches are as large as they come."""

    def start(self, ready: Ready, seed: int, trained: int) -> None:
        """Begin a pass, unless a number of batches is taken at a time."""
        self._source.tell("on_epoch_begin")
        if self._first is None and self._source.steps is None:
            self._source.begin()
        self._passed, self.seen, self._batch, self._weighs = None, 0, 0, False

    def next(self, limit: int) -> int:
        """Draw a batch, or several as one."""
        if self._first is not None:
            self.data, self._first = self._first, None
        elif (batch := self._source.draw(limit)) is not END:
            self.data = self._checked(batch)
        else:
            if self._source.steps is not None or not self._batch:
                left = f"after {self._batch} of this epoch" if self._batch else "for another epoch"
                self.ending = f"{self._source.name} has no batch {left}, and training ends: {ONCE}."
            return 0
        rows = self.data.rows
        self.size = self._source.size or rows
        count = -(-rows // self.size)
        self._batch += count
        self.seen += rows
        self._weighs = self._weighs or self.data.weight is None or bool(self.data.weight.any())
        return count

    def _checked(self, batch: object) -> D:
        number = self._batch if self._source.number is None else self._source.number
        return self._read(batch, f"{'batch' if self._source.size is None else 'batches from'} {number}: ")

    def passed(self, ready: Ready) -> _core.Epoch:
        """Return the batches, whose sums go on from those of the batches before them."""
        ready.built.plan.check_batches(self.data.rows, self.size)
        self._passed = begin(ready.compiled, ready.built, self.data, self.size, after=self._passed)
        return self._passed

    def end(self) -> None:
        """Learn how many samples an epoch has.

        Raises:
            ValueError: None of them has a weight.
        """
        if not self._weighs:
            raise ValueError(f"All {self.seen} samples of {self._source.name} in this epoch have the weight 0.")
        self.samples = self.seen
        self._source.tell("on_epoch_end")

    def skip(self, epochs: int) -> None:
        """Draw the batches of so many epochs, or count their passes."""
        self._source.skip(epochs)
        self._first = None
