"""PyTorch, eager, with its fused optimizers; batches are picked by index from one tensor, without a DataLoader."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import nn

from ..kind import Job, stopwatch
from ..training import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Training, TrainingData, Weights
from ..update import Arrays, Update, UpdateData, job

OPTIMIZERS: dict[str, Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, lr=LEARNING_RATE, betas=(BETA_1, BETA_2), eps=EPSILON, fused=True),
}


def setup(threads: int) -> str:
    torch.set_num_threads(threads)
    return torch.__version__


def build(data: TrainingData) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kernel, bias in data.weights:
        inputs, outputs = kernel.shape
        linear = nn.Linear(inputs, outputs, dtype=torch.from_numpy(kernel).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def training(row: Training, data: TrainingData) -> Job:
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    model = build(data)

    def run(epochs: int) -> float:
        nonlocal model
        model = build(data)
        adam = OPTIMIZERS["adam"](model.parameters())
        measure = nn.CrossEntropyLoss()

        def fit(epochs: int) -> list[float]:
            history = []
            for _ in range(epochs):
                total = torch.zeros((), dtype=x.dtype)
                for index in torch.randperm(row.samples).split(row.batch):
                    adam.zero_grad(set_to_none=True)
                    loss = measure(model(x.index_select(0, index)), y.index_select(0, index))
                    loss.backward()
                    adam.step()
                    total += loss.detach()
                history.append(total.item() / row.operations)
            return history

        return stopwatch(fit)(epochs)

    def result() -> Weights:
        linears = [layer for layer in model if isinstance(layer, nn.Linear)]
        return [(linear.weight.detach().numpy().T, linear.bias.detach().numpy()) for linear in linears]

    return Job(run, result)


def update(row: Update, data: UpdateData) -> Job:
    params = [torch.tensor(w, requires_grad=True) for w in data.params]
    optimizer = OPTIMIZERS[row.optimizer](params)

    def take(grads: Arrays) -> None:
        for w, g in zip(params, grads, strict=True):
            w.grad = torch.tensor(g)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.step()

    return job(data, take, steps, lambda: [w.detach().numpy() for w in params])
