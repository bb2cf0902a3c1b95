"""What a model is for samples of some shapes: its layers in their places, before there are weights."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described
from fastopt.layers import LAYERS, BatchNormalization, Channels, Layer, Parameter, Shape
from fastopt.layers.base import Spec, check_dimensions, checked_name, checked_shape, size_of
from fastopt.layers.residual import free_name, layer_names
from fastopt.layers.shape import Flatten, Reshape

__all__ = ["Call", "Maker", "Plan", "Stage"]

MAX_SPECS = 100_000  # models within models multiply

Call = tuple[int, Sequence[int]]


class Stage(NamedTuple):
    """A layer in its place: its name, the shapes of its inputs and outputs, its tensors, and a note on it."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: dict[str, Parameter]
    state: dict[str, Parameter]
    note: str


class Maker(NamedTuple):
    """What makes a value: a layer called with some values, and which of how many outputs it is."""

    layer: int
    values: list[int]
    output: int
    outputs: int


class Plan(Described):
    """Layers that are connected in some way that goes forward.

    Values have numbers: first those of the inputs, then what the calls make, one after the other.

    Args:
        input_shapes: The shapes of a sample of each input.
        layers: The layers.
        calls: Of each call of a layer, the number of the layer, and those of the values that it is called with.
        results: The numbers of the values that are the outputs.
        input_names: The names of the inputs; one that is None, or all, is made of the number of the input.

    Attributes:
        input_shape: The shape of a sample of the first input.
        output_shapes: The shapes of what the model makes of a sample.
        sizes_of_outputs: The numbers of their elements.
        output_shape: The shape of the first output.
        outputs: The number of its elements.
        output_names: The names of the layers that the outputs are of.
        output_activations: The names of the functions that the outputs have gone through.
        stages: The layers in their places; one that is called more than once stands where it is called first.
        makers: What makes each value; None for an input.
        specs: The descriptions that the core builds the network from.
        owners: Of each of them, the layers that it belongs to, outermost first.
        ends: The core's numbers of the outputs.
        ids: Of each input how many ids its columns have, from 0, or None where it holds none.

    Raises:
        TypeError, ValueError: An argument is no such list, or a layer cannot take its inputs.
    """

    def __init__(
        self,
        input_shapes: Sequence[Shape],
        layers: Sequence[Layer],
        calls: Sequence[Call],
        results: Sequence[int],
        input_names: Sequence[str | None] | None = None,
    ) -> None:
        self.input_shapes = [checked_shape("A shape of an input", shape) for shape in input_shapes]
        for shape in self.input_shapes:
            check_dimensions(shape)
        self.layers = [LAYERS.resolve(layer) for layer in layers]
        self.layer_names = layer_names(self.layers)
        self.calls = [(layer, list(values)) for layer, values in calls]
        self.results = list(results)
        if not self.input_shapes or not self.results:
            raise ValueError("A network needs at least one input and one output.")
        self.input_names = self._named_inputs([None] * len(self.input_shapes) if input_names is None else input_names)
        self.specs: list[Spec] = []
        self.owners: list[tuple[Layer, ...]] = []
        self.makers: list[Maker | None] = [None] * len(self.input_shapes)
        self._shapes = list(self.input_shapes)  # of each value
        self._nodes = list(range(len(self._shapes)))  # the core's number of each value
        self._begins: dict[int, int] = {}  # the core's number of the first node of each layer
        self._stages: dict[int, Stage] = {}
        self._times = Counter(layer for layer, _ in self.calls)
        self._users: dict[int, list[int]] = defaultdict(list)  # the layers that are called with each value
        for layer, values in self.calls:
            for value in values:
                self._users[value].append(layer)
        for layer, values in self.calls:
            self._add_call(layer, values)
        if len(self._stages) < len(self.layers):
            raise ValueError("A layer is never called.")
        self.stages = tuple(self._stages.values())
        self._layers = list({id(layer): layer for owners in self.owners for layer in owners}.values())
        self._check_layers()
        self._check_values()
        self.ids: list[list[int] | None] = [None] * len(self.input_shapes)
        for layer, values in self.calls:
            self._add_ids(layer, values)
        self._particular = [stage for stage in self.stages if type(stage.layer).check_batch is not Layer.check_batch]

        self.output_shapes = [self._shapes[self._checked(value)] for value in self.results]
        self.output_names = _distinct([self.name_of(value) for value in self.results])
        self.output_activations = [self._activation(value) for value in self.results]
        self.ends = [self._nodes[value] for value in self.results]
        self.sizes_of_outputs = [size_of(shape) for shape in self.output_shapes]
        self.input_shape, self.output_shape = self.input_shapes[0], self.output_shapes[0]
        self.outputs = self.sizes_of_outputs[0]

    def _named_inputs(self, given: Sequence[str | None]) -> list[str]:
        alone = len(self.input_shapes) == 1
        names = [checked_name(name) or ("input" if alone else f"input_{i}") for i, name in enumerate(given)]
        if len(names) != len(self.input_shapes) or len({*names}) < len(names):
            raise ValueError(f"The {len(self.input_shapes)} inputs need different names, not {', '.join(names)}.")
        return names

    def _checked(self, value: int) -> int:
        return checks.integer("The number of a value", value, 0, len(self._shapes))

    def _add_call(self, number: int, values: list[int]) -> None:
        layer = self.layers[checks.integer("The number of a layer", number, 0, len(self.layers))]
        name, shapes = self.layer_names[number], [self._shapes[self._checked(value)] for value in values]
        made = layer.output_shapes(shapes)
        shape = shapes[0]
        behind = self._norm_behind(number, len(self._shapes))
        bare = None if behind is None else layer.without_bias(Channels.of(behind, made[0], behind.axis))
        used = bare or layer
        begin = len(self.input_shapes) + len(self.specs)
        specs = used.connected(shape, [self._nodes[value] - begin for value in values])
        if len(self.specs) + len(specs) > MAX_SPECS:
            raise ValueError(f"There are more than {MAX_SPECS:,} layers.")
        if number not in self._stages:
            note = "" if bare is None else "without bias: the beta behind it stands for it"
            self._stages[number] = Stage(name, used, shape, made[0], used.parameters(shape), used.state(shape), note)
            self._begins[number] = begin
        elif (before := self._stages[number].input_shape) != shape:
            raise ValueError(
                f"{name} is called with inputs of shapes {before} and {shape}; its weights fit one of them."
            )
        else:
            specs = [spec | {"shares": self._begins[number] - begin} for spec in specs]
        self.specs += specs
        self.owners += layer.owners(shape)
        end = begin + len(specs)
        self._nodes += range(end - len(made), end)
        self._shapes += made
        self.makers += [Maker(number, values, output, len(made)) for output in range(len(made))]

    def _norm_behind(self, number: int, value: int) -> BatchNormalization | None:
        """Return the batch normalisation that alone has the value of a layer, called once, if it has a beta."""
        if self._times[number] > 1 or value in self.results or len(users := self._users[value]) != 1:
            return None
        behind = self.layers[checks.integer("The number of a layer", users[0], 0, len(self.layers))]
        return behind if isinstance(behind, BatchNormalization) and behind.center else None

    def _add_ids(self, layer: int, values: list[int]) -> None:
        for value, counts in zip(values, self.layers[layer].ids([self._shapes[v] for v in values]), strict=True):
            if counts is None:
                continue
            if value >= len(self.ids):
                raise ValueError(
                    f"{self.layer_names[layer]} takes ids, which only an input of a model holds, not the output of "
                    f"{self.name_of(value)}."
                )
            self.ids[value] = [min(pair) for pair in zip(counts, self.ids[value] or counts, strict=True)]

    def check_ids(self, name: str, inputs: Sequence[Any]) -> None:
        """Raise where an input, checked otherwise, holds something else than the ids that a layer takes.

        Raises:
            TypeError: They are in a sparse matrix.
            ValueError: One is no integer or out of range.
        """
        for i, (x, counts) in enumerate(zip(inputs, self.ids, strict=True)):
            if counts is not None:
                _core.check_ids(name if len(self.ids) == 1 else f"{name}[{i}]", x, counts)

    def _check_layers(self) -> None:
        """Refuse a layer that has two places, whose weights would not be the same."""
        places: dict[int, tuple[int, ...]] = {}
        for owners in self.owners:
            path = tuple(map(id, owners))
            if places.setdefault(path[-1], path) != path:
                layer = owners[-1]
                raise ValueError(
                    f"{layer.name or repr(layer)} stands in two places, of which one is within another layer or model; "
                    "there it would have weights of its own."
                )

    def _check_values(self) -> None:
        for value, maker in enumerate(self.makers):
            if maker is not None and value not in self.results and not self._users[value]:
                raise ValueError(f"Nothing needs output {maker.output} of {self.layer_names[maker.layer]}.")

    def plan(self, input_shapes: Sequence[Shape]) -> "Plan":
        """Return the plan itself, which is for samples of its own shapes alone.

        Raises:
            ValueError: The shapes are others.
        """
        if [*input_shapes] != self.input_shapes:
            raise ValueError(f"The model is for inputs of shapes {self.input_shapes}, not {[*input_shapes]}.")
        return self

    @property
    def numbered(self) -> list[tuple[int, Stage]]:
        """The stages, each with the number of its layer."""
        return [*self._stages.items()]

    def name_of(self, value: int) -> str:
        """Return the name of the layer that makes a value, or of an input."""
        if (maker := self.makers[value]) is None:
            return self.input_names[value]
        return self.layer_names[maker.layer]

    def title_of(self, value: int) -> str:
        """Return the name, with the number of the output where its layer makes several."""
        maker = self.makers[value]
        return self.name_of(value) + (f"[{maker.output}]" if maker is not None and maker.outputs > 1 else "")

    def _activation(self, value: int) -> str:
        maker = self.makers[value]
        while maker is not None and isinstance(layer := self.layers[maker.layer], Flatten | Reshape):
            maker = self.makers[maker.values[0]]
        return "linear" if maker is None else layer.output_activation(maker.output)

    @property
    def learning(self) -> list[bool]:
        """Whether each of the layers learns, those within others among them: what `trainable` depends on."""
        return [layer.trainable for layer in self._layers]

    @property
    def sizes(self) -> list[int]:
        """The number of elements of a sample of each input."""
        return [size_of(shape) for shape in self.input_shapes]

    @property
    def trainable(self) -> list[bool]:
        """Whether each of the specs learns."""
        return [all(layer.trainable for layer in owners) for owners in self.owners]

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
        if not self._particular:
            return
        smallest = samples % batch_size or min(batch_size, samples)
        for stage in self._particular:
            stage.layer.check_batch(stage.name, smallest, stage.input_shape)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, the second of two that are equal with a number."""
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    return [free_name(name, taken, numbers) for name in names]
