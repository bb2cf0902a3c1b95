"""A whole epoch and its shuffle in one compiled call; Adam by hand; buffers donated."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...kind import Job, stopwatch
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Training, TrainingData

UNROLL = 2


def loss_of(weights: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    for kernel, bias in weights[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = weights[-1]
    logits = x @ kernel + bias
    picked = jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]
    return (jax.nn.logsumexp(logits, axis=1) - picked).mean()


def step(x: jax.Array, y: jax.Array, state: Any, index: jax.Array) -> tuple[Any, jax.Array]:
    w, m, v, t = state
    loss, g = jax.value_and_grad(loss_of)(w, x[index], y[index])
    t = t + 1
    first, second = 1 / (1 - BETA_1**t), 1 / (1 - BETA_2**t)
    m = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, g)
    v = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, v, g)
    w = jax.tree.map(lambda w, m, v: w - LEARNING_RATE * (m * first) / (jnp.sqrt(v * second) + EPSILON), w, m, v)
    return (w, m, v, t), loss


def job(row: Training, data: TrainingData, order_of: Callable[[Any], jax.Array], token_of: Callable[[int], Any]) -> Job:
    """Train; ``order_of(token)`` is the order of an epoch, in compiled code, from a token made outside of it."""
    jax.config.update("jax_enable_x64", data.x.dtype == np.float64)
    x, y = jnp.asarray(data.x), jnp.asarray(data.y.astype(np.int32))
    state: Any = None

    def start() -> Any:
        weights = jax.tree.map(jnp.array, data.weights)
        zeros = partial(jax.tree.map, jnp.zeros_like)
        return jax.block_until_ready((weights, zeros(weights), zeros(weights), jnp.zeros((), data.x.dtype)))

    @partial(jax.jit, donate_argnums=0)
    def epoch(state: Any, token: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        batches = order_of(token).reshape(-1, row.batch)
        state, losses = jax.lax.scan(partial(step, x, y), state, batches, unroll=UNROLL)
        return state, losses.mean()

    def fit(epochs: int) -> list[float]:
        nonlocal state
        history = []
        for number in range(epochs):
            state, loss = epoch(state, token_of(number), x, y)
            history.append(loss)
        jax.block_until_ready(state)
        return [loss.item() for loss in history]

    def run(epochs: int) -> float:
        nonlocal state
        state = start()
        return stopwatch(fit)(epochs)

    return Job(run, lambda: [(np.asarray(kernel), np.asarray(bias)) for kernel, bias in state[0]])


def prepare(row: Training, data: TrainingData) -> Job:
    key = jax.random.key(1)
    return job(
        row,
        data,
        order_of=lambda key: jax.random.permutation(key, jnp.arange(row.samples, dtype=jnp.int32)),
        token_of=lambda epoch: jax.random.fold_in(key, epoch),
    )
