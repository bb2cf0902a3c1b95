"""What all layers have in common: shapes, tensors, and how the core knows them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from fastopt import _core
from fastopt.core import checks
from fastopt.core.habits import ATTRIBUTES_OF_LAYERS, explain, missing
from fastopt.core.registry import Described, Registry, snake_case, word
from fastopt.initializers import Initializer

__all__ = ["ACTIVATIONS", "LAYERS", "Channels", "Input", "Layer", "Parameter", "Shape", "Spec", "Symbol"]

# By name; true where the gradient needs the value before the activation, so that it is a layer of its own in the core.
ACTIVATIONS = _core.kernels.activations()

Shape = tuple[int, ...]
MAX_DIMENSIONS = 32  # of a sample
LISTS = (list, tuple)
Spec = dict[str, object]


class Parameter(NamedTuple):
    """One tensor of a layer: its shape, its starting values, and what none of its values is less than."""

    shape: Shape
    initializer: Initializer
    low: float = -math.inf


class Channels(NamedTuple):
    """An axis of channels among the axes of a sample: their number, and whether the axis is the last."""

    number: int
    last: bool

    @classmethod
    def of(cls, layer: "Layer", input_shape: Shape, axis: int) -> "Channels":
        """Return the channels of `axis`, 1 or -1 as in arrays ``[n, channels, ...]`` and ``[n, ..., channels]``."""
        if axis not in (1, -1, len(input_shape)):
            raise ValueError(
                f"{layer!r} has its channels on axis 1 or on the last one, not {axis} of (n, {_text(input_shape)})."
            )
        last = axis != 1 or len(input_shape) == 1
        return cls(input_shape[-1 if last else 0], last)

    def spec(self) -> Spec:
        """Return the core's description."""
        return {"channels": self.number, "channels_last": self.last}


class Layer(Described, ABC):
    """The base of all layers; shapes are those of one sample, without the batch.

    A layer says how it changes a shape, which tensors it trains or keeps, and what the core builds it from.

    Attributes:
        name: The name in summaries, messages and files, or None for one made of the class.
        activation: The name of the function that its outputs have gone through.
        trainable: Whether it learns, which may be set at any time. A layer that does not is frozen: no gradient of its
            weights is computed, nothing that an optimizer does touches them, they do not count in norms and penalties,
            and running statistics stand still and are used as in inference.
    """

    name: str | None = None
    activation: str = "linear"
    _trainable: bool = True
    changes: ClassVar[int] = 0  # how often `trainable` of any layer was set

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        explain(cls)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> None:
            raise missing(self, name, ATTRIBUTES_OF_LAYERS)

    @property
    def trainable(self) -> bool:
        """Whether it learns."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = checks.flag("trainable", value)
        Layer.changes += 1

    @property
    def stem(self) -> str:
        """What a name is made of where there is none."""
        return snake_case(type(self).__name__)

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of one output for an input of this shape."""

    def output_shapes(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes of the outputs for inputs of these shapes; most layers have one of each."""
        if len(shapes) != 1:
            raise ValueError(f"{self!r} has one input, not {len(shapes)}.")
        return [self.output_shape(shapes[0])]

    def output_activation(self, output: int) -> str:
        """Return the name of the function that an output has gone through."""
        return self.activation

    def __call__(self, inputs: "Symbol | Sequence[Symbol]") -> Any:
        """Return what stands for the output of the layer for these inputs, in a graph for `fastopt.Model`.

        A layer that is called more than once has the same weights each time.

        Raises:
            TypeError: An input is not what `fastopt.Input` or the call of a layer returned.
            ValueError: The layer cannot take inputs of these shapes.
        """
        given = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
        for symbol in given:
            if not isinstance(symbol, Symbol):
                raise TypeError(
                    f"{self!r} is called with fastopt.Input(...) or outputs of layers, not {checks.described(symbol)}; "
                    "arrays are what a model is called with."
                )
        outputs = SymbolicCall(self, given).outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return the trained tensors by name, in the order of the core's."""
        return {}

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return the tensors that are kept and saved but not trained, in the order of the core's."""
        return {}

    @abstractmethod
    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the descriptions that the core builds the layer from."""

    def connected(self, input_shape: Shape, sources: Sequence[int]) -> list[Spec]:
        """Return the `specs`, whose last ones are the outputs, with the nodes of the inputs, counted from the first."""
        first, *rest = self.specs(input_shape)
        return [first | {"inputs": list(sources)}, *rest]

    def owners(self, input_shape: Shape) -> "list[tuple[Layer, ...]]":
        """Return the layers that each of the `specs` belongs to, outermost first; it learns if all of them do."""
        return [(self,)] * len(self.specs(input_shape))

    def ids(self, shapes: Sequence[Shape]) -> list[list[int] | None]:
        """Return of each input how many ids each of its columns has, from 0; None where an input holds no ids."""
        return [None] * len(shapes)

    def check_batch(self, name: str, rows: int, input_shape: Shape) -> None:
        """Raise ValueError where the layer, whose name is given, cannot be trained on a batch of so few samples."""

    def without_bias(self, behind: Channels) -> "Layer | None":
        """Return the layer without its bias, or None if it has none that one of each channel behind stands for."""
        return None


class Symbol:
    """What stands for an input of a model, or for the output of a layer: a place in the graph of `fastopt.Model`.

    Attributes:
        shape: The shape of one sample.
        call: The call of the layer, or None for an input.
        name: The name of an input, if it has one.
    """

    name: str | None = None

    def __init__(self, shape: Shape, call: "SymbolicCall | None" = None) -> None:
        self.shape = shape
        self.call = call

    @property
    def inputs(self) -> "tuple[Symbol, ...]":
        """What the layer was called with."""
        return () if self.call is None else self.call.inputs

    def __repr__(self) -> str:
        return f"<{'input' if self.call is None else repr(self.call.layer)} of shape (n, {_text(self.shape)})>"


class SymbolicCall:
    """A call of a layer with symbols, and the symbols of its outputs.

    Raises:
        ValueError: The layer cannot take inputs of these shapes.
    """

    def __init__(self, layer: Layer, inputs: tuple[Symbol, ...]) -> None:
        self.layer = layer
        self.inputs = inputs
        self.outputs = tuple(Symbol(s, self) for s in layer.output_shapes([symbol.shape for symbol in inputs]))


class Input(Symbol):
    """An input of a `fastopt.Model`.

    Args:
        shape: The shape of one sample, such as ``7`` or ``(28, 28)``.
        name: The name by which a dict of inputs has it, or None for ``"input"``, of several ``"input_0"`` and so on.

    Raises:
        TypeError: `shape` is not made of integers, or `name` is no string.
        ValueError: A size is not positive, or there is none.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Dense(3)(fo.Input(7)).shape
        (3,)
    """

    def __init__(self, shape: int | Sequence[int], name: str | None = None) -> None:
        self.name = checked_name(name)
        sizes = checked_shape("shape", list(shape) if isinstance(shape, Sequence) else [shape])
        if not sizes:
            raise ValueError("shape must be that of one sample, such as 784 or (28, 28), not ().")
        super().__init__(sizes)


def is_symbolic(given: object) -> bool:
    """Return whether it is a symbol, or a list with one."""
    return isinstance(given, Symbol) or (isinstance(given, LISTS) and any(isinstance(one, Symbol) for one in given))


LAYERS: Registry[Layer] = Registry("layer", Layer)  # type: ignore[type-abstract]


def checked_name(name: object) -> str | None:
    """Return a layer's name if it is a string or None."""
    if not isinstance(name, str | None):
        raise TypeError(f"name must be a string, not {name!r}.")
    return name


def checked_activation(activation: str | None) -> str:
    """Return the name of a known activation; None is linear."""
    given = "silu" if isinstance(activation, str) and activation == "swish" else activation
    return "linear" if given is None else word("activation", given, ACTIVATIONS)


def checked_axis(axis: int) -> int:
    """Return an axis of arrays ``[n, ...]``; whether there is such a one is known when the layer is built."""
    return checks.integer("axis", axis, -checks.AXES, checks.AXES)


def flat_size(layer: Layer, input_shape: Shape) -> int:
    """Return the number of features of a flat sample."""
    if len(input_shape) != 1:
        raise ValueError(f"{layer!r} needs flat samples, not (n, {_text(input_shape)}): put Flatten() before it.")
    return input_shape[0]


def activated(spec: Spec, activation: str) -> list[Spec]:
    """Return the description of a layer with an activation behind it, its own or a layer."""
    if ACTIVATIONS[activation]:
        return [spec, {"kind": "activation", "activation": activation}]
    return [spec | {"activation": activation}]


def check_dimensions(shape: Sequence[object]) -> None:
    """Refuse shapes of more dimensions than arrays have."""
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"A shape of {len(shape)} dimensions was given; at most {MAX_DIMENSIONS} are possible.")


def checked_shape(name: str, shape: object) -> Shape:
    """Return a shape of positive sizes."""
    if not isinstance(shape, list | tuple):
        raise TypeError(f"{name} must be a tuple of integers, not {shape!r}.")
    check_dimensions(shape)
    return tuple(checks.integer(f"{name}[{i}]", size, 1, checks.SIZE) for i, size in enumerate(shape))


def size_of(shape: Shape) -> int:
    """Return the number of elements."""
    return math.prod(shape)


def _text(shape: Shape) -> str:
    return ", ".join(map(str, shape))
