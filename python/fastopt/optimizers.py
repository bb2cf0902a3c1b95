"""First-order update rules, for models and for bare arrays.

A rule's mathematics is one header of the core; here it is a constructor and a name. Names (``"adam"``) stand for the
objects with their defaults.
"""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from fastopt import _core, checks
from fastopt.kernels import Real
from fastopt.registry import Described, Registry
from fastopt.schedules import Rate, from_description, unit, values

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "DeltaBarDelta",
    "Lion",
    "Nadam",
    "Optimizer",
    "RAdam",
    "RMSprop",
]

RULES = _core.kernels.update_rules()

# Smaller numbers are 0 to float32 where denormals are flushed, as they are in training: 0 / 0 would be the step.
EPSILON = float(np.finfo(np.float32).tiny)


class Hyperparameter:
    """A number between `low` and `high`, or, unless `fixed`, a schedule of such; checked when set and when used."""

    def __init__(self, low: float, high: float = math.inf, *, above: bool = False, fixed: bool = False) -> None:
        self.low = low
        self.high = high
        self.above = above
        self.fixed = fixed

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Any: ...

    def __get__(self, instance: object, owner: type) -> Any:
        return self if instance is None else vars(instance)[self.name]

    def __set__(self, instance: object, given: Rate) -> None:
        rate = from_description(given)
        vars(instance)[self.name] = rate if callable(rate) and not self.fixed else self._check(self.name, rate)

    def series(self, rate: Rate, step: int, steps: int, epoch: int) -> float | NDArray[np.float64]:
        """Return the values of `rate` at `steps` steps: a number if all are equal."""
        if not callable(rate):
            return rate
        start, count = (step, steps) if unit(rate) == "step" else (epoch, 1)
        result = values(rate, np.arange(start, start + count, dtype=np.float64))
        good = (result >= self.low) & (result < self.high) & ~(self.above & (result == self.low))
        if not good.all():
            i = int(np.argmin(good))
            self._check(f"{self.name} at {unit(rate)} {start + i}", float(result[i]))
        return float(result[0]) if (result == result[0]).all() else result

    def _check(self, name: str, value: object) -> float:
        return checks.real(name, value, self.low, self.high, above=self.above)


class OptionalHyperparameter(Hyperparameter):
    """A number or a schedule as above, or None."""

    def __set__(self, instance: object, given: Rate | None) -> None:
        if given is None:
            vars(instance)[self.name] = None
        else:
            super().__set__(instance, given)


class Optimizer(Described, ABC):
    """The base of all optimizers: it holds the hyperparameters, the slots and the number of steps done.

    Hyperparameters are attributes: numbers, `fastopt.schedules`, or functions of the number of steps done. One that is
    set takes effect from the next step, or, inside `Sequential.fit`, from the next epoch. An optimizer keeps the state
    of what it updates, so each model and each set of arrays needs its own.

    Attributes:
        epoch: The number of epochs done, for schedules that count them: that of the model, or, on bare arrays, what it
            is set to.
    """

    epoch: int = 0
    learning_rate = Hyperparameter(0.0)
    _state: "_core.Optimizer | _Arrays | None" = None
    _network: _core.Network | None = None

    @property
    @abstractmethod
    def rule(self) -> str:
        """The core's name of the update rule."""

    @property
    def slot_names(self) -> list[str]:
        """The names of the arrays that the rule keeps for each parameter."""
        return RULES[self.rule]["slots"]

    @property
    def initial_slots(self) -> dict[str, float]:
        """The slots that do not start at 0, and what they start at."""
        return {}

    @property
    def hyper(self) -> dict[str, float]:
        """The numbers that the rule reads at the next step."""
        return {name: float(value) for name, value in self.hyper_of(1).items()}

    def hyper_of(self, steps: int) -> dict[str, float | NDArray[np.float64]]:
        """Return what the rule reads at each of the next steps: a number where it stays, else an array ``[steps]``.

        Raises:
            TypeError: The value of a function is not a number.
            ValueError: The value of a schedule is out of the hyperparameter's range; or the rule has changed.
        """
        self.check_rule()
        return {name: self._series(name, steps) for name in RULES[self.rule]["hyper"]}

    def check_rule(self) -> None:
        """Refuse attributes that ask for another rule than that of the state.

        Raises:
            ValueError: The rule has changed.
        """
        if self._state is not None and self._state.rule != self.rule:
            raise ValueError(
                f"This {type(self).__name__} began with the rule {self._state.rule!r}; its attributes now ask for "
                f"{self.rule!r}, which keeps other slots: make a new optimizer."
            )

    def _series(self, name: str, steps: int) -> float | NDArray[np.float64]:
        kind, value = getattr(type(self), name, None), getattr(self, name)
        return kind.series(value, self.step, steps, self.epoch) if isinstance(kind, Hyperparameter) else float(value)

    @property
    def step(self) -> int:
        """The number of updates done."""
        return 0 if self._state is None else self._state.step

    @step.setter
    def step(self, value: int) -> None:
        count = checks.integer("step", value, 0, 2**63)
        if self._state is None:
            raise RuntimeError("The optimizer has no state yet: build the model that it trains, or call update, first.")
        self._state.step = count

    def bind(self, network: _core.Network) -> _core.Optimizer:
        """Return the core's optimizer of `network`, made at the first call.

        Raises:
            ValueError: The optimizer already holds the state of another network or of bare arrays.
        """
        if self._state is None:
            self._state, self._network = _core.Optimizer(self.rule, network), network
            for slots in (slots for layer in self._state.slots for slots in layer.values()):
                for name, value in self.initial_slots.items():
                    slots[name][...] = value
        if isinstance(self._state, _Arrays) or self._network is not network:
            raise ValueError(f"This {type(self).__name__} already keeps the state of something else; make a new one.")
        return self._state

    def check_batches(self, batch_size: int, samples: int) -> None:
        """Hear from `Sequential.fit` how many of the samples each step will see; a rule may warn.

        Args:
            batch_size: Samples a step.
            samples: All samples.
        """

    def update(self, params: Real | Sequence[Real], grads: Real | Sequence[Real]) -> None:
        """Do one step on bare arrays, in place.

        Args:
            params: One array or a list or tuple of arrays, of any shapes, all float32 or all float64.
            grads: The gradients, shaped like `params`.

        Raises:
            TypeError: Something is not an array, or dtypes differ; nothing has changed.
            ValueError: Shapes or the number of arrays differ from each other or from earlier calls, or an array of
                `params` cannot be written in place; nothing has changed.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> w = np.array([1.0, -2.0])
            >>> fo.optimizers.SGD(0.5).update(w, 2 * w)
            >>> w
            array([0., 0.])
        """
        w, g = _arrays("params", params), _arrays("grads", grads)
        state = self._state or _Arrays(self.rule, w, self.initial_slots)
        if not isinstance(state, _Arrays):
            raise ValueError(f"This {type(self).__name__} trains a model; make a new one for bare arrays.")
        state.check(w)
        _core.kernels.update(self.rule, w, g, state.slots, self.hyper, state.step + 1)
        state.step += 1
        self._state = state


class _Arrays:
    """The slots and the step number of bare arrays."""

    def __init__(self, rule: str, params: Sequence[Real], initial: Mapping[str, float]) -> None:
        self.rule = rule
        self.step = 0
        self.kinds = [(p.shape, p.dtype) for p in params]
        names = RULES[rule]["slots"]
        self.slots: list[Mapping[str, Real]] = [
            {name: np.full(p.shape, initial.get(name, 0.0), p.dtype) for name in names} for p in params
        ]

    def check(self, params: Sequence[Real]) -> None:
        """Refuse arrays that differ from those of the first call."""
        kinds = [(p.shape, p.dtype) for p in params]
        if len(kinds) != len(self.kinds):
            raise ValueError(f"params holds {len(kinds)} arrays; at the first update it held {len(self.kinds)}.")
        for i, (now, first) in enumerate(zip(kinds, self.kinds, strict=True)):
            if now != first:
                raise ValueError(f"params[{i}] is {now[1]} {now[0]}; at the first update it was {first[1]} {first[0]}.")


def _arrays(name: str, given: Real | Sequence[Real]) -> Sequence[Real]:
    arrays = [given] if isinstance(given, np.ndarray) else given
    if not isinstance(arrays, list | tuple):
        raise TypeError(f"{name} must be an array or a list or tuple of arrays, not {type(given).__name__}.")
    for i, item in enumerate(arrays):
        if not isinstance(item, np.ndarray):
            raise TypeError(f"{name}[{i}] must be a NumPy array, not {type(item).__name__}.")
    return arrays


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", Optimizer)  # type: ignore[type-abstract]


@OPTIMIZERS.add()
class SGD(Optimizer):
    """Gradient descent, with momentum if it is asked for.

    Without momentum w <- w - lr g. With momentum mu: v <- mu v - lr g, w <- w + v; with Nesterov's: v the same,
    w <- w + mu v - lr g with the new v.

    With dampening d the velocity is free of the rate: v <- mu v + (1 - d) g, w <- w - lr v; with Nesterov's momentum
    w <- w - lr (g + mu v) with the new v. With d = 0 this differs from the form above only while lr changes; with
    d = mu the velocity is a running mean of the gradient. PyTorch's SGD is this form with ``dampen_first=False``.

    Args:
        learning_rate: lr, at least 0.
        momentum: mu, at least 0 and less than 1; 0 keeps no velocity, whatever the other arguments are.
        nesterov: Whether the step looks ahead along the velocity.
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
        nesterov: bool = False,
        dampening: Rate | None = None,
        dampen_first: bool = True,
    ) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = bool(nesterov)
        self.dampening = dampening
        self.dampen_first = bool(dampen_first)

    @property
    def rule(self) -> str:
        """``"sgd"``, ``"momentum"`` or ``"nesterov"``; with dampening ``"heavy_ball"``, ``"heavy_ball_nesterov"``."""
        if self.momentum == 0.0:
            return "sgd"
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

    def check_batches(self, batch_size: int, samples: int) -> None:
        """Warn of batches that are not all samples."""
        if batch_size < samples:
            warnings.warn(
                f"DeltaBarDelta adapts its rates to the signs of the gradient, which noise flips: use all {samples} "
                f"samples as one batch, not {batch_size}.",
                UserWarning,
                stacklevel=3,
            )
