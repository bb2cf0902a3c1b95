"""Draws which digits are taken for which, and classes of 64 features in a plane.

Needs ``pip install 'fastopt[plot]'``. ``python examples/classes.py [folder]`` saves the pictures in the folder, by
default examples/output.
"""

import common
from common import save

import fastopt as fo
from fastopt import plotting
from fastopt.layers import Dense


def confusion():
    """Which digits are taken for which."""
    x, y = fo.datasets.load_digits()
    model = fo.Sequential([Dense(32, "relu"), Dense(10)], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:1200], y[:1200], epochs=20, verbose=0)
    return plotting.confusion_matrix(y[1200:], model.predict_classes(x[1200:]))


def components():
    """Classes of 64 features, in the plane of two components."""
    x, y = fo.datasets.load_digits()
    x, y = x[y < 5], y[y < 5]
    model = fo.Sequential([Dense(32, "relu"), Dense(5)], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=20, verbose=0)
    return plotting.decision_boundary(model, x[:300], y[:300])


def main():
    """Draw all."""
    folder = common.folder(__doc__)
    for draw in (confusion, components):
        save(draw().figure, folder / f"plotting_{draw.__name__}.png")


if __name__ == "__main__":
    main()
