"""Layers that make one value of each window of an image or a series, for each channel by itself."""

from collections.abc import Sequence

from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.layers.base import LAYERS, Shape, checked_name
from fastopt.layers.image import ImageLayer, one_or_all
from fastopt.layers.window import PADDINGS, Along, Window, checked_format, sizes

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "MaxPooling1D",
    "MaxPooling2D",
]


ARGUMENTS = """
Args:
    pool_size: The {sizes} of a window{pair}.
    strides: How far windows are apart; None is `pool_size`.
    padding: ``"valid"``: windows are inside the {what}, size - window, divided by the stride and rounded down, + 1 of
        them. ``"same"``: size / stride of them, rounded up; what is outside of the {what} does not count.
    data_format: {formats}
    name: The name in summaries, messages and files.

Raises:
    TypeError: An argument has the wrong type.
    ValueError: A size is less than 1, or a word is unknown; or, when it is built, samples have other axes or are
        smaller than a window.
"""
GLOBAL_ARGUMENTS = """
Args:
    data_format: {formats}
    keepdims: Whether {axes} stay, with {one}; else outputs are ``[channels]``.
    name: The name in summaries, messages and files.

Raises:
    TypeError: An argument has the wrong type.
    ValueError: `data_format` is unknown; or, when it is built, samples have other axes.
"""


class _Pooling(ImageLayer):
    """The base of what goes over images in windows."""

    arguments = ARGUMENTS
    pool_size: int | Shape
    strides: int | Shape | None

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        name: str | None = None,
    ) -> None:
        self.pool_size = one_or_all(sizes("pool_size", pool_size, self.axes))
        self.strides = None if strides is None else one_or_all(sizes("strides", strides, self.axes))
        self.padding = word("padding", padding, PADDINGS)
        self.data_format = checked_format(data_format)
        self.name = checked_name(name)

    def _window(self, input_shape: Shape) -> Window:
        size = sizes("pool_size", self.pool_size, self.axes)
        strides = size if self.strides is None else sizes("strides", self.strides, self.axes)
        return self.window(input_shape, size, strides, self.padding)


@LAYERS.add("max_pool2d")
class MaxPooling2D(_Pooling):
    """The largest value of each window of an image, for each channel: y = max over the window of x.

    Of equal values the first has the gradient. NaN is larger than all numbers.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> fo.Sequential([fo.layers.MaxPooling2D()])(x)[0, :, :, 0]
        array([[ 5.,  7.],
               [13., 15.]], dtype=float32)
    """

    kind, axes = "max_pool", 2


@LAYERS.add("max_pool1d")
class MaxPooling1D(_Pooling):
    """The largest value of each window of a series, for each channel: y = max over the window of x.

    Of equal values the first has the gradient. NaN is larger than all numbers.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)
        >>> fo.Sequential([fo.layers.MaxPooling1D(2)])(x).ravel()
        array([3., 2.], dtype=float32)
    """

    kind, axes = "max_pool", 1


@LAYERS.add("average_pool2d")
class AveragePooling2D(_Pooling):
    """The mean of each window of an image, for each channel: y = mean over the window of x.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> fo.Sequential([fo.layers.AveragePooling2D()])(x)[0, :, :, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """

    kind, axes = "mean_pool", 2


@LAYERS.add("average_pool1d")
class AveragePooling1D(_Pooling):
    """The mean of each window of a series, for each channel: y = mean over the window of x.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)
        >>> fo.Sequential([fo.layers.AveragePooling1D(2)])(x).ravel()
        array([2., 1.], dtype=float32)
    """

    kind, axes = "mean_pool", 1


class _GlobalPooling(ImageLayer):
    """The base of what makes one value of each channel."""

    arguments = GLOBAL_ARGUMENTS

    def __init__(
        self, data_format: str | None = "channels_last", keepdims: bool = False, name: str | None = None
    ) -> None:
        self.data_format = checked_format(data_format)
        self.keepdims = checks.flag("keepdims", keepdims)
        self.name = checked_name(name)

    def _window(self, input_shape: Shape) -> Window:
        place = self.places(input_shape)
        return self.by_axis(place, [Along(a.size, a.size, 1, 1, 0, 1) for a in self.alongs(place)])

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(channels,)``, or the shape with sizes of 1."""
        return super().output_shape(input_shape) if self.keepdims else (self._window(input_shape).channels.number,)


@LAYERS.add("global_average_pool2d")
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel of an image: y_c = mean over all places of x.

    Source:
        Lin, Chen and Yan, Network in network, ICLR 2014, arXiv:1312.4400.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.GlobalAveragePooling2D()])(np.arange(8.0).reshape(1, 2, 2, 2))
        array([[3., 4.]], dtype=float32)
    """

    kind, axes = "mean_pool", 2


@LAYERS.add("global_average_pool1d")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel of a series: y_c = mean over all steps of x.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.GlobalAveragePooling1D()])(np.arange(8.0).reshape(1, 4, 2))
        array([[3., 4.]], dtype=float32)
    """

    kind, axes = "mean_pool", 1


@LAYERS.add("global_max_pool2d")
class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value of each channel of an image: y_c = max over all places of x.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.GlobalMaxPooling2D()])(np.arange(8.0).reshape(1, 2, 2, 2))
        array([[6., 7.]], dtype=float32)
    """

    kind, axes = "max_pool", 2


@LAYERS.add("global_max_pool1d")
class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of each channel of a series: y_c = max over all steps of x.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.GlobalMaxPooling1D()])(np.arange(8.0).reshape(1, 4, 2))
        array([[6., 7.]], dtype=float32)
    """

    kind, axes = "max_pool", 1
