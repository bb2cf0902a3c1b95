"""Noise on the weights in training."""

from typing import Any

from fastopt import _core
from fastopt.core import checks
from fastopt.model.callbacks.base import Callback, Logs

__all__ = ["WeightNoise"]

# Of the random streams of a seed: tensor i at step t has STREAMS + t 2^24 + i, above those of layers that draw.
STREAMS = 3 << 62


class WeightNoise(Callback):
    """Takes each gradient at weights to which noise has been added: w <- w - step(g(w + sigma z)), z ~ N(0, I).

    On average that is the gradient of E C(w + sigma z), the cost smoothed over about sigma. The noise is taken away
    after each step, and decided by the seed of the model and the number of steps. Layers that are frozen have none.

    Args:
        sigma: The standard deviation, at least 0; or a function or schedule of the number of the epoch.

    Raises:
        TypeError: `sigma` is neither a number nor a function.
        ValueError: It is out of its range.

    Source:
        Murray and Edwards, Enhanced MLP performance and fault tolerance resulting from synaptic weight noise during
        training, IEEE Transactions on Neural Networks 5(5), 1994.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> noise = fo.callbacks.WeightNoise(lambda epoch: 0.1 * 0.5**epoch)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[noise], verbose=0)
    """

    def __init__(self, sigma: Any) -> None:
        self.sigma = sigma if callable(sigma) else checks.real("sigma", sigma, 0.0)
        self._noise: list[Any] = []

    def on_epoch_begin(self, epoch: int) -> None:
        """Find the deviation of the epoch."""
        sigma = self.sigma(epoch) if callable(self.sigma) else self.sigma
        self._now = checks.real(f"sigma of epoch {epoch}", sigma, 0.0)

    def on_batch_begin(self, batch: int) -> None:
        """Add the noise."""
        if self._now == 0:
            return
        network = self.model._need_weights().network
        learning = [tensors for learns, tensors in zip(network.trainable, network.parameters, strict=True) if learns]
        first = STREAMS + (self.model.draws << 24)
        for i, view in enumerate(view for tensors in learning for view in tensors.values()):
            drawn = _core.kernels.normal(self.model.seed, first + i, view.size, view.dtype.name)
            noise = self._now * drawn.reshape(view.shape)
            self._noise.append((view, noise))
            view += noise

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Take it away."""
        for view, noise in self._noise:
            view -= noise
        self._noise = []

    def on_train_end(self) -> None:
        """Take it away, where training ends inside a batch."""
        self.on_batch_end(-1, {})
