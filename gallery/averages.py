"""
Averages of a series
====================

theta <- beta theta + (1 - beta) value, from 0. Divided by 1 - beta^t it begins where the series does. The larger
beta, the smoother the line, and the later it follows.
"""

import numpy as np
from _common import panels

import fastopt as fo

days = np.arange(365)
series = 12 - 9 * np.cos(2 * np.pi * (days - 20) / 365) + np.random.default_rng(0).normal(0, 3, 365)
ax = fo.plotting.averages(series, [0.5, 0.9, 0.98], ax=panels(width=7.6))
ax.set(xlabel="day", ylabel="temperature in °C")

# %%
# The notes' five values: 4, 8.5, ... without the correction, 40, 44.7, ... with it.

values = [40, 49, 45, 48, 50]
plain, corrected = (fo.weighted_average(values, 0.9, correct=correct) for correct in (False, True))
print(plain.round(4), corrected.round(4))
np.testing.assert_allclose(plain, [4, 8.5, 12.15, 15.735, 19.1615])
np.testing.assert_allclose(corrected, [40, 44.7368421053, 44.8339483395, 45.7545798197, 46.7912871481])
