from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...images import SIDE, Images
from ...kind import Job
from ...training import TrainingData, Weights, job
from . import training


def flipped(kernel: NDArray[Any]) -> Tensor:
    """A kernel as PyTorch has it, outputs first; the first dense layer has its inputs with their channels first."""
    array = torch.from_numpy(kernel)
    if array.ndim == 4:
        return array.permute(3, 2, 0, 1)
    return (array.reshape(5, 5, 16, -1).permute(3, 2, 0, 1).flatten(1) if len(array) == 400 else array.T).contiguous()


def back(weight: Tensor) -> NDArray[Any]:
    """The inverse."""
    if weight.ndim == 4:
        return weight.permute(2, 3, 1, 0).numpy()
    if weight.shape[1] == 400:
        return weight.reshape(-1, 16, 5, 5).permute(2, 3, 1, 0).reshape(400, -1).numpy()
    return weight.T.numpy()


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def with_weights(model: nn.Sequential) -> list[Any]:
    return [layer for layer in model if isinstance(layer, (nn.Conv2d, nn.Linear))]


class Trainer(training.Trainer):
    def __init__(self, row: Images, data: TrainingData) -> None:
        super().__init__(row, data)
        self.x = self.x.reshape(-1, 1, SIDE, SIDE)
        self.model = network().to(self.x.dtype)
        self.loss = nn.CrossEntropyLoss()

    def start(self) -> None:
        with torch.no_grad():
            for layer, (kernel, bias) in zip(with_weights(self.model), self.data.weights, strict=True):
                layer.weight.copy_(flipped(kernel))
                layer.bias.copy_(torch.from_numpy(bias))
        self.adam = training.OPTIMIZERS["adam"](self.model.parameters(), lr=self.row.learning_rate)

    def weights(self) -> Weights:
        return [(back(layer.weight.detach()), layer.bias.detach().numpy()) for layer in with_weights(self.model)]


def prepare(row: Images, data: TrainingData) -> Job:
    return job(Trainer(row, data))
