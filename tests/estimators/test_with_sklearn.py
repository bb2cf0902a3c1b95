"""scikit-learn's tools around the estimators, cross-validation side by side, and models of one's own."""

import pickle

import joblib
import numpy as np
import pytest

import fastopt as fo

pytest.importorskip("sklearn.callback", exc_type=ImportError)
import scipy.sparse
import sklearn.neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ScoringMonitor
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_digits, load_wine, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.model_selection import cross_validate as cross_validate_alone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler, scale
from sklearn.utils.estimator_checks import check_estimator

from fastopt.sklearn import MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor, cross_validate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_wine(return_X_y=True)
X = scale(X)
DIABETES = [scale(array) for array in load_diabetes(return_X_y=True)]


def network(n_features, n_outputs, loss="mse"):
    layers = [fo.layers.Dense(16, "tanh"), fo.layers.Dense(n_outputs)]
    model = fo.Sequential(layers, seed=0, dtype="float64")
    model.compile(fo.optimizers.Adam(0.05), loss)
    return model


def functional(n_features, n_outputs, loss="mse"):
    x = fo.Input(n_features)
    hidden = fo.layers.Dense(16, "tanh")(x)
    model = fo.Model(x, fo.layers.Dense(n_outputs)(hidden), seed=0, dtype="float64")
    model.compile(fo.optimizers.Adam(0.05), loss)
    return model


def classifying(n_features, n_outputs):
    loss = "binary_crossentropy" if n_outputs == 1 else "sparse_categorical_crossentropy"
    return network(n_features, n_outputs, loss)


OWN = [
    NetworkClassifier(classifying, epochs=200, batch_size=None),
    NetworkRegressor(functional, epochs=200, batch_size=None),
]


@pytest.mark.parametrize("estimator", OWN, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.filterwarnings("ignore")
def test_checks_of_sklearn(estimator):
    check_estimator(estimator, expected_failed_checks={})


@pytest.mark.parametrize(
    "estimator",
    [MLPClassifier(solver="lbfgs", random_state=0), NetworkClassifier(classifying, epochs=30)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_tools(estimator, tmp_path):
    halves = ColumnTransformer([("first", StandardScaler(), slice(0, 6)), ("rest", MinMaxScaler(), slice(6, 13))])
    pipeline = make_pipeline(halves, estimator)
    assert cross_val_score(pipeline, X, Y, cv=3).min() > 0.9
    pipeline.fit(X, Y)
    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    again = joblib.load(tmp_path / "pipeline.joblib")
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))
    assert CalibratedClassifierCV(clone(estimator), cv=2).fit(X, Y).score(X, Y) > 0.9
    importance = permutation_importance(pipeline, X, Y, n_repeats=2, random_state=0)
    assert importance.importances_mean.max() > 0.01


def test_search_in_processes():
    search = GridSearchCV(MLPClassifier(solver="lbfgs", random_state=0), {"alpha": [1e-3, 1.0]}, cv=2, n_jobs=2)
    assert search.fit(X, Y).best_score_ > 0.9


def test_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"c{i}" for i in range(13)])
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(solver="lbfgs", random_state=0)).set_output(
        transform="pandas"
    )
    pipeline.fit(frame, Y)
    assert list(pipeline[-1].feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        pipeline.predict(frame[frame.columns[::-1]])


def test_metadata_routing():
    weight = np.linspace(0.5, 2, len(Y))
    with sklearn.config_context(enable_metadata_routing=True):
        mlp = MLPClassifier(max_iter=3, random_state=0).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, mlp).fit(X, Y, sample_weight=weight)
    alone = clone(mlp).fit(StandardScaler().fit_transform(X), Y, sample_weight=weight)
    np.testing.assert_array_equal(pipeline[-1].coefs_[0], alone.coefs_[0])


class Stop:
    """A callback that ends the training after some iterations, and keeps what was predicted then."""

    def __init__(self, after):
        self.after, self.seen = after, []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):  # noqa: N803
        if context.task_name == "iteration":
            self.seen.append((fitted_estimator, fitted_estimator.predict_proba(X)))
            return len(self.seen) > self.after
        return False


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_of_sklearn(solver):
    stop = Stop(after=4)
    mlp = MLPClassifier(solver=solver, random_state=0).set_callbacks(stop).fit(X, Y)
    assert mlp.n_iter_ == 4
    first, *tasks, last = stop.seen
    assert (first, last) == ("setup", "teardown")
    for fitted, probabilities in tasks:  # which later training has not changed
        np.testing.assert_array_equal(fitted.predict_proba(X), probabilities)
    np.testing.assert_array_equal(mlp.predict_proba(X), tasks[-1][1])
    monitor = ScoringMonitor(scoring="accuracy")
    MLPClassifier(max_iter=3).set_callbacks(monitor).fit(X, Y)


def test_cross_validation_side_by_side():
    for estimator in (MLPClassifier(max_iter=20, random_state=0), make_pipeline(StandardScaler(), clone(OWN[0]))):
        expected = cross_validate_alone(estimator, X, Y, cv=4, scoring=["accuracy", "neg_log_loss"])
        found = cross_validate(estimator, X, Y, cv=4, scoring=["accuracy", "neg_log_loss"], workers=2)
        assert found.keys() == expected.keys()
        for name in ("test_accuracy", "test_neg_log_loss"):
            np.testing.assert_array_equal(found[name], expected[name])
    found = cross_validate(MLPRegressor(max_iter=2), *DIABETES, return_estimator=True, sample_weight=DIABETES[1] ** 2)
    assert len(found["estimator"]) == len(found["test_score"]) == 5
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0") as caught:
        cross_validate(MLPClassifier([-1]), X, Y)
    assert "fold" in caught.value.__notes__[0]


def test_cross_validation_warns_once_of_the_line_that_called_it():
    with pytest.warns(ConvergenceWarning, match="hasn't converged") as caught:
        cross_validate(MLPClassifier(max_iter=2), X, Y, cv=3)
    assert [warning.filename for warning in caught] == [__file__]


# What the perceptrons have that scikit-learn's lack


def test_class_weight_is_sample_weight():
    weight = {0: 1.0, 1: 5.0, 2: 0.5}
    arguments = {"max_iter": 5, "random_state": 0}
    one = MLPClassifier(class_weight=weight, **arguments).fit(X, Y)
    other = MLPClassifier(**arguments).fit(X, Y, sample_weight=np.vectorize(weight.get)(Y))
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    balanced = MLPClassifier(class_weight="balanced", **arguments).fit(X, Y)
    assert not np.array_equal(balanced.coefs_[0], MLPClassifier(**arguments).fit(X, Y).coefs_[0])


@pytest.mark.parametrize(
    "arguments",
    [
        {"dropout": 0.1},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"activation": "gelu"},
        {"solver": fo.optimizers.Lion(0.001)},
        {"solver": fo.optimizers.SGD(fo.schedules.Cosine(0.1, steps=100), momentum=0.9)},
        {"solver": fo.solvers.NewtonCG(), "max_iter": 20},
    ],
    ids=str,
)
def test_what_else_there_is(arguments):
    mlp = MLPClassifier(**({"max_iter": 100, "random_state": 0} | arguments))
    assert clone(mlp).fit(X, Y).score(X, Y) > 0.95


@pytest.mark.parametrize("loss", ["huber", "absolute_error", fo.losses.Huber(0.5), "log_cosh"])
def test_losses_of_numbers(loss):
    x, y = DIABETES
    assert MLPRegressor(loss, random_state=0, max_iter=100).fit(x, y).score(x, y) > 0.4


def test_quantiles():
    x, y = DIABETES
    quantile = MLPRegressor(fo.losses.Quantile([0.9]), max_iter=200, random_state=0).fit(x, y)
    assert abs((y < quantile.predict(x)).mean() - 0.9) < 0.05
    several = fo.losses.Quantile([0.1, 0.5, 0.9])
    with pytest.raises(ValueError, match="use a NetworkRegressor"):
        MLPRegressor(several).fit(x, y)
    model = fo.Sequential([fo.layers.Dense(3)], seed=0)
    model.compile(fo.optimizers.Adam(0.05), several)
    below = (y[:, np.newaxis] < NetworkRegressor(model, epochs=30).fit(x, y).predict(x)).mean(axis=0)
    assert np.abs(below - several.quantiles).max() < 0.1


def test_poisson_predicts_rates():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(500, 2))
    rates = np.exp(1 + x[:, 0])
    mlp = MLPRegressor("poisson", 4, solver="lbfgs", random_state=0).fit(x, rng.poisson(rates))
    assert np.abs(mlp.predict(x) / rates - 1).mean() < 0.1
    own = NetworkRegressor(network(2, 1, "poisson"), epochs=1).fit(x, rng.poisson(rates))
    np.testing.assert_array_equal(own.predict(x), np.exp(own.model_.predict(x, verbose=0)[:, 0]))


def test_eval_set_restores_the_best_weights():
    arguments = {"max_iter": 30, "random_state": 0, "learning_rate_init": 0.05, "n_iter_no_change": 40}
    mlp = MLPClassifier(**arguments).fit(X[::2], Y[::2], eval_set=(X[1::2], Y[1::2]))
    assert len(mlp.validation_scores_) == mlp.n_iter_ == 30
    assert mlp.score(X[1::2], Y[1::2]) == mlp.best_validation_score_ == max(mlp.validation_scores_)
    early = MLPClassifier(early_stopping=True, **arguments | {"n_iter_no_change": 2})
    assert early.fit(X[::2], Y[::2], eval_set=(X[1::2], Y[1::2])).n_iter_ < 30
    with pytest.raises(ValueError, match="eval_set must be"):
        mlp.fit(X, Y, eval_set=X)


def test_held_part_has_all_classes():
    """Each its share, where there are several; a class with one sample alone is no error, as in scikit-learn."""
    y = np.where(np.arange(100) < 90, np.arange(100) % 2, 2)
    x = np.random.default_rng(0).normal(size=(100, 3))
    mlp = MLPClassifier(early_stopping=True, max_iter=1).fit(x, y)
    _, held = mlp._split(y)
    assert sorted(np.bincount(y[held])) == [1, 4, 5]
    y[0] = 3
    mlp.fit(x, y)


# Models of one's own


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [
        ("sparse_categorical_crossentropy", 2),
        ("categorical_crossentropy", 2),
        ("binary_crossentropy", 1),
        ("hinge", 1),
    ],
)
def test_two_classes_as_the_loss_reads_them(loss, outputs):
    words = np.array(["no", "yes"])[(Y > 0).astype(int)]
    estimator = NetworkClassifier(network(13, outputs, loss), epochs=30, random_state=0).fit(X, words)
    assert estimator.score(X, words) > 0.95
    assert estimator.build.built is False
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    if loss != "hinge":
        assert estimator.predict_proba(X).shape == (len(X), 2)


@pytest.mark.parametrize(
    ("loss", "outputs", "kind", "y"),
    [
        ("sparse_categorical_crossentropy", 3, NetworkClassifier, Y),
        ("binary_crossentropy", 1, NetworkClassifier, Y > 0),
        ("hinge", 1, NetworkClassifier, Y > 0),
        ("mse", 2, NetworkRegressor, X[:, :2]),
        ("poisson", 1, NetworkRegressor, Y),
    ],
)
def test_functional_models_are_as_sequential_ones(loss, outputs, kind, y):
    """Also of sparse samples, and with data to be judged by after each epoch."""
    calls = ["predict", "predict_proba"] if kind is NetworkClassifier and loss != "hinge" else ["predict"]
    for x in (X, scipy.sparse.csr_array(np.where(X > 1, X, 0))):
        both = [
            kind(make(13, outputs, loss), epochs=3, random_state=1).fit(x, y, Y + 1, eval_set=(x, y))
            for make in (network, functional)
        ]
        assert both[0].history_.history["val_loss"] == both[1].history_.history["val_loss"]
        for call in calls:
            expected, found = (getattr(estimator, call)(x) for estimator in both)
            np.testing.assert_array_equal(found, expected)


def test_functional_models_that_are_no_estimators():
    a, b = fo.Input(13), fo.Input(2)
    one, two = fo.layers.Dense(1, name="one")(a), fo.layers.Dense(1, name="two")(fo.layers.Concatenate()([a, b]))
    cases = {
        "has 2 inputs; that of an estimator has one": fo.Model([a, b], two),
        "has 2 outputs; that of an estimator has one": fo.Model(a, [one, fo.layers.Dense(1)(one)]),
        r"takes inputs of shape \(2,\); the samples have 13 features": fo.Model(b, fo.layers.Dense(1)(b)),
        "compiled with a loss": fo.Model(a, one),
    }
    for message, model in cases.items():
        if "loss" not in message:
            model.compile("sgd", "mse" if len(model.graph.output_names) == 1 else ["mse", "mse"])
        estimator = NetworkRegressor(model)
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, Y)
        assert not hasattr(estimator, "model_")


def test_own_model_of_several_labels_and_its_arguments():
    x, y = make_multilabel_classification(100, n_classes=3, random_state=0)
    stop = fo.callbacks.EarlyStopping("val_loss", patience=3)
    estimator = NetworkClassifier(
        network(20, 3, "binary_crossentropy"), fit_arguments={"callbacks": [stop]}, epochs=200
    )
    estimator.fit(x[:80], y[:80], eval_set=(x[80:], y[80:]))
    assert estimator.n_iter_ < 200
    assert estimator.predict(x).shape == y.shape
    estimator.set_params(warm_start=True, epochs=1, fit_arguments=None).fit(x, y)
    assert estimator.n_iter_ == 1
    for build, message in (
        (lambda n_features, n_outputs: None, "compiled fastopt.Sequential"),
        ("network", "build must be a function"),
        (network(20, 2, "binary_crossentropy"), "2 outputs"),
        (fo.Sequential([fo.layers.Dense(3)]), "compiled with a loss"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            NetworkClassifier(build).fit(x, y)


def test_scores_of_digits_equal_those_of_sklearn():
    """Over seeds, batches smaller than the data: the mean scores differ by less than the noise."""
    x, y = load_digits(return_X_y=True)
    x = x / 16
    scores = [
        [kind(max_iter=10, random_state=seed).fit(x[:1000], y[:1000]).score(x[1000:], y[1000:]) for seed in range(3)]
        for kind in (MLPClassifier, sklearn.neural_network.MLPClassifier)
    ]
    assert abs(np.mean(scores[0]) - np.mean(scores[1])) < 0.02
