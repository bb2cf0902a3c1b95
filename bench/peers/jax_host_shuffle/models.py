"""One by one with one compiled epoch; side by side as one network whose arrays have an axis more, by ``vmap``."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from ...kind import Job, stopwatch
from ...models import Models
from ...training import TrainingData, Weights
from ..jax.training import State, epoch, start_of, targets, weights_of


def prepare(row: Models, data: list[TrainingData]) -> Job:
    jax.config.update("jax_enable_x64", data[0].x.dtype == np.float64)
    x, y = jnp.asarray(data[0].x), jnp.asarray(targets(row.training, data[0]))
    rng = np.random.default_rng(1)
    states: list[State] = []

    @partial(jax.jit, donate_argnums=0)
    @partial(jax.vmap, in_axes=(0, 0, None, None))
    def compiled(state: State, order: jax.Array, x: jax.Array, y: jax.Array) -> tuple[State, jax.Array]:
        return epoch(row.training, state, order, x, y)

    def stacked(models: list[TrainingData]) -> State:
        return jax.tree.map(lambda *arrays: jnp.stack(arrays), *(start_of(model.weights) for model in models))

    def fit(epochs: int) -> None:
        for number, state in enumerate(states):
            orders = np.tile(np.arange(row.training.samples, dtype=np.int32), (len(state[-1]), 1))
            for _ in range(epochs):
                state, _ = compiled(state, rng.permuted(orders, axis=1), x, y)
            states[number] = state
        jax.block_until_ready(states)

    def run(epochs: int) -> float:
        states[:] = [stacked(data)] if row.way == "side by side" else [stacked([model]) for model in data]
        return stopwatch(fit)(epochs)

    def result() -> list[Weights]:
        return [
            weights_of(jax.tree.map(lambda array, m=model: array[m], state))
            for state in states
            for model in range(len(state[-1]))
        ]

    run(1)
    return Job(run, result)
