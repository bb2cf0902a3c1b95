"""What may surround any update rule, in the same pass over the parameters.

How they are nested does not matter: the core does all in one order. Gradients are taken where `SAM` says, accumulated,
clipped by norms, then by value, and then L1 and L2 are added to them; `Cautious` masks the step of the rule, and not
decoupled decay; the way back of `Lookahead` comes after it, and `Average` last. Optimizers that differ in the nesting
alone are equal, and `repr` shows them alike: what acts on gradients first is furthest outside, and around it what acts
on the parameters last.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.registry import Described
from fastopt.optimizers.base import OPTIMIZERS, Optimizer
from fastopt.optimizers.describe import (
    ASCENTS,
    MASKABLE,
    Argument,
    Description,
    Flag,
    Hyperparameter,
    Integer,
    Names,
    Numbers,
    OptionalHyperparameter,
    Settings,
    When,
)
from fastopt.optimizers.patterns import check_used, checked_patterns, patterns_of
from fastopt.optimizers.sequence import Sequence

__all__ = [
    "SAM",
    "Accumulate",
    "Average",
    "Cautious",
    "Clip",
    "Decay",
    "LayerRates",
    "Lookahead",
    "Transform",
]


class Inner(Argument["str | Optimizer", Optimizer]):
    """The optimizer that another one surrounds."""

    annotation = str | Optimizer

    def check(self, given: str | Optimizer) -> Optimizer:
        """Return the object."""
        if isinstance(given, Described) and not isinstance(given, Optimizer):
            raise TypeError(f"{given!r} is no optimizer: solvers go by the cost itself and take no transforms.")
        return OPTIMIZERS.resolve(given, self.name)


class Transform(Optimizer):
    """The base of what surrounds an optimizer.

    In which order several are nested does not matter, and `repr` prints the order in which they act: outermost what
    comes last after the step, then what gets the gradients first.

    Example:
        >>> import fastopt as fo
        >>> one = fo.optimizers.Decay(fo.optimizers.Clip("sgd", norm=1.0), l2=0.1)
        >>> one
        Clip(optimizer=Decay(optimizer=SGD(), l2=0.1), norm=1.0)
        >>> one == fo.optimizers.Clip(fo.optimizers.Decay("sgd", l2=0.1), norm=1.0)
        True
    """

    optimizer: Inner = Inner()

    def __post_init__(self) -> None:
        """Check that it is not there already."""
        if isinstance(self.optimizer, Sequence):
            raise TypeError(f"{type(self).__name__} surrounds one optimizer; let each of a Sequence have its own.")
        if any(type(part) is type(self) for part in self.optimizer.parts):
            raise ValueError(f"{self.optimizer!r} has a {type(self).__name__} already.")
        rule = self.parts[-1]
        for name in self.own_transforms():
            if name in rule.refused:
                raise ValueError(f"{type(self).__name__} makes no sense around {rule!r}: {rule.refused[name]}.")

    @property
    def parts(self) -> list[Description]:
        """This transform and what it surrounds."""
        return [self, *self.optimizer.parts]

    def _layers(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the names of the parts but the rule, in the order in which they are printed, with their arguments."""
        places: dict[type, int] = {cls: place for place, cls in enumerate(NESTING)}
        parts = sorted(self.parts[:-1], key=lambda part: places.get(type(part), len(places)))
        layers = ((type(part).__name__, part._changed) for part in parts)
        return [(name, {key: value for key, value in own.items() if key != "optimizer"}) for name, own in layers]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transform):
            return False
        return self.parts[-1] == other.parts[-1] and self._layers() == other._layers()

    def __hash__(self) -> int:
        return hash(self.parts[-1])

    def __repr__(self) -> str:
        text = repr(self.parts[-1])
        for name, own in reversed(self._layers()):
            text = f"{name}({', '.join([f'optimizer={text}', *(f'{key}={value!r}' for key, value in own.items())])})"
        return text


# What a model may lack and yet be named, as it is by default.
CONVENTIONAL = ("bias", "gamma", "beta")


class Patterns(Argument[Names, tuple[str, ...]]):
    """Names of parameters or whole parts of them."""

    annotation = Names

    def check(self, given: Names) -> tuple[str, ...]:
        """Return the names."""
        if isinstance(given, str):
            raise TypeError(f"{self.name} must be a list of names, such as [{given!r}].")
        given = checks.items(self.name, given)
        checked_patterns(given)
        return tuple(given)


class Factors(Argument[Mapping[str, float], dict[str, float]]):
    """Factors by names of parameters or whole parts of them."""

    annotation = Mapping[str, float]

    def check(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return the factors as floats."""
        if not isinstance(given, Mapping):
            raise TypeError(f"{self.name} must be a dict of names and factors, not {given!r}.")
        checked_patterns(given)
        return {name: checks.real(f"{self.name}[{name!r}]", rate, 0.0) for name, rate in given.items()}


class OptionalFactors(Factors):
    """Factors, or None for none."""

    annotation = Mapping[str, float] | None

    def check(self, given: Mapping[str, float] | None) -> Any:
        """Return the factors as floats."""
        return None if given is None else super().check(given)


def _factors(argument: str, given: Mapping[str, float], names: Names) -> list[float]:
    """Return the factor of each parameter: the last that fits it, 1 where none does."""
    check_used(argument, given, names)
    places = {pattern: i for i, pattern in enumerate(given)}
    factors = [*given.values(), 1.0]  # the last for what is not named
    return [
        factors[max((places[pattern] for pattern in patterns_of(name) if pattern in places), default=-1)]
        for name in names
    ]


@OPTIMIZERS.add()
class Accumulate(Transform):
    """Adds up the gradients of k batches and goes one step along their mean: a batch k times as large in little memory.

    Each counts by the number of its samples, as the last batch of an epoch may be smaller; on bare arrays all count
    alike.

    Steps, and schedules that count them, are those along the means. Gradients that wait for their step at the end of an
    epoch or of `fit` wait for the next.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        steps: k, at least 1.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([1.0]), fo.optimizers.Accumulate(fo.optimizers.SGD(0.5), steps=2)
        >>> for g in (1.0, 2.0):
        ...     sgd.update(w, np.array([g]))
        ...     print(w)
        [1.]
        [0.25]
    """

    steps: Integer = Integer(low=1)

    def own_transforms(self) -> list[str]:
        """Return ``"every"``."""
        return ["every"]

    def own_every(self) -> int:
        """Return `steps`."""
        return self.steps

    def own_numbers(self, when: When) -> Numbers:
        """Return `steps` at the last of so many gradients, and 0 at the others, which are added to it."""
        return {"every": np.where((when.gradients + 1) % self.steps, 0.0, float(self.steps))}


@OPTIMIZERS.add()
class Cautious(Transform):
    """Leaves out of each step what goes against the gradient, as the step of a rule with momentum may in places.

    With u the step that the rule would subtract and g the gradient that it is given, for each kernel, each bias, ...:
    u <- u 1[u g > 0] / max(k, 0.001), where k is the part of the elements with u g > 0. Decoupled decay is not masked.
    g is the gradient after `Clip`, with the terms of L1 and L2 of `Decay`.

    It takes memory for one more array like the parameters, and another pass over them.

    Args:
        optimizer: The name or the object of the optimizer that does the step. Its rule makes the step of each element
            of the gradients of that element, as all do but `Adafactor`, `Lamb`, `Muon`, `Prodigy`, `SOAP` and the
            Schedule-Free rules.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The rule makes its steps in another way.

    Source:
        Liang, Chen, Liu and Liu, Cautious optimizers: improving training with one line of code, arXiv:2411.16085.
        The factor is that of the authors' program for AdamW; the paper has size / (count + 1).

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.zeros(2), fo.optimizers.Cautious(fo.optimizers.SGD(1.0, momentum=0.5))
        >>> sgd.update(w, np.array([1.0, 1.0]))
        >>> w
        array([-1., -1.])
        >>> sgd.update(w, np.array([1.0, -0.25]))  # the momentum of the second outweighs its gradient
        >>> w
        array([-4., -1.])
    """

    def __post_init__(self) -> None:
        """Check that the rule has steps to be masked."""
        super().__post_init__()
        rule = self.parts[-1]
        if rule.rule not in MASKABLE:
            raise ValueError(
                f"Cautious makes no sense around {rule!r}: it masks steps that are made, for each element, of its "
                "gradients alone."
            )

    def own_transforms(self) -> list[str]:
        """Return ``"cautious"``."""
        return ["cautious"]

    def own_numbers(self, when: When) -> Numbers:
        """Return 1."""
        return {"cautious": 1.0}


@OPTIMIZERS.add()
class Clip(Transform):
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
        ValueError: An argument is out of its range, or none is given.

    Source:
        Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, sgd = np.array([3.0, 4.0]), fo.optimizers.Clip(fo.optimizers.SGD(1.0), global_norm=1.0)
        >>> sgd.update(w, w.copy())
        >>> w
        array([2.4, 3.2])
    """

    value: OptionalHyperparameter = OptionalHyperparameter(0.0, above=True)
    norm: OptionalHyperparameter = OptionalHyperparameter(0.0, above=True)
    global_norm: OptionalHyperparameter = OptionalHyperparameter(0.0, above=True)

    def __post_init__(self) -> None:
        """Check that there is a limit."""
        super().__post_init__()
        if not self._limits():
            raise ValueError("Clip needs a value, a norm or a global_norm.")

    def _limits(self) -> list[str]:
        return [name for name in ("value", "norm", "global_norm") if getattr(self, name) is not None]

    def own_transforms(self) -> list[str]:
        """Return ``"clip_value"``, ``"clip_norm"``, ``"clip_global_norm"``, as far as they are given."""
        return [f"clip_{name}" for name in self._limits()]

    def own_numbers(self, when: When) -> Numbers:
        """Return the limits."""
        return {f"clip_{name}": self.series(name, when) for name in self._limits()}


@OPTIMIZERS.add()
class Decay(Transform):
    """Lets the parameters decay: through the gradient, by L2 and L1, beside it, or by proximal steps.

    g <- g + l2 w + l1 sign(w) is the gradient with l2 |w|^2 / 2 + l1 |w|_1 added to the loss, whose report they do not
    change. Decoupled: w <- w - lr decoupled w with each step, added to the `weight_decay` of `AdamW`. That, and the one
    of `Lamb`, also leave out what `exclude` names.

    Proximal: w <- sign(w) max(|w| - lr proximal_l1, 0) after each step, so that parameters become 0 exactly and stay
    there while the pull of the loss is weaker; the gradient's sign(w) only goes to and fro about 0. The threshold is
    the learning rate times proximal_l1 for every element. With `SGD` that is the proximal gradient method (ISTA), which
    ends at the minimum of the loss + proximal_l1 |w|_1, or, as momentum mu makes the steps longer and not the
    threshold, + (1 - mu) proximal_l1 |w|_1. Rules that give each element a rate of its own, as Adam does, divide the
    gradient and not the threshold by it, as they do not with `decoupled`: with Adam an element stays 0 while its step
    is shorter than the threshold, whatever the scale of its gradient. It stands here, not among the regularizers of
    layers, as it is a part of the step and not of the loss.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        l1: At least 0.
        l2: At least 0.
        decoupled: At least 0.
        exclude: What does not decay: names of layers, of parameters, or of both (``"dense/kernel"``).
        proximal_l1: At least 0.
        factors: Factors of all these, at least 0, by names as those of `exclude`, or None for none; the last that fits
            a parameter is its factor, 1 where none does. Those of `LayerRates` multiply `decoupled` and `proximal_l1`
            as well.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range; or, when it is first used, no parameter has one of the names.
            ``"bias"``, ``"gamma"`` and ``"beta"`` may be missing.

    Source:
        Decoupled: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, arXiv:1711.05101. Proximal:
        Daubechies, Defrise and De Mol, An iterative thresholding algorithm for linear inverse problems with a sparsity
        constraint, Communications on Pure and Applied Mathematics 57, 2004.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> params = {"kernel": np.array([2.0]), "bias": np.array([2.0])}
        >>> zeros = {"kernel": np.zeros(1), "bias": np.zeros(1)}
        >>> fo.optimizers.Decay(fo.optimizers.SGD(0.5), l2=0.5).update(params, zeros)
        >>> params
        {'kernel': array([1.5]), 'bias': array([2.])}
    """

    l1: Hyperparameter = Hyperparameter(0.0, 0.0)
    l2: Hyperparameter = Hyperparameter(0.0, 0.0)
    decoupled: Hyperparameter = Hyperparameter(0.0, 0.0)
    exclude: Patterns = Patterns(CONVENTIONAL)
    proximal_l1: Hyperparameter = Hyperparameter(0.0, 0.0)
    factors: OptionalFactors = OptionalFactors(None)

    def own_transforms(self) -> list[str]:
        """Return ``"l1"``, ``"l2"``, ``"decay"`` and ``"proximal_l1"``."""
        return ["l1", "l2", "decay", "proximal_l1"]

    def own_settings(self, names: Names, settings: Settings) -> Settings:
        """Return the settings with the factors of decay, 0 where a name is excluded."""
        check_used("exclude", [pattern for pattern in self.exclude if pattern not in CONVENTIONAL], names)
        excluded, factors = set(self.exclude), _factors("factors", self.factors or {}, names)
        return [
            (rate, decay * factor if excluded.isdisjoint(patterns_of(name)) else 0.0)
            for name, (rate, decay), factor in zip(names, settings, factors, strict=True)
        ]

    def own_numbers(self, when: When) -> Numbers:
        """Return the decays."""
        own = {"l1": "l1", "l2": "l2", "decay": "decoupled", "proximal_l1": "proximal_l1"}
        return {name: self.series(attribute, when) for name, attribute in own.items()}


@OPTIMIZERS.add()
class LayerRates(Transform):
    """Multiplies the learning rate of layers or of single parameters; 0 leaves them as they are.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        rates: Factors, at least 0, by the names of layers, of parameters, or of both (``"dense/kernel"``); the last
            that fits a parameter is its factor, 1 where none does.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A factor is out of its range; or, when it is first used, no parameter has
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

    rates: Factors = Factors()

    def own_settings(self, names: Names, settings: Settings) -> Settings:
        """Return the settings with the factors."""
        factors = _factors("rates", self.rates, names)
        return [(rate * factor, decay) for (rate, decay), factor in zip(settings, factors, strict=True)]


@OPTIMIZERS.add()
class Lookahead(Transform):
    """Lets the optimizer run ahead for k steps and then goes back, to a point on the way that it has gone.

    slow <- slow + alpha (w - slow), w <- slow after every k steps; slow starts as w.

    Args:
        optimizer: The name or the object of the optimizer that does the steps; it keeps its slots.
        steps: k, at least 1.
        alpha: More than 0.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

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

    steps: Integer = Integer(5, low=1)
    alpha: Hyperparameter = Hyperparameter(0.5, 0.0, above=True)

    def own_transforms(self) -> list[str]:
        """Return ``"lookahead"``."""
        return ["lookahead"]

    def own_numbers(self, when: When) -> Numbers:
        """Return alpha at the steps that go back, 0 at the others."""
        return {"lookahead": np.where((when.updates + 1) % self.steps == 0, self.series("alpha", when), 0.0)}


@OPTIMIZERS.add()
class Average(Transform):
    """Keeps an average of the parameters along the way, which is often better than their last values.

    average <- average + r (w - average) after step t = 1, 2, ... of those after the first `start`, with r = 1 / t, the
    arithmetic mean, or, with a decay, r = 1 - decay; the first of them is taken whole. From zero, r = (1 - decay) /
    (1 - decay^t): the average v <- decay v + (1 - decay) w from v = 0, divided by what it is too small by, 1 - decay^t.
    It leans less on the first parameters, which the other keeps for about 1 / (1 - decay) steps.

    Args:
        optimizer: The name or the object of the optimizer that does the steps.
        decay: What an exponential average keeps at each step, at least 0 and less than 1; None for the arithmetic mean.
        start: The number of steps before the average begins, at least 0; until then it is the parameters themselves.
        from_zero: Whether the exponential average begins at zero and is corrected for it; the decay is a number then.

    Attributes:
        swapped: Whether the average is in the place of the parameters.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

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

    decay: OptionalHyperparameter = OptionalHyperparameter(0.0, 1.0)
    start: Integer = Integer(0)
    from_zero: Flag = Flag(False)

    def own_transforms(self) -> list[str]:
        """Return ``"average"``."""
        return ["average"]

    def own_numbers(self, when: When) -> Numbers:
        """Return the part of the parameters in the average."""
        count = np.maximum(when.updates + 1 - self.start, 1)
        if self.from_zero and not isinstance(self.decay, float):
            raise ValueError(f"from_zero needs a decay that is a number, such as 0.9, not {self.decay!r}.")
        part = 1 / count if self.decay is None else 1 - self.series("decay", when)
        return {"average": part / (1 - self.decay**count) if self.from_zero else np.where(count <= 1, 1.0, part)}


@OPTIMIZERS.add()
class SAM(Transform):
    """Sharpness-aware minimization: takes the gradient where the loss is highest nearby, and steps from where it is.

    e = rho g(w) / (|g(w)| + 1e-12), and the optimizer does its step at w along the gradient g(w + e) of the same batch.
    |g| is over all parameters that learn. Adaptive (ASAM), in which a scale of the weights does not matter:
    e = rho w^2 g(w) / (|w g(w)| + 1e-12), with a rho about ten times as large.

    Each batch goes through the model twice, which takes about twice the time, with the same noise of `Dropout` and the
    like. Losses and metrics are those of the first pass, at w, and so are the running statistics of batch
    normalisation. Regularizers of layers are a part of the loss in both; `Decay`, `Clip` and what else surrounds the
    rule have to do with the second gradient alone. In `Accumulate` each batch has an e of its own.

    Only `fit` and `train_on_batch` can do it: `update` and `apply_gradients` are given one gradient.

    Args:
        optimizer: The name or the object of the optimizer that does the step.
        rho: How far away, at least 0, which is the optimizer alone.
        adaptive: Whether e follows the size of each parameter.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of its range.

    Source:
        Foret, Kleiner, Mobahi and Neyshabur, Sharpness-aware minimization for efficiently improving generalization,
        ICLR 2021, arXiv:2010.01412. Adaptive: Kwon, Kim, Park and Choi, ASAM, ICML 2021, arXiv:2102.11600, without the
        constant that the authors add to |w|.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.SAM(fo.optimizers.SGD(0.1, momentum=0.9), rho=0.05), "mse")
        >>> history = model.fit(np.eye(4), np.arange(4), epochs=100, verbose=0)
        >>> bool(history.history["loss"][-1] < 0.1)
        True
    """

    rho: Hyperparameter = Hyperparameter(0.05)
    adaptive: Flag = Flag(False)

    def own_transforms(self) -> list[str]:
        """Return ``"ascent"`` or ``"adaptive_ascent"``."""
        return [ASCENTS[self.adaptive]]

    def own_numbers(self, when: When) -> Numbers:
        """Return rho."""
        return {ASCENTS[self.adaptive]: self.series("rho", when)}


# Others are printed between the rule and these.
NESTING = (Average, Lookahead, SAM, Accumulate, Clip, Decay, LayerRates, Cautious)
