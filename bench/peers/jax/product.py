import jax
import jax.numpy as jnp
import numpy as np

from ...kind import Job, stopwatch
from ...product import Operands, Product


def prepare(row: Product, data: Operands) -> Job:
    jax.config.update("jax_enable_x64", data.out.dtype == np.float64)
    left, right = jnp.asarray(data.left), jnp.asarray(data.right)

    @jax.jit
    def product(left: jax.Array, right: jax.Array) -> jax.Array:
        left = left.T if row.which == "backward_kernel" else left
        right = right.T if row.which == "backward_input" else right
        return jnp.matmul(left, right)

    def repeat(count: int) -> None:
        for _ in range(count):
            jax.block_until_ready(product(left, right))

    repeat(1)
    return Job(stopwatch(repeat), lambda: np.asarray(product(left, right)))
