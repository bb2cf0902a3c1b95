"""TabM: scikit-learn's checks, and what its members are."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn.callback", exc_type=ImportError)
from sklearn.datasets import load_diabetes, load_wine
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import check_estimator

from fastopt.preprocessing import quantile_bins
from fastopt.tabular import TabMClassifier, TabMRegressor

SMALL = {"hidden_layer_sizes": (16, 16), "members": 4, "learning_rate": 0.02, "epochs": 30, "random_state": 0}
WINE, DIABETES = load_wine(return_X_y=True), load_diabetes(return_X_y=True)


@pytest.mark.parametrize("kind", [TabMClassifier, TabMRegressor])
@pytest.mark.filterwarnings("ignore")
def test_checks_of_sklearn(kind):
    check_estimator(kind((16,), members=4, epochs=30, learning_rate=0.05))


@pytest.mark.parametrize("mini", [False, True])
@pytest.mark.parametrize(("kind", "data", "least"), [(TabMClassifier, WINE, 0.9), (TabMRegressor, DIABETES, 0.3)])
def test_scores(kind, data, least, mini):
    x, x_test, y, y_test = train_test_split(*data, random_state=0)
    fitted = kind(**SMALL, mini=mini).fit(x, y)
    assert fitted.score(x_test, y_test) > least
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(x_test), fitted.predict(x_test))
    shapes = {name: view.shape for name, view in fitted.models_[0].parameters.items()}
    assert shapes["member_scale/scale"] == (4, x.shape[1])
    assert shapes["dense/kernel"] == (x.shape[1], 16)
    assert ("member_scale_1/scale" in shapes) != mini


def test_mean_of_members(for_all_threads):
    x, y = WINE
    fitted = TabMClassifier(**SMALL).fit(x, y)
    outputs = fitted._outputs(fitted._encoded(x))
    assert outputs.shape == (4, len(x), 3)
    e = np.exp(outputs)
    np.testing.assert_allclose(fitted.predict_proba(x), (e / e.sum(axis=2, keepdims=True)).mean(axis=0), rtol=1e-12)
    assert (outputs.std(axis=0) > 0).any()
    for_all_threads(lambda: [TabMClassifier(**SMALL | {"epochs": 3}).fit(x, y).predict_proba(x)])


def test_patience():
    x, y = WINE
    still = TabMClassifier(**SMALL | {"learning_rate": 0.0}, patience=5).fit(x, y)
    assert (still.models_[0].epochs_trained, still.best_epochs_) == (6, [0])
    stopped = TabMClassifier(**SMALL | {"epochs": 200}, patience=5).fit(x, y, eval_set=(x, y))
    assert stopped.models_[0].epochs_trained == stopped.best_epochs_[0] + 6 < 200
    assert TabMClassifier(**SMALL, validation_fraction=0.0).fit(x, y).best_epochs_ == [29]
    weight = np.where(y == 0, 1.5, 0.5)
    assert TabMClassifier(**SMALL).fit(x, y, sample_weight=weight).score(x, y) > 0.9


def test_temperature_of_the_ensemble():
    x, y = WINE
    y = np.where(np.arange(len(y)) % 5 == 0, (y + 1) % 3, y)  # wrong labels, of which nobody can be sure
    fitted = TabMClassifier(**SMALL, calibrate=True).fit(x, y)
    (t,) = fitted.temperatures_
    assert t != 1
    plain = TabMClassifier(**SMALL).fit(x, y).predict_proba(x) ** (1 / t)
    np.testing.assert_allclose(fitted.predict_proba(x), plain / plain.sum(axis=1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize(("kind", "data", "least"), [(TabMClassifier, WINE, 0.85), (TabMRegressor, DIABETES, 0.3)])
def test_embeddings(kind, data, least):
    x, x_test, y, y_test = train_test_split(*data, random_state=0)
    fitted = kind(**SMALL, embedding_bins=8, embedding_dim=4).fit(x, y)
    assert fitted.score(x_test, y_test) > least
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(x_test), fitted.predict(x_test))


def test_embeddings_start_as_a_linear_map(rng):
    x, rows = rng.normal(size=(50, 3)), np.arange(50)
    made = TabMRegressor(**SMALL, embedding_bins=8, embedding_dim=4)
    made._fit_encoders(np.c_[x, rng.integers(0, 2, 50)])
    x = made._encoded(np.c_[x, rng.integers(0, 2, 50)])
    model = made._model(x, rows, 1, 0, 0)
    assert not model.parameters["pieces/kernel"].any()
    scale = model.parameters["member_scale/scale"].reshape(4, -1, 4)
    assert (scale == scale[..., :1]).all()
    assert len(np.unique(scale)) == scale.size / 4


@pytest.mark.parametrize("mini", [False, True])
def test_against_tabm(mini, rng):
    """Networks with the same weights have the same outputs for each member, with embeddings and categories."""
    torch, tabm = pytest.importorskip("torch"), pytest.importorskip("tabm")
    embeddings = pytest.importorskip("rtdl_num_embeddings")
    categories = np.array(["Oslo", "Rome", "Lima"])
    table = np.empty((200, 4), dtype=object)
    table[:, :3], codes = rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    table[:, 3] = categories[codes]
    made = TabMRegressor((8, 8), members=4, embedding_bins=6, embedding_dim=5, mini=mini)
    made._fit_encoders(table)
    numbers, others = made._encoded(table)
    model = made._model([numbers, others], np.arange(200), 2, 0, 0)
    for view in model.parameters.values():
        view[...] = rng.normal(size=view.shape)
    bins = [torch.tensor(edges, dtype=torch.float32) for edges in quantile_bins(numbers, 6)]
    other = tabm.TabM(
        n_num_features=3,
        cat_cardinalities=[3],
        d_out=2,
        num_embeddings=embeddings.PiecewiseLinearEmbeddings(bins, 5, activation=False, version="B"),
        n_blocks=2,
        d_block=8,
        dropout=0.1,
        activation="ReLU",
        k=4,
        arch_type="tabm-mini" if mini else "tabm",
        start_scaling_init="normal",
    ).eval()
    values = model.parameters
    ours = {
        "num_module.linear0.weight": values["linear/kernel"][:, 0],
        "num_module.linear0.bias": values["linear/bias"] + values["pieces/bias"],
        "num_module.linear.weight": values["pieces/kernel"],
        "backbone.affine.weight": values["member_scale/scale"],
        "output.weight": values["member_dense/kernel"],
        "output.bias": values["member_dense/bias"],
    }
    for i, dense in enumerate(("dense", "dense_1")):
        block = f"backbone.blocks.{i}.0"
        ours[f"{block}.weight"] = values[f"{dense}/kernel"].T
        if mini:
            ours[f"{block}.bias"] = values[f"{dense}/bias"]
        else:
            before, after = ("member_scale", "member_scale_1") if i == 0 else ("member_scale_2", "member_scale_3")
            ours |= {f"{block}.r": values[f"{before}/scale"], f"{block}.s": values[f"{after}/scale"]}
            ours[f"{block}.bias"] = values[f"{after}/bias"]
    places = np.argmax(others, axis=1)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            parameter[...] = torch.tensor(ours[name])
        expected = other(torch.tensor(numbers), torch.tensor(places)[:, None]).numpy()
    found = made._of(model, [numbers, others])
    np.testing.assert_allclose(found.swapaxes(0, 1), expected, rtol=1e-3, atol=1e-3)
