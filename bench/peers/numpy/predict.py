import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...predict import PIECE, Outputs, Predict, PredictData, by_pieces, job


def outputs(row: Predict, data: PredictData) -> Outputs:
    *hidden, (last_kernel, last_bias) = data.weights
    scratch = [np.empty((min(PIECE, row.samples), len(bias)), data.x.dtype) for _, bias in hidden]

    def predict(h: NDArray[np.floating]) -> NDArray[np.floating]:
        for (kernel, bias), out in zip(hidden, scratch, strict=True):
            h = np.matmul(h, kernel, out=out)
            h += bias
            np.maximum(h, 0, out=h)
        logits = h @ last_kernel
        logits += last_bias
        return logits

    return by_pieces(predict)


def prepare(row: Predict, data: PredictData) -> Job:
    return job(outputs(row, data), data.x)
