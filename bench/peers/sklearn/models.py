from joblib import Parallel, delayed

from ...kind import Job, stopwatch
from ...machine import cpu_count
from ...models import Models, job
from ...training import TrainingData
from .training import Trainer


def fitted(trainer: Trainer, epochs: int) -> Trainer:
    trainer.fit(epochs)
    return trainer


def prepare(row: Models, data: list[TrainingData]) -> Job:
    """Side by side in processes, which are started before; models go there and back."""
    trainers = [Trainer(row.training, each) for each in data]
    if row.way == "one by one":
        return job(row, trainers)
    pool = Parallel(cpu_count())

    def fit(epochs: int) -> None:
        trainers[:] = pool(delayed(fitted)(trainer, epochs) for trainer in trainers)

    def run(epochs: int) -> float:
        for trainer in trainers:
            trainer.start()
        return stopwatch(fit)(epochs)

    run(1)
    return Job(run, lambda: [trainer.weights() for trainer in trainers])
