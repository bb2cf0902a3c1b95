"""Every kernel of the core as a function: NumPy in, NumPy out.

Arrays are float32 or float64, all of one dtype in a call; nothing is converted silently. What is only read may have
any strides. What is written (``out``, weights, slots) must be an aligned, native-endian, writable, C-contiguous array
of the stated shape and dtype that shares no memory with what is read, unless the text allows the same array; otherwise
ValueError or TypeError is raised and nothing has changed. Without ``out`` a new array is returned. All results are
bit-identical for every number of threads.

>>> import numpy as np
>>> from fastopt import kernels
>>> kernels.matmul(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
array([[1., 2.],
       [3., 4.]])
"""

from fastopt.core.plain import Real as Real
from fastopt.kernels.activations import *
from fastopt.kernels.dense import *
from fastopt.kernels.losses import *
from fastopt.kernels.noise import *
from fastopt.kernels.normalization import *
from fastopt.kernels.periodic import *
from fastopt.kernels.random import *
from fastopt.kernels.rectifiers import *
from fastopt.kernels.reductions import *
from fastopt.kernels.updates import *
