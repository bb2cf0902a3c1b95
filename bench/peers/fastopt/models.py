from ...kind import Job
from ...models import Models, job
from ...training import TrainingData
from .training import Trainer


def prepare(row: Models, data: list[TrainingData]) -> Job:
    return job(row, [Trainer(row.training, each) for each in data])
