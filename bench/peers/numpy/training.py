from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kind import Job
from ...training import NORM_EPSILON, NORM_MOMENTUM, Training, TrainingData, Weights, job
from .update import Adam

TRAINED = 3  # arrays of a layer: kernel, bias, gamma


def views(flat: NDArray[Any], like: Sequence[Sequence[NDArray[Any]]]) -> Weights:
    """The trained arrays, shaped as ``like``, all in one vector."""
    found, start = [], 0
    for layer in like:
        own = []
        for array in layer[:TRAINED]:
            own.append(flat[start : start + array.size].reshape(array.shape))
            start += array.size
        found.append(tuple(own))
    return found


class Network:
    def __init__(self, row: Training, data: TrainingData) -> None:
        dtype = data.x.dtype
        size = sum(array.size for layer in data.weights for array in layer[:TRAINED])
        self.row = row
        self.parameters, self.gradient = np.empty((2, size), dtype)
        self.trained, self.gradients = views(self.parameters, data.weights), views(self.gradient, data.weights)
        for own, given in zip(self.trained, data.weights, strict=True):
            for array, start in zip(own, given, strict=False):
                array[...] = start
        self.running = [[array.copy() for array in layer[TRAINED:]] for layer in data.weights]
        self.adam = Adam(self.parameters, self.gradient)
        # Of each layer: its outputs, what its activation gave, the normalised sums, their standard deviations.
        self.h = [np.empty((row.batch, units), dtype) for units in row.sizes]
        self.a = [np.empty_like(h) if row.dropout else h for h in self.h]
        self.normal = [np.empty_like(h) if row.batch_norm else h for h in self.h]
        self.deviation = [np.empty(units, dtype) for units in row.sizes]
        self.d = [np.empty_like(h) for h in self.h]
        self.scratch = [np.empty_like(h) for h in self.h]
        self.kept = [np.empty_like(h) for h in self.h] if row.dropout else []
        self.positive = [np.empty(h.shape, bool) for h in self.h]
        self.mean = np.full(row.batch, 1 / row.batch, dtype)
        self.ones = np.ones(row.batch, dtype)
        self.rows = np.arange(row.batch)
        self.rng = np.random.Generator(np.random.SFC64(2))

    def hidden(self, layer: int, z: NDArray[Any]) -> None:
        """From the sums of a hidden layer to its outputs, in place."""
        a, h = self.a[layer], self.h[layer]
        if self.row.batch_norm:
            _, beta, gamma = self.trained[layer - 1]
            mean = self.mean @ z
            z -= mean
            np.multiply(z, z, out=self.scratch[layer])
            variance = self.mean @ self.scratch[layer]
            np.sqrt(variance + NORM_EPSILON, out=self.deviation[layer])
            z /= self.deviation[layer]
            np.multiply(z, gamma, out=a)
            a += beta
            for running, found in zip(self.running[layer - 1], (mean, variance), strict=True):
                running *= NORM_MOMENTUM
                running += (1 - NORM_MOMENTUM) * found
        else:
            a += self.trained[layer - 1][1]
        if self.row.activation == "relu":
            np.maximum(a, 0, out=a)
        else:
            np.tanh(a, out=a)
        if self.row.dropout:
            keep, kept = 1 - self.row.dropout, self.kept[layer]
            self.rng.random(out=kept, dtype=kept.dtype)
            np.less(kept, keep, out=self.positive[layer])
            np.multiply(self.positive[layer], 1 / keep, out=kept, dtype=kept.dtype)
            np.multiply(a, kept, out=h)

    def hidden_backward(self, layer: int) -> None:
        """From the gradient of a hidden layer's outputs to that of its sums, in place."""
        a, d, scratch = self.a[layer], self.d[layer], self.scratch[layer]
        if self.row.dropout:
            d *= self.kept[layer]
        if self.row.activation == "relu":
            np.greater(a, 0, out=self.positive[layer])
            d *= self.positive[layer]
        else:
            np.multiply(a, a, out=scratch)
            np.subtract(1, scratch, out=scratch)
            d *= scratch
        _, *grads = self.gradients[layer - 1]
        np.matmul(self.ones, d, out=grads[0])
        if self.row.batch_norm:
            gamma, normal = self.trained[layer - 1][2], self.normal[layer]
            np.multiply(d, normal, out=scratch)
            np.matmul(self.ones, scratch, out=grads[1])
            np.multiply(normal, grads[1] / self.row.batch, out=scratch)
            d -= scratch
            d -= grads[0] / self.row.batch
            d *= gamma / self.deviation[layer]

    def loss(self, outputs: NDArray[Any], y: NDArray[Any], delta: NDArray[Any]) -> float:
        """The mean loss; ``delta`` becomes its gradient."""
        if self.row.regression:
            np.subtract(outputs, y, out=delta)
            loss = float(np.vdot(delta, delta)) / delta.size
            delta *= 2 / delta.size
            return loss
        outputs -= outputs.max(axis=1, keepdims=True)
        np.exp(outputs, out=delta)
        total = delta.sum(axis=1, keepdims=True)
        loss = float(np.log(total).sum() - outputs[self.rows, y].sum()) / self.row.batch
        delta /= total
        delta[self.rows, y] -= 1
        delta /= self.row.batch
        return loss

    def step(self, x: NDArray[Any], y: NDArray[Any]) -> float:
        h, d, last = [x, *self.h[1:]], self.d, len(self.trained)
        for layer, (kernel, *_) in enumerate(self.trained[:-1], 1):
            z = self.normal[layer] if self.row.batch_norm else self.a[layer]
            self.hidden(layer, np.matmul(h[layer - 1], kernel, out=z))
        kernel, bias = self.trained[-1]
        logits, delta = np.matmul(h[-2], kernel, out=h[-1]), d[-1]
        logits += bias
        loss = self.loss(logits, y, delta)
        np.matmul(self.ones, delta, out=self.gradients[-1][1])
        for layer in range(last, 0, -1):
            if layer < last:
                self.hidden_backward(layer)
            np.matmul(h[layer - 1].T, d[layer], out=self.gradients[layer - 1][0])
            if layer > 1:
                np.matmul(d[layer], self.trained[layer - 1][0].T, out=d[layer - 1])
        self.adam.update()
        return loss

    def weights(self) -> Weights:
        return [(*own, *running) for own, running in zip(self.trained, self.running, strict=True)]


class Trainer:
    def __init__(self, row: Training, data: TrainingData) -> None:
        self.row, self.data = row, data

    def start(self) -> None:
        self.network = Network(self.row, self.data)

    def fit(self, epochs: int) -> list[float]:
        row, x, y = self.row, self.data.x, self.data.y
        step, batch = self.network.step, self.network.h[0]
        if not row.shuffled:
            return [step(x, y) for _ in range(epochs)]
        rng, history = np.random.default_rng(1), []
        for _ in range(epochs):
            order = rng.permutation(row.samples).reshape(-1, row.batch)
            losses = (step(np.take(x, index, axis=0, out=batch, mode="clip"), y[index]) for index in order)
            history.append(sum(losses) / len(order))
        return history

    def weights(self) -> Weights:
        return self.network.weights()


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data))
