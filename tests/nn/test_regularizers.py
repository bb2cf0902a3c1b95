"""Penalties: their gradients, what is reported of them, and that they are the same for every number of threads."""

import numpy as np
import pytest
import twins
from test_gradients import TOLERANCE, error, numeric, targets

import fastopt as fo
from fastopt import _core
from fastopt._core import allocations
from fastopt.layers import Activation, BatchNormalization, Dense, Dropout, Maxout, Residual, WeightNormalization
from fastopt.regularizers import L1, L1L2, L2

BOTH = L1L2(0.3, 0.2)

# Everything that a penalty can stand in or beside; the last layer's activation is fused with its loss, or not.
MODELS = {
    "kernel": lambda: [Dense(5, "tanh", kernel_regularizer=L2(0.3)), Dense(3)],
    "bias": lambda: [Dense(5, bias_initializer="normal", bias_regularizer=L1(0.3)), Dense(3, bias_regularizer="l2")],
    "maxout": lambda: [Maxout(4, 3, kernel_regularizer=BOTH, activity_regularizer=BOTH), Dense(3)],
    "activity": lambda: [Dense(5, activity_regularizer=BOTH), Dense(3)],
    "activity of an activation": lambda: [Dense(5, "sigmoid", activity_regularizer=BOTH), Dense(3)],
    "activity of a layer of its own": lambda: [Dense(5, "gelu", activity_regularizer=BOTH), Dense(3)],
    "activity before an activation": lambda: [Dense(5, activity_regularizer=BOTH), Activation("tanh"), Dense(3)],
    "activity of the last": lambda: [Dense(3, activity_regularizer=BOTH)],
    "activity of an inner softmax": lambda: [Dense(5, "softmax", activity_regularizer=BOTH), Dense(3)],
    "activity of a last softmax": lambda: [Dense(4, "tanh"), Dense(3, "softmax", activity_regularizer=BOTH)],
    "in a block": lambda: [Residual([Dense(4, "tanh", activity_regularizer=BOTH, kernel_regularizer="l1")]), Dense(3)],
    "before a batch's moments": lambda: [
        Dense(5, activity_regularizer=BOTH, bias_regularizer=BOTH),
        BatchNormalization(bias_correction=False, momentum=0.0),
        Dense(3),
    ],
    "directions": lambda: [WeightNormalization(Dense(5, "tanh", kernel_regularizer=BOTH)), Dense(3)],
}
LOSSES = ["sparse_categorical_crossentropy", "mean_squared_error"]


def make(layers, dtype="float64", loss=None, optimizer=None):
    model = fo.Sequential(layers, seed=1, dtype=dtype)
    model.compile(fo.optimizers.SGD(1.0) if optimizer is None else optimizer, loss)
    model.build(4)
    return model


def plain(model, dtype="float64"):
    """The model without its penalties."""
    stripped = [
        Dense(**{k: v for k, v in layer.get_config().items() if not k.endswith("_regularizer")})
        for layer in model.layers
    ]
    other = fo.Sequential(stripped, dtype=dtype)
    other.compile("sgd", model.loss)
    other.build(model.input_shape)
    other.set_weights(model.get_weights())
    return other


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", MODELS)
def test_training_gradient(name, loss, rng):
    """A step of plain SGD moves the weights along the gradient of what is reported, but for its weighting."""
    n = 7
    x, y, weight = rng.normal(size=(n, 4)), targets(loss, n, 3, rng), rng.uniform(0.5, 2.0, n)
    frozen = make(MODELS[name](), loss=loss, optimizer=fo.optimizers.SGD(0.0))

    def value():
        return frozen.train_on_batch(x, y, weight)["loss"] * weight.sum() / n

    expected = {name: numeric(value, view) for name, view in frozen.parameters.items()}
    model = make(MODELS[name](), loss=loss)
    before = {name: view.copy() for name, view in model.parameters.items()}
    model.train_on_batch(x, y, weight)
    for name, view in model.parameters.items():
        assert error(before[name] - view, expected[name]) <= TOLERANCE, name


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"before a batch's moments"}))
def test_backward(name, rng):
    """So it is in a loop of one's own, where the penalty of the batch is added to one's own loss."""
    n = 6
    x, direction = rng.normal(size=(n, 4)), rng.normal(size=(n, 3))
    zero = np.zeros(n)
    zero[0] = 1e-300  # weights the losses away, but not the penalties
    model = make(MODELS[name](), loss="mean_squared_error")

    def value():
        penalty = model.evaluate(x, np.zeros((n, 3)), sample_weight=zero)["loss"] * 1e-300 / n
        return float((model(x) * direction).sum()) + penalty

    expected = {name: numeric(value, view) for name, view in model.parameters.items()}
    expected_x = numeric(value, x)
    model(x)
    assert error(model.backward(direction), expected_x) <= TOLERANCE
    for name, view in model.gradients.items():
        assert error(view, expected[name]) <= TOLERANCE, name


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [4, 64])
def test_what_is_reported(dtype, weighted, batch_size, rng):
    n = 10
    x, y = rng.normal(size=(n, 4)), rng.integers(0, 3, n)
    weight = rng.uniform(0.5, 2.0, n) if weighted else np.ones(n)
    layers = [
        Dense(70, "tanh", kernel_regularizer=L1L2(0.01, 0.02), bias_regularizer="l1", activity_regularizer=L1(0.1)),
        Dense(3, "softmax", kernel_regularizer=L2(0.1), activity_regularizer=L1L2(0.2, 0.3)),
    ]
    model = make(layers, dtype.__name__, "sparse_categorical_crossentropy", fo.optimizers.SGD(0.0))
    model.parameters["dense/bias"][...] = 0.25
    w = {name: view.astype(np.float64) for name, view in model.parameters.items()}
    parameters = (
        twins.penalty(w["dense/kernel"], 0.01, 0.02)
        + twins.penalty(w["dense/bias"], 0.01, 0)
        + twins.penalty(w["dense_1/kernel"], 0, 0.1)
    )
    hidden = twins.dense_forward(x, w["dense/kernel"], w["dense/bias"], np.tanh)
    activities = twins.penalty(hidden, 0.1, 0) + twins.penalty(model.predict(x).astype(np.float64), 0.2, 0.3)
    bare = plain(model, dtype.__name__).evaluate(x, y, sample_weight=weight)["loss"] * weight.sum()
    expected = (bare + n * parameters + activities) / weight.sum()
    evaluated = model.evaluate(x, y, batch_size, weight)["loss"]
    trained = model.fit(x, y, batch_size, sample_weight=weight, verbose=0).history["loss"][0]
    np.testing.assert_allclose([evaluated, trained], expected, rtol=50 * np.finfo(dtype).eps)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_losses_that_are_functions(name, weighted, rng):
    """They report and follow the same penalties as the core's own losses."""

    def squared_error(y, outputs):
        return ((outputs - y) ** 2).mean(axis=1), 2 * (outputs - y) / y.shape[1]

    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 3))
    weight = rng.uniform(0.5, 2.0, 20) if weighted else None
    results = []
    for loss in ("mean_squared_error", squared_error):
        model = make(MODELS[name](), loss=loss, optimizer="sgd")
        losses = model.fit(x, y, 7, 3, sample_weight=weight, verbose=0).history["loss"]
        results.append([*losses, model.evaluate(x, y, 8, weight)["loss"]])
    np.testing.assert_allclose(*results, rtol=1e-12)
    assert fo.check_gradients(model, x, y, weight).ok


def test_predictions_and_metrics_do_not_change(rng):
    x, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    model = make([Dense(8, "relu", kernel_regularizer="l2", activity_regularizer="l1"), Dense(3, "softmax")])
    bare = plain(model)
    np.testing.assert_array_equal(model.predict(x), bare.predict(x))
    for m in (model, bare):
        m.compile(m.optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    assert model.evaluate(x, y)["accuracy"] == bare.evaluate(x, y)["accuracy"]


def test_a_regularizer_of_l2_is_a_decay_of_twice_as_much(rng):
    x, y = rng.normal(size=(64, 4)), rng.normal(size=(64, 1))

    def fit(optimizer, **penalty):
        model = make(
            [Dense(33, "tanh", False, **penalty), Dense(1, None, False, **penalty)], "float32", "mse", optimizer
        )
        model.fit(x, y, 16, 3, verbose=0)
        return model.get_weights()

    adam = fo.optimizers.Adam
    for a, b in zip(
        fit(adam(0.01), kernel_regularizer=L1L2(0.02, 0.01)),
        fit(fo.optimizers.Decay(adam(0.01), l1=0.02, l2=0.02)),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [lambda: "adam", lambda: fo.optimizers.Clip(fo.optimizers.SGD(0.1), norm=0.1)])
def test_threads(dtype, optimizer, rng, for_all_threads):
    x, y = rng.normal(size=(200, 70)), rng.integers(0, 10, 200)

    def train():
        layers = [
            Dense(131, "relu", kernel_regularizer=BOTH, bias_regularizer=BOTH, activity_regularizer=BOTH),
            WeightNormalization(Dense(145, "tanh", kernel_regularizer=BOTH)),
            Dropout(0.5),
            Dense(10, "softmax", kernel_regularizer=BOTH, activity_regularizer=BOTH),
        ]
        model = fo.Sequential(layers, dtype=dtype)
        model.compile(optimizer(), "sparse_categorical_crossentropy")
        history = model.fit(x, y, 96, 3, verbose=0)
        return [*model.get_weights(), history.history["loss"], model.evaluate(x, y)["loss"]]

    for_all_threads(train)


def test_no_allocation_in_a_batch(rng):
    x, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    counts = []
    for batch_size in (60, 2):
        layers = [
            Dense(5, kernel_regularizer=BOTH, activity_regularizer=BOTH, kernel_constraint="max_norm"),
            WeightNormalization(Dense(3, kernel_regularizer=BOTH)),
        ]
        model = make(layers, loss="sparse_categorical_crossentropy")
        model.fit(x, y, batch_size, verbose=0)
        trainer = model._ready().trainer
        goals = [_core.Goal(model.loss.name)]
        epoch = _core.Epoch(model._built.network, goals, x, y, batch_size=batch_size)
        before = allocations()
        epoch.train(trainer, model.optimizer.hyper)
        counts.append(allocations() - before)
    assert counts[0] == counts[1]


def test_save_and_load(tmp_path, rng):
    x, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    model = make([Dense(8, activity_regularizer="l1", kernel_regularizer=BOTH), Dense(3, bias_regularizer=L2(0.5))])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    for m in (model, loaded):
        m.fit(x, y, verbose=0)
    assert loaded.history.history["loss"] == model.history.history["loss"]
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
    assert repr(loaded.layers) == repr(model.layers)


BAD = {
    "negative l1": (lambda: L1(-1.0), ValueError, "l1 must be at least 0"),
    "negative l2": (lambda: L1L2(0.0, -1.0), ValueError, "l2 must be at least 0"),
    "text": (lambda: L2("0.1"), TypeError, "l2 must be a number"),
    "unknown": (lambda: Dense(2, kernel_regularizer="l3"), ValueError, "Unknown regularizer 'l3'"),
    "a number": (lambda: Maxout(2, bias_regularizer=0.1), TypeError, "known regularizer"),
    "a class": (lambda: Dense(2, activity_regularizer=L2), TypeError, "known regularizer"),
}


@pytest.mark.parametrize(("action", "exception", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(action, exception, message):
    with pytest.raises(exception, match=message):
        action()


def test_against_torch(rng):
    torch = pytest.importorskip("torch")
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))
    layers = [
        Dense(7, "tanh", kernel_regularizer=L1L2(0.03, 0.02), activity_regularizer=L1L2(0.1, 0.05)),
        Dense(2, bias_initializer="normal", bias_regularizer=L1L2(0.2, 0.1)),
    ]
    model = make(layers, loss="mse", optimizer=fo.optimizers.SGD(0.1))
    w = [torch.tensor(view, requires_grad=True) for view in model.get_weights()]
    there = torch.optim.SGD(w, 0.1)
    for _ in range(20):
        there.zero_grad()
        hidden = torch.tanh(torch.tensor(x) @ w[0] + w[1])
        loss = torch.nn.functional.mse_loss(hidden @ w[2] + w[3], torch.tensor(y))
        loss = loss + 0.03 * w[0].abs().sum() + 0.02 * w[0].square().sum()
        loss = loss + 0.2 * w[3].abs().sum() + 0.1 * w[3].square().sum()
        loss = loss + (0.1 * hidden.abs().sum() + 0.05 * hidden.square().sum()) / len(x)
        loss.backward()
        there.step()
        np.testing.assert_allclose(model.train_on_batch(x, y)["loss"], loss.item(), rtol=1e-12)
    for mine, theirs in zip(model.get_weights(), w, strict=True):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-9, atol=1e-12)
