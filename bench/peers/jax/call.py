"""A step or a prediction is one compiled call, given arrays of NumPy."""

from functools import partial

import jax
import numpy as np

from ...call import Call
from ...kind import Job
from ...predict import Predict, PredictData
from ...training import TrainingData, Weights, job
from . import predict
from .training import start_of, step, targets, weights_of


class Trainer:
    def __init__(self, row: Call, data: TrainingData) -> None:
        jax.config.update("jax_enable_x64", data.x.dtype == np.float64)
        self.x, self.y, self.given = data.x, targets(row, data), data.weights
        self.step = jax.jit(partial(step, row), donate_argnums=0)

    def start(self) -> None:
        self.state = start_of(self.given)

    def fit(self, epochs: int) -> None:
        for _ in range(epochs):
            self.state, loss = self.step(self.state, self.x, self.y)
            loss.item()

    def weights(self) -> Weights:
        return weights_of(self.state)


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job:
    return predict.prepare(row, data) if isinstance(row, Predict) else job(Trainer(row, data))
