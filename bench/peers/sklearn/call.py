from ...call import Call
from ...kind import Job
from ...predict import Predict, PredictData
from ...training import TrainingData, job
from . import predict
from .training import Trainer


class OnBatch(Trainer):
    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            self.model.partial_fit(self.x, self.y)


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job | None:
    """It has no gradients to hand out."""
    if isinstance(row, Predict):
        return predict.prepare(row, data)
    return job(OnBatch(row, data)) if row.way == "train_on_batch" else None
