"""Set-ups that teach nothing, and numbers that rounding takes the meaning of: a warning, or the right value."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pytest

import fastopt as fo
from fastopt import callbacks, metrics, preprocessing
from fastopt.core import checks
from fastopt.layers import Activation, Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))
LABELS = (X[:, 0] > 0).astype(int)


def model(layers, loss="mse", metrics=(), rate=0.0, **kwargs):
    made = fo.Sequential(layers, seed=0, **kwargs)
    made.compile(fo.optimizers.SGD(rate), loss, metrics)
    return made


def fit(layers, loss="mse", x=X, y=LABELS, metrics=(), dtype="float32", **kwargs):
    return model(layers, loss, metrics, dtype=dtype).fit(x, y, verbose=0, **kwargs)


def watching(callback, metric="auc"):
    one_class = (X[:10], np.zeros(10, int))
    return lambda: fit(
        [Dense(1, "sigmoid")], "binary_crossentropy", metrics=[metric], validation_data=one_class, callbacks=[callback]
    )


def functional(units, activation, loss, y):
    a = fo.Input(4)
    made = fo.Model(a, Dense(units, activation)(a))
    made.compile("sgd", loss)
    return made.fit(X, y, verbose=0)


LATE = np.c_[1.7e9 + 3600 * RNG.random(64), X[:, 1:]]
HIGH = 1e8 + np.arange(64.0)
SCALER = preprocessing.Standardizer().fit(LATE)

# What is done, and the warning.
WARNED = {
    "softmax of one": (lambda: fit([Dense(1, "softmax")]), "dense is a softmax of one number, which is always 1"),
    "softmax of one, functional": (lambda: functional(1, "softmax", "mse", LABELS), "dense is a softmax of one number"),
    "softmax layer": (lambda: fit([Dense(1), Activation("softmax")]), "activation is a softmax of one number"),
    "labels of one output": (
        lambda: fit([Dense(1)], "sparse_categorical_crossentropy", y=0 * LABELS),
        "sparse_categorical_crossentropy of one output is always 0",
    ),
    "distribution over one output": (
        lambda: fit([Dense(1)], "categorical_crossentropy", y=np.ones((64, 1))),
        "categorical_crossentropy of one output is always 0",
    ),
    "one class, binary": (
        lambda: fit([Dense(1)], "binary_crossentropy", y=np.ones(64)),
        "All 64 targets are alike",
    ),
    "one class, labels": (
        lambda: fit([Dense(3)], "sparse_categorical_crossentropy", y=0 * LABELS + 2),
        "All 64 targets are alike, 2: there is nothing to tell apart",
    ),
    "one class, functional": (
        lambda: functional(3, None, "sparse_categorical_crossentropy", 0 * LABELS),
        "All 64 targets are alike, 0",
    ),
    "auc of one class": (lambda: metrics.AUC()([1, 1], [0.2, 0.4]), "The metric 'auc' is undefined, NaN"),
    "r2 of one sample": (lambda: metrics.R2()([1.0], [2.0]), "'r2' is undefined, NaN: there are less than two samples"),
    "r2 of one weight": (lambda: metrics.R2()([1.0, 2.0], [2.0, 2.0], [1, 0]), "less than two samples"),
    "early stopping": (watching(callbacks.EarlyStopping("val_auc")), "EarlyStopping watches 'val_auc', which is NaN"),
    "plateau": (watching(callbacks.ReduceLROnPlateau("val_auc")), "ReduceLROnPlateau watches 'val_auc', which is NaN"),
    "feature below float32": (lambda: fit([Dense(1)], x=LATE), r"x\[:, 0\] lies between .* are 128 apart"),
    "feature below float32, integers": (
        lambda: fit([Dense(1)], x=10**9 + np.arange(64)[:, None]),
        "x lies between 1000000000.0 and 1000000063.0, where numbers of float32 are 64 apart",
    ),
    "targets below float32": (lambda: fit([Dense(1)], y=HIGH), "y lies between .* are 8 apart"),
    "class of one sample": (
        lambda: preprocessing.train_dev_test_split(np.arange(100)[:, None], np.r_[np.zeros(99, int), 1]),
        "class 1 has one sample, which cannot be in all sets",
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_degenerate_setups_are_named(case):
    run, message = WARNED[case]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    found = [one for one in caught if re.search(message, str(one.message))]
    assert found, [str(one.message) for one in caught]
    assert {one.filename for one in found} == {__file__}


QUIET = {
    "float64": lambda: fit([Dense(1)], x=LATE, y=HIGH, dtype="float64"),
    "constant feature": lambda: fit([Dense(1)], x=np.c_[np.full(64, 1.7e9), X[:, 1:]]),
    "constant but for rounding": lambda: fit([Dense(1)], x=np.c_[RNG.choice([0.3, 0.1 + 0.2], 64), X[:, 1:]]),
    "scaled outside": lambda: fit([Dense(1)], x=SCALER.transform(LATE)),
    "scaled inside": lambda: fit([SCALER, Dense(1)], x=LATE),
    "constant regression": lambda: fit([Dense(1)], y=np.ones(64)),
    "one sample": lambda: fit([Dense(3)], "sparse_categorical_crossentropy", x=X[:1], y=LABELS[:1]),
    "pixels": lambda: fit([Dense(1)], x=RNG.integers(0, 256, (64, 4), np.uint8)),
}


@pytest.mark.parametrize("case", QUIET)
def test_sound_setups_are_not(case):
    QUIET[case]()


def test_constant_but_for_rounding_is_constant():
    x = np.array([[0.3], [0.1 + 0.2], [0.3]])
    assert np.ptp(preprocessing.MinMaxScaler().fit_transform(x)) < 1e-15
    assert np.ptp(preprocessing.Standardizer().fit_transform(x)) < 1e-15
    for seed in range(100):
        rng = np.random.default_rng(seed)
        t = np.full(int(rng.integers(2, 40)), rng.normal())
        assert metrics.R2()(t, t + 1) == 0
        assert metrics.R2()(t, t) == 1
    # And a feature that varies little varies.
    assert np.ptp(preprocessing.MinMaxScaler().fit_transform([[1.0], [1.0 + 1e-12]])) == 1


def test_a_class_of_few_samples_is_trained_on():
    rows = np.arange(100.0)[:, np.newaxis]
    for few in (1, 2, 3):
        y = np.r_[np.zeros(100 - few, int), np.ones(few, int)]
        for seed in range(40):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                parts = preprocessing.train_dev_test_split(rows, y, seed=seed)
            assert 1 in parts[0][1]
            assert [len(part) for _, part in parts] == [60, 20, 20]
            assert np.array_equal(np.sort(np.concatenate([part[:, 0] for part, _ in parts])), rows[:, 0])


# Precision


def test_metrics_are_of_the_targets_as_given():
    y = 1e8 + np.arange(5.0)
    for made in (model([Dense(1)], metrics=["r2"]), fo.Model(a := fo.Input(1), Dense(1)(a))):
        made.compile("sgd", "mse", ["r2"])
        if isinstance(made, fo.Sequential):
            made.build(1)
        made.set_weights([np.zeros((1, 1)), [1e8]])
        with pytest.warns(UserWarning, match="y lies between"):
            found = made.evaluate(np.zeros((5, 1)), y)["r2"]
        assert found == metrics.R2()(y, np.full(5, 1e8)) == pytest.approx(-2.0, abs=1e-12)


# Weights


def test_weights_too_small_for_the_dtype_are_refused():
    small = np.exp(RNG.normal(size=64) - 100.0)
    y = X[:, 0]
    for use in (
        lambda m: m.fit(X, y, sample_weight=small, verbose=0),
        lambda m: m.evaluate(X, y, sample_weight=small),
        lambda m: m.train_on_batch(X, y, sample_weight=small),
        lambda m: m.fit(X, y, sample_weight=np.full(64, 1e-200), class_weight=None, verbose=0),
    ):
        made = model([Dense(1)])
        made.build(4)
        with pytest.raises(ValueError, match=r"sample_weight is at most .*float32 holds nothing below 1.2e-38"):
            use(made)
    classes = model([Dense(2)], "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"class_weight times sample_weight is at most 1e-40"):
        classes.fit(X, LABELS, class_weight={0: 1e-30, 1: 1e-30}, sample_weight=np.full(64, 1e-10), verbose=0)
    # In float64 they are numbers like others.
    made = model([Dense(1)], dtype="float64")
    made.build(4)
    right = np.average((made.predict(X)[:, 0] - y) ** 2, weights=small)
    assert made.evaluate(X, y, sample_weight=small)["loss"] == pytest.approx(right, rel=1e-12)


RATIOS = [metrics.AUC(), metrics.R2(), metrics.Precision(), metrics.F1("weighted"), metrics.Accuracy()]


@pytest.mark.parametrize("metric", RATIOS, ids=repr)
@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e250])
def test_only_ratios_of_weights_matter(metric, size):
    weight = RNG.random(64)
    p = 1 / (1 + np.exp(-X[:, 0] - X[:, 1]))
    assert metric(LABELS, p, size * weight) == pytest.approx(metric(LABELS, p, weight), rel=1e-12)


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e160, 1e307])
def test_r2_of_numbers_whose_squares_overflow_or_underflow(size):
    t = X[:, 0] / 4
    p = t + X[:, 1] / 9
    assert metrics.R2()(size * t, size * p) == pytest.approx(metrics.R2()(t, p), rel=1e-12)
    assert metrics.R2()(t, 1e200 * p) == -np.inf


# Fractions


def test_fractions_are_decimal():
    for n in (7, 10, 100, 1000, 12345):
        for percent in range(1, 100):
            exact = Fraction(percent, 100) * n
            assert int(checks.times(n, percent / 100)) == int(exact)
            assert round(checks.times(n, percent / 100)) == round(exact)
    assert int(checks.times(3, 1 / 3)) == 1


def test_validation_split_of_29_percent():
    x = np.zeros((100, 1))
    seen = {}
    keep = callbacks.LambdaCallback(on_train_begin=lambda: seen.update(keep.params))
    model([Dense(1)]).fit(x, np.arange(100.0), validation_split=0.29, callbacks=[keep], verbose=0)
    assert seen["samples"] == 71


@pytest.mark.parametrize("n", [*range(5, 400), 1797, 9_999, 30_000, 123_456])
def test_sizes_of_sets_are_exact(n):
    _, (dev, _), (test, _) = preprocessing.train_dev_test_split(np.zeros((n, 1)), np.zeros(n), shuffle=False)
    pieces = [(0, 5, 0), (10_000, 30, 2_000), (100_000, 180, 5_000)]  # from so many samples on, one of so many more
    begin, each, before = max(piece for piece in pieces if piece[0] < n)
    assert len(dev) == len(test) == before + (n - begin) // each


# Metrics that take classes


@pytest.mark.parametrize("name", ["f1_score", "accuracy_score", "balanced_accuracy_score", "matthews_corrcoef"])
def test_label_metrics_of_scikit_learn_are_given_classes(name):
    function = getattr(pytest.importorskip("sklearn.metrics"), name)
    for layers, loss, y in (
        ([Dense(1)], "binary_crossentropy", LABELS),
        ([Dense(2, "softmax")], "sparse_categorical_crossentropy", LABELS),
    ):
        made = model(layers, loss, [function], rate=0.1)
        history = made.fit(X, y, validation_data=(X, y), epochs=2, verbose=0)
        answers = made.predict(X)
        answers = answers[:, 0] > 0 if len(answers[0]) == 1 else answers.argmax(axis=1)
        assert history.history[f"val_{name}"][-1] == pytest.approx(function(y, answers))


def test_other_metrics_of_scikit_learn_are_given_probabilities():
    theirs = pytest.importorskip("sklearn.metrics")
    made = model([Dense(1)], "binary_crossentropy", [theirs.roc_auc_score, theirs.log_loss])
    made.build(4)
    logs, p = made.evaluate(X, LABELS), made.predict_proba(X)[:, 0]
    assert logs["roc_auc_score"] == pytest.approx(theirs.roc_auc_score(LABELS, p))
    assert logs["log_loss"] == pytest.approx(theirs.log_loss(LABELS, p), rel=1e-6)
    made = model([Dense(3)], "sparse_categorical_crossentropy", [theirs.f1_score])
    made.build(4)
    with pytest.raises(ValueError, match="Target is multiclass"):
        made.evaluate(X, np.arange(64) % 3)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy", "kl_divergence"])
@pytest.mark.parametrize("outputs", [3, 40])
def test_cross_entropy_of_sure_answers_keeps_its_digits(isa, dtype, outputs, loss):
    made = model([Activation("linear")], loss, dtype=dtype.__name__)
    made.build(outputs)
    for gap in (0.5, 3.0, 10.0, 17.0, 20.0, 40.0):
        logits = np.zeros((5, outputs))
        logits[:, 1] = gap
        y = np.ones(5, int) if loss.startswith("sparse") else np.eye(outputs)[[1] * 5]
        right = np.log1p((outputs - 1) * np.exp(-gap))
        assert made.evaluate(logits, y)["loss"] == pytest.approx(right, rel=20 * float(np.finfo(dtype).eps))
        assert made.train_on_batch(logits, y)["loss"] == pytest.approx(right, rel=20 * float(np.finfo(dtype).eps))
