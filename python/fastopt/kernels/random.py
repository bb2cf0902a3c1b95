"""Random numbers by counter: a function of seed, stream and place."""

import numpy as np
from numpy.typing import NDArray

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import counter
from fastopt.kernels.documentation import documented

__all__ = [
    "normal",
    "permutation",
    "philox",
    "uniform",
]


def _dtype(given: str) -> str:
    if not isinstance(given, str):
        raise TypeError(f"dtype must be 'float32' or 'float64', not {given!r}")
    return given


@documented(stream="0 <= stream < 2**64; streams are independent of each other.", count="number of words.")
def philox(seed: int, stream: int, count: int) -> NDArray[np.uint32]:
    """Words of the counter-based generator Philox4x32-10.

    Words 4i..4i+3 are the cipher of the counter (i, stream), two 64-bit numbers, under the 64-bit key ``seed``.

    Returns:
        uint32 [count].

    Raises:
        ValueError: a number is out of range.

    Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011.

    >>> [hex(word) for word in philox(0, 0, 4)]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    return core.philox(*counter(seed, stream, count))


@documented()
def uniform(seed: int, stream: int, count: int, dtype: str = "float32") -> Real:
    """Uniform random numbers in [0, 1), the same on every machine.

    Number i is ``(word[i] >> 8) / 2^24`` in float32 and ``((word[2i] + word[2i+1] 2^32) >> 11) / 2^53`` in float64,
    from the words of `philox`.

    Returns:
        [count].

    Raises:
        ValueError: a number is out of range, or the dtype is unknown.

    >>> uniform(0, 0, 2, "float64").round(4)
    array([0.8805, 0.6055])
    """
    return core.uniform(*counter(seed, stream, count), _dtype(dtype))


@documented()
def normal(seed: int, stream: int, count: int, dtype: str = "float32") -> Real:
    """Normal random numbers of mean 0 and variance 1, the same on every machine.

    Number i is the inverse of the normal distribution function at ``(n + 1/2) / 2^52``, n being the upper 52 bits of
    ``word[2i] + word[2i+1] 2^32`` from `philox`.

    Returns:
        [count].

    Raises:
        ValueError: a number is out of range, or the dtype is unknown.

    Source: M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37(3),
    1988.

    >>> abs(float(normal(0, 0, 10_000).mean())) < 0.05
    True
    """
    return core.normal(*counter(seed, stream, count), _dtype(dtype))


@documented(stream="0 <= stream < 2**64, for example the number of the epoch.")
def permutation(seed: int, stream: int, count: int) -> NDArray[np.int64]:
    """Random order of ``range(count)``, each equally likely, the same on every machine.

    Returns:
        int64 [count].

    Raises:
        ValueError: a number is out of range.

    Source: R. Durstenfeld, "Algorithm 235: random permutation", Communications of the ACM 7(7), 1964.

    >>> sorted(permutation(0, 0, 4).tolist())
    [0, 1, 2, 3]
    """
    return core.permutation(*counter(seed, stream, count))
