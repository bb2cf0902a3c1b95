"""The training of perceptrons, in as few calls of the core as the rules of scikit-learn allow."""

import time
from typing import Any, NamedTuple

from fastopt import _core
from fastopt.core.interrupts import deferred
from fastopt.model.data import Samples, ordered
from fastopt.model.feed import begin
from fastopt.model.sequential import Sequential

__all__ = ["Epochs", "Solution", "Solve", "mean_reciprocal"]

LONGEST = 0.1  # seconds of epochs that are trained in one call
SEARCH = 32  # evaluations that a search along a line may take


class Epochs:
    """The epochs of a training, several of which may be one call, each as it would be by itself.

    Args:
        model: The model, compiled with an optimizer and built.
        samples: Those to train with.
        batch_size: Samples of a step.
        shuffle: Whether each epoch takes them in another order, if it has several steps.
        seed: Decides the orders.
    """

    def __init__(self, model: Sequential, samples: Samples, batch_size: int, shuffle: bool, seed: int) -> None:
        self._model, self._samples, self._batch_size, self._seed = model, samples, batch_size, seed
        self._shuffle = shuffle and batch_size < samples.rows
        ready = model._ready()
        ready.built.plan.check_batches(samples.rows, batch_size)
        self._epoch = begin(ready.compiled, ready.built, samples, batch_size)
        self._seconds = LONGEST

    def train(self, most: int, means: list[dict[str, float]]) -> None:
        """Train for up to so many epochs, and append what each finished one found: the loss and the metrics.

        Raises:
            FloatingPointError: The loss or a weight is no longer finite.
            KeyboardInterrupt: Ctrl-C.
        """
        model = self._model
        ready = model._ready()
        optimizer: Any = ready.compiled.optimizer
        trainer: Any = ready.trainer
        began, before = time.perf_counter(), len(means)
        if optimizer.steady:
            count = max(1, min(most, int(LONGEST / self._seconds)))
            laps: list[Any] = []
            with deferred():  # else Ctrl-C could leave finished epochs out
                try:
                    self._epoch.train_epochs(
                        trainer,
                        optimizer.hyper_of(1),
                        laps,
                        number=0,
                        count=count,
                        shuffle=self._shuffle,
                        seed=self._seed,
                        stream=model.epochs_trained,
                    )
                finally:
                    model.epochs_trained += len(laps)
                    means += [dict(ready.compiled.means(lap["sums"])) for lap in laps]
        else:
            order = None
            if self._shuffle:
                order = _core.kernels.permutation(self._seed, model.epochs_trained, self._samples.rows)
            self._epoch.start(self._batch_size, ordered(self._samples, order))
            batches = -(-self._samples.rows // self._batch_size)
            sums = self._epoch.train(trainer, optimizer.hyper_of(batches), ends_epoch=True)
            model.epochs_trained += 1
            means.append(dict(ready.compiled.means(sums)))
        self._seconds = (time.perf_counter() - began) / (len(means) - before)


class Solution(NamedTuple):
    """Where a solver has come to.

    Attributes:
        loss: The cost there.
        iterations: How many it took in all.
        message: Why it ended; None if it can go on.
        status: SciPy's number of how it ended: 0 where it has converged or can go on.
    """

    loss: float
    iterations: int
    message: str | None
    status: int


class Solve:
    """The iterations of a solver on all samples.

    Args:
        model: The model, compiled with a solver and built.
        samples: Those to train with.
        max_iter: The most iterations.
        max_fun: The most evaluations of the cost; the last iteration may need some more.
    """

    def __init__(self, model: Sequential, samples: Samples, max_iter: int, max_fun: int) -> None:
        self._ready = model._ready()
        self._samples, self._max_iter, self._max_fun = samples, max_iter, max_fun
        self._epoch = begin(self._ready.compiled, self._ready.built, samples, samples.rows)
        self._first = self._ready.built.network.draws
        self._evaluations = 0

    def go_on(self, most: int) -> Solution:
        """Return where up to so many further iterations lead.

        Raises:
            FloatingPointError: The cost or its gradient is not finite.
            KeyboardInterrupt: Ctrl-C.
        """
        solving: Any = self._ready.trainer
        network = self._ready.built.network
        done = network.draws - self._first
        within = max(1, (self._max_fun - self._evaluations) // SEARCH)
        self._epoch.start(self._samples.rows, self._samples.chosen)
        found = solving.solve(self._epoch, min(most, self._max_iter - done, within), 1, None)
        done = network.draws - self._first
        self._evaluations += found["nfev"]
        loss = self._ready.compiled.means(found)["loss"]
        message, status = None, 0
        if solving.ending != "none":
            # With few digits, finding no lower point is how a search ends at the lowest one.
            message, status = solving.message, 2 * (solving.ending == "search" and network.dtype == "float64")
        elif done >= self._max_iter:
            message, status = "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT", 1
        elif self._evaluations >= self._max_fun:
            message, status = "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT", 1
        return Solution(loss, done, message, status)


def mean_reciprocal(rows: int, batch_size: int) -> float:
    """Return the mean of 1 / samples over the batches of an epoch, the last of which may be smaller."""
    whole, rest = divmod(rows, batch_size)
    return (whole / batch_size + (1 / rest if rest else 0)) / (whole + (rest > 0))
