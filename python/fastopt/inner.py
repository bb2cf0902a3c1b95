"""What is inside a model: the values of its layers, exact statistics, and a shorter model that computes the same."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastopt import _core
from fastopt.kernels import Real
from fastopt.layers import BatchNormalization, Dense, Dropout, Flatten, GaussianNoise, Layer, Reshape, Residual
from fastopt.layers.base import Channels, size_of
from fastopt.sequential import Sequential

HANDS_ON = (Dropout, GaussianNoise, Flatten, Reshape)  # what `predict` only gives another shape

# What the weights of a folded layer are not held to: it is about those before it.
FREE = dict.fromkeys(("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint"))

# Called with the name, the layer and its input ``[n, ...]`` before the layer computes.
Visitor = Callable[[str, Layer, Real], None]


def layer_outputs(model: Sequential, x: Real, batch_size: int, visit: Visitor | None = None) -> dict[str, Real]:
    """Return what each layer of a built model makes in `predict`, by its name."""
    values, outputs = x, {}
    for stage in model.plan(x.shape[1:]):
        values = outputs[stage.name] = _output(model, stage.name, stage.layer, values, batch_size, visit)
    return outputs


def _output(model: Sequential, name: str, layer: Layer, x: Real, batch_size: int, visit: Visitor | None = None) -> Real:
    if visit is not None:
        visit(name, layer, x)
    shape = x.shape[1:]
    if isinstance(layer, HANDS_ON):
        return x.reshape(len(x), *layer.output_shape(shape))
    if isinstance(layer, Residual):
        y = x
        for inner, part in zip(layer.layer_names, layer.layers, strict=True):
            y = _output(model, f"{name}/{inner}", part, y, batch_size, visit)
        return x + y
    network = _core.Network(model.dtype, size_of(shape), layer.specs(shape), model.seed)
    own = [(layer.parameters(shape), network.parameters, model.parameters)]
    own.append((layer.state(shape), network.state, model.state))
    for tensors, parts, whole in own:
        views = [view for part in parts for view in part.values()]
        for tensor, view in zip(tensors, views, strict=True):
            view[...] = whole[f"{name}/{tensor}"]
    return network.predict(x.reshape(len(x), -1), batch_size).reshape(len(x), *layer.output_shape(shape))


def recompute_statistics(model: Sequential, x: Real, batch_size: int) -> None:
    """Set the running means and variances to those of all of x, layer after layer."""

    def visit(name: str, layer: Layer, values: Real) -> None:
        if not isinstance(layer, BatchNormalization):
            return
        last = Channels.of(layer, values.shape[1:], layer.axis).last
        axes = tuple(axis for axis in range(values.ndim) if axis != (values.ndim - 1 if last else 1))
        steps = model.state[f"{name}/steps"]
        share = 1.0
        if layer.bias_correction:
            steps[...] = np.maximum(steps, 1.0)  # those of an untrained layer count as of one batch
            share -= layer.momentum ** float(steps[0])
        model.state[f"{name}/moving_mean"][...] = share * values.mean(axes, np.float64)
        model.state[f"{name}/moving_variance"][...] = share * values.var(axes, np.float64)

    layer_outputs(model, x, batch_size, visit)


def fold(model: Sequential) -> Sequential:
    """Return a model in which dense layers do what the batch normalisation behind them does in `predict`."""
    weights: dict[str, Any] = model.parameters | model.state
    shape = model.input_shape or ()
    plan = model.plan(shape)
    layers = _folded("", [stage.name for stage in plan], [stage.layer for stage in plan], weights)
    folded = Sequential(layers, model.seed, model.dtype, model.name)
    folded.noise = model.noise
    folded.build(shape, initialize=False)
    for name, view in (folded.parameters | folded.state).items():
        view[...] = weights[name]
    if model.loss is not None:
        folded.compile("sgd", model.loss, model.metrics)
    return folded


def _folded(prefix: str, names: Sequence[str], layers: Sequence[Layer], weights: dict[str, Any]) -> list[Layer]:
    """Return the layers that are left, each under its old name, and put their weights among those of the model."""
    result: list[Layer] = []
    below = ""
    for name, layer in zip(names, layers, strict=True):
        path = f"{prefix}{name}"
        last = result[-1] if result else None
        if isinstance(layer, BatchNormalization) and isinstance(last, Dense) and last.activation == "linear":
            _fold_into(below, last, path, layer, weights)
            result[-1] = _named(last, last.name, use_bias=True, **FREE)
        elif isinstance(layer, Residual):
            result.append(Residual(_folded(f"{path}/", layer.layer_names, layer.layers, weights), name))
            below = path
        else:
            result.append(_named(layer, name))
            below = path
    return result


def _fold_into(dense: str, layer: Dense, norm: str, folded: BatchNormalization, weights: dict[str, Any]) -> None:
    """Multiply kernel and bias by gamma / sqrt(variance + eps), and move the bias, in float64."""

    def get(name: str, usual: float) -> Any:
        return np.asarray(weights.get(name, usual), np.float64)

    steps = float(weights[f"{norm}/steps"][0])
    share = 1.0 - folded.momentum**steps if folded.bias_correction and steps > 0 else 1.0
    mean, variance = (get(f"{norm}/moving_{moment}", 0.0) / share for moment in ("mean", "variance"))
    scale = get(f"{norm}/gamma", 1.0) / np.sqrt(variance + folded.epsilon)
    bias = get(f"{dense}/bias", 0.0) if layer.use_bias else 0.0
    weights[f"{dense}/kernel"] = get(f"{dense}/kernel", 0.0) * scale
    weights[f"{dense}/bias"] = get(f"{norm}/beta", 0.0) + (bias - mean) * scale


def _named(layer: Layer, name: str | None, **changes: object) -> Layer:
    return type(layer).from_config(layer.get_config() | {"name": name} | changes)
