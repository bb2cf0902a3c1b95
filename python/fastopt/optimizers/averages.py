"""Update rules that average the parameters along the way."""

import numpy as np

from fastopt.optimizers.base import OPTIMIZERS, Rule
from fastopt.optimizers.describe import EPSILON, Flag, Hyperparameter, Integer, Numbers, When

__all__ = ["ASGD", "AdamWScheduleFree", "RAdamScheduleFree", "SGDScheduleFree"]


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


class ScheduleFree(Rule):
    """The base of the Schedule-Free rules, which need no falling rate because the parameters are an average."""

    refused = {  # noqa: RUF012
        "average": "its parameters are an average already",
        "lookahead": "the point that it goes from is not where the parameters are",
    }

    def own_transforms(self) -> list[str]:
        """Return ``"decay"``."""
        return ["decay"]

    def own_numbers(self, when: When) -> Numbers:
        """Return those of the rule, and the decay."""
        return super().own_numbers(when) | {"decay": self.series("weight_decay", when)}


@OPTIMIZERS.add()
class SGDScheduleFree(ScheduleFree):
    """Gradient descent whose parameters are the average x of the way, so that the rate need not fall.

    With the gradient taken at y = (1 - beta) z + beta x: s = lr_t (g(y) + decay y), z <- z - s,
    x <- (1 - c_t) x + c_t z at step t = 1, 2, ..., where c_t = p_t / (p_1 + ... + p_t) with
    p_t = t^r max(lr_1, ..., lr_t)^weight_lr_power. lr_t = lr, in the warm-up lr t / warmup_steps.

    In `fit` and `train_on_batch` the parameters are y while a batch is trained, and x whenever anything else is done:
    callbacks, validation, `evaluate`, `predict` and saved files have x without further ado. Bare arrays are where
    `update` is given the gradient, so at y: `swap` puts x into them, and y again, as it does for `apply_gradients` in a
    loop of one's own. Running statistics of batch normalisation are those at y. Before a model that has them is judged,
    make them those at x, as the authors advise, by some passes over training data that move nothing else:
    ``y = model(x[rows]); model.backward(0 * y)`` for each batch.

    Source:
        Defazio, Yang, Khaled, Mishchenko, Mehta and Cutkosky, The road less scheduled, NeurIPS 2024, arXiv:2405.15682.
        Formulas and defaults as in the authors' program.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rule = np.array([1.0, -100.0]), fo.optimizers.SGDScheduleFree(0.25)
        >>> for _ in range(100):
        ...     rule.update(w, 2 * w)
        >>> rule.swap(w)
        >>> bool(abs(w).max() < 0.1)
        True
    """

    rule = "schedule_free_sgd"
    learning_rate: Hyperparameter = Hyperparameter(1.0, symbol="lr")
    momentum: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "beta", above=True)
    weight_decay: Hyperparameter = Hyperparameter(0.0, symbol="decay")
    warmup_steps: Integer = Integer(0, note="The steps in which lr grows in a line, at least 0")
    r: Hyperparameter = Hyperparameter(0.0, note="The power of t in the weight of a step in the average")
    weight_lr_power: Hyperparameter = Hyperparameter(2.0, note="The power of the largest lr in that weight")


@OPTIMIZERS.add()
class AdamWScheduleFree(ScheduleFree):
    """AdamW whose parameters are the average x of the way, so that the rate need not fall.

    v <- b2 v + (1 - b2) g^2, and u = g / (sqrt(v / (1 - b2^t)) + eps) stands for the gradient g in
    `SGDScheduleFree`, whose momentum is b1; that also says where the parameters are x, and where y.

    Source:
        Defazio, Yang, Khaled, Mishchenko, Mehta and Cutkosky, The road less scheduled, NeurIPS 2024, arXiv:2405.15682.
        Formulas and defaults as in the authors' program.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.AdamWScheduleFree(0.1, warmup_steps=5), "mse")
        >>> history = model.fit(np.eye(4), np.arange(4), epochs=100, verbose=0)
        >>> bool(model.evaluate(np.eye(4), np.arange(4))["loss"] < 0.1)
        True
    """

    rule = "schedule_free_adamw"
    learning_rate: Hyperparameter = Hyperparameter(0.0025, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1", above=True)
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    weight_decay: Hyperparameter = Hyperparameter(0.0, symbol="decay")
    warmup_steps: Integer = Integer(0, note="The steps in which lr grows in a line, at least 0")
    r: Hyperparameter = Hyperparameter(0.0, note="The power of t in the weight of a step in the average")
    weight_lr_power: Hyperparameter = Hyperparameter(2.0, note="The power of the largest lr in that weight")


@OPTIMIZERS.add()
class RAdamScheduleFree(ScheduleFree):
    """RAdam whose parameters are the average x of the way: no warm-up and no falling rate.

    As `AdamWScheduleFree`, with lr_t = lr times the rectification of `RAdam`,
    sqrt((q - 4) (q - 2) R / ((R - 4) (R - 2) q)), R = 2 / (1 - b2) - 1, q = R - 2 t b2^t / (1 - b2^t), while q > 4;
    before that u = g, and lr_t = 0, so that nothing moves, or lr if not silent_sgd_phase.

    Source:
        Defazio, Yang, Khaled, Mishchenko, Mehta and Cutkosky, The road less scheduled, NeurIPS 2024, arXiv:2405.15682;
        Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, arXiv:1908.03265. Formulas and
        defaults as in the authors' program.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rule = np.array([1.0, -1.0]), fo.optimizers.RAdamScheduleFree(0.1)
        >>> for _ in range(200):
        ...     rule.update(w, 2 * w)
        >>> rule.swap(w)
        >>> bool(abs(w).max() < 0.1)
        True
    """

    rule = "schedule_free_radam"
    learning_rate: Hyperparameter = Hyperparameter(0.0025, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1", above=True)
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    weight_decay: Hyperparameter = Hyperparameter(0.0, symbol="decay")
    silent_sgd_phase: Flag = Flag(True, "Whether the first steps, without rectification, are left out")
    r: Hyperparameter = Hyperparameter(0.0, note="The power of t in the weight of a step in the average")
    weight_lr_power: Hyperparameter = Hyperparameter(2.0, note="The power of the largest lr in that weight")
