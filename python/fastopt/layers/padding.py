"""Layers that put zeros around images and series, cut them, or repeat their places."""

from collections.abc import Sequence

from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.layers.base import LAYERS, Shape, Spec, checked_name
from fastopt.layers.image import ImageLayer, one_or_all
from fastopt.layers.window import Along, Window, checked_format, sizes

__all__ = ["Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D"]

Ends = tuple[int, int]  # before and after
Sides = int | Ends | tuple[Ends, Ends]

ARGUMENTS = """
Args:
    {argument}: How many {places}: {sides}.
    data_format: {formats}
    name: The name in summaries, messages and files.

Raises:
    TypeError: An argument has the wrong type.
    ValueError: A number is less than 0, or `data_format` is unknown; or, when it is built, samples have other
        axes{left}.
"""
SIZE_ARGUMENTS = """
Args:
    size: How often each place is there{pair}.
    data_format: {formats}{more}
    name: The name in summaries, messages and files.

Raises:
    TypeError: An argument has the wrong type.
    ValueError: A size is less than 1, or a word is unknown; or, when it is built, samples have other axes.
"""
INTERPOLATION = """
    interpolation: ``"nearest"``: each place becomes a block of places like it. ``"bilinear"``: values between the
        centres of these blocks are interpolated along both axes; beyond the outermost centres they stay the same."""


def _ends(name: str, value: object, axes: int) -> tuple[Ends, ...]:
    """Return of each axis the numbers before and after; one number is all, one of an axis both of it."""
    if not isinstance(value, list | tuple):
        return axes * (2 * (checks.integer(name, value, 0, 2**31),),)
    if len(value) != 2:
        raise ValueError(f"{name} must be a number or {'two' if axes == 1 else 'two, or two pairs'}, not {value!r}.")
    if axes == 1:
        first, last = (checks.integer(f"{name}[{i}]", end, 0, 2**31) for i, end in enumerate(value))
        return ((first, last),)
    return tuple(_ends(f"{name}[{i}]", ends, 1)[0] for i, ends in enumerate(value))


def _shortest(ends: tuple[Ends, ...]) -> Sides:
    """Return the shortest form of them."""
    if len({end for pair in ends for end in pair}) == 1:
        return ends[0][0]
    if len(ends) == 1:
        return ends[0]
    (top, bottom), (left, right) = ends
    return (top, left) if top == bottom and left == right else ((top, bottom), (left, right))


class _Framing(ImageLayer):
    """The base of what adds places at the ends of each axis, or takes them away."""

    kind = "pad"  # each place is a window, of one place or outside of the input
    sign: int

    def _begin(self, argument: str, given: Sides, data_format: str | None, name: str | None) -> None:
        setattr(self, argument, _shortest(_ends(argument, given, self.axes)))
        self._argument = argument
        self.data_format = checked_format(data_format)
        self.name = checked_name(name)

    def _window(self, input_shape: Shape) -> Window:
        place = self.places(input_shape)
        alongs, given = self.alongs(place), _ends(self._argument, getattr(self, self._argument), self.axes)
        framed = [
            Along(along.size, 1, 1, 1, self.sign * ends[0], along.size + self.sign * sum(ends))
            for along, ends in zip(alongs, given, strict=True)
        ]
        if min(along.out for along in framed) < 1:
            raise ValueError(f"{self!r} leaves nothing of {' x '.join(str(along.size) for along in alongs)} places.")
        return self.by_axis(place, framed)


class _ZeroPadding(_Framing):
    """The base of zeros at the ends of each axis."""

    arguments = ARGUMENTS.replace("{argument}", "padding").replace("{places}", "zeros").replace("{left}", "")
    sign = 1

    def __init__(self, padding: Sides = 1, data_format: str | None = "channels_last", name: str | None = None) -> None:
        self._begin("padding", padding, data_format, name)


@LAYERS.add()
class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around an image.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.ZeroPadding2D(((0, 1), (2, 0)))])(np.ones((1, 2, 2, 1)))[0, :, :, 0]
        array([[0., 0., 1., 1.],
               [0., 0., 1., 1.],
               [0., 0., 0., 0.]], dtype=float32)
    """

    axes = 2


@LAYERS.add()
class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and behind a series.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.ZeroPadding1D((2, 1))])(np.ones((1, 2, 1))).ravel()
        array([0., 0., 1., 1., 0.], dtype=float32)
    """

    axes = 1


class _Cropping(_Framing):
    """The base of what takes the ends of each axis away."""

    arguments = (
        ARGUMENTS.replace("{argument}", "cropping")
        .replace("{places}", "places are left out")
        .replace("{left}", " or nothing is left of them")
    )
    sign = -1

    def __init__(self, cropping: Sides, data_format: str | None = "channels_last", name: str | None = None) -> None:
        self._begin("cropping", cropping, data_format, name)


@LAYERS.add()
class Cropping2D(_Cropping):
    """Leaves out the edges of an image.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> fo.Sequential([fo.layers.Cropping2D(((1, 1), (2, 0)))])(x)[0, :, :, 0]
        array([[ 6.,  7.],
               [10., 11.]], dtype=float32)
    """

    axes = 2


@LAYERS.add()
class Cropping1D(_Cropping):
    """Leaves out the ends of a series.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.Cropping1D((1, 0))])(np.arange(3.0).reshape(1, 3, 1)).ravel()
        array([1., 2.], dtype=float32)
    """

    axes = 1


class _UpSampling(ImageLayer):
    """The base of what repeats places."""

    kind = "repeat"
    arguments = SIZE_ARGUMENTS.replace("{more}", "")
    size: int | Shape

    def _begin(self, size: int | Sequence[int], data_format: str | None, name: str | None) -> None:
        self.size = one_or_all(sizes("size", size, self.axes))
        self.data_format = checked_format(data_format)
        self.name = checked_name(name)

    def _window(self, input_shape: Shape) -> Window:
        """Return the window that goes over the output, one place of the input after the other."""
        place, times = self.places(input_shape), sizes("size", self.size, self.axes)
        return self.by_axis(
            place, [Along(a.size * n, n, n, 1, 0, a.size) for a, n in zip(self.alongs(place), times, strict=True)]
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with sizes that are `size` times as large."""
        window = self._window(input_shape)
        image = self.by_axis(window, [along._replace(out=along.size) for along in self.alongs(window)])
        return image.shape(window.channels.number, self.axes)


@LAYERS.add()
class UpSampling2D(_UpSampling):
    """Makes an image larger, each place becoming a block of places, alike or interpolated.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.arange(4.0).reshape(1, 2, 2, 1)
        >>> fo.Sequential([fo.layers.UpSampling2D((1, 2))])(x)[0, :, :, 0]
        array([[0., 0., 1., 1.],
               [2., 2., 3., 3.]], dtype=float32)
        >>> fo.Sequential([fo.layers.UpSampling2D((1, 2), interpolation="bilinear")])(x)[0, :, :, 0]
        array([[0.  , 0.25, 0.75, 1.  ],
               [2.  , 2.25, 2.75, 3.  ]], dtype=float32)
    """

    axes = 2
    arguments = SIZE_ARGUMENTS.replace("{more}", INTERPOLATION)

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = "channels_last",
        interpolation: str = "nearest",
        name: str | None = None,
    ) -> None:
        self._begin(size, data_format, name)
        self.interpolation = word("interpolation", interpolation, ("nearest", "bilinear"))

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description: blocks and, if they are interpolated, means over windows of their size.

        Means over an even number of places lie between places, of which there is one more; so means of two follow.
        """
        specs = super().specs(input_shape)
        if self.interpolation == "bilinear":
            image = self._window(input_shape)
            blocks = [(along.size, along.kernel) for along in self.alongs(image)]
            means = [Along(size, n, 1, 1, n // 2, size + 1 - n % 2) for size, n in blocks]
            pairs = [
                Along(mean.out, mean.out - size + 1, 1, 1, 0, size)
                for mean, (size, _) in zip(means, blocks, strict=True)
            ]
            specs += [{"kind": "mean_pool"} | self.by_axis(image, alongs).spec() for alongs in (means, pairs)]
        return specs


@LAYERS.add()
class UpSampling1D(_UpSampling):
    """Makes a series longer, each step becoming several like it.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.Sequential([fo.layers.UpSampling1D(3)])(np.arange(2.0).reshape(1, 2, 1)).ravel()
        array([0., 0., 0., 1., 1., 1.], dtype=float32)
    """

    axes = 1

    def __init__(
        self, size: int | Sequence[int] = 2, data_format: str | None = "channels_last", name: str | None = None
    ) -> None:
        self._begin(size, data_format, name)
