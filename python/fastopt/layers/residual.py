"""Layers around others."""

from collections import Counter
from collections.abc import Sequence

from fastopt.core import checks
from fastopt.layers.base import LAYERS, Layer, Parameter, Shape, Spec, checked_name

__all__ = ["Residual"]

# More than anybody needs, and few enough for a file to be read in a second.
MAX_LAYERS = 10_000
MAX_NAME = 1_000


@LAYERS.add()
class Residual(Layer):
    """Adds what some layers make of their input to it: y = x + f(x).

    Args:
        layers: The layers of f, first to last; their output has the shape of their input.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: Something in `layers` is not a layer.
        ValueError: There is no layer; or, when it is built, f changes the shape.

    Source:
        He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016.

    Example:
        >>> import fastopt as fo
        >>> block = fo.layers.Residual([fo.layers.Dense(16, "relu"), fo.layers.Dense(8)])
        >>> model = fo.Sequential([fo.layers.Dense(8), block, fo.layers.Dense(1)])
        >>> model.build(4)
        >>> [name for name in model.parameters if name.endswith("kernel")]
        ['dense/kernel', 'residual/dense/kernel', 'residual/dense_1/kernel', 'dense_1/kernel']
    """

    def __init__(self, layers: Sequence[Layer], name: str | None = None, trainable: bool = True) -> None:
        self.layers = [LAYERS.resolve(layer, f"layers[{i}]") for i, layer in enumerate(checks.items("layers", layers))]
        self.layer_names = layer_names(self.layers)
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.output_shape(shape)
        if shape != input_shape:
            raise ValueError(f"The layers of {self!r} make {shape} of {input_shape}; the shape must stay.")
        return shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return those of the layers, by the names of layer and tensor."""
        return self._tensors(input_shape, trained=True)

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return those of the layers, by the names of layer and tensor."""
        return self._tensors(input_shape, trained=False)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's descriptions."""
        inner: list[Spec] = []
        for layer in self.layers:
            inner += layer.specs(input_shape)
            input_shape = layer.output_shape(input_shape)
        return [{"kind": "pass"}, *inner, {"kind": "add", "inputs": [-1, -1 - len(inner)]}]

    def owners(self, input_shape: Shape) -> list[tuple[Layer, ...]]:
        """Return the layers within, each with this one, between this one for the start and for the end."""
        inner: list[tuple[Layer, ...]] = []
        for layer in self.layers:
            inner += [(self, *owners) for owners in layer.owners(input_shape)]
            input_shape = layer.output_shape(input_shape)
        return [(self,), *inner, (self,)]

    def check_batch(self, name: str, rows: int, input_shape: Shape) -> None:
        """Check the layers."""
        for inner, layer in zip(self.layer_names, self.layers, strict=True):
            layer.check_batch(f"{name}/{inner}", rows, input_shape)
            input_shape = layer.output_shape(input_shape)

    def _tensors(self, shape: Shape, *, trained: bool) -> dict[str, Parameter]:
        tensors: dict[str, Parameter] = {}
        for name, layer in zip(self.layer_names, self.layers, strict=True):
            own = layer.parameters(shape) if trained else layer.state(shape)
            tensors |= {f"{name}/{tensor}": parameter for tensor, parameter in own.items()}
            shape = layer.output_shape(shape)
        return tensors


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Return the layers' names, made of their classes where they have none.

    Raises:
        TypeError: Something is not a layer.
        ValueError: There is no layer, a layer or a name occurs twice, or a name has a slash.
    """
    if not layers:
        raise ValueError("layers is empty; it needs at least one layer.")
    if len(layers) > MAX_LAYERS:
        raise ValueError(f"There are {len(layers)} layers; at most {MAX_LAYERS} are possible.")
    seen: set[int] = set()
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{i}] must be a layer, such as fastopt.layers.Dense(10), not {layer!r}.")
        if id(layer) in seen:
            raise ValueError(f"layers[{i}] occurs twice; make one object for each layer.")
        seen.add(id(layer))
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    for i, layer in enumerate(layers):
        if layer.name is not None:
            if not layer.name or "/" in layer.name or len(layer.name) > MAX_NAME:
                raise ValueError(
                    f"layers[{i}] has the name {layer.name[:MAX_NAME]!r}; a name is a word without '/' of at most "
                    f"{MAX_NAME} characters."
                )
            if layer.name in taken:
                raise ValueError(f"Two layers have the name {layer.name!r}; names must differ.")
            taken.add(layer.name)
    return [layer.name or free_name(layer.stem, taken, numbers) for layer in layers]


def free_name(stem: str, taken: set[str], numbers: Counter[str]) -> str:
    """Return the first of `stem`, `stem_1`, ... that is not taken, and take it."""
    while (name := f"{stem}_{numbers[stem]}" if numbers[stem] else stem) in taken:
        numbers[stem] += 1
    taken.add(name)
    return name
