"""A whole epoch and its shuffle in one compiled call; Adam by hand; buffers donated."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...kind import Job
from ...training import (
    BETA_1,
    BETA_2,
    EPSILON,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Training,
    TrainingData,
    Weights,
    job,
)

UNROLL = 2
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}

# What an epoch is given: kernels, biases and gammas, Adam's two means of them, running statistics, the step.
State = tuple[Any, Any, Any, Any, jax.Array]
Outputs = Callable[..., tuple[jax.Array, Any]]


def outputs_of(row: Training, trained: Any, running: Any, key: jax.Array, x: jax.Array) -> tuple[jax.Array, Any]:
    """The logits, and the running statistics after this batch."""
    kept = []
    for layer, ((kernel, bias, *gamma), statistics) in enumerate(zip(trained[:-1], running, strict=True)):
        z = x @ kernel
        if row.batch_norm:
            batch = z.mean(axis=0), z.var(axis=0)
            z = (z - batch[0]) * (gamma[0] * jax.lax.rsqrt(batch[1] + NORM_EPSILON))
            statistics = [NORM_MOMENTUM * a + (1 - NORM_MOMENTUM) * b for a, b in zip(statistics, batch, strict=True)]
        kept.append(statistics)
        x = ACTIVATIONS[row.activation](z + bias)
        if row.dropout:
            keep = 1 - row.dropout
            x = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, layer), keep, x.shape), x / keep, 0)
    kernel, bias = trained[-1]
    return x @ kernel + bias, kept


def step(row: Training, outputs: Outputs, state: State, x: jax.Array, y: jax.Array) -> tuple[State, jax.Array]:
    w, m, v, running, t = state

    def loss_of(w: Any) -> tuple[jax.Array, Any]:
        key = jax.random.fold_in(jax.random.key(2), t.astype(int))
        logits, kept = outputs(row, w, running, key, x)
        if row.regression:
            return jnp.square(logits - y).mean(), kept
        picked = jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(logits, axis=1) - picked).mean(), kept

    (loss, running), g = jax.value_and_grad(loss_of, has_aux=True)(w)
    t = t + 1
    first, second = 1 / (1 - BETA_1**t), 1 / (1 - BETA_2**t)
    m = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, g)
    v = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, v, g)
    w = jax.tree.map(lambda w, m, v: w - row.learning_rate * (m * first) / (jnp.sqrt(v * second) + EPSILON), w, m, v)
    return (w, m, v, running, t), loss


def epoch(
    row: Training, outputs: Outputs, state: State, order: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[State, jax.Array]:
    if not row.shuffled:
        return step(row, outputs, state, x, y)
    batches = order.reshape(-1, row.batch)
    state, losses = jax.lax.scan(lambda state, i: step(row, outputs, state, x[i], y[i]), state, batches, unroll=UNROLL)
    return state, losses.mean()


def targets(row: Training, data: TrainingData) -> np.ndarray:
    return data.y if row.regression else data.y.astype(np.int32)


def start_of(weights: Weights) -> State:
    """The trained arrays of each layer come first in it, its running statistics after them."""
    trained = [[jnp.array(array) for array in layer[:3]] for layer in weights]
    running = [[jnp.array(array) for array in layer[3:]] for layer in weights[:-1]]
    m, v = (jax.tree.map(jnp.zeros_like, trained) for _ in range(2))
    return jax.block_until_ready((trained, m, v, running, jnp.zeros((), weights[0][0].dtype)))


def weights_of(state: State) -> Weights:
    trained, _, _, running, _ = state
    return [tuple(map(np.asarray, (*a, *b))) for a, b in zip(trained, [*running, []], strict=True)]


class Trainer:
    """``order_of(token)`` is the order of an epoch, in compiled code, from a token made outside of it."""

    def __init__(
        self,
        row: Training,
        data: TrainingData,
        order_of: Callable[[Any], jax.Array],
        token_of: Callable[[int], Any],
        outputs: Outputs = outputs_of,
    ) -> None:
        jax.config.update("jax_enable_x64", data.x.dtype == np.float64)
        self.given, self.token_of = data.weights, token_of
        self.x, self.y = jnp.asarray(data.x), jnp.asarray(targets(row, data))

        @partial(jax.jit, donate_argnums=0)
        def compiled(state: State, token: Any, x: jax.Array, y: jax.Array) -> tuple[State, jax.Array]:
            return epoch(row, outputs, state, order_of(token), x, y)

        self.epoch = compiled

    def start(self) -> None:
        self.state = start_of(self.given)

    def fit(self, epochs: int) -> list[float]:
        history = []
        for number in range(epochs):
            self.state, loss = self.epoch(self.state, self.token_of(number), self.x, self.y)
            history.append(loss)
        jax.block_until_ready(self.state)
        return [loss.item() for loss in history]

    def weights(self) -> Weights:
        return weights_of(self.state)


def prepare(row: Training, data: TrainingData) -> Job:
    key = jax.random.key(1)
    return job(
        Trainer(
            row,
            data,
            order_of=lambda key: jax.random.permutation(key, jnp.arange(row.samples, dtype=jnp.int32)),
            token_of=lambda epoch: jax.random.fold_in(key, epoch),
        )
    )
