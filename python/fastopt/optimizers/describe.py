"""What describes an optimizer: its hyperparameters with their ranges and defaults, and what it asks the core for."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.checks import EPSILON
from fastopt.core.habits import ARGUMENTS, explained, missing
from fastopt.core.registry import Described, arguments_of
from fastopt.schedules import Rate, from_description, unit, values

__all__ = [
    "ASCENTS",
    "EPSILON",
    "MASKABLE",
    "MAX_EPOCHS",
    "RULES",
    "TRANSFORM_SLOTS",
    "Argument",
    "Description",
    "Flag",
    "Floats",
    "Hyperparameter",
    "Integer",
    "Names",
    "Numbers",
    "OptionalHyperparameter",
    "Settings",
    "When",
    "make_constructor",
]

RULES = _core.kernels.update_rules()
MASKABLE = frozenset(_core.kernels.maskable_rules())  # those with steps of each element by itself
ASCENTS = ("ascent", "adaptive_ascent")  # the transforms that take the gradient at a second point
TRANSFORM_SLOTS = _core.kernels.extra_slots()  # the array that a transform keeps for each parameter, where it does

Floats = NDArray[np.float64]
Numbers = dict[str, float | Floats]
Names = Sequence[str]
Settings = list[tuple[float, float]]  # of each parameter: a factor of its learning rate, and one of its decay
Given = TypeVar("Given")
Kept = TypeVar("Kept")

MAX_EPOCHS = 2**48  # of which a model shuffles each by a random stream of its own
MISSING: Any = inspect.Parameter.empty


class When(NamedTuple):
    """Some gradients in a row, for each: the number of gradients before it, and of updates; and of epochs, for all."""

    gradients: NDArray[np.int64]
    updates: Floats
    epoch: int


class Argument(ABC, Generic[Given, Kept]):
    """An attribute that is an argument of the constructor too; checked whenever it is set.

    Args:
        default: What it is if it is not given; left out where it must be.
        note: What the documentation says of it.
    """

    annotation: object  # as shown by help()

    def __init__(self, default: Any = MISSING, note: str = "") -> None:
        self.default = default
        self.note = note

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Any: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Kept: ...

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is not None:
            return instance.__dict__[self.name]
        if self.default is MISSING:
            raise AttributeError(f"{owner.__name__}.{self.name} has no default.")
        return self.default

    def __set__(self, instance: object, given: Given) -> None:
        vars(instance)[self.name] = self.check(given)

    @abstractmethod
    def check(self, given: Given) -> Kept:
        """Return what is kept of a value, or raise TypeError or ValueError."""

    def series(self, value: Any, when: When) -> float | Floats:
        """Return what the core reads of `value` at each gradient: a number where it stays."""
        return float(value)

    def text(self) -> str:
        """Return a sentence for the documentation."""
        return f"{self.note}."


class Flag(Argument[bool, bool]):
    """Whether something is done."""

    annotation = bool

    def check(self, given: bool) -> bool:
        """Return the truth of it."""
        return checks.flag(self.name, given)


class Integer(Argument[int, int]):
    """A whole number, at least `low`."""

    annotation = int

    def __init__(self, default: Any = MISSING, low: int = 0, note: str = "") -> None:
        super().__init__(default, note)
        self.low = low

    def check(self, given: int) -> int:
        """Return the number."""
        return checks.integer(self.name, given, self.low, 2**53)


class Hyperparameter(Argument[Rate, Any]):
    """A number, or a schedule of numbers, which are checked again when they are used.

    Args:
        default: What it is if it is not given.
        low: It is at least this, or, with `above`, more.
        high: It is less than this.
        symbol: What stands for it in the formulas of the documentation.
        note: What else the documentation says of it.
        above: Whether `low` itself is too low.
        fixed: Whether schedules are refused.
    """

    def __init__(
        self,
        default: Any,
        low: float = 0.0,
        high: float = math.inf,
        symbol: str = "",
        note: str = "",
        *,
        above: bool = False,
        fixed: bool = False,
    ) -> None:
        super().__init__(default, note)
        self.low, self.high, self.above = low, high, above
        self.symbol = symbol
        self.fixed = fixed
        self.annotation: object = float if fixed else Rate

    def check(self, given: Rate) -> Rate:
        """Return the schedule, or the number as a float."""
        rate: Rate = from_description(self.name, given)
        return rate if callable(rate) and not self.fixed else self._number(self.name, rate)

    def series(self, value: Rate, when: When) -> float | Floats:
        """Return the values of a number or a schedule at each gradient: a number where it stays."""
        if not callable(value):
            return value
        times = when.updates if unit(value) == "step" else np.array([float(when.epoch)])
        result = values(value, times)
        least, greatest = (float(result[0]),) * 2 if len(result) == 1 else (float(result.min()), float(result.max()))
        if not (self.low <= least and greatest < self.high) or (self.above and least == self.low):  # or NaN
            good = (result >= self.low) & (result < self.high) & ~(self.above & (result == self.low))
            i = int(np.argmin(good))
            self._number(f"{self.name} at {unit(value)} {int(times[i])}", float(result[i]))
        return least if least == greatest else result

    def text(self) -> str:
        """Return the symbol, the range and the note."""
        bounds = f"{'more than' if self.above else 'at least'} {self.low:g}"
        bounds += f" and less than {self.high:g}" if self.high < math.inf else ""
        words = [f"{self.symbol}, {bounds}"] if self.symbol else []
        return "; ".join([*words, *filter(None, [self.note])]) + "."

    def _number(self, name: str, value: object) -> float:
        return checks.real(name, value, self.low, self.high, above=self.above)


class OptionalHyperparameter(Hyperparameter):
    """A number or a schedule as above, or None."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(None, *args, **kwargs)
        self.annotation = Rate | None

    def __set__(self, instance: object, given: Rate | None) -> None:
        vars(instance)[self.name] = None if given is None else self.check(given)


RAISES = """Raises:
    TypeError: An argument is neither a number nor a schedule of numbers.
    ValueError: An argument is out of its range.
"""


class Constructor:
    """The constructor that the arguments of a class describe; made when it is first asked for, as that takes long."""

    def __init__(self, of: "type[Description]") -> None:
        self.of = of

    def __get__(self, instance: object, owner: type) -> Any:
        from dataclasses import field, make_dataclass

        of = self.of
        fields = [
            (name, argument.annotation, field() if argument.default is MISSING else field(default=argument.default))
            for name, argument in of._arguments.items()
        ]
        kept = ("__module__", "__qualname__", "__post_init__")
        space = {name: getattr(of, name) for name in kept if hasattr(of, name)}
        made: Any = make_dataclass(of.__name__, fields, namespace=space, eq=False, repr=False)
        init: Any = explained(made.__init__)
        init.__signature__ = inspect.signature(made.__init__)  # else Python 3.13.5 finds `self` among the arguments
        setattr(of, "__init__", init)  # noqa: B010
        return init.__get__(instance, owner)


def make_constructor(cls: "type[Description]") -> None:
    """Give a class the constructor that its arguments describe; documentation without them is given them too."""
    own = {name: value for name, value in vars(cls).items() if isinstance(value, Argument)}
    cls._arguments = {}
    for base in reversed(cls.__mro__):
        cls._arguments |= own if base is cls else vars(base).get("_arguments", {})
    if "__init__" not in vars(cls):
        setattr(cls, "__init__", Constructor(cls))  # noqa: B010
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    if cls._arguments and "\nExample:\n" in doc and "\nArgs:\n" not in doc:
        place = min(at for at in map(doc.find, ("\nAttributes:\n", "\nSource:\n", "\nExample:\n")) if at >= 0)
        arguments = "".join(f"    {name}: {argument.text()}\n" for name, argument in cls._arguments.items())
        cls.__doc__ = f"{doc[:place]}\nArgs:\n{arguments}\n{RAISES}{doc[place:]}"


class Description(Described, ABC):
    """An optimizer without its state: a rule, and what transforms gradients and parameters around it.

    Attributes:
        epoch: The number of epochs done, for schedules that count them: that of the model, or, on bare arrays, what it
            is set to.
    """

    epoch: int = 0
    refused: ClassVar[Mapping[str, str]] = {}  # transforms that make no sense around this rule, and why
    _arguments: ClassVar[dict[str, Argument[Any, Any]]] = {}

    def __setattr__(self, name: str, value: object) -> None:
        if not (hasattr(type(self), name) or name.startswith("_") or name in arguments_of(type(self))):
            inner = getattr(self, "optimizer", None)
            hint = f": {ARGUMENTS[name]}" if name in ARGUMENTS else ""
            hint = f"; that of its optimizer is set as optimizer.{name}" if hasattr(inner, name) else hint
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}.")
        super().__setattr__(name, checks.integer(name, value, 0, MAX_EPOCHS) if name == "epoch" else value)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> None:
            raise missing(self, name, ARGUMENTS)

    # Of a part alone

    def own_transforms(self) -> list[str]:
        """Return the core's names of what this part does around the rule."""
        return []

    def own_numbers(self, when: When) -> Numbers:
        """Return what the core reads of this part at each gradient: a number where it stays."""
        return {}

    def own_settings(self, names: Names, settings: Settings) -> Settings:
        """Return, for each parameter, the factors of its learning rate and of its decay, changed by this part."""
        return settings

    def own_every(self) -> int:
        """Return how many gradients this part makes one of."""
        return 1

    def matrices_of(self, names: Names, shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """Return the names of the parameters that the rule takes as matrices, if it does so."""
        return [] if self.parts[-1] is self else self.parts[-1].matrices_of(names, shapes)

    @property
    def longest_side(self) -> int:
        """The longest side of a matrix whose square the rule keeps, if it does so."""
        return 0 if self.parts[-1] is self else self.parts[-1].longest_side

    # Of all parts

    @property
    @abstractmethod
    def parts(self) -> "list[Description]":
        """This optimizer and those inside it, down to the rule."""

    @property
    def nodes(self) -> "list[Description]":
        """All objects whose attributes describe the next step."""
        return self.parts

    @property
    def epochs_counted(self) -> int:
        """The time of schedules that count epochs."""
        return self.epoch

    @property
    def rule(self) -> str:
        """The core's name of the update rule."""
        return self.parts[-1].rule

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the rule: a number, a schedule or a function."""
        return self.parts[-1].learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self.parts[-1].learning_rate = value

    @property
    def transforms(self) -> list[str]:
        """The core's names of what surrounds the rule."""
        return list(dict.fromkeys(name for part in self.parts for name in part.own_transforms()))

    @property
    def slot_names(self) -> list[str]:
        """The names of the arrays that are kept for each parameter."""
        kept = [TRANSFORM_SLOTS[name] for name in self.transforms if name in TRANSFORM_SLOTS]
        return [*RULES[self.rule]["slots"], *kept]

    def slot_shapes(self, parameters: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the arrays that are kept for parameters of these names and shapes, by name and slot."""
        matrices = self.matrices_of(list(parameters), list(parameters.values()))
        kept = [TRANSFORM_SLOTS[name] for name in self.transforms if name in TRANSFORM_SLOTS]
        shapes: dict[str, tuple[int, ...]] = {}
        for name, shape in parameters.items():
            own = _core.kernels.slot_shapes(self.rule, shape, name in matrices, self.longest_side)
            shapes |= {f"{name}/{slot}": tuple(sides) for slot, sides in own.items()}
            shapes |= {f"{name}/{slot}": shape for slot in kept}
        return shapes

    @property
    def initial_slots(self) -> dict[str, float]:
        """The slots that do not start at 0, and what they start at."""
        return self.parts[-1].initial_slots

    @property
    def averages(self) -> bool:
        """Whether the rule keeps an average of the parameters."""
        return "at_average" in RULES[self.rule]["state"]

    @property
    def every(self) -> int:
        """How many gradients make one step."""
        return math.prod(part.own_every() for part in self.parts)

    def settings(self, names: Names) -> Settings:
        """Return, for each parameter, a factor of its learning rate and one of its decay."""
        settings = [(1.0, 1.0)] * len(names)
        for part in reversed(self.parts):
            settings = part.own_settings(names, settings)
        return settings

    def numbers(self, first: int, gradients: int) -> Numbers:
        """Return what the core reads at each of some gradients: a number where it stays, else an array ``[gradients]``.

        Args:
            first: The number of gradients before them.
            gradients: How many, at least 1.

        Raises:
            TypeError: The value of a function is not a number.
            ValueError: The value of a schedule is out of the hyperparameter's range.
        """
        count = np.arange(first, first + gradients)
        when = When(count, (count // self.every).astype(np.float64), self.epochs_counted)
        result: Numbers = {}
        for part in self.parts:
            for name, own in part.own_numbers(when).items():
                result[name] = result[name] + own if name in result else own  # decays add up
        return result

    @property
    def changing(self) -> list[str]:
        """The names of the own hyperparameters that a history records: the learning rate, and those with a schedule."""
        values = vars(self)
        return [
            name
            for name, argument in self._arguments.items()
            if isinstance(argument, Hyperparameter) and (name == "learning_rate" or callable(values[name]))
        ]

    def series(self, name: str, when: When) -> float | Floats:
        """Return the values of an own hyperparameter at each gradient: a number where it stays."""
        return self._arguments[name].series(vars(self)[name], when)

    def batch_warning(self, batch_size: int, samples: int) -> str | None:
        """Return what `Sequential.fit` is to warn of, if anything, in epochs whose batches are of this size.

        Args:
            batch_size: Samples a gradient.
            samples: All samples.
        """
        return self.parts[-1].batch_warning(self.every * batch_size, samples)

    def report_of(self, state: Mapping[str, float], epoch: int) -> dict[str, float]:
        """Return what `History` is to record after this many epochs, with the numbers of the state if there is one."""
        return {}

    @property
    def takes_gradient_in_place(self) -> bool:
        """Whether the rule takes its gradients where the parameters are."""
        return "theta" not in RULES[self.rule]["slots"] and set(ASCENTS).isdisjoint(self.transforms)

    def check_gradient_in_place(self) -> None:
        """Raise ValueError where the rule takes its gradients at another point than where the parameters are."""
        if "theta" in RULES[self.rule]["slots"]:
            instead = "look_ahead=False" if hasattr(self.parts[-1], "look_ahead") else "nesterov=True"
            raise ValueError(
                f"{self!r} takes the gradient at a point ahead, which only fit and train_on_batch can: give it "
                f"{instead}."
            )
        if not self.takes_gradient_in_place:
            raise ValueError(
                f"{self!r} takes a second gradient at another point, which only fit and train_on_batch can: leave SAM "
                "out here."
            )

    def fresh(self) -> Self:
        """Return an optimizer of the same description that has not done a step."""
        return type(self)(**{name: _fresh(getattr(self, name)) for name in arguments_of(type(self))})


def _fresh(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_fresh, value))
    return value.fresh() if isinstance(value, Description) else value
