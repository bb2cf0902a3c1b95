from collections.abc import Callable, Iterable
from functools import partial

import torch

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import (
    ADADELTA_EPSILON,
    ADADELTA_RATE,
    DECAY,
    MOMENTUM,
    RADAM_BETA_2,
    RHO,
    START,
    Arrays,
    Update,
    UpdateData,
    find,
    job,
)

BETAS = (BETA_1, BETA_2)
AT_ONCE = 1e4  # the momentum of NAdam grows to beta_1 at once
optim = torch.optim

# Fused where there is such a form for processors.
OPTIMIZERS: dict[str, Callable[[Iterable[torch.Tensor]], optim.Optimizer]] = {
    "sgd": partial(optim.SGD, lr=LEARNING_RATE, fused=True),
    "momentum": partial(optim.SGD, lr=LEARNING_RATE, momentum=MOMENTUM, fused=True),
    "nesterov": partial(optim.SGD, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True, fused=True),
    "adagrad": partial(optim.Adagrad, lr=LEARNING_RATE, initial_accumulator_value=START, eps=EPSILON, fused=True),
    "adadelta": partial(optim.Adadelta, lr=ADADELTA_RATE, rho=RHO, eps=ADADELTA_EPSILON, foreach=True),
    "rmsprop": partial(optim.RMSprop, lr=LEARNING_RATE, alpha=RHO, eps=EPSILON, foreach=True),
    "adam": partial(optim.Adam, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, fused=True),
    "amsgrad": partial(optim.Adam, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, amsgrad=True, fused=True),
    "adamw": partial(optim.AdamW, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=DECAY, fused=True),
    "adamax": partial(optim.Adamax, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, foreach=True),
    "nadam": partial(optim.NAdam, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, momentum_decay=AT_ONCE, foreach=True),
    "radam": partial(optim.RAdam, lr=LEARNING_RATE, betas=(BETA_1, RADAM_BETA_2), eps=EPSILON, foreach=True),
}


def prepare(row: Update, data: UpdateData) -> Job:
    params = [torch.tensor(w, requires_grad=True) for w in data.params]
    optimizer = find(OPTIMIZERS, row.optimizer)(params)

    def take(grads: Arrays) -> None:
        for w, g in zip(params, grads, strict=True):
            w.grad = torch.tensor(g)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.step()

    return job(data, take, steps, lambda: [w.detach().numpy() for w in params])
