"""
Samples of MNIST
================

Digits with what a network took them for; those that are wrong are marked. Where the files of MNIST are not at hand,
the digits of 8 x 8 pixels that come with the package stand in for them.
"""

import os
from pathlib import Path

import numpy as np
from _common import classifier, panels

import fastopt as fo

folders = [os.environ.get("FASTOPT_DATA_DIR"), os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")]
try:
    [(x, y)] = fo.datasets.load_mnist(next(folder for folder in folders if folder), parts=["test"])
except FileNotFoundError:
    x, y = fo.datasets.load_digits()
held_out = len(x) // 3
model = classifier(fo.optimizers.Adam(1e-3))
model.fit(x[held_out:], y[held_out:], epochs=12, verbose=0)
predicted = model.predict_classes(x[:held_out])
wrong = np.flatnonzero(predicted != y[:held_out])
chosen = np.concatenate([wrong[:8], np.arange(40 - len(wrong[:8]))])
fo.plotting.images(x[chosen], y[chosen], predicted[chosen], cmap="gray_r", ax=panels(width=7.6, height=5.4))

# %%
# The share that is wrong.

print(f"{len(wrong) / held_out:.1%} of {held_out:,}")
assert len(wrong) / held_out < 0.15
