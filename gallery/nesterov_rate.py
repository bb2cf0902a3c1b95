"""
O(1/k) and Nesterov's O(1/k²)
=============================

The quadratic that is hardest for first-order methods (Nesterov, 2004): a chain of 1,000 variables, of which a step of
any method reaches one more. Descent at the rate 1 / L, and the same with Nesterov's momentum (k - 1) / (k + 2).
"""

import numpy as np
from _common import panels

import fastopt as fo

n, L, steps = 1000, 4.0, 400


def f(x):
    return L / 8 * (x[0] ** 2 + np.sum(np.diff(x) ** 2) + x[-1] ** 2) - L / 4 * x[0]


def slope(x):
    g = 2 * x
    g[1:] -= x[:-1]
    g[:-1] -= x[1:]
    g[0] -= 1
    return L / 4 * g


best = 1 - np.arange(1, n + 1) / (n + 1)
least, distance = f(best), best @ best
rules = {
    "descent": fo.optimizers.SGD(1 / L),
    "Nesterov": fo.optimizers.SGD(1 / L, momentum=lambda step: step / (step + 3), nesterov=True),
}
k = np.arange(1, steps + 1)
ax = panels(width=6)
above = {}
for name, rule in rules.items():
    above[name] = fo.optimizers.trace(rule, f, slope, np.zeros(n), steps).values[1:] - least
    ax.loglog(k, above[name], label=name)
ax.loglog(k, L * distance / (2 * k), ":", color="#0072B2", label="L R² / 2k")
ax.loglog(k, 2 * L * distance / (k + 1) ** 2, ":", color="#D55E00", label="2 L R² / (k + 1)²")
lowest = L / 8 * (1 / (k + 1) - 1 / (n + 1))  # of all points whose first k variables alone are not 0
ax.loglog(k, lowest, "--", color="0.5", label="no method is below")
ax.set(title="a chain of 1,000 variables", xlabel="step k", ylabel="above the least value")
ax.legend()

# %%
# Both stay below their bounds, and none comes below the last line. Here descent itself is faster than its bound, by its
# curvature.

print({name: float(values[-1]) for name, values in above.items()})
assert np.all(above["descent"] <= L * distance / (2 * k))
assert np.all(above["Nesterov"] <= 2 * L * distance / (k + 1) ** 2)
assert np.all(np.minimum(*above.values()) >= lowest)
assert above["Nesterov"][-1] < above["descent"][-1] / 8
