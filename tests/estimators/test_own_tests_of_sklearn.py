"""The tests that scikit-learn has of its perceptrons, with those of fastopt in their place."""

import importlib.util

import pytest

pytest.importorskip("sklearn.callback", exc_type=ImportError)
import sklearn.neural_network as theirs

from fastopt.sklearn import MLPClassifier, MLPRegressor

# What looks at names that are not public; and a test that relies on how many evaluations SciPy needs.
LEFT_OUT = {
    "test_lbfgs_classification_maxfun": "converges within 10 evaluations in one case; here test_limits_of_lbfgs",
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
assert found.keys() > LEFT_OUT.keys()
globals().update({name: test for name, test in found.items() if name not in LEFT_OUT})
