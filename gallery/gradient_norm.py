"""
The gradient while a training goes well
=======================================

The squared norm of the gradient on 300 samples that stay the same, beside the validation error. If training ended
near a minimum, it would fall to 0 along with the error.
"""

import numpy as np
from _common import classifier, digits, panels

import fastopt as fo

train, dev = digits()
model = classifier(fo.optimizers.SGD(0.1, momentum=0.9), hidden=(64, 64), activation="tanh")
watch = fo.callbacks.Curvature(train[0][:300], train[1][:300])
history = model.fit(*train, epochs=25, validation_data=dev, callbacks=[watch], verbose=0)
fo.plotting.gradient_norm(history, "val_loss", ax=panels(width=6.4))

# %%
# The notes show it growing while the error falls. So it is in the first epochs here; later it does fall, as this small
# network can fit all of its samples.

norms, errors = np.array(history.history["gradient_square"]), np.array(history.history["val_loss"])
print(norms[[0, norms.argmax(), -1]], "largest after epoch", norms.argmax() + 1, errors[[0, -1]])
assert errors[-1] < errors[0] / 2
assert norms[-1] < norms.max()
