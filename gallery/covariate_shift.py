"""
Inputs that move
================

Two classes whose means wander while the model is trained on them, batch after batch: covariate shift. Batch
normalisation subtracts the mean of each batch, so that the layers behind it see inputs that stay.
"""

import numpy as np
from _common import panels

import fastopt as fo
from fastopt.layers import BatchNormalization, Dense


def batch(rng, t):
    y = np.arange(64) % 2
    shift = [3 * np.sin(t / 25), 3 * np.cos(t / 25)]
    return rng.normal(0, 0.35, (64, 2)) + np.column_stack([2.0 * y - 1, np.zeros(64)]) * 0.8 + shift, y


curves, models = {}, {}
for name, norm in (("without", []), ("with batch normalisation", [BatchNormalization(momentum=0.8)])):
    rng = np.random.default_rng(0)
    model = fo.Sequential([*norm, Dense(16, "tanh"), Dense(2)], seed=0)
    model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    curves[name] = [model.train_on_batch(*batch(rng, t))["accuracy"] for t in range(400)]
    models[name] = model
axes = panels(3, width=4.2)
for name, curve in curves.items():
    axes[0].plot(np.convolve(curve, np.ones(20) / 20, "valid"), label=name)
axes[0].set(title="accuracy, means of 20 batches", xlabel="batch", ylim=(0.4, 1.02))
axes[0].legend()
x, y = batch(np.random.default_rng(1), 400)
for ax, (name, model) in zip(axes[1:], models.items(), strict=True):
    fo.plotting.decision_boundary(model, x, y, xlim=(-5, 5), ylim=(-5, 5), ax=ax).set_title(name)

# %%
# After the first fifty batches. What is stationary in the batch is easy; without the norm the boundary runs after the
# data.

means = {name: float(np.mean(curve[50:])) for name, curve in curves.items()}
print(means)
assert means["with batch normalisation"] > 0.95 > means["without"]
