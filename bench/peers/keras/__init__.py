"""Keras over JAX: compiled steps, an epoch of them in each execution."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras


def setup(threads: int) -> str:
    """XLA takes as many threads as it finds processors in the affinity mask."""
    jax.config.update("jax_platforms", "cpu")
    return f"{keras.__version__} with JAX {jax.__version__}"
