"""
Data on which adaptive methods end badly
========================================

Wilson et al., The marginal value of adaptive gradient methods in machine learning, 2017: labels are +1 with
probability 0.7, else -1; the first feature is the label itself, two are 1, and each sample has features of its own,
one if it is positive, five if not. Descent finds the solution of least norm, which leans on the first feature.
Adaptive rules move all features that were seen by the same amount.
"""

import numpy as np
from _common import panels

import fastopt as fo


def samples(n, seed, own):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.7, 1.0, -1.0)
    x = np.zeros((n, 3 + 5 * own))
    x[:, 0], x[:, 1:3] = y, 1
    for i in range(n if n == own else 0):
        x[i, 3 + 5 * i : 3 + 5 * i + (1 if y[i] > 0 else 5)] = 1
    return x, y


x, y = samples(200, 0, 200)
x_test, y_test = samples(2000, 1, 200)  # their own features were never seen: their weights are 0
rules = {
    "SGD": fo.optimizers.SGD(0.1),
    "AdaGrad": fo.optimizers.Adagrad(0.1, initial_accumulator_value=0.0),
    "RMSprop": fo.optimizers.RMSprop(1e-3),
    "Adam": fo.optimizers.Adam(1e-3),
}
errors = {}
for name, rule in rules.items():
    model = fo.Sequential([fo.layers.Dense(1, use_bias=False, kernel_initializer="zeros")], seed=0, dtype="float64")
    model.compile(rule, "mse")
    model.fit(x, y, batch_size=200, epochs=3000, verbose=0)
    errors[name] = [np.mean(np.sign(model.predict(a)[:, 0]) != b) for a, b in ((x, y), (x_test, y_test))]
ax = panels(width=5.4)
for shift, kind in ((-0.2, 0), (0.2, 1)):
    values = [100 * found[kind] for found in errors.values()]
    bars = ax.bar(np.arange(4) + shift, values, 0.38, label=("training", "test")[kind])
    ax.bar_label(bars, fmt="%.0f", fontsize=8)
ax.set_xticks(range(4), errors)
ax.set(title="error in %, full batch, mean squared error", ylim=(0, 40))
ax.legend()

# %%
# All of them fit the training data. In test the adaptive ones call every sample positive: the error is the share of
# negative ones.

print(errors, (y_test < 0).mean())
assert all(training == 0 for training, _ in errors.values())
assert errors["SGD"][1] == 0
assert all(errors[name][1] == (y_test < 0).mean() for name in ("AdaGrad", "RMSprop", "Adam"))
