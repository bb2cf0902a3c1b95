"""Greedy layer-wise pretraining."""

import copy
from itertools import pairwise
from typing import Any

from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.model.callbacks.history import History
from fastopt.model.sequential import Sequential
from fastopt.tools.clone import unbound
from fastopt.tools.transfer import arrays_by_layer, copy_weights

__all__ = ["pretrain"]


def pretrain(
    model: Sequential, x: ArrayLike, y: ArrayLike, epochs: int = 10, fine_tuning: int | None = None, **options: Any
) -> list[History]:
    """Train a deep network layer by layer, and then all layers together.

    Stage k trains its k-th hidden layer, and an output layer that begins anew, on what the layers before it make of the
    inputs; these are frozen. Each stage is a network with one hidden layer, through which gradients do not vanish. A
    hidden layer is one with a matrix of weights and what follows up to the next: activations, normalisation, noise.
    The model gets the weights of each stage when it ends, also where it ends by an exception or Ctrl-C.

    Args:
        model: A model that is compiled with a loss; one that is not built is built.
        x: Inputs, as `Sequential.fit` takes them.
        y: Targets.
        epochs: Of each stage, at least 1.
        fine_tuning: The epochs in which all layers are trained together at the end; None for `epochs`, 0 for none.
        options: Other arguments of `Sequential.fit`, for all stages.

    Returns:
        The histories of the stages, and of the fine-tuning if there is any.

    Raises:
        RuntimeError: The model has no loss.
        TypeError: `model` is no `Sequential`, or an argument has the wrong type.
        ValueError: There is no hidden layer; or as `Sequential.fit`.

    Source:
        Bengio, Lamblin, Popovici and Larochelle, Greedy layer-wise training of deep networks, NIPS 2006, section 4.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> layers = [*[fo.layers.Dense(32, "sigmoid") for _ in range(3)], fo.layers.Dense(10)]
        >>> model = fo.Sequential(layers, seed=0)
        >>> model.compile(fo.optimizers.SGD(0.5), "sparse_categorical_crossentropy", ["accuracy"])
        >>> histories = fo.pretrain(model, x, y, epochs=5, verbose=0)
        >>> len(histories), histories[-1].history["accuracy"][-1] > 0.9
        (4, True)
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model must be a fastopt.Sequential, not {model!r}.")
    epochs = checks.integer("epochs", epochs, 1)
    fine_tuning = epochs if fine_tuning is None else checks.integer("fine_tuning", fine_tuning, 0)
    if not model.built:
        model.build(checks.array("x", model._numbers("x", x)).shape[1:])
    starts = [
        model.layer_names.index(name)
        for name, arrays in arrays_by_layer(model).items()
        if any(array.ndim > 1 for array in arrays.values())
    ]
    if len(starts) < 2:
        raise ValueError("There is no hidden layer to pretrain: the model has fewer than two layers with matrices.")
    if model.loss is None:
        raise RuntimeError("The model has no loss: call compile(optimizer, loss) first.")
    names, last, histories = model.layer_names, starts[-1], []
    for start, end in pairwise(starts):
        stage = _stage(model, start, end, last)
        trained = [*names[start:end], *(names[last:] if end == last else [])]
        try:
            histories.append(stage.fit(x, y, epochs=epochs, **options))
        finally:
            copy_weights(stage, model, [name for name in arrays_by_layer(stage) if name in trained])
    if fine_tuning:
        histories.append(model.fit(x, y, epochs=fine_tuning, **options))
    return histories


def _stage(model: Sequential, start: int, end: int, last: int) -> Sequential:
    """Return the network of the layers up to `end` and those from `last`: only those from `start` learn."""
    layers = unbound(model.network).layers
    for layer, name in zip(layers, model.layer_names, strict=True):
        layer.name = name
    for layer in layers[:start]:
        layer.trainable = False
    stage = Sequential([*layers[:end], *layers[last:]], model.seed, model.dtype)
    stage._take_labels(model)
    stage.compile(model.optimizer, **copy.deepcopy(model.judged_by))
    assert model.input_shape is not None
    stage.build(model.input_shape)
    copy_weights(model, stage, [name for name in arrays_by_layer(stage) if name in model.layer_names[:end]])
    return stage
