"""Models trained elsewhere: in processes of joblib, or by what takes functions to call, as a client of dask."""

import queue
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fastopt import _core
from fastopt.core.registry import unknown_name
from fastopt.fleet.member import Member, trained

__all__ = ["elsewhere", "is_backend"]

Task = tuple[int, Any, Mapping[str, Any]]  # the place of a model, the model, and arguments of its own
LOSSES = 3  # of workers, after which a model has failed
NO_LIMIT = 2**31 - 1  # threads


def is_backend(backend: Any) -> bool:
    """Return whether models are trained elsewhere.

    Raises:
        ValueError: It is an unknown word.
        TypeError: It is nothing that takes functions.
    """
    if isinstance(backend, str):
        if backend not in ("fleet", "joblib"):
            raise unknown_name("backend", backend, ("fleet", "joblib"))
        return backend != "fleet"
    if not callable(getattr(backend, "submit", None)):
        raise TypeError(
            "backend must be 'fleet', 'joblib', or have the method submit, as a client of dask and the executors of "
            f"concurrent.futures do, not {backend!r}."
        )
    return True


def elsewhere(
    backend: Any, workers: int, threads: int, tasks: Sequence[Task], shared: Mapping[str, Any], score: Any
) -> Generator[Member, None, None]:
    """Train models in other processes, and give each as it ends, in its old place.

    A task whose worker was lost is done again, up to three times.

    Args:
        backend: What `is_backend` lets through.
        workers: How many processes joblib uses.
        threads: How many threads each model uses.
        tasks: The models.
        shared: The arguments of ``fit`` for all.
        score: What is found with each, or None.

    Raises:
        ImportError: joblib is not installed.
    """
    run = _joblib(workers) if backend == "joblib" else _submitted(backend)
    models = {index: model for index, model, _ in tasks}
    for member in run(tasks, dict(shared), threads, score):
        if member.model is not None:
            models[member.index].__setstate__(member.model.__getstate__())
        member.model = models[member.index]
        yield member


def _trained(task: Task, shared: Mapping[str, Any], threads: int, score: Any) -> Member:
    index, model, own = task
    arguments = dict(shared) | dict(own)
    _core.runtime.limit_threads(threads)  # so that the workers of a machine share its cores
    try:
        member = trained(index, model, arguments, 0, score)
    finally:
        _core.runtime.limit_threads(NO_LIMIT)
    epochs = arguments.get("epochs", 1) - arguments.get("initial_epoch", 0)
    if member.error is None and len(member.history.epoch) < epochs:
        member.ending = "stopped"
    return member


def _lost(task: Task, error: BaseException) -> Member:
    return Member(task[0], None, ending="failed", error=error)


Run = Callable[[Sequence[Task], Mapping[str, Any], int, Any], Iterator[Member]]


def _joblib(workers: int) -> Run:
    try:
        import joblib
    except ImportError as error:
        raise ImportError("backend='joblib' needs joblib: pip install joblib") from error

    def run(tasks: Sequence[Task], *arguments: Any) -> Iterator[Member]:
        left = {task[0]: task for task in tasks}
        for losses in range(LOSSES + 1):
            parallel = joblib.Parallel(workers, return_as="generator_unordered", batch_size=1)
            try:
                for member in parallel(joblib.delayed(_trained)(task, *arguments) for task in left.values()):
                    del left[member.index]
                    yield member
            except Exception as error:
                if losses == LOSSES:
                    yield from (_lost(task, error) for task in left.values())
            if not left:
                return

    return run


def _submitted(backend: Any) -> Run:
    def run(tasks: Sequence[Task], shared: Mapping[str, Any], *arguments: Any) -> Iterator[Member]:
        scatters = hasattr(backend, "scatter")  # a client of dask: the data go to each worker once
        options = {"pure": False} if scatters else {}
        ended: queue.SimpleQueue[tuple[Task, Any]] = queue.SimpleQueue()
        futures: dict[int, Any] = {}

        def share() -> Any:
            return backend.scatter([shared], broadcast=True, hash=False)[0] if scatters else shared

        def submit(task: Task) -> None:
            futures[task[0]] = backend.submit(_trained, task, there, *arguments, **options)
            futures[task[0]].add_done_callback(lambda future: ended.put((task, future)))

        losses = dict.fromkeys((task[0] for task in tasks), 0)
        there = share()
        try:
            for task in tasks:
                submit(task)
            while futures:
                task, future = ended.get()
                del futures[task[0]]
                try:
                    member = future.result()
                except Exception as error:
                    losses[task[0]] += 1
                    member = _lost(task, error)
                    if losses[task[0]] <= LOSSES:
                        with suppress(Exception):  # of an executor that takes nothing any more
                            there = share()  # a worker may have taken the only copy with it
                            submit(task)
                            continue
                yield member
        finally:
            for future in futures.values():
                future.cancel()

    return run
