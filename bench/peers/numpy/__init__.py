"""NumPy by hand, as fast as it goes: arrays made once, one flat parameter vector, Adam in pieces that stay in cache."""

import numpy as np


def setup(threads: int) -> str:
    """OpenBLAS reads its number of threads from the environment."""
    return np.__version__


def isa() -> str:
    """The kernels of each OpenBLAS that is loaded, if threadpoolctl is there to ask."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ""
    libraries = threadpool_info()
    kernels = [one["architecture"] for one in libraries if one["internal_api"] == "openblas"]
    return ", ".join(f"OpenBLAS {kernel}" for kernel in dict.fromkeys(kernels))
