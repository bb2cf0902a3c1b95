from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kind import Job, stopwatch
from ...training import Training, TrainingData, Weights
from .update import Adam


def views(flat: NDArray[Any], like: Weights) -> Weights:
    """Kernels and biases shaped as ``like``, all in one vector."""
    found, start = [], 0
    for pair in like:
        layer = []
        for array in pair:
            layer.append(flat[start : start + array.size].reshape(array.shape))
            start += array.size
        found.append((layer[0], layer[1]))
    return found


class Network:
    def __init__(self, row: Training, data: TrainingData) -> None:
        size = sum(array.size for pair in data.weights for array in pair)
        self.parameters, self.gradient = np.empty((2, size), data.x.dtype)
        self.weights, self.gradients = views(self.parameters, data.weights), views(self.gradient, data.weights)
        for own, pair in zip(self.weights, data.weights, strict=True):
            own[0][...], own[1][...] = pair
        self.adam = Adam(self.parameters, self.gradient)
        self.h = [np.empty((row.batch, units), data.x.dtype) for units in row.sizes]
        self.d = [np.empty_like(h) for h in self.h]
        self.positive = [np.empty(h.shape, bool) for h in self.h]
        self.ones = np.ones(row.batch, data.x.dtype)
        self.rows = np.arange(row.batch)

    def step(self, x: NDArray[Any], y: NDArray[Any], index: NDArray[Any]) -> float:
        h, d, batch, last = self.h, self.d, len(index), len(self.weights) - 1
        np.take(x, index, axis=0, out=h[0], mode="clip")
        labels = y[index]
        for layer, (kernel, bias) in enumerate(self.weights):
            out = np.matmul(h[layer], kernel, out=h[layer + 1])
            out += bias
            if layer < last:
                np.maximum(out, 0, out=out)
        logits, delta = h[-1], d[-1]
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=delta)
        total = delta.sum(axis=1, keepdims=True)
        loss = float(np.log(total).sum() - logits[self.rows, labels].sum()) / batch
        delta /= total
        delta[self.rows, labels] -= 1
        delta /= batch
        for layer in range(last, -1, -1):
            np.matmul(h[layer].T, d[layer + 1], out=self.gradients[layer][0])
            np.matmul(self.ones, d[layer + 1], out=self.gradients[layer][1])
            if layer:
                np.matmul(d[layer + 1], self.weights[layer][0].T, out=d[layer])
                np.greater(h[layer], 0, out=self.positive[layer])
                d[layer] *= self.positive[layer]
        self.adam.update()
        return loss


def prepare(row: Training, data: TrainingData) -> Job:
    network = Network(row, data)

    def fit(epochs: int) -> list[float]:
        rng, history = np.random.default_rng(1), []
        for _ in range(epochs):
            batches = rng.permutation(row.samples).reshape(-1, row.batch)
            history.append(sum(network.step(data.x, data.y, index) for index in batches) / len(batches))
        return history

    def run(epochs: int) -> float:
        nonlocal network
        network = Network(row, data)
        return stopwatch(fit)(epochs)

    return Job(run, lambda: network.weights)
