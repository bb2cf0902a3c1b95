"""Many models trained side by side."""

import queue
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeAlias

from fastopt import _core
from fastopt.core import checks
from fastopt.core.warn import warn
from fastopt.fleet.backends import elsewhere, is_backend
from fastopt.fleet.member import Member, Score, fit_arguments, trained, work_of
from fastopt.fleet.progress import Shown, Steps, shown
from fastopt.fleet.turns import Turns

__all__ = ["fit", "iterate", "train"]

Ended: TypeAlias = "queue.SimpleQueue[tuple[Member, float]]"  # with the work that each leaves undone


def iterate(
    models: Sequence[Any],
    x: Any = None,
    y: Any = None,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    workers: int | None = None,
    threads_per_member: int = 1,
    backend: Any = "fleet",
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> Iterator[Member]:
    """Train models side by side, as `fit` does, and give each one as soon as it has ended.

    Training begins when the first is asked for, and goes on while the caller does something with it. An iterator that
    is closed, as ``break`` in a loop does, stops the models that are left after their last whole step.

    Args:
        models: The models.
        x: Inputs.
        y: Targets.
        each: Arguments of its own for each model.
        workers: How many are trained at a time.
        threads_per_member: How many threads each of them uses.
        backend: What trains them.
        verbose: What is shown.
        arguments: Those of the models' ``fit``, for all.

    Returns:
        An iterator of `Member`.

    Raises:
        TypeError, ValueError: As `fit`; nothing has changed.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> models = [fo.Sequential([fo.layers.Dense(10)], seed=seed) for seed in range(4)]
        >>> for model in models:
        ...     model.compile("adam", "sparse_categorical_crossentropy")
        >>> sorted(member.index for member in fo.fleet.iterate(models, x, y, epochs=2, verbose=0))
        [0, 1, 2, 3]
    """
    shared = {"x": x, "y": y} | arguments
    return train(checks.items("models", models), shared, each, workers, threads_per_member, verbose, backend)


def fit(
    models: Sequence[Any],
    x: Any = None,
    y: Any = None,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    workers: int | None = None,
    threads_per_member: int = 1,
    backend: Any = "fleet",
    verbose: int | bool | str = "auto",
    **arguments: Any,
) -> list[Member]:
    """Train models side by side, each as its own ``fit`` with the same arguments would, to the bit.

    Each model has a thread of its own, as many at a time as there are cores; those with the most left to do go first.
    One that fails, or is stopped early, does not change the others: its `Member` says how it ended. No model has a copy
    of the data: several that are to have other samples each have other `rows` of the same arrays.

    Args:
        models: The models, compiled, of any architectures, losses and optimizers, or solvers.
        x: Inputs, which are not copied.
        y: Targets, as the losses want them.
        each: Arguments of its own for each model: a list of dicts of arguments of ``fit``, `x` and `y` among them,
            which go before those for all.
        workers: How many models are trained at a time; None is as many as `get_num_threads` allows.
        threads_per_member: How many threads each of them uses: more than 1 for a few large ones. At the end the last
            models take the cores that have become free, but never more than ``workers * threads_per_member``.
        backend: What trains them: ``"fleet"``, threads of this process; ``"joblib"``, processes, or what
            ``joblib.parallel_config`` names; or what has a method ``submit``: a client of dask, an executor of
            ``concurrent.futures`` or of mpi4py. Models, arguments and callbacks are pickled, and come back. A model
            whose worker is lost is trained again, up to three times.
        verbose: 0 silent, 1 a bar over all models with the best loss so far, 2 a line a model, ``"auto"`` a bar in a
            terminal or a notebook and lines elsewhere.
        arguments: Those of the models' ``fit``, for all: `epochs`, `batch_size`, `rows`, `validation_data`, ...
            Callbacks are copied for each model; those in `each` are taken as they are. They are called in the thread of
            their model.

    Returns:
        A `Member` for each model, in their order.

    Raises:
        TypeError: An argument of ``fit`` is unknown, or has the wrong type.
        ValueError: A model is there twice, `x` is not finite, or an argument does not fit.
        KeyboardInterrupt: Ctrl-C; each model is as after its last whole step.

    Warns:
        UserWarning: Models have failed; and what models warn of, once for all that warn of the same.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> rates = [1e-4, 1e-3, 1e-2, 1e-1]
        >>> models = [fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0) for _ in rates]
        >>> for model, rate in zip(models, rates):
        ...     model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        >>> members = fo.fleet.fit(models, x, y, epochs=5, validation_split=0.2, verbose=0)
        >>> best = min(members, key=lambda member: member.history.history["val_loss"][-1])
        >>> rates[best.index]
        0.01
    """
    members = sorted(
        iterate(
            models,
            x,
            y,
            each=each,
            workers=workers,
            threads_per_member=threads_per_member,
            backend=backend,
            verbose=verbose,
            **arguments,
        ),
        key=lambda member: member.index,
    )
    failed = [member for member in members if member.error is not None]
    if failed:
        first = failed[0]
        warn(
            f"{len(failed)} of {len(members)} models failed, the first of them models[{first.index}] by "
            f"{type(first.error).__name__}: {first.error}"
        )
    return members


def train(
    models: list[Any],
    shared: Mapping[str, Any],
    each: Sequence[Mapping[str, Any]] | None,
    workers: int | None,
    threads: int,
    verbose: int | bool | str,
    backend: Any = "fleet",
    score: Score | None = None,
) -> Iterator[Member]:
    """Return the members of a fleet as they end, with what `score` finds with each, in its thread or process."""
    cores = _core.runtime.num_threads()
    threads = checks.integer("threads_per_member", threads, 1, 2**31)
    count = max(1, cores // threads) if workers is None else checks.integer("workers", workers, 1, 2**31)
    remote = is_backend(backend)
    given = fit_arguments(models, shared, each)
    work = [work_of(model, arguments) for model, arguments in zip(models, given, strict=True)]
    fleet = shown(verbose, len(models), sum(epoch * epochs for epoch, epochs in work))
    if remote:
        own = [dict(each[i]) if each else {} for i in range(len(models))]
        tasks = [(i, models[i], own[i] | {"callbacks": given[i]["callbacks"]}) for i in range(len(models))]
        members = elsewhere(backend, count, threads, tasks, shared, score)
        return _told(_counted(members, work, fleet), fleet)
    ended: Ended = queue.SimpleQueue()

    def run(index: int) -> None:
        steps = Steps(index, *work[index], turns, fleet)
        member = trained(index, models[index], given[index], steps, score)
        if steps.epochs and member.error is None:
            member.ending = "stopped"
        ended.put((member, steps.left))

    turns = Turns([epoch * epochs for epoch, epochs in work], count, threads, run)
    return _told(_as_they_end(len(models), ended, turns), fleet)


def _as_they_end(count: int, ended: Ended, turns: Turns) -> Generator[tuple[Member, float], None, None]:
    try:
        turns.start()
        for _ in range(count):
            yield ended.get()
    finally:
        turns.stop()


def _counted(
    members: Generator[Member, None, None], work: Sequence[tuple[float, int]], fleet: Shown
) -> Generator[tuple[Member, float], None, None]:
    """Give members that have been trained elsewhere, whose epochs are counted when they have ended."""
    with closing(members):
        for member in members:
            history = member.history.history
            for i in range(len(member.history.epoch)):
                fleet.epoch(0.0, {name: values[i] for name, values in history.items() if len(values) > i})
            epoch, epochs = work[member.index]
            yield member, epoch * epochs


def _told(ended: Generator[tuple[Member, float], None, None], fleet: Shown) -> Iterator[Member]:
    """Give members as they end, with what each leaves undone; say what they warn of."""
    said: set[str] = set()
    try:
        with closing(ended):
            for member, left in ended:
                fleet.end(left, member)
                for text in member.warnings:
                    if text not in said:
                        said.add(text)
                        warn(f"models[{member.index}]: {text}")
                yield member
    finally:
        fleet.close()
