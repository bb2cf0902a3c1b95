"""Random numbers: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11."""

from statistics import NormalDist

import numpy as np

LOW = np.uint64(0xFFFFFFFF)


def philox4x32(counter, key, rounds=10):
    """Counter [4, n] and key [2] of 32-bit words, as uint64; returns [4, n]."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & LOW, (a >> 32) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return np.array([c0, c1, c2, c3])


def halves(number):
    return np.array([number & 0xFFFFFFFF, number >> 32], np.uint64)


def philox(seed, stream, count):
    block = np.arange(-(-count // 4), dtype=np.uint64)
    low, high = halves(stream)
    counter = block & LOW, block >> 32, np.full_like(block, low), np.full_like(block, high)
    return philox4x32(counter, halves(seed)).T.ravel()[:count].astype(np.uint32)


def philox64(seed, stream, count):
    low, high = philox(seed, stream, 2 * count).reshape(-1, 2).astype(np.uint64).T
    return low + (high << 32)


def uniform(seed, stream, count, dtype):
    if dtype == np.float32:
        return ((philox(seed, stream, count) >> 8) / 2.0**24).astype(np.float32)
    return (philox64(seed, stream, count) >> 11) / 2.0**53


def normal_probability(seed, stream, count):
    """Value of the normal distribution function at each normal number."""
    return ((philox64(seed, stream, count) >> 12) + 0.5) / 2.0**52


def gaussian_noise(x, stddev, seed, stream):
    """In float64; the inverse of the distribution function is that of Python."""
    inverse = np.vectorize(NormalDist().inv_cdf, otypes=[float])
    return np.stack([row + stddev * inverse(normal_probability(seed, stream + i, len(row))) for i, row in enumerate(x)])


def permutation(seed, stream, count):
    """The shuffle of Fisher and Yates, in the form of Durstenfeld."""
    order = list(range(count))
    for i, word in enumerate(philox64(seed, stream, max(count - 1, 0)).tolist()):
        j = i + (word * (count - i) >> 64)
        order[i], order[j] = order[j], order[i]
    return order
