"""fastopt: trainings and updates by the interface that its users see, products and kernels by the core beneath it."""

import fastopt

from ...process import ALL


def setup(threads: int) -> str:
    if threads != ALL:
        fastopt.set_num_threads(threads)
    return fastopt.__version__


def isa() -> str:
    return fastopt._core.runtime.isa()
