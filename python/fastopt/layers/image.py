"""What layers that go over images and series have in common."""

import inspect
from abc import abstractmethod
from typing import ClassVar

from fastopt.layers.base import Layer, Shape, Spec
from fastopt.layers.window import Along, Window, window_of

FORMAT_TEXT = """``"channels_last"``: samples are ``[{0}, channels]``; or ``"channels_first"``:
        ``[channels, {0}]``. None is ``"channels_last"``."""
WORDS = {
    1: {
        "what": "series",
        "sizes": "steps",
        "pair": "",
        "sides": "one number is that of both ends, two are those ``(before, after)``",
        "axes": "the axis of the steps",
        "one": "a size of 1",
        "formats": FORMAT_TEXT.format("steps"),
    },
    2: {
        "what": "image",
        "sizes": "height and width",
        "pair": ", as of `strides`; one number is both",
        "sides": "one number is that of all sides, two are those ``(above and below, left and right)``, and two pairs\n"
        "        ``((above, below), (left, right))``",
        "axes": "the axes of the places",
        "one": "sizes of 1",
        "formats": FORMAT_TEXT.format("height, width"),
    },
}


class ImageLayer(Layer):
    """The base: its documentation has the arguments, which differ by the number of axes."""

    kind: ClassVar[str]  # in the core
    axes: ClassVar[int]
    arguments: ClassVar[str]
    data_format: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        doc = inspect.cleandoc(cls.__doc__ or "")
        place = min((at for at in map(doc.find, ("\nSource:\n", "\nExample:\n")) if at >= 0), default=0)
        if place:
            cls.__doc__ = doc[:place] + cls.arguments.format(**WORDS[cls.axes]) + doc[place:]

    @abstractmethod
    def _window(self, input_shape: Shape) -> Window: ...

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with the number of windows in place of the sizes."""
        window = self._window(input_shape)
        return window.shape(window.channels.number, self.axes)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description of windows over an image."""
        return [{"kind": self.kind} | self._window(input_shape).spec()]

    def window(self, input_shape: Shape, size: Shape, strides: Shape, padding: str) -> Window:
        """Return where a window of some size lies on samples."""
        return window_of(self, input_shape, self.data_format, size, strides, self.axes * (1,), padding)

    def places(self, input_shape: Shape) -> Window:
        """Return the window of one place."""
        return self.window(input_shape, self.axes * (1,), self.axes * (1,), "valid")

    def by_axis(self, window: Window, alongs: "list[Along]") -> Window:
        """Return a window with other numbers along the axes of the places."""
        return window._replace(height=alongs[0] if self.axes == 2 else window.height, width=alongs[-1])

    def alongs(self, window: Window) -> "list[Along]":
        """Return the numbers along each axis of the places."""
        return [window.height, window.width][2 - self.axes :]


def one_or_all(sizes: Shape) -> int | Shape:
    """Return sizes as one number if they are equal."""
    return sizes[0] if len(set(sizes)) == 1 else sizes
