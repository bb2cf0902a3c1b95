from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import Arrays, Update, UpdateData, job

PIECE = 16_384


class Adam:
    def __init__(self, parameters: NDArray[Any], gradient: NDArray[Any]) -> None:
        m, v = np.zeros_like(parameters), np.zeros_like(parameters)
        a, b = np.empty_like(parameters[:PIECE]), np.empty_like(parameters[:PIECE])
        self.step = 0
        self.pieces = [
            tuple(array[start : start + PIECE] for array in (parameters, gradient, m, v))
            for start in range(0, parameters.size, PIECE)
        ]
        self.scratch = a, b

    def update(self) -> None:
        self.step += 1
        rate = LEARNING_RATE * np.sqrt(1 - BETA_2**self.step) / (1 - BETA_1**self.step)
        rate, epsilon = float(rate), float(EPSILON * np.sqrt(1 - BETA_2**self.step))
        for w, g, m, v in self.pieces:
            a, b = (scratch[: w.size] for scratch in self.scratch)
            np.multiply(g, 1 - BETA_1, out=a)
            m *= BETA_1
            m += a
            np.multiply(g, g, out=a)
            a *= 1 - BETA_2
            v *= BETA_2
            v += a
            np.sqrt(v, out=a)
            a += epsilon
            np.multiply(m, rate, out=b)
            b /= a
            w -= b


OPTIMIZERS = {"adam": Adam}


def prepare(row: Update, data: UpdateData) -> Job:
    parameters = np.concatenate(data.params)
    gradient = np.empty_like(parameters)
    optimizer = OPTIMIZERS[row.optimizer](parameters, gradient)

    def take(grads: Arrays) -> None:
        np.concatenate(grads, out=gradient)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.update()

    return job(data, take, steps, lambda: np.split(parameters, row.tensors))
