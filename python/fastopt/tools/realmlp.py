"""The network of RealMLP and its optimizer, for the estimators of tables and for the command line.

Source:
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular data,
    NeurIPS 2024, arXiv:2407.04491.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from fastopt.core import checks
from fastopt.initializers import RandomNormal
from fastopt.layers import Dense, Layer, Scale
from fastopt.optimizers import Adam, LayerRates, Optimizer
from fastopt.schedules import CosineLog

__all__ = ["BATCH_SIZE", "CLASSES", "EPOCHS", "LABEL_SMOOTHING", "NUMBERS", "SIZES", "Task", "realmlp"]

SIZES = (256, 256, 256)
EPOCHS = 256
BATCH_SIZE = 256
LABEL_SMOOTHING = 0.1


class Task(NamedTuple):
    """What depends on whether classes are told or numbers predicted.

    Attributes:
        activation: That of the hidden layers.
        learning_rates: The largest learning rate of each variant.
        watched: The value that tells the best epoch, and 1 where it is to fall, -1 where it is to grow.
    """

    activation: str
    learning_rates: dict[str, float]
    watched: tuple[str, float]


CLASSES = Task("selu", {"td": 0.04, "td-s": 0.04}, ("val_accuracy", -1.0))
NUMBERS = Task("mish", {"td": 0.2, "td-s": 0.07}, ("val_loss", 1.0))


def realmlp(
    features: int, outputs: int, steps: int, sizes: Sequence[int], activation: str, learning_rate: float
) -> tuple[list[Layer], Optimizer]:
    """Return the layers of RealMLP-TD-S, and its optimizer for so many steps.

    Args:
        features: The number of inputs.
        outputs: The number of outputs.
        steps: Of the optimizer in all.
        sizes: The widths of the hidden layers.
        activation: Theirs.
        learning_rate: The largest learning rate.
    """
    # Weights that begin with the size 1 / sqrt(inputs), and a learning rate of that size, are what Adam makes of
    # the NTK parametrisation, as its steps do not depend on the size of the gradient.
    layers: list[Layer] = [Scale(name="scale")]
    rates = {"scale": 6.0, "bias": 0.1}
    inputs = features
    for i, size in enumerate(sizes):
        units = checks.integer(f"hidden_layer_sizes[{i}]", size, 1)
        layers.append(Dense(units, activation, True, "lecun_normal", RandomNormal(stddev=1.0), f"hidden_{i}"))
        rates[f"hidden_{i}/kernel"] = 1.0 / math.sqrt(inputs)
        inputs = units
    layers.append(Dense(outputs, kernel_initializer="zeros", name="output"))
    rates["output/kernel"] = 1.0 / math.sqrt(inputs)
    return layers, LayerRates(Adam(CosineLog(learning_rate, steps), beta_2=0.95), rates)
