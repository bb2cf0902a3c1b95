"""What perceptrons minimise: a loss of the core, and how scikit-learn calls and counts it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.losses import (
    LOSSES,
    BinaryCrossentropy,
    Loss,
    MeanSquaredError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
)

__all__ = ["LOSS_NAMES", "Cost"]

# scikit-learn's names of losses of numbers, and the core's.
ALIASES = {"squared_error": "mean_squared_error", "absolute_error": "mean_absolute_error"}
LOSS_NAMES = {
    *ALIASES,
    *(name for name in LOSSES.names if LOSSES.resolve(name).target_kind in ("values", "counts")),
}


class Cost:
    """A loss, and what is made of its outputs and of its values.

    Args:
        kind: Of the targets, as `targets.Labels` has it, or ``"values"``.
        outputs: The number of outputs of the network.
        loss: The name or the object of the loss of values.

    Attributes:
        loss: The core's loss.
        factor: How many times it is minimised: scikit-learn takes sums over outputs, and half of the squared error.
        link: The activation that makes of the outputs what is predicted; None for none.
        out_activation: Its name in scikit-learn.
        metrics: Those that `reported` needs.
    """

    def __init__(self, kind: str, outputs: int, loss: str | Loss) -> None:
        self.loss: Loss
        self.factor = 1.0
        self.link: str | None = None
        self.out_activation = "identity"
        self.metrics: tuple[str, ...] = ()
        if kind == "multiclass":
            self.loss, self.link, self.out_activation = SparseCategoricalCrossentropy(), "softmax", "softmax"
            return
        if kind != "values":
            self.loss, self.link, self.out_activation = BinaryCrossentropy(), "sigmoid", "logistic"
            self.factor = float(outputs)
            return
        self.loss = LOSSES.resolve(ALIASES.get(loss, loss) if isinstance(loss, str) else loss)
        if isinstance(self.loss, Quantile) and len(self.loss.quantiles) > 1:
            raise ValueError(f"{self.loss!r} has several quantiles, and one is predicted: use a NetworkRegressor.")
        if isinstance(self.loss, Poisson):
            self.link = self.out_activation = "exp"
            self.factor = float(outputs)
        elif isinstance(self.loss, MeanSquaredError):
            self.factor = outputs / 2
            self.metrics = ("mean_squared_error",) if outputs > 1 else ()

    def constant(self, y: NDArray[Any], weight: NDArray[Any] | None) -> float:
        """Return what is to be added to the loss of these targets so that it is scikit-learn's."""
        if not isinstance(self.loss, Poisson):
            return 0.0
        logarithms = np.log(y, out=np.zeros_like(y), where=y > 0)
        return float(np.average(y * logarithms - y, axis=0, weights=weight).sum())

    def reported(self, means: Mapping[str, float]) -> float:
        """Return the value that scikit-learn reports: of squared errors the mean over the outputs, not the sum."""
        if not self.metrics:
            return means["loss"]
        return means["loss"] - (self.factor - 0.5) * means[self.metrics[0]]
