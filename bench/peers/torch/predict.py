from typing import Any

import torch
from numpy.typing import NDArray

from ...kind import Job
from ...predict import Predict, PredictData, job
from .training import network


def prepare(row: Predict, data: PredictData) -> Job:
    model = network(row.training, data.weights).eval()

    @torch.inference_mode()
    def predict(x: NDArray[Any]) -> NDArray[Any]:
        return model(torch.from_numpy(x)).numpy()

    return job(predict, data.x)
