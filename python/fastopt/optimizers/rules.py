"""The update rules: each one's mathematics is a header of the core; here it is a constructor and a name."""

import numpy as np

from fastopt.core.registry import unknown_name
from fastopt.optimizers.base import EPSILON, OPTIMIZERS, Hyperparameter, Optimizer, OptionalHyperparameter
from fastopt.schedules import Rate

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
]


@OPTIMIZERS.add()
class SGD(Optimizer):
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

    Args:
        learning_rate: lr, at least 0.
        momentum: mu, at least 0 and less than 1; 0 keeps no velocity, whatever the other arguments are.
        nesterov: Whether the step looks ahead along the velocity: False, True or ``"look_ahead"``, which goes without
            dampening and only where the model takes the gradient: in `fit` and `train_on_batch`.
        dampening: d, at least 0 and less than 1, or None for the velocity that holds the rate.
        dampen_first: Whether 1 - d applies to the first step too; if not, v starts as the first gradient.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

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

    momentum = Hyperparameter(0.0, 1.0)
    dampening = OptionalHyperparameter(0.0, 1.0)

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: Rate = 0.0,
        nesterov: bool | str = False,
        dampening: Rate | None = None,
        dampen_first: bool = True,
    ) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        if isinstance(nesterov, str) and nesterov != "look_ahead":
            raise unknown_name("form of nesterov", nesterov, ("look_ahead",))
        if nesterov == "look_ahead" and dampening is not None:
            raise ValueError("nesterov='look_ahead' has no dampening.")
        self.nesterov = nesterov if nesterov == "look_ahead" else bool(nesterov)
        self.dampening = dampening
        self.dampen_first = bool(dampen_first)

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
class Adagrad(Optimizer):
    """Gradient descent with a rate for each parameter that falls with the gradients that it has seen.

    s <- s + g^2, w <- w - lr g / (sqrt(s) + eps); s starts as a.

    Args:
        learning_rate: lr, at least 0.
        initial_accumulator_value: a, at least 0.
        epsilon: eps, at least 1.17549e-38.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12,
        2011. As PyTorch's; Keras has epsilon under the root.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adagrad = np.array([1.0, -100.0]), fo.optimizers.Adagrad(0.5)
        >>> adagrad.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    initial_accumulator_value = Hyperparameter(0.0, fixed=True)
    epsilon = Hyperparameter(EPSILON)

    def __init__(
        self, learning_rate: Rate = 0.01, initial_accumulator_value: float = 0.0, epsilon: Rate = 1e-10
    ) -> None:
        self.learning_rate = learning_rate
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    @property
    def rule(self) -> str:
        """``"adagrad"``."""
        return "adagrad"

    @property
    def initial_slots(self) -> dict[str, float]:
        """``s`` starts as `initial_accumulator_value`."""
        return {"s": self.initial_accumulator_value}


@OPTIMIZERS.add()
class Adadelta(Optimizer):
    """Steps in the proportion of the past steps to the past gradients, so that no rate need be chosen.

    g2 <- rho g2 + (1 - rho) g^2, dx = sqrt(dx2 + eps) / sqrt(g2 + eps) g, dx2 <- rho dx2 + (1 - rho) dx^2,
    w <- w - lr dx.

    Args:
        learning_rate: lr, at least 0; 1 is the method without a rate.
        rho: The part of the means that a step keeps, at least 0 and less than 1.
        epsilon: eps, at least 1.17549e-38; it sets the size of the first steps.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701, 2012.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adadelta = np.array([1.0]), fo.optimizers.Adadelta(epsilon=1e-2)
        >>> for _ in range(50):
        ...     adadelta.update(w, 2 * w)
        >>> bool(abs(w[0]) < 0.01)
        True
    """

    rho = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)

    def __init__(self, learning_rate: Rate = 1.0, rho: Rate = 0.95, epsilon: Rate = 1e-6) -> None:
        self.learning_rate = learning_rate
        self.rho = rho
        self.epsilon = epsilon

    @property
    def rule(self) -> str:
        """``"adadelta"``."""
        return "adadelta"


@OPTIMIZERS.add()
class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square.

    s <- rho s + (1 - rho) g^2, r = g / (sqrt(s) + eps), w <- w - lr r. Centered: m <- rho m + (1 - rho) g, and
    max(s - m^2, 0) stands for s in r. With momentum mu: v <- mu v + r, w <- w - lr v; with Nesterov's: v the same,
    w <- w - lr (r + mu v) with the new v.

    Args:
        learning_rate: lr, at least 0.
        rho: The part of the means that a step keeps, at least 0 and less than 1.
        momentum: mu, at least 0 and less than 1; 0 keeps no velocity.
        epsilon: eps, at least 1.17549e-38.
        centered: Whether the mean square is taken about the mean.
        nesterov: Whether the step looks ahead along the velocity.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Tieleman and Hinton, Lecture 6.5 of Neural networks for machine learning, 2012; centered: Graves, Generating
        sequences with recurrent neural networks, arXiv:1308.0850, 2013; with Nesterov's momentum: Dauphin et al.,
        arXiv:1502.04390, 2015. As PyTorch's, whose `alpha` is rho, 0.99 by default; Keras has epsilon under the root.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rmsprop = np.array([1.0, -100.0]), fo.optimizers.RMSprop(0.5, rho=0.75)
        >>> rmsprop.update(w, 2 * w)
        >>> w.round(6)
        array([  0.,  -99.])
    """

    rho = Hyperparameter(0.0, 1.0)
    momentum = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        rho: Rate = 0.9,
        momentum: Rate = 0.0,
        epsilon: Rate = 1e-8,
        centered: bool = False,
        nesterov: bool = False,
    ) -> None:
        self.learning_rate = learning_rate
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = bool(centered)
        self.nesterov = bool(nesterov)

    @property
    def rule(self) -> str:
        """``"rmsprop"``, followed by ``"_centered"`` and by ``"_momentum"`` or ``"_nesterov"``."""
        name = "rmsprop_centered" if self.centered else "rmsprop"
        if self.momentum == 0.0:
            return name
        return f"{name}_nesterov" if self.nesterov else f"{name}_momentum"


@OPTIMIZERS.add()
class Adam(Optimizer):
    """Steps of a size that does not depend on the scale of the gradient, from running means of it and of its square.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) at
    step t = 1, 2, ... AMSGrad: vmax <- max(vmax, v) stands for v in the last formula.

    Args:
        learning_rate: lr, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.17549e-38.
        amsgrad: Whether the mean square may not fall.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980; Reddi, Kale and Kumar,
        On the convergence of Adam and beyond, ICLR 2018, arXiv:1904.09237, where no bias is corrected; it is here, as
        in PyTorch.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adam = np.array([1.0, -100.0]), fo.optimizers.Adam(0.5)
        >>> adam.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        beta_1: Rate = 0.9,
        beta_2: Rate = 0.999,
        epsilon: Rate = 1e-8,
        amsgrad: bool = False,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = bool(amsgrad)

    @property
    def rule(self) -> str:
        """``"adam"`` or ``"amsgrad"``."""
        return "amsgrad" if self.amsgrad else "adam"


@OPTIMIZERS.add()
class AdamW(Adam):
    """Adam with decay of the weights beside the step, not through the gradient.

    w <- w - lr decay w, and then the step of `Adam` (or AMSGrad) along a gradient that knows nothing of the decay.

    Args:
        learning_rate: lr, at least 0.
        weight_decay: decay, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.17549e-38.
        amsgrad: Whether the mean square may not fall.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, arXiv:1711.05101.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adamw = np.array([1.0, -100.0]), fo.optimizers.AdamW(0.5, weight_decay=0.1)
        >>> adamw.update(w, 2 * w)
        >>> w.round(6)
        array([  0.45, -94.5 ])
    """

    weight_decay = Hyperparameter(0.0)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        weight_decay: Rate = 0.01,
        beta_1: Rate = 0.9,
        beta_2: Rate = 0.999,
        epsilon: Rate = 1e-8,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad)
        self.weight_decay = weight_decay

    @property
    def rule(self) -> str:
        """``"adamw"`` or ``"amsgradw"``."""
        return "amsgradw" if self.amsgrad else "adamw"


@OPTIMIZERS.add()
class Adamax(Optimizer):
    """Adam with the decaying maximum of the gradients' magnitudes instead of the root of their mean square.

    m <- b1 m + (1 - b1) g, u <- max(b2 u, |g| + eps), w <- w - lr (m / (1 - b1^t)) / u at step t = 1, 2, ...

    Args:
        learning_rate: lr, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.17549e-38.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980, section 7.1, where there
        is no epsilon. As PyTorch's; Keras adds epsilon to u where it divides.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adamax = np.array([1.0, -100.0]), fo.optimizers.Adamax(0.5)
        >>> adamax.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)

    def __init__(
        self, learning_rate: Rate = 2e-3, beta_1: Rate = 0.9, beta_2: Rate = 0.999, epsilon: Rate = 1e-8
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def rule(self) -> str:
        """``"adamax"``."""
        return "adamax"


@OPTIMIZERS.add()
class Nadam(Optimizer):
    """Adam with Nesterov's momentum, which grows as training goes.

    mu_t = b1 (1 - 0.96^(t psi) / 2), P_t = mu_1 mu_2 ... mu_t, m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
    w <- w - lr (mu_{t+1} m / (1 - P_{t+1}) + (1 - mu_t) g / (1 - P_t)) / (sqrt(v / (1 - b2^t)) + eps) at step
    t = 1, 2, ...

    Args:
        learning_rate: lr, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.17549e-38.
        momentum_decay: psi, at least 0; 0.004 as in the paper and PyTorch, 1 as in Keras.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Dozat, Incorporating Nesterov momentum into Adam, ICLR 2016 workshop.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, nadam = np.array([1.0, -100.0]), fo.optimizers.Nadam(0.5)
        >>> for _ in range(2):
        ...     nadam.update(w, 2 * w)
        >>> bool(w[0] < 0.5), bool(w[1] > -99.5)
        (True, True)
    """

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)
    momentum_decay = Hyperparameter(0.0)

    def __init__(
        self,
        learning_rate: Rate = 2e-3,
        beta_1: Rate = 0.9,
        beta_2: Rate = 0.999,
        epsilon: Rate = 1e-8,
        momentum_decay: Rate = 0.004,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay

    @property
    def rule(self) -> str:
        """``"nadam"``."""
        return "nadam"


@OPTIMIZERS.add()
class RAdam(Optimizer):
    """Adam that trusts the mean square of the gradient only as far as its variance is known, a warm-up by itself.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - lr (m / (1 - b1^t)) a at step t = 1, 2, ..., where with
    R = 2 / (1 - b2) - 1 and r = R - 2 t b2^t / (1 - b2^t): a = 1 while r <= 5, else
    a = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - b2^t) / (sqrt(v) + eps).

    Args:
        learning_rate: lr, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.17549e-38.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

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

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)

    def __init__(
        self, learning_rate: Rate = 1e-3, beta_1: Rate = 0.9, beta_2: Rate = 0.999, epsilon: Rate = 1e-8
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def rule(self) -> str:
        """``"radam"``."""
        return "radam"


@OPTIMIZERS.add()
class Lion(Optimizer):
    """Steps of one size for all parameters, in the sign of the mean gradient.

    w <- w - lr sign(b1 m + (1 - b1) g), m <- b2 m + (1 - b2) g; sign(0) = 0.

    Args:
        learning_rate: lr, at least 0; three to ten times smaller than Adam's.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, arXiv:2302.06675; as in Keras, without
        decay of the weights.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, lion = np.array([1.0, -100.0]), fo.optimizers.Lion(0.5)
        >>> lion.update(w, 2 * w)
        >>> w
        array([  0.5,  -99.5])
    """

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)

    def __init__(self, learning_rate: Rate = 1e-4, beta_1: Rate = 0.9, beta_2: Rate = 0.99) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    @property
    def rule(self) -> str:
        """``"lion"``."""
        return "lion"


@OPTIMIZERS.add()
class Lamb(Optimizer):
    """Adam whose step has, in each tensor, the length of the tensor times the rate, for very large batches.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + decay w,
    w <- w - lr (|w| / |u|) u at step t = 1, 2, ..., the lengths being those of one kernel, one bias, ...; where one of
    them is 0 their ratio counts as 1.

    Args:
        learning_rate: lr, at least 0.
        weight_decay: decay, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.2e-38.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

    Source:
        You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020,
        arXiv:1904.00962, with phi(z) = z. As optax's.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, lamb = np.array([3.0, -4.0]), fo.optimizers.Lamb(0.1, weight_decay=0.0)
        >>> lamb.update(w, 2 * w)
        >>> w.round(3)
        array([ 2.646, -3.646])
    """

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)
    weight_decay = Hyperparameter(0.0)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        weight_decay: Rate = 0.01,
        beta_1: Rate = 0.9,
        beta_2: Rate = 0.999,
        epsilon: Rate = 1e-6,
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def rule(self) -> str:
        """``"lamb"``."""
        return "lamb"


@OPTIMIZERS.add()
class SWATS(Optimizer):
    """Adam that switches itself to gradient descent with momentum, at the moment and with the rate that it finds.

    While it is Adam, with the step w <- w - p, p = lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), it looks for the
    rate of gradient descent whose step would have p as its projection: gamma = p.p / p.g over all parameters,
    lambda <- b2 lambda + (1 - b2) gamma. At the step t > 1 where |lambda / (1 - b2^t) - gamma| < tolerance and
    lambda > 0 it switches: with Lambda = lambda / (1 - b2^t), from then on m <- b1 m + g, w <- w - (1 - b1) Lambda m,
    m starting as 0. Lambda goes on as the learning rate does: a schedule that halves the one halves the other.

    Args:
        learning_rate: lr of Adam, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, at least 1.2e-38.
        tolerance: How near the rate must be to its mean, more than 0.

    Attributes:
        switch: The step at which it switched, 0 before.
        sgd_learning_rate: Lambda, 0 before the switch. `History` records both after each epoch.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

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

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(EPSILON)
    tolerance = Hyperparameter(0.0, above=True)

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        beta_1: Rate = 0.9,
        beta_2: Rate = 0.999,
        epsilon: Rate = 1e-8,
        tolerance: Rate = 1e-9,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.tolerance = tolerance

    @property
    def rule(self) -> str:
        """``"swats"``."""
        return "swats"

    @property
    def switch(self) -> int:
        """The step at which it switched, 0 before."""
        return 0 if self._state is None else int(self._state.state["switch"])

    @property
    def sgd_learning_rate(self) -> float:
        """Lambda, 0 before the switch."""
        ratio = 0.0 if self._state is None else self._state.state["Lambda_by_learning_rate"]
        rate = self.numbers(np.array([float(self.step)]), self.epoch)["learning_rate"]
        return ratio * (rate if isinstance(rate, float) else float(rate[0]))

    def report(self) -> dict[str, float]:
        """Return `switch` and `sgd_learning_rate`."""
        return {"switch": self.switch, "sgd_learning_rate": self.sgd_learning_rate}


@OPTIMIZERS.add()
class DeltaBarDelta(Optimizer):
    """Gradient descent with a rate for each parameter that grows while its gradient keeps its sign.

    rate <- rate + kappa where delta_bar g > 0, (1 - phi) rate where delta_bar g < 0; w <- w - lr rate g with the new
    rate; delta_bar <- theta delta_bar + (1 - theta) g. The rates start as initial_rate. Signs of gradients mean
    something only if each is that of all samples: `Sequential.fit` warns if they are not.

    Args:
        learning_rate: lr, at least 0: a factor of all rates; 1 is the method of the paper.
        initial_rate: What the rates start at, at least 0.
        kappa: What a rate gains, at least 0.
        phi: The part of a rate that is lost, at least 0 and less than 1.
        theta: The part of delta_bar that a step keeps, at least 0 and less than 1.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range.

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

    initial_rate = Hyperparameter(0.0, fixed=True)
    kappa = Hyperparameter(0.0)
    phi = Hyperparameter(0.0, 1.0)
    theta = Hyperparameter(0.0, 1.0)

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        initial_rate: float = 0.01,
        kappa: Rate = 1e-3,
        phi: Rate = 0.1,
        theta: Rate = 0.7,
    ) -> None:
        self.learning_rate = learning_rate
        self.initial_rate = initial_rate
        self.kappa = kappa
        self.phi = phi
        self.theta = theta

    @property
    def rule(self) -> str:
        """``"delta_bar_delta"``."""
        return "delta_bar_delta"

    @property
    def initial_slots(self) -> dict[str, float]:
        """``rate`` starts as `initial_rate`."""
        return {"rate": self.initial_rate}

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return what is wrong with batches that are not all samples."""
        if batch_size >= samples:
            return None
        return (
            f"DeltaBarDelta adapts its rates to the signs of the gradient, which noise flips: use all {samples} "
            f"samples as one batch, not {batch_size}."
        )
