"""What a fleet predicts, and cross-validation."""

import numpy as np
import pytest

import fastopt as fo

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 200)


def build(seed=0, activation="softmax", outputs=3):
    model = fo.Sequential([fo.layers.Dense(8, "tanh"), fo.layers.Dense(outputs, activation)], seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy" if activation == "softmax" else "mse", metrics=[])
    return model


@pytest.fixture
def models():
    made = [build(seed) for seed in range(5)]
    for model in made:
        model.build(4)
    return made


def test_predictions_are_those_of_each(models):
    single = np.stack([model.predict(X) for model in models])
    for workers in (None, 1, 3):
        assert (fo.fleet.predict(models, X, workers=workers) == single).all()
    assert [one.shape for one in fo.fleet.predict([*models, *uneven()], X)] == [(200, 3)] * 5 + [(200, 2)]


def uneven():
    model = build(outputs=2)
    model.build(4)
    return [model]


def test_mean_and_spread(models, monkeypatch):
    ensemble = fo.Ensemble(models)
    outputs = np.stack([model.predict(X) for model in models]).astype(np.float64)
    mean, spread = ensemble.predict_with_spread(X)
    np.testing.assert_allclose(mean, outputs.mean(0), rtol=1e-6)
    np.testing.assert_allclose(spread, outputs.std(0, ddof=1), rtol=1e-5)
    assert mean.dtype == np.float32
    monkeypatch.setattr("fastopt.fleet.ensemble.AT_ONCE", 5 * 3 * 7)  # samples in parts of 7
    assert (ensemble.predict(np.tile(X, (2, 1))) == np.tile(mean, (2, 1))).all()
    assert (ensemble.predict_proba(X) == mean).all()
    assert (fo.Ensemble(models[:1]).predict_with_spread(X)[1] == 0).all()


def test_ensembles_that_cannot_be(models):
    with pytest.raises(ValueError, match="no models"):
        fo.Ensemble([])
    with pytest.raises(TypeError, match=r"models\[0\]"):
        fo.Ensemble([3])
    with pytest.raises(ValueError, match="of the same shape"):
        fo.Ensemble([*models, *uneven()]).predict(X)
    with pytest.raises(RuntimeError, match="no weights yet"):
        fo.Ensemble([build()]).predict(X)


def test_folds_are_apart_and_stratified():
    found = fo.fleet.cross_validate(build, X, Y, 4, epochs=1, verbose=0)
    held = np.concatenate([fold for _, fold in found.folds])
    assert sorted(held) == list(range(200))
    counts = np.array([np.bincount(Y[fold], minlength=3) for _, fold in found.folds])
    assert (counts.max(0) - counts.min(0) <= 1).all()
    assert all(not set(rows) & set(fold) and len(rows) + len(fold) == 200 for rows, fold in found.folds)
    other = fo.fleet.cross_validate(build, X, Y, 4, epochs=1, verbose=0, seed=1)
    assert (other.folds[0][1] != found.folds[0][1]).any()


def test_scores_are_those_of_single_models():
    found = fo.fleet.cross_validate(build, X, Y, 3, epochs=4, verbose=0)
    for (rows, held), loss in zip(found.folds, found.scores["loss"], strict=True):
        model = build()
        model.fit(X[rows], Y[rows], epochs=4, verbose=0)
        assert model.evaluate(X[held], Y[held])["loss"] == loss
    assert found.mean["loss"] == found.scores["loss"].mean()
    assert found.std["loss"] == found.scores["loss"].std(ddof=1)
    assert "3 folds: loss" in repr(found)


def test_folds_of_ones_own_and_errors():
    pairs = [(np.arange(100), np.arange(100, 200)), (np.arange(100, 200), np.arange(100))]
    found = fo.fleet.cross_validate(build, X, Y, iter(pairs), epochs=1, verbose=0)
    assert (found.folds[1][1] == np.arange(100)).all()
    with pytest.raises(ValueError, match="not a label") as raised:
        fo.fleet.cross_validate(build, X, Y + 9, verbose=0)
    assert raised.value.__notes__ == ["This was the model of fold 0."]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"folds": 1}, "folds must be"),
        ({"folds": []}, "folds is empty"),
        ({"folds": [(range(9),)]}, r"folds\[0\] must be \(rows to train with"),
        ({"folds": [(range(9), [200])]}, r"folds\[0\]\[1\]\[0\] is 200"),
        ({"y": X, "stratify": True}, "stratify needs labels"),
        ({"y": np.array(["a", None] * 100, object)}, "y holds labels that have no order, or are missing"),
        ({"x": [(X, Y)]}, "x gives batches"),
        ({"rows": range(9)}, "rows cannot be given"),
        ({"validation_rows": range(9)}, "validation_rows cannot be given"),
        ({"build": build()}, "build must be a function"),
    ],
)
def test_folds_that_cannot_be(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fo.fleet.cross_validate(**{"build": build, "x": X, "y": Y, "verbose": 0} | given)


def test_models_do_not_share_a_generator(models):
    parts = [X[:50], X[50:]]
    assert (fo.fleet.predict(models, lambda: iter(parts)) == fo.fleet.predict(models, X)).all()
    assert fo.fleet.predict(models[:1], iter(parts)).shape == (1, 200, 3)
    with pytest.raises(ValueError, match="x is for several models"):
        fo.fleet.predict(models, iter(parts))


HEADS = {
    "softmax": ("softmax", 3, "sparse_categorical_crossentropy", Y),
    "logits": ("linear", 3, "sparse_categorical_crossentropy", Y),
    "words": ("linear", 3, "sparse_categorical_crossentropy", np.array(["a", "b", "c"])[Y]),
    "one-hot": ("softmax", 3, "categorical_crossentropy", np.eye(3)[Y]),
    "sigmoid": ("sigmoid", 1, "binary_crossentropy", Y % 2),
    "binary logits": ("linear", 1, "binary_crossentropy", Y % 2),
    "hinge": ("linear", 1, "hinge", 2 * (Y % 2) - 1),
    "mse": ("linear", 2, "mse", X[:, :2]),
}


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize("kind", HEADS)
def test_judged_by_the_mean(kind, functional):
    activation, outputs, loss, y = HEADS[kind]
    models = []
    for seed in range(3):
        layers = [fo.layers.Dense(8, "tanh"), fo.layers.Dense(outputs, activation)]
        a = fo.Input(4)
        model = fo.Model(a, layers[1](layers[0](a)), seed) if functional else fo.Sequential(layers, seed)
        model.compile("adam", loss, ["mae"] if kind == "mse" else [] if kind == "hinge" else ["accuracy"])
        model.fit(X, y, epochs=3, verbose=0)
        models.append(model)
    alone, several = fo.Ensemble(models[:1]), fo.Ensemble(models)
    weight = np.linspace(1, 2, len(X))
    for name, value in models[0].evaluate(X, y, sample_weight=weight).items():
        assert alone.evaluate(X, y, sample_weight=weight)[name] == pytest.approx(value, rel=1e-5)
    mean = np.mean([model.evaluate(X, y)["loss"] for model in models])
    assert several.evaluate(X, y)["loss"] <= mean + 1e-6  # losses are convex in what is averaged
    if kind == "mse":
        with pytest.raises(ValueError, match="do not classify"):
            several.predict_classes(X)
        return
    assert (alone.predict_classes(X) == models[0].predict_classes(X)).all()
    right = several.predict_classes(X) == (y if y.ndim == 1 else y.argmax(axis=1))
    if "accuracy" in models[0].metrics:
        assert several.evaluate(X, y)["accuracy"] == pytest.approx(right.mean())


def test_members_that_are_judged_by_something_else(models):
    other = build(9, "linear")
    other.build(4)
    with pytest.raises(ValueError, match=r"models\[5\] has another loss"):
        fo.Ensemble([*models, other]).evaluate(X, Y)
    for model in models:
        model.compile("adam", lambda y, z: ((z.sum(1) - y) ** 2, 2 * (z - 1)))
    with pytest.raises((RuntimeError, ValueError), match="loss"):
        fo.Ensemble(models).evaluate(X, Y)
