"""Starting values of weights.

Every initializer is called with the shape, the seed of the model and the number of the tensor's random stream, and
gives the same numbers on every machine. Names in snake case (``"he_normal"``) stand for the objects with their
defaults.
"""

from fastopt.initializers.base import *
from fastopt.initializers.plain import *
from fastopt.initializers.prior import *
from fastopt.initializers.scaled import *
from fastopt.initializers.structured import *
