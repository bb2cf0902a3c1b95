"""Layers that change the shape of samples, and nothing else."""

from collections.abc import Sequence

from fastopt.layers.base import LAYERS, Layer, Shape, Spec, checked_name, checked_shape, size_of

__all__ = ["Flatten", "Reshape"]


@LAYERS.add()
class Flatten(Layer):
    """Makes samples of any shape flat, the last axis running fastest.

    Args:
        name: The name in summaries, messages and files.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Flatten(), fo.layers.Dense(10)])
        >>> model(np.zeros((3, 28, 28))).shape
        (3, 10)
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(product of all sizes,)``."""
        return (size_of(input_shape),)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "pass"}]


@LAYERS.add()
class Reshape(Layer):
    """Gives samples another shape, the last axis running fastest.

    Args:
        target_shape: The shape of one sample, without the batch.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: `target_shape` is not a tuple of integers.
        ValueError: A size is less than 1; or, when it is built, the sizes do not fit.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(12), fo.layers.Reshape((3, 4))])
        >>> model.build(5)
        >>> model.predict([[0.0] * 5]).shape
        (1, 3, 4)
    """

    def __init__(self, target_shape: Sequence[int], name: str | None = None) -> None:
        self.target_shape = checked_shape("target_shape", target_shape)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return `target_shape`."""
        if size_of(input_shape) != size_of(self.target_shape):
            raise ValueError(
                f"Samples of shape {input_shape}, {size_of(input_shape)} values, cannot be given the shape "
                f"{self.target_shape}, which has {size_of(self.target_shape)}."
            )
        return self.target_shape

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "pass"}]
