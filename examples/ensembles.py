"""Draws what many models say that one cannot: where an ensemble knows little, and how much of a result is luck.

Needs ``pip install 'fastopt[plot]'``. ``python examples/ensembles.py [folder]`` saves the pictures in the folder, by
default examples/output.
"""

import common
import numpy as np
from common import save
from matplotlib import pyplot

import fastopt as fo

MODELS, SEEDS = 50, 40
NINETY = 1.6449  # standard deviations to either side of a normal distribution that hold 90 % of it


def curve(x):
    """Return what the targets are without noise."""
    return np.sin(3 * x) + 0.3 * x


def samples(count, draws):
    """Return samples with a gap from 0.4 to 1.2 and none beyond 2, and their noisy targets."""
    x = draws.uniform(-2, 2, 4 * count)
    x = x[(x < 0.4) | (x > 1.2)][:count, None]
    return x, curve(x) + draws.normal(0, 0.15, x.shape)


def calibrated(ensemble, x, y):
    """Return (a, b) of the deviation sqrt(a^2 spread^2 + b^2) that makes the targets of held-out samples likeliest."""
    mean, spread = ensemble.predict_with_spread(x)
    error = (y - mean)[..., None, None] ** 2
    a, b = np.meshgrid(np.linspace(0, 5, 101), np.linspace(0.01, 0.5, 99), indexing="ij")
    variance = (a * spread[..., None, None]) ** 2 + b**2
    surprise = (np.log(variance) + error / variance).sum(axis=(0, 1))
    best = np.unravel_index(surprise.argmin(), surprise.shape)
    return a[best], b[best]


def bagged():
    """Draw a bagged ensemble: each model has its own seed and its own draw of the samples."""
    draws = np.random.default_rng(0)
    x, y = samples(160, draws)
    models = []
    for seed in range(MODELS):
        layers = [fo.layers.Dense(64, "relu"), fo.layers.Dense(64, "relu"), fo.layers.Dense(1)]
        models.append(fo.Sequential(layers, seed=seed))
        models[-1].compile(fo.optimizers.Adam(0.005), "mse")
    each = [{"rows": draws.integers(0, len(x), len(x))} for _ in models]
    fo.fleet.fit(models, x, y, each=each, epochs=400, verbose=0)
    ensemble = fo.Ensemble(models)
    a, b = calibrated(ensemble, *samples(1000, draws))

    def deviation(spread):
        return np.sqrt((a * spread) ** 2 + b**2)

    new, target = samples(2000, draws)
    mean, spread = ensemble.predict_with_spread(new)
    inside = (np.abs(target - mean) < NINETY * deviation(spread)).mean()
    print(f"{inside:.1%} of new targets are in the intervals of 90 %; noise {b:.3f}, spread times {a:.2f}")

    at = np.linspace(-3, 3, 400)[:, None]
    mean, spread = ensemble.predict_with_spread(at)
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(at, fo.fleet.predict(models[:12], at)[:, :, 0].T, color="C0", alpha=0.25, linewidth=0.7)
    low, high = (mean + side * NINETY * deviation(spread) for side in (-1, 1))
    axes.fill_between(at[:, 0], low[:, 0], high[:, 0], color="C0", alpha=0.2, linewidth=0, label="90 % of targets")
    axes.plot(at, mean, color="C0", label=f"mean of {MODELS} models")
    axes.plot(at, curve(at), color="0.3", linestyle="--", linewidth=1, label="without noise")
    axes.plot(x, y, ".", color="C1", markersize=4, label="samples")
    axes.set(xlabel="x", ylabel="y", ylim=(-3.5, 3.5), title="A bagged ensemble is less sure where it has no samples")
    axes.legend(loc="upper left", fontsize="small")
    return figure


def seeds():
    """Draw the validation accuracy of models that differ in their seeds alone, and where they end."""
    x, y = fo.datasets.load_digits()
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(8, 3.6), sharey=True, width_ratios=(3, 1), layout="constrained"
    )
    for units, color in ((16, "C0"), (64, "C1")):
        models = []
        for seed in range(SEEDS):
            models.append(fo.Sequential([fo.layers.Dense(units, "relu"), fo.layers.Dense(10)], seed=seed))
            models[-1].compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        members = fo.fleet.fit(models, x, y, epochs=25, validation_split=0.25, verbose=0)
        values = np.array([member.history.history["val_accuracy"] for member in members])
        epochs = np.arange(1, values.shape[1] + 1)
        left.plot(epochs, values.T, color=color, alpha=0.12, linewidth=0.7)
        left.fill_between(epochs, *np.quantile(values, (0.05, 0.95), axis=0), color=color, alpha=0.25, linewidth=0)
        left.plot(epochs, np.median(values, axis=0), color=color, label=f"{units} units, median and 90 %")
        right.hist(values[:, -1], bins=np.arange(0.86, 0.97, 0.004), orientation="horizontal", color=color, alpha=0.6)
    left.set(xlabel="epoch", ylabel="accuracy on held-out digits", ylim=(0.8, 0.97), title=f"{SEEDS} seeds")
    left.legend(loc="lower right")
    right.set(xlabel="models", title="at the end")
    return figure


if __name__ == "__main__":
    folder = common.folder(__doc__)
    for draw in (bagged, seeds):
        save(draw(), folder / f"{draw.__name__}.png")
