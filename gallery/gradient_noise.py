"""
The noise of a batch's gradient
===============================

The gradient of n samples is a mean: its standard deviation is sigma / sqrt(n). Ten times less noise costs a hundred
times the samples.
"""

import numpy as np
from _common import classifier, digits, panels

(x, y), _ = digits()
model = classifier("adam")
model.fit(x, y, epochs=2, verbose=0)
_, whole = model.cost_and_gradient(x, y)
each = np.array([model.cost_and_gradient(x[i : i + 1], y[i : i + 1])[1] for i in range(len(x))])
sigma = np.sqrt(each.var(axis=0).sum())
rng = np.random.default_rng(0)
sizes = 2 ** np.arange(11)
noise = []
for n in sizes:
    means = np.array([each[rng.integers(0, len(x), n)].mean(axis=0) for _ in range(60)])
    noise.append(np.sqrt(((means - whole) ** 2).sum(axis=1).mean()))
ax = panels(width=5.4)
ax.loglog(sizes, noise, "o", label="measured, 60 batches of each size")
ax.loglog(sizes, sigma / np.sqrt(sizes), color="0.4", label="sigma / sqrt(n)")
ax.axhline(np.linalg.norm(whole), color="#009E73", linestyle="--", label="length of the whole gradient")
ax.set(
    title="distance from the gradient of all samples", xlabel="samples in a batch, n", ylabel="root of the mean square"
)
ax.tick_params(which="minor", labelleft=False)
ax.legend()

# %%
# The measured noise over the law.

ratios = np.array(noise) * np.sqrt(sizes) / sigma
print(ratios.round(3))
np.testing.assert_allclose(ratios, 1, atol=0.15)
