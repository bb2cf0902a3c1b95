from fastopt import solvers

from ...kind import Job
from ...training import Training, TrainingData, job
from . import training


class Trainer(training.Trainer):
    def start(self) -> None:
        loss = "mean_squared_error" if self.row.regression else "sparse_categorical_crossentropy"
        self.model.compile(solvers.LBFGS(memory=10, gtol=0.0, ftol=0.0), loss)
        training.set_weights(self.model, self.data.weights)

    def fit(self, epochs: int) -> None:
        self.model.fit(self.data.x, self.data.y, epochs=epochs, verbose=0)


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data))
