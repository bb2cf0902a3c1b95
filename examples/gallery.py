"""Draws what `fastopt.plotting` has to show of a training: a picture a function.

Needs ``pip install 'fastopt[plot]'``. ``python examples/gallery.py [folder]`` saves the pictures in the folder, by
default examples/output.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import pyplot
from trajectories import save

import fastopt as fo
from fastopt import plotting, schedules
from fastopt.layers import Dense


def digits():
    """Return training and development data."""
    x, y = fo.datasets.load_digits()
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def classifier(optimizer, units=32):
    """Return a model of the digits that has not been trained."""
    model = fo.Sequential([Dense(units, "relu"), Dense(10)], seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def learning_rates():
    """Too small, right and too large: the curves, and the last loss against the rate."""
    train, dev = digits()
    histories = {}
    for rate in (0.001, 0.01, 0.1, 1.0, 10.0):
        model = classifier(fo.optimizers.SGD(rate))
        histories[rate] = model.fit(*train, epochs=15, validation_data=dev, verbose=0)
    _, (left, right) = pyplot.subplots(1, 2, figsize=(9.2, 3.4), layout="constrained")
    plotting.compare(histories, ax=left)
    return plotting.learning_rates(histories, ax=right)


def batches():
    """One sample, a few and all at a time, against the seconds of training."""
    train, _ = digits()
    histories = {}
    for batch_size, rate, epochs in ((1, 0.01, 3), (32, 0.05, 40), (1200, 0.2, 200)):
        model = classifier(fo.optimizers.SGD(rate))
        histories[f"batches of {batch_size}"] = model.fit(
            *train, batch_size=batch_size, epochs=epochs, validation_data=None, verbose=0
        )
    return plotting.compare(histories, x="seconds")[0]


def rates():
    """Ways for a learning rate to fall, and a warm-up."""
    cosine = schedules.Cosine(0.1, steps=800)
    return plotting.schedules(
        {
            "cosine": cosine,
            "cosine after a warm-up": schedules.Warmup(cosine, steps=100),
            "1 / (1 + k t)": schedules.InverseTime(0.1, k=0.01),
            "staircase": schedules.Staircase(0.1, factor=0.5, every=200),
        },
        stop=1000,
    )


def averages():
    """Temperatures of a year, and their averages."""
    days = np.arange(365)
    series = 12 - 9 * np.cos(2 * np.pi * (days - 20) / 365) + np.random.default_rng(0).normal(0, 3, 365)
    ax = plotting.averages(series, [0.5, 0.9, 0.98])
    ax.set_xlabel("day")
    ax.set_ylabel("temperature in °C")
    return ax


def confusion():
    """Which digits are taken for which."""
    train, (x, y) = digits()
    model = classifier("adam")
    model.fit(*train, epochs=20, verbose=0)
    return plotting.confusion_matrix(y, model.predict_classes(x))


def images():
    """Digits with what they were taken for."""
    train, (x, y) = digits()
    model = classifier("adam")
    model.fit(*train, epochs=20, verbose=0)
    predicted = model.predict_classes(x)
    chosen = np.concatenate([np.flatnonzero(predicted != y)[:8], np.arange(32)])
    return plotting.images(x[chosen], y[chosen], predicted[chosen], cmap="gray_r")


def contours():
    """The cost of a linear model and the way of steepest descent, with inputs as they come and normalised."""
    rng = np.random.default_rng(0)
    x = rng.normal([0, 0], [3, 1], (200, 2))
    y = x @ [1.0, 1.0] + rng.normal(0, 0.1, 200)
    _, panels = pyplot.subplots(1, 2, figsize=(9.8, 3.4), layout="constrained")
    for ax, scale, rate, title in zip(
        panels, (1, x.std(axis=0)), (0.1, 0.4), ("as they come", "normalised"), strict=True
    ):
        inputs = x / scale

        def cost(w, inputs=inputs):
            return np.mean((inputs @ w - y) ** 2)

        def gradient(w, inputs=inputs):
            return 2 / len(y) * inputs.T @ (inputs @ w - y)

        way = fo.optimizers.trace(fo.optimizers.SGD(rate), cost, gradient, [-1.0, -3.0] * np.ravel(scale), steps=25)
        best = np.linalg.lstsq(inputs, y)[0]
        xlim, ylim = (best[0] - 7, best[0] + 7), (best[1] - 5, best[1] + 5)
        plotting.trajectories(cost, way, minimum=best, xlim=xlim, ylim=ylim, ax=ax)
        ax.set(title=f"inputs {title}", xlabel="w[0]", ylabel="w[1]", aspect="equal")
    return ax


def early_stopping():
    """The best epoch by validation, and how the weights grow."""
    train, dev = digits()
    model = classifier(fo.optimizers.SGD(0.5), units=100)
    watch = fo.callbacks.Curvature(train[0][:100], train[1][:100])
    history = model.fit(*train, epochs=60, validation_data=dev, callbacks=[watch], verbose=0)
    return history.plot(["loss", "accuracy", "weight_norm"])[0]


def spirals():
    """Where a network with a hidden layer puts the boundaries of three classes, and where one without."""
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    radius = rng.uniform(0.1, 1, 600)
    angle = 2 * np.pi * y / 3 + 4 * radius + rng.normal(0, 0.15, 600)
    x = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    _, panels = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for ax, layers, title in zip(
        panels, ([], [Dense(64, "tanh")]), ("softmax regression", "64 hidden units"), strict=True
    ):
        model = fo.Sequential([*layers, Dense(3)], seed=0)
        model.compile(fo.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=150, verbose=0)
        plotting.decision_boundary(model, x, y, ax=ax).set_title(title)
    return ax


def components():
    """Classes of 64 features, in the plane of two components."""
    x, y = fo.datasets.load_digits()
    x, y = x[y < 5], y[y < 5]
    model = fo.Sequential([Dense(32, "relu"), Dense(5)], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=20, verbose=0)
    return plotting.decision_boundary(model, x[:300], y[:300])


def solutions():
    """The loss on the line through two solutions, and over the plane through three."""
    train, _ = digits()
    found = []
    for optimizer in (fo.optimizers.SGD(0.1, momentum=0.9), "adam", "rmsprop"):
        model = classifier(optimizer, units=16)
        model.fit(*train, epochs=15, verbose=0)
        found.append(model.get_weights())
    x, y = train
    _, (left, right) = pyplot.subplots(1, 2, figsize=(10.5, 4), layout="constrained", width_ratios=(2, 3))
    plotting.surface(model, *found[:2], x=x[:400], y=y[:400], ax=left)
    return plotting.surface(model, *found, x=x[:400], y=y[:400], ax=right)


PICTURES = (
    learning_rates,
    batches,
    rates,
    averages,
    confusion,
    images,
    contours,
    early_stopping,
    spirals,
    components,
    solutions,
)


def main():
    """Draw all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output"
    folder.mkdir(parents=True, exist_ok=True)
    for draw in PICTURES:
        save(draw().figure, folder / f"plotting_{draw.__name__}.png")


if __name__ == "__main__":
    main()
