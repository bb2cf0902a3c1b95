from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...predict import Predict, PredictData, job


def prepare(row: Predict, data: PredictData) -> Job:
    jax.config.update("jax_enable_x64", data.x.dtype == np.float64)
    weights = jax.tree.map(jnp.array, data.weights)

    @jax.jit
    def logits(weights: Any, x: jax.Array) -> jax.Array:
        for kernel, bias in weights[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        kernel, bias = weights[-1]
        return x @ kernel + bias

    def predict(x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(logits(weights, x))

    return job(predict, data.x)
