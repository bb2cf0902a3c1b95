"""NumPy by hand, as fast as it goes: arrays made once, one flat parameter vector, Adam in pieces that stay in cache."""

import numpy as np


def setup(threads: int) -> str:
    """OpenBLAS reads its number of threads from the environment."""
    return np.__version__
