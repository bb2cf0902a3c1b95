"""Plans of layers that were called with symbols, or that follow each other."""

from collections.abc import Sequence
from typing import Any

from fastopt.core.registry import Described
from fastopt.layers import LAYERS, Layer, Shape
from fastopt.layers.base import Symbol, SymbolicCall
from fastopt.layers.residual import layer_names
from fastopt.layers.shape import Flatten, Reshape
from fastopt.model.plan import Plan

__all__ = ["Chain", "plan_of"]


class Chain(Described):
    """Layers of which each feeds the next.

    Args:
        layers: The layers, first to last.

    Attributes:
        layer_names: Their names.

    Raises:
        TypeError: Something is not a layer.
        ValueError: A layer or a name occurs twice.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers: list[Layer] = [LAYERS.resolve(layer) if isinstance(layer, dict) else layer for layer in layers]
        self.layer_names = layer_names(self.layers) if self.layers else []
        self._plan: Plan | None = None  # the last one

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_plan": None}

    def plan(self, input_shapes: Sequence[Shape]) -> Plan:
        """Return what the layers become for samples of this shape.

        Raises:
            ValueError: There is no layer or more than one input, or a layer cannot take its own.
        """
        if not self.layers:
            layer_names([])  # which says what is missing
        if len(input_shapes) != 1:
            raise ValueError(f"A chain of layers has one input, not {len(input_shapes)}.")
        if self._plan is None or self._plan.input_shapes != [*input_shapes]:
            calls = [(i, [i]) for i in range(len(self.layers))]
            self._plan = Plan(input_shapes, self.layers, calls, [len(self.layers)])
        return self._plan

    @property
    def output_activations(self) -> list[str]:
        """The name of the function that the output has gone through."""
        computing = [layer for layer in self.layers if not isinstance(layer, Flatten | Reshape)]
        return [computing[-1].output_activation(0) if computing else "linear"]


def plan_of(inputs: Sequence[Any], outputs: Sequence[Any]) -> Plan:
    """Return the plan of the layers that lie between inputs and outputs.

    Raises:
        TypeError: An input or output is not what `fastopt.Input` or the call of a layer returned.
        ValueError: An output is an input or needs one that is not among the inputs, no output needs an input, or a
            layer is called with inputs of different shapes.
    """
    for i, symbol in enumerate(inputs):
        if not isinstance(symbol, Symbol) or symbol.call is not None:
            raise TypeError(f"inputs[{i}] must be a fastopt.Input, not {symbol!r}.")
    for i, symbol in enumerate(outputs):
        if not isinstance(symbol, Symbol):
            raise TypeError(f"outputs[{i}] must be an output of a layer, not {symbol!r}.")
        if symbol.call is None:
            raise ValueError(f"outputs[{i}] is an input; it must be an output of a layer.")
    values = {id(symbol): i for i, symbol in enumerate(inputs)}
    layers: dict[int, int] = {}
    found: list[Layer] = []
    calls = []
    for call in _in_order(inputs, outputs):
        if id(call.layer) not in layers:
            layers[id(call.layer)] = len(found)
            found.append(call.layer)
        calls.append((layers[id(call.layer)], [values[id(symbol)] for symbol in call.inputs]))
        for symbol in call.outputs:
            values[id(symbol)] = len(values)
    shapes, names = [symbol.shape for symbol in inputs], [symbol.name for symbol in inputs]
    return Plan(shapes, found, calls, [values[id(symbol)] for symbol in outputs], names)


def _in_order(inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> list[SymbolicCall]:
    """Return the calls of layers that the outputs need, each after those that it needs."""
    calls: list[SymbolicCall] = []
    known = {id(symbol) for symbol in inputs}
    needed: set[int] = set()
    for output in outputs:
        path = [(output, iter(output.inputs))]
        while path:
            symbol, sources = path[-1]
            source = next((source for source in sources if id(source) not in known), None)
            needed.update(id(source) for source in symbol.inputs)
            if source is not None:
                if source.call is None:
                    raise ValueError(f"The outputs need {source!r}, which is not among the inputs.")
                path.append((source, iter(source.inputs)))
                continue
            path.pop()
            if id(symbol) not in known and symbol.call is not None:
                known.update(id(made) for made in symbol.call.outputs)
                calls.append(symbol.call)
    for i, symbol in enumerate(inputs):
        if id(symbol) not in needed:
            raise ValueError(f"No output needs inputs[{i}].")
    return calls
