import warnings

from sklearn.exceptions import ConvergenceWarning

import fastopt.sklearn

from ...estimators import Estimators, Table
from ...kind import Job
from ..sklearn import estimators


def prepare(row: Estimators, data: Table) -> Job:
    warnings.simplefilter("ignore", ConvergenceWarning)
    return estimators.prepare(row, data, fastopt.sklearn)
