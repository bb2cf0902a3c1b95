"""Compares all update rules on five small problems: the time and the steps that each takes to a score.

Needs ``pip install 'fastopt[plot]'``. ``python examples/rules.py [folder]`` saves the pictures in the folder, by
default examples/output, and keeps the trials there, from which it goes on. It takes some minutes on two cores.

Each rule gets the same budget on each problem: its learning rate is searched for, with `TRIALS` values spread over four
decades about a usual one, and everything else is left at its default. The rate with the lowest mean loss on held-out
samples over `SEEDS` seeds is then run with as many others, one after the other, against the clock.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import common
import numpy as np
from common import save
from matplotlib import colors, pyplot, ticker

import fastopt as fo
from fastopt import optimizers
from fastopt.layers import Dense
from fastopt.search import Log

TRIALS = 17
SEEDS = 5
MARGIN = 1.1
HIGHEST = 6  # times the lowest loss, in the pictures
DECADES = 2  # of learning rates to either side of a usual one
# Where the default is not in the middle of what is usual.
USUAL = {"Adagrad": 0.03, "SGD": 0.1}
WHOLE = {"DeltaBarDelta", "Rprop"}  # for gradients of all samples
# What is no class of its own.
OTHERS = {
    "SGD, momentum .9": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "SGD, Nesterov .9": lambda rate: optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "RMSprop, momentum .9": lambda rate: optimizers.RMSprop(rate, momentum=0.9),
    "AMSGrad": lambda rate: optimizers.Adam(rate, amsgrad=True),
}


@dataclass
class Problem:
    """Data, a network and how long it is trained."""

    name: str
    layers: Callable[[], list[Any]]
    loss: str
    x: Any
    y: Any
    held_out: tuple[Any, Any]
    epochs: int
    batch_size: int = 32

    def model(self, optimizer: Any, seed: int) -> fo.Sequential:
        """Return a model that has not been trained."""
        model = fo.Sequential(self.layers(), seed=seed)
        model.compile(optimizer, self.loss)
        return model

    @property
    def training(self) -> dict[str, Any]:
        """The arguments of `fit`."""
        return {"epochs": self.epochs, "batch_size": self.batch_size, "validation_data": self.held_out}


def split(x, y, rows):
    """Return the samples to train with, and those that are held out."""
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    return x[:rows], y[:rows], (x[rows:], y[rows:])


def digits():
    """A classifier of images."""
    x, y, held_out = split(*fo.datasets.load_digits(), 1200)
    return Problem(
        "digits", lambda: [Dense(64, "relu"), Dense(10)], "sparse_categorical_crossentropy", x, y, held_out, 25
    )


def table():
    """Whether something holds, of numbers and of categories, some of which are rare."""
    draws = np.random.default_rng(1)
    numbers = draws.normal(size=(3000, 6))
    codes = np.stack([draws.zipf(1.6, 3000) % kinds for kinds in (4, 12, 40)], axis=1)
    effects = [draws.normal(0, 1.5, kinds) for kinds in (4, 12, 40)]
    logit = numbers[:, 0] * numbers[:, 1] + np.abs(numbers[:, 2]) - 1
    logit += sum(effect[code] for effect, code in zip(effects, codes.T, strict=True))
    y = (draws.uniform(size=3000) < 1 / (1 + np.exp(-logit))).astype(int)
    columns = [code[:, None] == np.arange(kinds) for code, kinds in zip(codes.T, (4, 12, 40), strict=True)]
    x, y, held_out = split(np.concatenate([numbers, *columns], axis=1).astype(np.float32), y, 2000)
    return Problem(
        "table", lambda: [Dense(64, "relu"), Dense(32, "relu"), Dense(1)], "binary_crossentropy", x, y, held_out, 15
    )


def regression():
    """Friedman's first function (Multivariate adaptive regression splines, 1991)."""
    draws = np.random.default_rng(2)
    x = draws.uniform(size=(3000, 10)).astype(np.float32)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = ((y - y.mean()) / y.std() + draws.normal(0, 0.1, 3000)).astype(np.float32)
    x, y, held_out = split(x - 0.5, y, 2000)
    return Problem("regression", lambda: [Dense(64, "relu"), Dense(64, "relu"), Dense(1)], "mse", x, y, held_out, 25)


def autoencoder():
    """Digits through eight numbers."""
    x, _, (held_out, _) = split(*fo.datasets.load_digits(), 1200)
    sizes = 32, 8, 32
    return Problem(
        "autoencoder", lambda: [*(Dense(n, "tanh") for n in sizes), Dense(64)], "mse", x, x, (held_out, held_out), 30
    )


def deep():
    """Eight narrow layers, behind which two spirals are apart."""
    x, y, held_out = split(*fo.datasets.make_spirals(3000, noise=0.1, seed=0), 2000)
    return Problem(
        "deep, narrow",
        lambda: [*(Dense(12, "tanh") for _ in range(8)), Dense(1)],
        "binary_crossentropy",
        x,
        y,
        held_out,
        40,
    )


def rules():
    """Return a function of the learning rate for each rule, by its name, and a usual rate."""
    classes = [c for c in vars(optimizers).values() if isinstance(c, type) and issubclass(c, optimizers.Rule)]
    made = {c.__name__: c for c in classes if c is not optimizers.Rule and c.__name__ not in WHOLE} | OTHERS
    return {name: (make, USUAL.get(name) or float(type(make(0.01))().learning_rate)) for name, make in made.items()}


def tuned(problem, name, make, usual, folder):
    """Return the learning rate with the lowest loss on held-out samples."""

    def loss(rate):
        models = [problem.model(make(rate), seed) for seed in range(SEEDS)]
        members = fo.fleet.fit(models, problem.x, problem.y, verbose=0, **problem.training)
        return np.mean([min(member.history.history.get("val_loss") or [np.inf]) for member in members])

    space = {"rate": Log(usual / 10**DECADES, usual * 10**DECADES)}
    file = folder / f"rules {problem.name} {name}.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some rates are too large
        return fo.search.grid(loss, space, levels=TRIALS, file=file, verbose=0).best.params["rate"]


@dataclass
class Run:
    """What a rule has done on a problem: the loss on held-out samples and the seconds after each epoch, by seed."""

    rate: float
    losses: np.ndarray
    seconds: np.ndarray

    def lowest(self):
        """Return the lowest loss, the median over seeds."""
        return float(np.median(np.nanmin(self.losses, axis=1)))

    def to(self, score):
        """Return the epochs and the seconds to a loss, medians over seeds; infinity where most do not come there."""
        first = [np.flatnonzero(row <= score) for row in self.losses]
        epochs = [found[0] + 1 if len(found) else np.inf for found in first]
        seconds = [row[found[0]] if len(found) else np.inf for row, found in zip(self.seconds, first, strict=True)]
        return float(np.median(epochs)), float(np.median(seconds))


def run(problem, name, make, usual, folder):
    """Tune a rule and run it against the clock."""
    rate = tuned(problem, name, make, usual, folder)
    models = [problem.model(make(rate), SEEDS + seed) for seed in range(SEEDS)]
    histories = [model.fit(problem.x, problem.y, verbose=0, **problem.training).history for model in models]
    length = max(len(history["loss"]) for history in histories)

    def padded(key):
        return np.array([history[key] + [np.nan] * (length - len(history[key])) for history in histories])

    return Run(rate, padded("val_loss"), np.cumsum(padded("seconds"), axis=1))


def heat(ax, values, names, problems, title):
    """Draw how many times as much as the best each needs, or a dash where it does not come there."""
    factors = values / values.min(axis=0)
    shown = np.where(np.isfinite(factors), factors, np.nan)
    norm = colors.LogNorm(1, 10)
    ax.imshow(shown, cmap="YlOrRd", norm=norm, aspect="auto")
    for (row, column), factor in np.ndenumerate(shown):
        text = "-" if np.isnan(factor) else f"{factor:.1f}" if factor < 9.95 else f"{factor:.0f}"
        color = "0.6" if np.isnan(factor) else "white" if factor > 5 else "0.1"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    ax.set_xticks(range(len(problems)), problems, fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set_title(title, fontsize=10, pad=8)
    for spine in ax.spines.values():
        spine.set_visible(False)


def ranked(seconds):
    """Return the order of the rules by the mean of their ranks; those that do not come to a score share its last."""
    places = np.array([[(column < value).sum() for value in column] for column in seconds.T])
    places[~np.isfinite(seconds.T)] = len(seconds)
    return np.argsort(places.mean(axis=0), kind="stable")


def curves(runs, problems, names, scores):
    """Draw the losses of the first rules over the seconds, a panel a problem."""
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
    for ax, problem in zip(axes.flat, problems, strict=False):
        for k, name in enumerate(names):
            done = runs[problem, name]
            ax.plot(
                1000 * np.median(done.seconds, axis=0),
                np.median(np.fmin.accumulate(done.losses, axis=1), axis=0),
                color=f"C{k}",
                label=name,
            )
        ax.axhline(scores[problem], color="0.5", linewidth=0.8, linestyle="--")
        lowest = min(runs[problem, name].lowest() for name in names)
        highest = min(max(np.median(runs[problem, name].losses[:, 0]) for name in names), HIGHEST * lowest)
        ax.set(title=problem, xlabel="milliseconds", yscale="log", ylim=(0.95 * lowest, highest), xlim=(0, None))
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 3, 5)))
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        ax.yaxis.set_minor_locator(ticker.NullLocator())
    axes.flat[0].set_ylabel("lowest loss so far on held-out samples")
    axes.flat[3].set_ylabel("lowest loss so far on held-out samples")
    axes.flat[-1].axis("off")
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", title="eight fastest, by mean rank")
    return figure


def main(folder, problems=(digits, table, regression, autoencoder, deep), chosen=None):
    """Compare them, print a table and draw it; return the lowest losses by problem and rule."""
    folder.mkdir(parents=True, exist_ok=True)
    compared = {name: made for name, made in rules().items() if chosen is None or name in chosen}
    runs = {}
    for problem in (make() for make in problems):
        for name, (make, usual) in compared.items():
            runs[problem.name, name] = run(problem, name, make, usual, folder)
    shown = list(dict.fromkeys(problem for problem, _ in runs))
    names = list(compared)
    # A score that more than half of the rules reach.
    scores = {p: MARGIN * float(np.median([runs[p, name].lowest() for name in names])) for p in shown}
    needed = np.array([[runs[p, name].to(scores[p]) for p in shown] for name in names])
    order = ranked(needed[..., 1])
    names, needed = [names[k] for k in order], needed[order]
    print(f"{'milliseconds to a loss of':26}" + "".join(f"{f'{scores[p]:.3g}':>14}" for p in shown))
    print(f"{'(learning rate)':26}" + "".join(f"{p:>14}" for p in shown))
    for name, row in zip(names, needed[..., 1], strict=True):
        cells = (
            f"{'-' if np.isinf(value) else f'{1000 * value:.0f}'} ({runs[p, name].rate:.1g})"
            for p, value in zip(shown, row, strict=True)
        )
        print(f"{name:26}" + "".join(f"{cell:>14}" for cell in cells))
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, 0.5 + 0.26 * len(names)), sharey=True, layout="constrained"
    )
    heat(left, needed[..., 1], names, shown, "time to the score, times that of the fastest")
    heat(right, needed[..., 0], names, shown, "epochs to the score, times the fewest")
    save(figure, folder / "rules_table.png")
    save(curves(runs, shown, names[:8], scores), folder / "rules_curves.png")
    pyplot.close("all")
    return {key: done.lowest() for key, done in runs.items()}


if __name__ == "__main__":
    main(common.folder(__doc__))
