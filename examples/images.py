"""Trains LeNet-5 and a small residual network on MNIST, and compares normalisations by the size of a batch.

``python examples/images.py [lenet | norms] [folder]``: the folder has the IDX files of MNIST, by default that of
`fastopt.datasets.load_mnist`. The 10,000 images of its test part are enough: 8,000 to train on and 2,000 to test on.
LeNet-5 takes less than a minute, the table of the norms five. Pictures, for which
``pip install 'fastopt[plot]'`` is needed, go to examples/output.
"""

import time
from pathlib import Path

import common
import numpy as np

import fastopt as fo
from fastopt.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    GroupNormalization,
    MaxPooling2D,
    Residual,
)

OUTPUT = Path(__file__).parent / "output"
SEEDS, TRAINED = (0, 1, 2), 8000


def digits(*folder):
    """Return images of 28 x 28 places with one channel, and their classes, to train and to test on."""
    [(x, y)] = fo.datasets.load_mnist(*folder, parts=["test"])
    x = x.reshape(-1, 28, 28, 1)
    return [(x[rows], y[rows]) for rows in np.split(fo.kernels.permutation(0, 0, len(x)), [TRAINED])]


def lenet(seed):
    """Return LeNet-5 (LeCun et al., 1998) with rectifiers, the largest values of windows, and a softmax."""
    layers = [
        Conv2D(6, 5, padding="same", activation="relu"),
        MaxPooling2D(),
        Conv2D(16, 5, activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dense(120, "relu"),
        Dense(84, "relu"),
        Dense(10),
    ]
    return fo.Sequential(layers, seed)


def train_lenet(train, test, batch=32, epochs=10):
    """Print the accuracy and the seconds of each seed; return the last model."""
    accuracies = []
    for seed in SEEDS:
        model = lenet(seed)
        rate = fo.schedules.Cosine(0.002, steps=epochs * TRAINED // batch)
        model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
        start = time.perf_counter()
        model.fit(*train, batch, epochs, verbose=0)
        seconds = time.perf_counter() - start
        accuracies.append(model.evaluate(*test)["accuracy"])
        print(f"LeNet-5, seed {seed}: accuracy {accuracies[-1]:.4f} after {epochs} epochs, {seconds:.1f} s", flush=True)
    print(f"mean {np.mean(accuracies):.4f}\n")
    return model


BATCHES = (32, 16, 8, 4, 2)
NORMS = {
    "batch": lambda: [BatchNormalization(momentum=0.9)],
    "group": lambda: [GroupNormalization(4)],
    "layer": lambda: [GroupNormalization(1)],
    "none": list,
}


def residual_network(norm, seed):
    """Return five stages, each with half the height and width of the one before, down to a single place."""

    def block(channels):
        inner = [Conv2D(channels, 3, padding="same"), *norm(), Activation("relu")]
        return [Residual([*inner, Conv2D(channels, 3, padding="same"), *norm()]), Activation("relu")]

    layers = []
    for channels in (8, 16, 32, 32, 32):
        layers += [Conv2D(channels, 3, strides=2, padding="same"), *norm(), Activation("relu"), *block(channels)]
    return fo.Sequential([*layers, GlobalAveragePooling2D(), Dense(10)], seed)


def dense_network(norm, seed):
    """Return two hidden layers."""
    layers = [Flatten()]
    for units in (128, 64):
        layers += [Dense(units), *norm(), Activation("relu")]
    return fo.Sequential([*layers, Dense(10)], seed)


NETWORKS = {"residual network": residual_network, "dense network": dense_network}


def errors_by_batch(make, train, test, epochs):
    """Return the test errors in per cent, means over the seeds, by norm and size of a batch."""
    table = {}
    for name, norm in NORMS.items():
        for batch in BATCHES:
            errors = []
            for seed in SEEDS:
                model = make(norm, seed)
                # The rate grows with the batch, so that as many samples go as far.
                rate = fo.schedules.Cosine(0.03 * batch / 32, steps=epochs * TRAINED // batch)
                optimizer = fo.optimizers.SGD(rate, momentum=0.9)
                model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
                model.fit(*train, batch, epochs, verbose=0)
                errors.append(100 * (1 - model.evaluate(*test)["accuracy"]))
            table[name, batch] = np.mean(errors)
            print(f"  {name:6} {batch:3} {table[name, batch]:6.2f}%", flush=True)
    return table


def compare_norms(train, test, epochs=2):
    """Print the tables of the norms; return them."""
    tables = {}
    for network, make in NETWORKS.items():
        print(f"{network}: test errors, means of {len(SEEDS)} seeds")
        table = tables[network] = errors_by_batch(make, train, test, epochs)
        print(f"\n| norm | {' | '.join(f'batch {batch}' for batch in BATCHES)} |\n|---|{len(BATCHES) * '---|'}")
        for name in NORMS:
            print(f"| {name} | {' | '.join(f'{table[name, batch]:.2f} %' for batch in BATCHES)} |")
        print()
    return tables


ERRORS = (2, 3, 5, 10, 20, 30)


def draw_norms(tables):
    """Save a picture of the tables."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(tables), figsize=(9.2, 3.6), layout="constrained")
    for ax, (network, table) in zip(panels, tables.items(), strict=True):
        for name, mark in zip(NORMS, "osDv", strict=True):
            ax.plot(BATCHES, [table[name, batch] for batch in BATCHES], marker=mark, label=name)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.minorticks_off()
        ax.set_yticks(ERRORS, ERRORS)
        ax.set(xlabel="batch", title=network, xticks=BATCHES, xticklabels=BATCHES)
        ax.grid(alpha=0.3, which="both")
        ax.invert_xaxis()
    panels[0].set_ylabel("test error in %")
    panels[0].legend()
    save(figure, "images_norms.png")


def draw_lenet(model, x):
    """Save pictures of the first filters, and of what they make of a digit."""
    save(fo.plotting.filters(model).figure, "images_filters.png")
    save(fo.plotting.feature_maps(model, x[:1]).figure, "images_maps.png")


def save(figure, name):
    """Save a picture."""
    OUTPUT.mkdir(exist_ok=True)
    figure.savefig(OUTPUT / name, dpi=80)


def main(what=None, *folder):
    """Do what was asked for, or all."""
    train, test = digits(*folder)
    if what in (None, "lenet"):
        model = train_lenet(train, test)
        draw_lenet(model, test[0])
    if what in (None, "norms"):
        draw_norms(compare_norms(train, test))


if __name__ == "__main__":
    arguments = common.parser(__doc__)
    arguments.add_argument("what", nargs="?", choices=["lenet", "norms"], help="else both")
    arguments.add_argument("folder", nargs="?", help="where the files of MNIST are")
    given = arguments.parse_args()
    main(given.what, *filter(None, [given.folder]))
