"""
Seven starting values
=====================

A network of three hidden layers on the digits, ReLU, Adam: what the starting values of the weights do to the loss of
the first epoch, and to the end of a short training. Means of three seeds.
"""

import numpy as np
from _common import classifier, digits, panels, table

import fastopt as fo
from fastopt.initializers import RandomNormal

train, dev = digits()
starts = {
    "zeros": "zeros",
    "N(0, 1)": RandomNormal(stddev=1.0),
    "N(0, 0.01²)": RandomNormal(stddev=0.01),
    "LeCun": "lecun_normal",
    "Glorot": "glorot_normal",
    "He": "he_normal",
    "orthogonal": "orthogonal",
}
found = {}
for name, start in starts.items():
    models = [classifier(fo.optimizers.Adam(1e-3), (128, 64, 32), seed=s, kernel_initializer=start) for s in range(3)]
    members = fo.fleet.fit(models, *train, epochs=10, validation_data=dev, verbose=0)
    records = [member.history.history for member in members]
    last = np.mean([record["loss"][-1] for record in records])
    error = 1 - np.mean([record["val_accuracy"][-1] for record in records])
    found[name] = np.mean([record["loss"][0] for record in records]), last, error

rows = [(name, f"{first:.3f}", f"{last:.3f}", f"{error:.1%}") for name, (first, last, error) in found.items()]
table(panels(width=6, height=2.8), rows, ("start", "loss, epoch 1", "loss, epoch 10", "dev error"))

# %%
# Zeros never learn: all units of a layer stay equal. For ReLU He's start is the quickest of those that scale with the
# inputs, then Glorot's and LeCun's, whose variances are half of it; the small one is slow. The large one begins with a
# loss of 93 and has still the highest of those that learn after ten epochs; that its errors are the most, as one may
# expect, does not hold: the small one has as many.

for row in rows:
    print(*row, sep="\t")
assert found["zeros"][1] > 2.2
assert found["He"][0] < found["LeCun"][0] < found["N(0, 0.01²)"][0]
assert found["N(0, 1)"][1] > 2 * found["N(0, 0.01²)"][1] > 4 * found["He"][1]
assert min(found[name][2] for name in ("N(0, 1)", "N(0, 0.01²)")) > 2 * found["He"][2]
