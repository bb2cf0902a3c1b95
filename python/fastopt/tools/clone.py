"""Models like others, with weights of their own."""

import copy
from typing import Any, TypeVar

from fastopt.model.graph import Chain
from fastopt.model.nested import Nested
from fastopt.model.plan import Plan
from fastopt.model.weighted import Weighted, checked_model

__all__ = ["clone"]

M = TypeVar("M", bound=Weighted[Any])
N = TypeVar("N", bound=Chain | Plan)


def clone(model: M, seed: int | None = None) -> M:
    """Return a model of the same layers, compiled alike, that has not been trained.

    Its optimizer has the hyperparameters that the model's has now. It is built if the model is, with starting values
    of its own, also for models within it; ``copy.deepcopy`` copies the weights and the state of training too.

    Args:
        model: The model.
        seed: Its seed, 0 <= seed < 2**64; None is that of the model, with which the starting values are the same.

    Raises:
        TypeError: `model` is no model, or `seed` not an integer.
        ValueError: `seed` is out of its range.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> models = [fo.clone(model, seed=seed) for seed in range(3)]
        >>> losses = [m.fit(np.eye(4), np.arange(4), verbose=0).history["loss"][0] for m in models]
        >>> len(set(losses)), model.built
        (3, False)
    """
    checked_model("model", model)
    network = unbound(model.network)
    result = type(model).of_network(network, model.seed if seed is None else seed, model.dtype, model.name)
    result.noise = model.noise
    result._take_labels(model)
    if model.optimizer is not None:
        result.compile(model.optimizer, **copy.deepcopy(model.judged_by))  # type: ignore[attr-defined]
    if model.input_shapes is not None:
        result._build(network.plan(model.input_shapes))
    return result


def unbound(network: N) -> N:
    """Return a copy of a network, whose models within are layers that have no weights yet."""
    return copy.deepcopy(network, {id(inner): None for inner in _models_in(network)})


def _models_in(network: Any) -> list[Any]:
    """Return the models within, which have weights of their own."""
    models = []
    for layer in network.layers:
        if isinstance(layer, Nested):
            models += [layer.model, *_models_in(layer.network)]
    return [model for model in models if model is not None]
