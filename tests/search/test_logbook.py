"""A logbook tells what was changed, and brings the model back to the bit."""

import numpy as np
import pytest

import fastopt as fo
from fastopt import layers
from fastopt.optimizers import SGD, Adam, Average, Clip, Sequence
from fastopt.schedules import Cosine
from fastopt.search import Logbook

X = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)
Y = np.sin(X @ np.arange(6)) + X[:, 0] ** 2
FIT = {"epochs": 2, "batch_size": 16, "validation_split": 0.25, "verbose": 0}

OPTIMIZERS = {
    "momentum": lambda: SGD(0.05, momentum=0.9),
    "schedule": lambda: Adam(Cosine(0.01, 30)),
    "wrapped": lambda: Average(Clip(Adam(0.01), norm=1.0), 0.9),
    "sequence": lambda: Sequence([(Adam(0.01), 3), (SGD(0.01), None)]),
    "solver": lambda: fo.solvers.LBFGS(),
}


def made(optimizer="momentum"):
    model = fo.Sequential(
        [layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)], seed=0
    )
    model.build(6)
    model.compile(OPTIMIZERS[optimizer](), "mse")
    return model


def functional():
    x = fo.Input(6)
    inner = fo.Sequential([layers.Dense(4, "tanh")], seed=1)
    model = fo.Model(x, layers.Dense(1)(layers.Add()([inner(x), layers.Dense(4)(x)])), seed=0)
    model.compile("adam", "mse")
    return model


def state(model):
    slots = {} if isinstance(model.optimizer, fo.solvers.Solver) else dict(model.slots)
    return [a.copy() for a in (*model.get_weights(), *slots.values())], model.epochs_trained, model.draws


def same(one, other):
    assert one[1:] == other[1:]
    assert all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))


@pytest.fixture(params=[False, True], ids=["memory", "folder"])
def folder(request, tmp_path):
    return tmp_path / "log" if request.param else None


@pytest.mark.parametrize("make", [*(pytest.param(lambda n=n: made(n), id=n) for n in OPTIMIZERS), functional])
def test_back_to_the_bit(make, folder):
    model = make()
    log = Logbook(model, folder)
    fit = {"epochs": 2, "batch_size": None if isinstance(model.optimizer, fo.solvers.Solver) else 16, "verbose": 0}
    states = [state(model)]
    for _ in range(3):
        log.fit(X, Y, **fit)
        states.append(state(model))
    for number in (1, 3, 0, 2, 2):
        log.back(number)
        same(state(model), states[number])
        assert model.history.epoch == ([] if number == 0 else [0, 1])
    log.fit(X, Y, **fit)  # goes on as before
    same(state(model), states[3])
    assert [entry.parent for entry in log.entries] == [None, 0, 1, 2, 2]
    alone = make()
    for _ in range(3):
        alone.fit(X, Y, **fit)
    same(state(alone), states[3])


def test_what_was_changed(folder):
    model = made("wrapped")
    log = Logbook(model, folder)
    log.fit(X, Y, note="start", **FIT)
    model.optimizer.optimizer.optimizer.learning_rate = 0.001
    model.layers[0].trainable = False
    log.fit(X, Y, note="smaller rate", **FIT | {"batch_size": 8})
    log.back(1)
    assert model.layers[0].trainable
    model.compile(SGD(0.5), "mae")
    log.fit(X, -Y, **FIT)
    first, second, third = (entry.changed for entry in log.entries[1:])
    assert first["fit batch_size"] == (None, 16)
    assert second == {
        "optimizer.optimizer.optimizer.learning_rate": (0.01, 0.001),
        "dense.trainable": (True, False),
        "fit batch_size": (16, 8),
    }
    assert third["loss"] == ("MeanSquaredError()", "MeanAbsoluteError()")
    assert third["optimizer"] == ("Average", "SGD")
    assert third["fit y"][0] != third["fit y"][1]
    assert "fit x" not in third
    lines = str(log).splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["1", "0"], ["2", "1"], ["3*", "1"]]
    assert lines[3].endswith("smaller rate")


def test_goes_on_in_another_process(tmp_path):
    log = Logbook(made(), tmp_path)
    for note in ("one", "two"):
        log.fit(X, Y, note=note, **FIT)
    model = made()
    again = Logbook(model, tmp_path)
    same(state(model), state(log.model))
    assert again.entries[2].history.history == log.entries[2].history.history
    assert [(e.note, e.parent, e.changed, e.settings) for e in again.entries] == [
        (e.note, e.parent, e.changed, e.settings) for e in log.entries
    ]
    again.fit(X, Y, **FIT)
    log.fit(X, Y, **FIT)
    same(state(model), state(log.model))
    (tmp_path / "log.jsonl").write_text("{}\n")
    with pytest.raises(ValueError, match="is not a log"):
        Logbook(made(), tmp_path)


def test_interrupted(folder):
    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    log = Logbook(made(), folder)
    with pytest.raises(KeyboardInterrupt):
        log.fit(X, Y, callbacks=[fo.callbacks.LambdaCallback(on_epoch_end=stop)], **FIT | {"epochs": 9})
    assert log.entries[1].error.startswith("KeyboardInterrupt")
    assert log.entries[1].history.epoch == [0, 1]
    after = state(log.model)
    log.fit(X, Y, **FIT)
    log.back(1)
    same(state(log.model), after)


def test_any_data(folder):
    """Batches, lists and words are told from each other, and none is looked through that is not in memory."""
    model = fo.Sequential([layers.Dense(3)], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.build(6)
    log = Logbook(model, folder)
    words = np.array(["a", "b", "c"])[np.arange(96) % 3]

    class Batches:
        def __len__(self):
            return 2

        def __getitem__(self, i):
            seen.append(i)
            return X[i * 48 : i * 48 + 48], (np.arange(96) % 3)[i * 48 : i * 48 + 48]

    seen = []
    given = [(X, words), (X, words.astype(object)), (X.tolist(), words.tolist()), (Batches(), None)]
    given += [([(X[:50], words[:50]), (X[50:], words[50:])], None)]
    for x, y in given[:3]:
        log.fit(x, y, verbose=0)
    assert [set(entry.changed) for entry in log.entries[2:]] == [{"fit y"}, {"fit x", "fit y"}]
    with pytest.raises(ValueError, match="class"):
        log.fit(Batches(), verbose=0)
    assert len(seen) <= 2
    log.fit(given[4][0], verbose=0)
    assert "float32 [50, 6]" in str(log.entries[-1].settings["fit x"])


def test_errors(tmp_path):
    log = Logbook(made())
    with pytest.raises(ValueError, match="x has 5 features"):
        log.fit(X[:, :5], Y, **FIT)
    assert len(log.entries) == 1  # nothing was trained
    with pytest.raises(ValueError, match="number must be less than 1"):
        log.back(1)
    with pytest.raises(RuntimeError, match="build"):
        Logbook(fo.Sequential([layers.Dense(1)]), tmp_path)


def test_the_start_of_a_model_that_is_not_built():
    model = fo.Sequential([layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    log = Logbook(model)
    first = log.fit(X, Y, **FIT).history["loss"]
    log.back(0)
    assert not model.built
    assert log.fit(X, Y, **FIT).history["loss"] == first
