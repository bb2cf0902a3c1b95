"""What all optimizers have in common: hyperparameters, state, and the updates of models and of bare arrays."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described, Registry, arguments_of
from fastopt.core.trees import Tree, arrays_like, arrays_of, outline_of, paths_of
from fastopt.kernels import Real
from fastopt.schedules import Rate, from_description, unit, values

__all__ = ["EPSILON", "OPTIMIZERS", "RULES", "Hyperparameter", "Optimizer", "OptionalHyperparameter"]

RULES = _core.kernels.update_rules()
EXTRA_SLOTS = _core.kernels.extra_slots()  # the arrays that some of what surrounds a rule keeps for each parameter

# Smaller numbers are 0 to float32 where denormals are flushed, as they are in training: 0 / 0 would be the step.
EPSILON = float(np.finfo(np.float32).tiny)

State = _core.Optimizer | _core.ArrayOptimizer
Floats = NDArray[np.float64]
Numbers = dict[str, float | Floats]


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

    def series(self, rate: Rate, updates: Floats, epoch: int) -> float | Floats:
        """Return the values of `rate` after these numbers of updates: a number if all are equal."""
        if not callable(rate):
            return rate
        times = updates if unit(rate) == "step" else np.array([float(epoch)])
        result = values(rate, times)
        least, most = float(result.min()), float(result.max())  # NaN if there is one
        if not (self.low <= least and most < self.high) or (self.above and least == self.low):
            good = (result >= self.low) & (result < self.high) & ~(self.above & (result == self.low))
            i = int(np.argmin(good))
            self._check(f"{self.name} at {unit(rate)} {int(times[i])}", float(result[i]))
        return least if least == most else result

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
    set takes effect from the next step, inside `Sequential.fit` from that after the callback that sets it. An optimizer
    keeps the state of what it updates, so each model and each set of arrays needs its own.

    Attributes:
        epoch: The number of epochs done, for schedules that count them: that of the model, or, on bare arrays, what it
            is set to.
    """

    epoch: int = 0
    learning_rate = Hyperparameter(0.0)
    _changes: ClassVar[int] = 0  # how many attributes of optimizers have been set
    _kept: tuple[int, Numbers | None] = (-1, None)  # that number, and what all steps read until it changes, if they do
    _state: State | None = None
    _made_for: tuple[str, list[str]] = ("", [])
    _network: _core.Network | None = None
    _names: Sequence[str] = ()
    _outline: Tree = None  # of bare arrays

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name != "epoch":  # it counts for schedules only
            Optimizer._changes += 1

    @property
    @abstractmethod
    def rule(self) -> str:
        """The core's name of the update rule."""

    @property
    def extras(self) -> list[str]:
        """The core's names of what surrounds the rule."""
        return []

    @property
    def slot_names(self) -> list[str]:
        """The names of the arrays that are kept for each parameter."""
        return [*RULES[self.rule]["slots"], *(EXTRA_SLOTS[extra] for extra in self.extras if extra in EXTRA_SLOTS)]

    @property
    def initial_slots(self) -> dict[str, float]:
        """The slots that do not start at 0, and what they start at."""
        return {}

    @property
    def every(self) -> int:
        """How many gradients make one step."""
        return 1

    def settings(self, names: Sequence[str]) -> list[tuple[float, bool]]:
        """Return a factor of the learning rate for each parameter, and whether it decays."""
        return [(1.0, True)] * len(names)

    def report(self) -> dict[str, float]:
        """Return what `History` is to record of the optimizer after an epoch."""
        return {}

    # What the core reads

    @property
    def hyper(self) -> dict[str, float]:
        """The numbers that the next step reads."""
        return {name: v if isinstance(v, float) else float(v[0]) for name, v in self.hyper_of(1).items()}

    def hyper_of(self, gradients: int) -> Numbers:
        """Return what is read at each of the next gradients: a number where it stays, else an array ``[gradients]``.

        Raises:
            TypeError: The value of a function is not a number.
            ValueError: The value of a schedule is out of the hyperparameter's range; or the rule has changed.
        """
        changes, kept = self._kept
        known = changes == Optimizer._changes
        if known and kept is not None:
            return kept
        self.check_rule()
        step, own = self.step, {}
        updates = np.arange(step, step + gradients, dtype=np.float64)
        if "every" in self.extras:
            every, held = self.every, np.arange(gradients) + (0 if self._state is None else self._state.held)
            updates = (step + held // every).astype(np.float64)
            own = {"every": np.where((held + 1) % every, 0.0, float(every))}
        numbers = self.numbers(updates, self.epoch) | own
        if not known:
            vars(self)["_kept"] = Optimizer._changes, numbers if self._stays(numbers) else None
        return numbers

    def _stays(self, numbers: Numbers) -> bool:
        """Whether all steps read these numbers, until an attribute is set."""
        parts = self.parts()
        arguments = (getattr(part, name) for part in parts for name in arguments_of(type(part)))
        described = set(RULES[self.rule]["hyper"]) <= arguments_of(type(parts[-1])).keys()
        return described and all(isinstance(n, float) for n in numbers.values()) and not any(map(callable, arguments))

    def numbers(self, updates: Floats, epoch: int) -> Numbers:
        """Return what is read after these numbers of updates."""
        return {name: self._series(name, updates, epoch) for name in RULES[self.rule]["hyper"]}

    def _series(self, name: str, updates: Floats, epoch: int) -> float | Floats:
        kind, value = getattr(type(self), name, None), getattr(self, name)
        return kind.series(value, updates, epoch) if isinstance(kind, Hyperparameter) else float(value)

    def check_rule(self) -> None:
        """Raise ValueError where the attributes ask for another rule than the one that the state belongs to."""
        if self._state is not None and (self.rule, self.extras) != self._made_for:
            before, now = (" + ".join([rule, *extras]) for rule, extras in (self._made_for, (self.rule, self.extras)))
            raise ValueError(
                f"This {type(self).__name__} began with the rule {before}; its attributes now ask for {now}, which "
                "keeps other slots: make a new optimizer."
            )

    def check_gradient_in_place(self) -> None:
        """Raise ValueError where the rule takes its gradients at another point than where the parameters are."""
        if "theta" in RULES[self.rule]["slots"]:
            raise ValueError(
                f"{self!r} takes the gradient at a point ahead, which only fit and train_on_batch can, with a loss "
                "of fastopt: give it nesterov=True."
            )

    # State

    @property
    def step(self) -> int:
        """The number of updates done."""
        return 0 if self._state is None else self._state.step

    @step.setter
    def step(self, value: int) -> None:
        self._built().step = checks.integer("step", value, 0, 2**63)

    @property
    def state(self) -> dict[str, float]:
        """The numbers beside the slots: ``step``, ``held`` (gradients since the last step), and those of the rule.

        A dict of the same names sets them.
        """
        state = self._built()
        return {"step": state.step, "held": state.held, **state.state, **self._flags()}

    @state.setter
    def state(self, value: Mapping[str, float]) -> None:
        state, names = self._built(), self.state.keys()
        if value.keys() != names:
            raise ValueError(f"state must have the entries {', '.join(names)}, not {', '.join(value)}.")
        counts = {name: checks.integer(name, value[name], 0, 2**63) for name in ("step", "held")}
        own = {name: checks.real(name, value[name]) for name in state.state}
        state.step, state.held, state.state = counts["step"], counts["held"], own
        self._set_flags({name: bool(value[name]) for name in self._flags()})

    @property
    def slots(self) -> dict[str, Real]:
        """The arrays kept for each parameter by name, such as ``"dense/kernel/m"``: views that may be written."""
        return {
            "/".join(filter(None, (name, slot))): view
            for name, slots in zip(self._names, _slots_of(self._built()), strict=True)
            for slot, view in slots.items()
        }

    def _built(self) -> State:
        if self._state is None:
            raise RuntimeError("The optimizer has no state yet: build the model that it trains, or call build, first.")
        return self._state

    def _begin(self, state: State, names: Sequence[str], network: _core.Network | None, outline: Tree) -> None:
        for slots in _slots_of(state) if self.initial_slots else ():
            for name, value in self.initial_slots.items():
                slots[name][...] = value
        self._keep(state, names, network, outline)

    def _keep(self, state: State, names: Sequence[str], network: _core.Network | None, outline: Tree) -> None:
        self._state, self._names, self._network, self._outline = state, names, network, outline
        self._made_for = self.rule, self.extras

    def parts(self) -> "list[Optimizer]":
        """Return this optimizer and those that it surrounds."""
        return [self]

    def _flags(self) -> dict[str, bool]:
        return {}

    def _set_flags(self, flags: Mapping[str, bool]) -> None:
        pass

    # Models

    def bind(self, network: _core.Network, names: Callable[[], Sequence[str]]) -> _core.Optimizer:
        """Return the core's optimizer of `network`; made at the first call, which asks for its parameters' names.

        Raises:
            ValueError: The optimizer already holds the state of another network or of bare arrays.
        """
        if self._state is None:
            known = names()
            self._begin(_core.Optimizer(self.rule, network, self.extras, self.settings(known)), known, network, None)
        if not isinstance(self._state, _core.Optimizer) or self._network is not network:
            raise ValueError(f"This {type(self).__name__} already keeps the state of something else; make a new one.")
        return self._state

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return what `Sequential.fit` is to warn of, if anything, in epochs whose batches are of this size.

        Args:
            batch_size: Samples a gradient.
            samples: All samples.
        """
        return None

    # Bare arrays

    def build(self, params: Tree) -> None:
        """Make the state for bare arrays, as the first `update` does.

        Args:
            params: The arrays, as for `update`.

        Raises:
            TypeError, ValueError: As `update`; or there is a state already.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> adam = fo.optimizers.Adam()
            >>> adam.build({"w": np.ones(2), "b": np.ones(1)})
            >>> adam.slots["w/v"][:] = 1.0
            >>> sorted(adam.slots)
            ['b/m', 'b/v', 'w/m', 'w/v']
        """
        if self._state is not None:
            raise ValueError(f"This {type(self).__name__} already keeps the state of something else; make a new one.")
        self._begin(*self._arrays(arrays_of("params", params), params), None, outline_of(params))

    def _arrays(self, arrays: list[Real], params: Tree) -> tuple[_core.ArrayOptimizer, list[str]]:
        paths = paths_of(params)
        names = ["/".join(map(str, path)) for path in paths]
        if len(set(names)) < len(names):
            raise ValueError(f"Two arrays have the same name; the names are {', '.join(names)}.")
        labels = ["".join(f"[{key!r}]" for key in path) for path in paths]
        return _core.ArrayOptimizer(self.rule, arrays, labels, self.extras, self.settings(names)), names

    def update(self, params: Tree, grads: Tree) -> None:
        """Do one step on bare arrays, in place.

        Args:
            params: An array, or a list, tuple or dict of arrays or of further such collections. All are float32 or all
                float64, of any shapes, and C-contiguous. An array is NumPy's, or anything in the memory of the
                processor that has DLPack (tensors of PyTorch, ...) or the buffer protocol; it is not copied.
                Later calls have collections of the same keys and lengths; dicts may be in another order.
            grads: The gradients: the same collections with arrays of the same shapes.

        Raises:
            TypeError: Something is not an array, or dtypes differ; nothing has changed.
            ValueError: Collections or shapes differ from each other or from earlier calls, or an array of `params`
                cannot be written in place or shares memory with another; nothing has changed.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> w = np.array([1.0, -2.0])
            >>> fo.optimizers.SGD(0.5).update(w, 2 * w)
            >>> w
            array([0., 0.])
        """
        self.check_gradient_in_place()
        arrays, outline = self._in_order(params)
        gradients = arrays_like("grads", grads, "params", outline)
        hyper = self.hyper
        if self._state is None:
            state, names = self._arrays(arrays, params)
            state.check(arrays, gradients, hyper)
            self._begin(state, names, None, outline)
        if not isinstance(self._state, _core.ArrayOptimizer):
            raise ValueError(f"This {type(self).__name__} trains a model; make a new one for bare arrays.")
        self._state.update(arrays, gradients, hyper)

    def _in_order(self, params: Tree) -> tuple[list[Real], Tree]:
        """Return the arrays in the order of those that the slots belong to, and the outline of these."""
        if isinstance(self._state, _core.ArrayOptimizer):
            return arrays_like("params", params, "the first params", self._outline), self._outline
        return arrays_of("params", params), outline_of(params)


def _slots_of(state: State) -> list[dict[str, Real]]:
    if isinstance(state, _core.ArrayOptimizer):
        return state.slots
    return [slots for layer in state.slots for slots in layer.values()]


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", Optimizer)  # type: ignore[type-abstract]
