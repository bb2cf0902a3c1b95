"""Layers that take off a mean and divide by a standard deviation, over a batch or of each sample."""

from collections.abc import Sequence
from typing import Literal

from fastopt.core import checks
from fastopt.core.checks import EPSILON
from fastopt.initializers import INITIALIZERS, Constant, Initializer
from fastopt.layers.base import LAYERS, Channels, Layer, Parameter, Shape, Spec, checked_axis, checked_name, size_of

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "RMSNormalization",
]


def _checked_epsilon(epsilon: float) -> float:
    number = checks.real("epsilon", epsilon, 0.0, above=True)
    return checks.real("epsilon", number, EPSILON)


class _Normalization(Layer):
    """The base: gamma and beta, each of which may be left out."""

    center: bool
    scale: bool
    beta_initializer: Initializer
    gamma_initializer: Initializer

    def _affine(
        self, center: bool, scale: bool, beta_initializer: str | Initializer, gamma_initializer: str | Initializer
    ) -> None:
        self.center = checks.flag("center", center)
        self.scale = checks.flag("scale", scale)
        self.beta_initializer = INITIALIZERS.resolve(beta_initializer, "beta_initializer")
        self.gamma_initializer = INITIALIZERS.resolve(gamma_initializer, "gamma_initializer")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def _parameters(self, size: int) -> dict[str, Parameter]:
        tensors = {}
        if self.scale:
            tensors["gamma"] = Parameter((size,), self.gamma_initializer)
        if self.center:
            tensors["beta"] = Parameter((size,), self.beta_initializer)
        return tensors


@LAYERS.add()
class BatchNormalization(_Normalization):
    """Normalises each channel over the samples of a batch: y = gamma (x - mean) / sqrt(variance + eps) + beta.

    In training mean and variance are those of the batch, over all other axes, the variance divided by their number n.
    After each step moving_mean <- m moving_mean + (1 - m) mean, and the variance alike; `predict` and `evaluate` use
    these. With bias correction they start as 0 and are divided by 1 - m^t where they are used, t being the number of
    steps. `Sequential.recompute_statistics` puts exact ones in their place, and so does a solver that trains on all
    samples, after each iteration.

    A `Dense` layer without activation before it drops its bias, for which beta stands.

    Args:
        axis: Where the channels are: 1 or -1.
        momentum: m, at least 0 and less than 1.
        epsilon: eps, at least 1.2e-38, below which float32 knows only 0.
        center: Whether beta is there.
        scale: Whether gamma is there.
        bias_correction: Whether the running means are corrected for their start.
        beta_initializer: Starting values of beta ``[channels]``.
        gamma_initializer: Starting values of gamma ``[channels]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of its range, or a name unknown; or, in training, a batch has one value a channel.

    Source:
        Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
        ICML 2015.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.BatchNormalization()])
        >>> y = model(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> y.round(2)
        array([[-1., -1.],
               [ 1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        bias_correction: bool = False,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._affine(center, scale, beta_initializer, gamma_initializer)
        self.axis = checked_axis(axis)
        self.momentum = checks.real("momentum", momentum, 0.0, 1.0)
        self.epsilon = _checked_epsilon(epsilon)
        self.bias_correction = checks.flag("bias_correction", bias_correction)
        self.name = checked_name(name)
        self.trainable = trainable

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``gamma [channels]`` and ``beta [channels]``, as far as they are there."""
        return self._parameters(Channels.of(self, input_shape, self.axis).number)

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``moving_mean [channels]``, ``moving_variance [channels]`` and the number of ``steps [1]``."""
        shape, zero = (Channels.of(self, input_shape, self.axis).number,), Constant(0.0)
        variance = zero if self.bias_correction else Constant(1.0)
        return {
            "moving_mean": Parameter(shape, zero),
            "moving_variance": Parameter(shape, variance, low=0.0),
            "steps": Parameter((1,), zero, low=0.0),
        }

    def check_batch(self, name: str, rows: int, input_shape: Shape) -> None:
        """Raise ValueError where a channel has one value, from which nothing is left."""
        if self.trainable and rows * size_of(input_shape) == Channels.of(self, input_shape, self.axis).number:
            raise ValueError(
                f"{name} needs more than one value for each channel, but a batch of one sample has one: choose a "
                "batch_size that leaves no single sample, or another normalisation."
            )

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [
            {
                "kind": "batch_normalization",
                **Channels.of(self, input_shape, self.axis).spec(),
                "momentum": self.momentum,
                "epsilon": self.epsilon,
                "scale": self.scale,
                "center": self.center,
                "bias_correction": self.bias_correction,
            }
        ]


Affine = Literal["channel", "element"]
AFFINE = ("channel", "element")


class _ByRow(_Normalization):
    """The base of what normalises each sample by itself, in groups of its channels."""

    axis: int | tuple[int, ...]
    epsilon: float
    affine: str | None
    centred = True

    def _begin(self, axis: int, epsilon: float, affine: str, name: str | None, trainable: bool) -> None:
        self.axis = checked_axis(axis)
        self.epsilon = _checked_epsilon(epsilon)
        if affine not in AFFINE:
            raise ValueError(f"affine must be 'channel' or 'element', not {affine!r}.")
        self.affine = affine
        self.name = checked_name(name)
        self.trainable = trainable

    def _groups(self, channels: int) -> int:
        return 1

    def _channels(self, input_shape: Shape) -> Channels:
        assert isinstance(self.axis, int)
        return Channels.of(self, input_shape, self.axis)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``gamma`` and ``beta``, ``[channels]`` or of all elements, as far as they are there."""
        channels = self._channels(input_shape).number
        return self._parameters(channels if self.affine == "channel" else size_of(input_shape))

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        channels = self._channels(input_shape)
        groups = self._groups(channels.number)
        if channels.number % groups:
            raise ValueError(f"{channels.number} channels cannot be split into {groups} groups, as {self!r} does.")
        if self.affine == "element" and groups > 1 and channels.last and len(input_shape) > 1:
            raise ValueError(f"{self!r} with parameters of each element needs its channels on axis 1.")
        return self._specs(input_shape, channels, groups, 1)

    def _specs(self, input_shape: Shape, channels: Channels, groups: int, places: int) -> list[Spec]:
        if size_of(input_shape) == groups * places:
            raise ValueError(
                f"{self!r} would normalise each of {groups * places} values by itself, which leaves nothing of them: "
                f"its input is (n, {', '.join(map(str, input_shape))})."
            )
        return [
            {
                "kind": "group_normalization",
                **channels.spec(),
                "groups": groups,
                "places": places,
                "epsilon": self.epsilon,
                "centred": self.centred,
                "scale": self.scale,
                "center": self.center,
                "per_element": self.affine == "element",
            }
        ]


class _OverLastAxes(_ByRow):
    """The base of what normalises over the last axis of samples, or over the last ones; with `affine` over all."""

    def _begin_axes(
        self, axis: int | Sequence[int], epsilon: float, affine: str | None, name: str | None, trainable: bool
    ) -> None:
        if isinstance(axis, list | tuple) and affine is None:
            given = tuple(checks.integer(f"axis[{i}]", one, -checks.AXES, checks.AXES) for i, one in enumerate(axis))
            self._begin(-1, epsilon, "channel", name, trainable)
            self.axis = given
        else:
            self._begin(axis, epsilon, "channel" if affine is None else affine, name, trainable)  # type: ignore[arg-type]
        self.affine = affine

    def _size(self, input_shape: Shape) -> int:
        """Return the number of values at each place that is normalised by itself."""
        given = (self.axis,) if isinstance(self.axis, int) else self.axis
        rank = len(input_shape)
        axes = sorted(axis - 1 if axis > 0 else axis + rank for axis in given)
        if not axes or axes != [*range(rank - len(axes), rank)]:
            raise ValueError(
                f"{self!r} normalises over the last axis or the last ones of arrays "
                f"(n, {', '.join(map(str, input_shape))}), which axis={self.axis} is not."
            )
        return size_of(input_shape[axes[0] :])

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``gamma`` and ``beta`` of the elements of the axes, as far as they are there."""
        return super().parameters(input_shape) if self.affine is not None else self._parameters(self._size(input_shape))

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        if self.affine is not None:
            return super().specs(input_shape)
        size = self._size(input_shape)
        return self._specs(input_shape, Channels(size, True), 1, size_of(input_shape) // size)


@LAYERS.add()
class LayerNormalization(_OverLastAxes):
    """Normalises each sample by itself: y = gamma (x - mean) / sqrt(variance + eps) + beta over its last axis.

    Args:
        axis: The axis of arrays ``[n, ...]`` that moments are taken over, each element of which has its gamma and beta:
            the last; or the last ones, as ``(-2, -1)``.
        epsilon: eps, at least 1.2e-38, below which float32 knows only 0.
        center: Whether beta is there.
        scale: Whether gamma is there.
        affine: Where it is given, moments are over all values of a sample, and gamma and beta belong to each
            ``"channel"``, on the `axis` 1 or -1, or to each ``"element"``. So it is in files of fastopt 0.1.
        beta_initializer: Starting values of beta.
        gamma_initializer: Starting values of gamma.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of its range, or a name unknown.

    Source:
        Ba, Kiros and Hinton, Layer normalization, arXiv:1607.06450, 2016.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.LayerNormalization()])(np.array([[1.0, 3.0]])).round(2)
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        affine: Affine | None = None,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._affine(center, scale, beta_initializer, gamma_initializer)
        self._begin_axes(axis, epsilon, affine, name, trainable)


@LAYERS.add()
class GroupNormalization(_ByRow):
    """Normalises groups of channels of each sample: one is layer, one for each channel instance normalisation.

    y = gamma (x - mean) / sqrt(variance + eps) + beta with the moments of the group, over its channels and all places.

    Args:
        groups: The number of groups, which divides that of the channels; -1 is one for each channel.
        axis: Where the channels are: 1 or -1.
        epsilon: eps, at least 1.2e-38, below which float32 knows only 0.
        center: Whether beta is there.
        scale: Whether gamma is there.
        affine: Whether gamma and beta belong to each ``"channel"`` or to each ``"element"``.
        beta_initializer: Starting values of beta.
        gamma_initializer: Starting values of gamma.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of its range, or a name unknown; or, when it is built, the groups do not divide the
            channels or have one value each.

    Source:
        Wu and He, Group normalization, ECCV 2018.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.GroupNormalization(2)])(np.array([[1.0, 3.0, 10.0, 30.0]])).round(2)
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        affine: Affine = "channel",
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.groups = checks.integer("groups", groups, -1, 2**53)
        if self.groups == 0:
            raise ValueError("groups must be at least 1, or -1 for one of each channel, not 0.")
        self._affine(center, scale, beta_initializer, gamma_initializer)
        self._begin(axis, epsilon, affine, name, trainable)

    def _groups(self, channels: int) -> int:
        return channels if self.groups == -1 else self.groups


@LAYERS.add()
class InstanceNormalization(_ByRow):
    """Normalises each channel of each sample by itself, over its places.

    y = gamma (x - mean) / sqrt(variance + eps) + beta.

    Args:
        axis: Where the channels are: 1 or -1.
        epsilon: eps, at least 1.2e-38, below which float32 knows only 0.
        center: Whether beta is there.
        scale: Whether gamma is there.
        affine: Whether gamma and beta belong to each ``"channel"`` or to each ``"element"``.
        beta_initializer: Starting values of beta.
        gamma_initializer: Starting values of gamma.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of its range, or a name unknown; or, when it is built, a channel has one place only.

    Source:
        Ulyanov, Vedaldi and Lempitsky, Instance normalization: the missing ingredient for fast stylization,
        arXiv:1607.08022, 2016.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.InstanceNormalization(axis=1)])
        >>> model(np.array([[[1.0, 3.0], [10.0, 30.0]]])).round(2)
        array([[[-1.,  1.],
                [-1.,  1.]]], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        affine: Affine = "channel",
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._affine(center, scale, beta_initializer, gamma_initializer)
        self._begin(axis, epsilon, affine, name, trainable)

    def _groups(self, channels: int) -> int:
        return channels


@LAYERS.add()
class RMSNormalization(_OverLastAxes):
    """Divides each sample by its root mean square: y = gamma x / sqrt(mean(x^2) + eps) over its last axis.

    Args:
        axis: The axis of arrays ``[n, ...]`` that the mean is taken over, each element of which has its gamma: the
            last; or the last ones, as ``(-2, -1)``.
        epsilon: eps, at least 1.2e-38, below which float32 knows only 0.
        scale: Whether gamma is there.
        affine: Where it is given, the mean is over all values of a sample, and gamma belongs to each ``"channel"``, on
            the `axis` 1 or -1, or to each ``"element"``. So it is in files of fastopt 0.1.
        gamma_initializer: Starting values of gamma.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of its range, or a name unknown.

    Source:
        Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.RMSNormalization()])(np.array([[3.0, -3.0]])).round(2)
        array([[ 1., -1.]], dtype=float32)
    """

    centred = False

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-6,
        scale: bool = True,
        affine: Affine | None = None,
        gamma_initializer: str | Initializer = "ones",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._affine(False, scale, "zeros", gamma_initializer)
        self._begin_axes(axis, epsilon, affine, name, trainable)
