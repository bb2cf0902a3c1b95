"""Optimizers one after another."""

import copy
import itertools
from typing import Any

from fastopt.core import checks
from fastopt.optimizers.base import OPTIMIZERS, Optimizer
from fastopt.optimizers.describe import Argument, Description
from fastopt.optimizers.state import State

__all__ = ["Sequence"]

Phase = tuple[Optimizer, int | None]


class Phases(Argument[Any, list[Phase]]):
    """Pairs of an optimizer and its number of epochs."""

    annotation = list[tuple[str | Optimizer, int | None]]

    def check(self, given: Any) -> list[Phase]:
        """Return the pairs with optimizers as objects."""
        if not isinstance(given, list | tuple) or not given:
            raise TypeError(f"phases must be a list of pairs (optimizer, epochs), not {given!r}.")
        return [self._phase(i, phase, last=i + 1 == len(given)) for i, phase in enumerate(given)]

    def _phase(self, i: int, given: Any, *, last: bool) -> Phase:
        if not isinstance(given, list | tuple) or len(given) != 2:
            raise TypeError(f"phases[{i}] must be a pair (optimizer, epochs), not {given!r}.")
        optimizer, epochs = OPTIMIZERS.resolve(given[0], f"phases[{i}]"), given[1]
        if isinstance(optimizer, Sequence):
            raise TypeError(f"phases[{i}] is a Sequence itself; put its phases into this one.")
        if epochs is not None or not last:
            epochs = checks.integer(f"the epochs of phases[{i}]", epochs, 1)
        return optimizer, epochs


@OPTIMIZERS.add()
class Sequence(Optimizer):
    """Optimizers one after another, each for some epochs: a switch by hand.

    Each begins with slots of its own, and with step and epoch 0 of its schedules. On bare arrays, `epoch` says which
    one it is.

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

    phases: Phases = Phases()

    def __post_init__(self) -> None:
        """Begin without states."""
        self._states: dict[int, State] = {}

    @property
    def active(self) -> Optimizer:
        """The optimizer of the current epoch."""
        return self.phases[self._index][0]

    @property
    def _ends(self) -> list[int]:
        """The epochs at which all phases but the last end."""
        return list(itertools.accumulate(epochs or 0 for _, epochs in self.phases[:-1]))

    @property
    def _index(self) -> int:
        return sum(end <= self.epoch for end in self._ends)

    @property
    def epochs_counted(self) -> int:
        """The number of epochs done in this phase."""
        return self.epoch - max((end for end in self._ends if end <= self.epoch), default=0)

    @property
    def parts(self) -> list[Description]:
        """The active optimizer and what it surrounds."""
        return self.active.parts

    @property
    def nodes(self) -> list[Description]:
        """This optimizer and the parts of the active one."""
        return [self, *self.parts]

    @property
    def steady(self) -> bool:
        """False: there are phases."""
        return False

    def report(self) -> dict[str, float]:
        """Return what `History` is to record of the active optimizer, and what only the others report."""
        result: dict[str, float] = {}
        for i in [*range(len(self.phases)), self._index]:
            result |= self._report_of(self.phases[i][0].parts, self._states.get(i), self.epochs_counted)
        return result

    # Each optimizer has a state of its own.

    @property
    def _state(self) -> State | None:
        return self._states.get(self._index)

    @_state.setter
    def _state(self, state: State | None) -> None:
        if state is not None:
            self._states[self._index] = state

    def take_state(self, other: Optimizer) -> None:
        """Go on from the states of another sequence, which is not to be used from then on."""
        self._states = vars(other)["_states"]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_states": {i: copy.copy(state) for i, state in self._states.items()}}
