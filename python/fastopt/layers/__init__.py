"""The layers of a network: what they are made of; the core computes them."""

from fastopt.layers.activation import Activation, PReLU
from fastopt.layers.base import LAYERS, Layer, Parameter, Shape
from fastopt.layers.dense import Dense, Maxout
from fastopt.layers.noise import Dropout, GaussianNoise
from fastopt.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
)
from fastopt.layers.residual import Residual
from fastopt.layers.scaling import Scaling
from fastopt.layers.shape import Flatten, Reshape
from fastopt.layers.weight_normalization import WeightNormalization

__all__ = [
    "LAYERS",
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "GroupNormalization",
    "InstanceNormalization",
    "Layer",
    "LayerNormalization",
    "Maxout",
    "PReLU",
    "Parameter",
    "RMSNormalization",
    "Reshape",
    "Residual",
    "Scaling",
    "Shape",
    "WeightNormalization",
]
