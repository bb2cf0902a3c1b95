"""The update rules: each one's mathematics is a header of the core; here are its hyperparameters and its name."""

import math
from collections.abc import Mapping

import numpy as np

from fastopt.core import checks
from fastopt.core.registry import unknown_name
from fastopt.optimizers.base import OPTIMIZERS, Rule
from fastopt.optimizers.describe import (
    EPSILON,
    Argument,
    Flag,
    Floats,
    Hyperparameter,
    Numbers,
    OptionalHyperparameter,
    When,
)

__all__ = [
    "SGD",
    "SWATS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "DeltaBarDelta",
    "Lamb",
    "Lion",
    "Nadam",
    "RAdam",
    "RMSprop",
    "Rprop",
]


class Nesterov(Argument[bool | str, bool | str]):
    """Whether, and in which form, a step looks ahead."""

    annotation = bool | str

    def check(self, given: bool | str) -> bool | str:
        """Return the name, or the truth of it."""
        if isinstance(given, str) and given != "look_ahead":
            raise unknown_name("form of nesterov", given, ("look_ahead", "True", "False"))
        return given if isinstance(given, str) else checks.flag(self.name, given)

    def text(self) -> str:
        """Return what it may be."""
        return (
            'Whether the step looks ahead along the velocity: False, True or ``"look_ahead"``, which goes without '
            "dampening and only where the model takes the gradient: in `fit` and `train_on_batch`."
        )


@OPTIMIZERS.add()
class SGD(Rule):
    """Gradient descent, with momentum if it is asked for.

    Without momentum w <- w - lr g. With momentum mu: v <- mu v - lr g, w <- w + v; with Nesterov's: v the same,
    w <- w + mu v - lr g with the new v.

    With dampening d the velocity is free of the rate: v <- mu v + (1 - d) g, w <- w - lr v; with Nesterov's momentum
    w <- w - lr (g + mu v) with the new v. With d = 0 this differs from the form above only while lr changes; with
    d = mu the velocity is a running mean of the gradient. PyTorch's SGD is this form with ``dampen_first=False``.

    Nesterov's momentum is computed so that the weights are always the point ahead, theta + mu v, where the next
    gradient is taken. With ``nesterov="look_ahead"`` the weights are theta instead, and each batch of `Sequential.fit`
    takes its gradient ahead of them: v <- mu v - lr g(theta + mu v), theta <- theta + v. While mu stays, the gradients
    are the same; the weights that are left, evaluated and saved are theta. It costs one more pass over the weights.

    Source:
        Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, ICML
        2013; without the rate in it: Polyak, Some methods of speeding up the convergence of iteration methods, USSR
        Computational Mathematics and Mathematical Physics 4(5), 1964.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([1.0]), fo.optimizers.SGD(0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     sgd.update(w, 2 * w)
        >>> w
        array([0.])
    """

    learning_rate: Hyperparameter = Hyperparameter(0.01, symbol="lr")
    momentum: Hyperparameter = Hyperparameter(0.0, 0.0, 1.0, "mu", "0 keeps no velocity, whatever else is given")
    nesterov: Nesterov = Nesterov(False)
    dampening: OptionalHyperparameter = OptionalHyperparameter(
        0.0, 1.0, "d", "None is the velocity that holds the rate"
    )
    dampen_first: Flag = Flag(True, "Whether 1 - d applies to the first step too, or v starts as the first gradient")

    def __post_init__(self) -> None:
        """Check that the arguments go together."""
        if self.nesterov == "look_ahead" and self.dampening is not None:
            raise ValueError("nesterov='look_ahead' has no dampening.")

    @property
    def rule(self) -> str:
        """``"sgd"``, ``"momentum"``, ``"nesterov"``, with dampening ``"heavy_ball"``, ``"heavy_ball_nesterov"``..."""
        if self.momentum == 0.0:
            return "sgd"
        if self.nesterov == "look_ahead":
            return "nesterov_look_ahead"
        if self.dampening is None:
            return "nesterov" if self.nesterov else "momentum"
        return "heavy_ball_nesterov" if self.nesterov else "heavy_ball"


@OPTIMIZERS.add()
class Adagrad(Rule):
    """Gradient descent with a rate for each parameter that falls with the gradients that it has seen.

    s <- s + g^2, w <- w - lr g / (sqrt(s) + eps); s starts as a.

    Source:
        Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12,
        2011. Its defaults are those of Keras. Epsilon stands where the paper has it, as in PyTorch; in Keras and optax
        it is under the root.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adagrad = np.array([1.0, -100.0]), fo.optimizers.Adagrad(0.5, initial_accumulator_value=0.0)
        >>> adagrad.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    rule = "adagrad"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    initial_accumulator_value: Hyperparameter = Hyperparameter(0.1, symbol="a", fixed=True)
    epsilon: Hyperparameter = Hyperparameter(1e-7, EPSILON, symbol="eps")
    epsilon_in_root: Flag = Flag(False, "Whether eps is added under the root: g / sqrt(s + eps)")

    @property
    def initial_slots(self) -> dict[str, float]:
        """``s`` starts as `initial_accumulator_value`."""
        return {"s": self.initial_accumulator_value}


@OPTIMIZERS.add()
class Adadelta(Rule):
    """Steps in the proportion of the past steps to the past gradients, so that no rate need be chosen.

    g2 <- rho g2 + (1 - rho) g^2, dx = sqrt(dx2 + eps) / sqrt(g2 + eps) g, dx2 <- rho dx2 + (1 - rho) dx^2,
    w <- w - lr dx.

    Source:
        Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701, 2012, which has no learning rate, and this
        epsilon; Keras multiplies the steps by 0.001 and has an epsilon of 1e-7.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adadelta = np.array([1.0]), fo.optimizers.Adadelta(epsilon=1e-2)
        >>> for _ in range(50):
        ...     adadelta.update(w, 2 * w)
        >>> bool(abs(w[0]) < 0.01)
        True
    """

    rule = "adadelta"
    learning_rate: Hyperparameter = Hyperparameter(1.0, symbol="lr", note="1 is the method without a rate")
    rho: Hyperparameter = Hyperparameter(0.95, 0.0, 1.0, "The part of the means that a step keeps")
    epsilon: Hyperparameter = Hyperparameter(1e-6, EPSILON, symbol="eps", note="it sets the size of the first steps")


@OPTIMIZERS.add()
class RMSprop(Rule):
    """Gradients divided by the root of their running mean square.

    s <- rho s + (1 - rho) g^2, r = g / (sqrt(s) + eps), w <- w - lr r. Centered: m <- rho m + (1 - rho) g, and
    max(s - m^2, 0) stands for s in r.

    With momentum mu: v <- mu v - lr r, w <- w + v; with Nesterov's: v the same, w <- w + mu v - lr r with the new v.
    The velocity holds the rate, as that of `SGD` does: where the rate falls, what the velocity gathered before goes on
    at the rates of its time. Without the rate in it: v <- mu v + r, w <- w - lr v; with Nesterov's momentum
    w <- w - lr (r + mu v). The two differ only while lr changes.

    Source:
        Tieleman and Hinton, Lecture 6.5 of Neural networks for machine learning, 2012; centered: Graves, Generating
        sequences with recurrent neural networks, arXiv:1308.0850, 2013; with Nesterov's momentum: Dauphin et al.,
        arXiv:1502.04390, 2015. In Keras and optax epsilon is under the root, and the velocity holds the rate; in
        PyTorch, whose `alpha` is rho, neither is so.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rmsprop = np.array([1.0, -100.0]), fo.optimizers.RMSprop(0.5, rho=0.75)
        >>> rmsprop.update(w, 2 * w)
        >>> w.round(6)
        array([  0.,  -99.])
    """

    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    rho: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "The part of the means that a step keeps")
    momentum: Hyperparameter = Hyperparameter(0.0, 0.0, 1.0, "mu", "0 keeps no velocity")
    epsilon: Hyperparameter = Hyperparameter(1e-7, EPSILON, symbol="eps")
    centered: Flag = Flag(False, "Whether the mean square is taken about the mean")
    nesterov: Flag = Flag(False, "Whether the step looks ahead along the velocity")
    epsilon_in_root: Flag = Flag(False, "Whether eps is added under the root: g / sqrt(s + eps)")
    rate_in_velocity: Flag = Flag(True, "Whether the velocity holds the rate")

    @property
    def rule(self) -> str:
        """``"rmsprop"``, followed by ``"_centered"`` and by ``"_momentum"`` or ``"_nesterov"``."""
        name = "rmsprop_centered" if self.centered else "rmsprop"
        if self.momentum == 0.0:
            return name
        return f"{name}_nesterov" if self.nesterov else f"{name}_momentum"


class AMSGrad(Argument[bool | str, bool | str]):
    """Whether, and in which form, the mean square of Adam may not fall."""

    annotation = bool | str

    def check(self, given: bool | str) -> bool | str:
        """Return the name, or the truth of it."""
        if isinstance(given, str) and given != "rising":
            raise unknown_name("form of amsgrad", given, ("rising", "True", "False"))
        return given if isinstance(given, str) else checks.flag(self.name, given)

    def text(self) -> str:
        """Return what it may be."""
        return 'Whether the mean square may not fall: False, True, or ``"rising"``, where the rate never grows.'

    @staticmethod
    def rule(form: bool | str) -> str:
        """Return the core's name of Adam in this form."""
        return "amsgrad_rising" if form == "rising" else "amsgrad" if form else "adam"


@OPTIMIZERS.add()
class Adam(Rule):
    """Steps of a size that does not depend on the scale of the gradient, from running means of it and of its square.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) at
    step t = 1, 2, ...

    AMSGrad, ``amsgrad=True``: vmax <- max(vmax, v) stands for v in the last formula. The correction of its bias falls
    with t, so that an element's rate can still grow. With ``amsgrad="rising"`` it cannot: v <- max(v, b2 v +
    (1 - b2) g^2), one array less, and w <- w - lr m / (sqrt(v) + eps), without corrections.

    With bounds the effective rate of each element, what m is multiplied by, is kept between them: w <- w - a m with
    a = min(max((lr / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), min_rate), max_rate). Bounds that are schedules and
    meet let Adam become gradient descent with momentum: AdaBound has 0.1 (1 - 1 / (0.001 t + 1)) and
    0.1 (1 + 1 / (0.001 t)).

    Source:
        Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980; Reddi, Kale and Kumar,
        On the convergence of Adam and beyond, ICLR 2018, arXiv:1904.09237, where no bias is corrected; it is with
        ``amsgrad=True``, as in PyTorch; bounds: Luo, Xiong, Liu and Sun, Adaptive gradient methods with dynamic bound
        of learning rate, ICLR 2019, arXiv:1902.09843. Keras's epsilon is 1e-7, the paper's 1e-8, as here.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adam = np.array([1.0, -100.0]), fo.optimizers.Adam(0.5)
        >>> adam.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    amsgrad: AMSGrad = AMSGrad(False)
    epsilon_in_root: Flag = Flag(False, "Whether eps is added under the root: sqrt(v / (1 - b2^t) + eps)")
    min_rate: OptionalHyperparameter = OptionalHyperparameter(note="The least rate of an element; None sets no bound")
    max_rate: OptionalHyperparameter = OptionalHyperparameter(note="The greatest rate of an element, likewise")

    def __post_init__(self) -> None:
        """Check that the bounds go together."""
        bounds = self.min_rate, self.max_rate
        if all(isinstance(bound, float) for bound in bounds) and bounds[0] > bounds[1]:
            raise ValueError(f"min_rate must be at most max_rate, {bounds[1]:g}, not {bounds[0]:g}.")

    @property
    def rule(self) -> str:
        """``"adam"``, ``"amsgrad"`` or ``"amsgrad_rising"``, followed by ``"_bounded"`` where a bound is given."""
        bounded = self.min_rate is not None or self.max_rate is not None
        return AMSGrad.rule(self.amsgrad) + "_bounded" * bounded

    def series(self, name: str, when: When) -> float | Floats:
        """Return the values of a hyperparameter at each gradient; a bound that is None binds nothing."""
        if getattr(self, name) is None:
            return 0.0 if name == "min_rate" else math.inf
        return super().series(name, when)


@OPTIMIZERS.add()
class AdamW(Rule):
    """Adam with decay of the weights beside the step, not through the gradient.

    w <- w - lr decay w with the step of `Adam` (or AMSGrad), whose gradient knows nothing of the decay: the same as
    `Decay` around `Adam`, without what that excludes by default.

    Source:
        Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, arXiv:1711.05101. The decay is that of
        Keras, where PyTorch has 0.01; epsilon is 1e-8 as in the paper, where Keras has 1e-7.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adamw = np.array([1.0, -100.0]), fo.optimizers.AdamW(0.5, weight_decay=0.1)
        >>> adamw.update(w, 2 * w)
        >>> w.round(6)
        array([  0.45, -94.5 ])
    """

    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    weight_decay: Hyperparameter = Hyperparameter(0.004, symbol="decay")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    amsgrad: AMSGrad = AMSGrad(False)
    epsilon_in_root: Flag = Flag(False, "Whether eps is added under the root: sqrt(v / (1 - b2^t) + eps)")

    @property
    def rule(self) -> str:
        """``"adam"``, ``"amsgrad"`` or ``"amsgrad_rising"``."""
        return AMSGrad.rule(self.amsgrad)

    def own_transforms(self) -> list[str]:
        """Return ``"decay"``."""
        return ["decay"]

    def own_numbers(self, when: When) -> Numbers:
        """Return those of Adam, and the decay."""
        return super().own_numbers(when) | {"decay": self.series("weight_decay", when)}


@OPTIMIZERS.add()
class Adamax(Rule):
    """Adam with the decaying maximum of the gradients' magnitudes instead of the root of their mean square.

    m <- b1 m + (1 - b1) g, u <- max(b2 u, |g| + eps), w <- w - lr (m / (1 - b1^t)) / u at step t = 1, 2, ...

    Source:
        Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980, section 7.1, where there
        is no epsilon and the rate is 0.002, as here and in PyTorch; Keras has 0.001, and adds epsilon to u where it
        divides.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adamax = np.array([1.0, -100.0]), fo.optimizers.Adamax(0.5)
        >>> adamax.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    rule = "adamax"
    learning_rate: Hyperparameter = Hyperparameter(2e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-7, EPSILON, symbol="eps")


@OPTIMIZERS.add()
class Nadam(Rule):
    """Adam with Nesterov's momentum, which grows as training goes.

    mu_t = b1 (1 - 0.96^(t psi) / 2), P_t = mu_1 mu_2 ... mu_t, m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
    w <- w - lr (mu_{t+1} m / (1 - P_{t+1}) + (1 - mu_t) g / (1 - P_t)) / (sqrt(v / (1 - b2^t)) + eps) at step
    t = 1, 2, ...

    With `look_ahead` the weights are theta, and each batch of `Sequential.fit` takes its gradient where Adam's last
    step would lead once more, at theta - lr (m / (1 - b1^(t-1))) / (sqrt(v / (1 - b2^(t-1))) + eps); the step from
    theta is Adam's with it. The momentum does not grow then, and psi is not read. It costs one more pass over the
    weights.

    Source:
        Dozat, Incorporating Nesterov momentum into Adam, ICLR 2016 workshop. The defaults are those of Keras, but for
        psi, which is the paper's.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, nadam = np.array([1.0, -100.0]), fo.optimizers.Nadam(0.5)
        >>> for _ in range(2):
        ...     nadam.update(w, 2 * w)
        >>> bool(w[0] < 0.5), bool(w[1] > -99.5)
        (True, True)
    """

    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-7, EPSILON, symbol="eps")
    momentum_decay: Hyperparameter = Hyperparameter(0.004, symbol="psi", note="1 in Keras, as here in the paper")
    look_ahead: Flag = Flag(False, "Whether the gradient is taken ahead, which only `fit` and `train_on_batch` can")

    @property
    def rule(self) -> str:
        """``"nadam"`` or ``"nadam_look_ahead"``."""
        return "nadam_look_ahead" if self.look_ahead else "nadam"


@OPTIMIZERS.add()
class RAdam(Rule):
    """Adam that trusts the mean square of the gradient only as far as its variance is known, a warm-up by itself.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - lr (m / (1 - b1^t)) a at step t = 1, 2, ..., where with
    R = 2 / (1 - b2) - 1 and r = R - 2 t b2^t / (1 - b2^t): a = 1 while r <= 5, else
    a = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - b2^t) / (sqrt(v) + eps).

    Source:
        Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, arXiv:1908.03265, where there
        is no epsilon and the bound on r is 4. As PyTorch's.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, radam = np.array([1.0, -1.0]), fo.optimizers.RAdam(0.25)
        >>> radam.update(w, 2 * w)
        >>> w.round(6)
        array([ 0.5, -0.5])
    """

    rule = "radam"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")


@OPTIMIZERS.add()
class Lion(Rule):
    """Steps of one size for all parameters, in the sign of the mean gradient.

    w <- w - lr sign(b1 m + (1 - b1) g), m <- b2 m + (1 - b2) g; sign(0) = 0.

    Source:
        Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, arXiv:2302.06675; as in Keras, without
        decay of the weights. The rate is the authors', who advise one that is three to ten times smaller than Adam's;
        Keras has Adam's, 0.001.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, lion = np.array([1.0, -100.0]), fo.optimizers.Lion(0.5)
        >>> lion.update(w, 2 * w)
        >>> w
        array([  0.5,  -99.5])
    """

    rule = "lion"
    learning_rate: Hyperparameter = Hyperparameter(1e-4, symbol="lr", note="three to ten times smaller than Adam's")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.99, 0.0, 1.0, "b2")


@OPTIMIZERS.add()
class Lamb(Rule):
    """Adam whose step has, in each tensor, the length of the tensor times the rate, for very large batches.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + decay w,
    w <- w - lr (|w| / |u|) u at step t = 1, 2, ..., the lengths being those of one kernel, one bias, ...; where one of
    them is 0 their ratio counts as 1.

    Source:
        You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020,
        arXiv:1904.00962, with phi(z) = z. As optax's. Decay and epsilon are those of the authors' programs; Keras has
        none, and 1e-7.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, lamb = np.array([3.0, -4.0]), fo.optimizers.Lamb(0.1, weight_decay=0.0)
        >>> lamb.update(w, 2 * w)
        >>> w.round(3)
        array([ 2.646, -3.646])
    """

    rule = "lamb"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    weight_decay: Hyperparameter = Hyperparameter(0.01, symbol="decay")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-6, EPSILON, symbol="eps")


@OPTIMIZERS.add()
class SWATS(Rule):
    """Adam that switches itself to gradient descent with momentum, at the moment and with the rate that it finds.

    While it is Adam, with the step w <- w - p, p = lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), it looks for the
    rate of gradient descent whose step would have p as its projection: gamma = p.p / p.g over all parameters,
    lambda <- b2 lambda + (1 - b2) gamma. At the step t > 1 where |lambda / (1 - b2^t) - gamma| < tolerance and
    lambda > 0 it switches: with Lambda = lambda / (1 - b2^t), from then on m <- b1 m + g, w <- w - (1 - b1) Lambda m,
    m starting as 0. Lambda goes on as the learning rate does: a schedule that halves the one halves the other.

    Attributes:
        switch: The step at which it switched, 0 before; RuntimeError where there is no state yet.
        sgd_learning_rate: Lambda, 0 before the switch. `History` records both after each epoch.

    Source:
        Keskar and Socher, Improving generalization performance by switching from Adam to SGD, arXiv:1712.07628, 2017,
        where epsilon is added to sqrt(v) before its bias is corrected, and is the tolerance too.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, swats = np.array([1.0, 2.0]), fo.optimizers.SWATS(0.01, tolerance=1e-3)
        >>> for _ in range(200):
        ...     swats.update(w, w.copy())
        >>> swats.switch > 1, swats.sgd_learning_rate > 0
        (True, True)
    """

    rule = "swats"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr of Adam")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    tolerance: Hyperparameter = Hyperparameter(1e-9, symbol="How near the rate must be to its mean", above=True)

    @property
    def switch(self) -> int:
        """The step at which it switched, 0 before."""
        return int(self.state["switch"])

    @property
    def sgd_learning_rate(self) -> float:
        """Lambda, 0 before the switch."""
        return self.report_of(self.state, self.epoch)["sgd_learning_rate"]

    def report_of(self, state: Mapping[str, float], epoch: int) -> dict[str, float]:
        """Return `switch` and `sgd_learning_rate`, which are 0 before there is a state."""
        if not state:
            return {"switch": 0, "sgd_learning_rate": 0.0}
        when = When(np.zeros(1, np.int64), np.array([float(state["step"])]), epoch)
        rate = state["Lambda_by_learning_rate"] * self.series("learning_rate", when)
        return {"switch": int(state["switch"]), "sgd_learning_rate": float(rate)}


@OPTIMIZERS.add()
class DeltaBarDelta(Rule):
    """Gradient descent with a rate for each parameter that grows while its gradient keeps its sign.

    rate <- rate + kappa where delta_bar g > 0, (1 - phi) rate where delta_bar g < 0; w <- w - lr rate g with the new
    rate; delta_bar <- theta delta_bar + (1 - theta) g. The rates start as initial_rate. Signs of gradients mean
    something only if each is that of all samples: `Sequential.fit` warns if they are not.

    Source:
        Jacobs, Increased rates of convergence through learning rate adaptation, Neural Networks 1(4), 1988.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rule = np.array([1.0]), fo.optimizers.DeltaBarDelta(initial_rate=0.125, kappa=0.125)
        >>> for _ in range(2):
        ...     rule.update(w, 2 * w)
        >>> w
        array([0.375])
    """

    rule = "delta_bar_delta"
    learning_rate: Hyperparameter = Hyperparameter(1.0, symbol="lr, a factor of all rates", note="1 in the paper")
    initial_rate: Hyperparameter = Hyperparameter(0.01, symbol="What the rates start at", fixed=True)
    kappa: Hyperparameter = Hyperparameter(1e-3, symbol="What a rate gains")
    phi: Hyperparameter = Hyperparameter(0.1, 0.0, 1.0, "The part of a rate that is lost")
    theta: Hyperparameter = Hyperparameter(0.7, 0.0, 1.0, "The part of delta_bar that a step keeps")

    @property
    def initial_slots(self) -> dict[str, float]:
        """``rate`` starts as `initial_rate`."""
        return {"rate": self.initial_rate}

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return what is wrong with batches that are not all samples."""
        return _whole_batch_warning(self, "rates", batch_size, samples)


@OPTIMIZERS.add()
class Rprop(Rule):
    """Steps in the sign of the gradient, of a size for each parameter that grows while the sign stays.

    size <- eta_plus size where (the gradient before) g > 0, eta_minus size where it is < 0, and then held from
    min_step to max_step; w <- w - size sign(g), except where the sign has changed: there w stays, and the next gradient
    counts as the first. The sizes start as lr. A schedule of lr makes all of them follow it. Signs of gradients mean
    something only if each is that of all samples: `Sequential.fit` warns if they are not.

    Source:
        Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, ICNN
        1993; that parameters stay where the sign has changed: Igel and Hüsken, Improving the Rprop learning algorithm,
        NC 2000 (iRprop-). As PyTorch's, where a later change of lr does nothing.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rprop = np.array([1.0, -100.0]), fo.optimizers.Rprop(0.5)
        >>> for _ in range(2):
        ...     rprop.update(w, 2 * w)
        >>> w
        array([ -0.1, -98.9])
    """

    rule = "rprop"
    learning_rate: Hyperparameter = Hyperparameter(0.01, symbol="lr")
    eta_minus: Hyperparameter = Hyperparameter(0.5, 0.0, 1.0, above=True)
    eta_plus: Hyperparameter = Hyperparameter(1.2, 1.0, above=True)
    min_step: Hyperparameter = Hyperparameter(1e-6)
    max_step: Hyperparameter = Hyperparameter(50.0, above=True)

    @property
    def initial_slots(self) -> dict[str, float]:
        """``size``, a multiple of the learning rate, starts as 1."""
        return {"size": 1.0}

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return what is wrong with batches that are not all samples."""
        return _whole_batch_warning(self, "steps", batch_size, samples)


def _whole_batch_warning(rule: Rule, what: str, batch_size: int, samples: int) -> str | None:
    if batch_size >= samples:
        return None
    return (
        f"{type(rule).__name__} adapts its {what} to the signs of the gradient, which noise flips: use all {samples} "
        f"samples as one batch, not {batch_size}."
    )
