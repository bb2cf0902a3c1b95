"""Layers of weighted sums."""

from typing import Self

from fastopt import checks
from fastopt.initializers import INITIALIZERS, Initializer
from fastopt.layers.base import (
    LAYERS,
    Layer,
    Parameter,
    Shape,
    Spec,
    activated,
    checked_activation,
    checked_name,
    flat_size,
)

__all__ = ["Dense", "Maxout"]


@LAYERS.add()
class Dense(Layer):
    """A fully connected layer: y = activation(x W + b).

    Args:
        units: The number of outputs, at least 1.
        activation: ``"linear"`` (or None), ``"relu"`` max(0, z), ``"leaky_relu"`` (z / 100 for z < 0), ``"elu"``
            (e^z - 1 for z < 0), ``"selu"``, ``"softplus"`` log(1 + e^z), ``"softsign"`` z / (1 + |z|), ``"sigmoid"``
            1 / (1 + e^-z), ``"hard_sigmoid"``, ``"tanh"``, ``"hard_tanh"``, or, in the last layer only, ``"softmax"``
            e^z_i / sum_j e^z_j; the formulas are those of `fastopt.kernels`.
        use_bias: Whether b is there.
        kernel_initializer: Starting values of W ``[inputs, units]``; the name or the object of an initializer.
        bias_initializer: Starting values of b ``[units]``; the name or the object of an initializer.
        name: The name in summaries, messages and files; by default ``"dense"``, ``"dense_1"``, ...

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `units` is less than 1, or a name is unknown.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Dense(64, activation="relu", kernel_initializer="he_normal")
        Dense(units=64, activation='relu', kernel_initializer=HeNormal(), bias_initializer=Zeros())
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
    ) -> None:
        self.units = checks.integer("units", units, 1, checks.SIZE)
        self.activation = checked_activation(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = INITIALIZERS.resolve(kernel_initializer)
        self.bias_initializer = INITIALIZERS.resolve(bias_initializer)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(units,)``."""
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [inputs, units]`` and, unless it has none, ``bias [units]``."""
        tensors = {"kernel": Parameter((flat_size(self, input_shape), self.units), self.kernel_initializer)}
        if self.use_bias:
            tensors["bias"] = Parameter((self.units,), self.bias_initializer)
        return tensors

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description: the products, and the activation if it needs a layer of its own."""
        return activated({"kind": "dense", "units": self.units, "use_bias": self.use_bias}, self.activation)

    def without_bias(self) -> Self | None:
        """Return the layer without its bias, if it has one and no activation."""
        if not self.use_bias or self.activation != "linear":
            return None
        return type(self).from_config(self.get_config() | {"use_bias": False})


@LAYERS.add()
class Maxout(Layer):
    """The largest of some weighted sums: y_j = max over k = 1..pieces of (x W + b)_{j, k}.

    Args:
        units: The number of outputs, at least 1.
        pieces: The number of sums for each, at least 1.
        use_bias: Whether b is there.
        kernel_initializer: Starting values of W ``[inputs, units * pieces]``, the pieces of an output side by side.
        bias_initializer: Starting values of b ``[units * pieces]``.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, or a name is unknown.

    Source:
        Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, ICML 2013.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Maxout(4, pieces=3), fo.layers.Dense(1)])
        >>> model.build(8)
        >>> model.parameters["maxout/kernel"].shape
        (8, 12)
    """

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
    ) -> None:
        self.units = checks.integer("units", units, 1, 2**53)
        self.pieces = checks.integer("pieces", pieces, 1, 2**53)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = INITIALIZERS.resolve(kernel_initializer)
        self.bias_initializer = INITIALIZERS.resolve(bias_initializer)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(units,)``."""
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [inputs, units * pieces]`` and, unless it has none, ``bias [units * pieces]``."""
        return self._sums().parameters(input_shape)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description: the sums, and the largest of them."""
        return [*self._sums().specs(input_shape), {"kind": "max_pieces", "pieces": self.pieces}]

    def _sums(self) -> Dense:
        return Dense(
            self.units * self.pieces, None, self.use_bias, self.kernel_initializer, self.bias_initializer, self.name
        )
