from ...call import Call
from ...kind import Job
from ...predict import Predict, PredictData
from ...training import TrainingData, job
from . import predict
from .training import Trainer


class OnBatch(Trainer):
    def fit(self, epochs: int) -> None:
        step, x, y = self.model.train_on_batch, self.data.x, self.data.y
        for _ in range(epochs):
            step(x, y)


class OwnLoop(Trainer):
    def fit(self, epochs: int) -> None:
        model, x, y = self.model, self.data.x, self.data.y
        for _ in range(epochs):
            error = model(x) - y
            model.backward(error * (2 / error.size))
            model.apply_gradients()


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job:
    if isinstance(row, Predict):
        return predict.prepare(row, data)
    return job((OnBatch if row.way == "train_on_batch" else OwnLoop)(row, data))
