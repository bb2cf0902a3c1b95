"""Layers that see images, or series, through a window that moves over them."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from fastopt.constraints import Constraint
from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.initializers import Initializer
from fastopt.layers.activation import Activation
from fastopt.layers.base import (
    LAYERS,
    Channels,
    Layer,
    Parameter,
    Shape,
    Spec,
    activated,
    checked_activation,
    size_of,
)
from fastopt.layers.dense import Sums
from fastopt.regularizers import Regularizer

__all__ = ["Conv1D", "Conv2D", "DepthwiseConv2D"]

FORMATS = ("channels_last", "channels_first")
PADDINGS = ("valid", "same")
AXES = ("height", "width")


class Along(NamedTuple):
    """A window along one axis: the sizes of the image and of what is made of it, and the zeros before the image."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    out: int


class Window(NamedTuple):
    """Where a window lies on an image: along its height and its width, and its channels."""

    height: Along
    width: Along
    channels: Channels

    def spec(self) -> Spec:
        """Return the core's description."""
        spec: Spec = dict(self.channels.spec())
        for name, along, side in (("height", self.height, "top"), ("width", self.width, "left")):
            spec |= {
                name: along.size,
                f"kernel_{name}": along.kernel,
                f"stride_{name}": along.stride,
                f"dilation_{name}": along.dilation,
                f"pad_{side}": along.before,
                f"out_{name}": along.out,
            }
        return spec

    def shape(self, channels: int, axes: int) -> Shape:
        """Return the shape of what is made of it, with so many channels; of a series without its height of 1."""
        places = (self.height.out, self.width.out)[2 - axes :]
        return (*places, channels) if self.channels.last else (channels, *places)


def sizes(name: str, given: object, axes: int) -> tuple[int, ...]:
    """Return sizes of at least 1 along so many axes, of one number or as many."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        if len(given) != axes:
            raise ValueError(f"{name} must be {'a number' if axes == 1 else f'a number or {axes}'}, not {given!r}.")
        return tuple(checks.integer(f"{name}[{i}]", size, 1, checks.SIZE) for i, size in enumerate(given))
    return (checks.integer(name, given, 1, checks.SIZE),) * axes


def window_of(
    layer: Layer,
    input_shape: Shape,
    data_format: str,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
) -> Window:
    """Return where the window of a layer lies on samples of a shape.

    Raises:
        ValueError: The shape has another number of axes, or the window is larger than the image.
    """
    axes, last = len(kernel), data_format == "channels_last"
    if len(input_shape) != axes + 1:
        places = "steps" if axes == 1 else "height, width"
        expected = f"(n, {places}, channels)" if last else f"(n, channels, {places})"
        raise ValueError(
            f"{layer!r} needs samples {expected}, not of shape (n, {', '.join(map(str, input_shape))})"
            + (": put Reshape before it." if len(input_shape) < axes + 1 else ".")
        )
    *image, channels = input_shape if last else (*input_shape[1:], input_shape[0])
    alongs = [
        _along(layer, "steps" if axes == 1 else AXES[i], image[i], kernel[i], strides[i], dilation[i], padding)
        for i in range(axes)
    ]
    return Window(Along(1, 1, 1, 1, 0, 1) if axes == 1 else alongs[0], alongs[-1], Channels(channels, last))


def _along(layer: Layer, axis: str, size: int, kernel: int, stride: int, dilation: int, padding: str) -> Along:
    seen = (kernel - 1) * dilation + 1
    if padding == "same":
        out = -(-size // stride)
        before = max((out - 1) * stride + seen - size, 0) // 2
    else:
        before = seen - 1 if padding == "causal" else 0
        if size + before < seen:
            dilated = f", {seen} with its dilation," if dilation > 1 else ""
            raise ValueError(
                f"{layer!r} has a kernel of {kernel}{dilated} along the {axis}, where its input has {size}: choose a "
                "smaller one, or padding='same'."
            )
        out = (size + before - seen) // stride + 1
    return Along(size, kernel, stride, dilation, before, out)


class Convolution(Sums):
    """The base of convolutions along one axis or two."""

    axes: int
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
        paddings: Sequence[str] = PADDINGS,
    ) -> None:
        self.kernel_size = sizes("kernel_size", kernel_size, self.axes)
        self.strides = sizes("strides", strides, self.axes)
        self.padding = word("padding", padding, paddings)
        self.data_format = word("data_format", FORMATS[0] if data_format is None else data_format, FORMATS)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.axes)

    def _filter(self, filters: int, groups: int, activation: str | None) -> None:
        self.filters = checks.integer("filters", filters, 1, checks.SIZE)
        self.groups = checks.integer("groups", groups, 1, checks.SIZE)
        if self.filters % self.groups != 0:
            raise ValueError(f"filters must be a multiple of groups, not {self.filters} for {self.groups}.")
        self.activation = checked_activation(activation)

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


@LAYERS.add()
class Conv2D(Convolution):
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
        self._filter(filters, groups, activation)
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
class Conv1D(Convolution):
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
        self._see(kernel_size, strides, padding, data_format, dilation_rate, (*PADDINGS, "causal"))
        self._filter(filters, groups, activation)
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
            for ``(channels, height, width)``, which take much longer.
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
