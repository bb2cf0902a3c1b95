from ...kind import Job
from ...models import Models
from ...training import TrainingData
from . import training


def prepare(row: Models, data: list[TrainingData]) -> Job:
    return training.prepare(row, data[0])
