"""Optimizers made of others: what may surround any update rule, and one after another."""

import collections.abc
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import arguments_of
from fastopt.core.trees import Tree
from fastopt.kernels import Real
from fastopt.optimizers.base import (
    EXTRA_SLOTS,
    OPTIMIZERS,
    Floats,
    Hyperparameter,
    Numbers,
    Optimizer,
    OptionalHyperparameter,
)
from fastopt.schedules import Rate

__all__ = ["Accumulate", "Average", "Clip", "Decay", "LayerRates", "Lookahead", "Sequence", "Wrapper"]


class Wrapper(Optimizer):
    """The base of what surrounds an optimizer; its hyperparameters are found here too."""

    def __init__(self, optimizer: str | Optimizer) -> None:
        inner = OPTIMIZERS.resolve(optimizer)
        if isinstance(inner, Sequence):
            raise TypeError(f"{type(self).__name__} surrounds one optimizer; let each of a Sequence have its own.")
        if inner._state is not None:
            raise ValueError(f"{inner!r} already keeps the state of something; make a new one.")
        self.optimizer = inner
        if any(type(part) is type(self) for part in inner.parts()):
            raise ValueError(f"{inner!r} has a {type(self).__name__} already.")

    def parts(self) -> list[Optimizer]:
        """Return this optimizer and those that it surrounds."""
        return [self, *self.optimizer.parts()]

    # Hyperparameters that are not the wrapper's are the inner optimizer's.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "optimizer" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.optimizer, name)

    def __setattr__(self, name: str, value: object) -> None:
        own = name.startswith("_") or hasattr(type(self), name) or name in arguments_of(type(self))
        if own:
            super().__setattr__(name, value)
        else:
            setattr(self.optimizer, name, value)

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self.optimizer.learning_rate = value

    @property
    def epoch(self) -> int:
        """The number of epochs done."""
        return self.optimizer.epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        self.optimizer.epoch = value

    @property
    def rule(self) -> str:
        """The inner optimizer's rule."""
        return self.optimizer.rule

    @property
    def extras(self) -> list[str]:
        """Those of the inner optimizer."""
        return self.optimizer.extras

    @property
    def initial_slots(self) -> dict[str, float]:
        """Those of the inner optimizer."""
        return self.optimizer.initial_slots

    @property
    def every(self) -> int:
        """That of the inner optimizer."""
        return self.optimizer.every

    def settings(self, names: collections.abc.Sequence[str]) -> list[tuple[float, bool]]:
        """Return those of the inner optimizer."""
        return self.optimizer.settings(names)

    def report(self) -> dict[str, float]:
        """Return that of the inner optimizer."""
        return self.optimizer.report()

    def numbers(self, updates: Floats, epoch: int) -> Numbers:
        """Return those of the inner optimizer."""
        return self.optimizer.numbers(updates, epoch)

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return that of the inner optimizer."""
        return self.optimizer.batch_warning(batch_size, samples)

    def _keep(self, *state: Any) -> None:
        super()._keep(*state)
        self.optimizer._keep(*state)

    def _flags(self) -> dict[str, bool]:
        return self.optimizer._flags()

    def _set_flags(self, flags: Mapping[str, bool]) -> None:
        self.optimizer._set_flags(flags)


def _matches(pattern: str, name: str) -> bool:
    """Whether a name such as ``"dense/kernel"`` is, begins with, or ends with whole parts `pattern`."""
    return f"/{pattern}/" in f"/{name}/" and (name.startswith(pattern) or name.endswith(pattern))


def _checked_patterns(patterns: collections.abc.Iterable[object]) -> None:
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"{pattern!r} must be a name, such as 'dense', 'dense/kernel' or 'bias'.")


@OPTIMIZERS.add()
class Accumulate(Wrapper):
    """Adds up the gradients of k batches and goes one step along their mean: a batch k times as large in little memory.

    Steps, and schedules that count them, are those along the means. Gradients that wait for their step at the end of an
    epoch or of `fit` wait for the next.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        steps: k, at least 1.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range, or `optimizer` is in use.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([1.0]), fo.optimizers.Accumulate(fo.optimizers.SGD(0.5), steps=2)
        >>> for g in (1.0, 2.0):
        ...     sgd.update(w, np.array([g]))
        ...     print(w)
        [1.]
        [0.25]
    """

    def __init__(self, optimizer: str | Optimizer, steps: int) -> None:
        super().__init__(optimizer)
        self.steps = checks.integer("steps", steps, 1, 2**53)

    @property
    def extras(self) -> list[str]:
        """``"every"`` and those of the inner optimizer."""
        return ["every", *self.optimizer.extras]

    @property
    def every(self) -> int:
        """`steps`."""
        return self.steps

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return that of the inner optimizer, whose gradients are of k batches."""
        return self.optimizer.batch_warning(self.steps * batch_size, samples)


@OPTIMIZERS.add()
class Clip(Wrapper):
    """Limits the gradients.

    By value: g <- min(max(g, -c), c) for each element. By norm: g <- g c / |g| where |g| > c, for each kernel, each
    bias, ... By global norm: the same with |g| over all parameters. Norms go before values.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        value: c for each element, more than 0.
        norm: c for the norm of each tensor, more than 0.
        global_norm: c for the norm of all, more than 0; it costs one more pass over the gradients, as `norm` does.

    Raises:
        TypeError: An argument is neither a number nor a schedule of numbers.
        ValueError: An argument is out of its range, none is given, or `optimizer` is in use.

    Source:
        Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([3.0, 4.0]), fo.optimizers.Clip(fo.optimizers.SGD(1.0), global_norm=1.0)
        >>> sgd.update(w, w.copy())
        >>> w
        array([2.4, 3.2])
    """

    value = OptionalHyperparameter(0.0, above=True)
    norm = OptionalHyperparameter(0.0, above=True)
    global_norm = OptionalHyperparameter(0.0, above=True)

    def __init__(
        self,
        optimizer: str | Optimizer,
        value: Rate | None = None,
        norm: Rate | None = None,
        global_norm: Rate | None = None,
    ) -> None:
        super().__init__(optimizer)
        self.value = value
        self.norm = norm
        self.global_norm = global_norm
        if value is None and norm is None and global_norm is None:
            raise ValueError("Clip needs a value, a norm or a global_norm.")

    def _limits(self) -> list[str]:
        return [name for name in ("value", "norm", "global_norm") if getattr(self, name) is not None]

    @property
    def extras(self) -> list[str]:
        """``"clip_value"``, ``"clip_norm"``, ``"clip_global_norm"`` and those of the inner optimizer."""
        return [*(f"clip_{name}" for name in self._limits()), *self.optimizer.extras]

    def numbers(self, updates: Floats, epoch: int) -> Numbers:
        """Return the limits and what the inner optimizer has."""
        limits = {f"clip_{name}": self._series(name, updates, epoch) for name in self._limits()}
        return self.optimizer.numbers(updates, epoch) | limits


@OPTIMIZERS.add()
class Decay(Wrapper):
    """Lets the parameters decay: through the gradient, by L2 and L1, or beside it.

    g <- g + l2 w + l1 sign(w) is the gradient with l2 |w|^2 / 2 + l1 |w|_1 added to the loss, whose report they do not
    change. Decoupled: w <- w - lr decoupled w before each step. The `weight_decay` of `AdamW` and `Lamb` also leaves
    out what `exclude` names.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        l1: At least 0.
        l2: At least 0.
        decoupled: At least 0.
        exclude: What does not decay: names of layers, of parameters, or of both (``"dense/kernel"``).

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range, or `optimizer` is in use.

    Source:
        Decoupled: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, arXiv:1711.05101.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> params = {"kernel": np.array([2.0]), "bias": np.array([2.0])}
        >>> zeros = {"kernel": np.zeros(1), "bias": np.zeros(1)}
        >>> fo.optimizers.Decay(fo.optimizers.SGD(0.5), l2=0.5).update(params, zeros)
        >>> params
        {'kernel': array([1.5]), 'bias': array([2.])}
    """

    l1 = Hyperparameter(0.0)
    l2 = Hyperparameter(0.0)
    decoupled = Hyperparameter(0.0)

    def __init__(
        self,
        optimizer: str | Optimizer,
        l1: Rate = 0.0,
        l2: Rate = 0.0,
        decoupled: Rate = 0.0,
        exclude: collections.abc.Sequence[str] = ("bias", "gamma", "beta"),
    ) -> None:
        super().__init__(optimizer)
        self.l1 = l1
        self.l2 = l2
        self.decoupled = decoupled
        if isinstance(exclude, str):
            raise TypeError(f"exclude must be a list of names, such as [{exclude!r}].")
        _checked_patterns(exclude)
        self.exclude = tuple(exclude)

    @property
    def extras(self) -> list[str]:
        """``"l1"``, ``"l2"``, ``"decay"`` and those of the inner optimizer."""
        return ["l1", "l2", "decay", *self.optimizer.extras]

    def settings(self, names: collections.abc.Sequence[str]) -> list[tuple[float, bool]]:
        """Return those of the inner optimizer, without decay where a name is excluded."""
        inner = self.optimizer.settings(names)
        return [
            (rate, decays and not any(_matches(pattern, name) for pattern in self.exclude))
            for name, (rate, decays) in zip(names, inner, strict=True)
        ]

    def numbers(self, updates: Floats, epoch: int) -> Numbers:
        """Return the decays and what the inner optimizer has."""
        own = {"l1": "l1", "l2": "l2", "decay": "decoupled"}
        decays = {name: self._series(attribute, updates, epoch) for name, attribute in own.items()}
        return self.optimizer.numbers(updates, epoch) | decays


@OPTIMIZERS.add()
class LayerRates(Wrapper):
    """Multiplies the learning rate of layers or of single parameters; 0 leaves them as they are.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        rates: Factors, at least 0, by the names of layers, of parameters, or of both (``"dense/kernel"``); the last
            that fits a parameter is its factor, 1 where none does.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A factor is out of its range, or `optimizer` is in use; or, when it is first used, no parameter has
            one of the names.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> sgd = fo.optimizers.LayerRates(fo.optimizers.SGD(0.5), {"bias": 2.0, "old": 0.0})
        >>> model = fo.Sequential([fo.layers.Dense(2, name="old"), fo.layers.Dense(1)], seed=0)
        >>> model.compile(sgd, "mse")
        >>> model.build(3)
        >>> before = model.parameters["old/kernel"].copy()
        >>> history = model.fit(np.ones((8, 3)), np.ones(8), verbose=0)
        >>> bool((model.parameters["old/kernel"] == before).all())
        True
    """

    def __init__(self, optimizer: str | Optimizer, rates: Mapping[str, float]) -> None:
        super().__init__(optimizer)
        if not isinstance(rates, Mapping):
            raise TypeError(f"rates must be a dict of names and factors, not {rates!r}.")
        _checked_patterns(rates)
        self.rates = {name: checks.real(f"rates[{name!r}]", rate, 0.0) for name, rate in rates.items()}

    def settings(self, names: collections.abc.Sequence[str]) -> list[tuple[float, bool]]:
        """Return those of the inner optimizer with the factors."""
        for pattern in self.rates:
            if not any(_matches(pattern, name) for name in names):
                raise ValueError(f"No parameter is called {pattern!r}; there are {', '.join(names)}.")
        settings = []
        for name, (rate, decays) in zip(names, self.optimizer.settings(names), strict=True):
            fitting = [1.0, *(factor for pattern, factor in self.rates.items() if _matches(pattern, name))]
            settings.append((rate * fitting[-1], decays))
        return settings


@OPTIMIZERS.add()
class Lookahead(Wrapper):
    """Lets the optimizer run ahead for k steps and then goes back, to a point on the way that it has gone.

    slow <- slow + alpha (w - slow), w <- slow after every k steps; slow starts as w.

    Args:
        optimizer: The name or the object of the optimizer that does the steps; it keeps its slots.
        steps: k, at least 1.
        alpha: More than 0.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range, or `optimizer` is in use.

    Source:
        Zhang, Lucas, Hinton and Ba, Lookahead optimizer: k steps forward, 1 step back, NeurIPS 2019, arXiv:1907.08610.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([1.0]), fo.optimizers.Lookahead(fo.optimizers.SGD(0.25), steps=2)
        >>> for _ in range(2):
        ...     sgd.update(w, np.ones(1))
        >>> w
        array([0.75])
    """

    alpha = Hyperparameter(0.0, above=True)

    def __init__(self, optimizer: str | Optimizer, steps: int = 5, alpha: Rate = 0.5) -> None:
        super().__init__(optimizer)
        self.steps = checks.integer("steps", steps, 1, 2**53)
        self.alpha = alpha

    @property
    def extras(self) -> list[str]:
        """``"look_back"`` and those of the inner optimizer."""
        return ["look_back", *self.optimizer.extras]

    def numbers(self, updates: Floats, epoch: int) -> Numbers:
        """Return alpha at the steps that go back, 0 at the others, and what the inner optimizer has."""
        back = np.where((updates + 1) % self.steps == 0, self._series("alpha", updates, epoch), 0.0)
        return self.optimizer.numbers(updates, epoch) | {"look_back": back}


@OPTIMIZERS.add()
class Average(Wrapper):
    """Keeps an average of the parameters along the way, which is often better than their last values.

    average <- average + r (w - average) after step t = 1, 2, ... of those after the first `start`, with r = 1 / t, the
    arithmetic mean, or, with a decay, r = 1 - decay; the first of them is taken whole.

    Args:
        optimizer: The name or the object of the optimizer that does the steps.
        decay: What an exponential average keeps at each step, at least 0 and less than 1; None for the arithmetic mean.
        start: The number of steps before the average begins, at least 0; until then it is the parameters themselves.

    Attributes:
        swapped: Whether the average is in the place of the parameters.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range, or `optimizer` is in use.

    Source:
        Polyak and Juditsky, Acceleration of stochastic approximation by averaging, SIAM Journal on Control and
        Optimization 30(4), 1992.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.Average("adam", decay=0.9), "mse")
        >>> x, y = np.eye(4), np.arange(4)
        >>> history = model.fit(x, y, epochs=3, verbose=0)
        >>> model.optimizer.swap()
        >>> averaged = model.evaluate(x, y)
        >>> model.optimizer.swap()
    """

    swapped = False
    decay = OptionalHyperparameter(0.0, 1.0)

    def __init__(self, optimizer: str | Optimizer, decay: Rate | None = None, start: int = 0) -> None:
        super().__init__(optimizer)
        self.decay = decay
        self.start = checks.integer("start", start, 0, 2**53)

    @property
    def extras(self) -> list[str]:
        """``"average"`` and those of the inner optimizer."""
        return ["average", *self.optimizer.extras]

    def numbers(self, updates: Floats, epoch: int) -> Numbers:
        """Return the part of the parameters in the average, and what the inner optimizer has.

        Raises:
            RuntimeError: The average is in the place of the parameters.
        """
        if self.swapped:
            raise RuntimeError("The average is in the place of the parameters: swap() again before training.")
        count = updates + 1 - self.start
        part = 1 / np.maximum(count, 1) if self.decay is None else 1 - self._series("decay", updates, epoch)
        return self.optimizer.numbers(updates, epoch) | {"average": np.where(count <= 1, 1.0, part)}

    def swap(self, params: Tree = None) -> None:
        """Put the average in the place of the parameters, and these in its place; again: back.

        Evaluate, predict and save between the two. A model that is saved so goes on so when it is loaded.

        Args:
            params: The arrays, if they are not those of a model.

        Raises:
            RuntimeError: There has been no step yet.
            TypeError, ValueError: `params` are not the arrays that are updated.
        """
        if self.step == 0:
            raise RuntimeError("There is no average before the first step.")
        averages = [view for name, view in self.slots.items() if name.rpartition("/")[2] == EXTRA_SLOTS["average"]]
        if isinstance(self._network, _core.Network):
            if params is not None:
                raise ValueError("The parameters are the model's: call swap().")
            arrays: list[Real] = [view for layer in self._network.parameters for view in layer.values()]
        else:
            arrays, _ = self._in_order(params)
            kinds = [[(view.shape, view.dtype) for view in views] for views in (arrays, averages)]
            if kinds[0] != kinds[1] or not all(array.flags.writeable for array in arrays):
                raise ValueError("params must be the writable arrays that are updated.")
        for array, average in zip(arrays, averages, strict=True):
            array[...], average[...] = average.copy(), array.copy()
        self.swapped = not self.swapped

    def _flags(self) -> dict[str, bool]:
        return {**self.optimizer._flags(), "swapped": self.swapped}

    def _set_flags(self, flags: Mapping[str, bool]) -> None:
        self.swapped = bool(flags["swapped"])
        self.optimizer._set_flags(flags)


@OPTIMIZERS.add()
class Sequence(Optimizer):
    """Optimizers one after another, each for some epochs: a switch by hand.

    Each begins with slots and steps of its own. On bare arrays, `epoch` says which one it is.

    Args:
        phases: ``(optimizer, epochs)`` in order, optimizers as names or objects; the last may have None epochs, and
            goes on in any case.

    Attributes:
        active: The optimizer of the current epoch.

    Raises:
        TypeError: `phases` is not a list of such pairs.
        ValueError: It is empty, or a number of epochs is less than 1.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> both = fo.optimizers.Sequence([(fo.optimizers.Adam(0.1), 5), (fo.optimizers.SGD(0.01), None)])
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(both, "mse")
        >>> history = model.fit(np.eye(4), np.arange(4), epochs=8, verbose=0)
        >>> model.optimizer.active, model.optimizer.step
        (SGD(), 3)
    """

    def __init__(self, phases: collections.abc.Sequence[Any]) -> None:
        if not isinstance(phases, list | tuple) or not phases:
            raise TypeError(f"phases must be a list of pairs (optimizer, epochs), not {phases!r}.")
        self._phases: list[tuple[Optimizer, int | None]] = []
        for i, phase in enumerate(phases):
            if not isinstance(phase, list | tuple) or len(phase) != 2:
                raise TypeError(f"phases[{i}] must be a pair (optimizer, epochs), not {phase!r}.")
            optimizer, epochs = OPTIMIZERS.resolve(phase[0]), phase[1]
            if epochs is not None or i + 1 < len(phases):
                epochs = checks.integer(f"the epochs of phases[{i}]", epochs, 1)
            if any(optimizer is other for other, _ in self._phases):
                raise ValueError(f"phases[{i}] is an optimizer that stands before already; make a new one.")
            self._phases.append((optimizer, epochs))
        self.epoch = 0

    @property
    def phases(self) -> list[tuple[Optimizer, int | None]]:
        """The optimizers and their epochs."""
        return list(self._phases)

    @property
    def active(self) -> Optimizer:
        """The optimizer of the current epoch."""
        left = self.epoch
        for optimizer, epochs in self._phases:
            if epochs is None or left < epochs:
                return optimizer
            left -= epochs
        return self._phases[-1][0]

    @property
    def epoch(self) -> int:
        """The number of epochs done."""
        return self._epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._epoch = value
        for optimizer, _ in self._phases:
            optimizer.epoch = value

    # Everything else is the active optimizer's.

    @property
    def learning_rate(self) -> Any:
        """The active optimizer's learning rate."""
        return self.active.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self.active.learning_rate = value

    @property
    def rule(self) -> str:
        """The active optimizer's rule."""
        return self.active.rule

    @property
    def extras(self) -> list[str]:
        """What surrounds the active optimizer's rule."""
        return self.active.extras

    def hyper_of(self, gradients: int) -> Numbers:
        """Return what the active optimizer reads."""
        return self.active.hyper_of(gradients)

    def check_rule(self) -> None:
        """Check the active optimizer."""
        self.active.check_rule()

    @property
    def step(self) -> int:
        """The number of updates that the active optimizer has done."""
        return self.active.step

    @step.setter
    def step(self, value: int) -> None:
        self.active.step = value

    @property
    def state(self) -> dict[str, float]:
        """The active optimizer's numbers beside the slots."""
        return self.active.state

    @state.setter
    def state(self, value: Mapping[str, float]) -> None:
        self.active.state = value

    @property
    def slots(self) -> dict[str, Real]:
        """The active optimizer's slots."""
        return self.active.slots

    def report(self) -> dict[str, float]:
        """Return that of the active optimizer, and what only the others report."""
        others = {name: value for optimizer, _ in self._phases for name, value in optimizer.report().items()}
        return others | self.active.report()

    def bind(
        self, network: _core.Network, names: collections.abc.Callable[[], collections.abc.Sequence[str]]
    ) -> _core.Optimizer:
        """Return the core's optimizer of the active one."""
        return self.active.bind(network, names)

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return that of the active optimizer."""
        return self.active.batch_warning(batch_size, samples)

    def build(self, params: Tree) -> None:
        """Make the active optimizer's state for bare arrays."""
        self.active.build(params)

    def update(self, params: Tree, grads: Tree) -> None:
        """Do one step of the active optimizer on bare arrays."""
        self.active.update(params, grads)
