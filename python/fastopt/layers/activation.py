"""Activations as layers."""

from fastopt.initializers import INITIALIZERS, Constant, Initializer
from fastopt.layers.base import LAYERS, Channels, Layer, Parameter, Shape, Spec, checked_activation, checked_name

__all__ = ["Activation", "PReLU"]


@LAYERS.add()
class Activation(Layer):
    """An elementwise function, or softmax: y = f(x).

    Behind a layer that has none it costs nothing: the core ends that layer with it.

    Args:
        activation: The name of a function, as for `Dense`.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: The name is not a string.
        ValueError: The function is unknown.

    Example:
        >>> import fastopt as fo
        >>> layers = [fo.layers.Dense(8), fo.layers.BatchNormalization(), fo.layers.Activation("relu")]
        >>> fo.Sequential([*layers, fo.layers.Dense(1)]).build(4)
    """

    def __init__(self, activation: str, name: str | None = None) -> None:
        self.activation = checked_activation(activation)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "activation", "activation": self.activation}]


@LAYERS.add("prelu")
class PReLU(Layer):
    """A rectifier whose slope for negative values is trained: y = x where x > 0, alpha x elsewhere.

    Args:
        axis: Where the channels are, each of which has its alpha: 1 or -1.
        alpha_initializer: Starting values of alpha ``[channels]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: The name is not a string.
        ValueError: An initializer is unknown; or, when it is built, there is no such axis.

    Source:
        He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(8), fo.layers.PReLU(), fo.layers.Dense(1)])
        >>> model.build(4)
        >>> model.parameters["prelu/alpha"][0]
        np.float32(0.25)
    """

    def __init__(
        self,
        axis: int = -1,
        alpha_initializer: str | Initializer | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.axis = axis
        self.alpha_initializer = (
            Constant(0.25) if alpha_initializer is None else INITIALIZERS.resolve(alpha_initializer)
        )
        self.name = checked_name(name)
        self.trainable = bool(trainable)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``alpha [channels]``."""
        return {"alpha": Parameter((Channels.of(self, input_shape, self.axis).number,), self.alpha_initializer)}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "prelu", **Channels.of(self, input_shape, self.axis).spec()}]
