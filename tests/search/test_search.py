"""Searches: what is tried, what the table says, and how they end."""

import math
import warnings

import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo
from fastopt.search import Choice, Integer, Linear, Log, OneMinusLog

X, Y = fo.datasets.load_digits()
SPACE = {"rate": Log(1e-4, 10.0), "units": Integer(4, 32, log=True), "batch_size": [16, 32, 64]}
FIT = {"epochs": 4, "validation_split": 0.2, "verbose": 0}


def build(rate, units, batch_size):
    model = fo.Sequential([fo.layers.Dense(units, "relu"), fo.layers.Dense(10)], seed=0)
    model.compile(fo.optimizers.SGD(rate), "sparse_categorical_crossentropy", ["accuracy"])
    return model, {"batch_size": batch_size}


def rows(trials):
    """All but how long it took."""
    return [{**trial.row(), "seconds": 0} for trial in trials]


def test_the_same_for_any_number_of_workers():
    first, *others = [
        fo.search.random(build, SPACE, X, Y, trials=9, workers=workers, **FIT) for workers in (None, 1, 3)
    ]
    assert all(rows(other) == rows(first) for other in others)
    assert rows(fo.search.random(build, SPACE, X, Y, trials=9, seed=1, **FIT)) != rows(first)
    for trial in first:
        model, own = build(**trial.params)
        history = model.fit(X, Y, **own, **FIT).history
        best = int(np.argmin(history["val_loss"]))
        assert trial.metrics == {
            name: v[best] for name, v in history.items() if not name.startswith(("second", "samp"))
        }


def test_grid_and_random_of_25_trials():
    space = {"rate": Log(1e-4, 1.0), "beta": OneMinusLog(0.9, 0.999)}
    grid, drawn = (search(lambda rate, beta: rate, space, verbose=0) for search in (fo.search.grid, fo.search.random))
    for trials, distinct in ((grid, 5), (drawn, 25)):
        assert len(trials) == 25
        assert [len({*trials.table[f"param_{name}"]}) for name in space] == [distinct] * 2
    levels = {"rate": 3}
    assert len(fo.search.grid(lambda **_: 0, space | {"kind": ["a", "b"]}, levels=levels, verbose=0)) == 3 * 5 * 2


@pytest.mark.parametrize("metric", ["val_accuracy", "accuracy", "loss"])
def test_searched_by(metric):
    trials = fo.search.random(build, SPACE, X, Y, trials=6, metric=metric, **FIT)
    scores = [trial.score for trial in trials]
    assert trials.larger_is_better == (metric != "loss")
    assert trials.best.score == (min if metric == "loss" else max)(scores)
    assert [trial.score for trial in trials.ranked()] == sorted(scores, reverse=metric != "loss")


def test_dicts_of_values():
    found = fo.search.random(lambda x: {"a": x, "b": -x}, {"x": Linear(0, 1)}, metric="b", mode="max", verbose=0)
    assert found.best.score == -min(found.table["param_x"])
    assert found.best.metrics == {"a": found.best.params["x"], "b": found.best.score}


def test_batches_of_each_model():
    def batches(rate, size):
        model, _ = build(rate, 8, size)
        return model, {"x": [(X[i : i + size], Y[i : i + size]) for i in range(0, 1440, size)]}

    space, held = {"rate": Log(0.01, 0.1), "size": [32, 64]}, (X[1440:], Y[1440:])
    trials = fo.search.grid(batches, space, levels=2, epochs=3, validation_data=held, verbose=0)
    for trial in trials:
        model, own = batches(**trial.params)
        assert trial.score == min(model.fit(**own, epochs=3, validation_data=held, verbose=0).history["val_loss"])


class RaisesError(fo.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        if epoch == 1:
            raise RuntimeError("by a callback")


def faulty(kind, units):
    if kind == "raises":
        raise KeyError("oh")
    model = fo.Sequential([fo.layers.Dense(units), fo.layers.Dense(10)], seed=0)
    model.compile(fo.optimizers.SGD(1e30 if kind == "diverges" else 0.01), "sparse_categorical_crossentropy")
    stop = fo.callbacks.EarlyStopping("loss", min_delta=1e9)
    callbacks = {"callback": [RaisesError()], "stops": [stop]}
    return model, {"callbacks": callbacks.get(kind, [])}


def test_the_rest_goes_on():
    kinds = ["raises", "diverges", "well", "callback", "stops"]
    space = {"kind": kinds, "units": [4, 8]}
    with pytest.warns(UserWarning, match=r"6 of 10 trials failed, the first of them trial 0 .*KeyError: 'oh'"):
        trials = fo.search.grid(faulty, space, X, Y, **FIT)
    ends = {kind: [(t.state, t.error.split(":")[0]) for t in trials if t.params["kind"] == kind] for kind in kinds}
    assert ends == {
        "raises": [("failed", "KeyError")] * 2,
        "diverges": [("diverged", "FloatingPointError")] * 2,
        "well": [("finished", "")] * 2,
        "callback": [("failed", "RuntimeError")] * 2,
        "stops": [("stopped", "")] * 2,
    }
    alone = fo.search.grid(faulty, {"kind": ["well"], "units": [4, 8]}, X, Y, **FIT)
    assert [t.score for t in alone] == [t.score for t in trials if t.params["kind"] == "well"]
    assert all(math.isnan(trial.score) for trial in trials.ranked()[-6:])


def test_no_score():
    with pytest.warns(UserWarning, match="2 of 2 trials failed"):
        trials = fo.search.random(faulty, {"kind": ["raises"], "units": [4]}, X, Y, trials=2, **FIT)
    with pytest.raises(ValueError, match="No trial of 2 has a score: KeyError: 'oh'"):
        _ = trials.best


def test_models_warn_once_and_of_their_trials():
    def warning(units):
        return build(0.1, units, 1000)  # a batch that holds all samples

    def always(units):
        warnings.warn("of the function", stacklevel=1)
        return build(0.1, units, 32)

    with pytest.warns(UserWarning, match="of the function"):
        fo.search.grid(always, {"units": [4, 8]}, X, Y, **FIT)
    y = np.where(Y == 9, 8, Y)  # a class that is not there
    y[-1] = 9
    with pytest.warns(UserWarning, match="class") as caught:
        fo.search.grid(lambda units: build(0.1, units, 32), {"units": [4, 8, 16]}, X, y, **FIT)
    assert len(caught) == 1
    assert str(caught[0].message).startswith("trial ")
    assert caught[0].filename == __file__


def test_stopped_by_ctrl_c(tmp_path):
    found = []

    def long(**params):
        try:
            fo.search.random(
                build, SPACE, X, Y, trials=400, epochs=20, validation_split=0.2, verbose=0, file=tmp_path / "a.jsonl"
            )
        except KeyboardInterrupt as error:
            found.append(error.trials)
            raise

    assert interrupt(long, 0.5) < 1.0
    assert rows(found[0]) == rows(fo.search.load(tmp_path / "a.jsonl"))
    assert 0 < len(found[0]) < 400
    assert all(trial.state == "finished" for trial in found[0])


def test_what_is_shown(capsys):
    fo.search.random(lambda x: x, {"x": Linear(0, 1)}, trials=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["trial 0", "trial 1"]
    assert "2/2  best score" in lines[1]
    fo.search.random(lambda x: x, {"x": Linear(0, 1)}, trials=3, verbose=1)
    assert "trials 3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"function": lambda rate: 0}, TypeError, "does not take the hyperparameters"),
        ({"function": lambda **_: "a"}, TypeError, "function must return a compiled model"),
        ({"function": lambda **_: {"loss": 1}}, ValueError, "Unknown metric 'val_loss'"),
        ({"space": {}}, ValueError, "at least one hyperparameter"),
        ({"space": {"rate": 3}}, TypeError, r"space\['rate'\] must be a scale"),
        ({"space": {1: Log(0.1, 1)}}, TypeError, "names of hyperparameters"),
        ({"x": None}, TypeError, "x is missing"),
        ({"validation_split": None}, ValueError, "nothing to validate with"),
        ({"metric": "val_los"}, ValueError, "Did you mean 'val_loss'"),
        ({"epoch": 3}, TypeError, "'epoch' is no argument of a member's fit"),
        ({"trials": 0}, ValueError, "trials must be at least 1"),
        ({"workers": 0}, ValueError, "workers must be at least 1"),
        ({"verbose": 3}, ValueError, "verbose"),
    ],
)
def test_errors(change, error, message):
    arguments = {"function": build, "space": SPACE, "x": X, "y": Y, **FIT, "trials": 2} | change
    with pytest.raises(error, match=message):
        fo.search.random(**arguments)


def test_errors_of_levels():
    with pytest.raises(ValueError, match="levels has"):
        fo.search.grid(lambda a: 0, {"a": Choice([1])}, levels={"b": 3})
