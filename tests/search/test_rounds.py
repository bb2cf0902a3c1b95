"""Searches of several rounds: from coarse to fine, and successive halving."""

import math

import numpy as np
import pytest

import fastopt as fo
from fastopt.search import Choice, Integer, Linear, Log
from fastopt.search.halving import rungs

X, Y = fo.datasets.load_digits()
SPACE = {"rate": Log(1e-4, 100.0), "units": Integer(4, 32, log=True)}
FIT = {"validation_split": 0.2, "batch_size": 64, "verbose": 0}


def build(rate, units):
    model = fo.Sequential([fo.layers.Dense(units, "relu"), fo.layers.Dense(10)], seed=0)
    model.compile(fo.optimizers.SGD(rate), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def rows(trials):
    """All but how long it took."""
    return [{**trial.row(), "seconds": 0} for trial in trials]


def test_zoom_narrows_around_the_best():
    space = {"x": Linear(-1.0, 3.0), "rate": Log(1e-6, 1.0), "kind": Choice(["a", "b"])}

    def function(x, rate, kind):
        return abs(x - 3) + abs(math.log10(rate) + 2) + (kind == "b")

    trials = fo.search.zoom(function, space, trials=41, rounds=4, shrink=0.25, verbose=0)
    places = {name: np.array([s.position(t.params[name]) for t in trials]) for name, s in space.items()}
    scores = np.array([trial.score for trial in trials])
    for i, stop in enumerate((11, 21, 31)):
        part = slice(stop, stop + 10)
        best = np.argmin(scores[:stop])
        width = 0.25 ** (i + 1)
        for name in ("x", "rate"):
            low = min(max(places[name][best] - width / 2, 0), 1 - width)
            assert (places[name][part] >= low - 1e-12).all()
            assert (places[name][part] <= low + width + 1e-12).all()
    assert {*trials.table["param_kind"][31:]} == {"a", "b"}
    random = fo.search.random(function, space, trials=41, verbose=0)
    assert [trial.params for trial in trials][:11] == [trial.params for trial in random][:11]


def test_zoom_finds_more():
    def function(x, rate):
        return abs(x - 3) + abs(math.log10(rate) + 2)

    space = {"x": Linear(-1.0, 3.0), "rate": Log(1e-6, 1.0)}
    best = [
        [search(function, space, seed=seed, verbose=0).best.score for seed in range(30)]
        for search in (fo.search.random, fo.search.zoom)
    ]
    assert np.median(best[1]) < 0.7 * np.median(best[0])


def test_zoom_without_a_score():
    with pytest.warns(UserWarning, match="6 of 6 trials failed"):
        trials = fo.search.zoom(lambda x: math.nan, {"x": Linear(0, 1)}, trials=6, verbose=0)
    assert {trial.state for trial in trials} == {"diverged"}


@pytest.mark.parametrize(
    ("arguments", "budgets"),
    [
        ((27, 27, 3), [1, 3, 9, 27]),
        ((25, 20, 3), [2, 7, 20]),
        ((8, 100, 2), [12, 25, 50, 100]),
        ((100, 4, 2), [1, 2, 4]),
        ((2, 5, 3), [5]),
        ((1, 1, 2), [1]),
    ],
)
def test_rungs(arguments, budgets):
    assert rungs(*arguments) == budgets


@pytest.mark.parametrize("metric", [None, "val_accuracy"])
def test_halving(metric):
    trials = fo.search.halving(build, SPACE, X, Y, trials=12, epochs=8, factor=2, metric=metric, **FIT)
    name, best = (metric, max) if metric else ("val_loss", min)
    histories = [build(**trial.params).fit(X, Y, epochs=8, **FIT).history[name] for trial in trials]
    numbers = [*range(12)]
    for epochs, count in ((1, 6), (2, 3), (4, 1), (8, 1)):
        scores = {k: best(histories[k][:epochs]) for k in numbers}
        better = sorted(numbers, key=lambda k: (-scores[k] if metric else scores[k], k))[:count]
        for trial in (trials[k] for k in numbers if k not in better or epochs == 8):
            state = "finished" if epochs == 8 else "dropped"
            assert (trial.epochs, trial.score, trial.state) == (epochs, scores[trial.number], state)
        numbers = better
    assert trials.best.number == numbers[0]
    model = build(**trials.best.params)
    model.fit(X, Y, epochs=8, **FIT)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), trials.model.get_weights(), strict=True))


def test_halving_goes_on(tmp_path):
    """From each line of its file, for any number of workers."""
    space = {"rate": Log(1e-4, 1.0), "units": Integer(4, 32, log=True)}
    options = {"trials": 9, "epochs": 9, "callbacks": [fo.callbacks.ReduceLROnPlateau("loss", patience=1)]} | FIT
    whole = tmp_path / "whole.jsonl"
    want = rows(fo.search.halving(build, space, X, Y, file=whole, **options))
    lines = whole.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2 + 9 + 3 + 1
    for count in range(len(lines)):
        path = tmp_path / "part.jsonl"
        path.write_bytes(b"".join(lines[:count]))
        found = fo.search.halving(build, space, X, Y, file=path, workers=1 + count % 3, **options)
        assert rows(found) == want
        assert found.first is found.ranked()[0]
        assert len(path.read_bytes().splitlines()) == len(lines)


def test_halving_with_failures():
    def function(rate, units):
        if units > 12:
            raise RuntimeError("too many")
        return build(rate, units)

    with pytest.warns(UserWarning, match="failed"):
        trials = fo.search.halving(function, SPACE, X, Y, trials=9, epochs=9, **FIT)
    assert {trial.state for trial in trials} >= {"failed", "dropped", "finished"}
    assert all(trial.params["units"] > 12 for trial in trials if trial.state == "failed")


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda rate, units: rate, TypeError, "must return a compiled model, which is trained further"),
        (lambda rate, units: (build(rate, units), {"epochs": 3}), ValueError, r"\['epochs'\] of its own"),
    ],
)
def test_errors(function, error, message):
    with pytest.raises(error, match=message):
        fo.search.halving(function, SPACE, X, Y, **FIT)
