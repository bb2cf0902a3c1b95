import fastopt

from ...kind import Job, stopwatch
from ...machine import cpu_count
from ...models import Models, job
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

    def run(epochs: int) -> float:
        for trainer in trainers:
            trainer.start()
        return stopwatch(fit)(epochs)

    run(1)
    return Job(run, lambda: [trainer.weights() for trainer in trainers])
