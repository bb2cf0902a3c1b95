"""Models that are copied, pickled or sent to other processes go on as the originals, to the bit."""

import copy
import io
import multiprocessing
import operator
import pickle

import cases
import numpy as np
import pytest

import fastopt as fo

X = np.random.default_rng(1).normal(size=(30, 6))
Y = X @ [1.0, -2.0, 3.0, 0.0, 0.5, 1.5]
pytestmark = pytest.mark.filterwarnings("ignore:.* adapts its")


def halved(step):
    return 0.1 * 0.5**step


def squares(y_true, y_pred):
    error = y_pred - y_true
    return (error**2)[:, 0], 2 * error


def through_joblib(model):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "oldest pickle": lambda model: pickle.loads(pickle.dumps(model, protocol=2)),
    "cloudpickle": lambda model: pickle.loads(pytest.importorskip("cloudpickle").dumps(model)),
    "joblib": through_joblib,
}
WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def make(optimizer="adam", loss="mse", **arguments):
    layers = [
        fo.layers.Dense(7),
        fo.layers.BatchNormalization(),
        fo.layers.Activation("tanh"),
        fo.layers.Dropout(0.2),
        fo.layers.Dense(1),
    ]
    model = fo.Sequential(layers, **{"seed": 3, "name": "small", **arguments})
    model.compile(optimizer, loss, ["mae"])
    return model


def fit(model, epochs=2):
    return model.fit(X, Y, batch_size=8, epochs=epochs, validation_split=0.2, verbose=0).history["loss"]


def state(model):
    arrays = {name: view.tobytes() for name, view in (model.parameters | model.state | model.slots).items()}
    return arrays, model.optimizer.state, model.optimizer.get_config(), model.draws, model.epochs_trained


@WAY
@pytest.mark.parametrize("make_optimizer", cases.OPTIMIZERS.values(), ids=cases.OPTIMIZERS)
def test_training_goes_on(make_optimizer, way):
    model = make(make_optimizer())
    fit(model)
    other = way(model)
    assert state(other) == state(model)
    assert other.predict(X).tobytes() == model.predict(X).tobytes()
    before = state(model)
    losses = fit(other)
    assert state(model) == before
    assert fit(model) == losses
    assert state(other) == state(model)


@WAY
@pytest.mark.parametrize(
    "model",
    [make(), fo.Sequential([fo.layers.Dense(2)]), make(fo.optimizers.SGD(halved), squares, dtype="float64")],
    ids=["not built", "not compiled", "own functions"],
)
def test_begun_or_not(model, way):
    other = way(model)
    assert (other.built, other.layers, other.seed, other.dtype) == (False, model.layers, model.seed, model.dtype)
    assert other.optimizer == model.optimizer
    if model.loss is not None:
        assert fit(other) == fit(way(model))


def test_everything_else_is_copied():
    model = make()
    fit(model)
    model.noise = False
    other = pickle.loads(pickle.dumps(model))
    assert other.history.history == model.history.history
    assert (other.name, other.noise, other.built, other.input_shape) == ("small", False, True, (6,))
    assert other.evaluate(X, Y) == model.evaluate(X, Y)
    other.compile(other.optimizer, "mae")
    assert other.optimizer.step == model.optimizer.step


@WAY
def test_histories(way):
    history = make().fit(X, Y, epochs=2, verbose=0)
    other = way(history)
    assert (other.epoch, other.history) == (history.epoch, history.history)
    assert len(pickle.dumps(history)) < 1000


def test_other_processes():
    model = make()
    fit(model)
    want = model.predict(X)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        got = pool.apply(operator.methodcaller("predict", X), (model,))
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_of_joblib(backend):
    joblib = pytest.importorskip("joblib")
    models = [make(seed=seed) for seed in range(3)]
    train = operator.methodcaller("train_on_batch", X, Y)
    losses = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(train)(copy.copy(model)) for model in models)
    assert losses == [train(model) for model in models]


def test_a_clone_begins_anew():
    model = make(fo.optimizers.Adam(0.1))
    start = fo.clone(model)
    losses = fit(start)
    fit(model)
    model.optimizer.learning_rate = 0.2
    again, other = fo.clone(model), fo.clone(model, seed=4)
    assert again.built
    assert (again.epochs_trained, again.optimizer.step, again.optimizer.learning_rate) == (0, 0, 0.2)
    again.optimizer.learning_rate = 0.1
    assert fit(again) == losses
    assert fit(other) != losses
