from ...call import Call
from ...kind import Job
from ...predict import Predict, PredictData
from ...training import TrainingData, job
from . import predict
from .training import Trainer


class OnBatch(Trainer):
    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            self.model.train_on_batch(self.data.x, self.data.y)


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job | None:
    """A loop of one's own with Keras over JAX is one in JAX."""
    if isinstance(row, Predict):
        return predict.prepare(row, data)
    return job(OnBatch(row, data)) if row.way == "train_on_batch" else None
