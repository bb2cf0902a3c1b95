"""First-order update rules, for models and for bare arrays.

A rule's mathematics is one header of the core; here it is a constructor and a name. Names (``"adam"``) stand for the
objects with their defaults.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastopt import _core, checks
from fastopt.kernels import Real
from fastopt.registry import Described, Registry

__all__ = ["SGD", "Adam", "Optimizer"]

RULES = _core.kernels.update_rules()


class Hyperparameter:
    """A number between `low` and `high` that is checked whenever it is set."""

    def __init__(self, low: float, high: float = math.inf, *, above: bool = False) -> None:
        self.low = low
        self.high = high
        self.above = above

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> float:
        if instance is None:
            raise AttributeError(self.name)
        value: float = vars(instance)[self.name]
        return value

    def __set__(self, instance: Any, given: float) -> None:
        value = checks.real(self.name, given)
        if value < self.low or (self.above and value == self.low) or value >= self.high:
            bounds = f"{'more than' if self.above else 'at least'} {self.low:g}"
            bounds += f" and less than {self.high:g}" if math.isfinite(self.high) else ""
            raise ValueError(f"{self.name} must be {bounds}, not {given!r}.")
        vars(instance)[self.name] = value


class Optimizer(Described):
    """The base of all optimizers: it holds the hyperparameters, the slots and the number of steps done.

    Hyperparameters are attributes; one that is set takes effect from the next step, or, inside `Sequential.fit`, from
    the next epoch. An optimizer keeps the state of what it updates, so each model and each set of arrays needs its own.
    """

    learning_rate = Hyperparameter(0.0)
    _state: "_core.Optimizer | _Arrays | None" = None
    _network: _core.Network | None = None

    @property
    def rule(self) -> str:
        """The core's name of the update rule."""
        raise NotImplementedError

    @property
    def slot_names(self) -> list[str]:
        """The names of the arrays that the rule keeps for each parameter."""
        return RULES[self.rule]["slots"]

    @property
    def hyper(self) -> dict[str, float]:
        """The numbers that the rule reads at each step."""
        if self._state is not None and self._state.rule != self.rule:
            raise ValueError(
                f"This {type(self).__name__} began with the rule {self._state.rule!r}; its attributes now ask for "
                f"{self.rule!r}, which keeps other slots: make a new optimizer."
            )
        return {name: getattr(self, name) for name in RULES[self.rule]["hyper"]}

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
        if isinstance(self._state, _Arrays) or self._network is not network:
            raise ValueError(f"This {type(self).__name__} already keeps the state of something else; make a new one.")
        return self._state

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
        state = self._state or _Arrays(self.rule, w)
        if not isinstance(state, _Arrays):
            raise ValueError(f"This {type(self).__name__} trains a model; make a new one for bare arrays.")
        state.check(w)
        _core.kernels.update(self.rule, w, g, state.slots, self.hyper, state.step + 1)
        state.step += 1
        self._state = state


class _Arrays:
    """The slots and the step number of bare arrays."""

    def __init__(self, rule: str, params: Sequence[Real]) -> None:
        self.rule = rule
        self.step = 0
        self.kinds = [(p.shape, p.dtype) for p in params]
        names = RULES[rule]["slots"]
        self.slots: list[Mapping[str, Real]] = [{name: np.zeros(p.shape, p.dtype) for name in names} for p in params]

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


OPTIMIZERS = Registry("optimizer", Optimizer)


@OPTIMIZERS.add()
class SGD(Optimizer):
    """Gradient descent, with momentum if it is asked for.

    Without momentum w <- w - lr g. With momentum mu: v <- mu v - lr g, w <- w + v; with Nesterov's: v the same,
    w <- w + mu v - lr g with the new v.

    Args:
        learning_rate: lr, at least 0.
        momentum: mu, at least 0 and less than 1; 0 keeps no velocity.
        nesterov: Whether the step looks ahead along the velocity.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is out of its range.

    Source:
        Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, ICML
        2013.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([1.0]), fo.optimizers.SGD(0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     sgd.update(w, 2 * w)
        >>> w
        array([0.])
    """

    momentum = Hyperparameter(0.0, 1.0)

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = bool(nesterov)

    @property
    def rule(self) -> str:
        """``"sgd"``, ``"momentum"`` or ``"nesterov"``."""
        if self.momentum == 0.0:
            return "sgd"
        return "nesterov" if self.nesterov else "momentum"


@OPTIMIZERS.add()
class Adam(Optimizer):
    """Steps of a size that does not depend on the scale of the gradient, from running means of it and of its square.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) at
    step t = 1, 2, ...

    Args:
        learning_rate: lr, at least 0.
        beta_1: b1, at least 0 and less than 1.
        beta_2: b2, at least 0 and less than 1.
        epsilon: eps, more than 0.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is out of its range.

    Source:
        Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adam = np.array([1.0, -100.0]), fo.optimizers.Adam(0.5)
        >>> adam.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    beta_1 = Hyperparameter(0.0, 1.0)
    beta_2 = Hyperparameter(0.0, 1.0)
    epsilon = Hyperparameter(0.0, above=True)

    def __init__(
        self, learning_rate: float = 1e-3, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def rule(self) -> str:
        """``"adam"``."""
        return "adam"
