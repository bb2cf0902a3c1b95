"""What an optimizer remembers: its slots, the steps done and the numbers of its rule."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.trees import Tree, Views, arrays_of, outline_of, paths_of
from fastopt.optimizers.describe import TRANSFORM_SLOTS, Description, Numbers, Settings
from fastopt.schedules import Schedule

__all__ = ["State"]

MAX_STEPS = 2**53  # are not reached
ROWS = ("held_rows", "first_rows")
AHEAD = 64  # schedules are evaluated for this many gradients at once

Sides = tuple[int, int, int]  # the last two of what the rule takes as matrices, and the longest whose square it keeps
Ahead = tuple[
    int, int, dict[str, float | list[float]]
]  # the number of gradients before, that of these, and their numbers


def matrix_sides(description: Description, names: list[str], shapes: list[tuple[int, ...]]) -> list[Sides]:
    """Return the sides of the arrays that the rule takes as matrices, and zeros for the others."""
    matrices = description.matrices_of(names, shapes)
    return [
        (shape[-2], shape[-1], description.longest_side) if name in matrices else (0, 0, 0)
        for name, shape in zip(names, shapes, strict=True)
    ]


class Origin(NamedTuple):
    """What a state was made for: a rule with transforms, and the arrays that it updates."""

    rule: str
    transforms: list[str]
    settings: Settings
    matrices: list[Sides]
    names: list[str]
    labels: list[str]  # the arrays' places in their collection, for messages
    outline: Tree
    shapes: list[tuple[int, ...]]
    dtype: str

    @classmethod
    def of(
        cls, description: Description, names: list[str], labels: list[str], outline: Tree, like: list[Real]
    ) -> "Origin":
        """Return what the state of this description for arrays like these is made for."""
        rule, transforms, settings = description.rule, description.transforms, description.settings(names)
        shapes = [array.shape for array in like]
        sides = matrix_sides(description, names, shapes)
        dtype = like[0].dtype.name if like else "float32"
        return cls(rule, transforms, settings, sides, names, labels, outline, shapes, dtype)

    def core(self, params: Sequence[Real]) -> _core.ArrayOptimizer:
        """Return the core's state for these arrays."""
        return _core.ArrayOptimizer(self.rule, params, self.labels, self.transforms, self.settings, self.matrices)


class State:
    """The state of one optimizer, for the parameters of a network or for bare arrays.

    A copy, also one that was pickled, is a state for bare arrays; that of a network's has them in a dict by name.

    Attributes:
        origin: What it was made for.
        core: The core's part of it.
        network: The network whose parameters it belongs to, or None for bare arrays.
        swapped: Whether the average is in the place of the parameters.
        in_place: Whether, as the attributes were read last, steps follow gradients at the parameters, and these are
            never an average.
    """

    def __init__(
        self, origin: Origin, core: _core.Optimizer | _core.ArrayOptimizer, network: _core.Network | None = None
    ) -> None:
        self.origin = origin
        self.core = core
        self.network = network
        self.swapped = False
        # What the next numbers follow from: a description with its attributes, as they are and as they were.
        self._read: Description | None = None
        self._live: list[dict[str, Any]] = []
        self._seen: list[dict[str, Any]] = []
        self._constant: Numbers | None = None
        self._ahead: Ahead = (0, 0, {})
        self.in_place = False

    @classmethod
    def of_network(cls, description: Description, network: _core.Network, names: list[str]) -> "State":
        """Return the state of an optimizer that begins to train a network, whose parameters have these names."""
        parameters = [view for layer in network.parameters for view in layer.values()]
        labels = [f"[{name!r}]" for name in names]
        origin = Origin.of(description, names, labels, dict.fromkeys(names), parameters)
        try:
            core = _core.Optimizer(origin.rule, network, origin.transforms, origin.settings, origin.matrices)
        except MemoryError:
            shapes = description.slot_shapes(dict(zip(names, origin.shapes, strict=True)))
            needed = sum(map(math.prod, shapes.values())) * np.dtype(origin.dtype).itemsize
            raise MemoryError(
                f"{type(description).__name__} keeps {', '.join(description.slot_names)} for each weight, which need "
                f"{needed:,} bytes: there is not so much memory."
            ) from None
        return cls(origin, core, network)._begun(description)

    @classmethod
    def of_arrays(cls, description: Description, params: Tree) -> "State":
        """Return the state of an optimizer that begins to update bare arrays.

        Raises:
            TypeError, ValueError: As `Optimizer.update`.
        """
        arrays, paths = arrays_of("params", params), paths_of(params)
        names = ["/".join(map(str, path)) for path in paths]
        if len(set(names)) < len(names):
            raise ValueError(f"Two arrays have the same name; the names are {', '.join(names)}.")
        labels = ["".join(f"[{key!r}]" for key in path) for path in paths]
        origin = Origin.of(description, names, labels, outline_of(params), arrays)
        return cls(origin, origin.core(arrays))._begun(description)

    def _begun(self, description: Description) -> "State":
        for slots in self._slots() if description.initial_slots else ():
            for name, value in description.initial_slots.items():
                slots[name][...] = value
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        begun = self.core.step or self.core.held  # else most slots are 0 still, and are left out
        slots = {name: slot.copy() for name, slot in self.slots.items() if begun or slot.any()}
        return _restored, (self.origin, self.values, slots)

    def copy_from(self, other: "State") -> None:
        """Go on from another state, which was made for the same."""
        self._restore(other.values, other.slots)

    def _restore(self, values: Mapping[str, float], slots: Mapping[str, Real]) -> None:
        self.values = dict(values)
        for name, view in self.slots.items():
            view[...] = slots.get(name, 0.0)

    # What it holds

    @property
    def slots(self) -> dict[str, Real]:
        """The arrays kept for each parameter by name, such as ``"dense/kernel/m"``: views that may be written."""
        return Views(
            ("/".join(filter(None, (name, slot))), view)
            for name, slots in zip(self.origin.names, self._slots(), strict=True)
            for slot, view in slots.items()
        )

    @property
    def values(self) -> dict[str, float]:
        """The numbers beside the slots: ``step``, ``held`` (gradients since the last step), and those of the rule.

        `Accumulate` adds the rows of the gradients that are held, and those of the first. A dict of the same names sets
        them.
        """
        flags = {"swapped": self.swapped} if "average" in self.origin.transforms else {}
        rows = dict(zip(ROWS, self.core.held_rows, strict=True)) if "every" in self.origin.transforms else {}
        return {"step": self.core.step, "held": self.core.held, **rows, **self.core.state, **flags}

    @values.setter
    def values(self, given: Mapping[str, float]) -> None:
        names = self.values.keys()
        if ROWS[0] in names:
            given = dict.fromkeys(ROWS, 0) | dict(given)  # older files lack them
        if given.keys() != names:
            raise ValueError(f"state must have the entries {', '.join(names)}, not {', '.join(given)}.")
        counts = {name: checks.integer(name, given.get(name, 0), 0, MAX_STEPS) for name in ("step", "held", *ROWS)}
        own = {name: checks.real(name, given[name]) for name in self.core.state}
        swapped = given.get("swapped", False)
        if not isinstance(swapped, bool):
            raise TypeError(f"swapped must be True or False, not {swapped!r}.")
        self.core.held_rows = counts["held_rows"], counts["first_rows"]
        self.core.step, self.core.held, self.core.state = counts["step"], counts["held"], own
        self._set_swapped(swapped)

    @property
    def at_average(self) -> bool:
        """Whether the average of a Schedule-Free rule is in the place of the parameters."""
        return bool(self.core.state.get("at_average"))

    def swap(self, params: Sequence[Real]) -> None:
        """Exchange these parameters, a network's or those given, and their averages.

        Raises:
            ValueError: They are not of the shapes and the dtype of the parameters, or cannot be written.
        """
        if "at_average" in self.core.state:
            if isinstance(self.core, _core.ArrayOptimizer):
                self.core.put_average(list(params), not self.at_average)
            else:
                self.core.put_average(not self.at_average)
            self._read = None
            return
        averages = [slots[TRANSFORM_SLOTS["average"]] for slots in self._slots()]
        kinds = [[(view.shape, view.dtype) for view in views] for views in (params, averages)]
        if kinds[0] != kinds[1] or not all(array.flags.writeable for array in params):
            raise ValueError("params must be the writable arrays that are updated.")
        for array, average in zip(params, averages, strict=True):
            array[...], average[...] = average.copy(), array.copy()
        self._set_swapped(not self.swapped)

    def _set_swapped(self, value: bool) -> None:
        self.swapped = value
        self._read = None

    def _slots(self) -> list[dict[str, Real]]:
        if isinstance(self.core, _core.ArrayOptimizer):
            return self.core.slots
        return [slots for layer in self.core.slots for slots in layer.values()]

    # What the next steps read

    def numbers(self, description: Description, gradients: int) -> Numbers:
        """Return what the core reads at each of the next gradients, as `Description.numbers`.

        They are kept until an attribute changes: those of constants for good, those of schedules for `AHEAD` gradients.
        Plain functions are called each time.

        Raises:
            RuntimeError: The average is in the place of the parameters.
            TypeError, ValueError: As `Description.numbers`; or the rule has changed.
        """
        if description is not self._read or (self._live != self._seen and self._more_than_the_epoch_changed()):
            self._look_at(description)
        if self._constant is not None:
            return self._constant
        first = self.core.step * self._every + self.core.held
        if first + max(gradients, AHEAD) >= 2**63:
            raise ValueError(f"{first} gradients have been taken; they are counted to less than 2^63.")
        if gradients > 1:
            return description.numbers(first, gradients)
        if not self._pure:
            return {name: float(np.ravel(n)[0]) for name, n in description.numbers(first, 1).items()}
        begin, count, ahead = self._ahead
        if not begin <= first < begin + count:
            begin, count, ahead = self._ahead = _ahead(description, first)
        return {name: n if isinstance(n, float) else n[first - begin] for name, n in ahead.items()}

    def check(self, description: Description) -> None:
        """Raise ValueError where the description asks for another rule or other parameters than those it began with."""
        asked = description.rule, description.transforms
        if asked != self.origin[:2]:
            before, now = (" + ".join([rule, *transforms]) for rule, transforms in (self.origin[:2], asked))
            raise ValueError(
                f"This {type(description).__name__} began with the rule {before}; its attributes now ask for {now}, "
                "which keeps other slots: use a new optimizer."
            )
        if description.settings(self.origin.names) != self.origin.settings:
            raise ValueError(
                f"This {type(description).__name__} began with other LayerRates or another choice of which parameters "
                "decay, which stay for all steps: use a new optimizer."
            )

        if matrix_sides(description, self.origin.names, self.origin.shapes) != self.origin.matrices:
            raise ValueError(
                f"This {type(description).__name__} began with another choice of matrices, which stays for all steps: "
                "use a new optimizer."
            )

    def _more_than_the_epoch_changed(self) -> bool:
        self._ahead = (0, 0, {})  # schedules may count epochs
        for seen, live in zip(self._seen, self._live, strict=True):
            if "epoch" in live:
                seen["epoch"] = live["epoch"]
        return self._live != self._seen

    def _look_at(self, description: Description) -> None:
        """Find out what may be kept of the numbers."""
        self.check(description)
        if self.network is None:
            description.check_gradient_in_place()
        if self.swapped:
            raise RuntimeError("The average is in the place of the parameters: swap() again before training.")
        rates = [value for part in description.nodes for value in vars(part).values() if callable(value)]
        self._pure = all(isinstance(rate, Schedule) for rate in rates)
        self._every = description.every
        self.in_place = description.takes_gradient_in_place and not description.averages
        self._ahead = (0, 0, {})
        self._constant = None
        if not rates:
            numbers = description.numbers(0, AHEAD)
            self._constant = numbers if all(isinstance(number, float) for number in numbers.values()) else None
        self._read, self._live = description, [vars(part) for part in description.nodes]
        self._seen = [attributes.copy() for attributes in self._live]


def _ahead(description: Description, first: int) -> Ahead:
    count = AHEAD
    try:
        numbers = description.numbers(first, count)
    except Exception:  # perhaps of a step that will never be reached
        count = 1
        numbers = description.numbers(first, count)
    return first, count, {name: n if isinstance(n, float) else n.tolist() for name, n in numbers.items()}


def _restored(origin: Origin, values: Mapping[str, float], slots: Mapping[str, Real]) -> State:
    state = State(origin, origin.core([np.empty(shape, origin.dtype) for shape in origin.shapes]))
    state._restore(values, slots)
    return state
