"""What gives the batches of a training by several processes to the core: the shards of this one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.distributed.exchange import Exchange
from fastopt.distributed.group import Group
from fastopt.distributed.rows import batches_of
from fastopt.model.built import Built
from fastopt.model.data import batch_size_at
from fastopt.model.feed import Data, Ready, begin

__all__ = ["Sharded"]

GOLDEN = 0x9E3779B97F4A7C15  # makes the seeds of the orders of shards


class Sharded:
    """The shards of a process, in batches that have equally many samples of each shard.

    Args:
        group: The processes.
        data: The samples of the shards of this one.
        sizes: Those of all shards.
        batch_size: Samples a batch, or a function of the number of epochs trained; None for all.
        shuffle: Whether each epoch takes the samples of a shard in another order.
        drop: Whether an epoch leaves out the samples that do not fill a batch, if it has others.
        joins: Whether layers that measure all samples of a batch measure those of all processes.
        exchange: What the core tells the others.
    """

    ending = ""
    first = 0

    def __init__(
        self,
        group: Group,
        data: Data,
        sizes: NDArray[np.int64],
        batch_size: int | Callable[[int], float] | None,
        shuffle: bool,
        drop: bool,
        joins: bool,
        exchange: Exchange,
    ) -> None:
        self._group, self._data, self._sizes = group, data, sizes
        self._batch_size, self._shuffle, self._drop, self._joins = batch_size, shuffle, drop, joins
        self._exchange = exchange
        self._count = len(sizes) // group.size  # of the shards here
        self._begin = group.rank * self._count
        self._passed: _core.Epoch | None = None
        self._built: Built | None = None
        self._compiled: Any = None
        self._table = sizes[None]
        self._done = 0
        self.samples: int = int(sizes.sum())
        self.size, self.batches, self.seen = self.samples, 1, 0

    def resize(self, trained: int) -> None:
        """Take the batch size."""
        shards = len(self._sizes)
        if self._batch_size is None:
            size = shards * int(self._sizes.max())
        else:
            size = batch_size_at(self._batch_size, trained)
            if size % shards:
                raise ValueError(f"batch_size={size} must be a multiple of the {shards} shards of a batch.")
        self._table = batches_of(self._sizes, size, self._drop)
        self.batches, self.samples = len(self._table), int(self._table.sum())
        self.size = min(size, self.samples)

    def start(self, ready: Ready, seed: int, trained: int) -> None:
        """Put the samples of the shards in order."""
        table = self._table
        mine = table[:, self._begin : self._begin + self._count]
        shuffles = self._shuffle and (self.batches > 1 or isinstance(ready.trainer, _core.Optimizer))
        sizes = self._sizes[self._begin : self._begin + self._count]
        places = []
        for i, (size, before) in enumerate(zip(sizes, np.cumsum(sizes) - sizes, strict=True)):
            order = np.arange(size)
            if shuffles:
                shard = self._begin + i + 1
                order = _core.kernels.permutation((seed + shard * GOLDEN) % 2**64, trained, int(size))
            places.append(np.split(before + order, np.cumsum(mine[:, i]))[: self.batches])
        order = np.concatenate([rows for batch in zip(*places, strict=True) for rows in batch])
        self._check(ready, table)
        self._built = ready.built
        if self._passed is None or ready.compiled is not self._compiled:
            self._compiled = ready.compiled
            self._passed = begin(ready.compiled, ready.built, self._data, self.size, order)
        else:
            self._passed.start(self.size, order)
        self._passed.share(
            np.ascontiguousarray(table),
            first=self._begin,
            count=self._count,
            joins=self._joins,
            exchange=self._exchange,
        )
        self._done = self.seen = 0

    def _check(self, ready: Ready, table: NDArray[np.int64]) -> None:
        here = table if self._joins else table[:, self._begin : self._begin + self._count]
        for rows in np.unique(here.sum(axis=1)):
            ready.built.plan.check_batches(int(rows), int(rows))

    def next(self, limit: int) -> int:
        """Count the samples of the next batches, unless training is to end."""
        if self._group.meet("next batches"):
            self._done = self.batches
            return 0
        self._exchange.begin(limit)
        self.seen += int(self._table[self._done : self._done + limit].sum())
        self._done += limit
        return limit

    def passed(self, ready: Ready) -> _core.Epoch:
        """Return the samples."""
        assert self._passed is not None
        return self._passed

    def end(self) -> None:
        """Tell the others where this process leaves an epoch early; average what layers have measured by themselves."""
        if self._done < self.batches:
            self._group.meet("next batches", stops=True)
        if not self._joins and self._built is not None:
            for view in self._built.state.values():
                mean = self._group.sum(view.astype(np.float64)) / self._group.size
                view[...] = mean

    def skip(self, epochs: int) -> None:
        """Nothing: an epoch depends on its number alone."""
