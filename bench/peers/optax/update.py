from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import Arrays, Update, UpdateData, job

OPTIMIZERS: dict[str, Callable[[], optax.GradientTransformation]] = {
    "adam": lambda: optax.adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
}


def prepare(row: Update, data: UpdateData) -> Job:
    jax.config.update("jax_enable_x64", data.params[0].dtype == np.float64)
    rule = OPTIMIZERS[row.optimizer]()
    params = [jnp.array(w) for w in data.params]
    state = rule.init(params)
    grads: list[jax.Array] = []

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params: list[jax.Array], state: Any, grads: list[jax.Array]) -> tuple[Any, Any]:
        changes, state = rule.update(grads, state, params)
        return optax.apply_updates(params, changes), state

    def take(given: Arrays) -> None:
        nonlocal grads
        grads = [jnp.array(g) for g in given]

    def steps(count: int) -> None:
        nonlocal params, state
        for _ in range(count):
            params, state = step(params, state, grads)
        jax.block_until_ready(params)

    return job(data, take, steps, lambda: list(map(np.asarray, params)))
