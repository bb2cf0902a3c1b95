"""
Left of a hill with an asymptote
================================

f(x) = x e^(-x) falls to the right of its hill at 1 towards 0, and to the left of it without end. A start at 1.5 goes
to the right, where the gradient vanishes and there is no minimum: the slower, the further it is. A start at 0.5 goes
to the left.
"""

import numpy as np
from _common import panels

import fastopt as fo


def f(x):
    return (x * np.exp(-x))[0]


def slope(x):
    return (1 - x) * np.exp(-x)


ways = {
    f"{name} from {start}": fo.optimizers.trace(rule, f, slope, [start], steps=300).points[:, 0]
    for name, rule in (("gradient descent", fo.optimizers.SGD(0.3)), ("Adam", fo.optimizers.Adam(0.1)))
    for start in (1.5, 0.5)
}
left, right = panels(2)
x = np.linspace(-0.8, 8, 300)
left.plot(x, x * np.exp(-x), color="0.4")
left.plot([1.5, 0.5], [1.5 * np.exp(-1.5), 0.5 * np.exp(-0.5)], "o", color="black", fillstyle="none")
left.set(title="f(x) = x exp(-x)", xlabel="x", ylabel="f(x)", ylim=(-1.2, 0.5))
for name, way in ways.items():
    right.plot(way[np.abs(way) < 40], label=name)
right.set(title="where the steps lead", xlabel="step", ylabel="x", ylim=(-2, 12))
right.legend()

# %%
# To the right descent slows down as the slope vanishes; Adam, whose step does not depend on the size of the gradient,
# goes on.

plain, adam = ways["gradient descent from 1.5"], ways["Adam from 1.5"]
print(np.diff(plain)[[0, 10, -1]], np.diff(adam)[[0, 10, -1]], plain[-1], adam[-1])
assert np.all(np.diff(plain) > 0) and np.diff(plain)[-1] < np.diff(plain).max() / 5
assert adam[-1] > plain[-1]
assert ways["gradient descent from 0.5"][5] < 0.5
