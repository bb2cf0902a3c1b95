"""Weights by length and direction."""

import numpy as np

from fastopt.core.plain import Real
from fastopt.initializers import Initializer, sum_rows
from fastopt.layers.base import LAYERS, Layer, Parameter, Shape, Spec, checked_name
from fastopt.layers.dense import Dense, Maxout

__all__ = ["WeightNormalization"]


@LAYERS.add()
class WeightNormalization(Layer):
    """Trains the lengths and the directions of a layer's weights apart: W = g v / |v| for the weights of each sum.

    The kernel of the layer is v, and so its regularizer and its constraint are those of v. At the start g = |v|, so
    that W = v. A column of v that is all 0 has no direction: its W is 0 and stays so.

    Args:
        layer: A `Dense` or `Maxout` layer.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: `layer` is not such a layer, or the name not a string.

    Source:
        Salimans and Kingma, Weight normalization: a simple reparameterization to accelerate training of deep neural
        networks, NIPS 2016.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.WeightNormalization(fo.layers.Dense(3, "relu")), fo.layers.Dense(1)])
        >>> model.build(4)
        >>> {name: view.shape for name, view in model.parameters.items() if name.startswith("weight")}
        {'weight_normalization/kernel': (4, 3), 'weight_normalization/bias': (3,), 'weight_normalization/g': (3,)}
    """

    def __init__(self, layer: Dense | Maxout, name: str | None = None, trainable: bool = True) -> None:
        resolved = LAYERS.resolve(layer, "layer")
        if not isinstance(resolved, Dense | Maxout):
            raise TypeError(f"layer must be Dense or Maxout, not {resolved!r}.")
        self.layer = resolved
        self.activation = resolved.activation
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return that of the layer."""
        return self.layer.output_shape(input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return those of the layer, and ``g``, one for each column of its kernel."""
        tensors = self.layer.parameters(input_shape)
        kernel = tensors["kernel"]
        return tensors | {"g": Parameter(kernel.shape[1:], _Lengths(kernel, len(tensors)))}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        dense, *others = self.layer.specs(input_shape)
        return [dense | {"kind": "weight_normalization"}, *others]


class _Lengths(Initializer):
    """The norms of the columns of a kernel that starts from the random stream `before` this one."""

    def __init__(self, kernel: Parameter, before: int) -> None:
        self.kernel = kernel
        self.before = before

    def __call__(self, shape: Shape, seed: int, stream: int, dtype: str = "float32") -> Real:
        v = self.kernel.initializer(self.kernel.shape, seed, stream - self.before, dtype)
        lengths: Real = np.sqrt(sum_rows(np.square(v, dtype=np.float64))).astype(dtype)
        return lengths
