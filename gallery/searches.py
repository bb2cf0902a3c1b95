"""
Grid, random, coarse to fine
============================

Twenty-five trials each, of a score that depends much on one hyperparameter and little on the other. A grid has five
different values of each; twenty-five at random are all different; from coarse to fine the last rounds look near the
best.
"""

import numpy as np
from _common import panels

import fastopt as fo
from fastopt.search import Linear, Log

SPACE = {"rate": Log(1e-4, 1.0), "dropout": Linear(0.0, 0.5)}


def score(rate, dropout):
    return (np.log10(rate) + 1.6) ** 2 + (dropout - 0.15) ** 2


def searched(seed):
    return {
        "grid": fo.search.grid(score, SPACE, levels=5, verbose=0),
        "random": fo.search.random(score, SPACE, trials=25, seed=seed, verbose=0),
        "coarse to fine": fo.search.zoom(score, SPACE, trials=25, rounds=5, seed=seed, verbose=0),
    }


a, b = np.meshgrid(np.logspace(-4, 0, 80), np.linspace(0, 0.5, 80))
for ax, (name, trials) in zip(panels(3, width=3.6, sharey=True), searched(0).items(), strict=True):
    ax.contourf(a, b, score(a, b), 24, cmap="Blues", alpha=0.7)
    rates, drops = ([trial.params[key] for trial in trials] for key in SPACE)
    ax.plot(rates, drops, "o", color="#D55E00", markersize=4, markeredgecolor="white", markeredgewidth=0.5)
    ax.plot(*trials.best.params.values(), "*", color="#F0E442", markersize=13, markeredgecolor="black")
    ax.set(title=f"{name}: {len(set(rates))} rates", xscale="log", xlabel="rate")
    ax.grid(visible=False)
    if name == "grid":
        ax.set_ylabel("dropout")
    assert len(trials) == 25 and len(set(rates)) == (5 if name == "grid" else 25)

# %%
# The best score of twenty searches by each, in the mean: the lower the better.

best = {name: [] for name in ("grid", "random", "coarse to fine")}
for seed in range(20):
    for name, trials in searched(seed).items():
        best[name].append(trials.best.score)
means = {name: float(np.mean(scores)) for name, scores in best.items()}
print(means)
assert means["coarse to fine"] < means["random"] < means["grid"]
