"""
Greedy layer-wise training
==========================

Five sigmoid layers of 32 units. Trained directly, gradients vanish on their way down and the loss stays where
guessing has it, at ln 10. Layer by layer, each stage is a network with one hidden layer, through which they do not
vanish.
"""

import numpy as np
from _common import panels

import fastopt as fo

x, y = fo.datasets.load_digits()
x, y = x[:1400], y[:1400]


def network():
    layers = [fo.layers.Dense(32, "sigmoid", kernel_initializer="lecun_normal") for _ in range(5)]
    model = fo.Sequential([*layers, fo.layers.Dense(10, kernel_initializer="lecun_normal")], seed=0)
    model.compile(fo.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    return model


direct = network().fit(x, y, epochs=60, verbose=0).history["loss"]
stages = [record.history["loss"] for record in fo.pretrain(network(), x, y, epochs=10, fine_tuning=10, verbose=0)]
ax = panels(width=6.6)
ax.plot(np.arange(1, 61), direct, label="all layers at once", color="0.4")
for k, losses in enumerate(stages):
    name = f"stage {k + 1}" if k < 5 else "all together"
    ax.plot(np.arange(10 * k + 1, 10 * k + 11), losses, ".-", label=name)
ax.axhline(np.log(10), color="0.7", linestyle=":", label="ln 10")
ax.set(title="64, five times 32 sigmoid, 10: SGD(0.5)", xlabel="epoch", ylabel="loss")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %%
# After 60 epochs each.

print(f"directly {direct[-1]:.3f}, by stages {stages[-1][-1]:.3f}")
assert abs(direct[-1] - np.log(10)) < 0.01
assert stages[-1][-1] < 0.3
