"""What a model is for samples of one shape: its layers in their places, before there are weights."""

from collections.abc import Sequence
from typing import NamedTuple

from fastopt.layers import BatchNormalization, Layer, Parameter, Shape
from fastopt.layers.base import Spec, check_dimensions, size_of
from fastopt.layers.shape import Flatten, Reshape

__all__ = ["Plan", "Stage", "last_activation"]


class Stage(NamedTuple):
    """A layer in its place: its name, the shapes of its inputs and outputs, its tensors, and a note on it."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: dict[str, Parameter]
    state: dict[str, Parameter]
    note: str


class Plan:
    """The layers of a model for samples of one shape.

    Attributes:
        input_shape: The shape of a sample.
        output_shape: The shape of what the model makes of it.
        outputs: The number of its elements.
        stages: The layers in their places.

    Raises:
        ValueError: A layer cannot take its input.
    """

    def __init__(self, names: Sequence[str], layers: Sequence[Layer], input_shape: Shape) -> None:
        check_dimensions(input_shape)
        self.input_shape = shape = input_shape
        stages = []
        for name, layer, behind in zip(names, layers, [*layers[1:], None], strict=True):
            used, note = layer, ""
            if isinstance(behind, BatchNormalization) and behind.center and (bare := layer.without_bias()) is not None:
                used, note = bare, "without bias: the beta behind it stands for it"
            output_shape = used.output_shape(shape)
            stages.append(Stage(name, used, shape, output_shape, used.parameters(shape), used.state(shape), note))
            shape = output_shape
        self.stages = tuple(stages)
        # Of each of the specs: the layers of the model itself, whose `trainable` may be set.
        self._owners: list[tuple[Layer, ...]] = [
            owners for layer, stage in zip(layers, stages, strict=True) for owners in layer.owners(stage.input_shape)
        ]
        self._layers = list({id(layer): layer for owners in self._owners for layer in owners}.values())
        self._particular = [stage for stage in stages if type(stage.layer).check_batch is not Layer.check_batch]
        self.output_shape = shape
        self.outputs = size_of(shape)

    @property
    def specs(self) -> list[Spec]:
        """The descriptions that the core builds the network from."""
        return [spec for stage in self.stages for spec in stage.layer.specs(stage.input_shape)]

    @property
    def learning(self) -> list[bool]:
        """Whether each of the layers learns, those within others among them: what `trainable` depends on."""
        return [layer.trainable for layer in self._layers]

    @property
    def sizes(self) -> int | list[int]:
        """The number of elements of a sample; of each input, where there are several."""
        return size_of(self.input_shape)

    @property
    def ends(self) -> list[int]:
        """The core's numbers of the outputs; none where that is the last layer."""
        return []

    @property
    def trainable(self) -> list[bool]:
        """Whether each of the specs learns."""
        return [all(layer.trainable for layer in owners) for owners in self._owners]

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The trained tensors by name, such as ``"dense/kernel"``."""
        return {f"{stage.name}/{name}": tensor for stage in self.stages for name, tensor in stage.parameters.items()}

    @property
    def state(self) -> dict[str, Parameter]:
        """The tensors that are kept but not trained, by name."""
        return {f"{stage.name}/{name}": tensor for stage in self.stages for name, tensor in stage.state.items()}

    def check_batches(self, samples: int, batch_size: int) -> None:
        """Raise ValueError where a layer cannot be trained with the smallest batch of so many samples."""
        smallest = samples % batch_size or min(batch_size, samples)
        for stage in self._particular:
            stage.layer.check_batch(stage.name, smallest, stage.input_shape)


def last_activation(layers: Sequence[Layer]) -> str:
    """Return the name of the function that the outputs of these layers have gone through."""
    computing = [layer for layer in layers if not isinstance(layer, Flatten | Reshape)]
    return computing[-1].activation if computing else "linear"
