"""The NumPy twin of every kernel: the mathematics as in the papers, in whatever precision the arguments have.

Tests call it with float64 or, where float64 results are checked to the last place, with np.longdouble.
"""

from twins.activations import *
from twins.augment import *
from twins.layers import *
from twins.losses import *
from twins.metrics import *
from twins.random import *
from twins.rules import *
from twins.sparse_coding import *
from twins.weights import *
