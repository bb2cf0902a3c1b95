"""
Warm-up and decays of the rate
==============================

Ways for a learning rate to fall, and a warm-up before one.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo
from fastopt import schedules

cosine = schedules.Cosine(0.1, steps=800)
rates = {
    "cosine": cosine,
    "cosine after a warm-up": schedules.Warmup(cosine, steps=100),
    "1 / (1 + k t)": schedules.InverseTime(0.1, k=0.01),
    "1 / sqrt(t)": schedules.InverseSqrt(0.1),
    "exponential": schedules.Exponential(0.1, k=0.003),
    "staircase": schedules.Staircase(0.1, factor=0.5, every=200),
}
fo.plotting.schedules(rates, stop=1000, ax=panels(width=6))

# %%
# What it gains: SGD with momentum at a rate that is large, and the same rate falling to 0.

ax = panels(width=6)
train, dev = digits()
ends = {}
for name, rate in {"constant": 0.3, "falling": schedules.Cosine(0.3, steps=40 * 38)}.items():
    losses = []
    for seed in range(3):
        model = classifier(fo.optimizers.SGD(rate, momentum=0.9), seed=seed)
        losses.append(model.fit(*train, epochs=40, validation_data=dev, verbose=0).history["val_loss"])
    ax.plot(np.mean(losses, axis=0), label=name)
    ends[name] = np.mean(losses, axis=0)[-1]
ax.set(title="digits, rate 0.3, three seeds", xlabel="epoch", ylabel="validation loss", ylim=(0.3, 1.2))
ax.legend()
print(ends)
assert rates["cosine after a warm-up"](0) < 0.01 and np.isclose(rates["cosine after a warm-up"](100), 0.1)
assert ends["falling"] < ends["constant"]
