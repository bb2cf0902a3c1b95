"""Whether a gradient is that of its function: a comparison with differences of the function's values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import plain
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.optimizers import SGD

__all__ = ["GradientCheck", "check_gradients", "check_gradients_of"]

Vector: TypeAlias = NDArray[np.float64]

LIMITS = {"great": 1e-7, "fine": 1e-5, "worry": 1e-3, "wrong": 1.0}
EPS = float(np.finfo(np.float64).eps)
KINK = 1e-3  # slopes on both sides differ by more than this part of the largest
SHOWN = 5


class Tensor(NamedTuple):
    """What was found of one tensor.

    Its name and number of parameters; how many were checked, and how many of these are at a kink; the norm of their
    gradient, its relative error, and the error that rounding alone can cause.
    """

    name: str
    size: int
    checked: int
    kinks: int
    norm: float
    error: float
    rounding: float

    @property
    def verdict(self) -> str:
        """``"great"``, ``"fine"``, ``"worry"`` or ``"wrong"``."""
        limits = LIMITS | {"fine": max(LIMITS["fine"], self.rounding)}
        return next(verdict for verdict, limit in limits.items() if self.error <= limit)


class Entry(NamedTuple):
    """One parameter, such as ``"dense/kernel[3, 2]"``, and its derivative in the gradient and by difference."""

    name: str
    gradient: float
    difference: float


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """What `check_gradients` found; printed, it is a table.

    Attributes:
        error: The relative error of all parameters that were checked.
        tensors: The same for each tensor: ``name, size, checked, kinks, norm, error, rounding`` and ``verdict``.
        worst: Up to five parameters that differ by more than rounding, the worst first: ``name, gradient, difference``.
    """

    error: float
    tensors: list[Tensor]
    worst: list[Entry]

    @property
    def verdict(self) -> str:
        """The verdict of the worst tensor: ``"great"``, ``"fine"``, ``"worry"`` or ``"wrong"``."""
        return max((tensor.verdict for tensor in self.tensors), key=list(LIMITS).index)

    @property
    def ok(self) -> bool:
        """Whether the verdict is great or fine."""
        return self.verdict in ("great", "fine")

    def __repr__(self) -> str:
        head = ("tensor", "checked", "|gradient|", "error", "rounding", "verdict")
        rows = [
            (t.name, _share(t), f"{t.norm:.2e}", f"{t.error:.1e}", f"{t.rounding:.1e}", t.verdict) for t in self.tensors
        ]
        lines = [f"gradients: {self.verdict}, relative error {self.error:.1e}", "", *_table(head, rows, "<>>>><")]
        if self.worst:
            entries = [(entry.name, f"{entry.gradient:.9g}", f"{entry.difference:.9g}") for entry in self.worst]
            lines += ["", *_table(("worst", "gradient", "by difference"), entries, "<>>")]
        kinks = sum(tensor.kinks for tensor in self.tensors)
        if kinks:
            lines += ["", f"At a kink, where any value between the slopes on both sides is right: {kinks}."]
        return "\n".join(lines)


def _share(tensor: Tensor) -> str:
    return f"{tensor.size:,}" if tensor.checked == tensor.size else f"{tensor.checked:,} of {tensor.size:,}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], alignment: str) -> list[str]:
    sizes = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = tuple("-" * size for size in sizes)
    return [
        "  ".join(f"{cell:{side}{size}}" for cell, side, size in zip(row, alignment, sizes, strict=True)).rstrip()
        for row in (head, rule, *rows)
    ]


def check_gradients(
    model: Sequential | Model,
    x: Any,
    y: Any,
    sample_weight: ArrayLike | None = None,
    epsilon: float = 1e-7,
    max_parameters: int = 100,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradients that training uses with differences of the loss.

    For each weight w, with a its derivative by backpropagation and h = epsilon max(1, abs(w)),

        b = (L(w + h) - L(w - h)) / 2h,    error = norm(a - b) / (norm(a) + norm(b)),

    over all weights and for each tensor: up to 1e-7 is great, 1e-5 fine, 1e-3 worry, more wrong. What rounding alone
    can do to b is fine, too; it is much where gradients are small, so check before training rather than after. At a
    kink, such as ReLU at 0, where the slopes on both sides of w differ, b is the value between them that is nearest to
    a. A copy of the model in float64 with the same weights does all this, with all samples as one batch, as in
    training: dropout and other noise are those of the model's next batch each time, and batch normalisation uses the
    moments of the batch. The model itself is not touched.

    Args:
        model: A model compiled with a loss; one that is not built is checked at its starting weights.
        x: Inputs ``[n, features]``; a few dozen samples are enough, and quick.
        y: Targets, as the loss wants them.
        sample_weight: Weights ``[n]``, at least 0.
        epsilon: The step of the differences, from 1e-14 to 1.
        max_parameters: How many weights of each tensor are checked at most, at least 1; in a larger tensor they are
            drawn at random.
        seed: Decides which are drawn, 0 <= seed < 2**64.

    Returns:
        Errors and verdicts; print it.

    Raises:
        RuntimeError: The model has no loss.
        TypeError: Something in `model`, the data or the arguments has the wrong type.
        ValueError: The data do not fit the model, or an argument is out of range.
        FloatingPointError: The loss is NaN or infinite.

    Source:
        Ng, Katanforoosh and Bensouda Mourri, Improving deep neural networks, DeepLearning.AI 2017, week 1.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> fo.check_gradients(model, x[:32], y[:32]).verdict
        'great'
    """
    twin = float64_twin(model, x)
    draws = twin.draws

    def value() -> float:
        # A step of rate 0 leaves its gradients, those of sum_i w_i L_i / n, and reports sum_i w_i L_i / sum_i w_i. It
        # draws noise, which must be the same each time, and puts the weights where constraints want them.
        weights, twin.draws = twin.get_weights(), draws
        loss: float = twin.train_on_batch(x, y, sample_weight)["loss"]
        twin.set_weights(weights)
        return loss * share

    share = 1.0
    value()
    if sample_weight is not None:
        share = float(checks.array("sample_weight", sample_weight).mean(dtype=np.float64))
    gradients = {name: view.copy() for name, view in twin.gradients.items()}
    # Losses near 0 are differences of logits, whose rounding is not small: about 1 each, less in the mean.
    first = x if isinstance(model, Sequential) else _first(x)
    size = len(checks.array("x", twin._numbers("x", first))) ** -0.5
    return _check(value, twin.parameters, gradients, size, epsilon, max_parameters, seed)


def float64_twin(model: Sequential | Model, x: Any) -> Any:
    """Return a copy in float64 with the same weights and noise, whose steps compute gradients and go nowhere."""
    if not isinstance(model, Sequential | Model):
        raise TypeError(
            f"model must be a fastopt.Sequential or Model, not {model!r}; check_gradients_of takes functions."
        )
    twin: Any = type(model).of_network(model.network, model.seed, "float64", None)
    twin.noise = model.noise
    twin.compile(SGD(0.0), **model.judged_by | {"metrics": ()})
    twin._take_labels(model)
    if isinstance(model, Sequential):
        twin.build(
            model.input_shape or checks.samples("x", model._numbers("x", x), None).shape[1:], initialize=not model.built
        )
    if model.built:
        twin.set_weights(model.get_weights())
        twin.draws = model.draws
    return twin


def _first(x: Any) -> Any:
    return x[0] if isinstance(x, list | tuple) and np.ndim(x[0]) > 1 else x


def check_gradients_of(
    function: Callable[[Any], Any],
    gradient: Any,
    x0: ArrayLike | Mapping[str, ArrayLike],
    epsilon: float = 1e-7,
    max_parameters: int = 100,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradient of any function with differences of its values; see `check_gradients`.

    Args:
        function: Called with float64 of the form of `x0`; returns a number. It must not keep or change them.
        gradient: The function that returns the gradient, or the gradient at `x0`; of the form of `x0`.
        x0: The place: an array of any shape, or several by name.
        epsilon: The step of the differences relative to max(1, abs(x0)), from 1e-14 to 1.
        max_parameters: How many entries of each array are checked at most, at least 1; in a larger one they are drawn
            at random.
        seed: Decides which are drawn, 0 <= seed < 2**64.

    Returns:
        Errors and verdicts; print it.

    Raises:
        TypeError: Something is not made of numbers, or `function` does not return one.
        ValueError: The gradient is not of the form of `x0`, or something is NaN, infinite or out of range.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.check_gradients_of(lambda x: np.sin(x).sum(), np.cos, [0.0, 1.0, 2.0]).verdict
        'great'
        >>> fo.check_gradients_of(lambda x: (x**3).sum(), lambda x: 3 * x**2 + [0, 1], [1.0, 2.0])
        gradients: wrong, relative error 3.9e-02
        <BLANKLINE>
        tensor  checked  |gradient|    error  rounding  verdict
        ------  -------  ----------  -------  --------  -------
        x0            2    1.33e+01  3.9e-02   1.7e-09  wrong
        <BLANKLINE>
        worst  gradient  by difference
        -----  --------  -------------
        x0[1]        13             12
    """
    tensors = {name: _float64(name, array) for name, array in _named(x0).items()}
    if not tensors:
        raise ValueError("x0 is empty.")
    place: Any = tensors if isinstance(x0, Mapping) else tensors["x0"]

    def value() -> float:
        result = plain("The value of function", function(place))
        if result.size != 1:
            raise TypeError(f"function must return one number, not an array of shape {result.shape}.")
        return checks.real("The value of function", result.item())

    given = _named(gradient(place) if callable(gradient) else gradient)
    if given.keys() != tensors.keys():
        raise ValueError(f"gradient has the names {', '.join(given)}; x0 has {', '.join(tensors)}.")
    gradients = {name: _float64(f"gradient of {name}", array) for name, array in given.items()}
    for name, tensor in tensors.items():
        if gradients[name].shape != tensor.shape:
            raise ValueError(f"gradient of {name} has shape {gradients[name].shape}; expected {tensor.shape}.")
    return _check(value, tensors, gradients, 0.0, epsilon, max_parameters, seed)


def _named(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {"x0": given}


def _float64(name: str, given: ArrayLike) -> Vector:
    array = checks.array(name, given).astype(np.float64)
    checks.finite(name, np.atleast_1d(array), "float64")
    return array


def _check(
    value: Callable[[], float],
    tensors: Mapping[str, NDArray[Any]],
    gradients: Mapping[str, NDArray[Any]],
    size: float,
    epsilon: float,
    max_parameters: int,
    seed: int,
) -> GradientCheck:
    """Compare gradients with differences of the value, which has the rounding error of at least this size."""
    epsilon = checks.real("epsilon", epsilon, 1e-14, 1.0)  # a smaller one would be lost in 1 + epsilon
    max_parameters = checks.integer("max_parameters", max_parameters, 1)
    seed = checks.integer("seed", seed, 0, 2**64)
    middle = value()
    found: list[Tensor] = []
    suspects: list[tuple[float, Entry]] = []
    compared: list[tuple[Vector, Vector]] = []
    for stream, (name, tensor) in enumerate(tensors.items()):
        chosen = np.sort(_core.kernels.permutation(seed, stream, tensor.size)[:max_parameters])
        places = [tuple(int(i) for i in np.unravel_index(flat, tensor.shape)) for flat in chosen]
        a = np.array([gradients[name][place] for place in places])
        slopes, rounding = _slopes(value, middle, tensor, places, size, epsilon)
        left, central, right = slopes
        kink = np.abs(right - left) > KINK * np.abs(slopes).max(initial=0.0) + 8.0 * rounding
        b = np.where(kink, np.clip(a, np.minimum(left, right), np.maximum(left, right)), central)
        both = _norms(a, b)
        found.append(
            Tensor(
                name,
                tensor.size,
                len(places),
                int(np.count_nonzero(kink)),
                float(np.linalg.norm(a)),
                _error(a, b),
                min(1.0, float(np.linalg.norm(2.0 * rounding)) / both) if both else 1.0,
            )
        )
        compared.append((a, b))
        for i in np.flatnonzero(np.abs(a - b) > 2.0 * rounding):
            place = f"{name}[{', '.join(map(str, places[i]))}]" if places[i] else name
            suspects.append((abs(a[i] - b[i]) / both, Entry(place, float(a[i]), float(central[i]))))
    suspects.sort(key=lambda suspect: -suspect[0])
    error = _error(*(np.concatenate(parts) for parts in zip(*compared, strict=True)))
    return GradientCheck(error, found, [entry for _, entry in suspects[:SHOWN]])


def _slopes(
    value: Callable[[], float],
    middle: float,
    tensor: NDArray[Any],
    places: list[tuple[int, ...]],
    size: float,
    epsilon: float,
) -> tuple[Vector, Vector]:
    """Return the slopes to the left of each place, across it and to the right, and what rounding can do to them."""
    slopes, rounding = np.empty((3, len(places))), np.empty(len(places))
    for i, place in enumerate(places):
        w = float(tensor[place])
        h = epsilon * max(1.0, abs(w))
        tensor[place] = w - h
        below, low = w - float(tensor[place]), value()
        tensor[place] = w + h
        above, high = float(tensor[place]) - w, value()
        tensor[place] = w
        slopes[:, i] = (middle - low) / below, (high - low) / (below + above), (high - middle) / above
        rounding[i] = EPS * max(size, abs(low), abs(high)) / h
    return slopes, rounding


def _norms(a: Vector, b: Vector) -> float:
    return float(np.linalg.norm(a) + np.linalg.norm(b))


def _error(a: Vector, b: Vector) -> float:
    both = _norms(a, b)
    return min(1.0, float(np.linalg.norm(a - b)) / both) if both else 0.0
