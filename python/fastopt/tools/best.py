"""The best epoch of a training."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.model.callbacks.base import Callback, Logs

__all__ = ["Best"]


class Best(Callback):
    """Puts the weights of the last of the best epochs back when training ends.

    Args:
        monitor: The name of the value that tells.
        sign: 1 where it is to fall, -1 where it is to grow.

    Attributes:
        epoch: The best epoch.
    """

    def __init__(self, monitor: str, sign: float) -> None:
        self.monitor = monitor
        self.sign = sign
        self.epoch = -1
        self._lowest = math.inf
        self._weights: list[NDArray[np.floating[Any]]] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare, and remember."""
        value = self.sign * logs[self.monitor]
        if value <= self._lowest:
            self._lowest, self.epoch = value, epoch
            self._weights = self.model.get_weights()

    def on_train_end(self) -> None:
        """Put the weights back."""
        if self._weights:
            self.model.set_weights(self._weights)
