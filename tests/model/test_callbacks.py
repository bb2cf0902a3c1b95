"""What callbacks are promised: also where training ends otherwise than it should."""

import sys
import types

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from fastopt.optimizers import SGD, Accumulate, Clip, Sequence
from fastopt.schedules import Piecewise

X, Y = np.random.default_rng(0).normal(size=(64, 4)), np.random.default_rng(1).normal(size=64)


def make(optimizer="sgd", metrics=None):
    model = fo.Sequential([fo.layers.Dense(8, "relu"), fo.layers.Dense(1)], seed=0)
    model.compile(optimizer, "mse", metrics)
    return model


def raising(error, at=3):
    def raise_(epoch, *_):
        if epoch == at:
            raise error

    return LambdaCallback(on_epoch_begin=raise_)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("mine"), MemoryError()], ids=repr)
def test_every_callback_ends(error):
    calls = []
    listeners = [LambdaCallback(on_train_end=lambda i=i: calls.append(i)) for i in range(3)]
    model = make()
    with pytest.raises(type(error)):
        model.fit(X, Y, epochs=9, callbacks=[*listeners, raising(error)], verbose=0)
    assert calls == [0, 1, 2]
    assert model.history.epoch == [0, 1, 2]


def test_an_end_that_raises_keeps_no_other_from_its_own():
    def fail():
        raise ValueError("at the end")

    calls = []
    listeners = [LambdaCallback(on_train_end=fail), LambdaCallback(on_train_end=lambda: calls.append("end"))]
    with pytest.raises(ValueError, match="at the end"):
        make().fit(X, Y, callbacks=listeners, verbose=0)
    assert calls == ["end"]


def test_what_has_not_begun_does_not_end():
    calls = []
    listeners = [
        LambdaCallback(on_train_end=lambda: calls.append("first")),
        EarlyStopping("banana"),
        LambdaCallback(on_train_end=lambda: calls.append("last")),
    ]
    with pytest.raises(ValueError, match="Unknown value to monitor 'banana'"):
        make().fit(X, Y, callbacks=listeners, verbose=0)
    assert calls == ["first"]


def test_best_weights_after_a_loss_that_is_not_finite():
    model = make(SGD(Piecewise([6], [0.05, 1e25])))
    stop = EarlyStopping("val_loss", patience=50, restore_best_weights=True)
    with pytest.raises(FloatingPointError):
        model.fit(X, Y, epochs=50, validation_data=(X, Y), callbacks=[stop], verbose=0)
    assert model.evaluate(X, Y)["loss"] == pytest.approx(stop.best, rel=1e-6)


def test_best_weights_after_an_interrupt():
    model = make(SGD(0.05))
    stop = EarlyStopping("loss", patience=50, restore_best_weights=True)
    worsen = LambdaCallback(on_epoch_end=lambda *_: model.set_weights([w + 1 for w in model.get_weights()]))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=50, callbacks=[stop, worsen, raising(KeyboardInterrupt())], verbose=0)
    assert stop.best_epoch == 0
    assert model.evaluate(X, Y)["loss"] < 2 * stop.best


@pytest.mark.parametrize(
    ("given", "values", "last"),
    [
        ({"patience": 2}, [3, 2, 2, 2, 2], 3),
        ({"patience": 2, "baseline": 2.5}, [5, 4, 3, 2, 3, 3], 5),  # it improves, and then is better
        ({"patience": 2, "baseline": 1}, [5, 4, 4, 3], 2),
        ({"patience": 2, "baseline": 1}, [5, 5, 4], 1),
        ({"patience": 1, "baseline": 3, "min_delta": 0.5}, [2.8, 2.8, 2.0], 1),
        ({"patience": 1, "baseline": 3, "mode": "max"}, [2, 4, 5, 5], 3),
        ({"patience": 1, "start_from_epoch": 2}, [1, 1, 1, 1, 1], 3),
    ],
)
def test_when_early_stopping_stops(given, values, last):  # where Keras's does
    stop = EarlyStopping("loss", **given)
    stop.model = types.SimpleNamespace(stop_training=False, metrics={})
    stop.params = {"logs": ["loss"]}
    stop.on_train_begin()
    for epoch, value in enumerate(values):
        stop.on_epoch_end(epoch, {"loss": float(value)})
        if stop.model.stop_training:
            break
    assert epoch == last


def test_none_is_no_callback():
    model = make()
    model.fit(X, Y, callbacks=None, verbose=0)
    assert model.history.epoch == [0]


class Watching(Callback):
    def on_batch_end(self, batch, logs):
        self.seen = batch


@pytest.mark.parametrize(("every", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_every(every, error):
    watching = Watching()
    watching.every = every
    with pytest.raises(error, match="every of Watching must be"):
        make().fit(X, Y, callbacks=[watching], verbose=0)
    watching.every = 2
    spoil = LambdaCallback(on_epoch_begin=lambda epoch: setattr(watching, "every", every))
    with pytest.raises(error, match="every of Watching must be"):
        make().fit(X, Y, callbacks=[spoil, watching], verbose=0)


@pytest.mark.parametrize("name", ["on_epoch_ended", "on_test_batch_end", "on_predict_begin"])
def test_hooks_that_are_never_called(name):
    with pytest.raises(TypeError, match=f"Mine.{name} would never be called; called are on_train_begin, on_epoch_beg"):
        type("Mine", (Callback,), {name: lambda self: None})


@pytest.mark.parametrize("names", [("on_batch_begin", "on_batch_end"), ("on_train_batch_begin", "on_train_batch_end")])
@pytest.mark.parametrize("subclass", [True, False])
def test_batches(names, subclass):
    calls = []
    hooks = dict(zip(names, (lambda b: calls.append(b), lambda b, logs: calls.append((b, *logs))), strict=True))
    if subclass:
        methods = {name: lambda self, *given, f=function: f(*given) for name, function in hooks.items()}
        callback = type("Mine", (Callback,), methods)()
        callback.every = 3
    else:
        callback = LambdaCallback(**hooks, every=3)
    make().fit(X, Y, batch_size=8, callbacks=[callback], verbose=0)
    assert calls == [0, (2, "loss"), 3, (5, "loss"), 6]


def test_a_function_has_one_name():
    with pytest.raises(ValueError, match="on_batch_end and on_train_batch_end are one"):
        LambdaCallback(on_batch_end=print, on_train_batch_end=print)


def test_keras_callback_as_it_is_written():
    class Mine(Callback):
        def __init__(self):
            self.calls = []

        def on_train_begin(self, logs=None):
            self.calls.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            self.calls.append(epoch)

        def on_train_batch_end(self, batch, logs=None):
            self.calls.append(logs["loss"] > 0)

        def on_epoch_end(self, epoch, logs=None):
            self.calls.append("loss" in logs)

        def on_train_end(self, logs=None):
            self.calls.append("end")

    mine = Mine()
    make().fit(X, Y, batch_size=32, callbacks=[mine], verbose=0)
    assert mine.calls == ["begin", 0, True, True, True, "end"]


# What the history has of the learning rate: that of the last step of each epoch, of two steps.
RATES = {
    "number": (SGD(0.1), [0.1] * 3),
    "steps": (SGD(Piecewise([1, 3], [0.3, 0.2, 0.1])), [0.2, 0.1, 0.1]),
    "epochs": (SGD(Piecewise([1, 2], [0.3, 0.2, 0.1], per="epoch")), [0.3, 0.2, 0.1]),
    "a list that ends with training": (SGD(lambda step: [0.5, 0.4, 0.3, 0.2, 0.1, 0.0][step]), [0.4, 0.2, 0.0]),
    "sequence": (Sequence([(SGD(0.2), 1), (SGD(Piecewise([2], [0.1, 0.05])), None)]), [0.2, 0.1, 0.05]),
    "wrapped": (Accumulate(Clip(SGD(Piecewise([1], [0.2, 0.1])), norm=1.0), 2), [0.2, 0.1, 0.1]),
}


@pytest.mark.parametrize("name", RATES)
def test_learning_rate_in_the_history(name):
    optimizer, expected = RATES[name]
    model = make(optimizer)
    model.fit(X, Y, batch_size=32, epochs=3, verbose=0)
    assert model.history.history["learning_rate"] == expected


def test_scheduled_hyperparameters_in_the_history():
    model = make(SGD(0.1, momentum=Piecewise([3], [0.5, 0.9])))
    model.fit(X, Y, batch_size=32, epochs=3, verbose=0)
    assert model.history.history["momentum"] == [0.5, 0.9, 0.9]


def test_learning_rate_that_a_callback_lowers():
    model = make(SGD(0.1))
    halve = LearningRateScheduler(lambda epoch: 0.1 / 2**epoch)
    model.fit(X, Y, epochs=3, callbacks=[halve], verbose=0)
    assert model.history.history["learning_rate"] == [0.1, 0.05, 0.025]


@pytest.mark.parametrize(("value", "error"), [("fast", TypeError), (-0.1, ValueError), (np.nan, ValueError)])
def test_learning_rate_that_is_none(value, error):
    with pytest.raises(error, match="the learning rate of epoch 0 must be"):
        make().fit(X, Y, callbacks=[LearningRateScheduler(lambda epoch: value)], verbose=0)


def test_end_at_a_loss_that_is_not_finite():
    model = make(SGD(Piecewise([6], [0.05, 1e25])))
    with pytest.warns(UserWarning, match="Training ends in epoch 3: the loss is not finite") as warned:
        history = model.fit(X, Y, epochs=50, callbacks=[TerminateOnNaN()], verbose=0)
    assert warned[0].filename == __file__
    assert history.epoch == [0, 1, 2]
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_record_as_a_table(tmp_path):
    pandas = pytest.importorskip("pandas")
    model = make(metrics=["mae"])
    history = model.fit(X, Y, epochs=3, validation_split=0.5, verbose=0)
    frame = history.to_frame()
    assert frame.index.tolist() == [0, 1, 2]
    assert {name: column.tolist() for name, column in frame.items()} == history.history
    history.to_csv(tmp_path / "history.csv")
    read = pandas.read_csv(tmp_path / "history.csv", index_col="epoch")
    pandas.testing.assert_frame_equal(read, frame)


def test_table_as_training_goes(tmp_path):
    path = tmp_path / "log.csv"
    read = []
    watch = LambdaCallback(on_epoch_end=lambda *_: read.append(len(path.read_text().splitlines())))
    model = make()
    log = CSVLogger(path, ";")
    whole = model.fit(X, Y, epochs=3, callbacks=[log, watch], verbose=0)
    assert read == [2, 3, 4]
    more = model.fit(X, Y, initial_epoch=3, epochs=5, callbacks=[CSVLogger(path, ";", append=True)], verbose=0)
    lines = [line.split(";") for line in path.read_text().splitlines()]
    assert lines[0] == ["epoch", *whole.history]
    rows = zip(*((whole.table[name] + more.table[name]) for name in whole.table), strict=True)
    assert [[float(value) for value in line] for line in lines[1:]] == [[*row] for row in rows]
    with pytest.raises(ValueError, match=r"log.csv has the columns .*; this training has"):
        model.fit(X, Y, validation_split=0.5, callbacks=[CSVLogger(path, ";", append=True)], verbose=0)
    assert len(path.read_text().splitlines()) == 6


def test_csv_of_other_metrics(tmp_path):
    """What compile brings later has no column; training goes on."""
    model, path = make(metrics=["mae"]), tmp_path / "log.csv"
    other = LambdaCallback(
        on_epoch_begin=lambda epoch: epoch == 1 and model.compile(model.optimizer, "mse", ["r2", "mse"])
    )
    with pytest.warns(UserWarning, match=r"log.csv has no column for mse, val_r2, val_mse, which came") as warned:
        model.fit(X, Y, epochs=3, validation_split=0.5, callbacks=[CSVLogger(path), other], verbose=0)
    assert len(warned) == 1
    names, *rows = [line.split(",") for line in path.read_text().splitlines()]
    assert [row[names.index("mae")] == "" for row in rows] == [False, True, True]
    assert [float(row[names.index("loss")]) for row in rows] == model.history.history["loss"]


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    history = make().fit(X, Y, epochs=3, validation_split=0.5, callbacks=[TensorBoard(tmp_path)], verbose=0)
    for run, prefix in (("train", ""), ("validation", "val_")):
        [file] = (tmp_path / run).iterdir()
        data, found = file.read_bytes(), []
        while data:  # TFRecord: length, its check sum, the event, its check sum
            length = int.from_bytes(data[:8], "little")
            found += [(event.step, v.tag, v.simple_value) for event in [Event.FromString(data[12 : 12 + length])]
                      for v in event.summary.value]  # fmt: skip
            data = data[16 + length :]
        losses = [(step, value) for step, tag, value in found if tag == "epoch_loss"]
        assert losses == [(i, np.float32(value)) for i, value in enumerate(history.history[f"{prefix}loss"])]


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("tensorboardX", lambda path: make().fit(X, Y, callbacks=[TensorBoard(path)], verbose=0)),
        ("pandas", lambda path: History().to_frame()),
    ],
)
def test_extra_that_is_absent(tmp_path, monkeypatch, package, use):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match="pip install"):
        use(tmp_path)


def test_checkpoints(tmp_path):
    every = ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.3f}.safetensors")
    best = ModelCheckpoint(tmp_path / "best.safetensors", save_best_only=True)
    none = ModelCheckpoint(tmp_path / "none.safetensors", save_best_only=True, initial_value_threshold=0.0)
    worsen = LambdaCallback(
        on_epoch_begin=lambda epoch: epoch == 3 and model.set_weights([w + 9 for w in model.get_weights()])
    )
    model = make(SGD(0.01))
    history = model.fit(X, Y, epochs=4, validation_data=(X, Y), callbacks=[every, best, none, worsen], verbose=0)
    losses = history.history["val_loss"]
    names = [f"{i + 1:02d}-{loss:.3f}.safetensors" for i, loss in enumerate(losses)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "best.safetensors"])
    assert best.best_epoch == int(np.argmin(losses)) == 2
    for name, loss in zip([*names, "best.safetensors"], [*losses, min(losses)], strict=True):
        assert fo.load_model(tmp_path / name).evaluate(X, Y)["loss"] == loss


def test_checkpoints_inside_epochs(tmp_path):
    steps = []
    save = ModelCheckpoint(tmp_path / "{loss:.9f}.safetensors", save_freq=3)
    model = make()
    model.fit(X, Y, batch_size=8, epochs=2, callbacks=[save], verbose=0)
    steps = sorted(fo.load_model(path).optimizer.step for path in tmp_path.iterdir())
    assert steps == [3, 6, 11, 14]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"filepath": "{val_loss}"}, ValueError, "filepath '{val_loss}' names 'val_loss'; there are epoch, loss"),
        ({"filepath": "{loss"}, ValueError, "filepath '{loss' cannot be filled in"),
        ({"filepath": "a", "save_best_only": True}, ValueError, "fit was given no validation data"),
        ({"filepath": "a", "save_freq": 0}, ValueError, "save_freq must be at least 1"),
        ({"filepath": "a", "save_freq": 2, "save_best_only": True}, ValueError, "save_best_only compares epochs"),
        ({"filepath": "a", "save_freq": "batch"}, TypeError, "save_freq must be an integer"),
    ],
)
def test_checkpoints_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        make().fit(X, Y, callbacks=[ModelCheckpoint(**arguments)], verbose=0)


class Compiling(Callback):
    def __init__(self, *arguments):
        self.arguments = arguments

    def on_batch_end(self, batch, logs):
        self.model.compile(*self.arguments)


def test_another_optimizer_inside_an_epoch():
    model = make()
    model.fit(X, Y, callbacks=[Compiling("adam", "mse")], verbose=0)
    assert model.optimizer.rule == "adam"


@pytest.mark.parametrize("arguments", [("sgd", "mae"), ("sgd", "mse", ["mae"])], ids=str)
def test_another_loss_inside_an_epoch(arguments):
    with pytest.raises(RuntimeError, match="another loss or other metrics inside an epoch"):
        make().fit(X, Y, callbacks=[Compiling(*arguments)], verbose=0)


def keras_reductions(values, patience, cooldown):
    """The epochs after which Keras's callback of this name reduces the rate."""
    best, wait, left, reduced = np.inf, 0, 0, []
    for epoch, value in enumerate(values):
        if left > 0:
            left -= 1
            wait = 0
        if value < best - 1e-4:
            best, wait = value, 0
        elif left == 0:
            wait += 1
            if wait >= patience:
                reduced.append(epoch)
                left, wait = cooldown, 0
    return reduced


@pytest.mark.parametrize("cooldown", range(5))
@pytest.mark.parametrize("patience", [1, 2, 3])
def test_plateaus_as_in_keras(patience, cooldown, rng):
    model = make()
    for values in [np.ones(20), *rng.integers(0, 4, (5, 20)) + 10.0 - np.arange(20) / 4]:
        reduce = ReduceLROnPlateau("loss", 0.5, patience, cooldown=cooldown)
        reduce.model, reduce.params = model, {"logs": ["loss"]}
        reduce.on_train_begin()
        for epoch, value in enumerate(values):
            reduce.on_epoch_end(epoch, {"loss": value})
        assert reduce.reduced == keras_reductions(values, patience, cooldown)


def test_a_loss_that_calls_its_model():
    model = make()

    def loss(y_true, y_pred):
        model(X[:3])
        return ((y_pred - y_true) ** 2).mean(axis=1), 2 * (y_pred - y_true)

    model.compile("sgd", loss)
    with pytest.raises(RuntimeError, match="this model is busy: it was called from within its own training"):
        model.fit(X, Y, verbose=0)
