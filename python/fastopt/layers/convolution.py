"""Layers that see images, or series, through a window that moves over them."""

from collections.abc import Sequence
from typing import ClassVar, Self

from fastopt.constraints import Constraint
from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.initializers import Initializer
from fastopt.layers.activation import Activation
from fastopt.layers.base import (
    LAYERS,
    Channels,
    Parameter,
    Shape,
    Spec,
    activated,
    checked_activation,
    size_of,
)
from fastopt.layers.dense import Sums
from fastopt.layers.window import PADDINGS, Window, checked_format, sizes, window_of
from fastopt.regularizers import Regularizer

__all__ = ["Conv1D", "Conv2D", "DepthwiseConv2D"]


class Convolution(Sums):
    """The base of convolutions along one axis or two."""

    axes: int
    paddings: ClassVar[Sequence[str]] = PADDINGS
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    data_format: str
    dilation_rate: tuple[int, ...]
    groups: int

    def _see(
        self,
        kernel_size: object,
        strides: object,
        padding: str,
        data_format: str | None,
        dilation_rate: object,
    ) -> None:
        self.kernel_size = sizes("kernel_size", kernel_size, self.axes)
        self.strides = sizes("strides", strides, self.axes)
        self.padding = word("padding", padding, self.paddings)
        self.data_format = checked_format(data_format)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.axes)

    def _window(self, input_shape: Shape) -> Window:
        numbers = (self.kernel_size, self.strides, self.dilation_rate)
        return window_of(self, input_shape, self.data_format, *numbers, self.padding)

    def _shape_of_kernel(self, channels: int) -> Shape:
        if channels % self.groups != 0:
            raise ValueError(f"{self!r} cannot split the {channels} channels of its input into {self.groups} groups.")
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _filters(self, channels: int) -> int:
        return self.filters

    def _kind(self) -> Spec:
        return {"kind": "convolution", "filters": self.filters, "groups": self.groups, "axes": self.axes}

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the image of all filters."""
        window = self._window(input_shape)
        return window.shape(self._filters(window.channels.number), self.axes)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [*kernel_size, channels / groups, filters]`` and, unless it has none, ``bias [filters]``."""
        channels = self._window(input_shape).channels.number
        shape = self._shape_of_kernel(channels)
        if self.kernel_constraint is not None:
            self.kernel_constraint.check(size_of(shape[:-1]))
        tensors = {"kernel": Parameter(shape, self.kernel_initializer)}
        biases = {"bias": Parameter((self._filters(channels),), self.bias_initializer)} if self.use_bias else {}
        return tensors | biases

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description: the sums, and the activation if it needs a layer of its own."""
        spec = self._kind() | {"use_bias": self.use_bias} | self._window(input_shape).spec() | self._penalties()
        if self.activation == "softmax":
            return [spec, *Activation("softmax").specs(self.output_shape(input_shape)), *self._activity()]
        return [*activated(spec, self.activation), *self._activity()]

    def without_bias(self, behind: Channels) -> Self | None:
        """Return the layer without its bias, if it has one that nothing but the layer behind it sees."""
        return self._bare() if behind.last == (self.data_format == "channels_last") else None


class _Filters(Convolution):
    """The base of those whose filters see all channels of a group."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
        *,
        trainable: bool = True,
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        activity_regularizer: str | Regularizer | None = None,
        kernel_constraint: str | Constraint | None = None,
    ) -> None:
        self._see(kernel_size, strides, padding, data_format, dilation_rate)
        self.filters = checks.integer("filters", filters, 1, checks.SIZE)
        self.groups = checks.integer("groups", groups, 1, checks.SIZE)
        if self.filters % self.groups != 0:
            raise ValueError(f"filters must be a multiple of groups, not {self.filters} for {self.groups}.")
        self.activation = checked_activation(activation)
        self._begin(
            use_bias,
            kernel_initializer,
            bias_initializer,
            name,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            trainable,
        )


@LAYERS.add()
class Conv2D(_Filters):
    """Slides filters over images: y = activation(conv(x, W) + b).

    y_{i, j, f} = b_f + sum over k, l, c of x_{s i + d k - p, s j + d l - p, c} W_{k, l, c, f}, with the strides s, the
    dilation rates d and the zeros p before the image; beyond its borders x is 0. As elsewhere, the kernel is not
    flipped.

    Args:
        filters: The number of channels of the output, at least 1.
        kernel_size: The height and the width of the window, at least 1: a number or two.
        strides: How far the window moves along each axis: a number or two.
        padding: ``"valid"``, where the window stays inside the image; or ``"same"``, as many zeros around it that the
            output has ceil(size / stride) places along an axis, the odd one behind.
        data_format: ``"channels_last"`` (or None) for samples ``(height, width, channels)``, or ``"channels_first"``
            for ``(channels, height, width)``, which take longer: parts of them are copied in the other order.
        dilation_rate: The distances of the pixels that the window sees, along each axis: a number or two.
        groups: Into how many groups channels and filters are split, each of the latter seeing one of the former.
        activation: A function, as of `Dense`; softmax is over the last axis.
        use_bias: Whether b is there.
        kernel_initializer: Starting values of W ``[height, width, channels / groups, filters]``, a name or an object.
        bias_initializer: Starting values of b ``[filters]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.
        kernel_regularizer: A penalty on W, as one of `fastopt.regularizers` or its name.
        bias_regularizer: A penalty on b.
        activity_regularizer: A penalty on the outputs of each sample, in the mean over the batch.
        kernel_constraint: A set that W is kept in, as one of `fastopt.constraints` or its name, as a matrix of all but
            the last axis.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, a name is unknown, or the filters cannot be split into the groups; or, when
            it is built, samples have another number of axes, are smaller than the window, or their channels cannot be
            split.

    Source:
        LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86, 1998.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Conv2D(6, 5, padding="same", activation="relu"), fo.layers.Flatten()])
        >>> model.build((28, 28, 1))
        >>> {name: view.shape for name, view in model.parameters.items()}
        {'conv2d/kernel': (5, 5, 1, 6), 'conv2d/bias': (6,)}
        >>> model.layers[0].output_shape((28, 28, 1))
        (28, 28, 6)
    """

    axes = 2


@LAYERS.add()
class Conv1D(_Filters):
    """Slides filters over series: y = activation(conv(x, W) + b), `Conv2D` along one axis.

    y_{i, f} = b_f + sum over k, c of x_{s i + d k - p, c} W_{k, c, f}.

    Args:
        filters: The number of channels of the output, at least 1.
        kernel_size: The length of the window, at least 1.
        strides: How far the window moves.
        padding: ``"valid"`` or ``"same"``, as of `Conv2D`; or ``"causal"``, all zeros in front, so that no output
            depends on what comes after it.
        data_format: ``"channels_last"`` (or None) for samples ``(steps, channels)``, or ``"channels_first"`` for
            ``(channels, steps)``.
        dilation_rate: The distance of the steps that the window sees.
        groups: Into how many groups channels and filters are split.
        activation: A function, as of `Dense`; softmax is over the last axis.
        use_bias: Whether b is there.
        kernel_initializer: Starting values of W ``[length, channels / groups, filters]``, a name or an object.
        bias_initializer: Starting values of b ``[filters]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.
        kernel_regularizer: A penalty on W, as one of `fastopt.regularizers` or its name.
        bias_regularizer: A penalty on b.
        activity_regularizer: A penalty on the outputs of each sample, in the mean over the batch.
        kernel_constraint: A set that W is kept in, as one of `fastopt.constraints` or its name, as a matrix of all but
            the last axis.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, a name is unknown, or the filters cannot be split into the groups; or, when
            it is built, samples have another number of axes, are shorter than the window, or their channels cannot be
            split.

    Source:
        Waibel, Hanazawa, Hinton, Shikano and Lang, Phoneme recognition using time-delay neural networks, IEEE Trans.
        ASSP 37, 1989.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Conv1D(4, 3, strides=2, activation="relu")])
        >>> model.build((9, 2))
        >>> model.parameters["conv1d/kernel"].shape, model.layers[0].output_shape((9, 2))
        ((3, 2, 4), (4, 4))
    """

    axes = 1
    paddings = (*PADDINGS, "causal")


@LAYERS.add()
class DepthwiseConv2D(Convolution):
    """Slides filters over each channel of images by itself: y = activation(conv(x, W) + b).

    y_{i, j, c m + q} = b_{c m + q} + sum over k, l of x_{s i + d k - p, s j + d l - p, c} W_{k, l, c, q} for m =
    `depth_multiplier` filters q of each channel c, as `Conv2D` says. A `Conv2D` with a kernel of 1 behind it mixes the
    channels; both together have fewer weights than one convolution.

    Args:
        kernel_size: The height and the width of the window, at least 1: a number or two.
        strides: How far the window moves along each axis: a number or two.
        padding: ``"valid"`` or ``"same"``, as of `Conv2D`.
        depth_multiplier: The number of filters of each channel, at least 1.
        data_format: ``"channels_last"`` (or None) for samples ``(height, width, channels)``, or ``"channels_first"``
            for ``(channels, height, width)``, which take longer: parts of them are copied in the other order.
        dilation_rate: The distances of the pixels that the window sees, along each axis: a number or two.
        activation: A function, as of `Dense`; softmax is over the last axis.
        use_bias: Whether b is there.
        depthwise_initializer: Starting values of W ``[height, width, channels, depth_multiplier]``.
        bias_initializer: Starting values of b ``[channels * depth_multiplier]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.
        depthwise_regularizer: A penalty on W, as one of `fastopt.regularizers` or its name.
        bias_regularizer: A penalty on b.
        activity_regularizer: A penalty on the outputs of each sample, in the mean over the batch.
        depthwise_constraint: A set that W is kept in, as one of `fastopt.constraints` or its name, as a matrix of all
            but the last axis.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, or a name is unknown; or, when it is built, samples have another number of
            axes or are smaller than the window.

    Source:
        Chollet, Xception: deep learning with depthwise separable convolutions, CVPR 2017, arXiv:1610.02357.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.DepthwiseConv2D(3, padding="same"), fo.layers.Conv2D(8, 1)])
        >>> model.build((6, 6, 4))
        >>> [view.shape for view in model.parameters.values()]
        [(3, 3, 4, 1), (4,), (1, 1, 4, 8), (8,)]
    """

    axes = 2
    groups = 1

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: str | None = None,
        use_bias: bool = True,
        depthwise_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
        *,
        trainable: bool = True,
        depthwise_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        activity_regularizer: str | Regularizer | None = None,
        depthwise_constraint: str | Constraint | None = None,
    ) -> None:
        self._see(kernel_size, strides, padding, data_format, dilation_rate)
        self.depth_multiplier = checks.integer("depth_multiplier", depth_multiplier, 1, checks.SIZE)
        self.activation = checked_activation(activation)
        self._begin(
            use_bias,
            depthwise_initializer,
            bias_initializer,
            name,
            depthwise_regularizer,
            bias_regularizer,
            activity_regularizer,
            depthwise_constraint,
            trainable,
            "depthwise",
        )

    @property
    def depthwise_initializer(self) -> Initializer:
        """Starting values of W."""
        return self.kernel_initializer

    @property
    def depthwise_regularizer(self) -> Regularizer | None:
        """The penalty on W."""
        return self.kernel_regularizer

    @property
    def depthwise_constraint(self) -> Constraint | None:
        """The set that W is kept in."""
        return self.kernel_constraint

    def _shape_of_kernel(self, channels: int) -> Shape:
        return (*self.kernel_size, channels, self.depth_multiplier)

    def _filters(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def _kind(self) -> Spec:
        return {"kind": "depthwise_convolution", "multiplier": self.depth_multiplier}
