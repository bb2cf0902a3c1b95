"""
The zigzag of steepest descent
==============================

With exact searches each gradient is at a right angle to the one before. Conjugate gradients end on a quadratic of two
variables after two steps.
"""

import numpy as np
from solvers import bowl

import fastopt as fo
from fastopt.solvers import ConjugateGradients, SteepestDescent

ax = bowl()
ax.set_title("$x^2/10 + y^2$ from (-7, 2), exact line searches")


def f(x):
    return x[0] ** 2 / 10 + x[1] ** 2


def slope(x):
    return np.array([x[0] / 5, 2 * x[1]])


descent, conjugate = (
    fo.solvers.trace(method, f, slope, [-7, 2], steps=47)
    for method in (SteepestDescent("exact"), ConjugateGradients(search="exact"))
)
gradients = np.array([slope(x) for x in descent.points[:12]])
turns = np.abs((gradients[1:] * gradients[:-1]).sum(axis=1))
print(
    "g'g of neighbours", turns.max(), "values after 20 steps", descent.values[20], "and after two", conjugate.values[2]
)
np.testing.assert_allclose(descent.points[1], [-6.2237589528, -0.2178315633], rtol=1e-6)
assert np.all(turns < 1e-6 * (gradients[:-1] ** 2).sum(axis=1))
assert np.isclose(descent.values[20], 6.752e-7, rtol=1e-3) and conjugate.values[2] < 1e-12

# %%
# From (10, 1), the worst start, each step leaves ((k - 1) / (k + 1))^2 of the value: (9 / 11)^2 with the condition
# number k = 10.

worst = fo.solvers.trace(SteepestDescent("exact"), f, slope, [10, 1], steps=20)
np.testing.assert_allclose(worst.values[1:] / worst.values[:-1], (9 / 11) ** 2, rtol=1e-5)
