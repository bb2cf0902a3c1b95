"""What is asked of weights, or done to them: penalties, constraints, normalisation."""

import numpy as np


def penalty(w, l1, l2):
    return l1 * np.abs(w).sum() + l2 * (w**2).sum()


def max_norm(w, most, axis=0):
    return w * np.minimum(1, most / np.linalg.norm(w, axis=axis, keepdims=True))


def unit_norm(w, axis=0):
    return w / np.linalg.norm(w, axis=axis, keepdims=True)


def of_signs(w, signs):
    return np.where(np.sign(w) == -np.array(signs)[:, None], 0, w)


def weight_normalized(v, g):
    return g * v / np.linalg.norm(v, axis=0)
