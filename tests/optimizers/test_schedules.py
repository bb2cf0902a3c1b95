"""Schedules: their values, and that training goes by them, on from where it was."""

import inspect
import json
import math
import sys
from unittest import mock

import numpy as np
import pytest
from cases.schedules import FAR
from cases.schedules import SCHEDULES as ROWS

import fastopt as fo
from fastopt import schedules
from fastopt.schedules import SCHEDULES

IDS = [f"{type(row[0]).__name__}-{i}" for i, row in enumerate(ROWS)]
ALL = pytest.mark.parametrize("schedule", [row[0] for row in ROWS], ids=IDS)


def test_every_schedule_has_a_row():
    assert {type(row[0]) for row in ROWS} == set(SCHEDULES.classes.values())
    assert {cls.__name__ for cls in SCHEDULES.classes.values()} | {"Schedule"} == set(schedules.__all__)


@pytest.mark.parametrize(("schedule", "known", "_"), ROWS, ids=IDS)
def test_values(schedule, known, _):
    for t, value in known.items():
        if type(schedule) is not schedules.SineDecay or t < FAR:
            assert schedule(t) == pytest.approx(value, rel=1e-12, abs=1e-15), t
            assert type(schedule(t)) is float
    assert schedule(np.int64(1)) == schedule(1)


@pytest.mark.parametrize(("schedule", "_", "direction"), ROWS, ids=IDS)
def test_direction(schedule, _, direction):
    change = np.diff([schedule(t) for t in range(500)])
    assert {"down": (True, False), "up": (False, True), "both": (True, True), "flat": (False, False)}[direction] == (
        (change < 0).any(),
        (change > 0).any(),
    )


@ALL
def test_values_do_not_depend_on_how_they_are_asked_for(schedule):
    """To the bit: in one piece, in several, one by one, backwards."""
    whole = schedules.values(schedule, np.arange(300.0))
    pieces = [
        schedules.values(schedule, np.arange(a, b)) for a, b in [(0.0, 1.0), (1.0, 8.0), (8.0, 17.0), (17.0, 300.0)]
    ]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    assert [schedule(t) for t in reversed(range(300))] == whole[::-1].tolist()
    assert whole.dtype == np.float64
    assert whole.min() >= 0


@ALL
def test_config(schedule):
    config = json.loads(json.dumps(schedule.get_config()))
    again = type(schedule).from_config(config)
    assert again.get_config() == schedule.get_config()
    assert repr(again) == repr(schedule)
    assert again.per == schedule.per
    assert [again(t) for t in range(50)] == [schedule(t) for t in range(50)]


@ALL
def test_continuous_after_warmup(schedule):
    """The line ends where the schedule begins, which then has its own time; the last step up is as long as each."""
    steps = 40
    warm = schedules.Warmup(schedule, steps)
    assert warm.per == schedule.per
    assert [warm(steps + t) for t in range(50)] == [schedule(t) for t in range(50)]
    np.testing.assert_allclose(np.diff([warm(t) for t in range(steps + 1)]), schedule(0) / steps, rtol=1e-9, atol=1e-15)


def test_warmup_of_a_function():
    warm = schedules.Warmup(lambda step: 0.5 / (1 + step), 2)
    assert [warm(t) for t in range(4)] == [0, 0.25, 0.5, 0.25]


# Bad arguments

BAD = [
    (lambda: schedules.Constant(-1), ValueError, "value must be at least 0, not -1"),
    (lambda: schedules.Constant("0.1"), TypeError, "value must be a number, not '0.1'"),
    (lambda: schedules.Constant(math.nan), ValueError, "value must be finite"),
    (lambda: schedules.Constant(10**400), ValueError, "value must be finite"),
    (lambda: schedules.Constant(1, per="batch"), ValueError, "Unknown per 'batch'.*epoch, step"),
    (lambda: schedules.Constant(1)(-1), ValueError, "t must be at least 0.*not -1"),
    (lambda: schedules.Constant(1)(0.5), TypeError, "t must be an integer, not 0.5"),
    (lambda: schedules.InverseTime(1, k=-1), ValueError, "k must be at least 0, not -1"),
    (lambda: schedules.Exponential(1), ValueError, "either k or decay"),
    (lambda: schedules.Exponential(1, k=1, decay=0.5), ValueError, "either k or decay"),
    (lambda: schedules.Exponential(1, decay=0), ValueError, "decay must be more than 0, not 0"),
    (lambda: schedules.InverseSqrt(-0.1), ValueError, "initial must be at least 0"),
    (lambda: schedules.Staircase(1, 0.5, every=0), ValueError, "every must be at least 1"),
    (lambda: schedules.Staircase(1, 0, every=1), ValueError, "factor must be more than 0"),
    (lambda: schedules.Piecewise([3, 3], [1, 2, 3]), ValueError, r"boundaries must increase: \(3, 3\)"),
    (lambda: schedules.Piecewise([0], [1, 2]), ValueError, r"boundaries\[0\] must be at least 1"),
    (lambda: schedules.Piecewise([1.5], [1, 2]), TypeError, r"boundaries\[0\] must be an integer"),
    (lambda: schedules.Piecewise([3], [1]), ValueError, "1 boundaries need 2 values, not 1"),
    (lambda: schedules.Piecewise([3], [1, -2]), ValueError, r"values\[1\] must be at least 0, not -2"),
    (lambda: schedules.LinearDecay(1, steps=-5), ValueError, "steps must be at least 1.*not -5"),
    (lambda: schedules.LinearDecay(1, steps=5.0), TypeError, "steps must be an integer, not 5.0"),
    (lambda: schedules.LinearDecay(1, steps=5, final=-1), ValueError, "final must be at least 0"),
    (lambda: schedules.Polynomial(1, 5, power=0), ValueError, "power must be more than 0"),
    (lambda: schedules.Cosine(1, 0), ValueError, "steps must be at least 1"),
    (lambda: schedules.Cosine(1, 2**60), ValueError, "steps must be less than"),
    (lambda: schedules.CosineRestarts(1, 5, growth=0), ValueError, "growth must be at least 1"),
    (lambda: schedules.OneCycle(1, 5, tail=1), ValueError, "tail must be at least 0 and less than 1"),
    (lambda: schedules.SineDecay(4), ValueError, "initial must be at least 0 and less than 3.14"),
    (lambda: schedules.PowerDecay(1), ValueError, "initial must be at least 0 and less than 1"),
    (lambda: schedules.PowerDecay(0.5, 0.9), ValueError, "power must be at least 1"),
    (lambda: schedules.Warmup(0.1, 0), ValueError, "steps must be at least 1"),
    (lambda: schedules.Warmup(-0.1, 5), ValueError, "schedule must be at least 0"),
    (lambda: schedules.Warmup("cosine", 5), TypeError, "schedule must be a number, not 'cosine'"),
    (lambda: schedules.Warmup({"class": "Nothing", "config": {}}, 5), ValueError, "Unknown schedule 'Nothing'"),
    (lambda: schedules.ConstantWarmup(0.1, 5, low=-1), ValueError, "low must be at least 0"),
    (lambda: schedules.Constant(0.1).plot(0), ValueError, "stop must be at least 1"),
    (lambda: fo.optimizers.SGD("cosine"), TypeError, "learning_rate must be a number"),
    (
        lambda: fo.optimizers.Adagrad(initial_accumulator_value=abs),
        TypeError,
        "initial_accumulator_value must be a num",
    ),
    (lambda: fo.callbacks.ReduceLROnPlateau(factor=1), ValueError, "factor must be more than 0 and less than 1"),
    (lambda: fo.callbacks.ReduceLROnPlateau(patience=0), ValueError, "patience must be at least 1"),
    (lambda: fo.callbacks.ReduceLROnPlateau(cooldown=-1), ValueError, "cooldown must be at least 0"),
    (lambda: fo.callbacks.ReduceLROnPlateau(min_lr=-1), ValueError, "min_lr must be at least 0"),
    (lambda: fo.callbacks.ReduceLROnPlateau(mode="down"), ValueError, "Unknown mode 'down'"),
    (lambda: fo.callbacks.WarmupUntil(-1, 0.1, 0.5), ValueError, "low must be at least 0"),
    (lambda: fo.callbacks.WarmupUntil(0.1, None, 0.5), TypeError, "learning_rate must be a number"),
    (lambda: fo.callbacks.WarmupUntil(0.1, 1, math.nan), ValueError, "threshold must be finite"),
]


@pytest.mark.parametrize(("action", "exception", "message"), BAD)
def test_refused(action, exception, message):
    with pytest.raises(exception, match=message):
        action()


def test_attributes_are_set_once():
    rate = schedules.Cosine(0.1, 10)
    with pytest.raises(AttributeError, match=r"Cosine\(initial=0.1, steps=10\) is a value.*the initial"):
        rate.initial = 0.2
    assert rate == schedules.Cosine(0.1, 10)


# In optimizers, on bare arrays


@pytest.mark.parametrize("rate", [schedules.LinearDecay(0.5, 5), lambda step: 0.5 * 0.5**step])
def test_bare_arrays(rate):
    w, want = np.zeros(3), 0.0
    sgd = fo.optimizers.SGD(rate)
    for step in range(8):
        sgd.update(w, np.ones(3))
        want -= rate(step)
        assert sgd.step == step + 1
    np.testing.assert_allclose(w, want)
    assert sgd.learning_rate is rate


def test_bare_arrays_by_epoch():
    w, sgd = np.zeros(1), fo.optimizers.SGD(schedules.Staircase(1, 0.5, every=1, per="epoch"))
    for sgd.epoch in range(3):
        for _ in range(2):
            sgd.update(w, np.ones(1))
    assert w == -(2 * 1 + 2 * 0.5 + 2 * 0.25)


def test_every_hyperparameter():
    """All that the rule reads at each step may change; the rule is the one with a momentum."""
    sgd = fo.optimizers.SGD(0.1, momentum=schedules.LinearDecay(0.5, 4, final=0.9))
    assert sgd.rule == "momentum"
    assert sgd.hyper == {"learning_rate": 0.1, "momentum": 0.5}
    series = sgd.hyper_of(6)
    assert series["learning_rate"] == 0.1
    np.testing.assert_allclose(series["momentum"], [0.5, 0.6, 0.7, 0.8, 0.9, 0.9])
    adam = fo.optimizers.Adam(beta_1=lambda step: 0.5, epsilon=schedules.InverseTime(1, 1))
    assert adam.hyper_of(2)["beta_1"] == 0.5  # one number, as it stays
    assert adam.hyper_of(2)["epsilon"].tolist() == [1, 0.5]


@pytest.mark.parametrize(
    ("optimizer", "exception", "message"),
    [
        (
            fo.optimizers.SGD(lambda step: 1.0 - step),
            ValueError,
            "learning_rate at step 2 must be at least 0, not -1.0",
        ),
        (fo.optimizers.SGD(lambda step: math.nan), ValueError, "The value at step 0 must be finite, not nan"),
        (fo.optimizers.SGD(lambda step: "low"), TypeError, "The value at step 0 must be a number, not 'low'"),
        (
            fo.optimizers.SGD(0.1, schedules.Constant(1)),
            ValueError,
            "momentum at step 0 must be at least 0 and less th",
        ),
        (
            fo.optimizers.Adam(epsilon=schedules.Cosine(1, 2)),
            ValueError,
            "epsilon at step 2 must be at least 1.17549e-38",
        ),
        (fo.optimizers.SGD(schedules.Constant(2, "epoch"), schedules.Constant(2, "epoch")), ValueError, "at epoch 0"),
        (fo.optimizers.SGD(schedules.Exponential(1, k=-500)), ValueError, "learning_rate at step 2 must be finite"),
    ],
)
def test_values_out_of_range(optimizer, exception, message):
    with pytest.raises(exception, match=message):
        optimizer.hyper_of(5)


# In fit


@pytest.fixture
def data(rng):
    x = rng.normal(size=(70, 5))
    return x, x.sum(axis=1) + 0.1 * rng.normal(size=70)


def make(optimizer=0.1, **kwargs):
    model = fo.Sequential([fo.layers.Dense(4, "tanh"), fo.layers.Dense(1)], seed=3, **kwargs)
    model.compile(
        fo.optimizers.SGD(optimizer) if not isinstance(optimizer, fo.optimizers.Optimizer) else optimizer, "mse"
    )
    return model


def state(model):
    return {name: view.tobytes() for name, view in (model.parameters | model.slots).items()}


def optimizers():
    rate = schedules.Warmup(schedules.CosineRestarts(0.1, 6, growth=2), 7)
    return {
        "per-step": fo.optimizers.SGD(rate),
        "per-epoch": fo.optimizers.SGD(schedules.Exponential(0.1, decay=0.5, per="epoch")),
        "function": fo.optimizers.SGD(lambda step: 0.1 / (1 + step)),
        "momentum": fo.optimizers.SGD(schedules.Staircase(0.1, 0.5, 2, "epoch"), schedules.LinearDecay(0.5, 20, 0.9)),
        "adam": fo.optimizers.Adam(rate, beta_1=schedules.OneCycle(0.85, 30, initial=0.95, final=0.95)),
    }


@pytest.mark.parametrize("name", optimizers())
def test_fit_goes_by_the_schedule(name, data):
    """As one step after the other with the numbers of each, set by hand."""
    x, y = data
    fitted, by_hand = make(optimizers()[name]), make(optimizers()[name])
    fitted.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0)
    rates = {key: rate for key, rate in vars(by_hand.optimizer).items() if callable(rate)}
    for epoch in range(4):
        for start in range(0, 70, 16):
            for key, rate in rates.items():
                by_epoch = getattr(rate, "per", "step") == "epoch"
                setattr(by_hand.optimizer, key, rate(epoch if by_epoch else by_hand.optimizer.step))
            by_hand.train_on_batch(x[start : start + 16], y[start : start + 16])
    assert state(fitted) == state(by_hand)


@pytest.mark.parametrize("name", optimizers())
def test_batches_do_not_change_training(name, data):
    """Nor does a callback that makes the trainer come up inside an epoch."""
    plain, watched = make(optimizers()[name]), make(optimizers()[name])
    plain.fit(*data, batch_size=7, epochs=3, verbose=0)
    watch = fo.callbacks.LambdaCallback(on_batch_end=lambda *_: None, every=3)
    watched.fit(*data, batch_size=7, epochs=3, callbacks=[watch], verbose=0)
    assert state(watched) == state(plain)


@pytest.mark.parametrize("name", [name for name in optimizers() if name != "function"])
@pytest.mark.parametrize("batch_size", [16, schedules.Staircase(8, 2, every=2, per="epoch")], ids=["fixed", "growing"])
def test_resume_is_exact(name, batch_size, data, tmp_path):
    straight, first = make(optimizers()[name]), make(optimizers()[name])
    whole = straight.fit(*data, batch_size=batch_size, epochs=7, verbose=0).history["loss"]
    losses = first.fit(*data, batch_size=batch_size, epochs=3, verbose=0).history["loss"]
    first.save(tmp_path / "model.safetensors")
    second = fo.load_model(tmp_path / "model.safetensors")
    assert second.optimizer.get_config() == first.optimizer.get_config()
    assert repr(second.optimizer) == repr(first.optimizer)
    losses += second.fit(*data, batch_size=batch_size, epochs=4, verbose=0).history["loss"]
    assert losses == whole
    assert state(second) == state(straight)


def test_resume_with_a_function_is_exact(data):
    straight, twice = make(lambda step: 0.1 / (1 + step)), make(lambda step: 0.1 / (1 + step))
    straight.fit(*data, epochs=5, verbose=0)
    twice.fit(*data, epochs=2, verbose=0)
    twice.fit(*data, epochs=5, initial_epoch=2, verbose=0)
    assert state(twice) == state(straight)


def test_constant_equals_number(data):
    number, constant = make(0.05), make(schedules.Constant(0.05))
    for model in (number, constant):
        model.fit(*data, epochs=2, verbose=0)
    assert state(number) == state(constant)


def test_own_loop(data):
    x, y = data
    model = make(schedules.Piecewise([3], [0.1, 0.0]))
    seen = []
    for _ in range(5):
        model.backward(2 * (model(x) - y[:, None]) / len(x))
        model.apply_gradients()
        seen.append(model.get_weights()[0].tobytes())
    assert len(set(seen)) == 3
    assert seen[2] == seen[3] == seen[4]


def test_own_loop_by_epoch(data):
    x, y = data
    model = make(schedules.Piecewise([1], [0.1, 0.0], per="epoch"))
    model.train_on_batch(x, y)
    moved = state(model)
    model.epochs_trained += 1
    model.train_on_batch(x, y)
    assert state(model) == moved
    assert model.optimizer.hyper == {"learning_rate": 0.0}


def test_set_between_epochs(data):
    """A rate may become a schedule, another, or a number; each takes effect with the next epoch."""
    rates = [schedules.Cosine(0.1, 9), 0.05, lambda step: 0.01 / (1 + step), 0.0]
    switched, by_call = make(0.2), make(0.2)
    change = fo.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch: setattr(switched.optimizer, "learning_rate", rates[epoch])
    )
    switched.fit(*data, epochs=4, callbacks=[change], verbose=0)
    for rate in rates:
        by_call.optimizer.learning_rate = rate
        by_call.fit(*data, verbose=0)
    assert state(switched) == state(by_call)


@pytest.mark.parametrize("rate", [abs, schedules.Warmup(abs, 5)], ids=["function", "inside"])
def test_functions_cannot_be_saved(rate, tmp_path):
    model = make(rate)
    model.build(5)
    with pytest.raises(ValueError, match=r"SGD\(.*cannot be saved: .* is a plain function.*fastopt.schedules"):
        model.save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_own_schedules_cannot_be_saved(tmp_path):
    class Mine(schedules.Schedule):
        def formula(self, t):
            return np.exp(-t)

    model = make(Mine())
    model.build(5)
    assert model.optimizer.hyper == {"learning_rate": 1.0}
    with pytest.raises(ValueError, match=r"cannot be saved: Unknown schedule 'Mine'"):
        model.save(tmp_path / "model.safetensors")


def test_a_bad_value_stops_before_the_epoch(data):
    model = make(lambda step: 0.1 if step < 8 else -1)
    with pytest.raises(ValueError, match="learning_rate at step 8 must be at least 0"):
        model.fit(*data, batch_size=10, epochs=3, verbose=0)
    assert (model.optimizer.step, model.epochs_trained) == (7, 1)


# The batch size


def sizes(model, data, **kwargs):
    """The batches of each epoch, as counted by the optimizer and as callbacks are told."""
    counts, told = [0], []
    watch = fo.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch: told.append(watch.params["batches"]),
        on_epoch_end=lambda *_: counts.append(model.optimizer.step),
    )
    model.fit(*data, callbacks=[watch], **{"verbose": 0, **kwargs})
    assert told == np.diff(counts).tolist()
    return told


@pytest.mark.parametrize(
    ("batch_size", "batches"),
    [
        (schedules.Staircase(10, 2, every=2, per="epoch"), [7, 7, 4, 4, 2]),
        (schedules.Exponential(10, decay=1.5, per="epoch"), [7, 5, 4, 3, 2]),  # 10, 15, 22, 34, 51
        (schedules.Piecewise([1, 2], [1, 35, 1000], per="epoch"), [70, 2, 1, 1, 1]),
        (lambda epoch: 10 + 10 * epoch, [7, 4, 3, 2, 2]),
    ],
)
@pytest.mark.parametrize("verbose", [0, 1])
def test_batch_size(batch_size, batches, verbose, data, capsys):
    assert sizes(make(), data, batch_size=batch_size, epochs=5, verbose=verbose) == batches
    assert not verbose or "epoch 5/5 100%" in capsys.readouterr().err


def test_batch_size_goes_on(data):
    model, batch_size = make(), schedules.Staircase(10, 2, every=2, per="epoch")
    model.fit(*data, epochs=3, verbose=0)
    model.compile("sgd", "mse")
    assert sizes(model, data, batch_size=batch_size, epochs=5, initial_epoch=3) == [4, 2]


@pytest.mark.parametrize(
    ("batch_size", "exception", "message"),
    [
        (schedules.Constant(10), ValueError, r"between epochs only: give Constant\(value=10.0\) per='epoch'"),
        (schedules.Constant(0.4, per="epoch"), ValueError, "batch_size must be at least 1, not 0"),
        (lambda epoch: "ten", TypeError, "batch_size must be a number, not 'ten'"),
        (lambda epoch: -3, ValueError, "batch_size must be at least 1, not -3"),
        (lambda epoch: math.inf, ValueError, "batch_size must be finite"),
    ],
)
def test_bad_batch_size(batch_size, exception, message, data):
    model = make()
    with pytest.raises(exception, match=message):
        model.fit(*data, batch_size=batch_size, verbose=0)
    assert not model.built


# ReduceLROnPlateau


class Losses(fo.callbacks.Callback):
    """Puts given values in the place of what was measured."""

    def __init__(self, values, name="loss"):
        self.values, self.name = values, name

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.values[epoch]


@pytest.mark.parametrize(
    ("losses", "arguments", "reduced"),
    [
        ([5, 4, 3, 2, 1], {"patience": 1}, []),
        ([5, 5, 5, 5, 5], {"patience": 1}, [1, 2, 3, 4]),
        ([5, 5, 5, 5, 5], {"patience": 2}, [2, 4]),
        ([5, 5, 4, 4, 4, 4, 4], {"patience": 2}, [4, 6]),
        ([5, 6, 5, 4, 6, 6, 3, 3, 3], {"patience": 2}, [2, 5, 8]),
        ([5, 4.9, 4.8, 4.7], {"patience": 1, "min_delta": 0.5}, [1, 2, 3]),
        ([5, 4.9, 4.8, 4.7], {"patience": 1, "min_delta": 0.05}, []),
        ([5] * 9, {"patience": 1, "cooldown": 2}, [1, 3, 5, 7]),
        ([5] * 9, {"patience": 2, "cooldown": 1}, [2, 4, 6, 8]),
        ([5, 5, 4, 4, 4, 4, 4], {"patience": 1, "cooldown": 3}, [1, 4]),
        ([1, 2, 3, 4], {"patience": 1, "mode": "max"}, []),
        ([5, 5, 5, 5], {"patience": 1, "min_lr": 0.3}, [1, 2]),
        ([5, 5, 5, 5], {"patience": 1, "min_lr": 2.0}, []),
    ],
)
def test_reduce_on_plateau(losses, arguments, reduced, data):
    model = make(1.0)
    reduce = fo.callbacks.ReduceLROnPlateau("loss", factor=0.5, **arguments)
    rates = []
    record = fo.callbacks.LambdaCallback(on_epoch_begin=lambda _: rates.append(model.optimizer.learning_rate))
    x, y = np.zeros((4, 2)), np.zeros(4)
    model.fit(x, y, epochs=len(losses), callbacks=[record, Losses(losses), reduce], verbose=0)
    assert reduce.reduced == reduced
    low = arguments.get("min_lr", 0)
    want = [max(0.5 ** sum(last < epoch for last in reduced), min(low, 1.0)) for epoch in range(len(losses))]
    assert rates == want


def test_reduce_on_plateau_of_accuracy(rng):
    """An accuracy is to grow."""
    model = fo.Sequential([fo.layers.Dense(2)])
    model.compile(fo.optimizers.SGD(1.0), "sparse_categorical_crossentropy", ["accuracy"])
    reduce = fo.callbacks.ReduceLROnPlateau("accuracy", patience=1)
    values = Losses([0.1, 0.2, 0.3, 0.3, 0.2], "accuracy")
    model.fit(rng.normal(size=(8, 2)), np.arange(8) % 2, epochs=5, callbacks=[values, reduce], verbose=0)
    assert reduce.reduced == [3, 4]
    assert model.optimizer.learning_rate == pytest.approx(0.01)


def test_reduce_begins_anew(data):
    model, reduce = make(1e-9), fo.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1.0)
    for rate in (0.5e-9, 0.25e-9):
        model.fit(*data, epochs=2, callbacks=[reduce], verbose=0)
        assert reduce.reduced == [1]
        assert model.optimizer.learning_rate == rate


def test_reduce_needs_a_number(data):
    model = make(schedules.Cosine(0.1, 10))
    with pytest.raises(TypeError, match=r"needs a learning rate that is a number, not Cosine\(initial=0.1, steps=10\)"):
        model.fit(*data, callbacks=[fo.callbacks.ReduceLROnPlateau("loss")], verbose=0)
    with pytest.raises(ValueError, match="Unknown value to monitor 'val_loss'"):
        model.fit(*data, callbacks=[fo.callbacks.ReduceLROnPlateau()], verbose=0)


# WarmupUntil


@pytest.mark.parametrize(
    ("losses", "warm"),
    [([5, 4, 3, 2, 1], 4), ([2, 4, 3, 2, 1], 1), ([9, 9, 9, 9, 9], 5), ([9, 2, 9, 9, 9], 2)],
)
def test_warmup_until(losses, warm, data):
    model, rates = make(0.7), []
    record = fo.callbacks.LambdaCallback(on_epoch_begin=lambda _: rates.append(model.optimizer.learning_rate))
    until = fo.callbacks.WarmupUntil(0.01, 0.1, threshold=2)
    watch = [Losses(losses), until, record]
    with mock.patch.object(fo.callbacks.WarmupUntil, "wants_batches", False):
        model.fit(*data, epochs=5, callbacks=watch, verbose=0)
    assert rates == [0.01] * warm + [0.1] * (5 - warm)


def test_warmup_ends_inside_an_epoch(data):
    model, rates = make(0.7), []
    record = fo.callbacks.LambdaCallback(on_batch_end=lambda *_: rates.append(model.optimizer.learning_rate))
    until = fo.callbacks.WarmupUntil(0.01, schedules.Cosine(0.1, 10), threshold=1e9, every=3)
    model.fit(*data, batch_size=10, epochs=1, callbacks=[until, record], verbose=0)
    assert rates == [0.01] * 2 + [until.learning_rate] * 5
    assert not until.wants_batches


def test_warmup_until_goes_on(data, tmp_path):
    """With the low rate if it had not ended, else with what is there by then."""
    until = fo.callbacks.WarmupUntil(0.001, 0.1, threshold=-1.0)
    model = make()
    model.fit(*data, callbacks=[until], verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = fo.load_model(tmp_path / "model.safetensors")
    assert again.optimizer.learning_rate == 0.001
    again.fit(*data, callbacks=[fo.callbacks.WarmupUntil(0.001, 0.1, threshold=1e9)], verbose=0)
    assert again.optimizer.learning_rate == 0.1
    again.optimizer.learning_rate = 0.05
    again.fit(*data, callbacks=[fo.callbacks.WarmupUntil(0.001, 0.1, threshold=1e9)], verbose=0)
    assert again.optimizer.learning_rate == 0.05


def test_warmup_until_watches_training(data):
    until = fo.callbacks.WarmupUntil(0.001, 0.1, threshold=1, monitor="val_loss")
    with pytest.raises(ValueError, match="watches the training, not 'val_loss'"):
        make().fit(*data, validation_split=0.5, callbacks=[until], verbose=0)


# Pictures


@ALL
def test_plot(schedule):
    """What is drawn, on axes that only record it; the default shows some change, if there is any."""
    axes = mock.MagicMock()
    assert schedule.plot(ax=axes, label="momentum") is axes
    (t, drawn), _ = axes.plot.call_args
    assert t[0] == 0
    assert drawn.tolist() == [schedule(int(n)) for n in t]
    axes.set_xlabel.assert_called_once_with(schedule.per)
    axes.set_ylabel.assert_called_once_with("momentum")
    flat = len({schedule(n) for n in range(1000)}) == 1
    assert flat or np.ptp(drawn) > 0.1 * max(drawn)
    assert len(schedule.plot(7, ax=axes).plot.call_args.args[0]) == 8


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"plot needs matplotlib: pip install 'fastopt\[plot\]'"):
        schedules.Cosine(0.1, 10).plot()


def test_pure():
    """No schedule keeps what it was asked, except the one that goes on from there."""
    for schedule, *_ in ROWS:
        before = {**vars(schedule), "_last": None}
        schedule(5)
        assert {**vars(schedule), "_last": None} == before
        assert [*inspect.signature(type(schedule)).parameters][-1] in ("per", "low")
