"""Logistic regression of MNIST's 10,000 test images to a given norm of the gradient.

The images are looked for in the folder that the environment variable FASTOPT_DATA_DIR names; without it the rows are
left out.
"""

import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .kind import Kind

CLASSES = 10


@dataclass(frozen=True)
class Images:
    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class Logistic(Kind):
    """The mean cross-entropy and ``penalty`` / 2 times the sum of the squares of the kernel.

    It ends where no partial derivative is larger than ``tolerance``.
    """

    solver: Literal["lbfgs", "newton-cg"]
    tolerance: float = 1e-4
    penalty: float = 1e-4
    group = "logistic"

    @property
    def name(self) -> str:
        return f"logistic regression by {self.solver}, gradient {self.tolerance:g}"

    def data(self, dtype: str) -> Images:
        from fastopt.datasets import load_mnist

        folder = os.environ.get("FASTOPT_DATA_DIR")
        if not folder:
            raise FileNotFoundError(
                "the images of MNIST are needed: set FASTOPT_DATA_DIR to the folder of t10k-images-idx3-ubyte.gz and "
                "t10k-labels-idx1-ubyte.gz"
            )
        [(x, y)] = load_mnist(folder, parts=["test"])
        return Images(x.reshape(len(x), -1).astype(dtype), y)

    def check(self, data: Images, result: tuple[NDArray[Any], NDArray[Any]]) -> float:
        """The largest partial derivative, in float64."""
        kernel, bias = (np.asarray(array, np.float64) for array in result)
        z = data.x @ kernel + bias
        p = np.exp(z - z.max(axis=1, keepdims=True))
        error = (p / p.sum(axis=1, keepdims=True) - np.eye(CLASSES)[data.y]) / len(data.y)
        of_kernel = data.x.T.astype(np.float64) @ error + self.penalty * kernel
        return float(max(np.abs(of_kernel).max(), np.abs(error.sum(axis=0)).max()))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """As flat as asked for, but for rounding."""
        return value <= 1.1 * self.tolerance
