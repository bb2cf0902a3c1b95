"""What the core tells the other processes in each batch, and learns from them."""

from collections import deque
from collections.abc import Container, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.distributed.group import ElsewhereError, Group
from fastopt.distributed.memory import Memory

__all__ = ["Exchange", "blocks_of", "total"]

LINE = 64  # values
Block = tuple[int, int]  # the first shard of a block, and how many it has


def add(sums: list[NDArray[Any]], to: NDArray[Any]) -> None:
    """Add the last two arrays: in the place of the first of them, or where all others are added to."""
    last = sums.pop()
    sums[-1] = np.add(sums[-1], last, out=sums[-1] if len(sums) > 1 else to)


def join(blocks: list[Block]) -> bool:
    """Join the last two blocks if they are the halves of another, as the core does; return whether they were."""
    if len(blocks) < 2:
        return False
    (first, size), (_, other) = blocks[-2:]
    if size != other or first % (2 * size):
        return False
    blocks.pop()
    blocks[-1] = first, 2 * size
    return True


def blocks_of(first: int, count: int) -> list[Block]:
    """Return the blocks whose sums the core makes of shards: of 2^k, that begin at a multiple of 2^k."""
    blocks: list[Block] = []
    for shard in range(first, first + count):
        blocks.append((shard, 1))
        while join(blocks):
            pass
    return blocks


def slices_of(size: int, ranks: int) -> list[slice]:
    """Return the part of so many values that each process sums up and updates: whole lines of the cache."""
    cuts = size // LINE * np.arange(ranks + 1) // ranks * LINE
    cuts[-1] = size
    return [slice(int(first), int(last)) for first, last in pairwise(cuts)]


def total(blocks: list[Block], sums: list[NDArray[Any]], to: NDArray[Any]) -> NDArray[Any]:
    """Find the sum of all blocks, which are in their order, in an order that depends on the shards alone.

    The arrays are changed.
    """
    if len(sums) == 1:
        np.copyto(to, sums[0])
        return to
    some: list[Block] = []
    stack: list[NDArray[Any]] = []
    for block, values in zip(blocks, sums, strict=True):
        some.append(block)
        stack.append(values)
        while join(some):
            add(stack, to)
    for values in stack[1:]:
        np.add(stack[0], values, out=to)
        stack[0] = to
    return to


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
        self._memory: Memory | None = None
        self._weights: Memory | None = None  # of the first process, for all
        self._made: Any = None  # what they were made for
        self._near: dict[int, NDArray[Any]] = {}  # the sums of processes on this machine, by their ranks
        self._unread = False  # what was spread may still be read

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
            self._unread = False
            if not self.meet("batch", stops, True):
                return False
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

    def memory(self, blocks: int, size: int, dtype: Any) -> NDArray[Any] | None:
        """Return where the core is to leave the sums of blocks, if there are processes that read them there."""
        if self._group.size == 1 or self._staleness:
            return None
        if self._made != (blocks, size, dtype):
            self._made = blocks, size, dtype
            self._memory = Memory(self._group, (blocks * size + LINE) * dtype.itemsize)
            most = (size + LINE) * dtype.itemsize if self._group.rank == 0 else 1
            self._weights = Memory(self._group, most) if self._memory.common else None
            self._near = {
                rank: np.frombuffer(memory, dtype, len(self._blocks[rank]) * size).reshape(-1, size)
                for rank, memory in self._memory.of.items()
            }
        return self._near.get(self._group.rank)

    def common(self) -> tuple[NDArray[Any], list[tuple[int, int, NDArray[Any]]]] | None:
        """Return memory for parameters that all change, and the sums of all blocks; None where not all reach it."""
        if self._weights is None or not self._weights.common:
            return None
        _, size, dtype = self._made
        blocks = [block for some in self._blocks for block in some]
        sums = [one for rank in range(self._group.size) for one in self._near[rank]]
        parameters = np.frombuffer(self._weights.of[0], dtype, size)
        return parameters, [(*block, values) for block, values in zip(blocks, sums, strict=True)]

    def meet(self, what: str, stops: bool, interruptible: bool) -> bool:
        """Wait for the others, unless this process or one of them stops."""
        if self._staleness:
            return not stops
        if self._group.failed:
            return False
        if self._group.meet(what, stops, interruptible):
            if stops:
                return False
            raise ElsewhereError
        return True

    def own(self, size: int) -> tuple[int, int]:
        """Return the part of a total that `unite` finds: its begin and its end."""
        part = slice(0, size) if self._staleness else slices_of(size, self._group.size)[self._group.rank]
        return part.start, part.stop

    def unite_all(self, sums: NDArray[Any], united: NDArray[Any]) -> bool:
        """Sum up blocks of shards of all processes."""
        Sum(self._group, self._blocks, self._exact, sums, united[0]).value()
        return True

    def unite(self, sums: NDArray[Any], united: NDArray[Any]) -> bool:
        """Find the own part of that, or all of that of some steps ago."""
        group, to = self._group, united[0]
        if self._staleness:
            self._gradients.append(Sum(group, self._blocks, self._exact, sums.copy(), np.empty_like(to)))
            if len(self._gradients) > self._staleness:
                np.copyto(to, self._gradients.popleft().value())
            else:  # before there is one of as many steps ago, the first
                np.copyto(to, self._gradients[0].value())
            return True
        if self._exact or not self._memory or self._memory.common:
            Sum(group, self._blocks, True, sums, to, self._near).part()
        else:
            parts = slices_of(len(to), group.size)
            part = np.empty_like(to[parts[group.rank]])
            group.wait(group.sum_parts(sums[0], part, [one.stop - one.start for one in parts]))
            to[parts[group.rank]] = part
        return True

    def spread(self, values: NDArray[Any]) -> bool:
        """Fill in the parts of others, of what each has found for its own."""
        group = self._group
        if self._staleness or group.size == 1:
            return True
        if group.failed:
            return False
        parts = slices_of(values.size, group.size)
        mine = parts[group.rank]
        requests = swap(group, values[0], parts, self._near)
        if self._memory and self._memory.any:
            if self._unread:
                group.meet("spread again", interruptible=False)
            if self._near:  # nobody else reads this part of the sums
                self._near[group.rank][0, mine] = values[0, mine]
            group.meet("spread", interruptible=False)
            self._unread = True
            for rank, sums in self._near.items():
                if rank != group.rank:
                    values[0, parts[rank]] = sums[0, parts[rank]]
        group.wait(*requests)
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


def swap(group: Group, values: NDArray[Any], parts: list[slice], near: Container[int] = ()) -> list[Any]:
    """Begin to send the own part to those who are not near, and to receive theirs; return what is to wait."""
    far = [rank for rank in range(group.size) if rank != group.rank and rank not in near]
    sent = [group.send(values[parts[group.rank]], rank) for rank in far]
    return sent + [group.receive(values[parts[rank]], rank) for rank in far]


class Sum:
    """The sum over the shards of all processes, on its way.

    Exact, each process sums up a part of its own, of which the others send it theirs, and sends it to them.

    Args:
        group: The processes.
        blocks: The blocks of shards whose sums each of them has.
        exact: Whether the order of sums depends on the shards alone.
        sums: Those of this process, to be left as they are until the sum is known.
        to: Where it may be made; it may be the memory of `sums`.
        near: The sums of those that are not asked for theirs.
    """

    def __init__(
        self,
        group: Group,
        blocks: list[list[Block]],
        exact: bool,
        sums: NDArray[Any],
        to: NDArray[Any],
        near: Mapping[int, NDArray[Any]] = MappingProxyType({}),
    ) -> None:
        self._group, self._blocks, self._to = group, blocks, to
        self._whole, self._found = not exact or group.size == 1, False
        self._requests: list[Any] = []
        if self._whole:
            total(blocks[group.rank], list(sums), to)
            if group.size > 1:
                self._requests = [group.sum_fast(to)]
            return
        self._parts = slices_of(len(to), group.size)
        mine = self._parts[group.rank]
        self._got: list[Any] = []
        for rank, some in enumerate(blocks):
            if rank == group.rank:
                self._got += [one[mine] for one in sums]
            elif rank in near:
                self._got += [one[mine] for one in near[rank]]
            else:
                got = [np.empty(mine.stop - mine.start, to.dtype) for _ in some]
                self._requests += [group.receive(values, rank) for values in got]
                self._requests += [group.send(one[self._parts[rank]], rank) for one in sums]
                self._got += got

    def part(self) -> None:
        """Find the own part of it, or all where MPI sums up."""
        self._group.wait(*self._requests)
        if not self._whole:
            blocks = [block for some in self._blocks for block in some]
            total(blocks, self._got, self._to[self._parts[self._group.rank]])

    def value(self) -> NDArray[Any]:
        """Return it, when it is known."""
        if not self._found:
            self.part()
            if not self._whole:
                self._group.wait(*swap(self._group, self._to, self._parts))
            self._found = True
        return self._to
