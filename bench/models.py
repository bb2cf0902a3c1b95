"""Many small networks trained on the same data from weights of their own, as a search or an ensemble does."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .kind import Job, Kind, stopwatch
from .machine import cpu_count
from .training import Trainer, Training, TrainingData, Weights


@dataclass(frozen=True)
class Models(Kind):
    """``one by one``, or ``side by side`` in a pool of threads or whatever a peer does better with all at once."""

    training: Training
    models: int
    way: Literal["one by one", "side by side"]
    group = "models"

    @property
    def name(self) -> str:
        return f"{self.models} x {self.training.network} {self.way} / {self.training.batch}"

    @property
    def count(self) -> int:
        return self.training.count

    @property
    def operations(self) -> int:
        return self.models * self.training.operations

    @property
    def flops(self) -> int:
        return self.models * self.training.flops

    def data(self, dtype: str) -> list[TrainingData]:
        first = self.training.data(dtype)
        return [
            replace(first, weights=self.training.weights(dtype, np.random.default_rng(seed)))
            for seed in range(self.models)
        ]

    def check(self, data: list[TrainingData], result: list[Weights]) -> float:
        """The mean of the losses."""
        return float(np.mean([self.training.check(*model) for model in zip(data, result, strict=True)]))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        return self.training.agrees(value, reference, dtype)


def timed(trainers: Sequence[Trainer], fit: Callable[[int], None]) -> Job:
    """All of them, each from its start, by a function of the number of epochs."""

    def run(epochs: int) -> float:
        for trainer in trainers:
            trainer.start()
        return stopwatch(fit)(epochs)

    return Job(run, lambda: [trainer.weights() for trainer in trainers])


def job(row: Models, trainers: Sequence[Trainer]) -> Job:
    """With whatever a library compiles for all of them at the first epoch done before."""
    trainers[0].start()
    trainers[0].fit(1)
    pool = ThreadPoolExecutor(cpu_count())
    each: Callable[..., Iterable[object]] = pool.map if row.way == "side by side" else map

    def fit(epochs: int) -> None:
        list(each(lambda trainer: trainer.fit(epochs), trainers))

    return timed(trainers, fit)
