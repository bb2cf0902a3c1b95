"""One compiled call with a barrier between the sweeps, which are apart in training; XLA finds the gradients."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...kernel import EPSILON, RATE, Kernel, KernelData, job
from ...kind import Job

Array = jax.Array

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "sigmoid": jax.nn.sigmoid,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "tanh": jnp.tanh,
    "hard_tanh": jax.nn.hard_tanh,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "silu": jax.nn.silu,
    "softmax": jax.nn.softmax,
}


def normalize(x: Array, axes: tuple[int, ...], centred: bool = True) -> Array:
    if centred:
        x = x - x.mean(axes, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(axes, keepdims=True) + EPSILON)


def norm(row: Kernel, x: Array, gamma: Array, beta: Array) -> Array:
    match row.operation:
        case "batch norm":
            return normalize(x, (0,)) * gamma + beta
        case "layer norm":
            return normalize(x, (1,)) * gamma + beta
    xhat = normalize(x.reshape(len(x), row.groups, -1), (2,)).reshape(x.shape)
    return xhat * gamma[:, None] + beta[:, None]


def cross_entropy(logits: Array, labels: Array) -> Array:
    picked = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jax.nn.logsumexp(logits, axis=1) - picked


def apart(sweeps: tuple[Array, Any], dy: Array) -> tuple[Array, ...]:
    """y, and the gradients that come from dy once y is there."""
    y, backward = jax.lax.optimization_barrier(sweeps)
    return y, *backward(dy)


def pooled(row: Kernel, x: Array) -> Array:
    windows = (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
    if row.operation == "max pooling":
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, *windows)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, *windows) / 4


def step(row: Kernel, inputs: Sequence[Array], dy: Array) -> tuple[Array, ...]:
    match row.operation:
        case "activation":
            return apart(jax.vjp(ACTIVATIONS[row.activation], *inputs), dy)
        case "PReLU":
            return apart(jax.vjp(lambda x, alpha: jnp.where(x > 0, x, alpha * x), *inputs), dy)
        case "softmax cross-entropy":
            logits, labels = inputs
            return apart(jax.vjp(lambda logits: cross_entropy(logits, labels), logits), dy)
        case "max pooling" | "average pooling":
            return apart(jax.vjp(partial(pooled, row), *inputs), dy)
        case "RMS norm":
            x, gamma, _ = inputs
            return apart(jax.vjp(lambda x, gamma: normalize(x, (1,), centred=False) * gamma, x, gamma), dy)
        case "dropout":
            x, key = inputs
            kept = jax.random.bernoulli(key, 1 - RATE, x.shape)
            return apart(jax.vjp(lambda x: jnp.where(kept, x / (1 - RATE), 0), x), dy)
    return apart(jax.vjp(partial(norm, row), *inputs), dy)


def dense(row: Kernel, inputs: Sequence[Array], carry: Any, dy: Array) -> tuple[Array, ...]:
    """``carry``: the gradient of the activation before, with what its forward sweep has kept."""
    before, backward = jax.vjp(lambda x, kernel, bias: x @ kernel + bias, *inputs)
    y = ACTIVATIONS[row.activation](before)
    y, dx, *others = apart((y, backward), dy)
    return y, *carry(dx), *others


def prepare(row: Kernel, data: KernelData) -> Job:
    jax.config.update("jax_enable_x64", data.dy.dtype == np.float64)
    inputs, dy = [jnp.asarray(x) for x in data.inputs], jnp.asarray(data.dy)
    if row.operation == "dropout":
        inputs.append(jax.random.key(1, impl="rbg"))  # the fastest of its generators on a processor
    if row.operation == "dense":
        *inputs, z = inputs
        _, carry = jax.vjp(ACTIVATIONS[row.activation], z)
        given, work = (inputs, carry, dy), partial(dense, row)
    else:
        given, work = (inputs, dy), partial(step, row)
    results = [jnp.zeros(like.shape, like.dtype) for like in jax.eval_shape(work, *given)]

    @partial(jax.jit, donate_argnums=0, keep_unused=True)
    def compiled(memory: Any, *given: Any) -> Any:
        """The results of the last call are overwritten."""
        return work(*given)

    def call() -> Sequence[Array]:
        nonlocal results
        results = jax.block_until_ready(compiled(results, *given))
        return results

    return job(call)
