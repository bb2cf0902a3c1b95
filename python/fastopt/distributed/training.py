"""Training one model by several processes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.distributed.evaluation import judged, parts_of
from fastopt.distributed.exchange import Exchange
from fastopt.distributed.feed import Sharded
from fastopt.distributed.group import Group
from fastopt.distributed.meeting import Meeting
from fastopt.distributed.rows import shared
from fastopt.distributed.sameness import check_same, default_shards
from fastopt.methods import Solver
from fastopt.model import fit as loop
from fastopt.model.callbacks.base import Callback
from fastopt.model.callbacks.history import History
from fastopt.model.data import (
    Reading,
    balanced,
    batch_size_at,
    check_one_validation,
    checked_split,
    held_rows,
    triple,
)
from fastopt.model.progress import Progress, progress
from fastopt.optimizers import Optimizer

__all__ = ["fit"]

VALIDATED_AT_ONCE = 256  # samples


def fit(
    model: Any,
    x: Any,
    y: Any,
    comm: Any = None,
    batch_size: int | str | Callable[[int], float] | None = "auto",
    epochs: int = 1,
    validation_data: Sequence[Any] | None = None,
    validation_split: float = 0.0,
    shuffle: bool = True,
    sample_weight: ArrayLike | None = None,
    callbacks: Iterable[Callback] | None = None,
    initial_epoch: int = 0,
    verbose: int | bool | str = "auto",
    class_weight: str | Mapping[Any, float] | None = None,
    iterations: int | None = None,
    validation_freq: int = 1,
    drop_remainder: bool = False,
    exact: bool = True,
    shards: int | None = None,
    norms: str = "joined",
    staleness: int = 0,
) -> History:
    """Train one model by all processes of a communicator, each of which has some of the samples.

    All processes call it with the same model and arguments, but samples of their own, as many as they have. They do the
    same steps, along the gradient of the whole batch, and end with equal weights, histories and states. A batch is cut
    into shards of equally many samples; each process has the same number of them. The samples of all processes, one
    after the other in the order of ranks, are one data set, of which shard i has the i-th part, in a new order in each
    epoch; what another process has of a shard is sent once, at the beginning.

    With `exact` the result is equal to the bit for any number of processes that divides `shards`, wherever the samples
    are: sums over the batch are made over each shard and then in the order of a tree of shards; the noise of layers
    depends on the seed, the step and the place in the batch alone. Else a process has one shard, and where some are on
    other machines MPI sums up, in an order of its own.

    Processes on one machine read each other's gradients where they are; to others each part of a gradient is sent to
    the process that sums it up. Where the step of an element depends on no other, that process does the step of its
    part and the others get the new weights, or have them in common; the rest of its slots they get when the core comes
    back, each epoch, or each batch where callbacks want batches.

    Every process calls the callbacks, but for those that write files, whose attribute `saves` is True: they and what is
    shown are for rank 0. Training begins with the weights, the optimizer and the callbacks of rank 0, so that a backup
    that it has found is for all. An error, or Ctrl-C, in one process ends it in all of them; one that ends without a
    word ends the others by a ConnectionError.

    Args:
        model: The model, compiled, the same in all processes. Where it has no seed and no weights yet, it gets those of
            rank 0.
        x: Inputs ``[n, features]`` of this process, as ``model.fit`` takes them; no iterables of batches.
        y: Their targets.
        comm: The communicator of `mpi4py`; None for ``MPI.COMM_WORLD``.
        batch_size: Samples a step, of all processes together, a multiple of `shards`; None for all of them; ``"auto"``
            is 32, or the next multiple of `shards`, and for a solver all of them. A schedule or a function of the
            number of epochs changes it.
        epochs: The number of the epoch to stop before.
        validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` of this process, evaluated with those of the others
            after each epoch.
        validation_split: The fraction of the samples of all processes, the last ones, kept for validation instead.
        shuffle: Whether each epoch takes the samples of each shard in a new random order.
        sample_weight: Weights ``[n]``, at least 0.
        callbacks: Objects to call as training goes.
        initial_epoch: The number of the first epoch.
        verbose: As in ``model.fit``, in rank 0.
        class_weight: As in ``model.fit``, ``"balanced"`` by the classes of all processes.
        iterations: Of a solver on each batch.
        validation_freq: After how many epochs each the model is validated.
        drop_remainder: Whether an epoch leaves out the samples that do not fill a batch.
        exact: Whether the result is to be the same for other numbers of processes.
        shards: Into how many parts a batch is cut, a multiple of the number of processes; None is 4 where that is one,
            else the number of processes, as it is where `exact` is False.
        norms: Whether batch normalisation measures the whole batch, ``"joined"``, or each process its own part,
            ``"local"``, which needs ``exact=False``; the running statistics are then averaged after each epoch.
        staleness: tau, the steps from a gradient to its use: theta_{t+1} = theta_t - eps g(theta_{t-tau}), and
            g(theta_0) as long as t < tau. A process then waits for what others have found tau steps before, not for
            what they do now. The rate has to be smaller. For an optimizer, not for a solver.

    Returns:
        The history, also found in ``model.history``, the same in all processes but for the seconds.

    Raises:
        ImportError: mpi4py or an MPI library is missing.
        RuntimeError: Another process has failed, for the reason that the message says.
        ConnectionError: Another process has ended.
        TypeError, ValueError, FloatingPointError, KeyboardInterrupt: As ``model.fit``; in the processes whose own data
            are in order it is a RuntimeError. Or the processes have different models or arguments.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()  # each process would read a part of its own
        >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> history = fo.distributed.fit(model, x, y, epochs=10, verbose=0)  # mpiexec -n 4 python this.py
        >>> history.history["accuracy"][-1] > 0.8
        True
    """
    with Group(comm) as group:
        norms = word("norms", norms, ("joined", "local"))
        exact = checks.flag("exact", exact)
        if exact and norms == "local":
            raise ValueError("norms='local' depends on the number of processes: it needs exact=False.")
        if not exact and shards is not None:
            raise ValueError("shards are for exact=True; else each process has one.")
        validation_freq = checks.integer("validation_freq", validation_freq, 1)
        numbers = loop.checked_epochs(initial_epoch, epochs)
        validation_split = checked_split(validation_split)
        check_one_validation(validation_data, validation_split or None, None)
        staleness = checks.integer("staleness", staleness, 0, 2**10)
        if staleness and not isinstance(model.optimizer, Optimizer):
            raise ValueError("staleness is for an optimizer: a solver looks at the cost itself.")
        shuffle, drop = checks.flag("shuffle", shuffle), checks.flag("drop_remainder", drop_remainder)
        shown = progress(verbose)
        count = default_shards(shards, group.size) if exact else group.size
        listeners = loop.checked_callbacks(callbacks)
        compiled = model._need_losses()
        known, features = _united_classes(group, model, y), model._features.copy()
        how = Reading("", known, find=True, features=features)
        data, plan = model._read(x, y, sample_weight, None, how)
        validated: Any = None
        if validation_data is not None:
            given = triple("validation_data", validation_data)
            validated, _ = model._read(*given, plan, Reading("validation ", known, features=features))
            compiled.check_metrics(validated, plan)
        size, iterations = model._batches(_auto(batch_size, model.optimizer, count), iterations, checks.SIZE - 1)
        whole = size == checks.SIZE - 1
        settings: dict[str, object] = {
            "batch_size": size if isinstance(size, int) else repr(size),
            "epochs": numbers,
            "shuffle": shuffle,
            "drop_remainder": drop,
            "validation_freq": validation_freq,
            "validation_split": validation_split,
            "validation_data": None if validated is None else ("weighted" if validated.weight is not None else "given"),
            "sample_weight": data.weight is not None,
            "class_weight": repr(class_weight),
            "iterations": iterations,
            "exact": exact,
            "shards": count,
            "norms": norms,
            "staleness": staleness,
            "callbacks": [type(one).__name__ for one in listeners],
        }
        check_same(group, model, plan, settings)
        _take_seed(group, model)
        rows = sum(group.objects(data.rows))
        held = held_rows(rows, validation_split) if validation_split else 0
        if rows - held < count:
            raise ValueError(f"There are {rows - held} samples in all; {count} shards need at least as many.")
        if not whole:
            plan.check_batches(rows - held, batch_size_at(size, model.epochs_trained))
        validation: list[Any] | None = None
        each = slice(group.rank * count // group.size, (group.rank + 1) * count // group.size)
        if validated is not None or held:
            last = sum(group.objects(validated.rows)) if validated is not None else rows
            some, parts = shared(group, validated or data, last - held if held else 0, last, count)
            validation = parts_of(some, parts[each])
        data, sizes = shared(group, data, 0, rows - held, count)
        if class_weight is not None:
            data = compiled.with_class_weight(
                data, _balanced(group, compiled, data, plan, known, class_weight), plan, model.dtype, how
            )
        exchange = Exchange(group, count, exact, staleness)
        feed = Sharded(
            group,
            data,
            sizes,
            None if whole else size,
            shuffle,
            drop,
            norms == "joined",
            exchange,
        )
        feed.resize(model.epochs_trained)
        model._build(plan)
        compiled.warn(data, plan, trained=True)
        model._classes, model._features = known, features

        def judge(judges: Any, built: Any, parts: Any, batch_size: int, _: object) -> dict[str, float]:
            return judged(group, judges, built, parts, batch_size)

        meeting = Meeting(group, shown if group.rank == 0 else Progress())
        called = [one for one in listeners if group.rank == 0 or not one.saves]
        history = loop.fit(model, feed, validation, numbers, called, meeting, iterations, validation_freq, judge=judge)
        exchange.end()
        return history


def _auto(batch_size: Any, optimizer: Any, shards: int) -> Any:
    """Return the batch size that ``"auto"`` stands for."""
    if isinstance(batch_size, str):
        word("batch_size", batch_size, ("auto",))
        return None if isinstance(optimizer, Solver) else -(-32 // shards) * shards
    return batch_size


def _united_classes(group: Group, model: Any, y: Any) -> dict[str, Any]:
    """Return the classes of each output that are known: of words, which a process may not have all, those of all."""
    known: dict[str, Any] = dict(model._classes)
    labels = None if isinstance(y, Mapping) else np.asarray(y)
    words = bool(labels is not None and labels.dtype.kind in "OUST" and labels.ndim in (1, 2))
    said = group.objects((words, bool(known)))
    if not any(one for one, _ in said) or any(one for _, one in said) or len(model._heads) > 1:
        return known
    every = set().union(*group.objects(set(labels.ravel().tolist()) if labels is not None else set()))
    if all(isinstance(label, str | bytes) for label in every):
        known[model._heads[0]] = np.array(sorted(every))
    return known


def _take_seed(group: Group, model: Any) -> None:
    """Give the model the seed of the first process."""
    seeds = group.objects((model.seed, model.built))
    for rank, (seed, built) in enumerate(seeds):
        if seed != seeds[0][0] and (built or seeds[0][1]):
            raise ValueError(
                f"The seed must be the same in all ranks; it is {seeds[0][0]} in rank 0 and {seed} in rank {rank}. "
                "Give the model a seed, or let fit build it."
            )
    model.seed = seeds[0][0]


def _balanced(group: Group, compiled: Any, data: Any, plan: Any, known: Any, given: Any) -> Any:
    """Return factors of classes, of which ``"balanced"`` are those of all processes."""
    if given != "balanced":
        return given
    here = group.objects(np.bincount(compiled.labels(data, plan)))
    counts = np.zeros(max(map(len, here)), np.int64)
    for some in here:
        counts[: len(some)] += some
    labels = range(len(counts)) if known.get("") is None else known[""].tolist()
    factors = balanced(counts).tolist()
    return {labels[number]: factors[number] for number in np.flatnonzero(counts).tolist()}
