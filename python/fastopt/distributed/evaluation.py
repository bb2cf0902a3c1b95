"""The loss and the metrics of samples that several processes have."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.distributed.group import Group
from fastopt.distributed.rows import shared
from fastopt.distributed.sameness import check_same, default_shards
from fastopt.model.built import Built
from fastopt.model.compiled import Compiled
from fastopt.model.data import joined, part, without_inputs
from fastopt.model.feed import Data, begin
from fastopt.model.heads import Heads
from fastopt.model.results import kind_of_results

__all__ = ["Parts", "evaluate", "judged"]

Parts = list[Any]  # the samples of each shard of a process


def parts_of(data: Any, sizes: NDArray[np.int64]) -> Parts:
    """Return the samples of each shard, of which some may be empty."""
    parts, first = [], 0
    for size in sizes.tolist():
        parts.append(part(data, slice(first, first + size)))
        first += size
    return parts


def judged(
    group: Group, compiled: Compiled | Heads, built: Built, parts: Iterable[Data], batch_size: int
) -> dict[str, float]:
    """Return the loss and all metrics of all parts of all processes together."""
    found: list[dict[str, float]] = []
    kept: list[tuple[Data, Any]] = []
    for data in parts:
        if not data.rows:
            continue
        found.append(dict(begin(compiled, built, data, batch_size).evaluate()))
        if compiled.needs_outputs:
            kept.append((without_inputs(data), built.network.predict(data.x, batch_size)))
    totals: Counter[str] = Counter()
    for here in group.objects(found):
        for some in here:
            totals.update(some)
    logs = compiled.means(totals)
    if compiled.needs_outputs:
        every = [one for here in group.objects(kept) for one in here]
        logs |= compiled.of_outputs(*joined(every))
    return {name: logs[name] for name in compiled.reported}


def evaluate(
    model: Any,
    x: Any,
    y: Any,
    comm: Any = None,
    batch_size: int = 256,
    sample_weight: ArrayLike | None = None,
    shards: int | None = None,
    return_dict: bool | None = None,
) -> Any:
    """Return the loss and the metrics of the samples of all processes together, in all of them.

    All processes call it, with the same model and samples of their own. The result is equal to the bit for any number
    of processes that divides `shards`, and wherever the samples are.

    Args:
        model: The model.
        x: Inputs ``[n, features]`` of this process, as ``model.evaluate`` takes them.
        y: Their targets.
        comm: The communicator of `mpi4py`; None for ``MPI.COMM_WORLD``.
        batch_size: Samples computed at a time, at least 1; it changes memory and speed only.
        sample_weight: Weights ``[n]``, at least 0.
        shards: As `fit` takes them.
        return_dict: True for a dict, False for a list, None for a tuple whose items have names.

    Returns:
        What ``model.evaluate`` returns.

    Raises:
        ImportError, RuntimeError, ConnectionError: As `fit`.
        TypeError, ValueError: As ``model.evaluate``; in the processes with other samples it is a RuntimeError that says
            so.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(x, y, epochs=10, verbose=0)
        >>> loss, accuracy = fo.distributed.evaluate(model, x, y)  # mpiexec -n 4 python this.py
        >>> 0.8 < accuracy < 1
        True
    """
    with Group(comm) as group:
        returned = kind_of_results(return_dict)
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        count = default_shards(shards, group.size)
        compiled, built = model._need_losses(), model._need_weights()
        data, plan = model._read(x, y, sample_weight)
        compiled.check_metrics(data, plan)
        check_same(group, model, plan, {"batch_size": batch_size, "shards": count, "weighted": data.weight is not None})
        rows = sum(group.objects(data.rows))
        own, sizes = shared(group, data, 0, rows, count)
        built.freeze()
        each = count // group.size
        parts = parts_of(own, sizes[group.rank * each :][:each])
        return returned(judged(group, compiled, built, parts, batch_size))
