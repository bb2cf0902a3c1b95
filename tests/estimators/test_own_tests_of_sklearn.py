"""The tests that scikit-learn has of its perceptrons, with those of fastopt in their place."""

import importlib.util
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn.callback", exc_type=ImportError)
import sklearn.neural_network as theirs
from sklearn.exceptions import ConvergenceWarning

from fastopt.sklearn import MLPClassifier, MLPRegressor

# What looks at names that are not public; and a test that relies on how many evaluations SciPy needs.
LEFT_OUT = {
    "test_lbfgs_classification_maxfun": "one case of eight converges in 10 evaluations; here test_maxfun",
    "test_gradient": "_loss_grad_lbfgs, a method with lists of arrays; tests/nn/test_gradients.py has all gradients",
    "test_learning_rate_warmstart": "_optimizer; here test_learning_rates",
    "test_adaptive_learning_rate": "_optimizer; here test_learning_rates",
}


def own_tests():
    """Their module, run anew with these estimators."""
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "MLPClassifier", MLPClassifier)
        patch.setattr(theirs, "MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


@pytest.fixture
def global_random_seed():
    return 42


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered"),
]
found = own_tests()
DATA = found["test_lbfgs_classification_maxfun"].pytestmark[0].args[1]


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("table", range(len(DATA)))
def test_maxfun(table, activation):
    """Ten evaluations are too few, and a warning says so; but for one case, which needs no more than that.

    There scikit-learn's, stopped after as many, has a larger loss, and ours without the limit the same weights.
    """
    options = {
        "solver": "lbfgs",
        "hidden_layer_sizes": 50,
        "max_iter": 150,
        "random_state": 1,
        "activation": activation,
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mlp = MLPClassifier(**options, max_fun=10).fit(*DATA[table])
    assert mlp.n_iter_ <= 10
    warned = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    assert warned == ((table, activation) != (1, "relu"))
    if not warned:
        free = MLPClassifier(**options).fit(*DATA[table])
        np.testing.assert_array_equal(mlp.coefs_[0], free.coefs_[0])
        assert mlp.loss_ < theirs.MLPClassifier(**options, max_fun=10).fit(*DATA[table]).loss_


assert found.keys() > LEFT_OUT.keys()
globals().update({name: test for name, test in found.items() if name not in LEFT_OUT})
