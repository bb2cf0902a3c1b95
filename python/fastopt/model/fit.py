"""Training, epoch by epoch, and evaluation: the calls to the core, and those to callbacks between them."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import made_of
from fastopt.core.warn import warn
from fastopt.data.augment import Augmentations
from fastopt.losses.function import WholeBatchError
from fastopt.model.built import Built
from fastopt.model.callbacks.backup import BackupAndRestore
from fastopt.model.callbacks.base import Callback, Logs
from fastopt.model.callbacks.functions import TerminateOnNaN
from fastopt.model.callbacks.history import History
from fastopt.model.compiled import SPEED, Compiled
from fastopt.model.data import joined, without_inputs
from fastopt.model.feed import Data, Feed, Ready, begin
from fastopt.model.heads import Heads
from fastopt.model.progress import Progress, shown
from fastopt.model.solving import Solving
from fastopt.model.together import Together
from fastopt.optimizers import Optimizer

__all__ = [
    "Model",
    "checked_callbacks",
    "checked_epochs",
    "cost_and_gradient",
    "evaluate",
    "fit",
    "train",
    "train_on_batch",
]


ITERATIONS = 5  # of a solver on a batch of some of the samples


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
            function = callable(callback) and not isinstance(callback, type)
            hint = " LambdaCallback(on_epoch_end=...) makes one of a function." if function else made_of(callback)
            raise TypeError(
                "callbacks must be a list of objects of fastopt.callbacks.Callback; "
                f"callbacks[{i}] is {callback!r}.{hint}"
            )
        callback.checked_every()
    return callbacks


def checked_epochs(first: object, stop: object) -> range:
    """Return the numbers of the epochs, of the arguments `initial_epoch` and `epochs`."""
    start, end = checks.integer("initial_epoch", first, 0), checks.integer("epochs", stop, 0)
    if end < start:
        raise ValueError(f"epochs={end} is the epoch to stop before: at least initial_epoch={start}.")
    return range(start, end)


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
    hyper = optimizer.hyper_of(batches) if batches else optimizer.hyper
    return ready.compiled.means(epoch.train(ready.trainer, hyper, batches, poll, ends_epoch))


def train_on_batch(compiled: Compiled | Heads, built: Built, trainer: _core.Optimizer | Solving, data: Data) -> Logs:
    """Do one step on all samples as one batch, or an iteration of a solver, and return the means of the batch."""
    if isinstance(trainer, Solving):
        return train(Ready(compiled, built, trainer), begin(compiled, built, data, data.rows), 1)
    optimizer: Any = compiled.optimizer
    x, y, weight = data[:3]
    totals = _core.train_on_batch(trainer, compiled.goals(data), x, y, weight, optimizer.hyper_of(1))
    return compiled.means(totals)


def evaluate(
    compiled: Compiled | Heads, built: Built, parts: Iterable[Data], batch_size: int, verbose: object = 0
) -> Logs:
    """Return the loss and all metrics of all parts of the data together; a list of them stays as it is meanwhile."""
    passed: _core.Epoch | None = None
    kept: list[tuple[Data, Any]] = []
    totals: Mapping[str, float] = {}
    for data in parts:
        passed = begin(compiled, built, data, batch_size, after=passed)
        totals = shown(verbose, "evaluate", data.rows, batch_size, passed.evaluate)
        if compiled.needs_outputs:
            predict = partial(built.network.predict, rows=data.chosen)
            outputs = shown(verbose, "predict", data.rows, batch_size, predict, data.x, batch_size)
            kept.append((data if isinstance(parts, list) else without_inputs(data), outputs))
    if not totals["weight"]:  # of batches; the weights of arrays have been checked
        raise ValueError("All samples of these batches have the weight 0: at least one must be positive.")
    logs = compiled.means(totals)
    if kept:
        logs |= compiled.of_outputs(*joined(kept))
    return {name: logs[name] for name in compiled.reported}


def cost_and_gradient(
    compiled: Compiled | Heads, built: Built, data: Data, w: NDArray[np.float64] | None
) -> tuple[float, NDArray[np.float64]]:
    """Return the cost of all samples and its gradient, at these weights or those that there are."""
    epoch = begin(compiled, built, data, data.rows)
    try:
        return epoch.cost_and_gradient(w)
    except WholeBatchError:
        return epoch.cost_and_gradient(w, whole=True)


def fit(
    model: Model,
    feed: Feed,
    validation: list[Data] | Callable[[], Iterable[Data]] | None,
    epochs: range,
    callbacks: Sequence[Callback],
    shown: Progress,
    iterations: int | None,
    validation_freq: int,
    augment: Augmentations = None,
    judge: Callable[..., Logs] = evaluate,
) -> History:
    """Train for these epochs; the arguments are those of `Sequential.fit`, checked, and what validates."""
    if augment is not None and isinstance(model._ready().trainer, Solving):
        raise ValueError(
            "augment changes the samples, and a solver goes down the cost of the same ones: train with an optimizer, "
            "or give the solver the samples that Augment.added returns."
        )
    model.stop_training = False
    feed.resize(model.epochs_trained)
    params: dict[str, Any] = {
        "epochs": epochs.stop,
        "initial_epoch": epochs.start,
        "batches": feed.batches,
        "samples": feed.samples,
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
        if params["initial_epoch"] > epochs.start:  # a backup was found
            feed.skip(params["initial_epoch"] - epochs.start)
        together = Together(feed, validation, validation_freq, callbacks)
        epoch = params["initial_epoch"]
        while epoch < epochs.stop:
            feed.resize(model.epochs_trained)
            ready = model._ready()
            method = ready.compiled.optimizer
            if isinstance(method, Optimizer) and not warned and feed.samples is not None:
                message = method.batch_warning(feed.size, feed.samples)
                warned = message is not None
                if message:
                    warn(message)
            params["batches"], params["samples"] = feed.batches, feed.samples
            for listener in listeners:
                listener.on_epoch_begin(epoch)
            if model.stop_training:
                break
            if callbacks:  # they were called
                ready = model._ready()
            if augment is None and (count := together.count(ready, epochs.stop - epoch)) > 1:
                together.train(model, ready, epoch, count, listeners)
                if model.stop_training:
                    break
                epoch += count
                continue
            began = time.perf_counter()
            feed.start(ready, model.seed, model.epochs_trained)
            whole = feed.samples is not None and feed.size >= feed.samples
            try:
                logs, report = _train_epoch(
                    model, ready, feed, callbacks, shown, iterations or (1 if whole else ITERATIONS), augment
                )
            except FloatingPointError as error:
                if not any(isinstance(callback, TerminateOnNaN) for callback in callbacks):
                    raise
                warn(f"Training ends in epoch {epoch}: {error}.")
                break
            seconds = time.perf_counter() - began
            if not feed.seen:
                break
            feed.end()
            if validation is not None and (epoch + 1) % validation_freq == 0:
                ready = model._ready()
                parts = validation if isinstance(validation, list) else validation()
                values = judge(ready.compiled, ready.built, parts, 256, shown)
                logs |= {f"val_{name}": value for name, value in values.items()}
            logs |= report | dict(zip(SPEED, (seconds, feed.seen / seconds), strict=True))
            for listener in listeners:
                listener.on_epoch_end(epoch, logs)
            if isinstance(ready.trainer, Solving) and whole and ready.trainer.message:
                history.message = ready.trainer.message
                model.stop_training = True
                break
            if feed.ending:
                break
            if model.stop_training:
                break
            epoch += 1
        if feed.ending:
            warn(feed.ending)
    finally:
        with ExitStack() as ends:  # each is called, whatever the others raise
            ends.callback(shown.close)
            for listener in reversed(begun):
                ends.callback(listener.on_train_end)
    return history


def _train_epoch(
    model: Model,
    ready: Ready,
    feed: Feed,
    callbacks: Sequence[Callback],
    shown: Progress,
    iterations: int,
    augment: Augmentations,
) -> tuple[Logs, Logs]:
    """Return the means over the epoch, and what there is to say of the optimizer."""
    listeners = [(callback, callback.checked_every()) for callback in callbacks if callback.wants_batches]
    done, before = 0, 0
    logs: Logs = {}
    passed: _core.Epoch | None = None

    def poll(batches: int) -> None:
        shown.poll(min(before + batches * feed.size, feed.seen))

    while done != feed.batches and not model.stop_training:
        left = sys.maxsize if feed.batches is None else feed.batches - done
        before = feed.seen
        count = feed.next(min([left, *(every - done % every for _, every in listeners)]))
        if not count:
            if passed:  # the last batch was trained without knowing that it was the last
                train(ready, passed, 0, ends_epoch=True)
            break
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
        done += count
        passed = feed.passed(ready)
        if augment is not None:
            passed.augment(augment, model.seed, model.epochs_trained, feed.first)
        logs = train(ready, passed, count, poll, done == feed.batches, iterations)
        shown.poll(feed.seen)
        for listener, every in listeners:
            if done % every == 0:
                listener.on_batch_end(done - 1, logs.copy())
    model.epochs_trained += done > 0
    reporter: Any = ready.trainer if isinstance(ready.trainer, Solving) else ready.compiled.optimizer
    return logs, reporter.report()
