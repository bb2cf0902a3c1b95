"""
Learning rates: too small, right, too large
===========================================

Five trainings of one network on the digits, and the last loss of each against its rate.
"""

from _common import classifier, digits, panels

import fastopt as fo

train, dev = digits()
histories = {}
for rate in (0.001, 0.01, 0.1, 1.0, 10.0):
    model = classifier(fo.optimizers.SGD(rate))
    histories[rate] = model.fit(*train, epochs=15, validation_data=dev, verbose=0)
left, right = panels(2, width=5)
fo.plotting.compare(histories, ax=left)
fo.plotting.learning_rates(histories, ax=right)

# %%
# Too small: the loss has hardly fallen. Too large: it ends above where it began. Between them lie two powers of ten.

last = {rate: history.history["loss"][-1] for rate, history in histories.items()}
print({rate: round(loss, 4) for rate, loss in last.items()})
assert last[0.001] > 2 and last[10.0] > 1.5
assert max(last[0.1], last[1.0]) < 0.2
