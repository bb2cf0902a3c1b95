"""SciPy's `minimize`."""

import scipy

from ..numpy import isa

__all__ = ["isa", "setup"]


def setup(threads: int) -> str:
    """What is parallel in it is NumPy's and reads its number of threads from the environment."""
    return str(scipy.__version__)
