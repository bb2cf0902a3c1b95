"""Losses: (L_i of each row, d L_i / d prediction)."""

import numpy as np
from arrays import wide

from twins.activations import sigmoid, softmax


def log_sum_exp(x):
    top = x.max(axis=-1, keepdims=True)
    return (top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))[..., 0]


def one_hot(labels, classes, dtype=np.float64):
    return (labels[:, None] == np.arange(classes)).astype(dtype)


def sparse_categorical_crossentropy(logits, labels):
    rows = np.arange(len(labels))
    return log_sum_exp(logits) - logits[rows, labels], softmax(logits) - one_hot(labels, logits.shape[1], logits.dtype)


def categorical_crossentropy(logits, target):
    loss = (target * (log_sum_exp(logits)[:, None] - logits)).sum(axis=1)
    return loss, softmax(logits) * target.sum(axis=1, keepdims=True) - target


def kl_divergence(logits, target):
    loss, gradient = categorical_crossentropy(logits, target)
    return loss + (target * np.log(np.where(target > 0, target, 1))).sum(axis=1), gradient


def smooth(target, label_smoothing, share):
    return (1 - label_smoothing) * target + label_smoothing * share


def smoothed_sparse_categorical_crossentropy(logits, labels, label_smoothing):
    return smoothed_categorical_crossentropy(logits, one_hot(labels, logits.shape[1]), label_smoothing)


def smoothed_categorical_crossentropy(logits, target, label_smoothing):
    return categorical_crossentropy(logits, smooth(target, label_smoothing, wide(1) / logits.shape[1]))


def smoothed_binary_crossentropy(logits, target, label_smoothing):
    return binary_crossentropy(logits, smooth(target, label_smoothing, wide(0.5)))


def binary_crossentropy(logits, target):
    loss = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    return loss.mean(axis=1), (sigmoid(logits) - target) / logits.shape[1]


def mean_squared_error(prediction, target):
    difference = prediction - target
    return (difference**2).mean(axis=1), 2 * difference / prediction.shape[1]


def mean_absolute_error_loss(prediction, target):
    difference = prediction - target
    return np.abs(difference).mean(axis=1), np.sign(difference) / prediction.shape[1]


def huber(prediction, target, delta):
    difference = prediction - target
    size = np.abs(difference)
    loss = np.where(size <= delta, difference**2 / 2, delta * (size - delta / 2))
    return loss.mean(axis=1), np.clip(difference, -delta, delta) / prediction.shape[1]


def quantile(prediction, target, quantiles):
    d = target - prediction
    q = np.resize(np.asarray(quantiles, prediction.dtype), prediction.shape[1])
    return np.where(d > 0, q * d, (q - 1) * d).mean(axis=1), ((d < 0) - q * (d != 0)) / prediction.shape[1]


def log_cosh(prediction, target):
    difference = prediction - target
    size = np.abs(difference)
    loss = np.where(
        size < 1, np.log1p(2 * np.sinh(np.minimum(size, 1) / 2) ** 2), np.logaddexp(size, -size) - np.log(2)
    )
    return loss.mean(axis=1), np.tanh(difference) / prediction.shape[1]


def hinge(prediction, target):
    margin = 1 - target * prediction
    return np.maximum(margin, 0).mean(axis=1), -target * (margin > 0) / prediction.shape[1]


def squared_hinge(prediction, target):
    margin = np.maximum(1 - target * prediction, 0)
    return (margin**2).mean(axis=1), -2 * target * margin / prediction.shape[1]


def poisson(log_rate, target):
    rate = np.exp(log_rate)
    return (rate - target * log_rate).mean(axis=1), (rate - target) / log_rate.shape[1]
