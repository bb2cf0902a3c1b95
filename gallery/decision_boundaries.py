"""
Boundaries of softmax regression and of a hidden layer
======================================================

Three spirals. Without a hidden layer the boundaries are straight; 64 hidden units bend them.
"""

import numpy as np
from _common import panels

import fastopt as fo
from fastopt.layers import Dense

rng = np.random.default_rng(0)
y = np.arange(600) % 3
radius = rng.uniform(0.1, 1, 600)
angle = 2 * np.pi * y / 3 + 4 * radius + rng.normal(0, 0.15, 600)
x = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
accuracy = {}
for ax, hidden, title in zip(panels(2, width=5), ([], [64]), ("softmax regression", "64 hidden units"), strict=True):
    model = fo.Sequential([*(Dense(units, "tanh") for units in hidden), Dense(3)], seed=0)
    model.compile(fo.optimizers.Adam(0.02), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=150, verbose=0)
    accuracy[title] = model.evaluate(x, y)["accuracy"]
    fo.plotting.decision_boundary(model, x, y, ax=ax).set_title(f"{title}: {accuracy[title]:.1%}")

# %%
# The share of samples on the right side.

print(accuracy)
assert accuracy["softmax regression"] < 0.65 and accuracy["64 hidden units"] > 0.97
