"""Short epochs, of which the core trains several in one call, are as single ones to the bit."""

import gc
import signal
import time

import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)).astype(np.float32), RNG.integers(0, 3, 60)
ROWS = RNG.integers(0, 60, 40)


def make(optimizer="adam", metrics=("accuracy",), *layers):
    model = fo.Sequential([fo.layers.Dense(8, "relu"), *layers, fo.layers.Dense(3)], seed=5)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def found(model):
    unseen = ("seconds", "samples_per_second")
    history = {name: values for name, values in model.history.history.items() if name not in unseen}
    arrays = [array.tobytes() for array in (model.parameters | model.state | model.slots).values()]
    counts = model.epochs_trained, model.draws, model.optimizer.step, model.optimizer.epoch
    return repr(history), model.history.epoch, arrays, counts


class Looks(fo.callbacks.Callback):
    """Something for which training comes back to Python after each epoch."""


def noisy():
    return make("adam", ("accuracy",), fo.layers.BatchNormalization(), fo.layers.Dropout(0.4))


def two_heads():
    x = fo.Input(4)
    hidden = fo.layers.Dense(8, "tanh")(x)
    model = fo.Model(x, [fo.layers.Dense(3)(hidden), fo.layers.Dense(1)(hidden)], seed=2)
    model.compile(fo.optimizers.Average("sgd"), ["sparse_categorical_crossentropy", "mse"])
    return model


def square_error(target, output):
    difference = output - target
    return (difference**2).sum(1) / 2, difference


def of_ones_own():
    model = make()
    model.compile("adam", square_error)
    return model


@pytest.mark.parametrize(
    ("make_model", "arguments"),
    [
        (make, {}),
        (noisy, {"batch_size": 7, "initial_epoch": 3}),
        (noisy, {"validation_split": 0.3, "validation_freq": 3}),
        (make, {"rows": ROWS, "validation_rows": np.arange(10), "shuffle": False}),
        (make, {"batch_size": None, "sample_weight": np.linspace(0, 1, 60)}),
        (lambda: make(metrics=["auc"]), {"validation_split": 0.3}),
        (lambda: make(fo.optimizers.SGD(fo.schedules.Exponential(0.1, 0.01, per="epoch"))), {}),
        (lambda: make(fo.optimizers.Sequence([("adam", 30), ("sgd", None)])), {}),
        (lambda: make("swats"), {}),
        (of_ones_own, {"y": np.eye(3, dtype=np.float32)[Y], "epochs": 30, "validation_split": 0.3}),
        (two_heads, {"y": [Y, X[:, :1]], "validation_rows": np.arange(20)}),
    ],
)
def test_as_one_by_one(make_model, arguments):
    models = []
    for callbacks in ([], [Looks()]):
        model = make_model()
        given = {"x": X, "y": Y, "epochs": 100, "verbose": 0} | arguments
        model.fit(**given, callbacks=callbacks)
        model.fit(**given | {"epochs": 5, "initial_epoch": 0}, callbacks=callbacks)
        models.append(model)
    assert found(models[0]) == found(models[1])


def test_one_that_diverges():
    seen = []
    for callbacks in ([], [Looks()]):
        model = make("sgd")
        model.fit(X, Y, epochs=20, verbose=0)
        model.optimizer.learning_rate = 1e30
        with pytest.raises(FloatingPointError) as error:
            model.fit(X, Y, epochs=10**6, callbacks=callbacks, verbose=0)
        seen.append((str(error.value), found(model)))
    assert seen[0] == seen[1]


@pytest.fixture
def no_calls_of_the_collector():
    """Hypothesis measures the collector of garbage, and an interrupt in its function is lost."""
    calls, gc.callbacks[:] = gc.callbacks[:], []
    yield
    gc.callbacks[:] = calls


def test_interrupted_at_an_epoch_that_is_counted(no_calls_of_the_collector):
    model = make()
    assert interrupt(lambda: model.fit(X, Y, epochs=10**7, validation_split=0.2, verbose=0), 0.3) < 0.2
    assert model.epochs_trained * 2 <= model.optimizer.step <= model.epochs_trained * 2 + 2
    again = make()
    again.fit(X, Y, epochs=model.epochs_trained, validation_split=0.2, verbose=0)
    if again.optimizer.step == model.optimizer.step:
        assert found(again)[2] == found(model)[2]


def test_an_interrupt_leaves_no_epoch_out_of_the_history(monkeypatch):
    """It comes while the history is told of epochs that are over."""
    tell = fo.History.on_epoch_end

    def interrupted(history, epoch, logs):
        if epoch == 5000:
            signal.raise_signal(signal.SIGINT)
        tell(history, epoch, logs)

    monkeypatch.setattr(fo.History, "on_epoch_end", interrupted)
    model = make()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=10**7, verbose=0)
    assert signal.getsignal(signal.SIGINT) is before
    assert len(model.history.epoch) == model.epochs_trained > 5001
    assert {len(values) for values in model.history.history.values()} == {model.epochs_trained}


def test_what_is_shown_is_up_to_date(capsys):
    start = time.monotonic()
    make().fit(X, Y, epochs=300, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 300
    assert lines[-1].startswith("epoch 300/300")
    assert time.monotonic() - start < 5
