"""Activations as layers."""

from collections.abc import Mapping
from typing import Any, Self

from fastopt.core import checks
from fastopt.initializers import INITIALIZERS, Constant, Initializer
from fastopt.layers.base import (
    LAYERS,
    Channels,
    Layer,
    Parameter,
    Shape,
    Spec,
    checked_activation,
    checked_axis,
    checked_name,
    flat_size,
    size_of,
)

__all__ = ["Activation", "LeakyReLU", "PReLU", "ParametricActivation"]


@LAYERS.add()
class Activation(Layer):
    """An elementwise function, or softmax: y = f(x).

    Behind a layer that has none it costs nothing: the core ends that layer with it.

    Args:
        activation: The name of a function, as for `Dense`, or None for the identity.
        name: The name in summaries, messages and files.
        axis: Which axis softmax is over: -1, the last, or None for all values of a sample.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The function is unknown, or the axis another.

    Example:
        >>> import fastopt as fo
        >>> layers = [fo.layers.Dense(8), fo.layers.BatchNormalization(), fo.layers.Activation("relu")]
        >>> fo.Sequential([*layers, fo.layers.Dense(1)]).build(4)
    """

    def __init__(self, activation: str | None, name: str | None = None, axis: int | None = -1) -> None:
        self.activation = checked_activation(activation)
        self.name = checked_name(name)
        self.axis = axis if axis is None else checks.integer("axis", axis, -1, 0)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the layer that `get_config` describes; one of fastopt 0.1 says no axis and takes all."""
        return cls(**{"axis": None} | dict(config))

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        if self.activation == "softmax" and self.axis is not None and len(input_shape) > 1:
            return [{"kind": "softmax", "places": size_of(input_shape[:-1])}]
        return [{"kind": "activation", "activation": self.activation}]


@LAYERS.add("leaky_relu")
class LeakyReLU(Layer):
    """A rectifier with a slope for negative values: y = x where x > 0, negative_slope x elsewhere.

    The activation ``"leaky_relu"`` is the same with a slope of 0.01, and costs nothing behind a layer; `PReLU` trains
    its slope.

    Args:
        negative_slope: At least 0; 0.01 as in the paper, where Keras has 0.3.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The slope is negative or not finite.

    Source:
        Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.LeakyReLU(0.25)])
        >>> model.build(2)
        >>> model.predict(np.array([[-2.0, 2.0]]))
        array([[-0.5,  2. ]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01, name: str | None = None) -> None:
        self.negative_slope = checks.real("negative_slope", negative_slope, 0.0)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "leaky_relu", "negative_slope": self.negative_slope}]


@LAYERS.add("prelu")
class PReLU(Layer):
    """A rectifier whose slope for negative values is trained: y = x where x > 0, alpha x elsewhere.

    Args:
        axis: Where the channels are, each of which has its alpha: 1 or -1.
        alpha_initializer: Starting values of alpha ``[channels]``: 0.25 as in the paper, where Keras has 0.
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
        self.axis = checked_axis(axis)
        self.alpha_initializer = (
            Constant(0.25)
            if alpha_initializer is None
            else INITIALIZERS.resolve(alpha_initializer, "alpha_initializer")
        )
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``alpha [channels]``."""
        return {"alpha": Parameter((Channels.of(self, input_shape, self.axis).number,), self.alpha_initializer)}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "prelu", **Channels.of(self, input_shape, self.axis).spec()}]


@LAYERS.add()
class ParametricActivation(Layer):
    """An activation that each feature has as much of as it learns: y = x + alpha (f(x) - x).

    With alpha = 1 it is f, with alpha = 0 the identity.

    Args:
        activation: f: the name of a function that goes element by element, as for `Dense`.
        alpha_initializer: Starting values of alpha ``[features]``; the name or the object of an initializer.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The function or the initializer is unknown, or f is linear or softmax; or, when it is built,
            samples are not flat.

    Source:
        Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
        data, NeurIPS 2024, arXiv:2407.04491.

    Example:
        >>> import fastopt as fo
        >>> layers = [fo.layers.Dense(8), fo.layers.ParametricActivation("selu"), fo.layers.Dense(1)]
        >>> model = fo.Sequential(layers)
        >>> model.build(4)
        >>> model.parameters["parametric_activation/alpha"].shape
        (8,)
    """

    def __init__(
        self,
        activation: str,
        alpha_initializer: str | Initializer = "ones",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.activation = checked_activation(activation)
        if self.activation in ("linear", "softmax"):
            raise ValueError(f"activation must be a function that goes element by element, not {self.activation}.")
        self.alpha_initializer = INITIALIZERS.resolve(alpha_initializer, "alpha_initializer")
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``alpha [features]``."""
        return {"alpha": Parameter((flat_size(self, input_shape),), self.alpha_initializer)}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "parametric", "activation": self.activation}]
