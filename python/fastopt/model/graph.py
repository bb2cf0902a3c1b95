"""What a model of several inputs or outputs is: its layers in the order of the core, before there are weights."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastopt.layers import Layer
from fastopt.layers.base import Spec, Symbol, size_of
from fastopt.layers.residual import free_name, layer_names
from fastopt.layers.shape import Flatten, Reshape
from fastopt.model.plan import Plan, Stage

__all__ = ["Graph"]


class Graph(Plan):
    """The layers that lie between inputs and outputs.

    Attributes:
        input_shapes: The shapes of a sample of each input.
        output_shapes: Those of what the model makes of it.
        sizes_of_outputs: The numbers of their elements.
        output_names: The names of the layers that the outputs are of.
        output_activations: The names of the functions that the outputs have gone through.
        stages: The layers in their places; one that is called more than once stands where it is called first.

    Raises:
        TypeError: An input or output is not what `fastopt.Input` or the call of a layer returned.
        ValueError: An output is an input or needs one that is not among the inputs, no output needs an input, or a
            layer is called with inputs of different shapes.
    """

    def __init__(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        for i, symbol in enumerate(inputs):
            if not isinstance(symbol, Symbol) or symbol.layer is not None:
                raise TypeError(f"inputs[{i}] must be a fastopt.Input, not {symbol!r}.")
        for i, symbol in enumerate(outputs):
            if not isinstance(symbol, Symbol):
                raise TypeError(f"outputs[{i}] must be an output of a layer, not {symbol!r}.")
            if symbol.layer is None:
                raise ValueError(f"outputs[{i}] is an input; it must be an output of a layer.")
        self.input_shapes = [symbol.shape for symbol in inputs]
        self.output_shapes = [symbol.shape for symbol in outputs]
        self.sizes_of_outputs = [size_of(shape) for shape in self.output_shapes]
        self.input_shape, self.output_shape = self.input_shapes[0], self.output_shapes[0]
        self.outputs = size_of(self.output_shape)
        calls = _in_order(inputs, outputs)
        self.layers = list({id(layer): layer for layer, _ in calls}.values())
        self.layer_names = layer_names(self.layers)
        names = {id(layer): name for layer, name in zip(self.layers, self.layer_names, strict=True)}
        self.output_names = _distinct([names[id(symbol.layer)] for symbol in outputs])
        self.output_activations = [_activation(symbol) for symbol in outputs]

        nodes = {id(symbol): i for i, symbol in enumerate(inputs)}  # the core's number of each symbol
        self._specs: list[Spec] = []
        self._owners: list[tuple[Layer, ...]] = []
        stages: dict[int, Stage] = {}
        begins: dict[int, int] = {}
        for layer, symbol in calls:
            shape, begin = symbol.inputs[0].shape, len(inputs) + len(self._specs)
            specs = [dict(spec) for spec in layer.specs(shape)]
            specs[0]["inputs"] = [nodes[id(source)] - begin for source in symbol.inputs]
            if id(layer) not in stages:
                tensors = layer.parameters(shape), layer.state(shape)
                stages[id(layer)] = Stage(names[id(layer)], layer, shape, symbol.shape, *tensors, "")
                begins[id(layer)] = begin
            elif stages[id(layer)].input_shape != shape:
                raise ValueError(
                    f"{names[id(layer)]} is called with inputs of shapes {stages[id(layer)].input_shape} and {shape}; "
                    "its weights fit one of them."
                )
            else:
                specs = [spec | {"shares": begins[id(layer)] - begin} for spec in specs]
            self._specs += specs
            self._owners += layer.owners(shape)
            nodes[id(symbol)] = begin + len(specs) - 1
        self._layers = list({id(layer): layer for owners in self._owners for layer in owners}.values())
        self.stages = tuple(stages.values())
        self._particular = [stage for stage in self.stages if type(stage.layer).check_batch is not Layer.check_batch]
        self._ends = [nodes[id(symbol)] for symbol in outputs]

    @property
    def specs(self) -> list[Spec]:
        """The descriptions that the core builds the network from."""
        return self._specs

    @property
    def sizes(self) -> list[int]:
        """The sizes of the inputs."""
        return [size_of(shape) for shape in self.input_shapes]

    @property
    def ends(self) -> list[int]:
        """The core's numbers of the outputs."""
        return self._ends


def _in_order(inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> list[tuple[Layer, Symbol]]:
    """Return the calls of layers that the outputs need, each after those that it needs."""
    calls: list[tuple[Layer, Symbol]] = []
    known = {id(symbol) for symbol in inputs}
    needed: set[int] = set()
    for output in outputs:
        path = [(output, iter(output.inputs))]
        while path:
            symbol, sources = path[-1]
            source = next((source for source in sources if id(source) not in known), None)
            needed.update(id(source) for source in symbol.inputs)
            if source is not None:
                if source.layer is None:
                    raise ValueError(f"The outputs need {source!r}, which is not among the inputs.")
                path.append((source, iter(source.inputs)))
                continue
            path.pop()
            if id(symbol) not in known and symbol.layer is not None:
                known.add(id(symbol))
                calls.append((symbol.layer, symbol))
    for i, symbol in enumerate(inputs):
        if id(symbol) not in needed:
            raise ValueError(f"No output needs inputs[{i}].")
    return calls


def _activation(symbol: Symbol) -> str:
    while isinstance(symbol.layer, Flatten | Reshape):
        symbol = symbol.inputs[0]
    return "linear" if symbol.layer is None else symbol.layer.activation


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, the second of two that are equal with a number."""
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    return [free_name(name, taken, numbers) for name in names]
