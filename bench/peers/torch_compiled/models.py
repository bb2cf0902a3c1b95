from ...kind import Job
from ...models import Models, job
from ...training import TrainingData
from .training import Trainer, compiled


def prepare(row: Models, data: list[TrainingData]) -> Job:
    """All use one compiled step."""
    step = compiled(row.training, data[0].weights)
    trainers = [Trainer(row.training, each, step) for each in data]
    trainers[0].start()
    trainers[0].fit(1)
    return job(row, trainers)
