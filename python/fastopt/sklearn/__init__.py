"""Estimators for scikit-learn: its multi-layer perceptrons, trained by fastopt, and any model of one's own.

They need scikit-learn 1.9 or later, ``pip install "fastopt[sklearn]"``, which is imported here alone.

Example:
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastopt.sklearn import MLPClassifier
    >>> x, y = load_wine(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), MLPClassifier(solver="lbfgs", random_state=0)).fit(x, y)
    >>> pipeline.score(x, y)
    1.0
"""

try:
    import sklearn.callback  # noqa: F401
except ImportError as error:
    raise ImportError("fastopt.sklearn needs scikit-learn 1.9 or later: pip install 'fastopt[sklearn]'.") from error

from fastopt.sklearn.folds import cross_validate
from fastopt.sklearn.mlp import MLPClassifier, MLPRegressor
from fastopt.sklearn.own import NetworkClassifier, NetworkRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor", "cross_validate"]
