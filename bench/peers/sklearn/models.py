from joblib import Parallel, delayed

from ...kind import Job
from ...machine import cpu_count
from ...models import Models, job, timed
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

    whole = timed(trainers, fit)
    whole.run(1)
    return whole
