"""The curvature of a cost: products with its Hessian, what it says of steps along the gradient, its eigenvalues."""

from fastopt.tools.curvature import *
