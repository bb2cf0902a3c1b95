"""What one rank does wrong ends all, with the reason: `mpiexec -n N python failures.py NEAR`, as trainings.py."""

import os
import signal
import sys
import threading
import time
from contextlib import nullcontext
from unittest import mock

import numpy as np
from mpi4py import MPI
from trainings import separate

import fastopt as fo
from fastopt import distributed
from fastopt.distributed.meeting import Meeting

COMM = MPI.COMM_WORLD
ODD = COMM.rank == 1  # the rank that is different
X = np.random.default_rng(COMM.rank).normal(size=(32, 4))
Y = (X[:, 0] > 0).astype(int)


class Calls(fo.callbacks.Callback):
    """Calls something at one place of the training, in one rank."""

    def __init__(self, place, call):
        self.place, self.call = place, call

    def _called(self, place):
        if ODD and place == self.place:
            self.call(self)

    def on_train_begin(self):
        self._called("train")

    def on_epoch_begin(self, epoch):
        self._called("epoch")

    def on_batch_begin(self, batch):
        self._called("batch" if batch == 1 else "")

    def on_batch_end(self, batch, logs):
        self._called("after batch" if batch == 1 else "")

    def on_epoch_end(self, epoch, logs):
        self._called("after epoch")

    def on_train_end(self):
        self._called("after train")


class Later(fo.callbacks.Callback):
    """Interrupts the odd rank at some time, in whatever it does."""

    def __init__(self, seconds):
        self.seconds = seconds

    def on_train_begin(self):
        if ODD:
            threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def fails(*_):
    raise OSError("the disk is full")


def interrupts(_):
    os.kill(os.getpid(), signal.SIGINT)


def stops(callback):
    callback.model.stop_training = True


MODELS = []


def fit(layers=None, dtype="float64", x=X, y=Y, loss="sparse_categorical_crossentropy", optimizer="adam", **given):
    model = fo.Sequential(layers or [fo.layers.Dense(3, "tanh"), fo.layers.Dense(2)], seed=0, dtype=dtype)
    model.compile(optimizer, loss)
    MODELS.append(model)
    history = distributed.fit(model, x, y, **({"epochs": 3, "batch_size": 16, "verbose": 0} | given))
    return len(history.epoch)


def odd_loss(y, p):
    if ODD:
        raise OSError("the disk is full")
    error = p - y.reshape(p.shape)
    return (error**2).mean(axis=1), 2 * error


def fit_without_progress():
    """Train with a bar that fails, which the core calls wherever it is."""
    with mock.patch.object(Meeting, "poll", fails) if ODD else nullcontext():
        return fit(x=np.tile(X, (1000, 1)), y=np.tile(Y, 1000))


def with_nan():
    x = X.copy()
    x[3, 1] = np.nan if ODD else 0
    return x


DISK = OSError, "the disk is full"
SAME = ValueError, "must be the same in all ranks"
# What is done, and what becomes of it: in the odd rank, and in the others where that is something else.
CASES = {
    "nothing": (lambda: fit(), 3),
    "layers": (lambda: fit([fo.layers.Dense(2 + ODD), fo.layers.Dense(2)]), SAME),
    "dtype": (lambda: fit(dtype="float32" if ODD else "float64"), SAME),
    "shape": (lambda: fit(x=X[:, : 3 + ODD]), SAME),
    "optimizer": (lambda: fit(optimizer=fo.optimizers.SGD(0.1 + 0.1 * ODD)), SAME),
    "argument": (lambda: fit(epochs=3 + ODD), SAME),
    "no argument": (lambda: fit(epochs=-ODD), (ValueError, "epochs"), (RuntimeError, "ValueError: epochs")),
    "nan": (lambda: fit(x=with_nan()), (ValueError, "x[3, 1]"), (RuntimeError, "ValueError: x[3, 1]")),
    "progress": (fit_without_progress, DISK, (RuntimeError, "Rank 1 of")),
    "loss": (lambda: fit([fo.layers.Dense(1)], loss=odd_loss), DISK, (RuntimeError, "OSError: the disk is full")),
    **{
        f"callback, {place}": (
            lambda place=place: fit(callbacks=[Calls(place, fails)]),
            DISK,
            (RuntimeError, "Rank 1 of"),
        )
        for place in ("train", "epoch", "batch", "after batch", "after epoch", "after train")
    },
    **{
        f"interrupt, {place}": (lambda place=place: fit(callbacks=[Calls(place, interrupts)]), (KeyboardInterrupt, ""))
        for place in ("epoch", "batch", "after epoch")
    },
    **{
        f"interrupt at {seconds} s": (
            lambda seconds=seconds: fit(epochs=10**6, callbacks=[Later(seconds)]),
            (KeyboardInterrupt, ""),
        )
        for seconds in (0.2, 0.3, 0.5)
    },
    "stops": (lambda: fit(callbacks=[Calls("after epoch", stops)]), 1),
    "stops in an epoch": (lambda: fit(callbacks=[Calls("after batch", stops)]), 1),
    "again": (lambda: fit(), 3),
}


def main():
    separate(int(sys.argv[1]))
    wrong = []
    for name, (call, *expected) in CASES.items():
        wanted = expected[0 if ODD else -1]
        began = time.perf_counter()
        try:
            found = call()
        except BaseException as error:
            found = error
        ended = isinstance(wanted, tuple)
        whole = name == "progress" or (ended and wanted[0] is KeyboardInterrupt)
        if whole:  # the last whole step, with all that the optimizer remembers
            tensors = MODELS[-1].parameters | MODELS[-1].slots
            here = b"".join(tensors[name].tobytes() for name in sorted(tensors))
            assert all(one == here for one in COMM.allgather(here)), name
        right = type(found) is wanted[0] and wanted[1] in str(found) if ended else found == wanted
        if not right or time.perf_counter() - began > 5:
            wrong.append((name, found, time.perf_counter() - began))
    assert not wrong, (COMM.rank, wrong)
    print(f"rank {COMM.rank} is done")


if __name__ == "__main__":
    main()
