"""The Model API: what a user calls, and what comes back."""

import copy
import inspect
import os
import pickle
import subprocess
import sys

import cases
import numpy as np
import pytest

import fastopt as fo
from fastopt import _core


@pytest.fixture
def data(rng):
    x = rng.normal(size=(100, 6))
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


@pytest.fixture
def model():
    result = fo.Sequential([fo.layers.Dense(8, "relu"), fo.layers.Dense(3)], seed=0)
    result.compile(fo.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["acc"])
    return result


def regression(units=1, **kwargs):
    model = fo.Sequential([fo.layers.Dense(units)], **kwargs)
    model.compile(fo.optimizers.SGD(0.1), "mse")
    return model


# Names and objects

SAME = {
    fo.optimizers.OPTIMIZERS: [
        ("sgd", "SGD"),
        ("lion", "Lion"),
        ("adagrad", "Adagrad"),
        ("rmsprop", "RMSprop"),
        ("adadelta", "Adadelta"),
        ("delta_bar_delta", "DeltaBarDelta"),
        ("adam", "Adam"),
        ("adamw", "AdamW"),
        ("adamax", "Adamax"),
        ("nadam", "Nadam"),
        ("radam", "RAdam"),
        ("lamb", "Lamb"),
        ("swats", "SWATS"),
    ],
    fo.losses.LOSSES: [
        ("mse", "MeanSquaredError"),
        ("mean_squared_error", "MeanSquaredError"),
        ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
        ("categorical_crossentropy", "CategoricalCrossentropy"),
        ("binary_crossentropy", "BinaryCrossentropy"),
        ("kl_divergence", "KLDivergence"),
        ("kld", "KLDivergence"),
        ("mae", "MeanAbsoluteError"),
        ("huber", "Huber"),
        ("log_cosh", "LogCosh"),
        ("hinge", "Hinge"),
        ("squared_hinge", "SquaredHinge"),
        ("poisson", "Poisson"),
    ],
    fo.metrics.METRICS: [("acc", "Accuracy"), ("mse", "MeanSquaredError"), ("mae", "MeanAbsoluteError")],
    fo.initializers.INITIALIZERS: [
        ("zeros", "Zeros"),
        ("ones", "Ones"),
        ("constant", "Constant"),
        ("normal", "RandomNormal"),
        ("uniform", "RandomUniform"),
        ("variance_scaling", "VarianceScaling"),
        ("glorot_uniform", "GlorotUniform"),
        ("xavier_uniform", "GlorotUniform"),
        ("glorot_normal", "GlorotNormal"),
        ("xavier_normal", "GlorotNormal"),
        ("he_uniform", "HeUniform"),
        ("kaiming_uniform", "HeUniform"),
        ("he_normal", "HeNormal"),
        ("kaiming_normal", "HeNormal"),
        ("lecun_uniform", "LecunUniform"),
        ("lecun_normal", "LecunNormal"),
        ("fan_in_normal", "LecunNormal"),
        ("fan_in_uniform", "FanInUniform"),
        ("orthogonal", "Orthogonal"),
        ("sparse", "Sparse"),
    ],
    fo.regularizers.REGULARIZERS: [("l1", "L1"), ("l2", "L2"), ("l1l2", "L1L2")],
    fo.constraints.CONSTRAINTS: [
        ("max_norm", "MaxNorm"),
        ("unit_norm", "UnitNorm"),
        ("non_neg", "NonNeg"),
        ("non_negative", "NonNeg"),
    ],
}
NAMES = [(registry, *names) for registry, rows in SAME.items() for names in rows]


@pytest.mark.parametrize(("registry", "name", "cls"), NAMES)
def test_names_objects_and_configs(registry, name, cls):
    by_name = registry.resolve(name)
    assert type(by_name).__name__ == cls
    assert type(registry.resolve(cls)) is type(by_name)
    assert registry.resolve(by_name) is by_name
    again = registry.resolve({"class": cls, "config": by_name.get_config()})
    assert again.get_config() == by_name.get_config()
    assert repr(again) == repr(by_name)


@pytest.mark.parametrize(
    "thing",
    [
        *(make() for make in cases.OPTIMIZERS.values()),
        fo.initializers.RandomNormal(1.0, 2.0),
        fo.losses.Huber(0.5),
        fo.losses.SparseCategoricalCrossentropy(label_smoothing=0.1),
        fo.initializers.RandomUniform(-1.0, 2.0),
        fo.initializers.Constant([1.0, 2.0]),
        fo.initializers.VarianceScaling(3.0, "fan_out", "uniform"),
        fo.initializers.HeUniform(2.0, 0.1),
        fo.initializers.Sparse(3, 0.5),
        fo.layers.Dense(3, "tanh", False, fo.initializers.HeNormal(), fo.initializers.Constant(2), "name"),
        fo.layers.Dense(
            3, kernel_regularizer="l1", bias_regularizer="l2", activity_regularizer=fo.regularizers.L1L2(1, 2)
        ),
        fo.layers.Maxout(3, kernel_constraint=fo.constraints.MaxNorm(3.0, axis=1)),
        fo.layers.WeightNormalization(fo.layers.Maxout(3, kernel_constraint=fo.constraints.UnitNorm(1)), "name"),
        fo.layers.Scaling("matrix", "name"),
    ],
)
def test_config_holds_everything(thing):
    config = thing.get_config()
    again = type(thing).from_config(config)
    assert again.get_config() == config
    assert repr(again) == repr(thing)


# Starting values


def test_every_tensor_has_its_own_stream():
    layers = [fo.layers.Dense(5, kernel_initializer="normal", bias_initializer="normal") for _ in range(3)]
    model = fo.Sequential(layers, seed=4)
    model.build(5)
    first = [view.ravel()[:5] for view in model.parameters.values()]
    assert len({tuple(values) for values in first}) == 6


# Fit and its history


def test_history(model, data):
    history = model.fit(*data, epochs=30, validation_split=0.2, verbose=0)
    assert history is model.history
    assert history.epoch == list(range(30))
    validation = ["val_loss", "val_acc"]
    assert list(history.history) == ["loss", "acc", *validation, "learning_rate", "seconds", "samples_per_second"]
    assert {len(values) for values in history.history.values()} == {30}
    assert all(seconds > 0 for seconds in history.history["seconds"])
    speed = np.array(history.history["samples_per_second"]) * history.history["seconds"]
    np.testing.assert_allclose(speed, 80)
    assert history.history["acc"][-1] > history.history["acc"][0]


def test_initial_epoch(model, data):
    assert model.fit(*data, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]
    assert model.fit(*data, epochs=5, initial_epoch=5, verbose=0).epoch == []
    assert model.epochs_trained == 2


def test_validation_split_is_the_end(data):
    x, y = data
    split, given = regression(), regression()
    split.fit(x, y, epochs=2, validation_split=0.3, verbose=0)
    given.fit(x[:70], y[:70], epochs=2, validation_data=(x[70:], y[70:]), verbose=0)
    assert split.history.history["val_loss"] == given.history.history["val_loss"]
    assert split.history.history["val_loss"][-1] == split.evaluate(x[70:], y[70:])["loss"]


def test_weighted_validation(data, rng):
    x, y = data
    weight = rng.random(100)
    split, given = regression(), regression()
    split.fit(x, y, sample_weight=weight, validation_split=0.3, verbose=0)
    given.fit(x[:70], y[:70], sample_weight=weight[:70], validation_data=(x[70:], y[70:], weight[70:]), verbose=0)
    assert split.history.history["val_loss"] == given.history.history["val_loss"]


def test_evaluate_is_weighted_mean(data, rng):
    x, y = data
    weight = rng.random(100)
    model = regression(dtype="float64")
    model.build(6)
    error = (model.predict(x)[:, 0] - y) ** 2
    assert model.evaluate(x, y)["loss"] == pytest.approx(error.mean(), rel=1e-12)
    assert model.evaluate(x, y, sample_weight=weight)["loss"] == pytest.approx((weight * error).sum() / weight.sum())
    assert model.evaluate(x, y, batch_size=7)["loss"] == pytest.approx(error.mean(), rel=1e-12)


def test_zero_epochs(model, data):
    assert model.fit(*data, epochs=0, verbose=0).history == {}
    assert model.built


def test_learning_rate_takes_effect(data):
    model, once = regression(), regression()
    stop = fo.callbacks.LambdaCallback(on_epoch_end=lambda *_: setattr(model.optimizer, "learning_rate", 0.0))
    model.fit(*data, epochs=3, callbacks=[stop], verbose=0)
    once.fit(*data, verbose=0)
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in once.get_weights()]


def test_what_stays_between_calls_is_made_once(data, monkeypatch):
    """Else small calls would take several times as long."""
    x, y = data[0].astype(np.float32), data[1]
    model = fo.Sequential([fo.layers.Dense(8, "relu"), fo.layers.Dense(3)], seed=0)
    model.compile(fo.optimizers.Clip(fo.optimizers.Adam(0.01), norm=1.0), "sparse_categorical_crossentropy", ["acc"])

    def calls():
        model.train_on_batch(x, y)
        model.backward(model(x))
        model.apply_gradients()
        model.evaluate(x, y)
        model.predict(x)

    calls()
    for owner, name in (
        (inspect, "signature"),
        (fo.layers.Dense, "output_shape"),
        (fo.optimizers.Adam, "numbers"),
        (fo.metrics.Accuracy, "function"),
    ):
        monkeypatch.setattr(owner, name, None)
    calls()


READABLE = np.arange(6, dtype=np.float32).reshape(3, 2)
UNREADABLE = {
    "another dtype": READABLE.astype(np.float64),
    "another byte order": READABLE.astype(">f4"),
    "strided": READABLE[::2],
    "columns first": np.asfortranarray(READABLE),
    "unaligned": np.zeros(25, np.int8)[1:].view(np.float32).reshape(3, 2),
    "another shape": READABLE.T.copy(),
    "one dimension": READABLE[0],
    "no rows": READABLE[:0],
    "NaN": np.full((3, 2), np.nan, np.float32),
    "a list": READABLE.tolist(),
    "a subclass": READABLE.view(np.memmap),
}


@pytest.mark.parametrize("array", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_as_it_is(array):
    assert _core.is_matrix(READABLE, "float32", 2)
    assert not _core.is_matrix(array, "float32", 2)


LABELS = np.array([0, 2, 1])
NO_LABELS = {
    "below": np.array([0, -1]),
    "above": np.array([0, 3]),
    "another dtype": LABELS.astype(np.int32),
    "strided": LABELS[::2],
    "two dimensions": LABELS[:, np.newaxis],
    "a list": LABELS.tolist(),
}


@pytest.mark.parametrize("array", NO_LABELS.values(), ids=NO_LABELS)
def test_what_are_no_labels_as_they_are(array):
    assert _core.is_labels(LABELS, 3)
    assert not _core.is_labels(array, 3)


# Callbacks


def test_order_of_calls(data):
    calls = []
    record = fo.callbacks.LambdaCallback(
        on_train_begin=lambda: calls.append("begin"),
        on_epoch_begin=lambda epoch: calls.append(("epoch", epoch)),
        on_batch_end=lambda batch, logs: calls.append(batch),
        on_epoch_end=lambda epoch, logs: calls.append(sorted(logs)),
        on_train_end=lambda: calls.append("end"),
        every=2,
    )
    regression().fit(*data, batch_size=20, epochs=2, callbacks=[record], verbose=0)
    names = ["learning_rate", "loss", "samples_per_second", "seconds"]
    assert calls == ["begin", ("epoch", 0), 1, 3, names, ("epoch", 1), 1, 3, names, "end"]


class Batches(fo.callbacks.Callback):
    def __init__(self, every):
        self.every = every
        self.losses = []

    def on_batch_end(self, batch, logs):
        self.losses.append(logs["loss"])


def test_batches_do_not_change_training(data):
    plain, watched = regression(), regression()
    plain.fit(*data, batch_size=7, epochs=2, verbose=0)
    every3, every4 = Batches(3), Batches(4)
    watched.fit(*data, batch_size=7, epochs=2, callbacks=[every3, every4], verbose=0)
    assert (len(every3.losses), len(every4.losses)) == (10, 6)
    assert [w.tobytes() for w in watched.get_weights()] == [w.tobytes() for w in plain.get_weights()]
    np.testing.assert_allclose(watched.history.history["loss"], plain.history.history["loss"], rtol=1e-14)


@pytest.mark.parametrize(("rows", "shuffle", "steps"), [(10, True, 2), (10, False, 2), (8, True, 2), (3, True, 1)])
def test_drop_remainder(rows, shuffle, steps):
    x, y = np.eye(rows), np.arange(rows)
    model = fo.Sequential([fo.layers.Dense(1, use_bias=False, kernel_initializer="zeros")], seed=0)
    model.compile(fo.optimizers.SGD(0.1), "mse")
    model.build(rows)
    seen = []
    for _ in range(6):
        model.set_weights([np.zeros((rows, 1))])
        model.fit(x, y + 1, batch_size=4, epochs=1, shuffle=shuffle, drop_remainder=True, verbose=0)
        seen.append(np.flatnonzero(model.get_weights()[0]))
    assert model.optimizer.step == 6 * steps
    assert {len(some) for some in seen} == {min(rows, 4 * steps)}
    assert (len({tuple(some) for some in seen}) > 1) == (shuffle and rows == 10)


def test_last_batch_has_the_mean_of_the_epoch(data):
    model, each = regression(), Batches(1)
    model.fit(*data, batch_size=30, callbacks=[each], verbose=0)
    assert len(each.losses) == 4
    assert each.losses[-1] == model.history.history["loss"][0]


def test_stop_in_a_batch(data):
    model = regression()
    stop = fo.callbacks.LambdaCallback(on_batch_end=lambda *_: setattr(model, "stop_training", True), every=2)
    model.fit(*data, batch_size=10, epochs=5, callbacks=[stop], verbose=0)
    assert (model.optimizer.step, model.history.epoch) == (2, [0])


def test_early_stopping(data):
    x, y = data
    model = regression()
    stop = fo.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    worsen = fo.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, _: epoch == 3 and model.set_weights([np.full((6, 1), 100.0), np.zeros(1)])
    )
    freeze = fo.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch: setattr(model.optimizer, "learning_rate", 0.01 * (epoch < 3))
    )
    model.fit(x, y, epochs=100, callbacks=[freeze, stop, worsen], verbose=0)
    assert model.history.epoch == [0, 1, 2, 3, 4, 5]
    assert stop.best_epoch == 3
    assert stop.best == model.history.history["loss"][3]
    assert model.evaluate(x, y)["loss"] == pytest.approx(stop.best, rel=1e-6)


def test_early_stopping_of_growing_values(model, data):
    stop = fo.callbacks.EarlyStopping("val_acc", patience=3)
    model.fit(*data, epochs=500, validation_split=0.3, callbacks=[stop], verbose=0)
    values = model.history.history["val_acc"]
    assert stop.best == max(values)
    assert len(values) == stop.best_epoch + 4


@pytest.mark.parametrize(
    ("values", "best"),
    [([np.nan, 5.0, np.nan, 4.0], 3), ([5.0, np.nan], 0), ([np.nan, np.nan], 0), ([np.inf, 5.0], 1)],
)
@pytest.mark.filterwarnings("ignore:EarlyStopping watches 'loss', which is NaN")
def test_early_stopping_nan_is_worst(values, best):
    stop = fo.callbacks.EarlyStopping("loss", patience=2)
    stop.model, stop.params = regression(), {"logs": ["loss"]}
    stop.on_train_begin()
    for epoch, value in enumerate(values):
        stop.on_epoch_end(epoch, {"loss": value})
    assert stop.best_epoch == best
    assert not stop.model.stop_training


def test_stop_before_an_epoch(data):
    model = regression()
    stop = fo.callbacks.LambdaCallback(on_epoch_begin=lambda epoch: setattr(model, "stop_training", epoch == 2))
    assert model.fit(*data, epochs=9, callbacks=[stop], verbose=0).epoch == [0, 1]


def test_early_stopping_min_delta(data):
    model = regression()
    model.fit(*data, epochs=50, callbacks=[fo.callbacks.EarlyStopping("loss", min_delta=1e9)], verbose=0)
    assert model.history.epoch == [0, 1]


# Predictions


@pytest.mark.parametrize(
    ("loss", "activation", "units"),
    [
        ("sparse_categorical_crossentropy", "softmax", 3),
        ("categorical_crossentropy", "softmax", 3),
        ("binary_crossentropy", "sigmoid", 2),
    ],
)
def test_probabilities(loss, activation, units, data):
    x, _ = data
    logits = fo.Sequential([fo.layers.Dense(units)], seed=2)
    outputs = fo.Sequential([fo.layers.Dense(units, activation)], seed=2)
    for model in (logits, outputs):
        model.compile("sgd", loss)
        model.build(6)
    np.testing.assert_allclose(logits.predict_proba(x), outputs.predict(x), rtol=1e-6)
    assert (outputs.predict_proba(x) == outputs.predict(x)).all()
    assert logits.predict(x).min() < 0
    y = np.zeros(100, int) if loss.startswith("sparse") else np.eye(units)[np.zeros(100, int)]
    assert logits.evaluate(x, y)["loss"] == pytest.approx(outputs.evaluate(x, y)["loss"], rel=1e-6)


def test_predict_does_not_depend_on_the_batch_size(model, data):
    model.build(6)
    whole = model.predict(data[0])
    assert whole.shape == (100, 3)
    for batch_size in (1, 7, 100, 1000):
        assert (model.predict(data[0], batch_size) == whole).all()
    assert (model(data[0]) == whole).all()


def test_a_matrix_is_predicted_as_a_list_is(model, data):
    """What the core reads as it is takes a shorter way."""
    model.build(6)
    assert (model.predict(data[0]) == model.predict(data[0].tolist())).all()
    outputs, dy = [], np.ones((100, 3), np.float32)
    for x in (data[0], data[0].tolist()):
        outputs.append((model(x), model.backward(dy), *(gradient.copy() for gradient in model.gradients.values())))
    assert all((one == other).all() for one, other in zip(*outputs, strict=True))


# Weights and the summary


def test_weights(model):
    model.build((None, 6))
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(6, 8), (8,), (8, 3), (3,)]
    assert model.count_params() == 6 * 8 + 8 + 8 * 3 + 3
    model.set_weights([w + 1 for w in weights])
    assert all((a == b + 1).all() for a, b in zip(model.get_weights(), weights, strict=True))
    model.parameters["dense/bias"][:] = 5
    assert (model.get_weights()[1] == 5).all()


@pytest.mark.parametrize("kind", ["parameters", "gradients", "slots"])
def test_what_is_assigned_to_a_name_is_written(model, kind):
    model.build(6)
    name = "dense/bias/m" if kind == "slots" else "dense/bias"
    getattr(model, kind)[name] = np.arange(8)
    np.testing.assert_array_equal(getattr(model, kind)[name], np.arange(8))
    views = getattr(model, kind)
    views[name] *= 2
    views |= {name: views[name] + 1}
    views.update({name: views[name] + 1})
    np.testing.assert_array_equal(getattr(model, kind)[name], 2 * np.arange(8) + 2)
    with pytest.raises(KeyError, match="banana"):
        views["banana"] = 0.0
    with pytest.raises(ValueError, match="could not broadcast"):
        views[name] = np.zeros(7)
    copies = [copy.copy(views), copy.deepcopy(views), pickle.loads(pickle.dumps(views)), views | {}, views.copy()]
    assert {type(one) for one in copies} == {dict}


def test_views_keep_their_owner_alive():
    model = regression()
    model.build(1000)
    view = model.parameters["dense/kernel"]
    view[...] = 1.5
    del model
    assert (view == 1.5).all()


def test_names():
    layers = [
        fo.layers.Dense(1, name="dense"),
        fo.layers.Dense(1),
        fo.layers.Dense(1, name="dense_2"),
        fo.layers.Dense(1),
    ]
    assert fo.Sequential(layers).layer_names == ["dense", "dense_1", "dense_2", "dense_3"]


def test_summary_counts(model, capsys):
    model.build(6)
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines[2:]}) == 1
    assert lines[-1].split()[-2:] == ["332", "1,328"]


def test_recompile(data):
    model = regression()
    model.fit(*data, verbose=0)
    optimizer = model.optimizer
    model.compile(optimizer, "mse", ["mae"])
    assert model.optimizer.step == 4
    model.compile("sgd", "mse")
    assert model.optimizer.step == 0


# The installation


def test_config(capsys):
    fo.show_config()
    out = capsys.readouterr().out
    assert fo.__version__ in out
    assert fo._core.runtime.isa() in out
    assert len({line.index("  ") for line in out.splitlines() if line.startswith("instruction set")}) == 1


def test_why_that_many_threads():
    others = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}

    def threads(**limits):
        code = "from fastopt.config import config; print(config()['threads'])"
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=others | limits, capture_output=True, text=True, check=True).stdout

    assert "FASTOPT_NUM_THREADS 1" in threads(FASTOPT_NUM_THREADS="1", OMP_NUM_THREADS="2")
    assert "OMP" not in threads(FASTOPT_NUM_THREADS="1", OMP_NUM_THREADS="2")
    assert "OMP_NUM_THREADS 1" in threads(OMP_NUM_THREADS="1")
    assert "affinity" in threads()


def test_set_num_threads():
    before = fo.get_num_threads()
    fo.set_num_threads(3)
    assert fo.get_num_threads() == 3
    assert "by set_num_threads" in fo.config.config()["threads"]
    fo.set_num_threads(before)


def test_import_is_quick():
    """Nothing is imported that takes long and is not needed yet; how long it takes is no matter of a test."""
    late = (
        "asyncio concurrent.futures csv dataclasses decimal difflib gzip hashlib json logging pathlib shutil signal "
        "unittest urllib joblib matplotlib narwhals pandas pyarrow safetensors sklearn tqdm "
        "fastopt.callbacks fastopt.fleet fastopt.plotting fastopt.search fastopt.tools.curvature fastopt.tools.diagnose"
    )
    code = "import numpy, sys; before = set(sys.modules); import fastopt; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(late.split()) & set(run.stdout.split()) == set()
