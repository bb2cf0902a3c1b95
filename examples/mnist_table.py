"""Prints what starting weights, batch normalisation, dropout and decay do to one network on MNIST.

``python examples/mnist_table.py [folder]``: the folder has the IDX files of MNIST, by default that of
`fastopt.datasets.load_mnist`. The 10,000 images of its test part are enough: 8,000 to train on and 2,000 to test on.
It takes about a minute.
"""

from typing import NamedTuple

import common
import numpy as np

import fastopt as fo
from fastopt.initializers import RandomNormal
from fastopt.layers import Activation, BatchNormalization, Dense, Dropout
from fastopt.optimizers import Adam, Decay

SEEDS, EPOCHS, BATCH, TRAINED = (0, 1, 2), 10, 100, 8000
UNITS, CLASSES = (256, 128, 64), 10
STARTS = {
    "N(0, 1)": RandomNormal(stddev=1.0),
    "N(0, 0.01²)": RandomNormal(stddev=0.01),
    "Glorot": "glorot_normal",
    "LeCun": "lecun_normal",
    "He": "he_normal",
    "orthogonal": "orthogonal",
}


def network(seed, start="he_normal", norm=False, dropout=0.0, l2=0.0):
    """Return three layers of ReLU and a softmax."""
    layers = []
    for units in UNITS:
        layers.append(Dense(units, kernel_initializer=start))
        if norm:
            layers.append(BatchNormalization(momentum=0.9))
        layers += [Activation("relu"), Dropout(dropout)]
    model = fo.Sequential([*layers, Dense(CLASSES, "softmax", kernel_initializer=start)], seed)
    # Through the gradient alone, not by regularizers, so that the loss that is reported is the cross-entropy.
    model.compile(Decay(Adam(), l2=l2), "sparse_categorical_crossentropy", ["accuracy"])
    return model


class Row(NamedTuple):
    """The loss over the first epoch; loss and percentage of errors in training and in test after the last."""

    first: float
    loss: float
    error: float
    test_loss: float
    test_error: float


def measure(train, test, **settings):
    """Return the means over the seeds."""
    rows = []
    for seed in SEEDS:
        model = network(seed, **settings)
        first = model.fit(*train, BATCH, EPOCHS, verbose=0).history["loss"][0]
        ends = [model.evaluate(*part) for part in (train, test)]
        rows.append([first, *(value for end in ends for value in (end["loss"], 100 * (1 - end["accuracy"])))])
    return Row(*np.mean(rows, axis=0).tolist())


CASES = {
    **{name: {"start": start} for name, start in STARTS.items()},
    **{f"{name}, batch norm": {"start": start, "norm": True} for name, start in STARTS.items()},
    "He, dropout 0.3": {"dropout": 0.3},
    "He, L2 0.001": {"l2": 1e-3},
    "He, dropout 0.3, L2 0.0001": {"dropout": 0.3, "l2": 1e-4},
    "He, batch norm, dropout 0.3": {"norm": True, "dropout": 0.3},
}


def orderings(table):
    """Return what one expects of the table, and whether it is so."""
    plain, normed = ([table[f"{name}{suffix}"] for name in STARTS] for suffix in ("", ", batch norm"))
    he, dropout, l2 = table["He"], table["He, dropout 0.3"], table["He, L2 0.001"]
    return {
        # The variances fall in this order, as the layers have more inputs than outputs, and He's is the one for ReLU.
        "He starts faster than Glorot, Glorot than LeCun, LeCun than N(0, 0.01²)": np.all(
            np.diff([table[name].first for name in ("He", "Glorot", "LeCun", "N(0, 0.01²)")]) > 0
        ),
        "N(0, 1) is the worst in the end": max(plain, key=lambda row: row.test_error) == table["N(0, 1)"],
        "batch norm lowers the loss of the first epoch from every start": all(
            b.first < a.first for a, b in zip(plain, normed, strict=True)
        ),
        "batch norm makes the start matter less for the test error": spread(normed) < spread(plain),
        "batch norm lowers the test error from every start": all(
            b.test_error < a.test_error for a, b in zip(plain, normed, strict=True)
        ),
        "dropout raises the loss in training and lowers it in test": dropout.loss > he.loss
        and dropout.test_loss < he.test_loss,
        "L2 raises the loss in training and lowers it in test": l2.loss > he.loss and l2.test_loss < he.test_loss,
    }


def spread(rows):
    """Return the distance of the greatest test error from the least."""
    errors = [row.test_error for row in rows]
    return max(errors) - min(errors)


def main():
    """Print the table, and which of the orderings that one expects hold in it."""
    arguments = common.parser(__doc__)
    arguments.add_argument("folder", nargs="?", help="where the files of MNIST are")
    [(x, y)] = fo.datasets.load_mnist(arguments.parse_args().folder, parts=["test"])
    data = [(x[rows], y[rows]) for rows in np.split(fo.kernels.permutation(0, 0, len(x)), [TRAINED])]
    sizes = "-".join(map(str, (x.shape[1], *UNITS, CLASSES)))
    print(f"{sizes}, ReLU, Adam, {TRAINED:,} images, {EPOCHS} epochs, means of {len(SEEDS)} seeds\n")
    print(f"{'':27}  epoch 1     training           test")
    print(f"{'':27}     loss     loss   error      loss   error")
    table = {}
    for name, settings in CASES.items():
        row = table[name] = measure(*data, **settings)
        ends = f"{row.loss:8.4f} {row.error:6.2f}% {row.test_loss:9.4f} {row.test_error:6.2f}%"
        print(f"{name:27} {row.first:8.3f} {ends}", flush=True)
    print(f"\nOne image of the {len(data[1][0]):,} in test is {100 / len(data[1][0]):.2f}%.\n")
    for text, holds in orderings(table).items():
        print(f"{'yes' if holds else 'no ':3}  {text}")


if __name__ == "__main__":
    main()
