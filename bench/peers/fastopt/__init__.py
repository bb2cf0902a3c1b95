"""fastopt: trainings and updates by the interface that its users see, products and kernels by the core beneath it."""

import fastopt


def setup(threads: int) -> str:
    fastopt.set_num_threads(threads)
    return fastopt.__version__
