"""The base of all optimizers: a description with what it remembers, and the updates of models and of bare arrays."""

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, cast, dataclass_transform

import numpy as np

from fastopt import _core
from fastopt.core.plain import Real
from fastopt.core.registry import Registry
from fastopt.core.trees import Tree, arrays_like
from fastopt.optimizers.describe import RULES, TRANSFORM_SLOTS, Description, Numbers, When, make_constructor
from fastopt.optimizers.state import State

__all__ = ["OPTIMIZERS", "Optimizer", "Rule"]


@dataclass_transform(eq_default=False)
class Optimizer(Description):
    """The base of all optimizers: a value, described by its arguments, with the state of what it updates, if anything.

    Hyperparameters are attributes: numbers, `fastopt.schedules`, or functions of the number of steps done. One that is
    set takes effect from the next step, inside `Sequential.fit` from that after the callback that sets it.

    Optimizers of the same description are equal. A model takes a copy of the one that it is compiled with, so that one
    may serve several models; ``model.optimizer`` has the state of the model. On bare arrays an optimizer keeps the
    state itself. Copies, pickled ones too, go on from the state that they were made at; that of ``model.optimizer``
    goes on with bare arrays, in a dict of the names of the model's parameters.

    Attributes:
        epoch: The number of epochs done, for schedules that count them: that of the model, or, on bare arrays, what it
            is set to.

    Example:
        >>> import copy
        >>> import numpy as np, fastopt as fo
        >>> w, adam = np.array([1.0, -2.0]), fo.optimizers.Adam(0.5)
        >>> adam.update(w, 2 * w)
        >>> again, v = copy.deepcopy(adam), w.copy()
        >>> adam.update(w, 2 * w)
        >>> again.update(v, 2 * v)
        >>> bool((v == w).all()), again == fo.optimizers.Adam(0.5)
        (True, True)
    """

    _state: State | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        make_constructor(cls)

    def __getstate__(self) -> dict[str, Any]:
        return {name: copy.copy(value) if isinstance(value, State) else value for name, value in vars(self).items()}

    # State

    @property
    def step(self) -> int:
        """The number of updates done."""
        return 0 if self._state is None else self._state.core.step

    @step.setter
    def step(self, value: int) -> None:
        self.state = self.state | {"step": value}

    @property
    def state(self) -> dict[str, float]:
        """The numbers beside the slots: ``step``, ``held`` (gradients since the last step), and those of the rule.

        A dict of the same names sets them.
        """
        return self._built().values

    @state.setter
    def state(self, value: Mapping[str, float]) -> None:
        self._built().values = dict(value)

    @property
    def slots(self) -> dict[str, Real]:
        """The arrays kept for each parameter by name, such as ``"dense/kernel/m"``: views that may be written."""
        return self._built().slots

    @property
    def hyper(self) -> dict[str, float]:
        """The numbers that the next step reads."""
        numbers = self.hyper_of(1)
        if self._state is None:
            return {name: n if isinstance(n, float) else float(n[0]) for name, n in numbers.items()}
        return cast("dict[str, float]", numbers.copy())  # of one step a state knows no arrays

    def hyper_of(self, gradients: int) -> Numbers:
        """Return what is read at each of the next gradients: a number where it stays, else an array ``[gradients]``.

        Raises:
            RuntimeError: The average is in the place of the parameters.
            TypeError: The value of a function is not a number.
            ValueError: The value of a schedule is out of the hyperparameter's range; or the rule has changed.
        """
        state = self._state
        return self.numbers(0, gradients) if state is None else state.numbers(self, gradients)

    @property
    def steady(self) -> bool:
        """Whether the next epochs all read the same numbers, and report the same."""
        plain = type(self.parts[-1]).report_of is Description.report_of
        return plain and not any(callable(value) for part in self.nodes for value in vars(part).values())

    def report(self) -> dict[str, float]:
        """Return what `History` is to record after an epoch: the learning rate, other schedules, what the rule adds."""
        return self._report_of(self.parts, self._state, self.epochs_counted)

    @staticmethod
    def _report_of(parts: list[Description], state: State | None, epoch: int) -> dict[str, float]:
        rule = parts[-1]
        rates = {name: (part, vars(part)[name]) for part in parts for name in part.changing}
        scheduled = any(callable(value) for _, value in rates.values())
        reads = scheduled or type(rule).report_of is not Description.report_of
        values = state.values if state is not None and reads else {}
        if scheduled:
            step = max(0.0, values.get("step", 0.0) - 1)  # the last one
            when = When(np.array([int(step)]), np.array([step]), epoch)
            found = {name: float(np.ravel(part.series(name, when))[0]) for name, (part, _) in rates.items()}
        else:
            found = {name: value for name, (_, value) in rates.items()}
        return found | rule.report_of(values, epoch)

    def check_rule(self) -> None:
        """Raise ValueError where the attributes ask for another rule than the one that the state belongs to."""
        if self._state is not None:
            self._state.check(self)

    def swap(self, params: Tree = None) -> None:
        """Put the average of the parameters in their place, and these in its place; again: back.

        Evaluate, predict and save between the two. A model that is saved so goes on so when it is loaded. Schedule-Free
        rules do it by themselves in models that `fit` trains: it is for bare arrays and for loops of one's own.

        Args:
            params: The arrays, if they are not those of a model.

        Raises:
            RuntimeError: There has been no step yet.
            TypeError, ValueError: `params` are not the arrays that are updated, or the optimizer keeps no average.
        """
        if not ("average" in self.transforms or self.averages):
            raise ValueError(f"{self!r} keeps no average: put it into an Average.")
        if self.step == 0:
            raise RuntimeError("There is no average before the first step.")
        state = self._built()
        if state.network is None:
            state.swap(arrays_like("params", params, "the first params", state.origin.outline))
        elif params is None:
            state.swap([view for layer in state.network.parameters for view in layer.values()])
        else:
            raise ValueError("The parameters are the model's: call swap().")

    def _built(self) -> State:
        if self._state is None:
            raise RuntimeError("The optimizer has no state yet: build the model that it trains, or call build, first.")
        return self._state

    # Models

    def bind(self, network: _core.Network, names: Callable[[], list[str]]) -> _core.Optimizer:
        """Return the core's optimizer of a model's network; made at the first call, which asks for the names.

        The optimizer of a copied model goes on from the state that was copied with it.
        """
        state = self._state
        if state is None or state.network is not network:
            copied, state = state, State.of_network(self, network, names())
            if copied is not None:
                state.copy_from(copied)
            self._state = state
        core: _core.Optimizer = state.core  # type: ignore[assignment]
        return core

    def start_from(self, parameters: Mapping[str, Real]) -> None:
        """Take these parameters, by name, for the points that `Lookahead` goes back to and that the rule began at."""
        starts = list(RULES[self.rule]["starts"])
        if "lookahead" in self.transforms:
            starts.append(TRANSFORM_SLOTS["lookahead"])
        slots = self.slots if starts else {}
        for slot in starts:
            for name, view in parameters.items():
                slots[f"{name}/{slot}"][...] = view

    def hyper_in_place(self) -> dict[str, float]:
        """Return the numbers that the next step reads, along a gradient that was taken where the parameters are.

        Raises:
            RuntimeError, TypeError, ValueError: As `hyper_of`; or the rule takes its gradients at another point.
        """
        numbers = cast("dict[str, float]", self.hyper_of(1))  # of one step a state knows no arrays
        state = self._state
        if state is None or not state.in_place:
            self.check_gradient_in_place()
        return numbers

    def check_gradient_in_place(self) -> None:
        """Raise an error where the rule takes its gradients at another point than where the parameters are."""
        super().check_gradient_in_place()
        if self._state is not None and self._state.at_average:
            raise RuntimeError("The average is in the place of the parameters: swap() again before training.")

    def take_state(self, other: "Optimizer") -> None:
        """Go on from the state of another optimizer, which is not to be used from then on."""
        self._state = other._state

    # Bare arrays

    def build(self, params: Tree) -> None:
        """Make the state for bare arrays, as the first `update` does; one that is there is begun anew.

        Args:
            params: The arrays, as for `update`.

        Raises:
            TypeError, ValueError: As `update`.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> adam = fo.optimizers.Adam()
            >>> adam.build({"w": np.ones(2), "b": np.ones(1)})
            >>> adam.slots["w/v"][:] = 1.0
            >>> sorted(adam.slots)
            ['b/m', 'b/v', 'w/m', 'w/v']
        """
        self._check_without_model()
        self._state = State.of_arrays(self, params)

    def update(self, params: Tree, grads: Tree) -> None:
        """Do one step on bare arrays, in place: all of it, Ctrl-C comes after it.

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
        self._check_without_model()
        state = State.of_arrays(self, params) if self._state is None else self._state
        outline = state.origin.outline
        arrays = arrays_like("params", params, "the first params", outline)
        gradients = arrays_like("grads", grads, "params", outline)
        core: _core.ArrayOptimizer = state.core  # type: ignore[assignment]
        core.update(arrays, gradients, state.numbers(self, 1))  # type: ignore[arg-type]
        if self._state is None:
            self._state = state

    def _check_without_model(self) -> None:
        if self._state is not None and self._state.network is not None:
            raise ValueError(f"This {type(self).__name__} trains a model; bare arrays need another, or a copy of it.")


class Rule(Optimizer):
    """The base of the update rules: what the core has a kernel for.

    A subclass names its kernel and lists the hyperparameters that this reads, by the kernel's names for them.
    """

    @property
    @abstractmethod
    def rule(self) -> str:
        """The core's name of the update rule."""

    @property
    def parts(self) -> list[Description]:
        """This rule."""
        return [self]

    @property
    def initial_slots(self) -> dict[str, float]:
        """The slots that do not start at 0, and what they start at."""
        return {}

    def own_numbers(self, when: When) -> Numbers:
        """Return the hyperparameters at each gradient."""
        return {name: self.series(name, when) for name in RULES[self.rule]["hyper"]}

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return None: all sizes are well."""
        return None


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", Optimizer)  # type: ignore[type-abstract]
