import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...training import Training, TrainingData, job
from ..jax.training import Trainer


def prepare(row: Training, data: TrainingData) -> Job:
    rng = np.random.default_rng(1)

    def token(epoch: int) -> NDArray[np.int32]:
        return rng.permutation(row.samples if row.shuffled else 0).astype(np.int32)

    return job(Trainer(row, data, order_of=lambda order: order, token_of=token))
