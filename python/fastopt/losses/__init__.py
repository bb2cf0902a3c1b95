"""What training minimises: the weighted mean over samples of L(prediction, target).

Names in snake case, and Keras' short ones (``"mse"``), stand for the objects. Each cross-entropy is computed together
with the softmax or sigmoid that feeds it, from the logits z, so that it neither overflows nor loses digits. A loss that
is not here can be a function of one's own: `FunctionLoss`.
"""

from fastopt.losses.base import *
from fastopt.losses.classes import *
from fastopt.losses.function import *
from fastopt.losses.regression import *
