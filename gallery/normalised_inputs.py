"""
Normalised inputs
=================

The cost of a linear model, where one input is three times as wide as the other, and the same with both divided by
their standard deviation. Steepest descent takes the largest rate that helps in each.
"""

import numpy as np
from _common import panels

import fastopt as fo

rng = np.random.default_rng(0)
x = rng.normal([0, 0], [3, 1], (200, 2))
y = x @ [1.0, 1.0] + rng.normal(0, 0.1, 200)
left = []
for ax, scale, rate, title in zip(
    panels(2), (1, x.std(axis=0)), (0.1, 0.4), ("as they come", "normalised"), strict=True
):
    inputs = x / scale

    def cost(w, inputs=inputs):
        return np.mean((inputs @ w - y) ** 2)

    def gradient(w, inputs=inputs):
        return 2 / len(y) * inputs.T @ (inputs @ w - y)

    best = np.linalg.lstsq(inputs, y)[0]
    way = fo.optimizers.trace(fo.optimizers.SGD(rate), cost, gradient, [-1.0, -3.0] * np.ravel(scale), steps=25)
    xlim, ylim = (best[0] - 7, best[0] + 7), (best[1] - 5, best[1] + 5)
    fo.plotting.trajectories(cost, way, minimum=best, xlim=xlim, ylim=ylim, ax=ax)
    ax.get_legend().remove()
    ax.set(title=f"inputs {title}: rate {rate}", xlabel="w[0]", ylabel="w[1]", aspect="equal")
    curvatures = np.linalg.eigvalsh(2 / len(y) * inputs.T @ inputs)
    left.append((curvatures[1] / curvatures[0], way.values[10] - cost(best)))

# %%
# The condition number falls from about 10 to about 1, and ten steps take what is above the least cost much further
# down.

print([f"condition {condition:.2f}, above the least cost after ten steps {above:.2g}" for condition, above in left])
assert left[0][0] > 8 and left[1][0] < 1.2
assert left[1][1] < left[0][1] / 100
