from collections.abc import Callable

import fastopt

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import Arrays, Update, UpdateData, job

OPTIMIZERS: dict[str, Callable[[], fastopt.optimizers.Optimizer]] = {
    "adam": lambda: fastopt.optimizers.Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
}


def prepare(row: Update, data: UpdateData) -> Job:
    optimizer = OPTIMIZERS[row.optimizer]()
    params = [w.copy() for w in data.params]
    grads: Arrays = []

    def take(given: Arrays) -> None:
        nonlocal grads
        grads = given

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.update(params, grads)

    return job(data, take, steps, lambda: params)
