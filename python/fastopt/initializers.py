"""Starting values of weights.

Every initializer is called with the shape, the seed of the model and the number of the tensor's random stream, and
gives the same numbers on every machine. Names in snake case (``"he_normal"``) stand for the objects with their
defaults.
"""

import math
from collections.abc import Sequence
from decimal import Context
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described, Registry, unknown_name
from fastopt.kernels import Real
from fastopt.losses import LOSSES, Loss, SparseCategoricalCrossentropy

__all__ = [
    "Constant",
    "FanInUniform",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "Sparse",
    "VarianceScaling",
    "Zeros",
    "output_prior",
]


class Initializer(Described):
    """The base of all initializers: a function from shape, seed and stream to an array."""

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the starting values.

        Args:
            shape: The shape of the tensor; a kernel is ``[inputs, outputs]``.
            seed: The seed of the model, 0 <= seed < 2**64.
            stream: The number of the random stream, one for each tensor, 0 <= stream < 2**64.
            dtype: ``"float32"`` or ``"float64"``.

        Returns:
            A new array of that shape and dtype.
        """
        raise NotImplementedError


INITIALIZERS = Registry("initializer", Initializer)


def _normal(shape: tuple[int, ...], seed: int, stream: int, dtype: str, mean: float, stddev: float) -> Real:
    values = _core.kernels.normal(seed, stream, math.prod(shape), dtype).reshape(shape)
    values *= stddev
    values += mean
    return values


def _uniform(shape: tuple[int, ...], seed: int, stream: int, dtype: str, low: float, high: float) -> Real:
    values = _core.kernels.uniform(seed, stream, math.prod(shape), dtype).reshape(shape)
    values *= high - low
    values += low
    return values


def _matrix(initializer: Initializer, shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2:
        raise ValueError(f"{initializer!r} makes kernels [inputs, outputs], not arrays of shape {shape}.")
    return (shape[0], shape[1])


def sum_rows(a: NDArray[Any]) -> Any:
    """Return ``a.sum(axis=0)`` by additions whose order NumPy does not choose: the same on every machine."""
    while len(a) > 1:
        half = len(a) // 2
        halves = a[:half] + a[half : 2 * half]
        if len(a) % 2:
            halves[0] += a[-1]
        a = halves
    return a[0]


@INITIALIZERS.add()
class Constant(Initializer):
    """The same value everywhere, or one for each output: w = value.

    A bias of 0.01 to 0.1 lets all units of a ReLU layer pass gradients at the start.

    Args:
        value: Any finite number, or one for each output; see also `output_prior`.

    Raises:
        TypeError: `value` is neither a number nor a list of numbers.
        ValueError: `value` is not finite, or, at the call, does not have one number for each output.

    Source:
        For ReLU: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.3.1.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Constant(0.1)((3,), seed=0, stream=0)
        array([0.1, 0.1, 0.1], dtype=float32)
        >>> fo.layers.Dense(2, bias_initializer=fo.initializers.Constant([-1.0, 1.0])).bias_initializer
        Constant(value=[-1.0, 1.0])
    """

    def __init__(self, value: float | Sequence[float] = 0.0) -> None:
        self.value: float | list[float]
        if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
            self.value = [checks.real(f"value[{i}]", number) for i, number in enumerate(value)]
        else:
            self.value = checks.real("value", value)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        if isinstance(self.value, list) and len(self.value) != shape[-1]:
            raise ValueError(f"Constant has {len(self.value)} numbers; a tensor of shape {shape} needs {shape[-1]}.")
        values: Real = np.full(shape, self.value, dtype)
        return values


@INITIALIZERS.add()
class Zeros(Initializer):
    """Zero everywhere: w = 0; the usual start of biases.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Zeros()((2,), seed=0, stream=0)
        array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        values: Real = np.zeros(shape, dtype)
        return values


@INITIALIZERS.add()
class Ones(Initializer):
    """One everywhere: w = 1.

    Example:
        >>> import fastopt as fo
        >>> fo.initializers.Ones()((2,), seed=0, stream=0)
        array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; the seed and the stream are not used."""
        values: Real = np.ones(shape, dtype)
        return values


@INITIALIZERS.add("normal")
class RandomNormal(Initializer):
    """Normally distributed: w ~ N(mean, stddev^2); 0.01 N(0, 1) is ``RandomNormal(stddev=0.01)``.

    Args:
        mean: The mean, any finite number.
        stddev: The standard deviation, at least 0.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `stddev` is negative.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.RandomNormal(stddev=0.01)((100, 100), seed=0, stream=0).std() - 0.01) < 1e-3)
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = checks.real("mean", mean)
        self.stddev = checks.real("stddev", stddev, 0.0)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _normal(shape, seed, stream, dtype, self.mean, self.stddev)


@INITIALIZERS.add("uniform")
class RandomUniform(Initializer):
    """Uniformly distributed: w ~ U(minval, maxval).

    Args:
        minval: The lower bound, any finite number.
        maxval: The upper bound, at least `minval`.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `maxval` is less than `minval`.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.RandomUniform(0.0, 0.2)((100, 100), seed=0, stream=0).mean() - 0.1) < 0.01)
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = checks.real("minval", minval)
        self.maxval = checks.real("maxval", maxval, self.minval)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        return _uniform(shape, seed, stream, dtype, self.minval, self.maxval)


# Scaled by the numbers of inputs and outputs


class Scaled(Initializer):
    """The base of initializers of a variance that depends on the shape: N(0, v gain^2) or U of the same variance.

    Args:
        gain: A factor of the values, at least 0, such as 5/3 before tanh.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative.
    """

    distribution: str = "normal"

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checks.real("gain", gain, 0.0)

    def variance(self, inputs: int, outputs: int) -> float:
        """Return v."""
        raise NotImplementedError

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array; a vector counts as many inputs as outputs."""
        variance = self.variance(shape[0], shape[-1])
        if self.distribution == "normal":
            return _normal(shape, seed, stream, dtype, 0.0, self.gain * math.sqrt(variance))
        limit = self.gain * math.sqrt(3.0 * variance)
        return _uniform(shape, seed, stream, dtype, -limit, limit)


@INITIALIZERS.add()
class VarianceScaling(Scaled):
    """Of the variance v = scale / n, n being the inputs, the outputs or their mean: N(0, v) or U(-a, a), a = sqrt(3 v).

    The other scaled initializers are this one with certain arguments; the normal distribution is not truncated.

    Args:
        scale: A factor of the variance, at least 0.
        mode: What n is: ``"fan_in"`` the inputs, ``"fan_out"`` the outputs, ``"fan_avg"`` the mean of both.
        distribution: ``"normal"`` or ``"uniform"``.

    Raises:
        TypeError: `scale` is not a number.
        ValueError: `scale` is not finite, or negative; or a name is unknown.

    Example:
        >>> import fastopt as fo
        >>> scaled = fo.initializers.VarianceScaling(2.0, "fan_in", "normal")
        >>> bool((scaled((3, 4), seed=0, stream=0) == fo.initializers.HeNormal()((3, 4), seed=0, stream=0)).all())
        True
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "normal") -> None:
        super().__init__()
        self.scale = checks.real("scale", scale, 0.0)
        self.mode = _one_of("mode", mode, "fan_in", "fan_out", "fan_avg")
        self.distribution = _one_of("distribution", distribution, "normal", "uniform")

    def variance(self, inputs: int, outputs: int) -> float:
        """Return scale / n."""
        return self.scale / {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]


def _one_of(name: str, given: str, *known: str) -> str:
    if given not in known:
        raise unknown_name(name, given, known)
    return given


class _Glorot(Scaled):
    def variance(self, inputs: int, outputs: int) -> float:
        """Return 2 / (inputs + outputs)."""
        return 2.0 / (inputs + outputs)


@INITIALIZERS.add("xavier_uniform")
class GlorotUniform(_Glorot):
    """Keeps the variance of signals and gradients through tanh layers: w ~ U(-a, a), a = sqrt(6 / (inputs + outputs)).

    Args:
        gain: A factor of the values, at least 0: 4 before a sigmoid, as the source has it.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative.

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.GlorotUniform()((50, 100), seed=0, stream=0)).max() <= 0.2)
        True
    """

    distribution = "uniform"


@INITIALIZERS.add("xavier_normal")
class GlorotNormal(_Glorot):
    """Keeps the variance of signals and gradients through tanh layers: w ~ N(0, 2 / (inputs + outputs)), not truncated.

    Args:
        gain: A factor of the values, at least 0.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative.

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.GlorotNormal()((100, 100), seed=0, stream=0).std() - 0.1) < 0.01)
        True
    """


class _He(Scaled):
    def __init__(self, gain: float = 1.0, negative_slope: float = 0.0) -> None:
        super().__init__(gain)
        self.negative_slope = checks.real("negative_slope", negative_slope)

    def variance(self, inputs: int, outputs: int) -> float:
        """Return 2 / ((1 + slope^2) inputs)."""
        return 2.0 / ((1.0 + self.negative_slope * self.negative_slope) * inputs)


@INITIALIZERS.add("kaiming_uniform")
class HeUniform(_He):
    """Keeps the variance of signals through ReLU layers: w ~ U(-a, a), a = sqrt(6 / ((1 + slope^2) inputs)).

    Args:
        gain: A factor of the values, at least 0.
        negative_slope: The slope of a leaky ReLU below 0; 0 is the plain one.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `gain` is negative.

    Source:
        He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.HeUniform()((6, 100), seed=0, stream=0)).max() <= 1.0)
        True
    """

    distribution = "uniform"


@INITIALIZERS.add("kaiming_normal")
class HeNormal(_He):
    """Keeps the variance of signals through ReLU layers: w ~ N(0, 2 / ((1 + slope^2) inputs)), not truncated.

    Args:
        gain: A factor of the values, at least 0.
        negative_slope: The slope of a leaky ReLU below 0; 0 is the plain one.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is not finite, or `gain` is negative.

    Source:
        He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.HeNormal()((200, 100), seed=0, stream=0).std() - 0.1) < 0.01)
        True
    """


class _Lecun(Scaled):
    def variance(self, inputs: int, outputs: int) -> float:
        """Return 1 / inputs."""
        return 1.0 / inputs


@INITIALIZERS.add()
class LecunUniform(_Lecun):
    """Gives the sums of inputs of variance 1 the variance 1: w ~ U(-a, a), a = sqrt(3 / inputs).

    Args:
        gain: A factor of the values, at least 0.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative.

    Source:
        LeCun, Bottou, Orr and Müller, Efficient BackProp, in: Neural Networks: Tricks of the Trade, Springer 1998.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.LecunUniform()((3, 100), seed=0, stream=0)).max() <= 1.0)
        True
    """

    distribution = "uniform"


@INITIALIZERS.add("fan_in_normal")
class LecunNormal(_Lecun):
    """Gives the sums of inputs of variance 1 the variance 1: w ~ N(0, 1 / inputs), not truncated.

    Args:
        gain: A factor of the values, at least 0.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative.

    Source:
        LeCun, Bottou, Orr and Müller, Efficient BackProp, in: Neural Networks: Tricks of the Trade, Springer 1998.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.LecunNormal()((100, 100), seed=0, stream=0).std() - 0.1) < 0.01)
        True
    """


@INITIALIZERS.add()
class FanInUniform(Scaled):
    """The old rule of thumb, under which signals fade: w ~ U(-a, a), a = 1 / sqrt(inputs).

    Args:
        gain: A factor of the values, at least 0.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative.

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010,
        equation 1.

    Example:
        >>> import fastopt as fo
        >>> bool(abs(fo.initializers.FanInUniform()((4, 100), seed=0, stream=0)).max() <= 0.5)
        True
    """

    distribution = "uniform"

    def variance(self, inputs: int, outputs: int) -> float:
        """Return 1 / (3 inputs)."""
        return 1.0 / (3.0 * inputs)


# With a structure


@INITIALIZERS.add()
class Orthogonal(Initializer):
    """A random rotation or reflection, each as likely as any other: W^T W = gain^2 I.

    With more outputs than inputs W W^T = gain^2 I. It is the product of the reflections of normal random vectors,
    computed in float64 in a fixed order of additions, so that it is the same on every machine. The time grows as
    inputs * outputs * min(inputs, outputs): a second for 1,000 each.

    Args:
        gain: A factor of the values, at least 0.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative; or, at the call, the shape is not that of a kernel.

    Source:
        Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks, ICLR 2014; the reflections: Stewart, The efficient generation of random orthogonal matrices with an
        application to condition estimators, SIAM Journal on Numerical Analysis 17(3), 1980.

    Example:
        >>> import fastopt as fo
        >>> w = fo.initializers.Orthogonal()((3, 2), seed=0, stream=0, dtype="float64")
        >>> abs(w.T @ w).round(12)
        array([[1., 0.],
               [0., 1.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checks.real("gain", gain, 0.0)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        rows, columns = sorted(_matrix(self, shape), reverse=True)
        vectors = _normal((columns, rows), seed, stream, "float64", 0.0, 1.0)
        q = np.eye(rows, columns)
        for k in reversed(range(columns)):
            v = vectors[k, k:]
            length, sign = math.sqrt(sum_rows(v * v)), math.copysign(1.0, v[0])
            v[0] += sign * length
            rest = q[k:, k:]
            rest -= v[:, np.newaxis] * sum_rows((v / (length * abs(v[0])))[:, np.newaxis] * rest)
            rest[:, 0] *= -sign
        values: Real = np.ascontiguousarray(self.gain * (q if shape == q.shape else q.T), dtype)
        return values


@INITIALIZERS.add()
class Sparse(Initializer):
    """Few inputs for each output, drawn at random: w ~ N(0, stddev^2) in `nonzeros` places of each column, 0 elsewhere.

    Units keep apart and do not saturate, however many inputs there are.

    Args:
        nonzeros: The number of weights of each output that are not 0, at least 1; all, if there are fewer inputs.
        stddev: The standard deviation of these, more than 0.

    Raises:
        TypeError: `nonzeros` is not an integer, or `stddev` not a number.
        ValueError: An argument is out of range; or, at the call, the shape is not that of a kernel.

    Source:
        Martens, Deep learning via Hessian-free optimization, ICML 2010, section 5. The places: Floyd's sampling, in
        Bentley, Programming pearls: a sample of brilliance, Communications of the ACM 30(9), 1987.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> np.count_nonzero(fo.initializers.Sparse(2)((100, 4), seed=0, stream=0), axis=0)
        array([2, 2, 2, 2])
    """

    def __init__(self, nonzeros: int = 15, stddev: float = 1.0) -> None:
        self.nonzeros = checks.integer("nonzeros", nonzeros, 1)
        self.stddev = checks.real("stddev", stddev, 0.0, above=True)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        inputs, outputs = _matrix(self, shape)
        count = min(self.nonzeros, inputs)
        # The first half of the stream chooses the places, the second half the values there.
        draws = _uniform((count, outputs), seed, stream, "float64", 0.0, 1.0)
        chosen = _normal((2, count, outputs), seed, stream, dtype, 0.0, self.stddev)[1]
        places = np.empty((count, outputs), np.int64)
        for i, draw in enumerate(draws):
            last = inputs - count + i
            place = np.multiply(draw, last + 1).astype(np.int64)
            places[i] = np.where((places[:i] == place).any(axis=0), last, place)
        values: Real = np.zeros(shape, dtype)
        np.put_along_axis(values, places, chosen, axis=0)
        return values


# From data


def output_prior(
    y: ArrayLike, loss: str | Loss = "sparse_categorical_crossentropy", outputs: int | None = None
) -> Constant:
    """Return the bias of the last layer that predicts what is usual in the targets, before anything is learned.

    With n samples, of which n_k are of class k, and Laplace smoothing, which keeps classes that do not occur finite:
    log((n_k + 1) / (n + classes)) before a softmax; the log-odds log((n_k + 1) / (n - n_k + 1)) before a sigmoid. For
    other losses, of a linear last layer: the mean of the targets. The first epochs need not learn it then, and the loss
    starts low even where classes are rare.

    Args:
        y: The training targets, as the loss wants them.
        loss: The name or the object of the loss.
        outputs: The number of outputs; None takes as many as `y` shows.

    Returns:
        An initializer for `bias_initializer` of the last layer.

    Raises:
        TypeError: `y` does not hold numbers, or an argument has the wrong type.
        ValueError: `y` is empty or does not fit the loss, or the loss is unknown.

    Source:
        Lin, Goyal, Girshick, He and Dollár, Focal loss for dense object detection, ICCV 2017, section 3.3.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> y = np.array([0] * 89 + [1] * 9)
        >>> bias = fo.initializers.output_prior(y)
        >>> np.exp(bias.value).round(2)
        array([0.9, 0.1])
        >>> layer = fo.layers.Dense(2, "softmax", bias_initializer=bias)
        >>> [round(value, 2) for value in fo.initializers.output_prior(y, "binary_crossentropy").value]
        [-2.2]
    """
    chosen = LOSSES.resolve(loss)
    targets = checks.array("y", y)
    if not targets.size:
        raise ValueError(f"y is empty: its shape is {targets.shape}.")
    labels = isinstance(chosen, SparseCategoricalCrossentropy)
    if outputs is None:
        checks.finite("y", np.atleast_1d(targets), "float64")
        outputs = max(1, int(targets.max()) + 1) if labels else 1 if targets.ndim < 2 else targets.shape[1]
    targets = chosen.targets("y", targets, checks.integer("outputs", outputs, 1), "float64")
    n = len(targets)
    counts: list[float] = (np.bincount(targets, minlength=outputs) if labels else sum_rows(targets)).tolist()
    if chosen.link == "softmax":
        return Constant([_log(count + 1, n + outputs) for count in counts])
    if chosen.link == "sigmoid":
        return Constant([_log(count + 1, n - count + 1) for count in counts])
    return Constant([count / n for count in counts])


def _log(above: float, below: float) -> float:
    """Return log(above / below), correctly rounded: that of the C library differs between machines."""
    decimal = Context(prec=30)
    ratio = decimal.divide(decimal.create_decimal(above), decimal.create_decimal(below))
    return float(decimal.ln(ratio))
