import numpy as np

from ...kind import Job
from ...training import Training, TrainingData
from ..jax.training import job


def prepare(row: Training, data: TrainingData) -> Job:
    rng = np.random.default_rng(1)
    return job(
        row, data, order_of=lambda order: order, token_of=lambda _: rng.permutation(row.samples).astype(np.int32)
    )
