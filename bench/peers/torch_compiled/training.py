"""A whole step compiled as one function, from picking its samples to Adam by hand, over one vector of parameters."""

from collections.abc import Callable
from itertools import accumulate, pairwise

import torch
from torch import Tensor
from torch.nn import functional

from ...kind import Job
from ...training import (
    BETA_1,
    BETA_2,
    EPSILON,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Training,
    TrainingData,
    Weights,
    job,
)

TRAINED = 3  # arrays of a layer: kernel (stored transposed, as PyTorch does), bias, gamma
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}

# Parameters, Adam's means, steps done, running means and variances.
State = tuple[Tensor, Tensor, Tensor, Tensor, list[list[Tensor]]]
Step = Callable[[State, Tensor, Tensor, Tensor | None], Tensor]


def compiled(row: Training, like: Weights) -> Step:
    shapes = [array.T.shape for layer in like for array in layer[:TRAINED]]
    sizes = [array.size for layer in like for array in layer[:TRAINED]]
    ends = list(accumulate((len(layer[:TRAINED]) for layer in like), initial=0))

    def loss_of(w: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        arrays = [part.view(shape) for part, shape in zip(w.split(sizes), shapes, strict=True)]
        *hidden, (kernel, bias) = [arrays[start:end] for start, end in pairwise(ends)]
        statistics = []
        for layer in hidden:
            if row.batch_norm:
                z = functional.linear(x, layer[0])
                variance, mean = torch.var_mean(z, dim=0, correction=0)
                statistics.append((mean, variance))
                z = (z - mean) * (layer[2] * torch.rsqrt(variance + NORM_EPSILON)) + layer[1]
            else:
                z = functional.linear(x, layer[0], layer[1])
            x = ACTIVATIONS[row.activation](z)
            if row.dropout:
                x = functional.dropout(x, row.dropout)
        loss = functional.mse_loss if row.regression else functional.cross_entropy
        return loss(functional.linear(x, kernel, bias), y), statistics

    def step(state: State, x: Tensor, y: Tensor, index: Tensor | None) -> Tensor:
        w, m, v, t, running = state
        if index is not None:
            x, y = x.index_select(0, index), y.index_select(0, index)
        g, (loss, statistics) = torch.func.grad_and_value(loss_of, has_aux=True)(w, x, y)
        t += 1
        m.lerp_(g, 1 - BETA_1)
        v.lerp_(g * g, 1 - BETA_2)
        w -= row.learning_rate * (m / (1 - BETA_1**t)) / ((v / (1 - BETA_2**t)).sqrt() + EPSILON)
        for kept, found in zip(running, statistics, strict=False):
            for own, new in zip(kept, found, strict=True):
                own.lerp_(new, 1 - NORM_MOMENTUM)
        return loss

    # Else it gives up compiling one function for many rows.
    torch.compiler.reset()
    return torch.compile(step, fullgraph=True, dynamic=False, options={"cpp_wrapper": True})


class Trainer:
    def __init__(self, row: Training, data: TrainingData, step: Step) -> None:
        self.row, self.given, self.step = row, data.weights, step
        self.x, self.y = torch.from_numpy(data.x), torch.from_numpy(data.y)

    def start(self) -> None:
        flat = [torch.from_numpy(array.T.copy()).flatten() for layer in self.given for array in layer[:TRAINED]]
        w = torch.cat(flat)
        running = [[torch.tensor(array) for array in layer[TRAINED:]] for layer in self.given]
        self.state = w, torch.zeros_like(w), torch.zeros_like(w), torch.zeros((), dtype=w.dtype), running

    @torch.no_grad()
    def fit(self, epochs: int) -> list[float]:
        row, history = self.row, []
        for _ in range(epochs):
            total = torch.zeros((), dtype=self.x.dtype)
            for index in torch.randperm(row.samples).split(row.batch) if row.shuffled else [None]:
                total += self.step(self.state, self.x, self.y, index)
            history.append(total.item() / row.operations)
        return history

    def weights(self) -> Weights:
        w, *_, running = self.state
        parts = iter(w.split([array.size for layer in self.given for array in layer[:TRAINED]]))
        trained = [[next(parts).view(array.T.shape).numpy().T for array in layer[:TRAINED]] for layer in self.given]
        return [(*own, *(a.numpy() for a in kept)) for own, kept in zip(trained, running, strict=True)]


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data, compiled(row, data.weights)))
