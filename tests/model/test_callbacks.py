"""What callbacks are promised: also where training ends otherwise than it should."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import Callback, EarlyStopping, LambdaCallback, ReduceLROnPlateau
from fastopt.optimizers import SGD
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


@pytest.mark.parametrize("name", ["on_epoch_ended", "on_train_batch_end", "on_begin"])
def test_hooks_that_are_never_called(name):
    with pytest.warns(UserWarning, match=f"Mine.{name} is never called; called are on_train_begin, on_epoch_begin"):
        type("Mine", (Callback,), {name: lambda self: None})


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
