import fastopt

from ...kind import Job
from ...machine import cpu_count
from ...models import Models, job, timed
from ...training import TrainingData
from .training import Trainer


def prepare(row: Models, data: list[TrainingData]) -> Job:
    trainers = [Trainer(row.training, each) for each in data]
    if row.way == "one by one":
        return job(row, trainers)
    training, (x, y) = row.training, (data[0].x, data[0].y)

    def fit(epochs: int) -> None:
        options = {"batch_size": training.batch, "epochs": epochs, "shuffle": training.shuffled, "verbose": 0}
        fastopt.fleet.fit([trainer.model for trainer in trainers], x, y, workers=cpu_count(), **options)

    whole = timed(trainers, fit)
    whole.run(1)
    return whole
