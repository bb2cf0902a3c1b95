import torch
from torch import nn

from ...kind import Job, stopwatch
from ...training import Training, TrainingData, Weights
from .update import OPTIMIZERS


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


def prepare(row: Training, data: TrainingData) -> Job:
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
