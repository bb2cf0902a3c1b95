"""Where windows lie on images and series: those of convolutions, and of pooling."""

from collections.abc import Sequence
from typing import NamedTuple

from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.layers.base import Channels, Layer, Shape, Spec

__all__ = ["PADDINGS", "Along", "Window", "checked_format", "sizes", "window_of"]

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


def checked_format(data_format: str | None) -> str:
    """Return where the channels are; None is the last axis."""
    return word("data_format", checks.DATA_FORMATS[0] if data_format is None else data_format, checks.DATA_FORMATS)


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
