"""A shorter model that predicts the same: batch normalisation in the weights of the layers before it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastopt.layers import BatchNormalization, Dense, Layer, Residual
from fastopt.layers.convolution import Convolution
from fastopt.layers.dense import Sums
from fastopt.model.sequential import Sequential

__all__ = ["fold"]

# Penalties and constraints were for the weights before they were folded: the folded layer has none.
FREE = ("_regularizer", "_constraint")


def fold(model: Sequential) -> Sequential:
    """Return a model whose `Dense` and convolutions do what a batch normalisation behind them does in `predict`.

    W <- W s and b <- beta + (b - mean) s with s = gamma / sqrt(variance + eps), where nothing stands between
    them, not even an activation, and it is the channels of a convolution that are normalised. The predictions are
    the same but for rounding, and take less time. Layers keep their names, and `evaluate` its loss and metrics, but
    for penalties on what is folded. To train it would be to train another model, without normalisation.

    Raises:
        RuntimeError: The model has not been built.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(3), fo.layers.BatchNormalization(), fo.layers.PReLU()])
        >>> model.build(4)
        >>> [*model.fold().parameters]
        ['dense/kernel', 'dense/bias', 'prelu/alpha']
    """
    weights: dict[str, Any] = model.parameters | model.state
    shape = model.input_shape or ()
    stages = model.plan(shape).stages
    layers = _folded("", [stage.name for stage in stages], [stage.layer for stage in stages], weights)
    folded = Sequential(layers, model.seed, model.dtype, model.name)
    folded.noise = model.noise
    folded._take_labels(model)
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
        if isinstance(layer, BatchNormalization) and isinstance(last, Sums) and _can_fold(last, layer):
            _fold_into(below, last, path, layer, weights)
            free = {key: None for key in last.get_config() if key.endswith(FREE)}
            result[-1] = _named(last, last.name, use_bias=True, **free)
        elif isinstance(layer, Residual):
            result.append(Residual(_folded(f"{path}/", layer.layer_names, layer.layers, weights), name))
            below = path
        else:
            result.append(_named(layer, name))
            below = path
    return result


def _can_fold(layer: Sums, norm: BatchNormalization) -> bool:
    if isinstance(layer, Convolution):
        return layer.activation == "linear" and (norm.axis == 1) == (layer.data_format == "channels_first")
    return isinstance(layer, Dense) and layer.activation == "linear"


def _fold_into(dense: str, layer: Sums, norm: str, folded: BatchNormalization, weights: dict[str, Any]) -> None:
    """Multiply kernel and bias by gamma / sqrt(variance + eps), and move the bias, in float64."""

    def get(name: str, default: float) -> Any:
        return np.asarray(weights.get(name, default), np.float64)

    steps = float(weights[f"{norm}/steps"][0])
    share = 1.0 - folded.momentum**steps if folded.bias_correction and steps > 0 else 1.0
    mean, variance = (get(f"{norm}/moving_{moment}", 0.0) / share for moment in ("mean", "variance"))
    scale = get(f"{norm}/gamma", 1.0) / np.sqrt(variance + folded.epsilon)
    bias = get(f"{dense}/bias", 0.0) if layer.use_bias else 0.0
    kernel = get(f"{dense}/kernel", 0.0)
    weights[f"{dense}/kernel"] = (kernel.reshape(-1, scale.size) * scale).reshape(kernel.shape)
    weights[f"{dense}/bias"] = get(f"{norm}/beta", 0.0) + (bias - mean) * scale


def _named(layer: Layer, name: str | None, **changes: object) -> Layer:
    return type(layer).from_config(layer.get_config() | {"name": name} | changes)
