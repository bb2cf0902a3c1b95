"""
SWATS: when Adam hands over to SGD
==================================

SWATS is Adam, and looks in each step for the rate of gradient descent whose step would have Adam's as its projection,
gamma = p.p / p.g. When gamma is near its running mean, it goes on as SGD with that rate.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo

# %%
# The projection: Adam's step p, the gradient g, and the step gamma g, whose foot on p is p itself.

ax = panels()
g, p = np.array([1.2, 0.4]), np.array([1.0, 1.1])
gamma = p @ p / (p @ g)
for vector, name in ((g, "g"), (p, "p, of Adam"), (gamma * g, "gamma g")):
    ax.annotate("", vector, (0, 0), arrowprops={"arrowstyle": "->", "lw": 1.8})
    ax.annotate(name, vector, xytext=(4, 4), textcoords="offset points")
ax.plot(*np.array([p, gamma * g]).T, "--", color="0.5")
ax.set(xlim=(-0.1, 2.1), ylim=(-0.1, 1.5), aspect="equal", title="p is the projection of gamma g")
assert np.isclose((gamma * g - p) @ p, 0)

# %%
# On the digits, with a tolerance that lets it switch early.

ax = panels(width=6)
train, dev = digits()
histories = {}
rules = {"SWATS": fo.optimizers.SWATS(3e-3, tolerance=1e-3), "Adam": fo.optimizers.Adam(3e-3)}
for name, rule in rules.items():
    model = classifier(rule)
    histories[name] = model.fit(*train, epochs=40, validation_data=dev, verbose=0)
    ax.plot(histories[name].history["val_loss"], label=name)
    if name == "SWATS":
        switch, rate = model.optimizer.switch, model.optimizer.sgd_learning_rate
ax.axvline(switch / 38, color="0.6", linestyle=":", label=f"switch to SGD({rate:.2g})")
ax.set(title="validation loss", xlabel="epoch")
ax.legend()
print("switched at step", switch, "to the rate", rate)
assert 1 < switch < 40 * 38 and rate > 3e-3
assert min(histories["SWATS"].history["val_loss"]) < 1.3 * min(histories["Adam"].history["val_loss"])
