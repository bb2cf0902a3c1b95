"""A shorter model that predicts the same: batch normalisation in the weights of the layers before it."""

from collections import Counter
from typing import Any, TypeVar

import numpy as np

from fastopt.layers import BatchNormalization, Dense, Layer, Residual, Shape
from fastopt.layers.convolution import Convolution
from fastopt.layers.dense import Sums
from fastopt.model.graph import Chain
from fastopt.model.nested import Nested
from fastopt.model.plan import Call, Plan
from fastopt.model.trained import Trained

__all__ = ["fold"]

M = TypeVar("M", bound=Trained[Any])
L = TypeVar("L", bound=Layer)

# Penalties and constraints were for the weights before they were folded: the folded layer has none.
FREE = ("_regularizer", "_constraint")


def fold(model: M) -> M:
    """Return a model whose `Dense` and convolutions do what a batch normalisation behind them does in `predict`.

    W <- W s and b <- beta + (b - mean) s with s = gamma / sqrt(variance + eps), where nothing stands between
    them, not even an activation, nothing else takes the value between them, and it is the channels of a convolution
    that are normalised; also within residual blocks and models. The predictions are the same but for rounding, and
    take less time. Layers keep their names, and `evaluate` its loss and metrics, but for penalties on what is folded; a
    normalisation that is an output of a `Model` keeps its name and its place. To train it would be to train another
    model, without normalisation.

    Raises:
        RuntimeError: The model has not been built.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(3), fo.layers.BatchNormalization(), fo.layers.PReLU()])
        >>> model.build(4)
        >>> [*model.fold().parameters]
        ['dense/kernel', 'dense/bias', 'prelu/alpha']
    """
    plan = model._need_weights().plan
    weights: dict[str, Any] = model.parameters | model.state
    network = _folded(model.network, plan, weights, keep=plan.results)
    folded = type(model).of_network(network, model.seed, model.dtype, model.name)
    folded.noise = model.noise
    folded._take_labels(model)
    for name, view in folded._build(network.plan(plan.input_shapes), initialize=False).tensors.items():
        view[...] = weights[name]
    if model.loss is not None:
        folded.compile("sgd", **model.judged_by)  # type: ignore[attr-defined]
    return folded


def _folded(
    network: Chain | Plan, plan: Plan, weights: dict[str, Any], path: str = "", keep: list[int] | None = None
) -> Any:
    """Return the network that is left, whose weights are put among those of the model.

    Args:
        network: The layers.
        plan: What they become.
        weights: The weights of the model, by name.
        path: What their names begin with.
        keep: The values of a `Plan` that keep the layer that makes them, whose name they have.
    """
    stages, times = dict(plan.numbered), Counter(number for number, _ in plan.calls)
    uses = Counter([value for _, values in plan.calls for value in values] + plan.results)
    kept: dict[int, Layer] = {}  # by the numbers that layers have in the plan
    calls: list[Call] = []
    places = [*range(len(plan.input_shapes))]  # what each value becomes
    makers: list[int | None] = [None] * len(places)  # of what there will be
    fixed = keep if isinstance(network, Plan) else None
    for number, values in plan.calls:
        layer, given = plan.layers[number], [places[value] for value in values]
        below = makers[given[0]]
        if (
            isinstance(layer, BatchNormalization)
            and below is not None
            and times[number] == times[below] == uses[values[0]] == 1
            and len(places) not in (fixed or [])
            and isinstance(last := kept[below], Sums)
            and _can_fold(last, layer)
        ):
            _fold_into(f"{path}{last.name}", last, f"{path}{stages[number].name}", layer, weights)
            free = {key: None for key in last.get_config() if key.endswith(FREE)}
            kept[below] = _named(last, last.name, use_bias=True, **free)
            places.append(given[0])
            continue
        if number not in kept:
            kept[number] = _within(layer, stages[number].name, stages[number].input_shape, weights, path)
        calls.append((number, given))
        for _ in range(plan.makers[len(places)].outputs):  # type: ignore[union-attr]
            places.append(len(makers))
            makers.append(number)
    if isinstance(network, Chain):
        return Chain([*kept.values()])
    order = {number: i for i, number in enumerate(kept)}
    calls = [(order[number], values) for number, values in calls]
    return Plan(plan.input_shapes, [*kept.values()], calls, [places[value] for value in plan.results], plan.input_names)


def _within(layer: Layer, name: str, shape: Shape, weights: dict[str, Any], path: str) -> Layer:
    """Return a layer under its name, folded within."""
    within = f"{path}{name}/"
    if isinstance(layer, Residual):
        chain = Chain(layer.layers)
        return _named(layer, name, layers=_folded(chain, chain.plan([shape]), weights, within).layers)
    if isinstance(layer, Nested):
        inner = layer.network
        plan = inner if isinstance(inner, Plan) else inner.plan([shape])
        return _named(layer, name, network=_folded(inner, plan, weights, within))
    return _named(layer, name)


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


def _named(layer: L, name: str | None, **changes: object) -> L:
    return type(layer).from_config(layer.get_config() | {"name": name} | changes)
