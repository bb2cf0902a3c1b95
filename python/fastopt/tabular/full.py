"""The network of the full RealMLP, how its weights start, and what changes as it is trained.

Source:
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular data,
    NeurIPS 2024, arXiv:2407.04491.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastopt import kernels
from fastopt.core.plain import Real
from fastopt.initializers import RandomNormal
from fastopt.layers import (
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from fastopt.model.callbacks.base import Callback
from fastopt.model.functional import Model
from fastopt.optimizers import Adam, Decay, LayerRates, Optimizer
from fastopt.schedules import CosineLog, FlatCosine

__all__ = ["MAX_ONE_HOT", "Columns", "FadingNoise", "network", "optimizer"]

MAX_ONE_HOT = 8  # categories; columns of more have an embedding
EMBEDDING = 8  # its size
WAVES = 4  # numbers that PBLD makes of one
DROPOUT, DECAY = 0.15, 0.02
ROWS = 8192  # at most, that the weights start from
PICKED = 5  # rows, between whose values each bias starts


class Columns(NamedTuple):
    """What the inputs of the network hold; those with nothing are left out.

    Attributes:
        numbers: How many numbers there are.
        others: How many one-hot features, signs and indicators.
        codes: Of each column of codes, how many there are.
    """

    numbers: int
    others: int
    codes: list[int]


def network(columns: Columns, x: Any, outputs: int, sizes: Sequence[int], activation: str, seed: int) -> Model:
    """Return the network: hidden layers ``hidden_0`` and so on behind ``scale``, and ``output``.

    Kernels start such that sums have the variance 1 over the inputs x, and biases as -sum_k p_k z_k of the sums z_k of
    five rows, with p uniform over all weights that add up to 1 (he+5).
    """
    inputs, features = [], []
    if columns.numbers:
        inputs.append(Input(columns.numbers))
        features.append(PeriodicEmbedding.pbld(WAVES)(inputs[-1]))
    if columns.others:
        inputs.append(Input(columns.others))
        features.append(inputs[-1])
    if columns.codes:
        inputs.append(Input(len(columns.codes)))
        features.append(Flatten()(Embedding(columns.codes, EMBEDDING, RandomNormal(stddev=1.0))(inputs[-1])))
    h = Scale(name="scale")(Concatenate()(features) if len(features) > 1 else features[0])
    front = Model(inputs, h, seed=seed)
    for i, size in enumerate(sizes):
        h = Dense(size, kernel_initializer="lecun_normal", name=f"hidden_{i}")(h)
        h = Dropout(DROPOUT)(ParametricActivation(activation)(h))
    model = Model(inputs, Dense(outputs, kernel_initializer="lecun_normal", name="output")(h), seed=seed)
    for name, view in front.parameters.items():
        model.parameters[name][...] = view
    _start(model, front.predict(x, verbose=0), activation, np.random.default_rng(seed))
    return model


def optimizer(model: Model, steps: int, learning_rate: float) -> Optimizer:
    """Return the optimizer of the network for so many steps."""
    # Rates and weights as those of `fastopt.tools.realmlp`. The authors' decay goes with the square of the factor of
    # the rate, and that of kernels not with the factor that the NTK parametrisation is.
    rates, decays = {"scale": 6.0, "alpha": 0.1, "bias": 0.1}, {"scale": 6.0, "alpha": 0.1}
    if "periodic_embedding" in model.layer_names:
        rates["periodic_embedding"] = decays["periodic_embedding"] = 0.1
    for name in _dense(model):
        root = math.sqrt(len(model.parameters[f"{name}/kernel"]))
        rates[f"{name}/kernel"], decays[f"{name}/kernel"] = 1.0 / root, root
    adam = Adam(CosineLog(learning_rate, steps), beta_2=0.95)
    return LayerRates(Decay(adam, decoupled=FlatCosine(DECAY, steps), factors=decays), rates)


def _start(model: Model, h: Real, activation: str, rng: np.random.Generator) -> None:
    """Start the dense layers by what goes into the first of them."""
    for name in _dense(model):
        kernel, bias = model.parameters[f"{name}/kernel"], model.parameters[f"{name}/bias"]
        z = kernels.matmul(h, kernel)
        spread = z.std(axis=0, dtype=np.float64)
        factor = 1.0 / np.where(spread > 0, spread, 1.0)
        kernel *= factor
        z *= factor
        picked = z[rng.integers(len(z), size=(PICKED, len(bias))), np.arange(len(bias))]
        bias[...] = -(rng.dirichlet(np.ones(PICKED), len(bias)).T * picked).sum(axis=0)
        h = getattr(kernels, activation)(z + bias)


def _dense(model: Model) -> list[str]:
    return [name for name in model.layer_names if name == "output" or name.startswith("hidden_")]


class FadingNoise(Callback):
    """Dropout as it is for half of the epochs, and then less and less.

    Args:
        epochs: How many there are.
    """

    def __init__(self, epochs: int) -> None:
        self._part = FlatCosine(1.0, epochs, per="epoch")

    def on_epoch_begin(self, epoch: int) -> None:
        """Set the part of the noise that there is."""
        self.model.noise = self._part(epoch)

    def on_train_end(self) -> None:
        """Set it back."""
        self.model.noise = True
