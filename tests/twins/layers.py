"""Dense and periodic layers, normalisations (x is [n, channels, ...] or, with axis -1, [n, ..., channels]), PReLU and
Maxout."""

import numpy as np
from arrays import wide

from twins.activations import linear


def dense_forward(x, kernel, bias=0, activation=linear):
    return activation(x @ kernel + bias)


def dense_backward(x, kernel, dy):
    """Gradients with respect to input, kernel and bias."""
    return dy @ kernel.T, x.T @ dy, dy.sum(axis=0)


def channels_first(x, axis):
    """As [n, channels, space]."""
    x = np.moveaxis(x, axis, 1)
    return x.reshape(*x.shape[:2], int(np.prod(x.shape[2:])))


def back(x, shape, axis):
    """Inverse of `channels_first`."""
    return np.moveaxis(x.reshape(np.moveaxis(np.empty(shape, bool), axis, 1).shape), 1, axis)


def group_moments(x, groups, epsilon, axis=1, centred=True):
    """Mean and 1 / sqrt(variance + epsilon) of each sample and group, [n, groups]."""
    x = channels_first(x, axis)
    x = x.reshape(len(x), groups, -1)
    mean = x.mean(axis=2) * centred
    return mean, 1 / np.sqrt(((x - mean[..., None]) ** 2).mean(axis=2) + epsilon)


def group_xhat(x, groups, epsilon, axis=1, centred=True):
    """Normalised x as [n, groups, elements], and 1 / sqrt(variance + epsilon) as [n, groups, 1]."""
    mean, rstd = (m[..., None] for m in group_moments(x, groups, epsilon, axis, centred))
    return (channels_first(x, axis).reshape(len(x), groups, -1) - mean) * rstd, rstd


def group_norm_forward(x, groups, gamma, beta, epsilon, axis=1, centred=True):
    """Gamma and beta are [channels]."""
    xhat, _ = group_xhat(x, groups, epsilon, axis, centred)
    xhat = xhat.reshape(len(x), len(gamma), -1)
    return back(xhat * gamma[:, None] + beta[:, None], x.shape, axis)


def group_norm_backward(dy, x, groups, gamma, epsilon, axis=1, centred=True):
    """Gradients with respect to x, gamma and beta."""
    xhat, rstd = group_xhat(x, groups, epsilon, axis, centred)
    dy = channels_first(dy, axis)
    d = (dy * gamma[:, None]).reshape(xhat.shape)
    dx = rstd * (d - d.mean(axis=2, keepdims=True) * centred - xhat * (d * xhat).mean(axis=2, keepdims=True))
    dgamma = (dy * xhat.reshape(dy.shape)).sum(axis=(0, 2))
    return back(dx.reshape(dy.shape), x.shape, axis), dgamma, dy.sum(axis=(0, 2))


def batch_moments(x, axis=1):
    """Mean and biased variance of each channel."""
    x = channels_first(x, axis)
    mean = x.mean(axis=(0, 2))
    return mean, ((x - mean[:, None]) ** 2).mean(axis=(0, 2))


def batch_norm(x, mean, variance, gamma, beta, epsilon, axis=1):
    scale, shift = gamma / np.sqrt(variance + epsilon), beta
    y = (channels_first(x, axis) - mean[:, None]) * scale[:, None] + shift[:, None]
    return back(y, x.shape, axis)


def batch_norm_backward(dy, x, mean, variance, gamma, epsilon, axis=1, fixed=False):
    """Gradients with respect to x, gamma and beta; the moments are those of x unless they are fixed."""
    first, dy = channels_first(x, axis), channels_first(dy, axis)
    rstd = 1 / np.sqrt(variance + epsilon)
    xhat = (first - mean[:, None]) * rstd[:, None]
    dgamma, dbeta = (dy * xhat).sum(axis=(0, 2)), dy.sum(axis=(0, 2))
    level = 0 if fixed else (dbeta[:, None] + xhat * dgamma[:, None]) / (first.shape[0] * first.shape[2])
    return back((gamma * rstd)[:, None] * (dy - level), x.shape, axis), dgamma, dbeta


def prelu(x, alpha, axis=1):
    first = channels_first(x, axis)
    return back(np.where(first > 0, first, alpha[:, None] * first), x.shape, axis)


def prelu_backward(dy, x, alpha, axis=1):
    """Gradients with respect to x and alpha."""
    first, dy = channels_first(x, axis), channels_first(dy, axis)
    dx = np.where(first > 0, dy, alpha[:, None] * dy)
    return back(dx, x.shape, axis), np.where(first > 0, 0, dy * first).sum(axis=(0, 2))


def maxout(x, pieces):
    """The largest piece of each unit, and which one it is."""
    x = x.reshape(len(x), x.shape[1] // pieces, pieces)
    return x.max(axis=2), x.argmax(axis=2)


def maxout_backward(dy, piece, pieces):
    return (dy[..., None] * (piece[..., None] == np.arange(pieces))).reshape(len(dy), dy.shape[1] * pieces)


def sine_cosine_of_turns(t):
    """sin(2 pi t) and cos(2 pi t), in the precision of t."""
    quarters = np.rint(4 * t)
    u = (t - quarters / 4) * (8 * np.arctan(wide(1)))
    sine, cosine = np.sin(u), np.cos(u)
    places = (quarters % 4).astype(int)
    return (np.choose((places + shift) % 4, [sine, cosine, -sine, -cosine]) for shift in (0, 1))


def periodic(x, frequencies, phases=None):
    """Values and derivatives, [n, features, values]."""
    t = x[..., None] * frequencies + (0 if phases is None else phases / (8 * np.arctan(wide(1))))
    sine, cosine = sine_cosine_of_turns(t)
    if phases is not None:
        return cosine, -sine
    return np.concatenate([cosine, sine], 2), np.concatenate([-sine, cosine], 2)


def periodic_backward(dy, x, frequencies, derivative):
    """Gradients with respect to x, frequencies and phases."""
    n, features, count = *x.shape, frequencies.shape[1]
    du = (dy * derivative).reshape(n, features, dy.shape[2] // count, count).sum(2)
    turns = 8 * np.arctan(wide(1)) * du
    return (turns * frequencies).sum(2), (turns * x[..., None]).sum(0), du.sum(0)


def piecewise(x, bins):
    """How far each x [n, features] is through each of the bins of its feature, [n, all bins]."""
    parts = []
    for column, edges in zip(x.T, bins, strict=True):
        part = (column[:, None] - np.array(edges[:-1])) / np.diff(edges)
        part[:, :-1] = np.minimum(part[:, :-1], 1)
        part[:, 1:] = np.maximum(part[:, 1:], 0)
        parts.append(part)
    return np.concatenate(parts, 1)


def windows(size, width, step, padding):
    """The places inside of each window over an axis, as TensorFlow has them."""
    count = -(-size // step) if padding == "same" else (size - width) // step + 1
    before = max((count - 1) * step + width - size, 0) // 2 if padding == "same" else 0
    return [slice(max(0, i * step - before), min(size, i * step - before + width)) for i in range(count)]


def pool(kind, x, dy, window, strides, padding):
    """Values of pooling of [n, channels, ...], and the gradient with respect to x."""
    axes = [windows(*axis, padding) for axis in zip(x.shape[2:], window, strides, strict=True)]
    y, dx = np.empty(dy.shape, dy.dtype), np.zeros(x.shape, x.dtype)
    for place in np.ndindex(*map(len, axes)):
        part = (..., *(axis[i] for axis, i in zip(axes, place, strict=True)))
        values = x[part].reshape(*x.shape[:2], -1)
        y[(..., *place)] = values.max(2) if kind == "max" else values.mean(2)
        share = np.arange(values.shape[2]) == values.argmax(2)[..., None] if kind == "max" else 1 / values.shape[2]
        dx[part] += (dy[(..., *place)][..., None] * share * np.ones_like(values)).reshape(x[part].shape)
    return y, dx
