from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import (
    ADADELTA_EPSILON,
    ADADELTA_RATE,
    DECAY,
    FAST_BETA_2,
    MOMENTUM,
    RHO,
    START,
    Arrays,
    Update,
    UpdateData,
    job,
)

BETAS, FAST_BETAS = (BETA_1, BETA_2), (BETA_1, FAST_BETA_2)
AT_ONCE = 1e4  # the momentum of NAdam grows to beta_1 at once
optim = torch.optim

# Fused where there is such a form for processors.
OPTIMIZERS: dict[str, partial[optim.Optimizer]] = {
    "sgd": partial(optim.SGD, lr=LEARNING_RATE, fused=True),
    "momentum": partial(optim.SGD, lr=LEARNING_RATE, momentum=MOMENTUM, fused=True),
    "nesterov": partial(optim.SGD, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True, fused=True),
    "adagrad": partial(optim.Adagrad, lr=LEARNING_RATE, initial_accumulator_value=START, eps=EPSILON, fused=True),
    "adadelta": partial(optim.Adadelta, lr=ADADELTA_RATE, rho=RHO, eps=ADADELTA_EPSILON, foreach=True),
    "rmsprop": partial(optim.RMSprop, lr=LEARNING_RATE, alpha=RHO, eps=EPSILON, foreach=True),
    "adam": partial(optim.Adam, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, fused=True),
    "amsgrad": partial(optim.Adam, lr=LEARNING_RATE, betas=FAST_BETAS, eps=EPSILON, amsgrad=True, fused=True),
    "adamw": partial(optim.AdamW, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=DECAY, fused=True),
    "adamax": partial(optim.Adamax, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, foreach=True),
    "nadam": partial(optim.NAdam, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, momentum_decay=AT_ONCE, foreach=True),
    "rprop": partial(optim.Rprop, lr=LEARNING_RATE, foreach=True),
    "asgd": partial(optim.ASGD, lr=LEARNING_RATE, foreach=True),
    "radam": partial(optim.RAdam, lr=LEARNING_RATE, betas=FAST_BETAS, eps=EPSILON, foreach=True),
}


def prepare(
    row: Update,
    data: UpdateData,
    compiled: Callable[..., Any] = lambda step: step,
    **form: bool,
) -> Job | None:
    """``form``: foreach or fused, if not as in the table."""
    if row.optimizer not in OPTIMIZERS:
        return None
    params = [torch.tensor(w, requires_grad=True) for w in data.params]
    make = OPTIMIZERS[row.optimizer]
    given = {name: value for name, value in make.keywords.items() if not form or name not in ("foreach", "fused")}
    step = compiled(make.func(params, **given, **form).step)

    def take(grads: Arrays) -> None:
        for w, g in zip(params, grads, strict=True):
            w.grad = torch.tensor(g) if w.grad is None else w.grad.copy_(torch.from_numpy(g))

    def steps(count: int) -> None:
        for _ in range(count):
            step()

    return job(data, take, steps, lambda: [w.detach().numpy() for w in params])
