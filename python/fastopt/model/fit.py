"""Training, epoch by epoch, and evaluation: the calls to the core, and those to callbacks between them."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.warn import warn
from fastopt.losses.function import WholeBatchError
from fastopt.model.built import Built
from fastopt.model.callbacks.backup import BackupAndRestore
from fastopt.model.callbacks.base import Callback, Logs
from fastopt.model.callbacks.functions import TerminateOnNaN
from fastopt.model.callbacks.history import History
from fastopt.model.compiled import SPEED, Compiled
from fastopt.model.data import Samples, Several, batch_size_at, ordered
from fastopt.model.heads import Heads
from fastopt.model.progress import Progress, shown
from fastopt.model.solving import Solving
from fastopt.optimizers import Optimizer

__all__ = [
    "Model",
    "Ready",
    "begin",
    "checked_callbacks",
    "checked_epochs",
    "cost_and_gradient",
    "evaluate",
    "fit",
    "train",
]


ITERATIONS = 5  # of a solver on a batch of some of the samples


class Ready(NamedTuple):
    """What a step takes: an optimizer with losses and metrics, the weights, and what does the steps."""

    compiled: Compiled | Heads
    built: Built
    trainer: _core.Optimizer | Solving


class Model(Protocol):
    """What training reads and sets of a model."""

    seed: int
    history: History
    epochs_trained: int
    stop_training: bool

    def _ready(self) -> Ready:
        """Return what the next step takes: callbacks may have compiled the model anew."""


def checked_callbacks(given: Iterable[Callback] | None) -> list[Callback]:
    """Return the callbacks that `fit` is given; None is none."""
    if isinstance(given, Callback):
        raise TypeError(f"callbacks must be a list, such as [{given!r}].")
    callbacks = [] if given is None else checks.items("callbacks", given)
    for i, callback in enumerate(callbacks):
        if not isinstance(callback, Callback):
            raise TypeError(
                f"callbacks must be a list of objects of fastopt.callbacks.Callback; callbacks[{i}] is {callback!r}."
            )
        callback.checked_every()
    return callbacks


def checked_epochs(first: object, stop: object) -> range:
    """Return the numbers of the epochs, of the arguments `initial_epoch` and `epochs`."""
    start, end = checks.integer("initial_epoch", first, 0), checks.integer("epochs", stop, 0)
    if end < start:
        raise ValueError(f"epochs={end} is the epoch to stop before: at least initial_epoch={start}.")
    return range(start, end)


def begin(
    compiled: Compiled | Heads,
    built: Built,
    data: Samples | Several,
    batch_size: int,
    order: NDArray[np.int64] | None = None,
) -> _core.Epoch:
    """Return the samples in batches, ready to be passed through in an order of theirs, or in their own."""
    rows = ordered(data, order)
    return _core.Epoch(built.network, compiled.goals(data), data.x, data.y, data.weight, rows, batch_size)


def train(
    ready: Ready,
    epoch: _core.Epoch,
    batches: int,
    poll: Callable[[int], object] | None = None,
    ends_epoch: bool = False,
    iterations: int = 1,
) -> Logs:
    """Do the steps of the next batches of an epoch, a solver's iterations on each, and return its means so far."""
    if isinstance(ready.trainer, Solving):
        return ready.compiled.means(ready.trainer.solve(epoch, iterations, batches, poll))
    optimizer: Any = ready.compiled.optimizer
    hyper = optimizer.hyper_of(batches)
    return ready.compiled.means(epoch.train(ready.trainer, hyper, batches, poll, ends_epoch))


def evaluate(
    compiled: Compiled | Heads, built: Built, data: Samples | Several, batch_size: int, verbose: object = 0
) -> Logs:
    """Return the loss and all metrics."""
    passed = begin(compiled, built, data, batch_size)
    logs = compiled.means(shown(verbose, "evaluate", data.rows, batch_size, passed.evaluate))
    if compiled.needs_outputs:
        predict = partial(built.network.predict, rows=data.chosen)
        outputs = shown(verbose, "predict", data.rows, batch_size, predict, data.x, batch_size)
        logs |= compiled.of_outputs(data, outputs)
    return {name: logs[name] for name in compiled.reported}


def cost_and_gradient(
    compiled: Compiled | Heads, built: Built, data: Samples | Several, w: NDArray[np.float64] | None
) -> tuple[float, NDArray[np.float64]]:
    """Return the cost of all samples and its gradient, at these weights or those that there are."""
    epoch = begin(compiled, built, data, data.rows)
    try:
        return epoch.cost_and_gradient(w)
    except WholeBatchError:
        return epoch.cost_and_gradient(w, whole=True)


def fit(
    model: Model,
    data: Samples | Several,
    validation: Samples | Several | None,
    batch_size: int | Callable[[int], float],
    epochs: range,
    shuffle: bool,
    callbacks: Sequence[Callback],
    shown: Progress,
    iterations: int | None,
    validation_freq: int,
) -> History:
    """Train for these epochs; the arguments are those of `Sequential.fit`, checked."""
    model.stop_training = False
    samples = data.rows
    params: dict[str, Any] = {
        "epochs": epochs.stop,
        "initial_epoch": epochs.start,
        "batches": _batches(samples, batch_size_at(batch_size, model.epochs_trained)),
        "samples": samples,
        "logs": model._ready().compiled.log_names(validated=validation is not None),
    }
    history = History()
    # Backups come first: they hold what there is before the others change it.
    listeners = [*sorted([history, *callbacks], key=lambda callback: not isinstance(callback, BackupAndRestore)), shown]
    params["callbacks"] = listeners[:-1]
    for listener in listeners:
        listener.model, listener.params = model, params
    begun: list[Callback] = []
    try:
        for listener in listeners:
            listener.on_train_begin()
            begun.append(listener)
        model.history = history
        warned = False
        compiled, passed = None, None
        for epoch in range(params["initial_epoch"], epochs.stop):
            size = batch_size_at(batch_size, model.epochs_trained)
            ready = model._ready()
            method = ready.compiled.optimizer
            if isinstance(method, Optimizer) and not warned and (message := method.batch_warning(size, samples)):
                warn(message)
                warned = True
            params["batches"] = batches = _batches(samples, size)
            for listener in listeners:
                listener.on_epoch_begin(epoch)
            if model.stop_training:
                break
            if callbacks:  # they were called
                ready = model._ready()
            ready.built.plan.check_batches(samples, size)
            began = time.perf_counter()
            shuffles = shuffle and (size < samples or isinstance(ready.trainer, _core.Optimizer))
            order = _core.kernels.permutation(model.seed, model.epochs_trained, samples) if shuffles else None
            if passed is None or ready.compiled is not compiled:
                compiled = ready.compiled
                passed = begin(compiled, ready.built, data, size, order)
            else:
                passed.start(size, ordered(data, order))
            repeats = iterations or (1 if size >= samples else ITERATIONS)
            try:
                logs, report = _train_epoch(model, ready, passed, batches, callbacks, shown, repeats)
            except FloatingPointError as error:
                if not any(isinstance(callback, TerminateOnNaN) for callback in callbacks):
                    raise
                warn(f"Training ends in epoch {epoch}: {error}.")
                break
            seconds = time.perf_counter() - began
            if validation is not None and (epoch + 1) % validation_freq == 0:
                ready = model._ready()
                values = evaluate(ready.compiled, ready.built, validation, 256)
                logs |= {f"val_{name}": value for name, value in values.items()}
            logs |= report | dict(zip(SPEED, (seconds, samples / seconds), strict=True))
            for listener in listeners:
                listener.on_epoch_end(epoch, logs)
            if isinstance(ready.trainer, Solving) and size >= samples and ready.trainer.message:
                history.message = ready.trainer.message
                model.stop_training = True
                break
            if model.stop_training:
                break
    finally:
        with ExitStack() as ends:  # each is called, whatever the others raise
            ends.callback(shown.close)
            for listener in reversed(begun):
                ends.callback(listener.on_train_end)
    return history


def _train_epoch(
    model: Model,
    ready: Ready,
    passed: _core.Epoch,
    batches: int,
    callbacks: Sequence[Callback],
    shown: Progress,
    iterations: int,
) -> tuple[Logs, Logs]:
    """Return the means over the epoch, and what there is to say of the optimizer."""
    listeners = [(callback, callback.checked_every()) for callback in callbacks if callback.wants_batches]
    done = 0
    logs: Logs = {}

    def poll(batches: int) -> None:
        shown.poll(done + batches)

    while done < batches and not model.stop_training:
        stop = min([batches, *(done + every - done % every for _, every in listeners)])
        for listener, every in listeners:
            if done % every == 0:
                listener.on_batch_begin(done)
        if listeners:  # they were called
            judges, ready = ready.compiled.judges, model._ready()
            if ready.compiled.judges != judges:
                raise RuntimeError(
                    "A callback has compiled the model with another loss or other metrics inside an epoch: do so in "
                    "on_epoch_begin or on_epoch_end."
                )
        logs = train(ready, passed, stop - done, poll, ends_epoch=stop == batches, iterations=iterations)
        done = stop
        for listener, every in listeners:
            if done % every == 0:
                listener.on_batch_end(done - 1, logs.copy())
    model.epochs_trained += 1
    reporter: Any = ready.trainer if isinstance(ready.trainer, Solving) else ready.compiled.optimizer
    return logs, reporter.report()


def _batches(samples: int, batch_size: int) -> int:
    return -(-samples // batch_size)
