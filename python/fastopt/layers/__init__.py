"""The layers of a network: what they are made of; the core computes them."""

from fastopt.layers.activation import *
from fastopt.layers.base import *
from fastopt.layers.convolution import *
from fastopt.layers.dense import *
from fastopt.layers.embedding import *
from fastopt.layers.members import *
from fastopt.layers.merge import *
from fastopt.layers.monotonic import *
from fastopt.layers.noise import *
from fastopt.layers.normalization import *
from fastopt.layers.numerical import *
from fastopt.layers.padding import *
from fastopt.layers.pooling import *
from fastopt.layers.residual import *
from fastopt.layers.scaling import *
from fastopt.layers.shape import *
from fastopt.layers.weight_normalization import *
