from collections.abc import Callable

import fastopt

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import (
    ADADELTA_EPSILON,
    ADADELTA_RATE,
    ADAN_BETAS,
    BELIEF_EPSILON,
    DECAY,
    FAST_BETA_2,
    KAPPA,
    LAMB_EPSILON,
    LION_BETA_2,
    MIX,
    MOMENTUM,
    PHI,
    RHO,
    SLOW_BETA,
    START,
    THETA,
    YOGI_EPSILON,
    Arrays,
    Update,
    UpdateData,
    job,
)

rules = fastopt.optimizers
AT_ONCE = 1e4  # the momentum of Nadam grows to beta_1 at once

OPTIMIZERS: dict[str, Callable[[], rules.Optimizer]] = {
    "sgd": lambda: rules.SGD(LEARNING_RATE),
    "momentum": lambda: rules.SGD(LEARNING_RATE, MOMENTUM),
    "nesterov": lambda: rules.SGD(LEARNING_RATE, MOMENTUM, nesterov=True),
    "adagrad": lambda: rules.Adagrad(LEARNING_RATE, START, EPSILON),
    "adadelta": lambda: rules.Adadelta(ADADELTA_RATE, RHO, ADADELTA_EPSILON),
    "rmsprop": lambda: rules.RMSprop(LEARNING_RATE, RHO, epsilon=EPSILON),
    "adam": lambda: rules.Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    "amsgrad": lambda: rules.Adam(LEARNING_RATE, BETA_1, FAST_BETA_2, EPSILON, amsgrad=True),
    "adamw": lambda: rules.AdamW(LEARNING_RATE, DECAY, BETA_1, BETA_2, EPSILON),
    "adamax": lambda: rules.Adamax(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    "nadam": lambda: rules.Nadam(LEARNING_RATE, BETA_1, BETA_2, EPSILON, AT_ONCE),
    "radam": lambda: rules.RAdam(LEARNING_RATE, BETA_1, FAST_BETA_2, EPSILON),
    "lion": lambda: rules.Lion(LEARNING_RATE, BETA_1, LION_BETA_2),
    "lamb": lambda: rules.Lamb(LEARNING_RATE, DECAY, BETA_1, BETA_2, LAMB_EPSILON),
    "delta_bar_delta": lambda: rules.DeltaBarDelta(1.0, LEARNING_RATE, KAPPA, PHI, THETA),
    "adabelief": lambda: rules.AdaBelief(LEARNING_RATE, BETA_1, BETA_2, BELIEF_EPSILON),
    "yogi": lambda: rules.Yogi(LEARNING_RATE, BETA_1, BETA_2, YOGI_EPSILON, 0.0),
    "ademamix": lambda: rules.AdEMAMix(LEARNING_RATE, BETA_1, BETA_2, SLOW_BETA, MIX, EPSILON),
    "adan": lambda: rules.Adan(LEARNING_RATE, *ADAN_BETAS, EPSILON),
    "rprop": lambda: rules.Rprop(LEARNING_RATE),
    "asgd": lambda: rules.ASGD(LEARNING_RATE),
    "schedule_free_sgd": lambda: rules.SGDScheduleFree(LEARNING_RATE, BETA_1),
    "schedule_free_adamw": lambda: rules.AdamWScheduleFree(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
    "schedule_free_radam": lambda: rules.RAdamScheduleFree(LEARNING_RATE, BETA_1, FAST_BETA_2, EPSILON),
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
