"""Losses that are Python functions: they train as the core's do, and fail cleanly."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.optimizers import SGD, Accumulate, Adam, Clip

N = 75


def mse(y_true, y_pred):
    error = y_pred - y_true
    return (error**2).mean(axis=1), 2 * error / y_pred.shape[1]


def mse_of_batch(y_true, y_pred):
    losses, gradient = mse(y_true, y_pred)
    return losses.mean(), gradient / len(y_pred)


def crossentropy(y_true, y_pred):
    """Of labels and the probabilities that a softmax has made."""
    rows = np.arange(len(y_true))
    gradient = np.zeros_like(y_pred)
    gradient[rows, y_true] = -1 / y_pred[rows, y_true]
    return -np.log(y_pred[rows, y_true]), gradient


def make(loss, last=None, outputs=3, optimizer=None, metrics=(), dtype="float64", hidden=()):
    layers = [fo.layers.Dense(9, "tanh"), *hidden, fo.layers.Dense(outputs, last)]
    model = fo.Sequential(layers, seed=3, dtype=dtype)
    model.compile(optimizer or Adam(0.01), loss, metrics)
    return model


@pytest.fixture
def data(rng):
    return rng.normal(size=(N, 4)), rng.normal(size=(N, 3)), rng.random(N)


def history(model, x, y, **kwargs):
    logs = model.fit(x, y, batch_size=16, epochs=3, verbose=0, **kwargs).history
    return [
        *(logs[name] for name in sorted(logs) if name not in ("learning_rate", "seconds", "samples_per_second")),
        *model.get_weights(),
    ]


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


OPTIMIZERS = {
    "adam": lambda: Adam(0.01),
    "schedule": lambda: SGD(fo.schedules.Exponential(0.1, decay=0.9), momentum=0.9),
    "accumulated": lambda: Accumulate(Adam(0.01), steps=2),
    "clipped": lambda: Clip(SGD(0.1), norm=0.1),
    "ahead": lambda: SGD(0.1, momentum=0.9, nesterov="look_ahead"),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_as_the_core(optimizer, weighted, data):
    """The same history and weights as with the core's loss, up to rounding."""
    x, y, weight = data
    runs = [
        history(
            make(loss, optimizer=OPTIMIZERS[optimizer](), metrics=["mse", "mae", "r2"]),
            *(x, y),
            sample_weight=weight if weighted else None,
            validation_data=(x[:20], y[:20], weight[:20]),
        )
        for loss in (mse, "mse")
    ]
    assert_same(*runs)


def test_of_the_whole_batch(data):
    x, y, _ = data
    assert_same(history(make(mse_of_batch), x, y), history(make("mse"), x, y))


def test_probabilities(data, rng):
    """Functions are given what the last activation makes, and so are metrics."""
    x, y = data[0], rng.integers(0, 3, N)
    metrics = ["accuracy", "f1", "top_k_accuracy"]
    theirs = make("sparse_categorical_crossentropy", "softmax", metrics=metrics)
    ours = make(crossentropy, "softmax", metrics=metrics)
    split = {"validation_split": 0.2, "class_weight": "balanced"}
    assert_same(history(ours, x, y, **split), history(theirs, x, y, **split))


def test_noise_and_callbacks(data):
    """Dropout draws as with the core; batches of callbacks change nothing."""
    x, y, _ = data
    seen = []
    listener = fo.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append((batch, logs["loss"])))
    runs = [
        history(make(loss, hidden=[fo.layers.Dropout(0.5)], metrics=["mae"]), x, y, callbacks=callbacks)
        for loss, callbacks in ((mse, [listener]), (mse, []), ("mse", []))
    ]
    assert_same(runs[0], runs[2])
    assert all(np.array_equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert len(seen) == 15
    assert seen[4][1] == runs[0][0][0]


def test_same_bits_with_any_number_of_threads(for_all_threads, rng):
    """With enough work in a batch for every thread."""
    x, y = rng.normal(size=(300, 130)), rng.normal(size=(300, 200))

    def train():
        model = make(mse, outputs=200, hidden=[fo.layers.Dense(257, "relu"), fo.layers.BatchNormalization()])
        losses = model.fit(x, y, 128, 2, verbose=0).history["loss"]
        return [*model.get_weights(), losses, model.evaluate(x, y)["loss"]]

    for_all_threads(train)


@pytest.mark.parametrize("last", ["linear", "tanh"])
def test_penalties_and_constraints(last, data):
    """Of weights and of values, the last ones too: they belong to the steps and to the reported loss."""
    x, y, weight = data
    hidden = {"kernel_regularizer": fo.regularizers.L2(0.01), "activity_regularizer": "l1"}

    def run(loss):
        layers = [
            fo.layers.Dense(9, "tanh", kernel_constraint=fo.constraints.MaxNorm(0.5), **hidden),
            fo.layers.Dropout(0.2),
            fo.layers.Dense(3, last, bias_regularizer="l1", activity_regularizer=fo.regularizers.L2(0.1)),
        ]
        model = fo.Sequential(layers, dtype="float64")
        model.compile(Adam(0.01), loss, ["mae"])
        return history(model, x, y, sample_weight=weight, validation_split=0.2)

    assert_same(run(mse), run("mse"))


def test_one_batch_at_a_time(data):
    x, y, weight = data
    ours, theirs = make(mse, metrics=["mae"]), make("mse", metrics=["mae"])
    for _ in range(3):
        logs = [model.train_on_batch(x, y, weight) for model in (ours, theirs)]
        assert logs[0] == pytest.approx(logs[1], rel=1e-12)
    assert_same(ours.get_weights(), theirs.get_weights())
    assert ours.evaluate(x, y, 7, weight) == pytest.approx(theirs.evaluate(x, y, 7, weight), rel=1e-12)


def test_what_the_function_is_given(rng):
    seen = []

    def spy(y_true, y_pred):
        seen.append((y_true.shape, y_true.dtype.name, y_pred.shape, y_pred.dtype.name))
        with pytest.raises(ValueError, match="read-only"):
            y_pred[:] = 0
        with pytest.raises(ValueError, match="read-only"):
            y_true[:] = 0
        return np.zeros(len(y_pred)), np.zeros_like(y_pred)

    make(spy, outputs=1, dtype="float32").fit(rng.normal(size=(6, 2)), np.arange(6), batch_size=4, verbose=0)
    model = make(spy, outputs=2)
    model.build(2)
    model.evaluate(rng.normal(size=(6, 2)), np.zeros((6, 5, 2), np.float32), batch_size=4)
    assert seen == [
        ((4, 1), "int64", (4, 1), "float32"),
        ((2, 1), "int64", (2, 1), "float32"),
        ((4, 5, 2), "float32", (4, 2), "float64"),
        ((2, 5, 2), "float32", (2, 2), "float64"),
    ]


def test_weights_of_a_batch_may_all_be_zero(data):
    x, y, weight = data
    weight[:16] = 0
    runs = [history(make(loss, metrics=["mae"]), x, y, sample_weight=weight, shuffle=False) for loss in (mse, "mse")]
    assert_same(*runs)


@pytest.mark.parametrize("hidden", [[], [fo.layers.Dense(7, "tanh", kernel_regularizer="l2")]], ids=["plain", "l2"])
@pytest.mark.parametrize("right", [True, False])
def test_gradient_check(right, hidden, data):
    x, y, weight = data

    def loss(y_true, y_pred):
        losses, gradient = mse(y_true, y_pred)
        return losses, gradient if right else gradient * [1.0, 1.0, 1.1]

    assert fo.check_gradients(make(loss, hidden=hidden), x, y, weight).ok == right


def test_a_metric_may_have_any_name(data):
    """Also one that totals have a use for."""
    x, y, weight = data
    names = {"weight": "mae", "samples": "mse"}
    logs = [make(loss, metrics=names).train_on_batch(x, y, weight) for loss in (mse, "mse")]
    assert logs[0] == pytest.approx(logs[1], rel=1e-12)


def test_file_refuses_functions(tmp_path):
    model = make(mse)
    model.build(3)
    with pytest.raises(ValueError, match=r"FunctionLoss\(.*mse.*cannot be saved: .*is a plain function"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


# --- What goes wrong --------------------------------------------------------------------------------------------------


def returning(result):
    """A loss that returns this in the second batch, of 6 samples and 3 outputs."""
    calls = []

    def loss(y_true, y_pred):
        calls.append(None)
        return result if len(calls) == 2 else mse(y_true, y_pred)

    return loss


ONES = np.ones((6, 3))
BAD = {
    "no-pair": (
        np.ones(6),
        TypeError,
        r"The loss 'loss' must return \(losses, gradient\), not an array of shape \(6,\): functions",
    ),
    "not-numbers": (("a", ONES), TypeError, "The result of the loss 'loss' has dtype <U1"),
    "losses": (
        (np.ones(5), ONES),
        ValueError,
        r"losses of shape \(5,\); expected one for each sample, \(6,\), or a num",
    ),
    "losses-2d": ((ONES, ONES), ValueError, r"losses of shape \(6, 3\)"),
    "gradient": ((np.ones(6), np.ones((6, 1))), ValueError, r"gradient of shape \(6, 1\); expected .* \(6, 3\)"),
    "loss-nan": (
        (np.full(6, np.nan), ONES),
        FloatingPointError,
        "the loss of 'loss' is not finite in batch 1, step 2; ",
    ),
    "gradient-nan": (
        (np.ones(6), ONES * np.inf),
        FloatingPointError,
        "the gradient of 'loss' is not finite in batch 1",
    ),
    "gradient-large": ((np.ones(6), ONES * 1e300), FloatingPointError, "the gradient of 'loss' is not finite"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_returns(case, rng):
    """After an error the weights are those of the last step."""
    result, error, message = BAD[case]
    x, y = rng.normal(size=(12, 4)), rng.normal(size=(12, 3))
    model, one_step = make(returning(result), dtype="float32"), make(mse, dtype="float32")
    with pytest.raises(error, match=message):
        model.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    one_step.train_on_batch(x[:6], y[:6])
    assert model.optimizer.step == 1
    assert all((a == b).all() for a, b in zip(model.get_weights(), one_step.get_weights(), strict=True))


def test_weights_that_overflow(data):
    x, y, _ = data
    model = make(
        lambda y_true, y_pred: (np.zeros(len(y_pred)), np.full_like(y_pred, 1e30)), optimizer=SGD(1e30), dtype="float32"
    )
    with pytest.raises(FloatingPointError, match="made parameters NaN or infinite"):
        model.train_on_batch(x, y)


def test_a_number_cannot_be_weighted(data):
    x, y, weight = data
    with pytest.raises(
        ValueError, match="'mse_of_batch' returned a number for the whole batch, which cannot be weight"
    ):
        make(mse_of_batch).fit(x, y, sample_weight=weight, verbose=0)


def test_no_function():
    with pytest.raises(TypeError, match="function must be a function of targets and predictions, not 'mse'"):
        fo.losses.FunctionLoss("mse")
    with pytest.raises(TypeError, match="known loss"):
        make(fo.losses.FunctionLoss)
