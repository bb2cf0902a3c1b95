"""The layers of a network: what they are made of; the core computes them."""

from typing import NamedTuple

from fastopt import _core, checks
from fastopt.initializers import INITIALIZERS, Initializer
from fastopt.registry import Described, Registry, unknown_name

__all__ = ["Dense", "Layer"]

# By name; true where the gradient needs the value before the activation, which a dense layer does not keep.
ACTIVATIONS = _core.kernels.activations()
FUSED = [name for name, from_input in ACTIVATIONS.items() if not from_input]

Shape = tuple[int, ...]


class Parameter(NamedTuple):
    """One trained tensor of a layer: its shape and its starting values."""

    shape: Shape
    initializer: Initializer


class Layer(Described):
    """The base of all layers; shapes are those of one sample, without the batch.

    A layer says how it changes a shape, which tensors it trains, and how the core knows it.
    """

    name: str | None = None
    activation: str = "linear"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output for an input of this shape."""
        raise NotImplementedError

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return the trained tensors by name, in the order of the core's."""
        return {}

    def spec(self) -> dict[str, object]:
        """Return the description that the core builds the layer from."""
        raise NotImplementedError


LAYERS = Registry("layer", Layer)


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
        self.activation = "linear" if activation is None else activation
        if self.activation not in ACTIVATIONS:
            raise unknown_name("activation", activation, FUSED)
        if self.activation not in FUSED:
            raise ValueError(
                f"A dense layer cannot have the activation {activation!r}, whose gradient needs the values before it; "
                f"it can have {', '.join(FUSED)}."
            )
        self.use_bias = bool(use_bias)
        self.kernel_initializer = INITIALIZERS.resolve(kernel_initializer)
        self.bias_initializer = INITIALIZERS.resolve(bias_initializer)
        if not isinstance(name, str | None):
            raise TypeError(f"name must be a string, not {name!r}.")
        self.name = name

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(units,)``."""
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [inputs, units]`` and, unless it has none, ``bias [units]``."""
        tensors = {"kernel": Parameter((*input_shape, self.units), self.kernel_initializer)}
        if self.use_bias:
            tensors["bias"] = Parameter((self.units,), self.bias_initializer)
        return tensors

    def spec(self) -> dict[str, object]:
        """Return the core's description of the layer."""
        return {"kind": "dense", "units": self.units, "activation": self.activation, "use_bias": self.use_bias}
