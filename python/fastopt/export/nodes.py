"""What the core computes for a model, node by node: what every form of export is made of."""

from dataclasses import dataclass
from typing import Any

from fastopt.kernels import Real
from fastopt.model.built import Built
from fastopt.model.plan import Plan

__all__ = ["Node", "nodes_of"]


@dataclass(frozen=True)
class Node:
    """A part of a layer: a row of some values for a sample, made of other rows.

    Attributes:
        kind: What the core calls it.
        spec: The core's description.
        inputs: The numbers of the values that it takes: first those of the inputs of the model, then those of nodes.
        tensors: Its weights and its state, by name.
        layer: The name of the layer.
    """

    kind: str
    spec: dict[str, Any]
    inputs: list[int]
    tensors: dict[str, Real]
    layer: str

    def __getitem__(self, name: str) -> Any:
        """Return a setting."""
        return self.spec[name]


def nodes_of(built: Built) -> list[Node]:
    """Return the nodes of a model, each after those that it takes values of."""
    plan, first = built.plan, len(built.plan.input_shapes)
    tensors = [p | s for p, s in zip(built.network.parameters, built.network.state, strict=True)]
    result = []
    for i, spec in enumerate(plan.specs):
        sources: Any = spec.get("inputs", [-1])
        shares: Any = spec.get("shares", 0)
        inputs = [first + i + source for source in sources]
        result.append(Node(str(spec["kind"]), dict(spec), inputs, tensors[i + shares], _layer(plan, i)))
    return result


def _layer(plan: Plan, spec: int) -> str:
    """Return the name of the layer that a description belongs to."""
    outermost = plan.owners[spec][0]
    places = (name for name, layer in zip(plan.layer_names, plan.layers, strict=True) if layer is outermost)
    return next(places, repr(outermost))
