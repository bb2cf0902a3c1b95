"""Scales: where a hyperparameter may lie, and how its values are spread."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.registry import Described, Registry, arguments_of

__all__ = ["Choice", "Integer", "Linear", "Log", "OneMinusLog", "Scale"]

Floats = NDArray[np.float64]
PLAIN = (str, int, float, bool, type(None))  # what Optuna can choose from


class Scale(Described):
    """The base of all scales: a map between values and positions from 0 to 1, on which draws are uniform.

    They have what scikit-learn's ``RandomizedSearchCV`` wants of a distribution, `rvs`, and are Optuna's by `suggest`
    and `optuna_distribution`.
    """

    def value(self, position: float) -> Any:
        """Return the value at a position.

        Args:
            position: From 0 to 1.

        Raises:
            TypeError, ValueError: `position` is not a number, or out of its range.

        Example:
            >>> import fastopt as fo
            >>> fo.search.Log(1e-4, 1.0).value(0.5)
            0.01
        """
        return self._values(np.array(_position(position))).item()

    def position(self, value: Any) -> float:
        """Return the position of a value, from 0 to 1.

        Args:
            value: One of the scale's.

        Raises:
            TypeError, ValueError: It is none of the scale's.

        Example:
            >>> import fastopt as fo
            >>> round(fo.search.OneMinusLog(0.9, 0.999).position(0.99), 12)
            0.5
        """
        raise NotImplementedError

    def levels(self, count: int) -> list[Any]:
        """Return values that are evenly spread, both ends among them; fewer where there are not so many.

        Args:
            count: How many, at least 1; one alone is in the middle.

        Raises:
            TypeError, ValueError: `count` is not an integer, or less than 1.

        Example:
            >>> import fastopt as fo
            >>> fo.search.Integer(1, 9).levels(5)
            [1, 3, 5, 7, 9]
        """
        count = checks.integer("count", count, 1, 2**31)
        places = np.linspace(0.0, 1.0, count) if count > 1 else np.array([0.5])
        return list(dict.fromkeys(self._values(places).tolist()))

    def rvs(self, size: int | tuple[int, ...] | None = None, random_state: Any = None) -> Any:
        """Draw values, as the distributions of SciPy do.

        Args:
            size: The shape of the array of draws; None draws one value.
            random_state: A seed, a ``numpy.random.Generator`` or ``RandomState``; None takes NumPy's global one.

        Returns:
            A value, or an array of them.

        Raises:
            TypeError, ValueError: An argument does not fit.

        Example:
            >>> import fastopt as fo
            >>> rates = fo.search.Log(1e-4, 1.0).rvs(100_000, random_state=0)
            >>> bool(abs((rates < 1e-3).mean() - 0.25) < 0.005)
            True
        """
        source = random_state
        if source is None:
            source = np.random
        elif not isinstance(source, np.random.Generator | np.random.RandomState):
            source = np.random.default_rng(checks.integer("random_state", source, 0))
        if size is None:
            return self._values(np.array(source.uniform())).item()
        shape = size if isinstance(size, tuple) else (size,)
        return self._values(source.uniform(size=tuple(checks.integer("size", n, 0, checks.SIZE) for n in shape)))

    def suggest(self, trial: Any, name: str) -> Any:
        """Return the value that a trial of Optuna has for this hyperparameter.

        Args:
            trial: An ``optuna.Trial``.
            name: What the study calls it. That of `OneMinusLog` keeps 1 - value, as ``"1 - name"``.
        """
        kind, arguments = self._optuna
        return getattr(trial, f"suggest_{kind}")(name, **arguments)

    def optuna_distribution(self) -> Any:
        """Return the same as a distribution of Optuna, for ``study.ask``; that of `OneMinusLog` is of 1 - value.

        Raises:
            ImportError: Optuna is not installed.
        """
        try:
            from optuna import distributions
        except ImportError as error:
            raise ImportError("A distribution of Optuna needs it: pip install optuna.") from error
        kind, arguments = self._optuna
        return getattr(distributions, f"{kind.capitalize()}Distribution")(**arguments)

    def _values(self, positions: Floats) -> NDArray[Any]:
        """Return the values at positions, of any shape."""
        raise NotImplementedError

    @property
    def _optuna(self) -> tuple[str, dict[str, Any]]:
        """What Optuna calls the kind of value, and the arguments of its distribution."""
        raise NotImplementedError


SCALES = Registry("scale", Scale)


class Interval(Scale):
    """The base of scales between two numbers: uniform in a coordinate that rises with the value."""

    low: float
    high: float

    def position(self, value: Any) -> float:
        """Return the position of a number, from 0 to 1."""
        number = checks.real("value", value)
        if not self.low <= number <= self.high:
            raise ValueError(f"value must be from {self.low:g} to {self.high:g}, not {value!r}.")
        first, last = self._ends
        return float((self._coordinate(number) - first) / (last - first))

    def _values(self, positions: Floats) -> NDArray[Any]:
        first, last = self._ends
        inner = self._number(first + positions * (last - first))
        return np.where(positions <= 0, self.low, np.where(positions >= 1, self.high, inner))

    @property
    def _ends(self) -> tuple[float, float]:
        return self._coordinate(self.low), self._coordinate(self.high)

    def _coordinate(self, value: float) -> float:
        raise NotImplementedError

    def _number(self, coordinate: Floats) -> Floats:
        raise NotImplementedError


def _rising(low: float, high: float) -> None:
    if low >= high:
        raise ValueError(f"low must be less than high: {low:g} is not less than {high:g}.")


@SCALES.add()
class Linear(Interval):
    """Numbers between two others, spread evenly.

    Args:
        low: The least.
        high: The greatest.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `low` not less than `high`.

    Example:
        >>> import fastopt as fo
        >>> fo.search.Linear(0.0, 0.5).levels(3)
        [0.0, 0.25, 0.5]
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = checks.real("low", low), checks.real("high", high)
        _rising(self.low, self.high)

    def _coordinate(self, value: float) -> float:
        return value

    def _number(self, coordinate: Floats) -> Floats:
        return coordinate

    @property
    def _optuna(self) -> tuple[str, dict[str, Any]]:
        return "float", {"low": self.low, "high": self.high}


@SCALES.add()
class Log(Interval):
    """Positive numbers 10^r with r spread evenly: learning rates, penalties.

    Each decade is drawn as often as the others.

    Args:
        low: The least, more than 0.
        high: The greatest.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or not 0 < low < high.

    Source:
        Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13, 2012.

    Example:
        >>> import fastopt as fo
        >>> [round(rate, 6) for rate in fo.search.Log(1e-4, 1.0).levels(5)]
        [0.0001, 0.001, 0.01, 0.1, 1.0]
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = checks.real("low", low, 0.0, above=True), checks.real("high", high, 0.0, above=True)
        _rising(self.low, self.high)

    def _coordinate(self, value: float) -> float:
        return math.log10(value)

    def _number(self, coordinate: Floats) -> Floats:
        return np.clip(10.0**coordinate, self.low, self.high)

    @property
    def _optuna(self) -> tuple[str, dict[str, Any]]:
        return "float", {"low": self.low, "high": self.high, "log": True}


@SCALES.add()
class OneMinusLog(Interval):
    """Numbers 1 - 10^r below 1 with r spread evenly: the decays of running means, such as Adam's betas.

    A mean of decay b is one over about the last 1 / (1 - b) values, and these numbers are spread as by `Log`.

    Args:
        low: The least, at least 0.
        high: The greatest, less than 1.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is out of its range, or `low` not less than `high`.

    Example:
        >>> import fastopt as fo
        >>> [round(beta, 6) for beta in fo.search.OneMinusLog(0.9, 0.999).levels(5)]
        [0.9, 0.968377, 0.99, 0.996838, 0.999]
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = checks.real("low", low, 0.0, 1.0), checks.real("high", high, 0.0, 1.0)
        _rising(self.low, self.high)

    def _coordinate(self, value: float) -> float:
        return -math.log10(1.0 - value)

    def _number(self, coordinate: Floats) -> Floats:
        return np.clip(1.0 - 10.0**-coordinate, self.low, self.high)

    def suggest(self, trial: Any, name: str) -> float:
        """Return the value that a trial of Optuna has for this hyperparameter: the study keeps ``"1 - name"``."""
        return 1.0 - float(super().suggest(trial, f"1 - {name}"))

    @property
    def _optuna(self) -> tuple[str, dict[str, Any]]:
        return "float", {"low": 1.0 - self.high, "high": 1.0 - self.low, "log": True}


@SCALES.add()
class Integer(Interval):
    """Whole numbers between two others: layers, units, epochs.

    Args:
        low: The least.
        high: The greatest, which is one of them.
        log: Whether their logarithms are spread evenly, as those of units from 16 to 1024; then `low` is at least 1.

    Raises:
        TypeError: An argument is not an integer, or `log` not a bool.
        ValueError: `low` is not less than `high`, or less than 1 with `log`.

    Example:
        >>> import fastopt as fo
        >>> fo.search.Integer(1, 3).levels(10), fo.search.Integer(16, 1024, log=True).value(0.5)
        ([1, 2, 3], 126)
    """

    def __init__(self, low: int, high: int, log: bool = False) -> None:
        self.log = checks.flag("log", log)
        self.low, self.high = (
            checks.integer(name, given, 1 if self.log else -(2**53), 2**53)
            for name, given in (("low", low), ("high", high))
        )
        _rising(self.low, self.high)

    def position(self, value: Any) -> float:
        """Return the position of an integer, from 0 to 1."""
        return super().position(checks.integer("value", value, -checks.SIZE, checks.SIZE))

    def _values(self, positions: Floats) -> NDArray[Any]:
        return super()._values(positions).astype(np.int64)

    @property
    def _ends(self) -> tuple[float, float]:
        return self._coordinate(self.low - 0.5), self._coordinate(self.high + 0.5)  # of which each has its share

    def _coordinate(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _number(self, coordinate: Floats) -> Floats:
        return np.clip(np.floor((10.0**coordinate if self.log else coordinate) + 0.5), self.low, self.high)

    @property
    def _optuna(self) -> tuple[str, dict[str, Any]]:
        return "int", {"low": self.low, "high": self.high, "log": self.log}


@SCALES.add()
class Choice(Scale):
    """One of several values of any kind, each as often as the others; they have no order.

    Args:
        values: The values, at least one.

    Raises:
        TypeError: `values` is not a list.
        ValueError: It is empty.

    Example:
        >>> import fastopt as fo
        >>> fo.search.Choice(["relu", "tanh"]).value(0.75)
        'tanh'
    """

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = checks.items("values", values)
        if not self.values:
            raise ValueError("values must hold at least one value to choose from.")

    def position(self, value: Any) -> float:
        """Return the position of one of the values, from 0 to 1: the middle of its share."""
        for i, other in enumerate(self.values):
            if other is value or (type(other) is type(value) and other == value):
                return (i + 0.5) / len(self.values)
        raise ValueError(f"value must be one of {', '.join(map(repr, self.values))}, not {value!r}.")

    def value(self, position: float) -> Any:
        """Return the value at a position from 0 to 1."""
        return self.values[int(self._index(np.array(_position(position))))]

    def levels(self, count: int) -> list[Any]:
        """Return all values, whatever `count` is."""
        checks.integer("count", count, 1, 2**31)
        return list(self.values)

    def suggest(self, trial: Any, name: str) -> Any:
        """Return the value that a trial of Optuna has; it keeps the text of values that are not plain."""
        return self.values[self._labels.index(super().suggest(trial, name))]

    def _values(self, positions: Floats) -> NDArray[Any]:
        found = np.empty(positions.shape, object)
        for place, index in np.ndenumerate(self._index(positions)):
            found[place] = self.values[index]
        return found

    def _index(self, positions: Floats) -> NDArray[np.int64]:
        return np.minimum(positions * len(self.values), len(self.values) - 1).astype(np.int64)

    @property
    def _labels(self) -> list[Any]:
        plain = all(isinstance(value, PLAIN) for value in self.values)
        return self.values if plain else list(map(repr, self.values))

    @property
    def _optuna(self) -> tuple[str, dict[str, Any]]:
        return "categorical", {"choices": self._labels}


def _position(value: object) -> float:
    number = checks.real("position", value)
    if not 0 <= number <= 1:
        raise ValueError(f"position must be from 0 to 1, not {value!r}.")
    return number


def described(scale: Scale, plain: Any) -> dict[str, Any]:
    """Return what `SCALES.resolve` makes the scale of again, with `plain` of each argument."""
    config = {name: plain(getattr(scale, name)) for name in arguments_of(type(scale))}
    return {"class": type(scale).__name__, "config": config}


def checked_space(space: object) -> dict[str, Scale]:
    """Return a space: a scale for each name of a hyperparameter; a list is a choice."""
    if not isinstance(space, Mapping):
        raise TypeError(f"space must be a dict of scales, such as {{'rate': Log(1e-4, 1.0)}}, not {space!r}.")
    if not space:
        raise ValueError("space must have at least one hyperparameter.")
    result: dict[str, Scale] = {}
    for name, scale in space.items():
        if not isinstance(name, str):
            raise TypeError(f"space must have names of hyperparameters as its keys, not {name!r}.")
        if isinstance(scale, list | range):
            scale = Choice(scale)
        if not isinstance(scale, Scale):
            raise TypeError(
                f"space[{name!r}] must be a scale of fastopt.search, or a list to choose from, not {scale!r}."
            )
        result[name] = scale
    return result
