"""The rows of all processes as one data set, cut into shards, each of which one process has."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastopt.data.sparse import SparseRows
from fastopt.distributed.group import Group
from fastopt.model.data import Samples, Several, concatenated, part

__all__ = ["batches_of", "shard_sizes", "shared"]

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
        parts.append(part(data, slice(some[0] - first, some[1] - first)) if some[0] < some[1] else None)
    if all(group.objects(all(one is None for i, one in enumerate(parts) if i != group.rank))):
        own = parts[group.rank]
        return (part(data, slice(0)) if own is None else own), sizes
    bare = [None if one is None else _compact(one) for one in parts]
    got = [one for one in group.exchanged(bare) if one is not None]
    return (_joined(got) if got else part(data, slice(0))), sizes


def _compact(data: D) -> D:
    """Return samples whose sparse rows have no entries of others, as they are to be sent."""

    def own(array: Any) -> Any:
        if isinstance(array, list):
            return [own(one) for one in array]
        return array.compact() if isinstance(array, SparseRows) else array

    return data._replace(x=own(data.x))


def _joined(parts: Sequence[D]) -> D:
    """Return samples one after the other."""
    if len(parts) == 1:
        return parts[0]
    weights: list[Any] = [one.weight for one in parts if one.weight is not None]
    return parts[0]._replace(
        x=concatenated([one.x for one in parts]),
        y=concatenated([one.y for one in parts]),
        weight=np.concatenate(weights) if weights else None,
        given=concatenated([one.given for one in parts]),
    )
