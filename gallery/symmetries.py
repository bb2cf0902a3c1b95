"""
Weights that differ, outputs that do not
========================================

Hidden units may be swapped, and the weights into a ReLU unit multiplied by alpha if those out of it are divided by
it: the outputs stay. So every minimum has n! copies, and valleys that never end.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo

(x, y), (x_dev, _) = digits()
model = classifier(fo.optimizers.Adam(0.01), hidden=(16,))
model.fit(x, y, epochs=20, verbose=0)
w, b, v, c = model.get_weights()
outputs = model.predict(x_dev)
rng = np.random.default_rng(0)
order, alpha = rng.permutation(16), np.exp(rng.normal(0, 1, 16)).astype(np.float32)
swapped, scaled = [w[:, order], b[order], v[order], c], [w * alpha, b * alpha, v / alpha[:, None], c]
apart = {}
for name, weights in (("units swapped", swapped), ("units scaled", scaled)):
    model.set_weights(weights)
    apart[name] = float(np.abs(model.predict(x_dev) - outputs).max() / np.abs(outputs).max())
    distance = np.sqrt(sum(((one - other) ** 2).sum() for one, other in zip(weights, (w, b, v, c), strict=True)))
    print(f"{name}: weights {distance:.1f} apart, outputs {apart[name]:.1e}")

left, right = panels(2)
highest = {}
for ax, weights, title in ((left, swapped, "to the swapped weights"), (right, scaled, "to the scaled weights")):
    parts = np.linspace(0, 1, 41)
    losses = []
    for part in parts:
        model.set_weights([(1 - part) * one + part * other for one, other in zip((w, b, v, c), weights, strict=True)])
        losses.append(model.evaluate(x, y)["loss"])
    ax.plot(parts, losses)
    ax.set(title=f"the loss on a straight line {title}", xlabel="part of the way", ylabel="loss", ylim=(0, None))
    assert np.isclose(losses[0], losses[-1], rtol=1e-3)
    highest[title] = max(losses) / losses[0]

# %%
# Equal but for rounding in float32. On the straight line between them the loss rises: the copies are other minima.

print(highest)
assert max(apart.values()) < 1e-5
assert highest["to the swapped weights"] > 10 and highest["to the scaled weights"] > 1
