"""
Panda and caviar
================

With few processors one model is looked after, as a panda does its only child: its rate is changed as it goes. With
many, models are left to themselves, as fish do their eggs, and the best is taken.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo

train, dev = digits()
rates = np.logspace(-3, 0.7, 8)
models = [classifier(fo.optimizers.SGD(rate)) for rate in rates]
members = fo.fleet.fit(models, *train, epochs=20, validation_data=dev, verbose=0)
curves = [member.history.history["val_loss"] for member in members]
best = int(np.argmin([min(curve) for curve in curves]))
ax = panels(width=6)
for i, (rate, curve) in enumerate(zip(rates, curves, strict=True)):
    look = {"color": "#D55E00", "linewidth": 2.2, "label": f"best: rate {rate:.2g}"} if i == best else {"color": "0.7"}
    ax.plot(np.arange(1, 21), curve, **look)
ax.set(title="caviar: eight rates", xlabel="epoch", ylabel="validation loss", ylim=(0, 3))
ax.legend()

# %%
# The panda: a log of what was changed, and a way back when it did not pay.

ax = panels(width=6)
model = classifier(fo.optimizers.SGD(0.05))
log = fo.search.Logbook(model)
log.fit(*train, note="start", epochs=5, validation_data=dev, verbose=0)
model.optimizer.learning_rate = 20.0
log.fit(*train, note="much larger", epochs=3, validation_data=dev, verbose=0)
log.back(1)
model.optimizer.learning_rate = 0.5
log.fit(*train, note="larger", epochs=7, validation_data=dev, verbose=0)
model.optimizer.learning_rate = 0.1
log.fit(*train, note="smaller again", epochs=5, validation_data=dev, verbose=0)
ends = {0: 0}
for entry in log.entries[1:]:
    losses = np.minimum(entry.history.history["val_loss"], 5)
    start = ends[entry.parent]
    ends[entry.number] = start + len(losses)
    ax.plot(
        start + 1 + np.arange(len(losses)),
        losses,
        ".-",
        label=f"{entry.note}: {entry.settings['optimizer.learning_rate']}",
    )
ax.set(title="panda: one model, and a way back", xlabel="epoch", ylim=(0, 5))
ax.legend()

# %%
# Each model of the fleet is to the bit what it would be alone; and the way back led to where the model was.

alone = classifier(fo.optimizers.SGD(rates[best]))
alone.fit(*train, epochs=20, validation_data=dev, verbose=0)
assert all(map(np.array_equal, alone.get_weights(), models[best].get_weights()))
assert 0 < best < 7
last = [entry.history.history["val_loss"][-1] for entry in log.entries[1:]]
print("caviar", min(curves[best]), "panda", last)
assert last[1] > last[0] > last[2]
