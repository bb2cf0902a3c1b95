"""Draws what six layers make of their input before any training, with starting weights that fit them and that do not.

Needs ``pip install 'fastopt[plot]'``. ``python examples/initialization.py [folder]`` saves the pictures in the folder,
by default examples/output.
"""

import common
import numpy as np
from common import save
from matplotlib import pyplot

import fastopt as fo
from fastopt.initializers import RandomNormal

UNITS, LAYERS, SAMPLES, CLASSES = 256, 6, 500, 10

# For each picture the limits of outputs and gradients, and its rows: a title, the activation, the starting weights.
PICTURES = {
    "sigmoid": (
        (-0.05, 1.05),
        (1e-9, 1),
        [
            ("Sigmoid, N(0, 1): saturated", "sigmoid", RandomNormal(stddev=1.0)),
            ("Sigmoid, Glorot: gradients vanish all the same", "sigmoid", "glorot_normal"),
        ],
    ),
    "tanh": (
        (-1.05, 1.05),
        (1e-9, 1),
        [
            ("Tanh, N(0, 0.01²): the signal dies", "tanh", RandomNormal(stddev=0.01)),
            ("Tanh, Glorot: it lives", "tanh", "glorot_normal"),
        ],
    ),
    "relu": (
        (-1, 4),
        (1e-7, 1),
        [
            ("ReLU, Glorot: half of the variance is lost in each layer", "relu", "glorot_normal"),
            ("ReLU, He: it is kept", "relu", "he_normal"),
        ],
    ),
}


def network(activation, initializer):
    """Return six layers and a linear one."""
    layers = [fo.layers.Dense(UNITS, activation, kernel_initializer=initializer) for _ in range(LAYERS)]
    model = fo.Sequential([*layers, fo.layers.Dense(CLASSES, name="logits")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.build(UNITS)
    return model


def main():
    """Draw all."""
    folder = common.folder(__doc__)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(SAMPLES, UNITS)), rng.integers(0, CLASSES, SAMPLES)
    for name, (outputs, sizes, rows) in PICTURES.items():
        figure = pyplot.figure(figsize=(11, 8), layout="constrained")
        for part, (title, activation, initializer) in zip(figure.subfigures(2, 1), rows, strict=True):
            model = network(activation, initializer)
            left, right = part.subplots(1, 2)
            fo.plotting.activations(model, x, outputs, left)
            fo.plotting.gradients(model, x, y, sizes, right)
            part.suptitle(title)
        save(figure, folder / f"initialization_{name}.png")


if __name__ == "__main__":
    main()
