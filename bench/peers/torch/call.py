import torch

from ...call import Call
from ...kind import Job
from ...predict import Predict, PredictData
from ...training import TrainingData, job
from . import predict
from .training import Trainer


class OnBatch(Trainer):
    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            self.step(torch.from_numpy(self.data.x), torch.from_numpy(self.data.y)).item()


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job:
    return predict.prepare(row, data) if isinstance(row, Predict) else job(OnBatch(row, data))
