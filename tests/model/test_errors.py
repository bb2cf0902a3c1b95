"""Bad input: each row of the table must raise its exception, with a message that helps, and change nothing."""

import numpy as np
import pytest

import fastopt as fo
from fastopt import _core

X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
Y = np.arange(20) % 3
DENSE = fo.layers.Dense


def labels(index, value):
    y = Y.copy()
    y[index] = value
    return y


def with_value(array, index, value, dtype=np.float64):
    result = np.array(array, dtype)
    result[index] = value
    return result


def weights(index, value):
    return with_value(np.ones(20), index, value)


def other(loss, units=3, last=None, metrics=(), features=4, **kwargs):
    """Return a compiled and built model with another loss."""
    model = fo.Sequential([DENSE(5, "tanh"), DENSE(units, last)], **kwargs)
    model.compile("adam", loss, metrics)
    model.build(features)
    return model


def not_compiled():
    model = fo.Sequential([DENSE(2)])
    model.build(4)
    return model


def fit(x=X, y=Y, **kwargs):
    return lambda model: model.fit(x, y, **{"verbose": 0, **kwargs})


BIG = np.full((20, 4), 1e300)

# What is done to a model that classifies 3 classes from 4 features; the exception; a part of its message.
BAD_DATA = {
    "x-1d": (
        fit(X[:, 0]),
        ValueError,
        r"x has shape \(20,\); expected two dimensions, \[n, 4\].*numpy.reshape\(x, \(-1, 1\)\)",
    ),
    "x-one-sample": (fit(X[0]), ValueError, r"For one sample use numpy.reshape\(x, \(1, -1\)\)"),
    "x-3d": (fit(X.reshape(20, 2, 2)), ValueError, r"x has shape \(20, 2, 2\).*numpy.reshape\(x, \(len\(x\), -1\)\)"),
    "x-0d": (fit(np.float32(1)), ValueError, "expected two dimensions"),
    "x-features": (fit(X[:, :3]), ValueError, r"x has 3 features \(shape \(20, 3\)\); expected \[n, 4\]"),
    "x-empty": (fit(X[:0], Y[:0]), ValueError, "x is empty"),
    "x-no-features": (fit(X[:, :0]), ValueError, "x is empty"),
    "x-object": (fit(X.astype(object)), TypeError, "x has dtype object"),
    "x-string": (fit([["a"] * 4] * 20), TypeError, "x has dtype <U1"),
    "x-none": (fit(None), TypeError, "x has dtype object"),
    "x-complex": (fit(X + 1j), TypeError, "x has dtype complex"),
    "x-float16": (fit(X.astype(np.float16)), TypeError, "x has dtype float16; expected float32, float64"),
    "x-longdouble": (fit(X.astype(np.longdouble)), TypeError, "x has dtype float128|x has dtype longdouble"),
    "x-swapped": (fit(X.astype(">f4")), TypeError, "x has dtype >f4.*byte order"),
    "x-ragged": (fit([[1, 2], [3]]), ValueError, "x is not a rectangular array"),
    "x-nan": (fit(with_value(X, (7, 2), np.nan)), ValueError, r"x\[7, 2\] = nan is not finite"),
    "x-inf": (fit(with_value(X, (0, 0), -np.inf, np.float32)), ValueError, r"x\[0, 0\] = -inf is not finite"),
    "x-overflow": (fit(BIG), ValueError, r"x\[0, 0\] = 1e\+300 is too large for float32"),
    "x-nan-fortran": (
        fit(np.asfortranarray(with_value(X, (19, 3), np.nan))),
        ValueError,
        r"x\[19, 3\] = nan",
    ),
    "y-length": (fit(y=Y[:-1]), ValueError, r"x has 20 samples \(shape \(20, 4\)\), y has shape \(19,\)"),
    "y-0d": (fit(y=1), ValueError, r"y has shape \(\)"),
    "y-range": (fit(y=labels(17, 3)), ValueError, r"y\[17\] = 3 is not a label from 0 to 2"),
    "y-negative": (fit(y=labels(4, -1)), ValueError, r"y\[4\] = -1 is not a label"),
    "y-uint64": (fit(y=labels(4, 1).astype(np.uint64) + np.uint64(2**63)), ValueError, r"y\[0\] = 9223372036854775808"),
    "y-fraction": (fit(y=with_value(Y, 3, 0.5)), ValueError, r"y\[3\] = 0.5 is not a whole number"),
    "y-nan": (fit(y=with_value(Y, 3, np.nan)), ValueError, r"y\[3\] = nan is not finite"),
    "y-one-hot": (fit(y=np.eye(3)[Y]), ValueError, r"One-hot rows are for 'categorical_crossentropy'.*argmax"),
    "y-2d": (fit(y=np.ones((20, 2))), ValueError, r"y has shape \(20, 2\)"),
    "y-string": (fit(y=["a"] * 20), ValueError, "y holds 1 classes, 'a'; .* with 3 outputs has 3"),
    "weight-negative": (fit(sample_weight=weights(5, -1.0)), ValueError, r"sample_weight\[5\] = -1.0 is negative"),
    "weight-nan": (fit(sample_weight=weights(5, np.nan)), ValueError, r"sample_weight\[5\] = nan"),
    "weight-shape": (fit(sample_weight=np.ones((20, 1))), ValueError, r"sample_weight has shape \(20, 1\)"),
    "weight-zero": (fit(sample_weight=np.zeros(20)), ValueError, "sample_weight is 0 for every sample"),
    "weight-type": (fit(sample_weight=["a"] * 20), TypeError, "sample_weight has dtype"),
    "batch-size-0": (fit(batch_size=0), ValueError, "batch_size must be at least 1, not 0"),
    "batch-size-large": (fit(batch_size=2**63), ValueError, f"less than {2**63}"),
    "predict-batch-large": (lambda m: m.predict(X, batch_size=2**63), ValueError, f"less than {2**63}"),
    "evaluate-batch-large": (lambda m: m.evaluate(X, Y, batch_size=2**63), ValueError, f"less than {2**63}"),
    "batch-size-float": (fit(batch_size=32.0), TypeError, "batch_size must be an integer, not 32.0"),
    "batch-size-text": (fit(batch_size="all"), ValueError, "Unknown batch_size 'all'"),
    "batch-size-bool": (fit(batch_size=True), TypeError, "batch_size must be an integer"),
    "epochs-negative": (fit(epochs=-1), ValueError, "epochs must be at least 0"),
    "epochs-float": (fit(epochs=1.5), TypeError, "epochs must be an integer"),
    "epochs-array": (fit(epochs=np.array([1, 2])), TypeError, r"epochs must be an integer, not array\(\[1, 2\]\)"),
    "epochs-bools": (fit(epochs=np.array(True)), TypeError, "epochs must be an integer, not array"),
    "epochs-small": (fit(epochs=2, initial_epoch=3), ValueError, "epochs=2.*initial_epoch=3"),
    "initial-epoch": (fit(initial_epoch=-1), ValueError, "initial_epoch must be at least 0"),
    "split-one": (fit(validation_split=1.0), ValueError, "validation_split must be at least 0 and less than 1"),
    "split-negative": (fit(validation_split=-0.1), ValueError, "validation_split must be at least 0"),
    "split-empty": (fit(validation_split=0.01), ValueError, "leaves one part empty"),
    "split-type": (fit(validation_split="a"), TypeError, "validation_split must be a number"),
    "split-and-data": (fit(validation_split=0.5, validation_data=(X, Y)), ValueError, "not both"),
    "validation-one": (fit(validation_data=(X,)), ValueError, r"validation_data must be \(x, y\)"),
    "validation-array": (fit(validation_data=X), ValueError, r"validation_data must be \(x, y\)"),
    "validation-features": (fit(validation_data=(X[:, :2], Y)), ValueError, "validation x has 2 features"),
    "validation-label": (fit(validation_data=(X, labels(0, 9))), ValueError, r"validation y\[0\] = 9"),
    "validation-weight": (
        fit(validation_data=(X, Y, weights(1, -2))),
        ValueError,
        r"validation sample_weight\[1\] = -2.0 is negative",
    ),
    "verbose": (fit(verbose="loud"), ValueError, "Unknown verbose 'loud'"),
    "verbose-number": (fit(verbose=3), ValueError, "Unknown verbose 3"),
    "callbacks-one": (fit(callbacks=fo.callbacks.History()), TypeError, "callbacks must be a list"),
    "callbacks-type": (fit(callbacks=[print]), TypeError, "callbacks must be a list of objects"),
    "monitor": (
        fit(callbacks=[fo.callbacks.EarlyStopping("los")]),
        ValueError,
        "Unknown value to monitor 'los'. Did you mean 'loss'",
    ),
    "monitor-no-validation": (
        fit(callbacks=[fo.callbacks.EarlyStopping()]),
        ValueError,
        "Unknown value to monitor 'val_loss'",
    ),
    "train-on-batch": (lambda m: m.train_on_batch(X, labels(1, 5)), ValueError, r"y\[1\] = 5"),
    "train-on-batch-nan": (
        lambda m: m.train_on_batch(with_value(X, (1, 1), np.nan), Y),
        ValueError,
        r"x\[1, 1\] = nan",
    ),
    "evaluate-label": (lambda m: m.evaluate(X, labels(1, 5)), ValueError, r"y\[1\] = 5"),
    "evaluate-batch": (lambda m: m.evaluate(X, Y, batch_size=0), ValueError, "batch_size must be at least 1"),
    "predict-features": (lambda m: m.predict(X[:, 1:]), ValueError, "x has 3 features"),
    "predict-empty": (lambda m: m.predict(X[:0]), ValueError, "x is empty"),
    "predict-nan": (lambda m: m.predict(with_value(X, (2, 3), np.inf)), ValueError, r"x\[2, 3\] = inf"),
    "predict-batch": (lambda m: m.predict(X, batch_size=-1), ValueError, "batch_size must be at least 1"),
    "call": (lambda m: m(X[:, 1:]), ValueError, "x has 3 features"),
    "backward-first": (lambda m: m.backward(np.ones((20, 3))), RuntimeError, "forward"),
    "backward-twice": (
        lambda m: (m(X), m.backward(np.ones((20, 3))), m.backward(np.ones((20, 3)))),
        RuntimeError,
        "backward needs a forward pass of its own before it",
    ),
    "backward-shape": (lambda m: (m(X), m.backward(np.ones((20, 2)))), ValueError, "dy has 2 features"),
    "backward-rows": (lambda m: (m(X), m.backward(np.ones((19, 3)))), ValueError, "19"),
    "backward-nan": (lambda m: (m(X), m.backward(np.full((20, 3), np.nan))), ValueError, r"dy\[0, 0\] = nan"),
    "build-again": (lambda m: m.build(5), ValueError, r"already built for samples of shape \(4,\), not \(5,\)"),
    "weights-count": (
        lambda m: m.set_weights(m.get_weights()[1:]),
        ValueError,
        "holds 3 arrays; expected 4: dense/kernel",
    ),
    "weights-shape": (
        lambda m: m.set_weights([*m.get_weights()[:3], np.ones(4)]),
        ValueError,
        r"dense_1/bias has shape \(3,\); the array given for it has shape \(4,\)",
    ),
    "weights-nan": (
        lambda m: m.set_weights([*m.get_weights()[:3], np.full(3, np.nan)]),
        ValueError,
        r"dense_1/bias\[0\]",
    ),
    "weights-type": (lambda m: m.set_weights([*m.get_weights()[:3], ["a"] * 3]), TypeError, "dense_1/bias has dtype"),
    "compile-optimizer": (
        lambda m: m.compile("adm", "mse"),
        ValueError,
        "Unknown optimizer 'adm'. Did you mean 'adam'",
    ),
    "compile-optimizer-type": (lambda m: m.compile(7, "mse"), TypeError, "known optimizer"),
    "compile-optimizer-class": (lambda m: m.compile(fo.optimizers.Adam, "mse"), TypeError, "known optimizer"),
    "compile-loss": (lambda m: m.compile("adam", "categorical_crossentropi"), ValueError, "Did you mean"),
    "compile-metric": (lambda m: m.compile("adam", "mse", ["mea"]), ValueError, "Unknown metric 'mea'"),
    "compile-metric-string": (lambda m: m.compile("adam", "mse", "mse"), TypeError, r"such as \['mse'\]"),
    "compile-metric-loss": (lambda m: m.compile("adam", "mse", ["acc"]), ValueError, "does not go with the loss"),
    "compile-metric-alone": (lambda m: m.compile("adam", None, ["mse"]), ValueError, "Metrics need a loss"),
    "compile-metric-loss-name": (lambda m: m.compile("adam", "mse", {"loss": "mae"}), ValueError, "as 'loss'"),
    "compile-metric-speed": (lambda m: m.compile("adam", "mse", {"seconds": "mae"}), ValueError, "as 'seconds'"),
    "compile-metric-validation": (lambda m: m.compile("adam", "mse", {"val_x": "mae"}), ValueError, "as 'val_x'"),
    "compile-metric-key": (lambda m: m.compile("adam", "mse", {1: "mae"}), TypeError, "under a name.*not 1"),
    "learning-rate": (
        lambda m: setattr(m.optimizer, "learning_rate", -1),
        ValueError,
        "learning_rate must be at least 0",
    ),
    "learning-rate-nan": (lambda m: setattr(m.optimizer, "learning_rate", float("nan")), ValueError, "must be finite"),
    "learning-rate-type": (lambda m: setattr(m.optimizer, "learning_rate", "1"), TypeError, "must be a number"),
    "step": (lambda m: setattr(m.optimizer, "step", -1), ValueError, "step must be at least 0"),
    "arrays": (lambda m: m.optimizer.update(np.ones(2), np.ones(2)), ValueError, "trains a model"),
}

# The same for a function without a model.
BAD_CALLS = {
    "units": (lambda: DENSE(0), ValueError, "units must be at least 1, not 0"),
    "units-large": (lambda: DENSE(2**63), ValueError, f"units must be less than {2**63}"),
    "units-memory": (lambda: fo.Sequential([DENSE(2**53)]).build(2**20), ValueError, "too large"),
    "units-float": (lambda: DENSE(2.0), TypeError, "units must be an integer"),
    "huber-delta": (lambda: fo.losses.Huber(0), ValueError, "delta must be more than 0, not 0"),
    "smoothing-1": (lambda: fo.losses.CategoricalCrossentropy(1), ValueError, "label_smoothing must be at least 0 and"),
    "smoothing-name": (lambda: fo.losses.BinaryCrossentropy("a"), TypeError, "label_smoothing must be a number"),
    "hinge-target": (
        lambda: other("hinge").fit(X, with_value(np.eye(20, 3), (2, 1), 2)),
        ValueError,
        r"y\[2, 1\] = 2.0 is not a class",
    ),
    "hinge-both": (
        lambda: other("squared_hinge").fit(X, with_value(np.eye(20, 3), (2, 1), -1)),
        ValueError,
        r"y\[0, 1\] = 0.0 is not a class: targets are -1 and 1, or 0 and 1",
    ),
    "poisson-target": (
        lambda: other("poisson").fit(X, with_value(np.eye(20, 3), (2, 1), -1)),
        ValueError,
        r"y\[2, 1\] = -1.0 is not at least 0",
    ),
    "kl-target": (lambda: other("kl_divergence").fit(X, np.ones((20, 3))), ValueError, r"y\[0\] has the sum 3"),
    "activation": (lambda: DENSE(2, "reluu"), ValueError, "Unknown activation 'reluu'. Did you mean 'relu'"),
    "initializer": (lambda: DENSE(2, kernel_initializer="he"), ValueError, "Unknown initializer 'he'"),
    "initializer-type": (lambda: DENSE(2, bias_initializer=0), TypeError, "known initializer"),
    "stddev": (lambda: fo.initializers.RandomNormal(stddev=-1), ValueError, "stddev must be at least 0"),
    "constant": (lambda: fo.initializers.Constant(np.nan), ValueError, "value must be finite"),
    "no-layers": (lambda: fo.Sequential([]), ValueError, "layers is empty"),
    "not-a-layer": (lambda: fo.Sequential([DENSE]), TypeError, r"layers\[0\] must be a layer"),
    "layer-twice": (lambda: fo.Sequential([DENSE(2)] * 2), ValueError, r"layers\[1\] occurs twice"),
    "name-twice": (
        lambda: fo.Sequential([DENSE(2, name="a"), DENSE(2, name="a")]),
        ValueError,
        "Two layers have the name",
    ),
    "name-slash": (lambda: fo.Sequential([DENSE(2, name="a/b")]), ValueError, "without '/'"),
    "name-type": (lambda: DENSE(2, name=3), TypeError, "name must be a string"),
    "seed": (lambda: fo.Sequential([DENSE(2)], seed=-1), ValueError, "seed must be at least 0"),
    "seed-large": (lambda: fo.Sequential([DENSE(2)], seed=2**64), ValueError, "seed must be"),
    "seed-type": (lambda: fo.Sequential([DENSE(2)], seed=0.5), TypeError, "seed must be an integer"),
    "dtype": (lambda: fo.Sequential([DENSE(2)], dtype="float16"), ValueError, "Unknown dtype 'float16'"),
    "dtype-word": (lambda: fo.Sequential([DENSE(2)], dtype="double precision"), ValueError, "Unknown dtype"),
    "build-zero": (lambda: fo.Sequential([DENSE(2)]).build(0), ValueError, "input_shape must be at least 1"),
    "build-2d": (lambda: fo.Sequential([DENSE(2)]).build((28, 28)), ValueError, r"needs flat samples.*Flatten\(\)"),
    "build-type": (lambda: fo.Sequential([DENSE(2)]).build("4"), TypeError, "input_shape must be an integer"),
    "build-large": (lambda: fo.Sequential([DENSE(2)]).build(2**63), ValueError, f"less than {2**63}"),
    "name": (lambda: fo.Sequential([DENSE(2)], name=5), TypeError, "name must be a string, not 5"),
    "not-built": (lambda: fo.Sequential([DENSE(2)]).predict(X), RuntimeError, "call build"),
    "not-built-summary": (lambda: fo.Sequential([DENSE(2)]).summary(), RuntimeError, "call build"),
    "not-built-save": (lambda: fo.Sequential([DENSE(2)]).save("/none"), RuntimeError, "call build"),
    "not-compiled": (lambda: fo.Sequential([DENSE(2)]).fit(X, Y), RuntimeError, "call compile"),
    "no-loss": (lambda: other(None).fit(X, Y), RuntimeError, "call compile"),
    "no-optimizer": (lambda: not_compiled().apply_gradients(), RuntimeError, "call compile"),
    "loss-activation": (lambda: other("binary_crossentropy", last="softmax"), ValueError, "'sigmoid' or 'linear'"),
    "loss-activation-relu": (
        lambda: other("categorical_crossentropy", last="relu"),
        ValueError,
        "'softmax' or 'linear'",
    ),
    "one-hot-labels": (
        lambda: other("categorical_crossentropy").fit(X, Y),
        ValueError,
        "'sparse_categorical_crossentropy'",
    ),
    "one-hot-shape": (lambda: other("categorical_crossentropy").fit(X, np.eye(4)[Y]), ValueError, r"expects \(20, 3\)"),
    "one-hot-sum": (
        lambda: other("categorical_crossentropy").fit(X, 2 * np.eye(3)[Y]),
        ValueError,
        r"y\[0\] has the sum 2",
    ),
    "one-hot-negative": (
        lambda: other("categorical_crossentropy").fit(X, np.tile([2.0, -1.0, 0.0], (20, 1))),
        ValueError,
        r"y\[0, 1\] = -1.0 is not at least 0",
    ),
    "binary-range": (
        lambda: other("binary_crossentropy", 1).fit(X, Y),
        ValueError,
        r"y\[2, 0\] = 2 is not from 0 to 1",
    ),
    "mse-shape": (
        lambda: other("mse", 2).fit(X, Y),
        ValueError,
        r"y has shape \(20,\); mean_squared_error with 2 outputs",
    ),
    "mse-nan": (lambda: other("mse", 1).fit(X, weights(9, np.nan)), ValueError, r"y\[9, 0\] = nan"),
    "probabilities": (lambda: other("mse", 2).predict_proba(X), ValueError, "no probabilities"),
    "beta": (lambda: fo.optimizers.Adam(beta_1=1.0), ValueError, "beta_1 must be at least 0 and less than 1, not 1.0"),
    "beta-2": (lambda: fo.optimizers.Adam(beta_2=-0.1), ValueError, "beta_2 must be at least 0"),
    "epsilon": (lambda: fo.optimizers.Adam(epsilon=0), ValueError, "epsilon must be at least 1.17549e-38, not 0"),
    "epsilon-denormal": (lambda: fo.optimizers.Adam(epsilon=1e-38), ValueError, "epsilon must be at least 1.17549e-38"),
    "rate-inf": (lambda: fo.optimizers.SGD(float("inf")), ValueError, "learning_rate must be finite"),
    "momentum": (lambda: fo.optimizers.SGD(momentum=1.5), ValueError, "momentum must be at least 0 and less than 1"),
    "momentum-type": (lambda: fo.optimizers.SGD(momentum=None), TypeError, "momentum must be a number"),
    "dampening": (lambda: fo.optimizers.SGD(dampening=1.0), ValueError, "dampening must be at least 0 and less than 1"),
    "dampening-type": (lambda: fo.optimizers.SGD(dampening="0"), TypeError, "dampening must be a number"),
    "accumulator": (
        lambda: fo.optimizers.Adagrad(initial_accumulator_value=-1),
        ValueError,
        "initial_accumulator_value must be at least 0",
    ),
    "rho": (lambda: fo.optimizers.RMSprop(rho=1), ValueError, "rho must be at least 0 and less than 1"),
    "decay": (lambda: fo.optimizers.AdamW(weight_decay=-1), ValueError, "weight_decay must be at least 0"),
    "phi": (lambda: fo.optimizers.DeltaBarDelta(phi=1), ValueError, "phi must be at least 0 and less than 1"),
    "base-class": (lambda: fo.optimizers.Optimizer(), TypeError, "abstract"),
    "step-early": (lambda: setattr(fo.optimizers.Adam(), "step", 3), RuntimeError, "no state yet"),
    "patience": (lambda: fo.callbacks.EarlyStopping(patience=-1), ValueError, "patience must be at least 0"),
    "min-delta": (lambda: fo.callbacks.EarlyStopping(min_delta=-1), ValueError, "min_delta must be at least 0"),
    "mode": (lambda: fo.callbacks.EarlyStopping(mode="maximum"), ValueError, "Unknown mode 'maximum'"),
    "every": (lambda: fo.callbacks.LambdaCallback(every=0), ValueError, "every must be at least 1"),
    "threads": (lambda: fo.set_num_threads(0), ValueError, "count must be at least 1"),
    "threads-many": (lambda: fo.set_num_threads(2**31), ValueError, "count must be less than"),
    "threads-type": (lambda: fo.set_num_threads(1.5), TypeError, "count must be an integer"),
}

# What optimizers refuse on bare arrays, after one good step on float64 arrays [3] and [2, 2].
BAD_ARRAYS = {
    "count": (
        lambda p, g: ([*p, p[0].copy()], [*g, g[0]]),
        ValueError,
        "params must be built like the first params: a list of 2, not a list of 3",
    ),
    "grads-count": (lambda p, g: (p, g[:1]), ValueError, None),
    "shape": (lambda p, g: ([np.ones(4), p[1]], [np.ones(4), g[1]]), ValueError, r"params\[0\].*\(3,\), got \(4,\)"),
    "grad-shape": (lambda p, g: (p, [g[0], np.ones(4)]), ValueError, None),
    "dtype": (lambda p, g: ([p[0].astype("f4"), p[1]], g), TypeError, r"params\[0\].*float64, got float32"),
    "grad-dtype": (lambda p, g: (p, [g[0], g[1].astype("f4")]), TypeError, "float32"),
    "grad-integers": (lambda p, g: (p, [g[0], np.ones((2, 2), int)]), TypeError, None),
    "list-of-lists": (lambda p, g: ([[1.0], p[1]], g), TypeError, r"params\[0\] must be an array.*, not list"),
    "number": (lambda p, g: (1.0, g), ValueError, "like the first params: a list of 2, not float"),
    "tuple-for-list": (
        lambda p, g: (tuple(p), {"a": g[0], "b": g[1]}),
        ValueError,
        "a list of 2, not a dict of 'a', 'b'",
    ),
    "read-only": (lambda p, g: ([p[0], read_only(p[1])], g), ValueError, None),
    "strided": (lambda p, g: ([p[0], np.ones((2, 4))[:, ::2]], g), ValueError, None),
    "overlap": (lambda p, g: (p, [g[0], p[1]]), ValueError, None),
    "same-twice": (lambda p, g: (lambda m: ([m[0], m], g))(np.ones((2, 3))), ValueError, None),
}


def read_only(array):
    array.flags.writeable = False
    return array


def state(model):
    arrays = {name: view.tobytes() for name, view in (model.parameters | model.slots).items()}
    history = (model.history.epoch, model.history.history)
    return (
        arrays,
        model.optimizer.step,
        model.optimizer.get_config(),
        model.epochs_trained,
        model.loss,
        model.metrics,
        history,
    )


@pytest.fixture
def model():
    result = other("sparse_categorical_crossentropy", metrics=["accuracy"])
    result.fit(X, Y, epochs=2, verbose=0)
    return result


@pytest.mark.parametrize(("action", "exception", "message"), BAD_DATA.values(), ids=BAD_DATA)
def test_model_is_unchanged(action, exception, message, model):
    before = state(model)
    with pytest.raises(exception, match=message):
        action(model)
    assert state(model) == before


# What is wrong with data whatever the number of features.
UNBUILT = [
    name
    for name in BAD_DATA
    if name.startswith(("x-", "y-", "weight-", "batch", "epochs")) and name not in ("x-features", "x-one-sample")
]


@pytest.mark.parametrize("name", UNBUILT)
def test_model_is_not_built(name):
    """A first call of `fit` with bad data leaves the model unbuilt."""
    action, exception, _ = BAD_DATA[name]
    model = fo.Sequential([DENSE(5), DENSE(3)])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(exception):
        action(model)
    assert not model.built


@pytest.mark.parametrize(("action", "exception", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_refused(action, exception, message):
    with pytest.raises(exception, match=message):
        action()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("change", "exception", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_are_unchanged(change, exception, message, optimizer):
    params, grads = [np.ones(3), np.ones((2, 2))], [np.ones(3), np.ones((2, 2))]
    rule = fo.optimizers.OPTIMIZERS.resolve(optimizer)
    rule.update(params, grads)
    before = [p.tobytes() for p in params]
    with pytest.raises(exception, match=message):
        rule.update(*change(params, grads))
    assert [p.tobytes() for p in params] == before
    assert rule.step == 1


def test_switching_the_rule_is_refused():
    sgd, w = fo.optimizers.SGD(0.1), np.ones(2)
    sgd.update(w, np.ones(2))
    sgd.momentum = 0.9
    with pytest.raises(ValueError, match=r"began with the rule sgd;.*momentum"):
        sgd.update(w, np.ones(2))
    assert sgd.step == 1


def test_loss_becomes_infinite():
    """Training stops with the weights of the last whole step."""
    model = other("mse", 1)
    model.compile(fo.optimizers.SGD(1e30), "mse")
    model.fit(X, Y, batch_size=20, verbose=0)
    before = state(model)[0]
    with pytest.raises(FloatingPointError, match="batch 0"):
        model.fit(X, Y, batch_size=20, verbose=0)
    assert state(model)[0] == before
    assert model.optimizer.step == 1


@pytest.mark.parametrize("each", ["epoch", "batch"])
def test_last_step_makes_weights_infinite(each):
    model = other("mse", 1)
    model.compile(fo.optimizers.SGD(3e38), "mse")
    train = {"epoch": lambda: model.fit(100 * X, 100 * Y, batch_size=20, verbose=0)}
    train["batch"] = lambda: model.train_on_batch(100 * X, 100 * Y)
    with pytest.raises(FloatingPointError, match=r"step 1 .*made parameters NaN or infinite"):
        train[each]()


def test_loss_of_infinite_weights():
    """The message does not call the weights good."""
    model = other("mse", 1)
    model.compile(fo.optimizers.SGD(3e38), "mse")
    with pytest.raises(FloatingPointError, match=r"step 2; .* which made some of them NaN or infinite"):
        model.fit(100 * X, 100 * Y, batch_size=10, verbose=0)


def test_labels_beyond_the_precision():
    """float32 holds whole numbers up to 2**24."""
    network = _core.Network("float32", 1, [{"kind": "dense", "units": 2**24 + 1, "use_bias": False}])
    goal = _core.Goal("sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="at most 16777216 outputs, not 16777217"):
        _core.Epoch(network, [goal], np.ones((1, 1), np.float32), np.zeros(1, np.int64))
