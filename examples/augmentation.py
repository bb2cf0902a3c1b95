"""Draws digits and what each change of `fastopt.data.Augment` makes of them.

Needs ``pip install 'fastopt[plot]'``. ``python examples/augmentation.py [folder]`` saves the picture in the folder, by
default examples/output.
"""

import common
import matplotlib as mpl
import numpy as np

import fastopt as fo

mpl.use("agg")
import matplotlib.pyplot as plt

DIGITS, SIZE = 10, 24
CHANGES = {
    "digits": fo.data.Augment(),
    "flip": fo.data.Augment(flip=1),
    "crop,\nup to 4 pixels": fo.data.Augment(crop=4),
    "rotation,\nup to 30°": fo.data.Augment(rotation=30),
    "distortion\n(34, 4)": fo.data.Augment(distortion=(34, 4)),
    "noise of 0.15": fo.data.Augment(noise=0.15),
    "all but flip": fo.data.Augment(crop=2, rotation=15, distortion=(34, 4), noise=0.1),
}


def enlarged(images):
    """Return images of 8 x 8 pixels with three times as many along each axis, interpolated, and a margin of two."""
    n = len(images)
    place = np.linspace(0, 7, SIZE)
    padded = np.zeros((n, SIZE, SIZE))
    padded[:, :8, :8] = images
    there = np.broadcast_to(place - np.arange(SIZE), (SIZE, SIZE))
    return np.pad(fo.data.distort(padded, there.T, there), ((0, 0), (2, 2), (2, 2)))


def main(path):
    """Save the picture."""
    x, _ = fo.datasets.load_digits()
    images = enlarged(x[:DIGITS].reshape(-1, 8, 8))
    figure, rows = plt.subplots(len(CHANGES), DIGITS, figsize=(10, 7.4), layout="constrained")
    for axes, (name, augment) in zip(rows, CHANGES.items(), strict=True):
        for ax, image in zip(axes, augment(images, seed=1), strict=True):
            ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main(common.folder(__doc__) / "augmentation.png")
