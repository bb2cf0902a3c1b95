"""Training, epoch by epoch, and evaluation: the calls to the core, and those to callbacks between them."""

import time
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.losses import FunctionLoss, Loss
from fastopt.model import function_training
from fastopt.model.built import Built
from fastopt.model.callbacks import Callback, History, Logs
from fastopt.model.compiled import SPEED, Compiled
from fastopt.model.data import Samples, batch_size_at
from fastopt.model.plan import last_activation
from fastopt.model.progress import Progress

__all__ = ["Model", "Ready", "evaluate", "fit", "train"]

Totals = dict[str, float]


class Ready(NamedTuple):
    """What a step takes: an optimizer with a loss and metrics, the loss, the weights, and the core's optimizer."""

    compiled: Compiled
    loss: Loss
    built: Built
    trainer: _core.Optimizer


class Model(Protocol):
    """What training reads and sets of a model."""

    seed: int
    history: History
    epochs_trained: int
    stop_training: bool

    def _ready(self) -> Ready:
        """Return what the next step takes: callbacks may have compiled the model anew."""


def train(
    ready: Ready,
    data: Samples,
    batch_size: int,
    batches: range,
    order: NDArray[np.int64] | None = None,
    poll: Callable[[int], object] | None = None,
    totals: Totals | None = None,
) -> Totals:
    """Do these steps of an epoch, and return its totals so far."""
    compiled, loss, built, trainer = ready
    if isinstance(loss, FunctionLoss):
        metrics = {f"metric {name}": metric for name, metric in compiled.mean_metrics.items()}
        return function_training.train(
            built.network, compiled.optimizer, trainer, loss, metrics, *data, order, batch_size, batches, poll, totals
        )
    return trainer.train(
        data.x,
        data.y,
        loss.name,
        compiled.optimizer.hyper_of(len(batches)),
        compiled.functions,
        data.weight,
        order,
        batch_size,
        batches.start,
        len(batches),
        poll,
        totals,
        loss.hyper,
    )


def evaluate(compiled: Compiled, loss: Loss, built: Built, data: Samples, batch_size: int) -> Logs:
    """Return the loss and all metrics."""
    network, outputs = built.network, None
    if isinstance(loss, FunctionLoss):
        outputs = network.predict(data.x, batch_size)
        totals = function_training.evaluate(network, loss, data.x, data.y, outputs, data.weight, batch_size)
    else:
        totals = network.evaluate(
            data.x, data.y, loss.name, compiled.functions, data.weight, batch_size, loss_hyper=loss.hyper
        )
    logs = compiled.means(totals)
    others = {name: metric for name, metric in compiled.metrics.items() if name not in logs}
    if others:
        outputs = network.predict(data.x, batch_size) if outputs is None else outputs
        if loss.link is not None and last_activation([stage.layer for stage in built.plan.stages]) == "linear":
            # In float64, where a sigmoid keeps apart what would be 1 in float32.
            outputs = _core.kernels.activation_forward(loss.link, outputs.astype(np.float64))
        exclusive = None if loss.link is None else loss.link != "sigmoid"
        known = bool(np.isfinite(outputs).all())
        for name, metric in others.items():
            logs[name] = metric(data.y, outputs, data.weight, exclusive=exclusive) if known else float("nan")
    return {name: logs[name] for name in ("loss", *compiled.metrics)}


def fit(
    model: Model,
    data: Samples,
    validation: Samples | None,
    batch_size: int | Callable[[int], float],
    epochs: range,
    shuffle: bool,
    callbacks: Sequence[Callback],
    shown: Progress,
) -> History:
    """Train for these epochs; the arguments are those of `Sequential.fit`, checked."""
    model.stop_training = False
    samples = len(data.x)
    params = {
        "epochs": epochs.stop,
        "initial_epoch": epochs.start,
        "batches": _batches(samples, batch_size_at(batch_size, model.epochs_trained)),
        "samples": samples,
        "logs": model._ready().compiled.log_names(validated=validation is not None),
    }
    history = History()
    listeners = [history, *callbacks, shown]
    for listener in listeners:
        listener.model, listener.params = model, params
    try:
        for listener in listeners:
            listener.on_train_begin()
        model.history = history
        warned = False
        for epoch in epochs:
            size = batch_size_at(batch_size, model.epochs_trained)
            message = model._ready().compiled.optimizer.batch_warning(size, samples)
            if message and not warned:
                warnings.warn(message, UserWarning, stacklevel=3)
                warned = True
            params["batches"] = _batches(samples, size)
            for listener in listeners:
                listener.on_epoch_begin(epoch)
            if model.stop_training:
                break
            began = time.perf_counter()
            logs = _train_epoch(model, data, size, shuffle, callbacks, shown)
            seconds = time.perf_counter() - began
            if validation is not None:
                compiled, loss, built, _ = model._ready()
                logs |= {
                    f"val_{name}": value for name, value in evaluate(compiled, loss, built, validation, 256).items()
                }
            logs |= dict(zip(SPEED, (seconds, samples / seconds), strict=True))
            for listener in listeners:
                listener.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        for listener in listeners:
            listener.on_train_end()
    finally:
        shown.close()
    return history


def _train_epoch(
    model: Model, data: Samples, batch_size: int, shuffle: bool, callbacks: Sequence[Callback], shown: Progress
) -> Logs:
    samples = len(data.x)
    ready = model._ready()
    ready.built.plan.check_batches(samples, batch_size)
    order = _core.kernels.permutation(model.seed, model.epochs_trained, samples) if shuffle else None
    listeners = [callback for callback in callbacks if callback.wants_batches]
    batches, done = _batches(samples, batch_size), 0
    totals: Totals = {}

    def poll(batches: int) -> None:
        shown.poll(done + batches)

    while done < batches and not model.stop_training:
        stop = min([batches, *(done + listener.every - done % listener.every for listener in listeners)])
        ready = model._ready()
        totals = train(ready, data, batch_size, range(done, stop), order, poll, totals or None)
        done = stop
        for listener in listeners:
            if done % listener.every == 0:
                listener.on_batch_end(done - 1, ready.compiled.means(totals))
    model.epochs_trained += 1
    return ready.compiled.means(totals) | ready.compiled.optimizer.report()


def _batches(samples: int, batch_size: int) -> int:
    return -(-samples // batch_size)
