from typing import Any

import jax
import jax.numpy as jnp

from ...images import Images
from ...kind import Job
from ...training import TrainingData, job
from . import training


def logits_of(row: Images, trained: Any, running: Any, key: jax.Array, x: jax.Array) -> tuple[jax.Array, Any]:
    for (kernel, bias), padding in zip(trained[:2], ("SAME", "VALID"), strict=True):
        z = jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(z + bias)
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(len(x), -1)
    for kernel, bias in trained[2:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = trained[-1]
    return x @ kernel + bias, running


def prepare(row: Images, data: TrainingData) -> Job:
    key = jax.random.key(1)
    return job(
        training.Trainer(
            row,
            data,
            order_of=lambda key: jax.random.permutation(key, jnp.arange(row.samples, dtype=jnp.int32)),
            token_of=lambda epoch: jax.random.fold_in(key, epoch),
            outputs=logits_of,
        )
    )
