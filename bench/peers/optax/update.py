from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import (
    ADADELTA_EPSILON,
    ADADELTA_RATE,
    ADAN_BETAS,
    BELIEF_EPSILON,
    DECAY,
    FAST_BETA_2,
    LAMB_EPSILON,
    LION_BETA_2,
    MIX,
    MOMENTUM,
    RHO,
    SLOW_BETA,
    START,
    YOGI_EPSILON,
    Arrays,
    Update,
    UpdateData,
    job,
)

OPTIMIZERS: dict[str, Callable[[], optax.GradientTransformation]] = {
    "sgd": lambda: optax.sgd(LEARNING_RATE),
    "momentum": lambda: optax.sgd(LEARNING_RATE, MOMENTUM),
    "nesterov": lambda: optax.sgd(LEARNING_RATE, MOMENTUM, nesterov=True),
    "adagrad": lambda: optax.adagrad(LEARNING_RATE, START, EPSILON),
    "adadelta": lambda: optax.adadelta(ADADELTA_RATE, RHO, ADADELTA_EPSILON),
    "rmsprop": lambda: optax.rmsprop(LEARNING_RATE, RHO, EPSILON, eps_in_sqrt=False),
    "adam": lambda: optax.adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    "adamw": lambda: optax.adamw(LEARNING_RATE, BETA_1, BETA_2, EPSILON, weight_decay=DECAY),
    "adamax": lambda: optax.adamax(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    "nadam": lambda: optax.nadam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    "radam": lambda: optax.radam(LEARNING_RATE, BETA_1, FAST_BETA_2, EPSILON),
    "lion": lambda: optax.lion(LEARNING_RATE, BETA_1, LION_BETA_2, weight_decay=0.0),
    "lamb": lambda: optax.lamb(LEARNING_RATE, BETA_1, BETA_2, LAMB_EPSILON, weight_decay=DECAY),
    "adabelief": lambda: optax.adabelief(LEARNING_RATE, BETA_1, BETA_2, BELIEF_EPSILON, BELIEF_EPSILON),
    "yogi": lambda: optax.chain(
        optax.scale_by_yogi(BETA_1, BETA_2, YOGI_EPSILON, initial_accumulator_value=0.0), optax.scale(-LEARNING_RATE)
    ),
    "ademamix": lambda: optax.contrib.ademamix(LEARNING_RATE, BETA_1, BETA_2, SLOW_BETA, MIX, EPSILON),
    "schedule_free_sgd": lambda: optax.contrib.schedule_free_sgd(LEARNING_RATE, b1=BETA_1),
    "schedule_free_adamw": lambda: optax.contrib.schedule_free_adamw(LEARNING_RATE, b1=BETA_1, b2=BETA_2, eps=EPSILON),
    "adan": lambda: optax.adan(LEARNING_RATE, *ADAN_BETAS, EPSILON, 0.0),  # equal where b2 = 1 - b2
}


def prepare(row: Update, data: UpdateData) -> Job | None:
    if row.optimizer not in OPTIMIZERS:
        return None
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
