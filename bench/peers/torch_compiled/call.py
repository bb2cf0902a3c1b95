from ...call import Call
from ...kind import Job
from ...predict import Predict, PredictData
from ...training import TrainingData
from . import predict, training


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job:
    """An epoch of one batch is one call."""
    return (predict if isinstance(row, Predict) else training).prepare(row, data)
