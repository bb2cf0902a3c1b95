"""optax: a step compiled by JAX, its buffers donated."""

import jax
import optax


def setup(threads: int) -> str:
    """XLA takes as many threads as it finds processors in the affinity mask."""
    jax.config.update("jax_platforms", "cpu")
    return f"{optax.__version__} with JAX {jax.__version__}"
