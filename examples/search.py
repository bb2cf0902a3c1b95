"""Searches for the hyperparameters of a digits network, each trial cross-validated, and draws what came out.

Run it with `pip install 'fastopt[plot]'`: python examples/search.py [folder]. The folder, by default
examples/output, keeps the pictures, and the trials, from which a search that was stopped goes on.
"""

import time

import common

import fastopt as fo
from fastopt.search import Integer, Linear, Log

FOLDS = 4
TRIALS = 24
EPOCHS = 10

X, Y = fo.datasets.load_digits()
SPACE = {
    "rate": Log(1e-4, 1.0),
    "units": Integer(8, 64, log=True),
    "dropout": Linear(0.0, 0.5),
    "batch_size": [16, 32, 64],
}


def accuracy(rate, units, dropout, batch_size):
    """Return the loss and the accuracy that a network of these hyperparameters has on samples that it has not seen."""

    def build():
        layers = [fo.layers.Dense(units, "relu"), fo.layers.Dropout(dropout), fo.layers.Dense(10)]
        model = fo.Sequential(layers, seed=0)
        model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    return fo.fleet.cross_validate(build, X, Y, FOLDS, epochs=EPOCHS, batch_size=batch_size, verbose=0).mean


def main(folder):
    """Search, print the table and draw it."""
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    trials = fo.search.random(
        accuracy, SPACE, trials=TRIALS, metric="accuracy", mode="max", file=folder / "trials.jsonl", verbose=0
    )
    print(f"{TRIALS} trials of {FOLDS} folds of {EPOCHS} epochs: {time.perf_counter() - began:.1f} s")
    print(trials)
    fo.plotting.trials(trials)[0].figure.savefig(folder / "search_trials.png", dpi=90)
    fo.plotting.parallel_coordinates(trials).figure.savefig(folder / "search_lines.png", dpi=90)
    return trials


if __name__ == "__main__":
    main(common.folder(__doc__))
