"""Networks for tables that are good without tuning, as estimators of scikit-learn.

They need scikit-learn 1.9 or later, and narwhals and pyarrow for frames: ``pip install "fastopt[sklearn,tables]"``.

Example:
    >>> from sklearn.datasets import load_iris
    >>> from fastopt.tabular import RealMLPClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> RealMLPClassifier(epochs=20, random_state=0).fit(x, y).score(x, y) > 0.9
    True
"""

from fastopt import sklearn  # noqa: F401, which says so where scikit-learn is missing
from fastopt.tabular.realmlp import RealMLPClassifier, RealMLPRegressor
from fastopt.tabular.tabm import TabMClassifier, TabMRegressor

__all__ = ["RealMLPClassifier", "RealMLPRegressor", "TabMClassifier", "TabMRegressor"]
