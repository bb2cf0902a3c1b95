"""The NumPy twin of every kernel: the mathematics as in the papers, in whatever precision the arguments have.

Tests call it with float64 or, where float64 results are checked to the last place, with np.longdouble.
"""

from statistics import NormalDist

import numpy as np
from arrays import wide

PI = wide("3.14159265358979323846264338327950288")

# --- Activations: the function, and its gradient from its output y (or its input x) and the gradient dy of the output -


def linear(x):
    return x


def linear_backward(y, dy):
    return dy


def relu(x):
    return np.maximum(x, 0)


def relu_backward(y, dy):
    return dy * (y > 0)


def leaky_relu(x):
    return np.where(x < 0, x / 100, x)


def leaky_relu_backward(y, dy):
    return dy * np.where(y > 0, 1, wide(0.01))


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def elu_backward(y, dy):
    return dy * np.where(y > 0, 1, y + 1)


SELU_SCALE, SELU_ALPHA = wide("1.0507009873554804934193349852946"), wide("1.6732632423543772848170429916717")


def selu(x):
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def selu_backward(y, dy):
    return dy * np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_backward(y, dy):
    return -dy * np.expm1(-y)


def softsign(x):
    return np.where(np.isinf(x), np.sign(x), x / (1 + np.where(np.isinf(x), 0, np.abs(x))))


def softsign_backward(y, dy):
    return dy * (1 - np.abs(y)) ** 2


def sigmoid(x):
    z = np.exp(-np.abs(x))
    return np.where(x < 0, z, 1) / (1 + z)


def sigmoid_backward(y, dy):
    return dy * y * (1 - y)


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def hard_sigmoid_backward(y, dy):
    return dy * ((y > 0) & (y < 1)) / 6


tanh = np.tanh


def tanh_backward(y, dy):
    return dy * (1 - y) * (1 + y)


def hard_tanh(x):
    return np.clip(x, -1, 1)


def hard_tanh_backward(y, dy):
    return dy * (np.abs(y) < 1)


def normal_density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * PI)


def normal_tail(x):
    """1 - Phi(x) for x >= 0: the series of Phi near 0, Laplace's continued fraction elsewhere."""
    near = np.minimum(x, 3)
    term = total = near
    for k in range(1, 60):
        term = term * near**2 / (2 * k + 1)
        total = total + term
    fraction = far = np.clip(x, 3, 200)
    for k in range(60, 0, -1):
        fraction = far + k / fraction
    return np.where(x < 3, wide(0.5) - normal_density(near) * total, normal_density(far) / fraction)


def at_finite(f):
    """With the limits at the infinities, where the formula says 0 * inf; all is settled long before 1e4."""
    return lambda x, *dy: f(np.clip(x, -wide(1e4), None if not dy else 1e4), *dy)


@at_finite
def gelu(x):
    tail = normal_tail(np.abs(x))
    return np.where(x < 0, x * tail, x - np.where(np.isinf(x), 0, x) * tail)


@at_finite
def gelu_backward(x, dy):
    tail = normal_tail(np.abs(x))
    return dy * (np.where(x < 0, tail, 1 - tail) + x * normal_density(x))


def gelu_tanh_argument(x):
    return 2 * np.sqrt(2 / PI) * (x + wide("0.044715") * x**3)


@at_finite
def gelu_tanh(x):
    return x * sigmoid(gelu_tanh_argument(x))


@at_finite
def gelu_tanh_backward(x, dy):
    u = gelu_tanh_argument(x)
    slope = 2 * np.sqrt(2 / PI) * (1 + 3 * wide("0.044715") * x**2)
    return dy * (sigmoid(u) + x * sigmoid(u) * sigmoid(-u) * slope)


@at_finite
def silu(x):
    return x * sigmoid(x)


@at_finite
def silu_backward(x, dy):
    return dy * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(y, dy):
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


# --- Dense layer ------------------------------------------------------------------------------------------------------


def dense_forward(x, kernel, bias=0, activation=linear):
    return activation(x @ kernel + bias)


def dense_backward(x, kernel, dy):
    """Gradients with respect to input, kernel and bias."""
    return dy @ kernel.T, x.T @ dy, dy.sum(axis=0)


# --- Normalisation: x is [n, channels, ...] or, with axis -1, [n, ..., channels] --------------------------------------


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


# --- PReLU and Maxout -------------------------------------------------------------------------------------------------


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


# --- Losses: (L_i of each row, d L_i / d prediction) ------------------------------------------------------------------


def penalty(w, l1, l2):
    return l1 * np.abs(w).sum() + l2 * (w**2).sum()


def max_norm(w, most, axis=0):
    return w * np.minimum(1, most / np.linalg.norm(w, axis=axis, keepdims=True))


def unit_norm(w, axis=0):
    return w / np.linalg.norm(w, axis=axis, keepdims=True)


def weight_normalized(v, g):
    return g * v / np.linalg.norm(v, axis=0)


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


# --- Metrics: the value of each row -----------------------------------------------------------------------------------


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


# --- Update rules: (w, g, slots, hyper, step) -> (change of w, new slots) ---------------------------------------------


def sgd(w, g, slots, hyper, step):
    return -hyper["learning_rate"] * g, {}


def momentum(w, g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return v, {"v": v}


def nesterov(w, g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return hyper["momentum"] * v - hyper["learning_rate"] * g, {"v": v}


def heavy_ball(w, g, slots, hyper, step, nesterov=False):
    whole = step == 1 and not hyper["dampen_first"]
    v = hyper["momentum"] * slots["v"] + (1 if whole else 1 - hyper["dampening"]) * g
    return -hyper["learning_rate"] * (g + hyper["momentum"] * v if nesterov else v), {"v": v}


def heavy_ball_nesterov(*arguments):
    return heavy_ball(*arguments, nesterov=True)


def adagrad(w, g, slots, hyper, step):
    s = slots["s"] + g**2
    return -hyper["learning_rate"] * g / (np.sqrt(s) + hyper["epsilon"]), {"s": s}


def adadelta(w, g, slots, hyper, step):
    rho, epsilon = hyper["rho"], hyper["epsilon"]
    g2 = rho * slots["g2"] + (1 - rho) * g**2
    dx = np.sqrt(slots["dx2"] + epsilon) / np.sqrt(g2 + epsilon) * g
    return -hyper["learning_rate"] * dx, {"g2": g2, "dx2": rho * slots["dx2"] + (1 - rho) * dx**2}


def rmsprop(w, g, slots, hyper, step, centered=False, velocity=None):
    rho, rate = hyper["rho"], hyper["learning_rate"]
    new = {"s": rho * slots["s"] + (1 - rho) * g**2}
    variance = new["s"]
    if centered:
        new["m"] = rho * slots["m"] + (1 - rho) * g
        variance = np.maximum(new["s"] - new["m"] ** 2, 0)
    r = g / (np.sqrt(variance) + hyper["epsilon"])
    if velocity is None:
        return -rate * r, new
    new["v"] = hyper["momentum"] * slots["v"] + r
    return -rate * (r + hyper["momentum"] * new["v"] if velocity == "nesterov" else new["v"]), new


def adam(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    new = {"m": beta_1 * slots["m"] + (1 - beta_1) * g, "v": beta_2 * slots["v"] + (1 - beta_2) * g**2}
    second = new["v"]
    if "vmax" in slots:
        second = new["vmax"] = np.maximum(slots["vmax"], second)
    m_hat, v_hat = new["m"] / (1 - beta_1**step), second / (1 - beta_2**step)
    change = -hyper["learning_rate"] * m_hat / (np.sqrt(v_hat) + hyper["epsilon"])
    return change - hyper["learning_rate"] * hyper.get("weight_decay", 0) * w, new


def adamax(w, g, slots, hyper, step):
    m = hyper["beta_1"] * slots["m"] + (1 - hyper["beta_1"]) * g
    u = np.maximum(hyper["beta_2"] * slots["u"], np.abs(g) + hyper["epsilon"])
    return -hyper["learning_rate"] * m / (1 - hyper["beta_1"] ** step) / u, {"m": m, "u": u}


def nadam(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    # After some thousand steps the product is 0, whatever its last factors are.
    steps = np.r_[1 : min(step, 10**4), step, step + 1]
    mu = beta_1 * (1 - 0.96 ** (steps * hyper["momentum_decay"]) / 2)
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * g**2
    ahead = mu[-1] * m / (1 - mu.prod()) + (1 - mu[-2]) * g / (1 - mu[:-1].prod())
    return -hyper["learning_rate"] * ahead / (np.sqrt(v / (1 - beta_2**step)) + hyper["epsilon"]), {"m": m, "v": v}


def radam(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**step)
    limit = 2 / (1 - beta_2) - 1
    rho = limit - 2 * step * beta_2**step / (1 - beta_2**step)
    if rho > 5:
        rectified = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        m_hat = m_hat * rectified * np.sqrt(1 - beta_2**step) / (np.sqrt(v) + hyper["epsilon"])
    return -hyper["learning_rate"] * m_hat, {"m": m, "v": v}


def lion(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    change = -hyper["learning_rate"] * np.sign(beta_1 * slots["m"] + (1 - beta_1) * g)
    return change, {"m": beta_2 * slots["m"] + (1 - beta_2) * g}


def look_ahead(w, g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return v, {"v": v, "theta": w}


def lamb(w, g, slots, hyper, step):
    u, new = adam(w, g, slots, hyper | {"learning_rate": -1.0}, step)  # with decay w in it
    ratio = np.linalg.norm(w) / np.linalg.norm(u) if w.any() and u.any() else 1.0
    return -hyper["learning_rate"] * ratio * u, new


def swats(w, g, slots, hyper, step, state):
    _, switch, ratio = state
    if not switch:
        return adam(w, g, slots, hyper, step)
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = (0.0 if step == switch + 1 else beta_1) * slots["m"] + g
    new = {"m": m, "v": beta_2 * slots["v"] + (1 - beta_2) * g**2}
    return -(1 - beta_1) * ratio * hyper["learning_rate"] * m, new


def delta_bar_delta(w, g, slots, hyper, step):
    agreement = np.sign(slots["delta_bar"]) * np.sign(g)
    rate = slots["rate"] + hyper["kappa"] * (agreement > 0) - hyper["phi"] * slots["rate"] * (agreement < 0)
    delta_bar = hyper["theta"] * slots["delta_bar"] + (1 - hyper["theta"]) * g
    return -hyper["learning_rate"] * rate * g, {"rate": rate, "delta_bar": delta_bar}


# --- Random numbers: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 -------------------------------

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
