"""scikit-learn's MLPs: ``fit`` for ``max_iter`` epochs. The classifier makes one output of two classes: less work."""

import warnings

import sklearn
from sklearn.exceptions import ConvergenceWarning

from ..numpy import isa

__all__ = ["isa", "setup"]


def setup(threads: int) -> str:
    """Its matrix products are NumPy's, which read their number of threads from the environment."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    return str(sklearn.__version__)
