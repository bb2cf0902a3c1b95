"""The layers of a multi-layer perceptron, and its weights as scikit-learn has them."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import layers
from fastopt.layers import Layer
from fastopt.model.sequential import Sequential
from fastopt.regularizers import L2

__all__ = ["ACTIVATIONS", "Weights", "perceptron", "starting_weights", "weights_of"]

# scikit-learn's names, and the core's.
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}

Weights = tuple[list[NDArray[Any]], list[NDArray[Any]]]  # of all layers the kernels, and what each adds to its sums


def perceptron(
    sizes: Sequence[int], activation: str, l2: float, dropout: float, normalization: str | None, seed: int, dtype: str
) -> Sequential:
    """Return a network of hidden layers and one of outputs, built, whose kernels and biases are still to be set.

    Args:
        sizes: The number of features, of the units of each hidden layer, and of outputs.
        activation: Of the hidden layers.
        l2: The factor of the sum of the squares of the kernels in the cost.
        dropout: The part of the hidden units that is left out in training.
        normalization: ``"batch"`` or ``"layer"``, in front of each hidden activation; None for none.
        seed: Decides the noise.
        dtype: Of the weights.
    """
    penalty = L2(l2) if l2 else None
    stack: list[Layer] = []
    for units in sizes[1:-1]:
        if normalization is None:
            stack.append(layers.Dense(units, activation, kernel_regularizer=penalty))
        else:
            norm = layers.BatchNormalization() if normalization == "batch" else layers.LayerNormalization()
            stack += [layers.Dense(units, kernel_regularizer=penalty), norm, layers.Activation(activation)]
        if dropout:
            stack.append(layers.Dropout(dropout))
    model = Sequential([*stack, layers.Dense(sizes[-1], kernel_regularizer=penalty)], seed, dtype)
    model.build(sizes[0], initialize=normalization is not None)
    return model


def weights_of(model: Sequential) -> Weights:
    """Return views of the weights; what a layer in front of a normalisation adds is the latter's."""
    kernels: list[NDArray[Any]] = []
    added: list[NDArray[Any]] = []
    for name, view in model.parameters.items():
        kind = name.split("/")[-1]
        if kind == "kernel":
            kernels.append(view)
        elif kind in ("bias", "beta") and len(added) < len(kernels):
            added.append(view)
    return kernels, added


def starting_weights(sizes: Sequence[int], activation: str, dtype: str, random: np.random.RandomState) -> Weights:
    """Draw weights from scikit-learn's distribution, which are its own where the random state is the same.

    They are uniform within sqrt(6 / (inputs + units)), or sqrt(2 / (inputs + units)) for the logistic activation.

    Source:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """
    kernels: list[NDArray[Any]] = []
    added: list[NDArray[Any]] = []
    for inputs, units in pairwise(sizes):
        bound = math.sqrt((2.0 if activation == "sigmoid" else 6.0) / (inputs + units))
        kernels.append(random.uniform(-bound, bound, (inputs, units)).astype(dtype, copy=False))
        added.append(random.uniform(-bound, bound, units).astype(dtype, copy=False))
    return kernels, added
