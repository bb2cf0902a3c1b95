"""Sparse coding: samples x as sums of few atoms, with the cost |x - c D|^2 + penalty |c|_1 of each."""

import numpy as np

__all__ = ["sparse_cost", "sparse_encode", "update_dictionary"]


def sparse_cost(x, dictionary, codes, penalty):
    return ((x - codes @ dictionary) ** 2).sum(axis=1) + penalty * np.abs(codes).sum(axis=1)


def sparse_encode(x, dictionary, penalty, sweeps=3000):
    codes = np.zeros((len(dictionary), len(x)))
    gram, products = dictionary @ dictionary.T, dictionary @ x.T
    used = [k for k in range(len(dictionary)) if gram[k, k] > 0]
    for _ in range(sweeps):
        before = codes.copy()
        for k in used:
            z = products[k] - gram[k] @ codes + codes[k] * gram[k, k]
            codes[k] = (z - np.clip(z, -penalty / 2, penalty / 2)) / gram[k, k]
        if np.abs(codes - before).max(initial=0) <= 1e-15:
            break
    return codes.T


def update_dictionary(x, dictionary, codes):
    d = dictionary.copy()
    for k in range(len(d)):
        c = codes[:, k]
        if c @ c > 0:
            u = d[k] + c @ (x - codes @ d) / (c @ c)
            d[k] = u / max(1, np.linalg.norm(u))
    return d
