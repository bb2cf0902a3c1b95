"""
Early stopping
==============

The validation loss has its least value long before the end, while the training loss goes on falling and the weights
go on growing: to stop there is to keep them small.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo

train, dev = digits(400)
model = classifier(fo.optimizers.SGD(0.5), hidden=(100,))
watch = fo.callbacks.Curvature(train[0][:100], train[1][:100])
history = model.fit(*train, epochs=150, validation_data=dev, callbacks=[watch], verbose=0)
left, right = panels(2)
fo.plotting.history(history, "loss", ax=left)
values = history.history
best = int(np.argmin(values["val_loss"]))
norms = np.array(values["weight_norm"])
right.plot(norms)
right.plot(best, norms[best], "*", markersize=13, color="#F0E442", markeredgecolor="black")
right.set(title="norm of the weights", xlabel="epoch", ylabel="|W|")

# %%
# The same by a callback, which puts the weights of the best epoch back.

stopped = classifier(fo.optimizers.SGD(0.5), hidden=(100,))
stop = fo.callbacks.EarlyStopping("val_loss", patience=30, restore_best_weights=True)
record = stopped.fit(*train, epochs=150, validation_data=dev, callbacks=[stop], verbose=0)
print(f"best epoch {best + 1} of 150; stopped after {len(record.epoch)}; |W| {norms[best]:.2f} to {norms[-1]:.2f}")
assert best < 140 and values["loss"][-1] < values["loss"][best]
assert (np.diff(norms) > 0).mean() > 0.95
assert np.isclose(stopped.evaluate(*dev)["loss"], min(record.history["val_loss"]))
