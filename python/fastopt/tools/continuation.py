"""Continuation for models: noise on the weights that becomes less and less."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.model.callbacks.history import History
from fastopt.model.callbacks.noise import WeightNoise
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.model.weighted import checked_model

__all__ = ["continuation"]


def continuation(
    model: Sequential | Model,
    x: ArrayLike,
    y: ArrayLike,
    sigmas: Sequence[float] = (0.1, 0.03, 0.01, 0.0),
    epochs: int = 10,
    callbacks: Sequence[Any] | None = None,
    **options: Any,
) -> list[History]:
    """Train a model on a cost that is smoothed less and less: with noise on the weights, of a deviation that falls.

    The gradients are those of E C(w + sigma z), z ~ N(0, I), by a new z at each step; see `callbacks.WeightNoise`, and
    `solvers.continuation` for functions.

    Args:
        model: A model that is compiled with an optimizer and a loss.
        x: Inputs, as `Sequential.fit` takes them.
        y: Targets.
        sigmas: The standard deviations, each at least 0.
        epochs: With each of them, at least 1.
        callbacks: Others beside the noise, as of `Sequential.fit`.
        options: Other arguments of `Sequential.fit`.

    Returns:
        The history of each deviation.

    Raises:
        TypeError, ValueError: An argument has the wrong type or is out of range; or as `Sequential.fit`.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(32, "tanh"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> histories = fo.continuation(model, x, y, sigmas=[0.1, 0.0], epochs=5, verbose=0)
        >>> [len(history.epoch) for history in histories]
        [5, 5]
    """
    checked_model("model", model)
    noises = [WeightNoise(sigma) for sigma in checks.items("sigmas", sigmas)]
    epochs = checks.integer("epochs", epochs, 1)
    others = [] if callbacks is None else checks.items("callbacks", callbacks)
    return [model.fit(x, y, epochs=epochs, callbacks=[noise, *others], **options) for noise in noises]
