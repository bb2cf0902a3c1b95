"""Numbers that change as training goes: learning rates, momenta, batch sizes.

A schedule is a function of t, the number of steps that the optimizer has done, or, with ``per="epoch"``, of the number
of epochs that the model has been trained for. Any hyperparameter of an optimizer may be one, and so may the batch size
of `Sequential.fit`; they go on where they were when training does. Plain functions of the step serve as well, but a
model whose optimizer has one cannot be saved.

Example:
    >>> import numpy as np, fastopt as fo
    >>> rate = fo.schedules.Warmup(fo.schedules.Cosine(0.1, steps=50), steps=10)
    >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
    >>> model.compile(fo.optimizers.SGD(rate, momentum=lambda step: 0.9 - 0.4 / (1 + step)), "mse")
    >>> history = model.fit(np.eye(4), np.arange(4), batch_size=2, epochs=30, verbose=0)
    >>> model.optimizer.step, model.optimizer.hyper["learning_rate"]
    (60, 0.0)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.axes import new_axes
from fastopt.core.registry import Described, Registry, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Constant",
    "ConstantWarmup",
    "Cosine",
    "CosineLog",
    "CosineRestarts",
    "Exponential",
    "FlatCosine",
    "InverseSqrt",
    "InverseTime",
    "LinearDecay",
    "OneCycle",
    "Piecewise",
    "Polynomial",
    "PowerDecay",
    "Schedule",
    "SineDecay",
    "Staircase",
    "Warmup",
]

LATEST = 2**53  # up to here every integer is a float

Rate = float | Callable[[int], float]
Floats = NDArray[np.float64]


class Schedule(Described):
    """The base of all schedules: a function of the integer t >= 0, whose value is the same whenever it is called.

    So its attributes are set once, and optimizers ask for the values of many steps at a time. One of your own overrides
    `formula` and, if it counts epochs, sets ``per``; models with one cannot be saved.

    Attributes:
        per: What t counts: ``"step"`` or ``"epoch"``.

    Example:
        >>> import fastopt as fo
        >>> class Halved(fo.schedules.Schedule):
        ...     def formula(self, t):
        ...         return 0.5**t
        >>> Halved()(3)
        0.125
    """

    per: str = "step"

    def __setattr__(self, name: str, value: object) -> None:
        if name in vars(self) and not name.startswith("_"):
            raise AttributeError(f"{self!r} is a value that may be in use; make another to change the {name}.")
        super().__setattr__(name, value)

    def __call__(self, t: int) -> float:
        """Return the value at t.

        Args:
            t: The number of steps or epochs done, from 0.

        Raises:
            TypeError: `t` is not an integer.
            ValueError: `t` is negative.
        """
        return float(values(self, np.array([checks.integer("t", t, 0, LATEST)], np.float64))[0])

    def formula(self, t: Floats) -> Floats:
        """Return the values at times that do not fall, ``[n]``: whole numbers, at least 0."""
        raise NotImplementedError

    def plot(self, stop: int | None = None, ax: "Axes | None" = None, label: str = "learning rate") -> "Axes":
        """Draw the schedule with matplotlib.

        Args:
            stop: The time up to which it is drawn, at least 1; by default about as far as it changes.
            ax: The axes to draw on; None makes new ones.
            label: What the vertical axis is called.

        Returns:
            The axes.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: `stop` is less than 1.

        Example:
            >>> import fastopt as fo
            >>> axes = fo.schedules.Cosine(0.1, steps=1000).plot()  # doctest: +SKIP
            >>> axes.figure.savefig("cosine.png")  # doctest: +SKIP
        """
        t = np.arange(1 + checks.integer("stop", self._span() if stop is None else stop, 1), dtype=np.float64)
        ax = new_axes(6.4, 3.6) if ax is None else ax
        drawn = values(self, t)
        ax.plot(t, drawn, drawstyle="steps-post" if self.per == "epoch" else "default", linewidth=2)
        ax.set_xlabel(self.per)
        ax.set_ylabel(label)
        ax.set_title(repr(self), fontsize="medium", wrap=True)
        ax.set_xlim(0, t[-1])
        ax.set_ylim(0, 1.05 * drawn.max() or 1.0)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def _span(self) -> int:
        return round(1.2 * getattr(self, "steps", 100)) or 1


SCHEDULES = Registry("schedule", Schedule)


def values(rate: Rate, t: Floats) -> Floats:
    """Return the values of a number, a function or a schedule at times that do not fall, ``[n]``."""
    if isinstance(rate, Schedule):
        with np.errstate(over="ignore"):
            return rate.formula(t)
    if callable(rate):
        return np.array([checks.real(f"The value at step {int(n)}", rate(int(n))) for n in t])
    return np.full_like(t, rate)


def unit(rate: Rate) -> str:
    """Return what the time of a number, a function or a schedule counts."""
    return rate.per if isinstance(rate, Schedule) else "step"


def from_description(name: str, given: Any) -> Any:
    """Return the schedule for what `describe` returned, and anything else as it is; `name` is that of the argument."""
    return SCHEDULES.resolve(given, name) if isinstance(given, Mapping) else given


def _per(given: str) -> str:
    return word("per", given, ("step", "epoch"))


def _duration(name: str, given: int) -> int:
    return checks.integer(name, given, 1, LATEST)


def _left(t: Floats, steps: int) -> Floats:
    """Return the part of `steps` that is left, from 1 to 0."""
    return 1.0 - np.minimum(t / steps, 1.0)


def _between(initial: float, final: float, left: Floats) -> Floats:
    """Return `initial` where all is left, `final` where nothing is, and what lies between them elsewhere."""
    return initial * left + final * (1.0 - left)


@SCHEDULES.add()
class Constant(Schedule):
    """The same value always: a(t) = value.

    Args:
        value: At least 0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Example:
        >>> import fastopt as fo
        >>> fo.schedules.Constant(0.1)(1000)
        0.1
    """

    def __init__(self, value: float, per: str = "step") -> None:
        self.value = checks.real("value", value, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return np.full_like(t, self.value)


@SCHEDULES.add()
class InverseTime(Schedule):
    """Falls as the inverse of the time: a(t) = a0 / (1 + k t).

    Args:
        initial: a0, at least 0.
        k: At least 0; after 1 / k steps half of a0 is left.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Robbins and Monro, A stochastic approximation method, Annals of Mathematical Statistics 22, 1951.

    Example:
        >>> import fastopt as fo
        >>> fo.schedules.InverseTime(0.1, k=0.01)(100)
        0.05
    """

    def __init__(self, initial: float, k: float, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.k = checks.real("k", k, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return self.initial / (1.0 + self.k * t)

    def _span(self) -> int:
        return math.ceil(min(9.0 / self.k, 1e6)) if self.k else 100


@SCHEDULES.add()
class Exponential(Schedule):
    """Changes by the same factor each time: a(t) = a0 e^(-k t), or a(t) = a0 decay^t.

    Args:
        initial: a0, at least 0.
        k: Any number; below 0 the value grows. Give either this or `decay`.
        decay: More than 0; above 1 the value grows.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range, or not exactly one of `k` and `decay` is given.

    Source:
        Bengio, Practical recommendations for gradient-based training of deep architectures, in Neural Networks: Tricks
        of the Trade, 2012, arXiv:1206.5533, on how such schedules compare.

    Example:
        >>> import fastopt as fo
        >>> round(fo.schedules.Exponential(0.1, decay=0.95, per="epoch")(1), 6)
        0.095
        >>> round(fo.schedules.Exponential(1.0, k=0.01)(100), 6)
        0.367879
    """

    def __init__(self, initial: float, k: float | None = None, decay: float | None = None, per: str = "step") -> None:
        if (k is None) == (decay is None):
            raise ValueError(f"Give either k or decay; k is {k!r} and decay is {decay!r}.")
        self.initial = checks.real("initial", initial, 0.0)
        self.k, self.decay = k, decay
        self._k = checks.real("k", k) if decay is None else -math.log(checks.real("decay", decay, 0.0, above=True))
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return self.initial * np.exp(-self._k * t)

    def _span(self) -> int:
        return math.ceil(min(4.0 / abs(self._k), 1e6)) if self._k else 100


@SCHEDULES.add()
class InverseSqrt(Schedule):
    """Falls as the inverse root of the time: a(t) = a0 k / sqrt(t + 1), so that the first step has a0 k.

    Args:
        initial: a0, at least 0.
        k: A factor, at least 0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Zinkevich, Online convex programming and generalized infinitesimal gradient ascent, ICML 2003, where steps are
        counted from 1.

    Example:
        >>> import fastopt as fo
        >>> fo.schedules.InverseSqrt(0.5, k=2)(99)
        0.1
    """

    def __init__(self, initial: float, k: float = 1.0, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.k = checks.real("k", k, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return self.initial * self.k / np.sqrt(t + 1.0)


@SCHEDULES.add()
class Staircase(Schedule):
    """Changes by a factor at regular times: a(t) = a0 factor^floor(t / every).

    Args:
        initial: a0, at least 0.
        factor: More than 0: 0.5 halves; above 1 the value grows.
        every: How many steps or epochs each stair is long, at least 1.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016, arXiv:1512.03385, with a tenth.

    Example:
        >>> import fastopt as fo
        >>> halved = fo.schedules.Staircase(0.8, factor=0.5, every=5, per="epoch")
        >>> halved(4), halved(5), halved(10)
        (0.8, 0.4, 0.2)
        >>> fo.schedules.Staircase(1.0, factor=0.1, every=20, per="epoch")(20)
        0.1
    """

    def __init__(self, initial: float, factor: float, every: int, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.factor = checks.real("factor", factor, 0.0, above=True)
        self.every = _duration("every", every)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return self.initial * np.power(self.factor, t // self.every)

    def _span(self) -> int:
        return 6 * self.every


@SCHEDULES.add()
class Piecewise(Schedule):
    """Constant between boundaries: a(t) = values[i] for boundaries[i - 1] <= t < boundaries[i].

    Args:
        boundaries: The times at which the value changes: increasing, at least 1.
        values: One more than `boundaries`, each at least 0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range, the boundaries do not increase, or the numbers do not fit.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.Piecewise([30, 60], [0.1, 0.01, 0.001], per="epoch")
        >>> rate(29), rate(30), rate(60)
        (0.1, 0.01, 0.001)
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float], per: str = "step") -> None:
        self.boundaries = tuple(
            _duration(f"boundaries[{i}]", b) for i, b in enumerate(checks.items("boundaries", boundaries))
        )
        self.values = tuple(checks.real(f"values[{i}]", v, 0.0) for i, v in enumerate(checks.items("values", values)))
        if any(b <= a for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"boundaries must increase: {self.boundaries}.")
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{len(self.boundaries)} boundaries need {len(self.boundaries) + 1} values, not {len(self.values)}."
            )
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return np.array(self.values)[np.searchsorted(np.array(self.boundaries), t, side="right")]

    def _span(self) -> int:
        return math.ceil(1.3 * max(self.boundaries, default=100))


@SCHEDULES.add()
class LinearDecay(Schedule):
    """A straight line to the final value, and flat from there: a(t) = (1 - s) a0 + s a1 with s = min(t / steps, 1).

    Args:
        initial: a0, at least 0.
        steps: How many steps or epochs the line is long, at least 1.
        final: a1, at least 0; None is 1 % of a0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Goodfellow, Bengio and Courville, Deep Learning, 2016, equation 8.14.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.LinearDecay(0.5, steps=100)
        >>> rate(0), rate(100), rate(1000)
        (0.5, 0.005, 0.005)
    """

    def __init__(self, initial: float, steps: int, final: float | None = None, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.steps = _duration("steps", steps)
        self.final = None if final is None else checks.real("final", final, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        final = self.initial / 100.0 if self.final is None else self.final
        return _between(self.initial, final, _left(t, self.steps))


@SCHEDULES.add()
class Polynomial(Schedule):
    """A power of the time left: a(t) = a1 + (a0 - a1) (1 - min(t / steps, 1))^power.

    Args:
        initial: a0, at least 0.
        steps: How many steps or epochs it takes, at least 1; the value is flat from there.
        power: More than 0; 1 is a straight line, above it the value falls fast at first.
        final: a1, at least 0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Chen, Papandreou, Kokkinos, Murphy and Yuille, DeepLab, IEEE TPAMI 40, 2018, arXiv:1606.00915, with power 0.9.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.Polynomial(0.4, steps=100, power=2)
        >>> rate(0), rate(50), rate(100)
        (0.4, 0.1, 0.0)
    """

    def __init__(self, initial: float, steps: int, power: float = 1.0, final: float = 0.0, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.steps = _duration("steps", steps)
        self.power = checks.real("power", power, 0.0, above=True)
        self.final = checks.real("final", final, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return _between(self.initial, self.final, np.power(_left(t, self.steps), self.power))


@SCHEDULES.add()
class Cosine(Schedule):
    """Half a wave: a(t) = a1 + (a0 - a1) (1 + cos(pi min(t / steps, 1))) / 2.

    Args:
        initial: a0, at least 0.
        steps: How many steps or epochs it takes, at least 1; the value is flat from there.
        final: a1, at least 0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, arXiv:1608.03983.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.Cosine(0.1, steps=100)
        >>> rate(0), round(rate(50), 6), rate(100)
        (0.1, 0.05, 0.0)
    """

    def __init__(self, initial: float, steps: int, final: float = 0.0, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.steps = _duration("steps", steps)
        self.final = checks.real("final", final, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return _between(self.initial, self.final, 0.5 + 0.5 * np.cos(np.pi * np.minimum(t / self.steps, 1.0)))


@SCHEDULES.add()
class FlatCosine(Schedule):
    """Flat, then half a wave: a(t) = a0 up to t = flat steps; from there to a1 at `steps` as `Cosine`.

    Args:
        initial: a0, at least 0.
        steps: How many steps or epochs it takes, at least 1; the value is flat again from there.
        final: a1, at least 0.
        flat: Which part of the steps the value stays a0, at least 0 and less than 1.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
        data, NeurIPS 2024, arXiv:2407.04491, for dropout and weight decay.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.FlatCosine(0.1, steps=100)
        >>> rate(0), rate(50), round(rate(75), 6), rate(100)
        (0.1, 0.1, 0.05, 0.0)
    """

    def __init__(self, initial: float, steps: int, final: float = 0.0, flat: float = 0.5, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.steps = _duration("steps", steps)
        self.final = checks.real("final", final, 0.0)
        self.flat = checks.real("flat", flat, 0.0, 1.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        part = np.clip((t / self.steps - self.flat) / (1.0 - self.flat), 0.0, 1.0)
        return _between(self.initial, self.final, 0.5 + 0.5 * np.cos(np.pi * part))


@SCHEDULES.add()
class CosineLog(Schedule):
    """Whole waves, each twice as long as the one before: a(t) = a0 (1 - cos(2 pi log2(1 + (2^c - 1) t / steps))) / 2.

    It begins and ends at 0, and is 0 between the c waves, whose top is a0.

    Args:
        initial: a0, at least 0.
        steps: How many steps or epochs it takes, at least 1; the value is 0 from there.
        cycles: c, at least 1.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
        data, NeurIPS 2024, arXiv:2407.04491: ``coslog4``.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.CosineLog(0.1, steps=150, cycles=4)
        >>> [round(rate(t), 6) for t in (0, 10, 30, 70, 150)]
        [0.0, 0.0, 0.0, 0.0, 0.0]
        >>> round(max(map(rate, range(150))), 4)
        0.1
    """

    def __init__(self, initial: float, steps: int, cycles: int = 4, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.steps = _duration("steps", steps)
        self.cycles = checks.integer("cycles", cycles, 1, 53)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        waves = np.log2(1.0 + (2.0**self.cycles - 1.0) * np.minimum(t / self.steps, 1.0))
        return self.initial * (0.5 - 0.5 * np.cos(2.0 * np.pi * waves))


@SCHEDULES.add()
class CosineRestarts(Schedule):
    """Half waves, each begun anew: a(t) = a1 + (a0 - a1) (1 + cos(pi c / T_i)) / 2, c steps after the i-th restart.

    The first half wave is T_0 = `steps` long, each further one T_i = growth T_(i-1).

    Args:
        initial: a0, at least 0.
        steps: How many steps or epochs the first half wave is long, at least 1.
        growth: How many times as long each one is as the one before, at least 1, a whole number.
        final: a1, at least 0.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, arXiv:1608.03983.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.CosineRestarts(0.1, steps=10, growth=2)
        >>> [round(rate(t), 6) for t in (0, 5, 10, 20, 30)]
        [0.1, 0.05, 0.1, 0.05, 0.1]
    """

    def __init__(self, initial: float, steps: int, growth: int = 1, final: float = 0.0, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0)
        self.steps = _duration("steps", steps)
        self.growth = _duration("growth", growth)
        self.final = checks.real("final", final, 0.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        since, length = t % self.steps, np.full_like(t, self.steps)
        if self.growth > 1:
            restarts = [0.0]
            while restarts[-1] <= t.max(initial=0.0):
                restarts.append(restarts[-1] * self.growth + self.steps)
            i = np.searchsorted(restarts, t, side="right")
            since, length = t - np.take(restarts, i - 1), np.take(np.diff(restarts), i - 1)
        return _between(self.initial, self.final, 0.5 + 0.5 * np.cos(np.pi * since / length))

    def _span(self) -> int:
        return self.steps * (1 + self.growth + self.growth**2)


@SCHEDULES.add()
class OneCycle(Schedule):
    """Up and down once: straight lines from a0 to the peak, back to a0 in the same time, and on to a1 in the last part.

    a0 at 0, peak at (1 - tail) / 2 steps, a0 at (1 - tail) steps, a1 from `steps` on. For a momentum, which goes the
    other way, the peak is below a0.

    Args:
        peak: At least 0.
        steps: How many steps or epochs it takes, at least 1.
        initial: a0, at least 0; None is a tenth of the peak.
        final: a1, at least 0; None is a hundredth of a0.
        tail: Which part of the steps the last line takes, at least 0 and less than 1.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Smith, A disciplined approach to neural network hyper-parameters: part 1, 2018, arXiv:1803.09820; Smith and
        Topin, Super-convergence: very fast training of neural networks using large learning rates, 2017,
        arXiv:1708.07120.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.OneCycle(1.0, steps=100, tail=0.2)
        >>> rate(0), rate(40), rate(80), rate(100)
        (0.1, 1.0, 0.1, 0.001)
        >>> momentum = fo.schedules.OneCycle(0.85, steps=100, initial=0.95, final=0.95, tail=0.2)
        >>> momentum(0), momentum(40), momentum(80), momentum(100)
        (0.95, 0.85, 0.95, 0.95)
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        initial: float | None = None,
        final: float | None = None,
        tail: float = 0.1,
        per: str = "step",
    ) -> None:
        self.peak = checks.real("peak", peak, 0.0)
        self.steps = _duration("steps", steps)
        self.initial = None if initial is None else checks.real("initial", initial, 0.0)
        self.final = None if final is None else checks.real("final", final, 0.0)
        self.tail = checks.real("tail", tail, 0.0, 1.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        low = self.peak / 10.0 if self.initial is None else self.initial
        final = low / 100.0 if self.final is None else self.final
        cycle = (1.0 - self.tail) * self.steps
        return np.interp(t, [0.0, cycle / 2.0, cycle, self.steps], [low, self.peak, low, final])


@SCHEDULES.add()
class SineDecay(Schedule):
    """Each value is the sine of the one before: a(t + 1) = sin a(t), close to a0 / sqrt(1 + a0^2 t / 3).

    It falls slowly, the more so the smaller it is, and follows a warm-up: ``Warmup(SineDecay(0.1), 500)``. A part of a
    wave over some steps is `Cosine`.

    Args:
        initial: a0, at least 0 and less than pi.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        N. G. de Bruijn, Asymptotic Methods in Analysis, 1958, chapter 8, on the iterated sine.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.SineDecay(0.5)
        >>> [round(rate(t), 6) for t in (0, 1, 2)]
        [0.5, 0.479426, 0.46127]
    """

    def __init__(self, initial: float, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0, math.pi)
        self.per = _per(per)
        self._last = (0.0, self.initial)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        result = np.empty_like(t)
        # Goes on from the beginning of the last call, so that a training calls the sine twice a step.
        time, value = self._last
        for i, wanted in enumerate(t.tolist()):
            if wanted < time:
                time, value = 0.0, self.initial
            while time < wanted:
                time, value = time + 1.0, math.sin(value)
            result[i] = value
            if i == 0:
                self._last = (time, value)
        return result

    def _span(self) -> int:
        return math.ceil(min(30.0 / self.initial**2, 1e6)) if self.initial else 100


@SCHEDULES.add()
class PowerDecay(Schedule):
    """Each value is a power of the one before: a(t + 1) = a(t)^p, so that a(t) = a0^(p^t).

    It falls slowly at first and ever faster, and follows a warm-up: ``Warmup(PowerDecay(0.1), 500)``. Powers of the
    time are `Polynomial` and `InverseSqrt`.

    Args:
        initial: a0, at least 0 and less than 1.
        power: p, at least 1.
        per: What t counts, ``"step"`` or ``"epoch"``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.PowerDecay(0.1, power=2, per="epoch")
        >>> [round(rate(t), 6) for t in (0, 1, 2)]
        [0.1, 0.01, 0.0001]
    """

    def __init__(self, initial: float, power: float = 1.0001, per: str = "step") -> None:
        self.initial = checks.real("initial", initial, 0.0, 1.0)
        self.power = checks.real("power", power, 1.0)
        self.per = _per(per)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        return np.power(self.initial, np.power(self.power, t))

    def _span(self) -> int:
        return math.ceil(min(math.log(3.0) / math.log(self.power), 1e6)) if self.power > 1.0 else 100


class _AfterWarmup(Schedule):
    """A schedule whose time begins when a warm-up of some steps has ended; the warm-up counts what it does."""

    def __init__(self, schedule: Rate, steps: int, low: float) -> None:
        given = from_description("schedule", schedule)
        self.schedule: Rate = given if callable(given) else checks.real("schedule", given, 0.0)
        self.steps = _duration("steps", steps)
        self.low = checks.real("low", low, 0.0)
        self.per = unit(self.schedule)

    def formula(self, t: Floats) -> Floats:
        """Return the values at the times t."""
        first = self.warm(t, values(self.schedule, np.zeros(1)))
        return np.where(t < self.steps, first, values(self.schedule, np.maximum(t - self.steps, 0.0)))

    def warm(self, t: Floats, goal: Floats) -> Floats:
        """Return the values of the warm-up, after which `goal` is the first one."""
        raise NotImplementedError

    def _span(self) -> int:
        after = self.schedule._span() if isinstance(self.schedule, Schedule) else 4 * self.steps
        return self.steps + after


@SCHEDULES.add()
class ConstantWarmup(_AfterWarmup):
    """A low value for some steps, then another schedule: a(t) = low for t < steps, then b(t - steps).

    `callbacks.WarmupUntil` waits for the training error instead.

    Args:
        schedule: b: a schedule, a number, or a function of the step.
        steps: How many steps, or epochs if the schedule counts them, are warm-up: at least 1.
        low: At least 0.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016, arXiv:1512.03385, section 4.2.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.ConstantWarmup(0.1, steps=400, low=0.01)
        >>> rate(0), rate(399), rate(400)
        (0.01, 0.01, 0.1)
    """

    def __init__(self, schedule: Rate, steps: int, low: float) -> None:
        super().__init__(schedule, steps, low)

    def warm(self, t: Floats, goal: Floats) -> Floats:
        """Return the low value."""
        return np.full_like(t, self.low)


@SCHEDULES.add()
class Warmup(_AfterWarmup):
    """A straight line up to the beginning of another schedule: a(t) = low + (b(0) - low) t / steps, then b(t - steps).

    Args:
        schedule: b: a schedule, a number, or a function of the step.
        steps: How many steps, or epochs if the schedule counts them, are warm-up: at least 1.
        low: The first value, at least 0. While the rate is 0 nothing is learnt: where the schedule counts epochs, give
            a higher one.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017, arXiv:1706.02677.

    Example:
        >>> import fastopt as fo
        >>> rate = fo.schedules.Warmup(fo.schedules.Cosine(0.4, steps=100), steps=20)
        >>> rate(0), rate(5), rate(20), rate(120)
        (0.0, 0.1, 0.4, 0.0)
    """

    def __init__(self, schedule: Rate, steps: int, low: float = 0.0) -> None:
        super().__init__(schedule, steps, low)

    def warm(self, t: Floats, goal: Floats) -> Floats:
        """Return the line."""
        return self.low + (goal - self.low) * (t / self.steps)
