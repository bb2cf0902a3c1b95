import torch
from torch import nn

from ...kind import Job
from ...training import NORM_EPSILON, NORM_MOMENTUM, Training, TrainingData, Weights, job
from .update import OPTIMIZERS

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def network(row: Training, weights: Weights) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kernel, bias, *norm in weights:
        inputs, outputs = kernel.shape
        dtype = torch.from_numpy(kernel).dtype
        linear = nn.Linear(inputs, outputs, bias=not norm, dtype=dtype)
        shift = linear
        layers.append(linear)
        if norm:
            shift = nn.BatchNorm1d(outputs, eps=NORM_EPSILON, momentum=1 - NORM_MOMENTUM, dtype=dtype)
            layers.append(shift)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T))
            shift.bias.copy_(torch.from_numpy(bias))
        layers.append(ACTIVATIONS[row.activation]())
        if row.dropout:
            layers.append(nn.Dropout(row.dropout))
    return nn.Sequential(*layers[: -2 if row.dropout else -1])


def weights_of(model: nn.Sequential) -> Weights:
    found: Weights = []
    for layer in model:
        if isinstance(layer, nn.Linear):
            found.append(
                (layer.weight.detach().numpy().T, *([layer.bias.detach().numpy()] if layer.bias is not None else []))
            )
        elif isinstance(layer, nn.BatchNorm1d):
            arrays = layer.bias, layer.weight, layer.running_mean, layer.running_var
            found[-1] = (*found[-1], *(array.detach().numpy() for array in arrays))
    return found


class Trainer:
    def __init__(self, row: Training, data: TrainingData) -> None:
        self.row, self.data = row, data
        self.x, self.y = torch.from_numpy(data.x), torch.from_numpy(data.y)

    def start(self) -> None:
        self.model = network(self.row, self.data.weights)
        self.adam = OPTIMIZERS["adam"](self.model.parameters(), lr=self.row.learning_rate)
        self.loss = nn.MSELoss() if self.row.regression else nn.CrossEntropyLoss()

    def step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.adam.step()
        return loss.detach()

    def fit(self, epochs: int) -> list[float]:
        row, history = self.row, []
        for _ in range(epochs):
            total = torch.zeros((), dtype=self.x.dtype)
            if row.shuffled:
                for index in torch.randperm(row.samples).split(row.batch):
                    total += self.step(self.x.index_select(0, index), self.y.index_select(0, index))
            else:
                total += self.step(self.x, self.y)
            history.append(total.item() / row.operations)
        return history

    def weights(self) -> Weights:
        return weights_of(self.model)


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data))
