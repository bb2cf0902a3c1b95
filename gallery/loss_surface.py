"""
The loss between two solutions
==============================

Two optimizers from one start, and the loss on the line through their solutions and on the plane through three.
"""

from _common import classifier, digits, panels

import fastopt as fo

(x, y), _ = digits()
found = []
for optimizer in (fo.optimizers.SGD(0.1, momentum=0.9), fo.optimizers.Adam(0.01), fo.optimizers.RMSprop(0.01)):
    model = classifier(optimizer, hidden=(16,))
    model.fit(x, y, epochs=30, verbose=0)
    found.append(model.get_weights())
left, right = panels(2, width=5.2, height=3.8)
fo.plotting.surface(model, *found[:2], x=x[:400], y=y[:400], ax=left)
fo.plotting.surface(model, *found, x=x[:400], y=y[:400], ax=right)

# %%
# Halfway between the solutions of SGD and Adam the loss is higher than at both: a barrier between two valleys.


def loss_at(part):
    model.set_weights([(1 - part) * a + part * b for a, b in zip(*found[:2], strict=True)])
    return model.evaluate(x[:400], y[:400])["loss"]


losses = [loss_at(part) for part in (0, 0.5, 1)]
print([round(loss, 3) for loss in losses])
assert losses[1] > max(losses[0], losses[2])
