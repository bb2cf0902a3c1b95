"""Metrics: by hand, against scikit-learn where it is installed, in compile, fit, evaluate and files."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastopt as fo
from fastopt.metrics import AUC, F1, R2, Accuracy, FunctionMetric, Precision, Recall, TopKAccuracy, confusion_matrix

N = 200


def dense(outputs, last=None, dtype="float32"):
    return fo.Sequential([fo.layers.Dense(8, "tanh"), fo.layers.Dense(outputs, last)], dtype=dtype)


# --- By hand ----------------------------------------------------------------------------------------------------------

LABELS = [0, 0, 1, 2, 2, 2]
ANSWERS = [0, 1, 1, 2, 2, 0]
BITS = [[1, 0], [1, 1], [0, 1], [0, 0]]
YES = [[0.9, 0.2], [0.3, 0.8], [0.6, 0.7], [0.1, 0.4]]

# Precision by class is 1/2, 1/2, 1; recall 1/2, 1, 2/3; with YES 1/2, 1 and 1/2, 1.
BY_HAND = {
    "precision-macro": (Precision(), LABELS, ANSWERS, 2 / 3),
    "precision-absent-class": (Precision(), [0, 0, 1], np.eye(3)[[0, 1, 1]], 3 / 4),
    "precision-micro": (Precision("micro"), LABELS, ANSWERS, 4 / 6),
    "precision-weighted": (Precision("weighted"), LABELS, ANSWERS, (2 / 2 + 1 / 2 + 3) / 6),
    "recall-macro": (Recall(), LABELS, ANSWERS, (1 / 2 + 1 + 2 / 3) / 3),
    "f1-macro": (F1(), LABELS, ANSWERS, (1 / 2 + 2 / 3 + 4 / 5) / 3),
    "f1-one-hot": (F1(), np.eye(3)[LABELS], np.eye(3)[ANSWERS], (1 / 2 + 2 / 3 + 4 / 5) / 3),
    "precision-own": (Precision(), BITS, YES, 3 / 4),
    "precision-own-threshold": (Precision(threshold=0.65), BITS, YES, 1.0),
    "recall-own-micro": (Recall("micro"), BITS, YES, 3 / 4),
    "precision-own-weighted": (Precision("weighted"), BITS, YES, 3 / 4),
    "nothing-answered": (Precision(), [0, 1], [0.1, 0.2], 0.0),
    "no-cases": (Recall("weighted"), [[0, 0], [0, 0]], [[0.9, 0.1], [0.9, 0.1]], 0.0),
    "auc-ties": (AUC(), [0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 0.5),
    "auc-scores": (AUC(), [0, 1, 0, 1], [-7, 3, 2, 9], 1.0),
    "auc-own": (AUC(), BITS, YES, (3 / 4 + 1) / 2),
    "auc-absent-class": (AUC(), [0, 0, 1], [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.7, 0.0]], (1 / 2 + 3 / 4) / 2),
    "auc-undefined": (AUC(), [1, 1], [0.5, 0.6], np.nan),
    "top-1-ties": (TopKAccuracy(1), [0, 1], [[0.5, 0.5], [0.5, 0.5]], 1 / 2),
    "top-all": (TopKAccuracy(9), [0, 1], [[0.1, 0.9], [0.5, 0.5]], 1.0),
    "accuracy-own": (Accuracy(), BITS, YES, 6 / 8),
    "accuracy-own-one-hot": (functools.partial(Accuracy(), exclusive=False), np.eye(2), [[0.9, 0.8], [0.9, 0.8]], 0.5),
    "r2-constant": (R2(), [2.0, 2.0], [2.0, 3.0], 0.0),
    "r2-constant-perfect": (R2(), [2.0, 2.0], [2.0, 2.0], 1.0),
}


@pytest.mark.parametrize("case", BY_HAND)
@pytest.mark.filterwarnings("ignore:The metric 'auc' is undefined")
def test_by_hand(case):
    metric, y_true, y_pred, expected = BY_HAND[case]
    assert metric(y_true, y_pred) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_confusion_matrix_by_hand():
    expected = [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert confusion_matrix(LABELS, ANSWERS).tolist() == expected
    assert confusion_matrix(np.eye(3)[LABELS], np.eye(3)[ANSWERS]).dtype == np.int64
    weighted = confusion_matrix(LABELS, ANSWERS, sample_weight=[0.5, 2, 1, 1, 1, 0])
    assert weighted.tolist() == [[0.5, 2, 0], [0, 1, 0], [0, 0, 2]]
    assert confusion_matrix([0, 1], [0.2, 0.3]).tolist() == [[1, 0], [1, 0]]


# --- Properties -------------------------------------------------------------------------------------------------------

METRICS = [Accuracy(), Precision(), Recall("micro"), F1("weighted"), AUC(), TopKAccuracy(2)]


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_weights_count_samples(metric, rng):
    """A weight of 3 is as good as a sample that occurs three times, and one of 0 as a sample that does not."""
    y, p, weight = rng.integers(0, 4, N), rng.random((N, 4)).round(1), rng.integers(0, 4, N)
    assert metric(y, p, weight) == pytest.approx(metric(y.repeat(weight), p.repeat(weight, axis=0)), rel=1e-12)


def mean_product(y_true, y_pred, sample_weight=None):
    return np.average(y_true * y_pred, weights=sample_weight)


@pytest.mark.parametrize("metric", [R2(), fo.metrics.MeanSquaredError(), FunctionMetric(mean_product)])
def test_weights_count_values(metric, rng):
    y, p, weight = rng.normal(size=N), rng.normal(size=N), rng.integers(0, 4, N)
    assert metric(y, p, weight) == pytest.approx(metric(y.repeat(weight), p.repeat(weight)), rel=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_forms_of_targets(metric, rng):
    y, p = rng.integers(0, 4, N), rng.random((N, 4)).astype(np.float32)
    expected = metric(y, p)
    for form in (y[:, None], y.astype(np.float32), np.eye(4)[y], np.eye(4, dtype=bool)[y].tolist()):
        assert metric(form, p) == expected


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30))
def test_auc_is_the_chance_of_a_pair(samples):
    """Compared with all pairs; weights and ties included."""
    yes = [(score, weight) for case, score, weight in samples if case]
    no = [(score, weight) for case, score, weight in samples if not case]
    pairs = sum(a * b for _, a in yes for _, b in no)
    if not pairs:
        return
    won = sum(a * b * ((s > t) + (s == t) / 2) for s, a in yes for t, b in no)
    cases, scores, weights = zip(*samples, strict=True)
    assert AUC()(cases, scores, weights) == pytest.approx(won / pairs, rel=1e-12)


def test_top_1_is_accuracy(rng):
    y, p = rng.integers(0, 4, N), rng.integers(0, 3, (N, 4)).astype(float)
    assert TopKAccuracy(1)(y, p) == Accuracy()(y, p)


# --- Against scikit-learn ---------------------------------------------------------------------------------------------


@pytest.fixture
def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics", exc_type=ImportError)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("kind", ["classes", "missing", "binary", "own"])
def test_ratios_against_sklearn(sklearn_metrics, kind, average, weighted, rng):
    weight = rng.random(N) if weighted else None
    if kind == "own":
        y, p = rng.random((N, 3)) < [0.1, 0.5, 0.0], rng.random((N, 3))
        answer = p > 0.5
    elif kind == "binary":
        y, p = rng.integers(0, 2, N), rng.random(N)
        answer = (p > 0.5).astype(int)
    else:
        y, p = rng.integers(0, 3 if kind == "missing" else 5, N), rng.random((N, 5))
        p[:, 3] *= kind == "classes"
        answer = p.argmax(axis=1)
    for name, metric in (("precision", Precision), ("recall", Recall), ("f1", F1)):
        theirs = getattr(sklearn_metrics, f"{name}_score")
        expected = theirs(y, answer, average=average, sample_weight=weight, zero_division=0)
        assert metric(average)(y, p, weight) == pytest.approx(expected, rel=1e-12)
        if kind == "binary":
            assert metric()(y, p, weight) == pytest.approx(theirs(y, answer, sample_weight=weight), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_others_against_sklearn(sklearn_metrics, weighted, rng):
    weight = rng.random(N) if weighted else None
    y, p, labels = rng.integers(0, 2, N), rng.random(N).round(1), rng.integers(0, 5, N)
    logits = rng.normal(size=(N, 5)).round(1)
    many = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets, values = rng.normal(size=(2, N, 3))
    theirs = sklearn_metrics
    for ours, expected in (
        (AUC()(y, p, weight), theirs.roc_auc_score(y, p, sample_weight=weight)),
        (AUC()(labels, many, weight), theirs.roc_auc_score(labels, many, multi_class="ovr", sample_weight=weight)),
        (R2()(targets, values, weight), theirs.r2_score(targets, values, sample_weight=weight)),
        (
            TopKAccuracy(2)(labels, targets @ np.ones((3, 1)) * np.arange(5), weight),
            theirs.top_k_accuracy_score(labels, targets @ np.ones((3, 1)) * np.arange(5), k=2, sample_weight=weight),
        ),
        (
            fo.metrics.MeanAbsoluteError()(targets, values, weight),
            theirs.mean_absolute_error(targets, values, sample_weight=weight),
        ),
    ):
        assert ours == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(
        confusion_matrix(labels, many, weight),
        theirs.confusion_matrix(labels, many.argmax(axis=1), sample_weight=weight),
        rtol=1e-12,
    )


def test_functions_of_sklearn(sklearn_metrics, rng):
    """As metrics of a model, with weights; those of probabilities as they are, those of classes wrapped."""
    x, y, weight = rng.normal(size=(N, 3)), rng.integers(0, 3, N), rng.random(N)
    model = dense(3)
    functions = [
        sklearn_metrics.log_loss,
        functools.partial(sklearn_metrics.roc_auc_score, multi_class="ovr"),
        FunctionMetric(sklearn_metrics.balanced_accuracy_score, classes=True),
    ]
    model.compile("adam", "sparse_categorical_crossentropy", [*functions, "auc", "accuracy"])
    history = model.fit(x, y, epochs=1, validation_data=(x, y, weight), verbose=0).history
    logs = model.evaluate(x, y, sample_weight=weight)
    p = model.predict_proba(x)
    assert list(logs.keys()) == ["loss", "log_loss", "roc_auc_score", "balanced_accuracy_score", "auc", "accuracy"]
    assert logs["log_loss"] == pytest.approx(logs["loss"], rel=1e-5)
    assert logs["roc_auc_score"] == pytest.approx(logs["auc"], rel=1e-6)
    expected = sklearn_metrics.balanced_accuracy_score(y, p.argmax(axis=1), sample_weight=weight)
    assert logs["balanced_accuracy_score"] == pytest.approx(expected)
    names = logs.keys()
    assert {name: history[f"val_{name}"][-1] for name in names} == logs
    assert [metric.larger_is_better for metric in model.metrics.values()] == [False, True, True, True, True]


# --- In a model -------------------------------------------------------------------------------------------------------

# Loss, outputs, last activation and metrics of the classes.
CLASSIFIERS = {
    "sparse logits": ("sparse_categorical_crossentropy", 3, None),
    "sparse": ("sparse_categorical_crossentropy", 3, "softmax"),
    "one-hot logits": ("categorical_crossentropy", 3, None),
    "one-hot": ("kl_divergence", 3, "softmax"),
    "binary logits": ("binary_crossentropy", 1, None),
    "binary": ("binary_crossentropy", 1, "sigmoid"),
    "own logits": ("binary_crossentropy", 3, None),
    "own": ("binary_crossentropy", 3, "sigmoid"),
}
NAMES = ["precision", "recall", "f1", "auc"]


def classes(case, rng):
    """Targets; those of outputs that are questions of their own happen to exclude each other."""
    labels = rng.integers(0, 3, N)
    if case.startswith("sparse"):
        return labels
    return (labels > 1).astype(float) if case.startswith("binary") else np.eye(3)[labels]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", CLASSIFIERS)
def test_evaluate_is_the_metric_of_the_probabilities(case, weighted, rng):
    loss, outputs, last = CLASSIFIERS[case]
    x, y, weight = rng.normal(size=(N, 4)), classes(case, rng), rng.random(N) if weighted else None
    model = dense(outputs, last, "float64")
    extra = [] if loss == "binary_crossentropy" else ["top_k_accuracy"]
    model.compile("adam", loss, ["accuracy", *NAMES, *extra])
    model.build(4)
    logs = model.evaluate(x, y, batch_size=33, sample_weight=weight)
    p = model.predict_proba(x)
    for name, metric in model.metrics.items():
        exclusive = False if case.startswith("own") else None
        assert logs[name] == pytest.approx(metric(y, p, weight, exclusive=exclusive), rel=1e-12), name
    assert list(logs.keys()) == ["loss", "accuracy", *NAMES, *extra]


def test_area_of_large_logits():
    """Whose probabilities are 1 in float32, but do not rank the same."""
    model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="ones")])
    model.compile("adam", "binary_crossentropy", ["auc"])
    model.build(1)
    x, y = [[20.0], [25.0], [22.0]], [0, 1, 1]
    assert (model.predict_proba(x) == 1).all()
    assert model.evaluate(x, y)["auc"] == 1


@pytest.mark.parametrize("loss", ["mse", lambda y_true, y_pred: (np.zeros(len(y_pred)), y_pred)], ids=["core", "own"])
def test_predictions_that_overflow(loss):
    model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="ones")])
    model.compile("adam", loss, ["r2"])
    model.build(2)
    assert np.isnan(model.evaluate([[3e38, 3e38], [0, 0]], [0, 1])["r2"])


def test_r2_of_a_model(rng):
    x, y = rng.normal(size=(N, 4)), rng.normal(size=(N, 2))
    model = dense(2)
    model.compile("adam", "huber", ["r2", "mse"])
    model.build(4)
    logs = model.evaluate(x, y)
    assert logs["r2"] == R2()(y, model.predict(x))
    assert logs["mse"] == pytest.approx(model.metrics["mse"](y, model.predict(x)), rel=1e-5)


def test_training_reports_means_and_validation_all(rng):
    x, y = rng.normal(size=(N, 4)), rng.integers(0, 2, N)
    model = dense(1)
    model.compile("adam", "binary_crossentropy", {"area": "roc_auc", "right": "acc"})
    seen = []
    listener = fo.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(list(logs)))
    history = model.fit(x, y, epochs=2, validation_split=0.2, callbacks=[listener], verbose=0)
    assert list(history.history)[:5] == ["loss", "right", "val_loss", "val_area", "val_right"]
    assert sorted(history.params["logs"]) == sorted(history.history)
    assert seen[0] == ["loss", "right"]
    assert list(model.train_on_batch(x, y).keys()) == ["loss", "right"]


TOPS = {"one": TopKAccuracy(1), "two": TopKAccuracy(2), "right": "accuracy"}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "case", [*(case for case in CLASSIFIERS if CLASSIFIERS[case][0] != "binary_crossentropy"), "own"]
)
def test_top_k_accuracy_of_training(case, weighted, rng):
    """At a rate of 0, that of training, of evaluation and of the probabilities are the same; also with a loss of one's
    own.
    """
    x, y, weight = rng.normal(size=(N, 4)), classes(case, rng), rng.random(N) if weighted else None
    loss, outputs, last = CLASSIFIERS[case]
    if case == "own":
        loss, last = lambda y_true, y_pred: (np.zeros(len(y_pred)), np.zeros_like(y_pred)), "softmax"
    model = dense(outputs, last, "float64")
    model.compile(fo.optimizers.SGD(0.0), loss, TOPS)
    logs = model.fit(x, y, epochs=1, batch_size=33, sample_weight=weight, validation_data=(x, y, weight), verbose=0)
    p = model.predict(x)
    for name, metric in model.metrics.items():
        expected = pytest.approx(metric(y, p, weight), rel=1e-12)
        assert logs.history[name] == [expected]
        assert logs.history[f"val_{name}"] == [expected]
        assert model.train_on_batch(x, y, weight)[name] == expected
    assert logs.history["one"] == logs.history["right"] < logs.history["two"]


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("last", [None, "softmax"])
def test_top_k_accuracy_of_equal_outputs(loss, last, rng):
    """The first count, as in the metric itself."""
    y = rng.integers(0, 7, N)
    model = fo.Sequential([fo.layers.Dense(7, last, kernel_initializer="zeros")])
    model.compile(fo.optimizers.SGD(0.0), loss, ["top_k_accuracy", "accuracy"])
    logs = model.fit(np.ones((N, 2)), y if loss.startswith("sparse") else np.eye(7)[y], verbose=0).history
    assert logs["top_k_accuracy"] == [pytest.approx((y < 5).mean())]
    assert logs["accuracy"] == [pytest.approx((y < 1).mean())]


def test_early_stopping_waits_for_a_larger_area(rng):
    x = rng.normal(size=(N, 2))
    y = x[:, 0] > 0
    model = dense(1)
    model.compile(fo.optimizers.SGD(0.0), "binary_crossentropy", ["auc"])
    stopping = fo.callbacks.EarlyStopping("val_auc", patience=3)
    history = model.fit(x, y, epochs=20, validation_split=0.5, callbacks=[stopping], verbose=0)
    assert len(history.epoch) == 4
    assert stopping.best == history.history["val_auc"][0] == max(history.history["val_auc"])
    with pytest.raises(ValueError, match="Unknown value to monitor 'auc'"):
        model.fit(x, y, validation_split=0.5, callbacks=[fo.callbacks.EarlyStopping("auc")], verbose=0)


def test_file_keeps_metrics(tmp_path):
    model = dense(4)
    metrics = [TopKAccuracy(2), {"micro": F1("micro"), "area": AUC()}]
    model.compile("adam", "sparse_categorical_crossentropy", {"top": metrics[0], **metrics[1]})
    model.build(3)
    model.save(tmp_path / "model")
    assert repr(fo.load_model(tmp_path / "model").metrics) == repr(model.metrics)


def test_file_refuses_functions(tmp_path):
    model = dense(1)
    model.compile("adam", "mse", [np.inner])
    model.build(3)
    with pytest.raises(ValueError, match=r"FunctionMetric\(.*cannot be saved: .*is a plain function"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


# --- Bad input --------------------------------------------------------------------------------------------------------


def largest(y_true, y_pred):
    return np.abs(y_true - y_pred).max()


def fit(loss, metric, outputs=3, **kwargs):
    """Return a function that fails before it changes anything."""

    def call():
        model = dense(outputs)
        model.compile("adam", loss, [metric])
        x = np.ones((4, 2))
        model.build(2)
        y = np.zeros(4, int) if loss.startswith("sparse") else np.eye(4, outputs)
        before = model.get_weights()
        try:
            model.fit(x, y, verbose=0, validation_data=(x, y, *kwargs.values()))
        finally:
            assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))

    return call


SPARSE = "sparse_categorical_crossentropy"
BAD = {
    "auc-loss": (fit("mse", "auc"), ValueError, "'auc' does not go with the loss 'mean_squared_error'.*of classes"),
    "r2-loss": (fit("poisson", "r2"), ValueError, "'r2' does not go with the loss 'poisson'; it goes with mean_sq"),
    "top-loss": (
        fit("binary_crossentropy", "top_k_accuracy"),
        ValueError,
        "'top_k_accuracy' does not go with the loss 'binary_crossentropy'; it goes with sparse_categorical_cr",
    ),
    "classes-loss": (fit("mse", FunctionMetric(largest, classes=True)), ValueError, "which has no classes"),
    "binary-many": (
        fit(SPARSE, F1("binary")),
        ValueError,
        "average='binary' is .* not for 3 outputs; use one of 'auto'",
    ),
    "threshold-many": (fit(SPARSE, F1(threshold=0.4)), ValueError, "threshold is for outputs that answer yes or no"),
    "weights": (fit("mse", largest, w=np.ones(4)), ValueError, "'largest' takes no sample_weight"),
    "average": (lambda: F1("makro"), ValueError, "Unknown average 'makro'. Did you mean 'macro'"),
    "threshold": (lambda: F1(threshold=-1), ValueError, "threshold must be at least 0"),
    "k": (lambda: TopKAccuracy(0), ValueError, "k must be at least 1"),
    "function": (lambda: FunctionMetric("f1"), TypeError, "function must be a function of targets"),
    "not-a-number": (lambda: FunctionMetric(lambda t, p: "a")([1], [1]), TypeError, "must return a number"),
    "twice": (
        lambda: dense(1).compile("sgd", "binary_crossentropy", [F1(), F1("micro")]),
        ValueError,
        "Two metrics would be reported as 'f1'; give a dict",
    ),
    "class": (lambda: dense(1).compile("sgd", "mse", [R2]), TypeError, "known metric"),
    "function-alone": (lambda: dense(1).compile("sgd", "mse", largest), TypeError, "metrics must be a list"),
    "lengths": (lambda: AUC()([0, 1], [0.5]), ValueError, r"y_true has shape \(2,\), y_pred has shape \(1,\)"),
    "empty": (lambda: AUC()([], []), ValueError, "y_true is empty"),
    "label": (lambda: F1()([0, 3], np.eye(2)), ValueError, r"y_true\[1\] = 3 is not a label from 0 to 1"),
    "label-negative": (lambda: F1()([0, 1], [0, -1]), ValueError, r"y_pred\[1\] = -1 is not a label"),
    "binary-target": (lambda: AUC()([-1, 1], [0.1, 0.2]), ValueError, r"y_true\[0, 0\] = -1 is not from 0 to 1"),
    "nan": (lambda: R2()([1.0, 2.0], [1.0, np.nan]), ValueError, r"y_pred\[1\] = nan is not finite"),
    "shapes": (lambda: R2()(np.ones((2, 2)), np.ones((2, 3))), ValueError, "expected the same"),
    "weights-zero": (lambda: R2()([1.0], [1.0], [0.0]), ValueError, "sample_weight is 0 for every sample"),
    "matrix-own": (lambda: confusion_matrix(BITS, YES), ValueError, "needs classes that exclude each other"),
    "top-binary": (lambda: TopKAccuracy()([0, 1], [0.1, 0.2]), ValueError, r"top_k_accuracy needs outputs \[n, k\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()
