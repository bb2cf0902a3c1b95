"""Layers of several inputs, for `fastopt.Model`."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from fastopt.layers.base import LAYERS, Layer, Shape, Spec, checked_name

__all__ = ["Add", "Concatenate"]


class _Merge(Layer):
    """The base of layers of two inputs or more."""

    kind: ClassVar[str]

    def __init__(self, name: str | None = None) -> None:
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Raise ValueError: one input is not enough."""
        raise ValueError(f"{self!r} has at least two inputs: call it with a list of them, for a fastopt.Model.")

    def output_shapes(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shape of what is made of inputs of these shapes."""
        if len(shapes) < 2:
            raise ValueError(f"{self!r} has at least two inputs, not {len(shapes)}.")
        return [self._merged(shapes)]

    @abstractmethod
    def _merged(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape for two shapes or more."""

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": self.kind}]


@LAYERS.add()
class Add(_Merge):
    """Adds its inputs: y = x_1 + x_2 + ...

    Args:
        name: The name in summaries, messages and files.

    Raises:
        TypeError: `name` is not a string.
        ValueError: When it is called: there is one input, or they differ in shape.

    Example:
        >>> import fastopt as fo
        >>> x = fo.Input(4)
        >>> model = fo.Model(x, fo.layers.Add()([x, fo.layers.Dense(4, "relu")(x)]))
        >>> model.predict([[1.0, 2.0, 3.0, 4.0]]).shape
        (1, 4)
    """

    kind = "add"

    def _merged(self, shapes: Sequence[Shape]) -> Shape:
        for shape in shapes:
            if shape != shapes[0]:
                raise ValueError(f"{self!r} needs inputs of one shape, not {shapes[0]} and {shape}.")
        return shapes[0]


@LAYERS.add()
class Concatenate(_Merge):
    """Puts its inputs, flat samples, one behind the other.

    Args:
        name: The name in summaries, messages and files.

    Raises:
        TypeError: `name` is not a string.
        ValueError: When it is called: there is one input, or one is not flat.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Concatenate()([fo.Input(4), fo.Input(3)]).shape
        (7,)
    """

    kind = "concatenate"

    def _merged(self, shapes: Sequence[Shape]) -> Shape:
        for shape in shapes:
            if len(shape) != 1:
                raise ValueError(f"{self!r} needs flat samples, not of shape {shape}: put Flatten() before it.")
        return (sum(shape[0] for shape in shapes),)
