"""What networks learn: handwritten digits, the mean over three seeds."""

import os
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo

MNIST = Path(os.environ.get("FASTOPT_TEST_MNIST", Path(__file__).parents[3] / "shared" / "data" / "mnist"))


def split(x, y, fraction, seed):
    order = fo.kernels.permutation(seed, 0, len(x))
    train, test = np.split(order, [int(len(x) * fraction)])
    return (x[train], y[train]), (x[test], y[test])


def accuracy(layers, data, epochs, batch_size, seed):
    model = fo.Sequential(layers, seed=seed)
    model.compile(fo.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", ["accuracy"])
    train, test = data
    model.fit(*train, batch_size=batch_size, epochs=epochs, verbose=0)
    return model.evaluate(*test)["accuracy"]


def test_digits():
    x, y = fo.datasets.load_digits()

    def layers():
        return [fo.layers.Dense(256, "relu", kernel_initializer="he_normal"), fo.layers.Dense(10)]

    found = [accuracy(layers(), split(x, y, 0.8, seed), 40, 32, seed) for seed in range(3)]
    assert np.mean(found) >= 0.97, found


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"needs the MNIST files in {MNIST}; set FASTOPT_TEST_MNIST")
def test_mnist():
    [data] = fo.datasets.load_mnist(MNIST, parts=["test"])
    found = []
    for seed in range(3):
        layers = [fo.layers.Dense(64, "sigmoid"), fo.layers.Dense(16, "tanh"), fo.layers.Dense(10, "softmax")]
        found.append(accuracy(layers, split(*data, 0.8, seed), 20, 64, seed))
    assert np.mean(found) >= 0.94, found
