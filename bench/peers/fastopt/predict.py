from ...kind import Job
from ...predict import Predict, PredictData, job
from .training import network, set_weights


def prepare(row: Predict, data: PredictData) -> Job:
    model = network(row.training, str(data.x.dtype))
    set_weights(model, data.weights)
    return job(model.predict, data.x)
