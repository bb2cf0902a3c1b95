"""
Six rules: a valley, a saddle, a cliff
======================================

Gradient descent, momentum, Nesterov's momentum, AdaGrad, RMSProp and Adam on the valley x^2 / 10 + y^2 from (-7, 2);
beside a saddle x^2 - y^2, a thousandth off its ridge; and where a recurrent neuron has a wall in its loss.
"""

import numpy as np
from _common import panels
from trajectories import cliff_loss as cliff

import fastopt as fo
from fastopt.optimizers import SGD, Adagrad, Adam, Clip, RMSprop


def valley(x):
    return x[0] ** 2 / 10 + x[1] ** 2


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


def six(rate, slow=1.0):
    momentum = rate * slow * 0.1
    descents = [SGD(rate * slow), SGD(momentum, momentum=0.9), SGD(momentum, momentum=0.9, nesterov=True)]
    return [*descents, Adagrad(rate, initial_accumulator_value=0.0), RMSprop(rate), Adam(rate)]


names = ["gradient descent", "momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam"]
axes = panels(2, width=5.2, height=3.2)
ways = []
for rule, name in zip(six(0.5), names, strict=True):
    trace = fo.optimizers.trace(rule, valley, lambda x: [x[0] / 5, 2 * x[1]], [-7, 2], steps=20)
    ways.append(trace._replace(name=name))
fo.plotting.trajectories(valley, ways, minimum=[0, 0], ax=axes[0]).set_title("the valley, 20 steps")

leaving = {}
starts = []
for rule, name in zip(six(0.05), names, strict=True):
    trace = fo.optimizers.trace(rule, saddle, lambda x: [2 * x[0], -2 * x[1]], [-1, 1e-3], steps=200)
    leaving[name] = int(np.argmax(np.abs(trace.points[:, 1]) > 0.5))
    starts.append(trace._replace(points=trace.points[:60], name=f"{name}: {leaving[name]} steps"))
fo.plotting.trajectories(saddle, starts, xlim=(-1.2, 0.6), ylim=(-0.2, 1), ax=axes[1]).set_title("the saddle, 60 steps")

# %%
# Rules that divide by the size of the gradient leave the saddle sooner than plain descent, whose steps are as small as
# the gradient.

print(leaving)
assert max(leaving[name] for name in ("AdaGrad", "RMSProp", "Adam")) < leaving["gradient descent"]

# %%
# At the wall the gradient is so large that one step of plain descent along it loses what was gained; clipped to a norm
# of 0.05 it does not. Rules that divide by the size of the gradient are not thrown far either.

rules = dict(zip(names, six(0.05, slow=20), strict=True)) | {"descent, clipped": Clip(SGD(1.0), norm=0.05)}
ways = [
    fo.optimizers.trace(rule, lambda x: cliff(x)[0], lambda x: cliff(x)[1], [5, -1.5], steps=50)._replace(name=name)
    for name, rule in rules.items()
]
ax = fo.plotting.trajectories(lambda x: cliff(x)[0], ways, xlim=(3.8, 5.8), ylim=(-3, 0.2), ax=panels(width=7.4))
ax.set(title="the cliff, 50 steps", xlabel="w", ylabel="b")
jumps = {way.name: float(np.linalg.norm(np.diff(way.points, axis=0), axis=1).max()) for way in ways}
print({name: round(jump, 3) for name, jump in jumps.items()})
for name in ("AdaGrad", "RMSProp", "Adam", "descent, clipped"):
    assert jumps["gradient descent"] > 8 * jumps[name]
