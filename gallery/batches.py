"""
One sample, a few, all
======================

The loss on all samples after each step, by the number of samples of a step, and after the same time. All samples at a
time: a smooth way down, and few steps. One: many steps, none of which is sure.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo

(x, y), _ = digits()
left, right = panels(2)
falls, rises = {}, {}
for batch, rate in ((1, 0.02), (32, 0.2), (1200, 0.5)):
    model = classifier(fo.optimizers.SGD(rate))
    order = np.random.default_rng(0).permutation(1200)
    losses = []
    for step in range(150):
        rows = np.arange(step * batch, (step + 1) * batch) % 1200
        model.train_on_batch(x[order[rows]], y[order[rows]])
        losses.append(model.evaluate(x, y)["loss"])
    name = {1: "one sample", 32: "32 samples", 1200: "all samples"}[batch]
    left.plot(losses, label=f"{name}, rate {rate}")
    rises[name] = np.mean(np.diff(losses) > 0)
left.set(title="by steps", xlabel="step", ylabel="loss on all samples")
left.legend()
for batch, rate, epochs in ((1, 0.02, 4), (32, 0.2, 60), (1200, 0.5, 500)):
    model = classifier(fo.optimizers.SGD(rate))
    history = model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0).history
    name = {1: "one sample", 32: "32 samples", 1200: "all samples"}[batch]
    right.plot(np.cumsum(history["seconds"]), history["loss"], ".-", markersize=3, label=name)
    passes = 1 + int(np.argmax(np.array(history["loss"]) < 0.3))
    falls[name] = passes if min(history["loss"]) < 0.3 else np.inf
right.set(title="by time", xlabel="seconds of training", ylabel="loss of an epoch", yscale="log")
right.legend()

# %%
# With all samples the loss falls at every step; with one it rises at a large part of them. A loss below 0.3 takes a few
# passes over the data with small batches, and a hundred times as many with all samples at a time.

print({name: f"{share:.0%} of steps rise" for name, share in rises.items()}, falls)
assert rises["all samples"] < 0.02 < rises["32 samples"] < rises["one sample"]
assert falls["one sample"] <= falls["32 samples"] < falls["all samples"] / 5
