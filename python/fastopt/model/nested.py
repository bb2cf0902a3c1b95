"""Models within models."""

from collections.abc import Sequence
from typing import Any

from fastopt.core.plain import Real
from fastopt.core.registry import Registry, snake_case
from fastopt.initializers import Initializer
from fastopt.layers import LAYERS, Layer, Parameter, Shape
from fastopt.layers.base import Spec, checked_name
from fastopt.model.graph import Chain
from fastopt.model.plan import Plan

__all__ = ["NETWORKS", "Nested"]

NETWORKS: Registry[Any] = Registry("network", Chain | Plan)  # type: ignore[arg-type]
NETWORKS.add()(Chain)
NETWORKS.add()(Plan)


@LAYERS.add()
class Nested(Layer):
    """A network as a layer of another: what becomes of a model that is called with symbols or stands in a `Sequential`.

    Its weights are weights of the outer model, under names such as ``"encoder/dense/kernel"``. They start as copies of
    those of the model, if it has some when the outer one gets its own, and are drawn else.

    Args:
        network: The layers and how they are connected.
        name: The name in summaries, messages and files.
        kind: The class of the model, of which a name is made where there is none.

    Attributes:
        model: The model, or None.
    """

    def __init__(self, network: Chain | Plan, name: str | None = None, kind: str = "Model") -> None:
        self.network: Chain | Plan = NETWORKS.resolve(network)
        self.name = checked_name(name)
        self.kind = str(kind)
        self.model: Any = None

    @property
    def stem(self) -> str:
        """The name of the kind of model."""
        return snake_case(self.kind)

    @property
    def trainable(self) -> bool:
        """Whether one of the layers learns; setting it sets it for all of them."""
        return any(layer.trainable for layer in self.network.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.network.layers:
            layer.trainable = bool(value)

    @property
    def activation(self) -> str:  # type: ignore[override]
        """The name of the function that the first output has gone through."""
        return self.output_activation(0)

    def output_activation(self, output: int) -> str:
        """Return the name of the function that an output has gone through."""
        return self.network.output_activations[output]

    def output_shapes(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes of the outputs for inputs of these shapes."""
        return self.network.plan(shapes).output_shapes

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the first output."""
        return self._plan(input_shape).output_shape

    def ids(self, shapes: Sequence[Shape]) -> list[list[int] | None]:
        """Return those of the inputs of the network."""
        return self.network.plan(shapes).ids

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return those of the layers, by the names of layer and tensor."""
        return self._starting(self._plan(input_shape).parameters)

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return those of the layers, by the names of layer and tensor."""
        return self._starting(self._plan(input_shape).state)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's descriptions: of the inputs, of the layers, and of the outputs."""
        plan = self._plan(input_shape)
        inputs: list[Spec] = [{"kind": "pass"} for _ in plan.input_shapes]
        first = len(inputs) + len(plan.specs)
        outputs: list[Spec] = [{"kind": "pass", "inputs": [end - first - i]} for i, end in enumerate(plan.ends)]
        return [*inputs, *plan.specs, *outputs]

    def connected(self, input_shape: Shape, sources: Sequence[int]) -> list[Spec]:
        """Return the `specs` with the nodes of the inputs, counted from the first."""
        specs = self.specs(input_shape)
        for i, source in enumerate(sources):
            specs[i] = {"kind": "pass", "inputs": [source - i]}
        return specs

    def owners(self, input_shape: Shape) -> list[tuple[Layer, ...]]:
        """Return the layers within, each with this one."""
        plan = self._plan(input_shape)
        inner = [(self, *owners) for owners in plan.owners]
        return [*[(self,)] * len(plan.input_shapes), *inner, *[(self,)] * len(plan.ends)]

    def check_batch(self, name: str, rows: int, input_shape: Shape) -> None:
        """Check the layers."""
        for stage in self._plan(input_shape).stages:
            stage.layer.check_batch(f"{name}/{stage.name}", rows, stage.input_shape)

    def _plan(self, input_shape: Shape) -> Plan:
        """Return the plan for samples of this shape of the first input; only a chain does for several shapes."""
        return self.network.plan([input_shape]) if isinstance(self.network, Chain) else self.network

    def _starting(self, tensors: dict[str, Parameter]) -> dict[str, Parameter]:
        return {
            name: tensor._replace(initializer=_OfModel(self, name, tensor.initializer))
            for name, tensor in tensors.items()
        }


class _OfModel(Initializer):
    """The values that the model of a `Nested` has for a tensor, or, if it has none, those of an initializer."""

    def __init__(self, nested: Nested, name: str, otherwise: Initializer) -> None:
        self.nested = nested
        self.name = name
        self.otherwise = otherwise

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the starting values."""
        built = None if self.nested.model is None else self.nested.model._built
        if built is None:
            return self.otherwise(shape, seed, stream, dtype)
        values: Real = built.tensors[self.name]
        if values.shape != shape:
            raise ValueError(
                f"The nested model has {self.name} of shape {values.shape}; its place in the outer one needs {shape}."
            )
        return values.copy()
