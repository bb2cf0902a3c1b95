"""Draws the atoms that sparse coding learns of the digits, and a digit as the sum of few of them.

Needs ``pip install 'fastopt[plot]'``. ``python examples/sparse_coding.py [folder]`` saves the picture in the folder, by
default examples/output.
"""

import common
import matplotlib as mpl
import numpy as np

import fastopt as fo

mpl.use("agg")
import matplotlib.pyplot as plt

PENALTY, TERMS = 1.0, 4


def show(axes, image, title=""):
    """Draw eight rows of eight pixels, 0 being grey."""
    largest = np.abs(image).max()
    axes.imshow(image.reshape(8, 8), cmap="gray", vmin=-largest, vmax=largest)
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()


def main(path):
    """Learn the atoms, and save the picture."""
    x, _ = fo.datasets.load_digits()
    x = x - x.mean(axis=0)
    done = fo.solvers.sparse_coding(x, atoms=64, penalty=PENALTY, max_iter=100, verbose=2)
    order = np.argsort(-np.abs(done.codes).sum(axis=0))  # the most used first
    left, right = plt.figure(figsize=(10, 4.6), layout="constrained").subfigures(1, 2, width_ratios=[1, 1.15])
    left.suptitle("64 atoms of 8x8 pixels, the most used first", fontsize=10)
    for axes, atom in zip(left.subplots(8, 8).ravel(), done.dictionary[order], strict=True):
        show(axes, atom)
    right.suptitle("digits, and what their codes make of them", fontsize=10)
    chosen = [i for i in range(len(x)) if np.count_nonzero(done.codes[i]) == TERMS][:4]
    for row, i in zip(right.subplots(len(chosen), TERMS + 2), chosen, strict=True):
        used = np.argsort(-np.abs(done.codes[i]))[:TERMS]
        show(row[0], x[i], "digit")
        show(row[1], done.codes[i] @ done.dictionary, "sum")
        for axes, k in zip(row[2:], used, strict=True):
            show(axes, done.dictionary[k], f"{done.codes[i, k]:+.2f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(path, dpi=100)


if __name__ == "__main__":
    main(common.folder(__doc__) / "atoms.png")
