"""The network of ``fastopt demo --compare`` in plain NumPy: what the core does, in a form that fits on a screen."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]


class NumpyNetwork:
    """Dense ReLU layers and a linear last one, trained with Adam on the softmax cross-entropy.

    Args:
        weights: Kernel ``[in, out]`` and bias ``[out]`` of every layer in turn; they are copied.
        learning_rate: Step size of Adam; its other arguments have their defaults.

    Example:
        >>> network = NumpyNetwork([np.eye(2, dtype=np.float32), np.zeros(2, dtype=np.float32)])
        >>> network.predict(np.array([[1, 0], [0, 1]], dtype=np.float32))
        array([0, 1])
    """

    def __init__(self, weights: Sequence[Array], learning_rate: float = 1e-3) -> None:
        self.weights = [np.array(w, dtype=np.float32) for w in weights]
        self.first = [np.zeros_like(w) for w in self.weights]
        self.second = [np.zeros_like(w) for w in self.weights]
        self.learning_rate = learning_rate
        self.step = 0

    def forward(self, x: Array) -> list[Array]:
        """Return the input and the output of every layer."""
        outputs = [x]
        for i in range(0, len(self.weights), 2):
            z = outputs[-1] @ self.weights[i] + self.weights[i + 1]
            outputs.append(z if i + 2 == len(self.weights) else np.maximum(z, 0))
        return outputs

    def predict(self, x: Array) -> NDArray[np.int64]:
        """Return the most likely class of every row."""
        labels: NDArray[np.int64] = self.forward(x)[-1].argmax(axis=1)
        return labels

    def train_epoch(self, x: Array, y: NDArray[np.int64], batches: Iterable[NDArray[np.int64]]) -> float:
        """Train once on each batch of row numbers and return the mean loss of all rows."""
        total, rows = 0.0, 0
        for batch in batches:
            total += self.train_on_batch(x[batch], y[batch])
            rows += len(batch)
        return total / max(rows, 1)

    def train_on_batch(self, x: Array, y: NDArray[np.int64]) -> float:
        """Take one step and return the sum of the losses of its rows."""
        outputs = self.forward(x)
        logits = outputs[-1] - outputs[-1].max(axis=1, keepdims=True)
        exps = np.exp(logits)
        sums = exps.sum(axis=1, keepdims=True)
        own = np.arange(len(x)), y
        loss = float((np.log(sums[:, 0]) - logits[own]).sum(dtype=np.float64))

        delta = exps / sums
        delta[own] -= 1
        delta /= np.float32(len(x))
        gradients: list[Array] = []
        for i in range(len(self.weights) - 2, -1, -2):
            y_in = outputs[i // 2]
            gradients[:0] = [y_in.T @ delta, delta.sum(axis=0)]
            if i > 0:
                delta = (delta @ self.weights[i].T) * (y_in > 0)
        self._adam(gradients)
        return loss

    def _adam(self, gradients: Sequence[Array]) -> None:
        beta_1, beta_2, epsilon = 0.9, 0.999, np.float32(1e-8)
        self.step += 1
        rate = np.float32(self.learning_rate / (1 - beta_1**self.step))
        correction = np.float32(1 / (1 - beta_2**self.step))
        for w, g, m, v in zip(self.weights, gradients, self.first, self.second, strict=True):
            m += np.float32(1 - beta_1) * (g - m)
            v += np.float32(1 - beta_2) * (g * g - v)
            w -= rate * m / (np.sqrt(v * correction) + epsilon)
