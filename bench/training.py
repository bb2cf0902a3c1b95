"""Training: hidden layers, then linear logits with softmax cross-entropy, or a regression; Adam, shuffled every epoch.

Each turn trains for the same number of epochs from the same weights on the same data, so that time and loss reached are
of the same work. Only the order of the samples and what dropout leaves out differ between peers; one batch of all
samples has no order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .kind import Job, Kind, stopwatch

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
# Of batch normalisation: what is added to the variance, and what the running means keep in a step.
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.9
WRONG_LABELS, ERROR = 0.1, 0.5

# The variance of a layer's starting weights, times its inputs, that keeps that of its outputs.
GAINS = {"relu": 2.0, "tanh": 1.0}
ACTIVATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}

# Of each layer: its kernel and bias and, if normalised, gamma and the running mean and variance; the bias is then beta.
Weights = list[tuple[NDArray[Any], ...]]


@dataclass(frozen=True)
class TrainingData:
    x: Any  # an array or, of a `Sparse`, a sparse one
    y: NDArray[Any]
    weights: Weights


class OfSamples(Kind):
    """What every network is trained with: samples in batches, labels that err, a loss that is near the reference's."""

    batch: int
    samples: int
    epochs: int
    regression = False
    learning_rate = LEARNING_RATE

    @property
    def count(self) -> int:
        return self.epochs

    @property
    def operations(self) -> int:
        return self.samples // self.batch

    @property
    def shuffled(self) -> bool:
        return self.batch < self.samples

    def labels(self, taught: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """The classes of a teacher's outputs, some of them wrong (or the loss ends at zero)."""
        y = np.argmax(taught, axis=1)
        wrong = rng.random(self.samples) < WRONG_LABELS
        y[wrong] = rng.integers(taught.shape[1], size=np.count_nonzero(wrong))
        return y

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Near: another order of the samples gives a slightly different loss, another algorithm a different one."""
        return abs(value - reference) <= 0.1 * reference + 0.02


def cross_entropy(logits: NDArray[Any], y: NDArray[Any]) -> float:
    """The mean of the softmax cross-entropy, in float64."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]))


@dataclass(frozen=True)
class Training(OfSamples):
    """A hidden layer is dense, then normalised over the batch if so asked, then its activation, then dropout.

    ``regression``: the loss is the mean squared error over all outputs.
    """

    sizes: tuple[int, ...]
    batch: int
    samples: int
    epochs: int
    activation: Literal["relu", "tanh"] = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    regression: bool = False
    group = "training"

    def __post_init__(self) -> None:
        if self.samples % self.batch:
            raise ValueError(f"{self.name}: {self.samples} samples are not whole batches of {self.batch}")

    @property
    def network(self) -> str:
        runs = [(size, len(list(same))) for size, same in groupby(self.sizes)]
        sizes = "-".join(f"{n}x{size}" if n > 2 else "-".join([str(size)] * n) for size, n in runs)
        words = [
            sizes,
            *([self.activation] if self.activation != "relu" else []),
            *(["batch norm"] if self.batch_norm else []),
            *([f"dropout {self.dropout:g}"] if self.dropout else []),
            *(["squared error"] if self.regression else []),
        ]
        return " ".join(words)

    @property
    def name(self) -> str:
        return f"{self.network} / {self.batch}"

    @property
    def flops(self) -> int:
        """Of the three matrix products of each layer in an epoch; the first layer needs no input gradient."""
        products = [inputs * outputs for inputs, outputs in pairwise(self.sizes)]
        return 2 * self.samples * (3 * sum(products) - products[0])

    def inputs(self, dtype: str, rng: np.random.Generator) -> Any:
        return rng.standard_normal((self.samples, self.sizes[0])).astype(dtype)

    def data(self, dtype: str) -> TrainingData:
        """Inputs, labelled or valued by a random linear teacher who errs."""
        rng = np.random.default_rng(0)
        x = self.inputs(dtype, rng)
        taught = x @ rng.standard_normal((self.sizes[0], self.sizes[-1]))
        if self.regression:
            y = taught / np.sqrt(self.sizes[0]) + rng.normal(0, ERROR, taught.shape)
            return TrainingData(x, y.astype(dtype), self.weights(dtype, rng))
        return TrainingData(x, self.labels(taught, rng), self.weights(dtype, rng))

    def weights(self, dtype: str, rng: np.random.Generator) -> Weights:
        """Starting weights: normal kernels, scaled as He and Glorot did."""
        found: Weights = []
        for inputs, outputs in pairwise(self.sizes):
            scale = np.sqrt(GAINS[self.activation] / inputs)
            kernel = (rng.standard_normal((inputs, outputs)) * scale).astype(dtype)
            found.append((kernel, np.zeros(outputs, dtype)))
        if self.batch_norm:
            for layer, (kernel, beta) in enumerate(found[:-1]):
                found[layer] = kernel, beta, np.ones_like(beta), np.zeros_like(beta), np.ones_like(beta)
        return found

    def check(self, data: TrainingData, result: Weights) -> float:
        """The loss over all samples with the weights reached, as in prediction."""
        h = data.x
        for kernel, bias, *norm in result[:-1]:
            z = h @ kernel
            if norm:
                gamma, mean, variance = norm
                z = (z - mean) * (gamma / np.sqrt(variance + NORM_EPSILON))
            h = ACTIVATIONS[self.activation](z + bias)
        kernel, bias = result[-1]
        outputs = h @ kernel + bias
        if self.regression:
            return float(np.mean((outputs.astype(np.float64) - data.y) ** 2))
        return cross_entropy(outputs, data.y)


class Trainer(Protocol):
    """How a peer trains one model."""

    def start(self) -> None:
        """Go back to the weights that are given, and forget what the optimizer knows; not timed."""

    def fit(self, epochs: int) -> object: ...

    def weights(self) -> Weights: ...


def job(trainer: Trainer) -> Job:
    """With whatever a library compiles at its first epoch done before."""
    trainer.start()
    trainer.fit(1)

    def run(epochs: int) -> float:
        trainer.start()
        return stopwatch(trainer.fit)(epochs)

    return Job(run, trainer.weights)
