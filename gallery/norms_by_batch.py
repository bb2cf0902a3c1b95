"""
Batch, group, layer and instance norm by the size of the batch
==============================================================

A small convolutional network and a dense one on the digits, the rate growing with the batch. Batch normalisation
measures a mean and a variance over the batch; the others look at one sample.
"""

import numpy as np
from _common import digits, panels

import fastopt as fo
from fastopt.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    GroupNormalization,
    Reshape,
)

train, dev = digits()
BATCHES, EPOCHS = (32, 8, 2), 4
NORMS = {
    "batch": lambda: BatchNormalization(momentum=0.9),
    "group": lambda: GroupNormalization(4),
    "layer": lambda: GroupNormalization(1),
    "instance": lambda: GroupNormalization(-1),
}


def convolutions(norm, seed):
    layers = [Reshape((8, 8, 1))]
    for channels, strides in ((8, 1), (16, 2), (16, 2)):  # the last has 2 x 2 places
        layers += [Conv2D(channels, 3, strides=strides, padding="same"), norm(), Activation("relu")]
    return fo.Sequential([*layers, GlobalAveragePooling2D(), Dense(10)], seed=seed)


def dense(norm, seed):
    layers = [layer for units in (128, 64) for layer in (Dense(units), norm(), Activation("relu"))]
    return fo.Sequential([*layers, Dense(10)], seed=seed)


errors = {}
for ax, (title, make) in zip(panels(2), {"convolutions": convolutions, "dense": dense}.items(), strict=True):
    for name, norm in NORMS.items():
        if title == "dense" and name == "instance":
            continue  # a unit has one value: there is nothing to measure
        for batch in BATCHES:
            models = [make(norm, seed) for seed in range(3)]
            for model in models:
                rate = fo.schedules.Cosine(0.05 * batch / 32, steps=EPOCHS * -(-1200 // batch))
                model.compile(fo.optimizers.SGD(rate, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"])
            members = fo.fleet.fit(models, *train, batch_size=batch, epochs=EPOCHS, validation_data=dev, verbose=0)
            errors[title, name, batch] = 1 - np.mean([m.history.history["val_accuracy"][-1] for m in members])
        ax.plot(BATCHES, [100 * errors[title, name, batch] for batch in BATCHES], "o-", label=name)
    ax.set(title=title, xlabel="batch", ylabel="error in %", ylim=(0, 50 if title == "convolutions" else 20))
    ax.set_xscale("log", base=2)
    ax.set_xticks(BATCHES, BATCHES)
    ax.invert_xaxis()
    ax.legend()

# %%
# Batch normalisation needs a batch: with two samples the dense network, which has two values for each unit then, falls
# off. The convolutions have eight for each channel in their last stage, and hold better. Group and layer norm do not
# depend on the batch. Instance norm takes away how strong a channel is in an image, of which the pooling at the end has
# the mean: 30 to 46 % are wrong.

for key, error in errors.items():
    print(*key, f"{error:.1%}")
assert errors["dense", "batch", 2] > 1.5 * errors["dense", "batch", 32]
assert errors["dense", "group", 2] < errors["dense", "batch", 2]
assert errors["convolutions", "instance", 32] > 2 * errors["convolutions", "group", 32]
