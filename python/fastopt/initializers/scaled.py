"""Random numbers whose variance follows from the numbers of inputs and outputs."""

import math

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import word
from fastopt.initializers.base import INITIALIZERS, Initializer, normal, uniform

__all__ = [
    "FanInUniform",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
]


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
        """Return the array; a vector counts as many inputs as outputs, and a window multiplies both by its size."""
        *window, inputs, outputs = (shape[0], *shape) if len(shape) == 1 else shape
        variance = self.variance(math.prod(window) * inputs, math.prod(window) * outputs)
        if self.distribution == "normal":
            return normal(shape, seed, stream, dtype, 0.0, self.gain * math.sqrt(variance))
        limit = self.gain * math.sqrt(3.0 * variance)
        return uniform(shape, seed, stream, dtype, -limit, limit)


@INITIALIZERS.add()
class VarianceScaling(Scaled):
    """Of the variance v = scale / n, n being the inputs, the outputs or their mean: N(0, v) or U(-a, a), a = sqrt(3 v).

    The other scaled initializers are this one with certain arguments. The normal distribution is not truncated, as in
    their papers; Keras truncates it by default, and says ``"untruncated_normal"`` for this one.

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
        self.mode = word("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        self.distribution = word("distribution", distribution, ("normal", "uniform"))

    def variance(self, inputs: int, outputs: int) -> float:
        """Return scale / n."""
        return self.scale / {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]


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
