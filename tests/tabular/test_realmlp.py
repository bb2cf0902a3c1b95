"""RealMLP: scikit-learn's checks, tables as they come, ensembles, and what its network is."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo

pytest.importorskip("sklearn.callback", exc_type=ImportError)
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastopt.tabular import RealMLPClassifier, RealMLPRegressor

SMALL = {"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0}
WINE, DIABETES = load_wine(return_X_y=True), load_diabetes(return_X_y=True)
KINDS = [(RealMLPClassifier, WINE), (RealMLPRegressor, DIABETES)]


@pytest.mark.parametrize("kind", [RealMLPClassifier, RealMLPRegressor])
@pytest.mark.filterwarnings("ignore")
def test_checks_of_sklearn(kind):
    check_estimator(kind(hidden_layer_sizes=(16,), epochs=30))


@pytest.mark.parametrize(("kind", "data", "least"), [(*KINDS[0], 0.95), (*KINDS[1], 0.25)])
def test_good_without_tuning(kind, data, least):
    x, x_test, y, y_test = train_test_split(*data, random_state=0)
    assert kind(epochs=64, random_state=0).fit(x, y).score(x_test, y_test) > least


def outputs(estimator, x):
    return estimator.predict_proba(x) if hasattr(estimator, "predict_proba") else estimator.predict(x)


@pytest.mark.parametrize(("kind", "data"), KINDS)
def test_copies(kind, data, tmp_path):
    x, y = data
    fitted = kind(**SMALL).fit(x, y)
    for again in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(x, y)):
        np.testing.assert_array_equal(outputs(again, x), outputs(fitted, x))


@pytest.mark.parametrize(("kind", "data"), KINDS)
def test_threads_and_order_of_rows(kind, data, for_all_threads, rng):
    x, y = data
    shuffled = rng.permutation(len(x))
    for_all_threads(lambda: [outputs(kind(**SMALL).fit(x, y), x)])
    fitted, other = kind(**SMALL).fit(x, y), kind(**SMALL).fit(x[shuffled], y[shuffled])
    np.testing.assert_array_equal(outputs(fitted, x), outputs(other, x))


@pytest.mark.parametrize(("kind", "data"), KINDS)
def test_ensemble_is_the_mean(kind, data):
    x, y = data
    fitted = kind(**SMALL, n_ensembles=3).fit(x, y)
    assert len(fitted.models_) == len(fitted.best_epochs_) == 3
    each = []
    for model in fitted.models_:
        one = copy.deepcopy(fitted)
        one.models_ = [model]
        each.append(outputs(one, x))
    np.testing.assert_allclose(outputs(fitted, x), np.mean(each, axis=0), rtol=1e-12)
    assert len({array.tobytes() for array in each}) == 3


def test_tools_of_sklearn():
    x, y = WINE
    pipeline = make_pipeline(StandardScaler(), RealMLPClassifier(**SMALL))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.9
    search = GridSearchCV(RealMLPClassifier(**SMALL), {"epochs": [2, 20]}, cv=2).fit(x, y)
    assert search.best_params_ == {"epochs": 20}


def test_best_epoch():
    x, y = WINE
    kept = RealMLPClassifier(**SMALL).fit(x, y, eval_set=(x, y))
    one = RealMLPClassifier(**SMALL | {"epochs": 1}, learning_rate=0.0).fit(x, y, eval_set=(x, y))
    assert kept.score(x, y) > 0.9 > one.score(x, y)
    assert RealMLPClassifier(**SMALL, validation_fraction=0.0).fit(x, y).best_epochs_ == [19]
    alike = RealMLPClassifier(**SMALL, learning_rate=0.0).fit(x, y)
    assert alike.best_epochs_ == [19]  # the last of the best
    with pytest.raises(ValueError, match="classes that y has not: 7"):
        RealMLPClassifier(**SMALL).fit(x, y, eval_set=(x[:1], [7]))
    with pytest.raises(TypeError, match="eval_set must be a pair"):
        RealMLPClassifier(**SMALL).fit(x, y, eval_set=x)


def table(rng, rows=300):
    age = rng.uniform(20, 60, rows)
    city = rng.choice(["Oslo", "Rome", "Lima"], rows)
    sex = rng.choice(["f", "m"], rows)
    y = np.where((age > 40) ^ (city == "Rome"), "yes", "no")
    age[rng.random(rows) < 0.05] = np.nan
    city = city.astype(object)
    city[rng.random(rows) < 0.05] = None
    return {"age": age, "city": city, "sex": sex}, y


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames(library, rng):
    pytest.importorskip("narwhals")
    pytest.importorskip("pyarrow")
    frames = pytest.importorskip(library)
    columns, y = table(rng)
    make = frames.table if library == "pyarrow" else frames.DataFrame
    frame = make({name: list(values) if values.dtype == object else values for name, values in columns.items()})
    fitted = RealMLPClassifier(**SMALL | {"epochs": 60}).fit(frame, y, sample_weight=rng.integers(1, 3, len(y)))
    assert fitted.score(frame, y) > 0.85
    assert fitted.n_features_in_ == 3
    assert [*fitted.feature_names_in_] == ["age", "city", "sex"]
    unseen = make({"age": [30.0], "city": ["Paris"], "sex": [None]})
    np.testing.assert_allclose(fitted.predict_proba(unseen).sum(), 1)
    array = np.array([*columns.values()], dtype=object).T
    other = RealMLPClassifier(**SMALL | {"epochs": 60}).fit(array, y)
    assert other.score(array, y) > 0.85


def test_categories_of_numbers(rng):
    code = rng.integers(0, 6, 300)
    y = np.isin(code, [0, 3, 4])
    x = code[:, np.newaxis].astype(float)
    fitted = RealMLPClassifier(**SMALL, categorical_features=["x0"]).fit(x, y)
    assert fitted.models_[0].input_shape == (6,)
    assert fitted.score(x, y) == 1


def test_weights(rng):
    x, y = WINE
    weight = rng.uniform(0, 2, len(y))
    weight[:40] = 0
    fitted = RealMLPClassifier(**SMALL, class_weight="balanced").fit(x, y, sample_weight=weight)
    kept = RealMLPClassifier(**SMALL, class_weight="balanced").fit(x, y, sample_weight=10 * weight)
    np.testing.assert_allclose(fitted.predict_proba(x), kept.predict_proba(x), atol=1e-4)
    heavy = RealMLPClassifier(**SMALL, class_weight={0: 1000.0, 1: 1e-3, 2: 1e-3}).fit(x, y)
    assert (heavy.predict(x) == 0).mean() > 0.5 > (fitted.predict(x) == 0).mean()
    with pytest.raises(ValueError, match="All weights are 0"):
        RealMLPClassifier(**SMALL, class_weight={0: 0, 1: 0, 2: 0}).fit(x, y)


def test_several_targets():
    x, y = DIABETES
    both = np.stack([y, -2 * y], axis=1)
    predicted = RealMLPRegressor(**SMALL).fit(x, both).predict(x)
    assert predicted.shape == both.shape
    assert (predicted >= both.min(axis=0)).all()
    assert (predicted <= both.max(axis=0)).all()


def test_rates_are_the_ntk_parametrisation(rng):
    """Weights of the size 1 behind a factor 1 / sqrt(inputs), with one rate for all, end as the same function."""
    x, y = rng.normal(size=(64, 9)), rng.integers(0, 3, 64)
    one = RealMLPClassifier((16, 16), random_state=0)._model(9, 3, 40, 0)
    one.build(9)
    layers = [fo.layers.Scale(name="scale")]
    inputs = {"hidden_0": 9, "hidden_1": 16, "output": 16}
    for name, size in inputs.items():
        dense = fo.layers.Dense(3, name=name) if name == "output" else fo.layers.Dense(16, "selu", name=name)
        layers += [fo.layers.Rescaling(size**-0.5), dense]
    other = fo.Sequential(layers)
    adam = fo.optimizers.Adam(fo.schedules.CosineLog(0.04, 40), beta_2=0.95)
    other.compile(fo.optimizers.LayerRates(adam, {"scale": 6.0, "bias": 0.1}), one.judged_by["loss"])
    other.build(9)
    for name, size in inputs.items():
        other.parameters[f"{name}/kernel"][...] = one.parameters[f"{name}/kernel"] * size**0.5
        other.parameters[f"{name}/bias"][...] = one.parameters[f"{name}/bias"]
    for model in (one, other):
        model.fit(x, y, batch_size=64, epochs=10, shuffle=False, verbose=0)
    np.testing.assert_allclose(one.predict(x), other.predict(x), atol=1e-4)
