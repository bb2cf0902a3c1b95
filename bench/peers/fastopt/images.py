import fastopt
from fastopt import layers

from ...images import SIDE, Images
from ...kind import Job
from ...training import TrainingData, job
from . import training


class Trainer(training.Trainer):
    def __init__(self, row: Images, data: TrainingData) -> None:
        self.row, self.data = row, data
        stack = [
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, "relu"),
            layers.Dense(84, "relu"),
            layers.Dense(10),
        ]
        self.model = fastopt.Sequential(stack, seed=1, dtype=str(data.x.dtype))
        self.model.build((SIDE, SIDE, 1))


def prepare(row: Images, data: TrainingData) -> Job:
    return job(Trainer(row, data))
