"""Models like others, with weights of their own."""

import copy

from fastopt.model.sequential import Sequential

__all__ = ["clone"]


def clone(model: Sequential, seed: int | None = None) -> Sequential:
    """Return a model of the same layers, compiled alike, that has not been trained.

    Its optimizer has the hyperparameters that the model's has now. It is built if the model is, with starting values
    of its own; ``copy.deepcopy`` copies the weights and the state of training too.

    Args:
        model: The model.
        seed: Its seed, 0 <= seed < 2**64; None is that of the model, with which the starting values are the same.

    Raises:
        TypeError: `model` is not a `Sequential`, or `seed` not an integer.
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
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a fastopt.Sequential, not {model!r}.")
    result = Sequential(copy.deepcopy(model.layers), model.seed if seed is None else seed, model.dtype, model.name)
    result.noise = model.noise
    if model.optimizer is not None:
        result.compile(model.optimizer, copy.deepcopy(model.loss), copy.deepcopy(model.metrics))
    if model.input_shape is not None:
        result.build(model.input_shape)
    return result
