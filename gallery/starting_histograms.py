"""
Outputs of layers before any training
=====================================

Six layers of 256 units with starting values of three kinds: too large, too small, and as Glorot and He have them.
"""

import numpy as np
from _common import panels
from initialization import LAYERS, UNITS, network

import fastopt as fo
from fastopt.initializers import RandomNormal

x = np.random.default_rng(0).normal(size=(500, UNITS))
kinds = {
    "tanh, N(0, 1): saturated": ("tanh", RandomNormal(stddev=1.0), (-1.05, 1.05)),
    "tanh, N(0, 0.01²): the signal dies": ("tanh", RandomNormal(stddev=0.01), (-1.05, 1.05)),
    "tanh, Glorot: it lives": ("tanh", "glorot_normal", (-1.05, 1.05)),
    "ReLU, Glorot: half of it lost in each": ("relu", "glorot_normal", (-1, 4)),
    "ReLU, He: kept": ("relu", "he_normal", (-1, 4)),
}
axes = panels(3, 2, width=4.4, height=3.6).ravel()
axes[-1].set_axis_off()
sizes = {}
for ax, (title, (activation, start, limits)) in zip(axes, kinds.items(), strict=False):
    model = network(activation, start)
    fo.plotting.activations(model, x, limits, ax)
    ax.set_title(title)
    outputs = list(model.layer_outputs(x).values())[:LAYERS]
    sizes[title] = [float(np.sqrt(np.mean(output**2))) for output in outputs]

# %%
# The root of the mean square of the first and the last layer.

for title, found in sizes.items():
    print(f"{title:40} {found[0]:8.3g} {found[-1]:8.3g}")
large, small, glorot, lost, he = sizes.values()
assert large[-1] > 0.9 and small[-1] < 1e-4 and glorot[-1] > 0.2
assert lost[-1] / lost[0] < 0.25 and 0.6 < he[-1] / he[0] < 1.6
