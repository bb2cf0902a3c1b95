"""The perceptrons: scikit-learn's checks of estimators, its tools around them, and what they add."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fastopt as fo

pytest.importorskip("sklearn.callback", exc_type=ImportError)
import scipy.sparse
import sklearn.neural_network
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import check_estimator

from fastopt.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WINE_X, WINE_Y = load_wine(return_X_y=True)
WINE_X = scale(WINE_X)
DIABETES_X, DIABETES_Y = (scale(array) for array in load_diabetes(return_X_y=True))
ESTIMATORS = [MLPClassifier, MLPRegressor]


def data_of(kind):
    return (WINE_X, WINE_Y) if kind is MLPClassifier else (DIABETES_X, DIABETES_Y)


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor()], ids=lambda e: type(e).__name__)
@pytest.mark.filterwarnings("ignore")
def test_checks_of_sklearn(estimator):
    check_estimator(estimator, expected_failed_checks={})


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("arguments", [{"solver": "adam"}, {"solver": "sgd"}, {"solver": "lbfgs", "max_iter": 10}])
def test_whole_batches_as_sklearn(kind, arguments):
    x, y = data_of(kind)
    arguments = {"batch_size": 2000, "random_state": 3, "max_iter": 20, "alpha": 0.1} | arguments
    theirs = getattr(sklearn.neural_network, kind.__name__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the batch is larger than the data
        one, other = kind(**arguments).fit(x, y), theirs(**arguments).fit(x, y)
    close = 1e-4 if arguments["solver"] == "adam" else 1e-6  # whose epsilon is added after the correction of the bias
    np.testing.assert_allclose(one.loss_, other.loss_, rtol=close)
    for ours, expected in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=100 * close, atol=close)
    assert (one.n_iter_, one.n_layers_, one.n_outputs_) == (other.n_iter_, other.n_layers_, other.n_outputs_)
    assert one.out_activation_ == other.out_activation_
    if arguments["solver"] != "lbfgs":
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=close)
        assert one.t_ == other.t_


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_poisson_as_sklearn(outputs, solver):
    """Half the deviance, summed over outputs, of rates that are exponentials of the network's outputs."""
    rng = np.random.default_rng(0)
    y = rng.poisson(np.exp(DIABETES_X[:, :outputs]))[:, 0 if outputs == 1 else slice(None)]
    arguments = {"loss": "poisson", "solver": solver, "batch_size": len(y), "random_state": 3, "max_iter": 20}
    weight = rng.uniform(0.5, 2.0, len(y))
    weight /= weight.mean()
    one, other = (
        kind(**arguments).fit(DIABETES_X, y, sample_weight=weight)
        for kind in (MLPRegressor, sklearn.neural_network.MLPRegressor)
    )
    np.testing.assert_allclose(one.loss_, other.loss_, rtol=1e-4)
    np.testing.assert_allclose(one.predict(DIABETES_X), other.predict(DIABETES_X), rtol=1e-2)
    assert one.out_activation_ == other.out_activation_ == "exp"


def test_all_arguments_and_attributes_of_sklearn():
    for kind in ESTIMATORS:
        theirs = getattr(sklearn.neural_network, kind.__name__)
        given = theirs().get_params()
        assert kind().get_params().items() >= given.items()
        x, y = data_of(kind)
        attributes = {name for name in vars(theirs(max_iter=2).fit(x, y)) if name.endswith("_")}
        assert vars(kind(max_iter=2).fit(x, y)).keys() >= attributes


def test_learning_rates():
    """Falling by the samples, and by a fifth where nothing improves."""
    x, y = np.array([[3.0, 2], [1, 6], [5, 6], [-2, -4]]), [1, 1, 1, 0]
    mlp = MLPClassifier(4, solver="sgd", learning_rate="invscaling", power_t=0.25, max_iter=2).fit(x, y)
    assert mlp.model_.optimizer.learning_rate == mlp.learning_rate_init / (8 + 1) ** 0.25
    mlp = MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive").fit(x, y)
    assert mlp.n_iter_ < 3000
    assert mlp.model_.optimizer.learning_rate < 1e-6


def test_limits_of_lbfgs():
    for limit in ({"max_iter": 4}, {"max_fun": 4}):
        with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after"):
            mlp = MLPClassifier(solver="lbfgs", random_state=0, **limit).fit(WINE_X, WINE_Y)
        assert mlp.n_iter_ <= 4


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_copies_go_on(normalization):
    """A pickle, a deep copy and the original train to the same weights, whatever is done to the others."""
    mlp = MLPClassifier(8, random_state=np.random.RandomState(0), normalization=normalization, dropout=0.2)
    mlp.partial_fit(WINE_X, WINE_Y, classes=[0, 1, 2])
    copies = [pickle.loads(pickle.dumps(mlp)), copy.deepcopy(mlp)]
    before = mlp.predict_proba(WINE_X)
    mlp.partial_fit(WINE_X, WINE_Y)
    for other in copies:
        np.testing.assert_array_equal(other.predict_proba(WINE_X), before)
        other.partial_fit(WINE_X, WINE_Y)
        np.testing.assert_array_equal(other.predict_proba(WINE_X), mlp.predict_proba(WINE_X))
    assert not hasattr(clone(mlp), "coefs_")


def test_weights_may_be_set():
    mlp = MLPRegressor(hidden_layer_sizes=5, max_iter=2, random_state=0).fit(DIABETES_X, DIABETES_Y)
    expected = mlp.predict(DIABETES_X) + 1
    mlp.intercepts_[-1] = mlp.intercepts_[-1] + 1
    np.testing.assert_allclose(mlp.predict(DIABETES_X), expected)
    mlp.intercepts_[-1] += 1
    np.testing.assert_allclose(mlp.predict(DIABETES_X), expected + 1)


def test_sklearn_is_imported_on_demand():
    code = "import sys, fastopt as fo; assert 'sklearn' not in sys.modules; assert fo.sklearn.MLPClassifier().alpha"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    code = (
        "import sys; sys.modules['sklearn.callback'] = None\n"
        "try: import fastopt.sklearn\n"
        "except ImportError as error: assert 'needs scikit-learn 1.9' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with pytest.raises(AttributeError, match="'nothing'"):
        fo.nothing  # noqa: B018


@pytest.mark.parametrize("form", ["csr_matrix", "csr_array", "csc_array"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_sparse_samples(form, kind, monkeypatch):
    """The same as dense ones, and never filled up."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 30)) * (rng.random((60, 30)) < 0.1)
    y = (x[:, 0] > x[:, 1]).astype(int) if kind is MLPClassifier else x[:, 0]
    sparse = getattr(scipy.sparse, form)(x)
    arguments = {"max_iter": 5, "random_state": 0, "batch_size": 16, "early_stopping": True}
    expected = kind(**arguments).fit(x, y)
    for matrix in (scipy.sparse.csr_matrix, scipy.sparse.csr_array):
        monkeypatch.setattr(matrix, "toarray", None)
    found = kind(**arguments).fit(sparse, y)
    assert found.validation_scores_ == expected.validation_scores_
    np.testing.assert_array_equal(found.coefs_[0], expected.coefs_[0])
    np.testing.assert_array_equal(found.predict(sparse), expected.predict(x))
