"""Metrics: the value of each row."""

import numpy as np

from twins.losses import mean_squared_error


def sparse_categorical_accuracy(prediction, labels):
    return (prediction.argmax(axis=1) == labels) & ~np.isnan(prediction).any(axis=1)


def categorical_accuracy(prediction, target):
    return sparse_categorical_accuracy(prediction, target.argmax(axis=1))


def sparse_top_k_accuracy(prediction, labels, k):
    best = np.argsort(-prediction, axis=1, kind="stable")[:, :k]
    return (best == labels[:, None]).any(axis=1) & ~np.isnan(prediction).any(axis=1)


def top_k_accuracy(prediction, target, k):
    return sparse_top_k_accuracy(prediction, target.argmax(axis=1), k)


def binary_accuracy(logits, target):
    return (((logits > 0) == (target > 0.5)) & ~np.isnan(logits)).mean(axis=1)


def mean_squared_error_metric(prediction, target):
    return mean_squared_error(prediction, target)[0]


def mean_absolute_error(prediction, target):
    return np.abs(prediction - target).mean(axis=1)
