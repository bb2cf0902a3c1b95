from ...kind import Job
from ...training import Training, TrainingData, job
from . import training


class Trainer(training.Trainer):
    def __init__(self, row: Training, data: TrainingData) -> None:
        super().__init__(row, data)
        self.model.set_params(solver="lbfgs", max_fun=10**9)


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data))
