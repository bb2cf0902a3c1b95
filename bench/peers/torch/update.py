from collections.abc import Callable, Iterable
from functools import partial

import torch

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE
from ...update import Arrays, Update, UpdateData, job

OPTIMIZERS: dict[str, Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, lr=LEARNING_RATE, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True),
}


def prepare(row: Update, data: UpdateData) -> Job:
    params = [torch.tensor(w, requires_grad=True) for w in data.params]
    optimizer = OPTIMIZERS[row.optimizer](params)

    def take(grads: Arrays) -> None:
        for w, g in zip(params, grads, strict=True):
            w.grad = torch.tensor(g)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.step()

    return job(data, take, steps, lambda: [w.detach().numpy() for w in params])
