"""TabM: scikit-learn's checks, and what its members are."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn.callback", exc_type=ImportError)
from sklearn.datasets import load_diabetes, load_wine
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import check_estimator

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
    outputs = fitted._of(fitted.models_[0], fitted._encoded(x))
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
