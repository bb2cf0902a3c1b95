"""Update rules that average the parameters along the way."""

import numpy as np

from fastopt.optimizers.base import OPTIMIZERS, Rule
from fastopt.optimizers.describe import Hyperparameter, Integer, Numbers, When

__all__ = ["ASGD"]


@OPTIMIZERS.add()
class ASGD(Rule):
    """Gradient descent with a falling rate, decay, and an average of the parameters along the way.

    w <- w - lr_t (g + lambd w) with lr_t = lr / (1 + lambd lr (t - 1))^alpha at step t = 1, 2, ...; then
    average <- average + (w - average) / max(1, t - 1 - t0), which is w itself up to step t0 + 1. It is
    `Average(Decay(SGD(...)))` with such a rate. `swap` puts the average in the place of the parameters: evaluate,
    predict and save between that and the next `swap`.

    Source:
        Polyak and Juditsky, Acceleration of stochastic approximation by averaging, SIAM Journal on Control and
        Optimization 30(4), 1992; the rate: Bottou, Large-scale machine learning with stochastic gradient descent,
        COMPSTAT 2010. As PyTorch's.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, asgd = np.array([1.0, -100.0]), fo.optimizers.ASGD(0.25, t0=0)
        >>> for _ in range(3):
        ...     asgd.update(w, 2 * w)
        >>> asgd.swap(w)
        >>> w.round(2)
        array([  0.19, -18.75])
    """

    rule = "sgd"
    refused = {"average": "it keeps an average already"}  # noqa: RUF012
    learning_rate: Hyperparameter = Hyperparameter(0.01, symbol="lr")
    lambd: Hyperparameter = Hyperparameter(1e-4)
    alpha: Hyperparameter = Hyperparameter(0.75)
    t0: Integer = Integer(1_000_000, note="The number of steps before the average begins, at least 0")

    def own_transforms(self) -> list[str]:
        """Return ``"decay"`` and ``"average"``."""
        return ["decay", "average"]

    def own_numbers(self, when: When) -> Numbers:
        """Return the rate, the decay and the part of the parameters in the average."""
        rate, decay, alpha = (self.series(name, when) for name in ("learning_rate", "lambd", "alpha"))
        falling = rate / (1 + decay * rate * when.updates) ** alpha
        return {
            "learning_rate": falling,
            "decay": decay,
            "average": 1 / np.maximum(1, when.updates - self.t0),
        }
