"""RealMLP: scikit-learn's checks, tables as they come, ensembles, and what its network is."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo

pytest.importorskip("sklearn.callback", exc_type=ImportError)
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastopt.layers import PeriodicEmbedding
from fastopt.tabular import RealMLPClassifier, RealMLPRegressor, full

SMALL = {"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0}
WINE, DIABETES = load_wine(return_X_y=True), load_diabetes(return_X_y=True)
KINDS = [(RealMLPClassifier, WINE), (RealMLPRegressor, DIABETES)]
VARIANTS = ("td-s", "td")


@pytest.mark.parametrize(("kind", "others"), [(RealMLPClassifier, {"calibrate": True}), (RealMLPRegressor, {})])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.filterwarnings("ignore")
def test_checks_of_sklearn(kind, others, variant):
    check_estimator(kind(hidden_layer_sizes=(16,), epochs=30, variant=variant, **others))


@pytest.mark.parametrize(("kind", "data", "least"), [(*KINDS[0], 0.95), (*KINDS[1], 0.25)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_good_without_tuning(kind, data, least, variant):
    x, x_test, y, y_test = train_test_split(*data, random_state=0)
    assert kind(epochs=64, random_state=0, variant=variant).fit(x, y).score(x_test, y_test) > least


def outputs(estimator, x):
    return estimator.predict_proba(x) if hasattr(estimator, "predict_proba") else estimator.predict(x)


@pytest.mark.parametrize(("kind", "data"), KINDS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_copies(kind, data, variant):
    x, y = data
    fitted = kind(**SMALL, variant=variant).fit(x, y)
    other = copy.deepcopy(fitted).set_params(variant=next(name for name in VARIANTS if name != variant))  # for `fit`
    for again in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(x, y), other):
        np.testing.assert_array_equal(outputs(again, x), outputs(fitted, x))


def test_pickles_have_the_weights_once():
    """What the optimizer remembers, two more arrays for each, is of no use after `fit`."""
    fitted = RealMLPClassifier((256, 256), epochs=1, random_state=0).fit(*WINE)
    weights = sum(array.nbytes for array in fitted.models_[0].get_weights())
    assert weights < len(pickle.dumps(fitted)) < 1.25 * weights


@pytest.mark.parametrize(("kind", "data", "variant"), [(*KINDS[0], "td"), (*KINDS[1], "td"), (*KINDS[1], "td-s")])
def test_threads_and_order_of_rows(kind, data, variant, for_all_threads, rng):
    x, y = data
    shuffled = rng.permutation(len(x))
    made = kind(**SMALL, variant=variant)
    for_all_threads(lambda: [outputs(clone(made).fit(x, y), x)])
    fitted, other = clone(made).fit(x, y), clone(made).fit(x[shuffled], y[shuffled])
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
    fitted = RealMLPClassifier(**SMALL | {"epochs": 120}).fit(frame, y, sample_weight=rng.integers(1, 3, len(y)))
    assert fitted.score(frame, y) > 0.85
    assert fitted.n_features_in_ == 3
    assert [*fitted.feature_names_in_] == ["age", "city", "sex"]
    unseen = make({"age": [30.0], "city": ["Paris"], "sex": [None]})
    np.testing.assert_allclose(fitted.predict_proba(unseen).sum(), 1)
    array = np.array([*columns.values()], dtype=object).T
    other = RealMLPClassifier(**SMALL | {"epochs": 120}).fit(array, y)
    assert other.score(array, y) > 0.85


@pytest.mark.parametrize(
    ("variant", "categories", "shapes"),
    [("td-s", 6, [(6,)]), ("td", 6, [(6,)]), ("td", 20, [(1,)]), ("td-s", 20, [(20,)])],
)
def test_categories_of_numbers(variant, categories, shapes, rng):
    code = rng.integers(0, categories, 400)
    y = code % 3 == 0
    x = code[:, np.newaxis].astype(float)
    fitted = RealMLPClassifier(**SMALL | {"epochs": 80}, categorical_features=["x0"], variant=variant).fit(x, y)
    assert fitted.models_[0].input_shapes == shapes
    assert fitted.score(x, y) == 1


def test_inputs_of_the_network(rng):
    """Numbers, what is 0 or 1 or -1 and 1, and codes; columns of more than 8 categories have codes."""
    x = np.stack([rng.normal(size=300), rng.integers(0, 9, 300), rng.integers(0, 8, 300)], axis=1)
    x[:9, 0] = np.nan
    y = x[:, 1] > 4
    fitted = RealMLPClassifier(**SMALL, n_ensembles=2, categorical_features=["x1", "x2"], variant="td").fit(x, y)
    for model in fitted.models_:
        assert model.input_shapes == [(1,), (9,), (1,)]
        assert model.parameters["embedding/embeddings"].shape == (10, 8)
        assert model.parameters["hidden_0/kernel"].shape == (4 + 9 + 8, 16)
    assert fitted.score(x, y) > 0.95
    with pytest.raises(ValueError, match="variant"):
        RealMLPClassifier(**SMALL, variant="tds").fit(x, y)


def test_start_and_rates_of_the_network(rng):
    """Sums have the variance 1, biases are between minus the sums; decay goes with the square of the rates' factors."""
    x = rng.normal(size=(500, 5)).astype(np.float32)
    model = full.network(full.Columns(5, 0, []), x, 3, [16, 24], "mish", seed=0)
    front = fo.Sequential([PeriodicEmbedding.pbld()])
    front.build(5)
    for name, view in front.parameters.items():
        view[...] = model.parameters[name]
    h = front.predict(x)
    for name, size in {"hidden_0": 16, "hidden_1": 24, "output": 3}.items():
        kernel, bias = model.parameters[f"{name}/kernel"], model.parameters[f"{name}/bias"]
        assert kernel.shape[1] == size
        sums = h @ kernel
        np.testing.assert_allclose(sums.std(axis=0), 1, rtol=1e-3)
        assert (bias <= -sums.min(axis=0)).all()
        assert (bias >= -sums.max(axis=0)).all()
        h = fo.kernels.mish(sums + bias)
    before = model.get_weights()
    model.compile(full.optimizer(model, 8, 1.0), "mse")
    model.optimizer.learning_rate = 0.5
    for gradient in model.gradients.values():
        gradient[...] = 0.0
    model.apply_gradients()
    kept = {name: now / then for name, now, then in zip(model.parameters, model.get_weights(), before, strict=True)}
    for name, values in kept.items():
        square = {"scale/scale": 36.0, "alpha": 0.01, "bias": 0.0}
        factor = 0.01 if name.startswith("periodic") else 1.0
        factor = next((value for end, value in square.items() if name.endswith(end)), factor)
        np.testing.assert_allclose(values, 1 - 0.5 * 0.02 * factor, rtol=1e-5)


def test_dropout_fades():
    noises = []

    class Seen(full.FadingNoise):
        def on_epoch_begin(self, epoch):
            super().on_epoch_begin(epoch)
            noises.append(self.model.noise)

    model = fo.Sequential([fo.layers.Dropout(0.5), fo.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), epochs=4, callbacks=[Seen(4)], verbose=0)
    np.testing.assert_allclose(noises, [1, 1, 1, 0.5])
    assert model.noise is True


def test_temperature(rng):
    """Labels of which a third is random: who learns them by heart is too sure, and not at its temperature."""
    x = rng.normal(size=(600, 4))
    y = np.where(rng.random(600) < 0.3, rng.integers(0, 3, 600), (x[:, 0] > 0) + (x[:, 1] > 0))
    arguments = SMALL | {"epochs": 40}
    for ensemble in (1, 2):
        given, plain = (
            RealMLPClassifier(**arguments, n_ensembles=ensemble, calibrate=on).fit(
                x[:300], y[:300], eval_set=(x[300:], y[300:])
            )
            for on in (True, False)
        )
        assert plain.temperatures_ == [1.0] * ensemble
        assert len(given.temperatures_) == ensemble
        logits = np.stack([model.predict(*given._encoded(x[300:])) for model in given.models_]).astype(np.float64)
        e = np.exp(logits / np.reshape(given.temperatures_, (-1, 1, 1)))
        expected = (e / e.sum(axis=2, keepdims=True)).mean(axis=0)
        np.testing.assert_allclose(given.predict_proba(x[300:]), expected, rtol=1e-5)
        assert log_loss(y[300:], given.predict_proba(x[300:])) < log_loss(y[300:], plain.predict_proba(x[300:]))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(given)).predict_proba(x), given.predict_proba(x))
    assert clone(given).calibrate is True
    with pytest.raises(ValueError, match="calibrate needs rows that are held out"):
        RealMLPClassifier(**SMALL, calibrate=True, validation_fraction=0.0).fit(x, y)
    with pytest.raises(TypeError, match="calibrate"):
        RealMLPClassifier(**SMALL, calibrate="yes").fit(x, y)


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
    made = RealMLPClassifier((16, 16), random_state=0)
    made._fit_encoders(x)
    one = made._model([x], np.arange(64), 3, 40, 0)
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
