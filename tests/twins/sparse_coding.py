"""Sparse coding: samples x as sums of few atoms, with the cost |x - c D|^2 + penalty |c|_1 of each."""

import numpy as np

__all__ = ["sparse_cost", "sparse_encode", "update_dictionary"]


def sparse_cost(x, dictionary, codes, penalty):
    return ((x - codes @ dictionary) ** 2).sum(axis=1) + penalty * np.abs(codes).sum(axis=1)


def sparse_encode(x, dictionary, penalty, sweeps=3000):
    codes = np.zeros((len(x), len(dictionary)))
    square = (dictionary**2).sum(axis=1)
    for _ in range(sweeps):
        before = codes.copy()
        for k, atom in enumerate(dictionary):
            if square[k] > 0:
                z = (x - codes @ dictionary) @ atom + codes[:, k] * square[k]
                codes[:, k] = np.sign(z) * np.maximum(np.abs(z) - penalty / 2, 0) / square[k]
        if np.abs(codes - before).max(initial=0) <= 1e-15:
            break
    return codes


def update_dictionary(x, dictionary, codes):
    d = dictionary.copy()
    for k in range(len(d)):
        c = codes[:, k]
        if c @ c > 0:
            u = d[k] + c @ (x - codes @ d) / (c @ c)
            d[k] = u / max(1, np.linalg.norm(u))
    return d
