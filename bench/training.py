"""Training a classifier: ReLU hidden layers, linear logits, softmax cross-entropy, Adam, shuffled every epoch.

Each turn trains for the same number of epochs from the same weights on the same data, so that time and loss reached are
of the same work. Only the order of the samples differs between peers.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
WRONG_LABELS = 0.1

Weights = list[tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True)
class TrainingData:
    x: NDArray[Any]
    y: NDArray[np.int64]
    weights: Weights


@dataclass(frozen=True)
class Training:
    sizes: tuple[int, ...]
    batch: int
    samples: int
    epochs: int
    group = "training"
    point = None

    def __post_init__(self) -> None:
        if self.samples % self.batch:
            raise ValueError(f"{self.name}: {self.samples} samples are not whole batches of {self.batch}")

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} / {self.batch}"

    @property
    def count(self) -> int:
        return self.epochs

    @property
    def operations(self) -> int:
        return self.samples // self.batch

    @property
    def flops(self) -> int:
        """Of the three matrix products of each layer in an epoch; the first layer needs no input gradient."""
        products = [inputs * outputs for inputs, outputs in pairwise(self.sizes)]
        return 2 * self.samples * (3 * sum(products) - products[0])

    def data(self, dtype: str) -> TrainingData:
        """Normal inputs labelled by a random linear teacher who errs (or the loss ends at zero); He-normal weights."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.samples, self.sizes[0])).astype(dtype)
        y = np.argmax(x @ rng.standard_normal((self.sizes[0], self.sizes[-1])), axis=1)
        wrong = rng.random(self.samples) < WRONG_LABELS
        y[wrong] = rng.integers(self.sizes[-1], size=np.count_nonzero(wrong))
        weights = [
            ((rng.standard_normal((i, o)) * np.sqrt(2 / i)).astype(dtype), np.zeros(o, dtype))
            for i, o in pairwise(self.sizes)
        ]
        return TrainingData(x, y, weights)

    def check(self, data: TrainingData, result: Weights) -> float:
        """The loss over all samples with the weights reached."""
        h = data.x
        for kernel, bias in result[:-1]:
            h = np.maximum(h @ kernel + bias, 0)
        kernel, bias = result[-1]
        logits = (h @ kernel + bias).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(data.y)), data.y]))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Near: another order of the samples gives a slightly different loss, another algorithm a different one."""
        return abs(value - reference) <= 0.1 * reference + 0.02
