"""Kernels with a structure: orthogonal and sparse ones."""

import math

import numpy as np

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.initializers.base import INITIALIZERS, Initializer, matrix, normal, sum_rows, uniform

__all__ = ["Orthogonal", "Sparse"]


@INITIALIZERS.add()
class Orthogonal(Initializer):
    """A random rotation or reflection, each as likely as any other: W^T W = gain^2 I.

    With more outputs than inputs W W^T = gain^2 I; all but the last axis count as inputs. It is the product of the
    reflections of normal random vectors, computed in float64 in a fixed order of additions, so that it is the same on
    every machine. The time grows as inputs * outputs * min(inputs, outputs): a second for 1,000 each.

    Args:
        gain: A factor of the values, at least 0.

    Raises:
        TypeError: `gain` is not a number.
        ValueError: It is not finite, or negative; or, at the call, the shape is not that of a kernel.

    Source:
        Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks, ICLR 2014; the reflections: Stewart, The efficient generation of random orthogonal matrices with an
        application to condition estimators, SIAM Journal on Numerical Analysis 17(3), 1980.

    Example:
        >>> import fastopt as fo
        >>> w = fo.initializers.Orthogonal()((3, 2), seed=0, stream=0, dtype="float64")
        >>> abs(w.T @ w).round(12)
        array([[1., 0.],
               [0., 1.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checks.real("gain", gain, 0.0)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        inputs, outputs = matrix(self, shape)
        rows, columns = max(inputs, outputs), min(inputs, outputs)
        vectors = normal((columns, rows), seed, stream, "float64", 0.0, 1.0)
        q = np.eye(rows, columns)
        for k in reversed(range(columns)):
            v = vectors[k, k:]
            length, sign = math.sqrt(sum_rows(v * v)), math.copysign(1.0, v[0])
            v[0] += sign * length
            rest = q[k:, k:]
            rest -= v[:, np.newaxis] * sum_rows((v / (length * abs(v[0])))[:, np.newaxis] * rest)
            rest[:, 0] *= -sign
        values: Real = np.ascontiguousarray(self.gain * (q if inputs == rows else q.T), dtype)
        return values.reshape(shape)


@INITIALIZERS.add()
class Sparse(Initializer):
    """Few inputs for each output, drawn at random: w ~ N(0, stddev^2) in `nonzeros` places of each column, 0 elsewhere.

    Units keep apart and do not saturate, however many inputs there are. All but the last axis count as inputs.

    Args:
        nonzeros: The number of weights of each output that are not 0, at least 1; all, if there are fewer inputs.
        stddev: The standard deviation of these, more than 0.

    Raises:
        TypeError: `nonzeros` is not an integer, or `stddev` not a number.
        ValueError: An argument is out of range; or, at the call, the shape is not that of a kernel.

    Source:
        Martens, Deep learning via Hessian-free optimization, ICML 2010, section 5. The places: Floyd's sampling, in
        Bentley, Programming pearls: a sample of brilliance, Communications of the ACM 30(9), 1987.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> np.count_nonzero(fo.initializers.Sparse(2)((100, 4), seed=0, stream=0), axis=0)
        array([2, 2, 2, 2])
    """

    def __init__(self, nonzeros: int = 15, stddev: float = 1.0) -> None:
        self.nonzeros = checks.integer("nonzeros", nonzeros, 1)
        self.stddev = checks.real("stddev", stddev, 0.0, above=True)

    def __call__(self, shape: tuple[int, ...], seed: int, stream: int, dtype: str = "float32") -> Real:
        """Return the array."""
        inputs, outputs = matrix(self, shape)
        count = min(self.nonzeros, inputs)
        # The first half of the stream chooses the places, the second half the values there.
        draws = uniform((count, outputs), seed, stream, "float64", 0.0, 1.0)
        chosen = normal((2, count, outputs), seed, stream, dtype, 0.0, self.stddev)[1]
        places = np.empty((count, outputs), np.int64)
        for i, draw in enumerate(draws):
            last = inputs - count + i
            place = np.multiply(draw, last + 1).astype(np.int64)
            places[i] = np.where((places[:i] == place).any(axis=0), last, place)
        values: Real = np.zeros((inputs, outputs), dtype)
        np.put_along_axis(values, places, chosen, axis=0)
        return values.reshape(shape)
