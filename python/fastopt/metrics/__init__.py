"""What is reported beside the loss: how well predictions answer targets.

A `MeanMetric` is a weighted mean over samples of a function of the core: it is reported in training and evaluation. Any
other metric is computed from all predictions at once, which exist only where the weights stand still: `evaluate`
reports it, and `fit` for validation data (``"val_auc"``), but not for training data. All can be called on arrays.

Names in snake case, and short ones (``"acc"``, ``"mse"``, ``"mae"``, ``"roc_auc"``), stand for the objects.
"""

from fastopt.metrics.accuracy import *
from fastopt.metrics.base import *
from fastopt.metrics.classes import *
from fastopt.metrics.function import *
from fastopt.metrics.regression import *
