"""The rows of all processes as one data set, cut into shards, each of which one process has."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastopt.data.sparse import SparseRows
from fastopt.distributed.group import Group
from fastopt.model.data import Samples, Several

__all__ = ["batches_of", "cut", "shard_sizes", "shared"]

D = TypeVar("D", Samples, Several)


def shard_sizes(rows: int, shards: int) -> NDArray[np.int64]:
    """Return how many of so many rows each shard has: equally many, or the first ones one more."""
    return rows // shards + (np.arange(shards) < rows % shards)


def batches_of(sizes: NDArray[np.int64], batch_size: int, drop: bool) -> NDArray[np.int64]:
    """Return the rows that each batch has of each shard ``[batches, shards]``.

    Args:
        sizes: The rows of the shards.
        batch_size: Those of a batch, as many of each shard.
        drop: Whether an epoch leaves out the rows that do not fill a batch, if it has others.
    """
    each, most, least = batch_size // len(sizes), int(sizes.max()), int(sizes.min())
    count = -(-most // each)
    if count > 1 and least <= (count - 1) * each:  # a shard has nothing for the last batch, which joins the one before
        count -= 1
    table = np.full((count, len(sizes)), each)
    table[-1] = sizes - each * (count - 1)
    full = least // each
    return table[:full].clip(max=each) if drop and full else table


def cut(data: D, first: int, last: int) -> D:
    """Return some of the samples, from the first to before the last; no copies."""

    def part(array: Any) -> Any:
        return [one[first:last] for one in array] if isinstance(array, list) else array[first:last]

    weight = None if data.weight is None else data.weight[first:last]
    return data._replace(x=part(data.x), y=part(data.y), weight=weight, given=part(data.given))


def shared(group: Group, data: D, begin: int, end: int, shards: int) -> tuple[D, NDArray[np.int64]]:
    """Return those of the rows that are in the shards of this process, and the sizes of all shards.

    Shard i of s has equally many rows as the others, those of rank 0 before those of rank 1, and belongs to rank
    i // (s / ranks). Rows that another process has are sent, once.

    Args:
        group: The processes.
        data: The samples of this process.
        begin: The first row that is meant, counted through all processes.
        end: Before which the last one is.
        shards: The number of shards, a multiple of that of the processes.
    """
    counts = np.array(group.objects(data.rows))
    ends = np.cumsum(counts)
    sizes = shard_sizes(end - begin, shards)
    wanted = np.concatenate([[begin], begin + np.cumsum(sizes)])[:: shards // group.size]
    first = int(ends[group.rank] - data.rows)  # the number of the first row here
    mine = max(first, begin), min(first + data.rows, end)
    parts: list[D | None] = []
    for low, high in pairwise(wanted):
        some = max(mine[0], int(low)), min(mine[1], int(high))
        parts.append(cut(data, some[0] - first, some[1] - first) if some[0] < some[1] else None)
    if all(group.objects(all(part is None for i, part in enumerate(parts) if i != group.rank))):
        own = parts[group.rank]
        return (cut(data, 0, 0) if own is None else own), sizes
    bare = [None if part is None else _compact(part) for part in parts]
    got = [part for part in group.exchanged(bare) if part is not None]
    return (_joined(got) if got else cut(data, 0, 0)), sizes


def _compact(data: D) -> D:
    """Return samples whose sparse rows have no entries of others, as they are to be sent."""

    def own(array: Any) -> Any:
        if isinstance(array, list):
            return [own(one) for one in array]
        if not isinstance(array, SparseRows):
            return array
        first, last = array.starts[0], array.starts[-1]
        return SparseRows(array.starts - first, array.columns[first:last], array.values[first:last], array.width)

    return data._replace(x=own(data.x))


def _joined(parts: Sequence[D]) -> D:
    """Return samples one after the other."""
    if len(parts) == 1:
        return parts[0]

    def every(arrays: Sequence[Any]) -> Any:
        if isinstance(arrays[0], list):
            return [every(one) for one in zip(*arrays, strict=True)]
        first: Any = arrays[0]
        if isinstance(first, SparseRows):
            before = np.cumsum([0, *(len(one.values) for one in arrays)])
            starts: list[Any] = [one.starts[:-1] + add for one, add in zip(arrays, before[:-1], strict=True)]
            return SparseRows(
                np.concatenate([*starts, before[-1:]]),
                np.concatenate([one.columns for one in arrays]),
                np.concatenate([one.values for one in arrays]),
                first.width,
            )
        return np.concatenate(arrays)

    weights: list[Any] = [part.weight for part in parts if part.weight is not None]
    return parts[0]._replace(
        x=every([part.x for part in parts]),
        y=every([part.y for part in parts]),
        weight=np.concatenate(weights) if weights else None,
        given=every([part.given for part in parts]),
    )
