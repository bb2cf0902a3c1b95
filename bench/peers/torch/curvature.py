"""Products with the Hessian forward over reverse, which takes less time than reverse over reverse."""

import torch
from torch.func import functional_call, grad, jvp

from ...curvature import Curvature, CurvatureData
from ...kind import Job, repeated
from .training import network


def prepare(row: Curvature, data: CurvatureData) -> Job:
    x, y, loss = torch.from_numpy(data.x), torch.from_numpy(data.y), torch.nn.CrossEntropyLoss()
    model = network(row, data.weights)
    w = {name: p.detach() for name, p in model.named_parameters()}
    v = {name: p.detach() for name, p in network(row, data.direction).named_parameters()}
    gradient = grad(lambda at: loss(functional_call(model, at, (x,)), y))

    def call() -> list[torch.Tensor]:
        if row.way == "gradient":
            return list(torch.autograd.grad(loss(model(x), y), list(model.parameters())))
        return list(jvp(gradient, (w,), (v,))[1].values())

    return Job(repeated(call), lambda: [part.numpy() for part in call()])
