"""scikit-learn's MLPClassifier: ``fit`` for ``max_iter`` epochs. It makes one output of two classes: less work."""

import warnings

import sklearn
from sklearn.exceptions import ConvergenceWarning


def setup(threads: int) -> str:
    """Its matrix products are NumPy's, which read their number of threads from the environment."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    return str(sklearn.__version__)
