"""Models as ONNX files."""

import importlib
import json
from typing import Any

import numpy as np

from fastopt.export.nodes import nodes_of
from fastopt.export.operators import ACTIVATIONS, INT64, KINDS, OPSET, Graph
from fastopt.model.built import Built

__all__ = ["IR_VERSION", "onnx_file"]

IR_VERSION = 8


def onnx_file(built: Built, links: list[str], metadata: dict[str, Any], version: str) -> bytes:
    """Return a model as an ONNX file holds it.

    Args:
        built: The layers and their weights.
        links: Of each output, the name of the activation that it goes through behind its layer.
        metadata: Values by name, written as JSON.
        version: That of fastopt.

    Raises:
        ImportError: The package onnx is not installed.
        ValueError: A layer has no form in ONNX, or the file would be larger than 2 GB.
    """
    try:
        onnx: Any = importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError("An ONNX file needs the package onnx: pip install 'fastopt[onnx]'.") from error
    f, plan = Graph(onnx, built.network.dtype), built.plan
    info = onnx.helper.make_tensor_value_info
    inputs, values = [], []
    for name, shape, ids in zip(plan.input_names, plan.input_shapes, plan.ids, strict=True):
        inputs.append(info(name, f.type if ids is None else INT64, ["batch", *shape]))
        value = f("Cast", name, to=f.type) if ids is not None else name
        values.append(value if len(shape) == 1 else f.reshape(value, -1))
    for node in nodes_of(built):
        if node.kind not in KINDS:
            raise ValueError(f"{node.layer} has no form in ONNX: it is computed by {node.kind!r}.")
        f.layer = node.layer
        value = KINDS[node.kind](f, node, *(values[i] for i in node.inputs))
        if node.kind not in ("activation", "parametric"):  # whose function is their own matter
            value = ACTIVATIONS[str(node.spec.get("activation", "linear"))](f, value)
        values.append(value)
    outputs = []
    for i, (name, end, shape, link) in enumerate(
        zip(plan.output_names, plan.ends, plan.output_shapes, links, strict=True)
    ):
        f.layer = ""
        name = f"output_{i}" if name in plan.input_names else name
        f("Reshape", ACTIVATIONS[link](f, values[end]), np.array([0, *shape]), output=name)
        outputs.append(info(name, f.type, ["batch", *shape]))
    graph = onnx.helper.make_graph(f.operators, "fastopt", inputs, outputs, [*f.constants.values()])
    model = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fastopt",
        producer_version=version,
    )
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in metadata.items()})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data
