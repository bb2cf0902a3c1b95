"""Training of LeNet-5 (LeCun et al., 1998) with ReLU and max pooling, on images of 28 x 28; else as `Training`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .training import OfSamples, TrainingData, Weights, cross_entropy

SIDE, CLASSES = 28, 10
# Kernels: of the convolutions [height, width, channels, filters], the first with "same" padding; of dense layers.
KERNELS = ((5, 5, 1, 6), (5, 5, 6, 16), (400, 120), (120, 84), (84, CLASSES))
PLACES = (SIDE * SIDE, 10 * 10)  # of the outputs of the convolutions


@dataclass(frozen=True)
class Images(OfSamples):
    """Of each layer there are its kernel and its bias."""

    batch: int
    samples: int
    epochs: int
    group = "images"

    @property
    def name(self) -> str:
        return f"LeNet-5 / {self.batch}"

    @property
    def flops(self) -> int:
        """Of the products of all passes in an epoch; the first layer needs no input gradient."""
        sizes = [int(np.prod(kernel)) for kernel in KERNELS]
        products = [size * places for size, places in zip(sizes, (*PLACES, 1, 1, 1), strict=True)]
        return 2 * self.samples * (3 * sum(products) - products[0])

    def data(self, dtype: str) -> TrainingData:
        """Images [samples, 28, 28, 1], labelled by a random linear teacher who errs."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.samples, SIDE, SIDE, 1)).astype(dtype)
        y = self.labels(x.reshape(self.samples, -1) @ rng.standard_normal((SIDE * SIDE, CLASSES)), rng)
        weights: Weights = []
        for shape in KERNELS:
            scale = np.sqrt(2 / np.prod(shape[:-1]))
            weights.append(((rng.standard_normal(shape) * scale).astype(dtype), np.zeros(shape[-1], dtype)))
        return TrainingData(x, y, weights)

    def check(self, data: TrainingData, result: Weights) -> float:
        """The loss over all samples with the weights reached."""
        h: NDArray[Any] = np.pad(data.x, ((0, 0), (2, 2), (2, 2), (0, 0)))
        for kernel, bias in result[:2]:
            n = h.shape[1] - 4
            z = sum(h[:, i : i + n, j : j + n] @ kernel[i, j] for i, j in np.ndindex(5, 5)) + bias
            h = np.maximum(z, 0).reshape(len(z), n // 2, 2, n // 2, 2, -1).max(axis=(2, 4))
        h = h.reshape(len(h), -1)
        for kernel, bias in result[2:-1]:
            h = np.maximum(h @ kernel + bias, 0)
        kernel, bias = result[-1]
        return cross_entropy(h @ kernel + bias, data.y)
