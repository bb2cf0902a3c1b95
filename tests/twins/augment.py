"""Images changed at random: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks", 2003."""

from statistics import NormalDist

import numpy as np

from twins.random import halves, normal_probability, philox4x32, uniform

KEY = 0xA0761D6478BD642F
PLACES = 128  # along each axis of a field


def at(image, y, x):
    """Image [height, width, channels] at coordinates [...], bilinear; 0 beyond the outermost pixels."""
    height, width = image.shape[:2]
    inside = (y >= 0) & (x >= 0) & (y <= height - 1) & (x <= width - 1)
    y, x = np.where(inside, y, 0), np.where(inside, x, 0)
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    padded = np.pad(image, ((0, 1), (0, 1), (0, 0)))
    fy, fx = (y - i)[..., None], (x - j)[..., None]
    upper = padded[i, j] * (1 - fx) + padded[i, j + 1] * fx
    lower = padded[i + 1, j] * (1 - fx) + padded[i + 1, j + 1] * fx
    return np.where(inside[..., None], upper * (1 - fy) + lower * fy, 0)


def smooth_field(stream, height, width, sigma):
    """U(-1, 1) convolved with a Gaussian, where it is whole."""
    radius = int(4 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    shape = height + 2 * radius, width + 2 * radius
    numbers = 2 * uniform(KEY, stream, shape[0] * shape[1], np.float64).reshape(shape) - 1
    for axis in (0, 1):
        numbers = np.lib.stride_tricks.sliding_window_view(numbers, len(weights), axis) @ weights
    return numbers


def normal(stream, count):
    return np.vectorize(NormalDist().inv_cdf, otypes=[float])(normal_probability(KEY, stream, count))


def augmented(images, seed, epoch, samples, flip=0.0, crop=0, rotation=0.0, distortion=None, noise=0.0):
    """Images [n, height, width, channels] of these samples."""
    _, height, width, channels = images.shape
    if distortion:
        fields = [distortion[0] * smooth_field(s, height + PLACES, width + PLACES, distortion[1]) for s in (0, 1)]
    if noise:
        places = max(8192, 8 * height * width * channels)
        pieces = [normal(s, places + height * width * channels) for s in (2, 3)]
    result = np.empty(images.shape)
    for image, to, sample in zip(images.astype(np.float64), result, samples, strict=True):
        words = philox_from(seed ^ KEY, sample, epoch << 32, 8)
        sign = [-1 if words[5] >> bit & 1 else 1 for bit in range(4)]
        offset = [(words[i] * (2 * crop + 1) >> 32) - crop for i in (1, 2)]
        angle = np.radians(rotation * (words[3] / 2**31 - 1))
        u, v = np.mgrid[:height, :width] - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
        side = -1 if words[0] / 2**32 < flip else 1
        y = (height - 1) / 2 + np.cos(angle) * u + np.sin(angle) * v + offset[0]
        x = (width - 1) / 2 + side * (np.cos(angle) * v - np.sin(angle) * u) + offset[1]
        if distortion:
            for k, coordinate in enumerate((y, x)):
                i, j = words[4] >> 16 * k & 127, words[4] >> 16 * k + 8 & 127
                coordinate += sign[k] * fields[k][i : i + height, j : j + width]
        if not rotation and not distortion:  # whole pixels
            y, x = np.rint(y), np.rint(x)
        to[:] = at(image, y, x)
        if noise:
            for k, piece in enumerate(pieces):
                place = words[6 + k] * places >> 32
                to += noise / np.sqrt(2) * sign[2 + k] * piece[place : place + to.size].reshape(to.shape)
    return result


def philox_from(seed, stream, block, count):
    """Words of a stream from a block on, as integers of Python."""
    blocks = block + np.arange(-(-count // 4), dtype=np.uint64)
    low, high = halves(stream)
    counter = (
        blocks & np.uint64(0xFFFFFFFF),
        blocks >> np.uint64(32),
        np.full_like(blocks, low),
        np.full_like(blocks, high),
    )
    return philox4x32(counter, halves(seed)).T.ravel()[:count].tolist()
