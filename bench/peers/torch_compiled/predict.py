from typing import Any

import torch
from numpy.typing import NDArray

from ...kind import Job
from ...predict import Predict, PredictData, job
from ..torch.training import network


def prepare(row: Predict, data: PredictData) -> Job:
    torch.compiler.reset()
    model = network(row.training, data.weights).eval()
    compiled = torch.compile(model, fullgraph=True, dynamic=False, options={"cpp_wrapper": True, "freezing": True})

    @torch.inference_mode()
    def predict(x: NDArray[Any]) -> NDArray[Any]:
        return compiled(torch.from_numpy(x)).numpy()

    predict(data.x)
    return job(predict, data.x)
