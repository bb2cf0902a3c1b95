"""JAX as in ``jax``, but NumPy shuffles: XLA does it by sorting, which is slow on a CPU."""

from ..jax import setup

__all__ = ["setup"]
