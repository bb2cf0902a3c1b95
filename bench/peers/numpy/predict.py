import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...predict import Predict, PredictData, job

CHUNK = 1024  # rows whose hidden layers stay in cache


def prepare(row: Predict, data: PredictData) -> Job:
    *hidden, (last_kernel, last_bias) = data.weights
    scratch = [np.empty((min(CHUNK, row.samples), len(bias)), data.x.dtype) for _, bias in hidden]

    def predict(x: NDArray[np.floating]) -> NDArray[np.floating]:
        out = np.empty((len(x), len(last_bias)), x.dtype)
        for start in range(0, len(x), CHUNK):
            h = x[start : start + CHUNK]
            for (kernel, bias), array in zip(hidden, scratch, strict=True):
                h = np.matmul(h, kernel, out=array[: len(h)])
                h += bias
                np.maximum(h, 0, out=h)
            logits = np.matmul(h, last_kernel, out=out[start : start + CHUNK])
            logits += last_bias
        return out

    return job(predict, data.x)
