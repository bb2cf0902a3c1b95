"""What the core computes for a model, node by node: what every form of export is made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastopt.core.plain import Real
from fastopt.model.built import Built
from fastopt.model.plan import Plan

__all__ = ["Node", "nodes_of", "normalized_kernel", "running_moments"]


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


def normalized_kernel(node: Node) -> Real:
    """Return the kernel W = g v / |v| of weights by length and direction; a column of v that is 0 stays so."""
    v = node.tensors["kernel"].astype(np.float64)
    lengths = np.sqrt((v**2).sum(0))
    kernel: Real = v * (node.tensors["g"] / np.where(lengths > 0, lengths, 1))
    return kernel


def running_moments(node: Node) -> tuple[Real, Real]:
    """Return the mean that a batch normalisation takes off, and gamma / sqrt(variance + eps)."""
    t = {name: tensor.astype(np.float64) for name, tensor in node.tensors.items()}
    steps = float(t["steps"][0])
    share = 1.0 - node["momentum"] ** steps if node["bias_correction"] and steps > 0 else 1.0
    scale = t.get("gamma", 1.0) / np.sqrt(t["moving_variance"] / share + node["epsilon"])
    return t["moving_mean"] / share, scale
