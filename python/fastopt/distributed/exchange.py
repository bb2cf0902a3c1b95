"""What the core tells the other processes in each batch, and learns from them."""

from collections import deque
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.distributed.group import ElsewhereError, Group

__all__ = ["Exchange", "blocks_of", "total"]

Block = tuple[int, int]  # the first shard of a block, and how many it has


def join(blocks: list[Block], sums: list[NDArray[Any]]) -> None:
    """Add the last two sums while they are those of the halves of a block, as the core does."""
    while len(blocks) > 1:
        (first, size), (_, other) = blocks[-2:]
        if size != other or first % (2 * size):
            return
        blocks.pop()
        blocks[-1] = first, 2 * size
        if sums:
            last = sums.pop()
            sums[-1] += last


def blocks_of(first: int, count: int) -> list[Block]:
    """Return the blocks whose sums the core makes of shards: of 2^k, that begin at a multiple of 2^k."""
    blocks: list[Block] = []
    for shard in range(first, first + count):
        blocks.append((shard, 1))
        join(blocks, [])
    return blocks


def total(blocks: list[Block], sums: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the sum of all blocks, which are in their order, in an order that depends on the shards alone.

    The arrays are changed.
    """
    some: list[Block] = []
    stack: list[NDArray[Any]] = []
    for block, values in zip(blocks, sums, strict=True):
        some.append(block)
        stack.append(values)
        join(some, stack)
    result = stack[0]
    for values in stack[1:]:
        result += values
    return result


class Exchange:
    """The messages of a batch; methods are called by the core, and change the arrays that they are given.

    Args:
        group: The processes.
        shards: Those of a batch.
        exact: Whether sums are made in an order that depends on the shards alone, or in MPI's own.
        staleness: The steps from a gradient to its use. Processes then wait for what others have found as many steps
            before, and nothing else.
    """

    def __init__(self, group: Group, shards: int, exact: bool, staleness: int = 0) -> None:
        self._group, self._exact, self._staleness = group, exact, staleness
        count = shards // group.size
        self._mine = slice(group.rank * count, (group.rank + 1) * count)
        self._blocks = [blocks_of(rank * count, count) for rank in range(group.size)]
        self._gradients: deque[Sum] = deque()
        self._totals: deque[Told] = deque()
        self._left = 0  # batches

    def begin(self, batches: int) -> None:
        """Get ready for so many batches, after which all processes know the totals."""
        self._left = batches

    def gather(self, values: NDArray[Any]) -> bool:
        """Fill in what others have measured of their shards."""
        self._group.meet("measure")
        self._group.shares(values)
        return True

    def agree(self, values: NDArray[np.float64], stops: bool) -> bool:
        """Fill in the totals of the shards of others, unless this process or one of them stops."""
        if not self._staleness:
            if self._group.meet("batch", stops):
                if stops:
                    return False
                raise ElsewhereError
            self._group.shares(values)
            return True
        self._left -= 1
        self._totals.append(Told(self._group, values[self._mine], stops))
        values[...] = 0
        while self._totals and (len(self._totals) > self._staleness or not self._left):
            known, stopped = self._totals.popleft().known()
            if stopped:
                self._totals.clear()
                if stops:
                    return False
                raise ElsewhereError
            values += known
        return True

    def unite(self, sums: NDArray[Any], united: NDArray[Any]) -> bool:
        """Sum up blocks of shards of all processes, in this step or some steps ago."""
        to = united[0]
        if not self._staleness:
            Sum(self._group, self._blocks, self._exact, sums, to).value()
            return True
        self._gradients.append(Sum(self._group, self._blocks, self._exact, sums.copy(), np.empty_like(to)))
        if len(self._gradients) > self._staleness:
            np.copyto(to, self._gradients.popleft().value())
        else:  # before there is one of as many steps ago, the first
            np.copyto(to, self._gradients[0].value())
        return True

    def end(self) -> None:
        """Leave the gradients that have not been used."""
        while self._gradients:
            self._gradients.popleft().value()


class Told:
    """The totals of the shards of a process, on their way to the others."""

    def __init__(self, group: Group, values: NDArray[np.float64], stops: bool) -> None:
        self._group, self._shape = group, values.shape
        self._own = np.append(values.ravel(), float(stops))
        self._every = np.empty((group.size, self._own.size))
        self._request = group.tell(self._own, self._every)

    def known(self) -> tuple[NDArray[np.float64], bool]:
        """Return the totals of all shards, and whether a process stops."""
        self._group.wait(self._request)
        return self._every[:, :-1].reshape(-1, self._shape[1]), bool(self._every[:, -1].any())


class Sum:
    """The sum over the shards of all processes, on its way.

    Exact, each process sums up a slice of its own, of which the others send it theirs, and sends it to them.

    Args:
        group: The processes.
        blocks: The blocks of shards whose sums each of them has.
        exact: Whether the order of sums depends on the shards alone.
        sums: Those of this process, to be left as they are until the sum is known.
        to: Where it may be made; it may be the memory of `sums`.
    """

    def __init__(
        self, group: Group, blocks: list[list[Block]], exact: bool, sums: NDArray[Any], to: NDArray[Any]
    ) -> None:
        self._group, self._blocks, self._sums, self._to = group, blocks, sums, to
        self._others = [rank for rank in range(group.size) if rank != group.rank]
        self._exact, self._found = exact, False
        self._requests: list[Any] = []
        own = list(blocks[group.rank])
        if not self._others or not exact:
            np.copyto(to, total(own, list(sums)))
            if self._others:
                self._requests = [group.sum_fast(to)]
            return
        cuts = len(to) * np.arange(group.size + 1) // group.size
        self._slices = [slice(first, last) for first, last in pairwise(cuts)]
        mine = self._slices[group.rank]
        self._got = [[np.empty(mine.stop - mine.start, to.dtype) for _ in some] for some in blocks]
        for rank in self._others:
            self._requests += [group.receive(values, rank) for values in self._got[rank]]
            self._requests += [group.send(one[self._slices[rank]], rank) for one in sums]

    def value(self) -> NDArray[Any]:
        """Return it, when it is known."""
        group, to = self._group, self._to
        if self._found:
            return to
        group.wait(*self._requests)
        if self._others and self._exact:
            mine = self._slices[group.rank]
            self._got[group.rank] = [one[mine] for one in self._sums]
            blocks = [block for some in self._blocks for block in some]
            np.copyto(to[mine], total(blocks, [values for some in self._got for values in some]))
            requests = [group.send(to[mine], rank) for rank in self._others]
            group.wait(*requests, *(group.receive(to[self._slices[rank]], rank) for rank in self._others))
        self._found = True
        return to
