"""JAX, compiled; compilation is not timed."""

import jax


def setup(threads: int) -> str:
    """XLA takes as many threads as it finds processors in the affinity mask."""
    jax.config.update("jax_platforms", "cpu")
    return jax.__version__
